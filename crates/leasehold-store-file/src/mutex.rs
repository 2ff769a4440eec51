//! The one lock under which things change: a kernel lock on the file `mutex`.
//!
//! Uncontended it is one system call. Contended it is tried again after a few short naps, because
//! whoever is inside stays for tens of microseconds; then a helper thread waits for it in the kernel's
//! queue. A blocking `flock` alone could not be given a bound without signals, and napping on, hundreds
//! of waiters would use up the processor that the one inside needs. Each stay has a file description
//! of its own, so threads of one process exclude each other like processes do.

use crate::header::{HEADER_BYTES, INSIDE_OFFSET};
use crate::log::{retry, write_all};
use crate::root::Root;
use leasehold_core::planted::Bug;
use leasehold_store::StoreError;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, process, thread};

/// The file, relative to the root.
pub(crate) const MUTEX: &str = "mutex";

/// How often it is tried before it is queued for: after these naps and then at once.
const NAPS: [Duration; 3] = [
    Duration::from_micros(20),
    Duration::from_micros(50),
    Duration::from_micros(100),
];
/// The helper thread does nothing but wait.
const STACK_BYTES: usize = 64 * 1024;

/// The way in.
#[derive(Debug)]
pub(crate) struct Gate {
    wait: Duration,
    /// That of the last stay, kept open for the next. A forked copy of us shares the file description,
    /// and with it the lock, so it has to open its own.
    idle: Mutex<Option<Opened>>,
    is_writable: bool,
}

/// An open `mutex`, and the process that opened it.
#[derive(Debug)]
struct Opened {
    by: u32,
    file: OwnedFd,
}

/// A stay inside. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    gate: &'a Gate,
    /// Always there until it is dropped.
    opened: Option<Opened>,
}

impl Gate {
    /// Opens `mutex`, which is created where it is missing: empty, and thereby asking whoever is
    /// inside first to begin the workspace, or to find again what there was.
    pub(crate) fn open(root: &mut Root, wait: Duration) -> Result<Self, StoreError> {
        let fail = |errno: Errno, root: &Root| StoreError::io("open", root.join(MUTEX), errno);
        let (file, is_writable) = match root.open_file(MUTEX, OFlags::RDWR) {
            Ok(file) => (file, true),
            Err(Errno::NOENT) => {
                root.furnish()?;
                // Several may come here at once: all get the same file.
                (
                    root.open_or_create(MUTEX)
                        .map_err(|errno| fail(errno, root))?,
                    true,
                )
            }
            // Whoever may only read may still look.
            Err(errno @ (Errno::ACCESS | Errno::ROFS | Errno::PERM)) => {
                let file = root.open_file(MUTEX, OFlags::RDONLY);
                (file.map_err(|_| fail(errno, root))?, false)
            }
            Err(errno) => return Err(fail(errno, root)),
        };
        Ok(Self {
            wait,
            idle: Mutex::new(Some(Opened {
                by: process::id(),
                file,
            })),
            is_writable,
        })
    }

    pub(crate) const fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Returns the header's bytes without going inside.
    pub(crate) fn peek(&self, root: &Root) -> Result<[u8; HEADER_BYTES], StoreError> {
        let opened = self.opened(root)?;
        let bytes = read_header(&opened.file);
        self.keep(opened);
        bytes.map_err(|e| StoreError::io("read", root.join(MUTEX), e))
    }

    /// Goes inside.
    pub(crate) fn enter(&self, root: &Root) -> Result<Inside<'_>, StoreError> {
        if !self.is_writable {
            return Err(StoreError::io("write to", root.join(MUTEX), Errno::ACCESS));
        }
        let opened = self.opened(root)?;
        self.lock(root, &opened.file)?;
        let inside = Inside {
            gate: self,
            opened: Some(opened),
        };
        inside.check_present(root)?;
        Ok(inside)
    }

    fn opened(&self, root: &Root) -> Result<Opened, StoreError> {
        let by = process::id();
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(opened) = idle.filter(|opened| opened.by == by) {
            return Ok(opened);
        }
        let flags = if self.is_writable {
            OFlags::RDWR
        } else {
            OFlags::RDONLY
        };
        let file = root.open_file(MUTEX, flags);
        let file = file.map_err(|errno| StoreError::io("open", root.join(MUTEX), errno))?;
        Ok(Opened { by, file })
    }

    fn keep(&self, opened: Opened) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
    }

    fn lock(&self, root: &Root, file: &OwnedFd) -> Result<(), StoreError> {
        if Bug::SkipMutex.is_planted() {
            return Ok(());
        }
        let fail = |errno| StoreError::io("lock", root.join(MUTEX), errno);
        let try_once =
            || match retry(|| rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive)) {
                Err(Errno::WOULDBLOCK) => Ok(false),
                tried => tried.map(|()| true),
            };
        if try_once().map_err(fail)? {
            return Ok(());
        }
        let since = Instant::now();
        for nap in NAPS {
            thread::sleep(nap);
            if try_once().map_err(fail)? {
                return Ok(());
            }
        }
        let wait = self.wait.saturating_sub(since.elapsed());
        if Queued::begin(file)
            .map_err(fail)?
            .wait(wait)
            .map_err(fail)?
        {
            return Ok(());
        }
        Err(busy(root, file, since.elapsed()))
    }
}

/// A place in the kernel's queue for the lock, taken by a helper thread with a copy of the descriptor:
/// the lock belongs to the file description, so what the thread gets we have.
struct Queued {
    outcome: Arc<(Mutex<Outcome>, Condvar)>,
}

enum Outcome {
    Waiting,
    Got(Result<(), Errno>),
    GivenUp,
}

impl Queued {
    fn begin(file: &OwnedFd) -> Result<Self, Errno> {
        let copy = rustix::io::fcntl_dupfd_cloexec(file, 0)?;
        let outcome = Arc::new((Mutex::new(Outcome::Waiting), Condvar::new()));
        let theirs = Arc::clone(&outcome);
        let helper = move || {
            let got = retry(|| rustix::fs::flock(&copy, FlockOperation::LockExclusive));
            let (outcome, told) = &*theirs;
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            // The race: the lock comes just when the bound is reached. This one mutex decides it:
            // either they are told, and have it, or they gave up, and it goes back at once.
            if matches!(*outcome, Outcome::GivenUp) {
                let _ = rustix::fs::flock(&copy, FlockOperation::Unlock);
            } else {
                *outcome = Outcome::Got(got);
                told.notify_one();
            }
        };
        let thread = thread::Builder::new()
            .name("leasehold-mutex".into())
            .stack_size(STACK_BYTES);
        thread.spawn(helper).map_err(|_| Errno::AGAIN)?;
        Ok(Self { outcome })
    }

    /// Waits for the lock; returns whether it came.
    fn wait(&self, wait: Duration) -> Result<bool, Errno> {
        let (outcome, told) = &*self.outcome;
        let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |outcome: &mut Outcome| matches!(outcome, Outcome::Waiting);
        let waited = told.wait_timeout_while(outcome, wait, waits);
        let (mut outcome, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match *outcome {
            Outcome::Got(got) => got.map(|()| true),
            Outcome::Waiting | Outcome::GivenUp => {
                *outcome = Outcome::GivenUp;
                Ok(false)
            }
        }
    }
}

impl Inside<'_> {
    fn opened(&self) -> &Opened {
        self.opened
            .as_ref()
            .expect("a stay has its file until it is dropped")
    }

    fn file(&self) -> &OwnedFd {
        &self.opened().file
    }

    /// Refuses to go on in a directory that somebody removed: those who come now are in another one,
    /// and would not exclude us.
    fn check_present(&self, root: &Root) -> Result<(), StoreError> {
        let stat = rustix::fs::fstat(self.file());
        let stat = stat.map_err(|errno| StoreError::io("look at", root.join(MUTEX), errno))?;
        if stat.st_nlink > 0 {
            return Ok(());
        }
        let detail = "it was removed while it was in use".into();
        Err(StoreError::Damaged {
            path: root.path().into(),
            detail,
        })
    }

    /// Returns the header's bytes.
    pub(crate) fn read(&self) -> Result<[u8; HEADER_BYTES], Errno> {
        read_header(self.file())
    }

    /// Writes the header.
    pub(crate) fn write(&self, bytes: &[u8; HEADER_BYTES]) -> Result<(), Errno> {
        write_all(self.file(), 0, bytes)
    }

    /// Leaves the name of this process, for those who wait too long. Only a message depends on it.
    pub(crate) fn sign(&self) {
        let line = format!("inside: pid {:010}\n", self.opened().by);
        let _ = write_all(self.file(), INSIDE_OFFSET, line.as_bytes());
    }

    pub(crate) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(self.file())
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // Unlocked in so many words: a copy of the descriptor in a child that has just been forked must
        // not keep the next one out. A file that cannot be unlocked is closed.
        if let Some(opened) = self.opened.take()
            && rustix::fs::flock(&opened.file, FlockOperation::Unlock).is_ok()
        {
            self.gate.keep(opened);
        }
    }
}

fn read_header(file: &OwnedFd) -> Result<[u8; HEADER_BYTES], Errno> {
    let mut bytes = [0; HEADER_BYTES];
    retry(|| rustix::io::pread(file, &mut bytes, 0))?;
    Ok(bytes)
}

fn busy(root: &Root, file: &OwnedFd, waited: Duration) -> StoreError {
    let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    StoreError::Busy {
        path: root.join(MUTEX),
        by: who_is_inside(file),
        waited_ms,
    }
}

/// Names the process that has the lock, as the kernel lists it. It lists those only that this process
/// could see; of others there is the name that the last one to sign left, which may be older than the
/// stay of whoever is inside, and a number of another process namespace.
fn who_is_inside(file: &OwnedFd) -> String {
    if let Some(pid) = holder(file) {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        return match command.trim() {
            "" => format!("process {pid}"),
            command => format!(
                "process {pid} ({})",
                command.chars().take(100).collect::<String>()
            ),
        };
    }
    let mut bytes = [0; 64];
    let count = retry(|| rustix::io::pread(file, &mut bytes, INSIDE_OFFSET)).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    let pid = text
        .strip_prefix("inside: pid ")
        .and_then(|rest| rest.lines().next());
    match pid.and_then(|digits| digits.parse::<u32>().ok()) {
        Some(pid) => format!(
            "a process that cannot be seen from here (the last that said it went in, and may have left, \
             was {pid} by its own count)"
        ),
        None => "a process that cannot be seen from here".into(),
    }
}

/// Returns the process that has the lock on a file, by the kernel's list (proc_locks(5)). On file systems
/// with several devices the list has other numbers, and nobody is found.
fn holder(file: &OwnedFd) -> Option<u32> {
    let stat = rustix::fs::fstat(file).ok()?;
    let (major, minor) = (
        rustix::fs::major(stat.st_dev),
        rustix::fs::minor(stat.st_dev),
    );
    let name = format!("{major:02x}:{minor:02x}:{}", stat.st_ino);
    holder_in(&fs::read_to_string("/proc/locks").ok()?, &name)
}

/// Finds who has a file alone. Those who wait have an arrow before their kind of lock.
fn holder_in(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, found, ..] = words[..] else {
            return None;
        };
        let pid: u32 = pid.parse().ok()?;
        (found == file && pid > 0).then_some(pid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_in_the_kernels_list() {
        let locks = "\
1: POSIX  ADVISORY  WRITE 11 08:02:77 0 EOF
2: FLOCK  ADVISORY  READ  12 08:02:77 0 EOF
3: FLOCK  ADVISORY  WRITE 13 08:02:78 0 EOF
4: FLOCK  ADVISORY  WRITE 14 08:02:77 0 EOF
4: -> FLOCK  ADVISORY  WRITE 15 08:02:78 0 EOF
5: FLOCK  ADVISORY  WRITE 0 08:02:79 0 EOF
";
        assert_eq!(holder_in(locks, "08:02:77"), Some(14));
        assert_eq!(holder_in(locks, "08:02:78"), Some(13));
        assert_eq!(holder_in(locks, "08:02:79"), None);
        assert_eq!(holder_in("", "08:02:77"), None);
    }
}
