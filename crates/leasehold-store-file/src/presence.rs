//! One request's proof of life, and the place where it is woken.

use crate::homes::{Home, command_path, joined_path, lease_path, wake_path};
use crate::joined::{self, Inside};
use crate::log::{retry, write_all};
use crate::record::Content;
use crate::shared::Shared;
use crate::watch::Watch;
use leasehold_core::{LeaseId, Timestamp};
use leasehold_store::{Presence, StoreError, Watched, Woken};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::{Errno, FdFlags};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The lowest number of the descriptor that a command inherits: above those that shells and programs
/// use for themselves.
const INHERITED_MIN: i32 = 64;
/// How many are watched at once, a descriptor each. Of more (the holders of a large pool) the others'
/// ends are seen at the next look.
const WATCHES_MAX: usize = 64;
/// How often and how long an id's lock is tried for: only somebody who looks whether it lives can have
/// it, for a moment.
pub(crate) const LOCK_TRIES: u32 = 50;
pub(crate) const LOCK_NAP: Duration = Duration::from_millis(1);

/// The presence of one request.
#[derive(Debug)]
pub(crate) struct FilePresence {
    shared: Arc<Shared>,
    id: LeaseId,
    /// Locked from here to the end. Never inherited.
    holder: Arc<OwnedFd>,
    /// Our copy of what the command inherits.
    command: Option<OwnedFd>,
    command_has_ended: bool,
    calls: Option<OwnedFd>,
    watches: Vec<Watch>,
}

impl FilePresence {
    /// Creates and locks the file of an id. It begins as an empty record, so that a full disk is noticed
    /// here and not after the grant.
    pub(crate) fn attend(shared: &Arc<Shared>, id: LeaseId) -> Result<Self, StoreError> {
        let path = lease_path(id);
        let fail = |action, errno| StoreError::io(action, shared.root.join(&path), errno);
        for _ in 0..LOCK_TRIES {
            let (file, is_new) = match shared.root.create_file(&path) {
                // The same request once more, after an answer that was lost.
                Err(Errno::EXIST) => match shared.root.open_file(&path, OFlags::RDWR) {
                    Err(Errno::NOENT) => continue,
                    opened => (opened.map_err(|errno| fail("open", errno))?, false),
                },
                created => (created.map_err(|errno| fail("create", errno))?, true),
            };
            match retry(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    thread::sleep(LOCK_NAP);
                    continue;
                }
                Err(errno) => return Err(fail("lock", errno)),
            }
            // Between the open and the lock it looked dead, and may have been removed as such.
            let stat = rustix::fs::fstat(&file).map_err(|errno| fail("look at", errno))?;
            if stat.st_nlink == 0 {
                continue;
            }
            if is_new || stat.st_size == 0 {
                let empty = Content::default().encode(&Home::Lease(id), 0);
                if let Err(errno) = write_all(&file, 0, &empty) {
                    let _ = shared.root.unlink(&path);
                    return Err(fail("write", errno));
                }
            }
            let holder = Arc::new(file);
            shared.attended.insert(id, Arc::clone(&holder));
            let shared = Arc::clone(shared);
            return Ok(Self {
                shared,
                id,
                holder,
                command: None,
                command_has_ended: false,
                calls: None,
                watches: Vec::new(),
            });
        }
        let detail = "another process attends the same request".into();
        Err(StoreError::Damaged {
            path: shared.root.join(&path),
            detail,
        })
    }

    fn fail(&self, action: &'static str, path: &str, errno: Errno) -> StoreError {
        StoreError::io(action, self.shared.root.join(path), errno)
    }

    /// Makes a FIFO and opens it: to write too, else it would hang up for its readers, who may be us, with
    /// the first caller that closes it. One that cannot be opened is removed again.
    fn open_fifo(&self, path: &str) -> Result<OwnedFd, StoreError> {
        match self.shared.root.create_fifo(path) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.fail("create", path, errno)),
        }
        let flags = OFlags::RDWR | OFlags::NONBLOCK;
        let fifo = self.shared.root.open_file(path, flags);
        fifo.map_err(|errno| {
            let _ = self.shared.root.unlink(path);
            self.fail("open", path, errno)
        })
    }

    /// A FIFO and not a file, so that its end can be polled for.
    fn make_command(&self) -> Result<OwnedFd, StoreError> {
        let path = command_path(self.id);
        let file = self.open_fifo(&path)?;
        // Somebody who looks whether the command lives may have the lock for a moment.
        for _ in 0..LOCK_TRIES {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(Errno::WOULDBLOCK) => thread::sleep(LOCK_NAP),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.fail_to_lock(&path, errno)),
            }
        }
        Err(self.fail_to_lock(&path, Errno::WOULDBLOCK))
    }

    /// A FIFO that nobody will use goes with the error: nobody would know of it at the end.
    fn fail_to_lock(&self, path: &str, errno: Errno) -> StoreError {
        let _ = self.shared.root.unlink(path);
        self.fail("lock", path, errno)
    }

    /// Watches these, and nobody else. Watches that go on are kept.
    fn watch(&mut self, targets: &[Watched]) -> Result<(), StoreError> {
        let targets = &targets[..targets.len().min(WATCHES_MAX)];
        self.watches
            .retain(|watch| targets.contains(&watch.target()));
        for target in targets {
            if !self.watches.iter().any(|watch| watch.target() == *target) {
                self.watches.push(Watch::begin(&self.shared.root, *target)?);
            }
        }
        Ok(())
    }

    /// Sleeps until one of the descriptors is readable, or for a time.
    fn poll(
        &self,
        interrupt: Option<BorrowedFd<'_>>,
        wait_ms: Option<u64>,
    ) -> Result<Option<Woken>, StoreError> {
        let calls = self.calls.as_ref();
        let calls = calls.map(|calls| (calls.as_fd(), PollFlags::IN, Woken::Called));
        let watched = self.watches.iter().map(Watch::ended);
        let watched = watched.map(|(ended, event)| (ended, event, Woken::Watch));
        let interrupt = interrupt.map(|interrupt| (interrupt, PollFlags::IN, Woken::Interrupt));
        let sources: Vec<_> = calls.into_iter().chain(watched).chain(interrupt).collect();
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .map(|(fd, event, _)| PollFd::from_borrowed_fd(*fd, *event))
            .collect();
        // A time too far away to be said is never reached in one sleep.
        let timeout = wait_ms.map(Duration::from_millis);
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // A signal by itself says nothing: one that should end the wait makes the interrupt readable.
        retry(|| rustix::event::poll(&mut fds, timeout.as_ref()))
            .map_err(|errno| self.fail("wait at", &wake_path(self.id), errno))?;
        let ready = fds.iter().position(|fd| !fd.revents().is_empty());
        Ok(ready.map(|place| sources[place].2))
    }
}

/// Copies a proof of life for a command to inherit, or says what could not be done.
pub(crate) fn inheritable(proof: &OwnedFd) -> Result<OwnedFd, (&'static str, Errno)> {
    let copy = rustix::io::fcntl_dupfd_cloexec(proof, INHERITED_MIN).and_then(|copy| {
        rustix::io::fcntl_setfd(&copy, FdFlags::empty())?;
        Ok(copy)
    });
    // The only thing wrong about the number can be the limit.
    copy.map_err(|errno| match errno {
        Errno::INVAL => ("open as descriptor 64 or higher (raise `ulimit -n`)", errno),
        _ => ("copy the descriptor of", errno),
    })
}

impl Presence for FilePresence {
    /// The descriptor is ready to be inherited: it is not closed on exec, so it should be dropped as soon
    /// as the command has started.
    fn command_proof(&mut self) -> Result<Option<OwnedFd>, StoreError> {
        let command = match self.command.take() {
            Some(command) => command,
            None => self.make_command()?,
        };
        let copy = inheritable(&command);
        self.command = Some(command);
        copy.map(Some)
            .map_err(|(action, errno)| self.fail(action, &command_path(self.id), errno))
    }

    /// The command's lock goes first: see `joined`.
    fn command_ended(&mut self) -> Result<Option<OwnedFd>, StoreError> {
        if let Some(command) = &self.command {
            let _ = rustix::fs::flock(command, FlockOperation::Unlock);
            self.command_has_ended = true;
        }
        let (root, path) = (&self.shared.root, joined_path(self.id));
        let inside = joined::inside(root, self.id);
        match inside.map_err(|errno| self.fail("look at", &path, errno))? {
            Inside::Nobody => Ok(None),
            Inside::Left => {
                let _ = root.unlink(&path);
                Ok(None)
            }
            Inside::Taken(fifo) => Ok(Some(fifo)),
        }
    }

    fn listen(&mut self) -> Result<(), StoreError> {
        if self.calls.is_some() {
            return Ok(());
        }
        let fifo = self.open_fifo(&wake_path(self.id))?;
        // Says that its end will be seen here. Where somebody just looks at it, it is watched otherwise.
        let _ = rustix::fs::flock(&fifo, FlockOperation::NonBlockingLockExclusive);
        self.calls = Some(fifo);
        Ok(())
    }

    fn sleep(
        &mut self,
        watch: &[Watched],
        until: Option<Timestamp>,
        interrupt: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, StoreError> {
        self.watch(watch)?;
        let now = until.map(|_| self.shared.now()).transpose()?;
        let wait_ms = until.zip(now).map(|(until, now)| until.millis_since(now));
        let woken = self.poll(interrupt, wait_ms)?.unwrap_or(Woken::Time);
        match woken {
            Woken::Called => self.clear_calls(),
            Woken::Watch => self.watches.clear(),
            Woken::Time | Woken::Interrupt => {}
        }
        Ok(woken)
    }

    fn call_fd(&self) -> Option<BorrowedFd<'_>> {
        self.calls.as_ref().map(AsFd::as_fd)
    }

    fn clear_calls(&mut self) {
        let Some(calls) = &self.calls else {
            return;
        };
        let mut bytes = [0; 256];
        while retry(|| rustix::io::read(calls, &mut bytes)).is_ok_and(|count| count == bytes.len())
        {
        }
    }

    /// First the locks are given back in so many words (a daemon that the command left behind may still
    /// have the descriptor), which is what those see who watch; then the files go.
    ///
    /// The race: we here, and somebody inside the mutex who empties our record. It emptied it and saw us
    /// alive: then we unlock after that, read an empty record, and remove it. We unlocked first: then it
    /// sees us dead, and removes it. A record that is not empty stays: it is not ours alone (waiters
    /// inside the lease), or the lease is standing; whoever empties it finds us dead.
    fn end(self: Box<Self>) {
        let root = &self.shared.root;
        let unlock = |file: &OwnedFd| rustix::fs::flock(file, FlockOperation::Unlock);
        let _ = unlock(&self.holder);
        let mut others = Vec::new();
        if let Some(command) = &self.command {
            if !self.command_has_ended {
                let _ = unlock(command);
            }
            others.push(command_path(self.id));
        }
        others.extend(self.calls.is_some().then(|| wake_path(self.id)));
        let gone = others.iter().map(|path| root.unlink(path));
        if gone.filter(Result::is_err).count() > 0 {
            // They are found by the record, which stays too: all of them are swept later.
            return;
        }
        let mut bytes = vec![0; 4096];
        let count = retry(|| rustix::io::pread(&self.holder, &mut bytes, 0)).unwrap_or(0);
        if Content::decode(&bytes[..count]).is_ok_and(|(_, content)| content.is_empty()) {
            // Whatever cannot be removed is swept later.
            let _ = root.unlink(&lease_path(self.id));
        }
    }
}

impl Drop for FilePresence {
    fn drop(&mut self) {
        self.shared.attended.remove(self.id);
    }
}
