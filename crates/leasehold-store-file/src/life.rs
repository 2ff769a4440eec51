//! Who lives, known from the kernel: a process that holds the lock on its file (law L9).
//!
//! Dead is only who was seen to be dead: the lock could be taken, or the file is gone (which this store
//! alone removes: under the mutex when what it stood for is gone, or by its owner after that). Of what
//! cannot be seen clearly nothing is known.

use crate::homes::{command_path, lease_path};
use crate::joined;
use crate::log::retry;
use crate::root::Root;
use leasehold_core::LeaseId;
use leasehold_core::planted::Bug;
use leasehold_core::view::{Life, Pulse};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// The requests that this store itself attends, with their files.
#[derive(Debug, Default)]
pub(crate) struct Attended {
    files: Mutex<BTreeMap<LeaseId, Arc<OwnedFd>>>,
}

impl Attended {
    pub(crate) fn insert(&self, id: LeaseId, file: Arc<OwnedFd>) {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, file);
    }

    pub(crate) fn remove(&self, id: LeaseId) {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    /// Returns the file of a request that is attended here.
    pub(crate) fn file(&self, id: LeaseId) -> Option<Arc<OwnedFd>> {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }
}

/// Returns who lives behind an id. Whoever asks for itself lives; whoever joined a lease counts as its
/// command.
///
/// Between a grant and the start of the command there is no command's file or nobody has it but the
/// guard; the guard is alive then, and if it dies there was no command.
pub(crate) fn life(root: &Root, attended: &Attended, id: LeaseId) -> Life {
    if attended.file(id).is_some() {
        return Life {
            holder: Pulse::Alive,
            command: Pulse::Alive,
        };
    }
    Life {
        holder: pulse(root, &lease_path(id)),
        command: match pulse(root, &command_path(id)) {
            Pulse::Dead => joined::pulse_inside(root, id),
            pulse => pulse,
        },
    }
}

/// Returns whether somebody holds the lock on a file.
pub(crate) fn pulse(root: &Root, path: &str) -> Pulse {
    match probe(root, path) {
        Ok(Probe::Free(_)) | Err(Errno::NOENT) => Pulse::Dead,
        Err(_) if Bug::UnreadableIsDead.is_planted() => Pulse::Dead,
        Ok(Probe::Taken(_)) => Pulse::Alive,
        Err(_) => Pulse::Unknown,
    }
}

/// What became of a try to share the lock on a file, with the file.
pub(crate) enum Probe {
    /// Nobody has it alone. Now it is shared, until the file is closed.
    Free(OwnedFd),
    /// Somebody has it alone.
    Taken(OwnedFd),
}

/// Opens a file and tries to share the lock on it. Shared, so that those who look at the same time do
/// not take each other for the holder.
pub(crate) fn probe(root: &Root, path: &str) -> Result<Probe, Errno> {
    // Not blocking: a FIFO whose writers are gone would keep its opener.
    let file = root.open_file(path, OFlags::RDONLY | OFlags::NONBLOCK)?;
    match retry(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared)) {
        Ok(()) => Ok(Probe::Free(file)),
        Err(Errno::WOULDBLOCK) => Ok(Probe::Taken(file)),
        Err(errno) => Err(errno),
    }
}
