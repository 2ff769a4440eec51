//! Dropping what nobody needs any more: old segments of the log, and what the dead left behind.

use crate::leftovers;
use crate::log::{self, segment_path};
use crate::session::Session;
use crate::shared::Shared;
use leasehold_core::Timestamp;
use leasehold_store::{Collected, StoreError};
use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;

/// For how long what a person might still want to see is kept where nothing else is said: 30 days.
pub(crate) const KEEP_MS: u64 = 30 * 86_400_000;
/// From which size on a segment is worth a new one before its time.
const WORTH_BYTES: u64 = 1024 * 1024;

/// Begins a new segment where that is worth it, drops those that nothing needs and whose last commit is
/// older than this, and removes what is left over.
///
/// The order counts: what led to a checkpoint is dropped only when that checkpoint counts. The oldest
/// segment goes first, so a kill in between leaves a log without a gap.
pub(crate) fn collect(shared: &Shared, keep_ms: u64) -> Result<Collected, StoreError> {
    let mut collected = Collected::default();
    let folded = shared.fold_outside()?;
    let session = Session::enter(shared)?;
    let now = session.view().now();
    let is_old = |at: Timestamp| now.millis_since(at) >= keep_ms;
    let header = session.header.clone();
    let begin = first_commit(shared, header.segment)?;
    if begin.is_some_and(|begin| header.applied >= WORTH_BYTES || is_old(begin)) {
        session.rotate(folded)?;
        collected.checkpoint = true;
    } else {
        // What it leads to has to be whole before anything before it is dropped.
        session.fold_from(folded)?;
        drop(session);
    }
    let last = header.segment + u32::from(collected.checkpoint);
    drop_segments(shared, last, is_old, &mut collected)?;
    collected.leftovers = leftovers::remove(shared, keep_ms)?;
    Ok(collected)
}

/// Returns the time of the first commit of a segment, where it has any.
fn first_commit(shared: &Shared, number: u32) -> Result<Option<Timestamp>, StoreError> {
    let mut first = None;
    let segment = shared.segment(number)?;
    let begin = segment.head(&shared.root)?.map_or(0, |(_, end)| end);
    segment.commits(&shared.root, begin, &mut |commit| {
        first = Some(commit.at);
        Ok(false)
    })?;
    Ok(first)
}

/// Drops the segments before the last one that are old enough.
fn drop_segments(
    shared: &Shared,
    last: u32,
    is_old: impl Fn(Timestamp) -> bool,
    collected: &mut Collected,
) -> Result<(), StoreError> {
    let root = &shared.root;
    let found = log::segments_before(root, last)?;
    for (index, number) in found.iter().copied().enumerate() {
        // It ends where the one behind it begins, or before, where somebody removed that. Of one whose end
        // cannot be told nothing is dropped.
        let next = found.get(index + 1).copied().unwrap_or(last);
        let next = match log::Segment::open(root, next, OFlags::RDONLY) {
            Err(Errno::NOENT) => None,
            opened => opened
                .map_err(|errno| fail(shared, next, errno))?
                .figures(root)?,
        };
        let Some(end) = next.map(|figures| figures.at).filter(|end| is_old(*end)) else {
            return Ok(());
        };
        let path = segment_path(number);
        let stat = rustix::fs::statat(root.directory(), &path, AtFlags::empty());
        root.unlink(&path)
            .map_err(|errno| fail(shared, number, errno))?;
        collected.dropped += 1;
        collected.bytes += stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
        collected.dropped_until = Some(end);
    }
    Ok(())
}

fn fail(shared: &Shared, number: u32, errno: Errno) -> StoreError {
    StoreError::io("drop", shared.root.join(&segment_path(number)), errno)
}
