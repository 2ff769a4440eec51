//! The one lock under which things change: a kernel lock on the file `mutex`.
//!
//! Uncontended it is one system call. Contended it is tried again after short, growing naps with a
//! random part: a blocking `flock` cannot be given a bound without signals or a thread, and whoever is
//! inside stays for tens of microseconds. Each stay has a file description of its own, so threads of
//! one process exclude each other like processes do.

use crate::header::{HEADER_BYTES, INSIDE_OFFSET};
use crate::log::{retry, write_all};
use crate::root::Root;
use leasehold_store::StoreError;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, process, thread};

/// The file, relative to the root.
pub(crate) const MUTEX: &str = "mutex";

/// How often it is tried at once: who is inside is often about to leave.
const TRIES_AT_ONCE: u32 = 3;
/// The first nap: about one stay inside. (The kernel adds some 50 µs of its own.)
const NAP_MIN: Duration = Duration::from_micros(20);
/// The longest nap: a hundred waiters then look at the lock a hundred times in a millisecond, which
/// costs a tenth of one processor.
const NAP_MAX: Duration = Duration::from_millis(1);

/// The way in.
#[derive(Debug)]
pub(crate) struct Gate {
    wait: Duration,
    /// The file of the last stay, kept open for the next, and the process that opened it: a forked copy
    /// of us shares the file description, and with it the lock, so it has to open its own.
    idle: Mutex<Option<(u32, OwnedFd)>>,
    is_writable: bool,
}

/// A stay inside. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    gate: &'a Gate,
    /// Always there until it is dropped.
    file: Option<OwnedFd>,
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
            idle: Mutex::new(Some((process::id(), file))),
            is_writable,
        })
    }

    pub(crate) const fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Returns the header's bytes without going inside.
    pub(crate) fn peek(&self, root: &Root) -> Result<[u8; HEADER_BYTES], StoreError> {
        let file = self.file(root)?;
        let bytes = read_header(&file).map_err(|e| StoreError::io("read", root.join(MUTEX), e));
        self.keep(file);
        bytes
    }

    /// Goes inside.
    pub(crate) fn enter(&self, root: &Root) -> Result<Inside<'_>, StoreError> {
        if !self.is_writable {
            return Err(StoreError::io("write to", root.join(MUTEX), Errno::ACCESS));
        }
        let file = self.file(root)?;
        self.lock(root, &file)?;
        let inside = Inside {
            gate: self,
            file: Some(file),
        };
        inside.check_present(root)?;
        Ok(inside)
    }

    fn file(&self, root: &Root) -> Result<OwnedFd, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let idle = idle
            .filter(|(opener, _)| *opener == process::id())
            .map(|(_, file)| file);
        let flags = if self.is_writable {
            OFlags::RDWR
        } else {
            OFlags::RDONLY
        };
        idle.map_or_else(|| root.open_file(MUTEX, flags), Ok)
            .map_err(|errno| StoreError::io("open", root.join(MUTEX), errno))
    }

    fn keep(&self, file: OwnedFd) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some((process::id(), file));
    }

    fn lock(&self, root: &Root, file: &OwnedFd) -> Result<(), StoreError> {
        let (mut tries, mut since, mut nap) = (0, None, NAP_MIN);
        loop {
            match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(()),
                Err(Errno::WOULDBLOCK) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(StoreError::io("lock", root.join(MUTEX), errno)),
            }
            tries += 1;
            if tries < TRIES_AT_ONCE {
                thread::yield_now();
                continue;
            }
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            if waited >= self.wait {
                return Err(busy(root, file, waited));
            }
            // A random part, lest those who came together go on trying together.
            let part = (waited.subsec_nanos() ^ process::id()) % 64;
            thread::sleep(nap * (64 + part) / 96);
            nap = (nap * 3 / 2).min(NAP_MAX);
        }
    }
}

impl Inside<'_> {
    fn file(&self) -> &OwnedFd {
        self.file
            .as_ref()
            .expect("a stay has its file until it is dropped")
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
        let line = format!("inside: pid {:010}\n", process::id());
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
        if let Some(file) = self.file.take()
            && rustix::fs::flock(&file, FlockOperation::Unlock).is_ok()
        {
            self.gate.keep(file);
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

/// Names the process that was the last to go inside, as its own process namespace numbers it.
fn who_is_inside(file: &OwnedFd) -> String {
    let mut bytes = [0; 64];
    let count = retry(|| rustix::io::pread(file, &mut bytes, INSIDE_OFFSET)).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    let pid = text
        .strip_prefix("inside: pid ")
        .and_then(|rest| rest.lines().next());
    let Some(pid) = pid.and_then(|digits| digits.parse::<u32>().ok()) else {
        return "another process".into();
    };
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    match command.trim() {
        "" => format!("process {pid}"),
        command => format!(
            "process {pid} ({})",
            command.chars().take(100).collect::<String>()
        ),
    }
}
