//! Watching one proof of life: a thread that waits for the lock on its file.
//!
//! A blocking `flock` wakes in the moment when the watched lets go, in whatever way it ends, and costs
//! nothing until then. It cannot be waited for together with anything else, hence the thread: its end
//! closes a pipe, and that can be polled.

use crate::homes::{command_path, lease_path};
use crate::log::retry;
use crate::root::Root;
use leasehold_store::{Part, StoreError, Watched};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use std::io::{PipeReader, PipeWriter, pipe};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

/// The thread does nothing but wait.
const STACK_BYTES: usize = 64 * 1024;

/// A watch over one target. A new target is a new watch; the thread of the old one ends with what it
/// watches.
#[derive(Debug)]
pub(crate) struct Watch {
    target: Watched,
    /// At its end, and so readable, once the target has ended.
    ended: PipeReader,
    /// Keeps the pipe from its end where the target cannot be watched: then the sleeper's own looks have
    /// to do.
    _kept: Option<PipeWriter>,
}

impl Watch {
    pub(crate) fn begin(root: &Root, target: Watched) -> Result<Self, StoreError> {
        let path = match target.part {
            Part::Holder => lease_path(target.id),
            Part::Command => command_path(target.id),
        };
        let fail = |error| StoreError::io("make a pipe to watch", root.join(&path), error);
        let (ended, writer) = pipe().map_err(fail)?;
        let kept = match root.open_file(&path, OFlags::RDONLY) {
            Ok(file) => wait_for(file, writer).map_err(fail)?,
            // Removed by its owner, or by somebody who saw it dead.
            Err(Errno::NOENT) => None,
            Err(_) => Some(writer),
        };
        Ok(Self {
            target,
            ended,
            _kept: kept,
        })
    }

    pub(crate) const fn target(&self) -> Watched {
        self.target
    }

    pub(crate) fn ended(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }
}

/// Closes the writing end once the lock on the file is free; returns it where that cannot be found out.
fn wait_for(file: OwnedFd, writer: PipeWriter) -> std::io::Result<Option<PipeWriter>> {
    match retry(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared)) {
        Ok(()) => return Ok(None),
        Err(Errno::WOULDBLOCK) => {}
        Err(_) => return Ok(Some(writer)),
    }
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
