//! Calling those who sleep: one byte into the FIFO of each.

use crate::homes::wake_path;
use crate::log::retry;
use crate::root::Root;
use leasehold_core::LeaseId;
use rustix::fs::OFlags;

/// Calls a sleeper. Nobody there, or a FIFO full of calls, is as good as called.
///
/// Opened to read as well: then a sleeper that ends in this moment makes no SIGPIPE of it, in programs
/// that do not ignore that.
pub(crate) fn call(root: &Root, id: LeaseId) {
    if let Ok(fifo) = root.open_file(&wake_path(id), OFlags::RDWR | OFlags::NONBLOCK) {
        let _ = retry(|| rustix::io::write(&fifo, b"!"));
    }
}
