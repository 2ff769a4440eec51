//! Work inside a lease by others than its command: guards that joined it.
//!
//! A guard inside another one that covers it has no lease of its own. What it runs is protected by the
//! outer lease alone, so that lease has to stay until it has ended too, even where the outer command ends
//! before it. Everybody who takes part shares the lock on one FIFO beside the lease.
//!
//! The race between an end and a join is Dekker's: the outer guard first gives the command's lock back
//! and looks for those inside then; whoever joins first takes its share and looks for the command's lock
//! then. One of them sees the other.

use crate::homes::{command_path, joined_path};
use crate::life::pulse;
use crate::log::retry;
use crate::presence::{LOCK_NAP, LOCK_TRIES, inheritable};
use crate::root::Root;
use crate::shared::Shared;
use leasehold_core::LeaseId;
use leasehold_core::view::Pulse;
use leasehold_store::{Join, Joined, StoreError};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;

/// A share in a lease.
#[derive(Debug)]
struct Share {
    shared: Arc<Shared>,
    path: String,
    fifo: OwnedFd,
}

impl Joined for Share {
    fn command_proof(&self) -> Result<OwnedFd, StoreError> {
        inheritable(&self.fifo).map_err(|(action, errno)| {
            StoreError::io(action, self.shared.root.join(&self.path), errno)
        })
    }
}

impl Drop for Share {
    /// In so many words: a daemon that the command left behind may still have the descriptor.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.fifo, FlockOperation::Unlock);
    }
}

/// Takes part in a lease.
pub(crate) fn join(shared: &Arc<Shared>, id: LeaseId) -> Result<Join, StoreError> {
    let path = joined_path(id);
    let fail = |action, errno| StoreError::io(action, shared.root.join(&path), errno);
    for _ in 0..LOCK_TRIES {
        match shared.root.create_fifo(&path) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(fail("create", errno)),
        }
        let fifo = match shared
            .root
            .open_file(&path, OFlags::RDWR | OFlags::NONBLOCK)
        {
            Err(Errno::NOENT) => continue,
            opened => opened.map_err(|errno| fail("open", errno))?,
        };
        match retry(|| rustix::fs::flock(&fifo, FlockOperation::NonBlockingLockShared)) {
            Ok(()) => {}
            // Somebody looks whether anybody is inside.
            Err(Errno::WOULDBLOCK) => {
                thread::sleep(LOCK_NAP);
                continue;
            }
            Err(errno) => return Err(fail("lock", errno)),
        }
        let stat = rustix::fs::fstat(&fifo).map_err(|errno| fail("look at", errno))?;
        if stat.st_nlink == 0 {
            continue;
        }
        let share = Share {
            shared: Arc::clone(shared),
            path,
            fifo,
        };
        return Ok(match pulse(&shared.root, &command_path(id)) {
            Pulse::Dead => Join::Over,
            Pulse::Alive | Pulse::Unknown => Join::Inside(Some(Box::new(share))),
        });
    }
    Err(fail("lock", Errno::WOULDBLOCK))
}

/// Who takes part in a lease.
pub(crate) enum Inside {
    /// Nobody ever did.
    Nobody,
    /// Nobody does any more.
    Left,
    /// Somebody does. The FIFO is hung up when the last of them is gone.
    Taken(OwnedFd),
}

/// Looks who takes part in a lease.
pub(crate) fn inside(root: &Root, id: LeaseId) -> Result<Inside, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let fifo = match root.open_file(&joined_path(id), flags) {
        Err(Errno::NOENT) => return Ok(Inside::Nobody),
        opened => opened?,
    };
    // Whoever takes part has it open to write as well, so without a writer it is at its end. Nothing is
    // ever in it. Looked at before the lock: somebody who only looks, and is stopped just then, has that.
    if retry(|| rustix::io::read(&fifo, &mut [0; 1])) == Ok(0) {
        return Ok(Inside::Left);
    }
    match retry(|| rustix::fs::flock(&fifo, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(Inside::Left),
        Err(Errno::WOULDBLOCK) => Ok(Inside::Taken(fifo)),
        Err(errno) => Err(errno),
    }
}

/// Returns whether anybody takes part in a lease.
pub(crate) fn pulse_inside(root: &Root, id: LeaseId) -> Pulse {
    match inside(root, id) {
        Ok(Inside::Nobody | Inside::Left) => Pulse::Dead,
        Ok(Inside::Taken(_)) => Pulse::Alive,
        Err(_) => Pulse::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_looks_is_not_taken_for_one_who_takes_part() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("leases")).unwrap();
        let root = Root::open(place.path()).unwrap();
        let id = LeaseId::new(7);
        root.create_fifo(&joined_path(id)).unwrap();
        let open = |flags| root.open_file(&joined_path(id), flags | OFlags::NONBLOCK);
        let lock = |fifo: &OwnedFd, operation| rustix::fs::flock(fifo, operation).unwrap();
        let looking = open(OFlags::RDONLY).unwrap();
        lock(&looking, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(pulse_inside(&root, id), Pulse::Dead);
        drop(looking);
        let share = open(OFlags::RDWR).unwrap();
        lock(&share, FlockOperation::NonBlockingLockShared);
        assert_eq!(pulse_inside(&root, id), Pulse::Alive);
        // A daemon that was left behind may have it still.
        lock(&share, FlockOperation::Unlock);
        assert_eq!(pulse_inside(&root, id), Pulse::Dead);
    }
}
