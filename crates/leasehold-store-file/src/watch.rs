//! Watching one proof of life, as readiness of a descriptor.
//!
//! Whoever waits, and whoever has held for a while, has a FIFO open to be called at, and a command's
//! proof of life is a FIFO. The kernel hangs it up for its readers in the moment when the last process
//! that has it ends, in whatever way. Where there is none, a thread waits for the lock on the proof
//! itself: a blocking `flock` cannot be waited for together with anything else, so the thread's end
//! closes a pipe.

use crate::homes::{command_path, lease_path, wake_path};
use crate::joined;
use crate::life::{Probe, probe};
use crate::log::retry;
use crate::root::Root;
use leasehold_store::{Part, StoreError, Watched};
use rustix::event::PollFlags;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::io::{PipeReader, PipeWriter, pipe};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

/// The thread does nothing but wait.
const STACK_BYTES: usize = 64 * 1024;

/// A watch over one target. A new target is a new watch; the thread of an old one ends with what it
/// watches.
#[derive(Debug)]
pub(crate) struct Watch {
    target: Watched,
    ended: Ended,
}

/// What becomes ready once the target has ended.
#[derive(Debug)]
enum Ended {
    /// Hung up when its last writer, the target, is gone. Never read: the calls in it are not ours.
    Fifo(OwnedFd),
    /// At its end when the thread is.
    Pipe {
        reader: PipeReader,
        /// Keeps the pipe from its end where the target cannot be watched: then the sleeper's own looks
        /// have to do.
        _kept: Option<PipeWriter>,
    },
}

impl Watch {
    pub(crate) fn begin(root: &Root, target: Watched) -> Result<Self, StoreError> {
        let ended = match hung_up_at_end(root, target) {
            Some(fifo) => Ended::Fifo(fifo),
            None => watch_lock(root, target)?,
        };
        Ok(Self { target, ended })
    }

    pub(crate) const fn target(&self) -> Watched {
        self.target
    }

    /// Returns what to poll, and for what. An end is reported whatever is polled for.
    pub(crate) fn ended(&self) -> (BorrowedFd<'_>, PollFlags) {
        match &self.ended {
            Ended::Fifo(fifo) => (fifo.as_fd(), PollFlags::empty()),
            Ended::Pipe { reader, .. } => (reader.as_fd(), PollFlags::IN),
        }
    }
}

/// Opens the target's FIFO, where somebody has it open and locked.
///
/// A FIFO that had no writer when it was opened is hung up only after there was one (fifo(7);
/// `pipe_poll` in Linux). The lock is on the FIFO itself and not on the proof of life, because a process
/// that ends closes one file after the other: the kernel gives the lock back just before it hangs up, so
/// who has the lock after our open is a writer whose end we shall see.
fn hung_up_at_end(root: &Root, target: Watched) -> Option<OwnedFd> {
    let path = match target.part {
        Part::Holder => wake_path(target.id),
        Part::Command => command_path(target.id),
    };
    match probe(root, &path) {
        Ok(Probe::Taken(fifo)) => Some(fifo),
        Ok(Probe::Free(_)) | Err(_) => None,
    }
}

fn watch_lock(root: &Root, target: Watched) -> Result<Ended, StoreError> {
    let path = match target.part {
        Part::Holder => lease_path(target.id),
        Part::Command => command_path(target.id),
    };
    let fail = |error| StoreError::io("make a pipe to watch", root.join(&path), error);
    let (reader, writer) = pipe().map_err(fail)?;
    let _kept = match probe(root, &path) {
        Ok(Probe::Taken(file)) => wait_for(file, writer).map_err(fail)?,
        // The command has ended, but somebody inside its lease has not: that is looked for from time to
        // time.
        Ok(Probe::Free(_)) | Err(Errno::NOENT)
            if target.part == Part::Command && joined::pulse_inside(root, target.id).may_live() =>
        {
            Some(writer)
        }
        // It has ended, or was removed: by its owner, or by somebody who saw it dead.
        Ok(Probe::Free(_)) | Err(Errno::NOENT) => None,
        Err(_) => Some(writer),
    };
    Ok(Ended::Pipe { reader, _kept })
}

/// Closes the writing end once the lock on the file is free; returns it where there can be no thread for
/// that.
fn wait_for(file: OwnedFd, writer: PipeWriter) -> std::io::Result<Option<PipeWriter>> {
    let spare = writer.try_clone()?;
    let wait = move || {
        // The order of the fields' ends matters not: closing the file gives the lock back, closing the
        // pipe tells the sleeper. An error is no end; the pipe then stays open with the thread's copy.
        if retry(|| rustix::fs::flock(&file, FlockOperation::LockShared)).is_err() {
            std::mem::forget(writer);
        }
    };
    let thread = thread::Builder::new()
        .name("leasehold-watch".into())
        .stack_size(STACK_BYTES);
    Ok(thread.spawn(wait).err().map(|_| spare))
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::LeaseId;
    use rustix::event::{PollFd, Timespec};
    use rustix::fs::OFlags;

    const LONG: Timespec = Timespec {
        tv_sec: 20,
        tv_nsec: 0,
    };

    fn is_ready(watch: &Watch, within: Timespec) -> bool {
        let (fd, event) = watch.ended();
        let mut fds = [PollFd::from_borrowed_fd(fd, event)];
        rustix::event::poll(&mut fds, Some(&within)).unwrap() == 1
    }

    fn lock(file: &OwnedFd) {
        rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).unwrap();
    }

    fn place() -> (tempfile::TempDir, Root, Watched) {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("leases")).unwrap();
        let root = Root::open(place.path()).unwrap();
        let target = Watched {
            id: LeaseId::new(7),
            part: Part::Holder,
        };
        (place, root, target)
    }

    /// A process that ends has closed its FIFO already, and its proof of life not yet.
    #[test]
    fn a_target_is_watched_also_between_the_end_of_its_fifo_and_of_its_proof() {
        let (_place, root, target) = place();
        let proof = root.create_file(&lease_path(target.id)).unwrap();
        lock(&proof);
        root.create_fifo(&wake_path(target.id)).unwrap();
        let watch = Watch::begin(&root, target).unwrap();
        assert!(!is_ready(&watch, Timespec::default()));
        drop(proof);
        assert!(is_ready(&watch, LONG));
    }

    #[test]
    fn a_call_to_the_target_is_not_its_end() {
        let (_place, root, target) = place();
        root.create_fifo(&wake_path(target.id)).unwrap();
        let flags = OFlags::RDWR | OFlags::NONBLOCK;
        let fifo = root.open_file(&wake_path(target.id), flags).unwrap();
        lock(&fifo);
        let watch = Watch::begin(&root, target).unwrap();
        assert!(matches!(watch.ended, Ended::Fifo(_)));
        crate::wake::call(&root, target.id);
        assert!(!is_ready(&watch, Timespec::default()));
        drop(fifo);
        assert!(is_ready(&watch, LONG));
    }
}
