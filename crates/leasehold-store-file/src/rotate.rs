//! Beginning a new segment of the log, so that what has to be read does not grow for ever.
//!
//! The new segment's first line is a checkpoint of all that the old one leaves. It gets its name when it
//! is on disk for good, and counts from the moment when the header in `mutex` says so: one write, which
//! those of this version and of older ones read alike. The old one stays as it is, for the audit.

use crate::header::Header;
use crate::log::{self, Segment, segment_path, write_all};
use crate::root::Root;
use crate::session::{Session, Written};
use crate::shared::Shared;
use crate::state::State;
use leasehold_store::StoreError;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// How long a segment becomes: some thousand guards, and read in about 40 ms.
pub(crate) const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// In how many places a segment that is too long is looked at. Not by each commit: where no new one can
/// be begun, trying costs as much as doing.
const PARTS: u64 = 8;

impl Session<'_> {
    /// Begins a new segment. `folded` is the part of the log that was folded already.
    ///
    /// The race: a kill at any step against those who come next. Before the name is there, a file that no
    /// one reads is left, and the next one replaces it. Between the name and the header, all of this boot
    /// go on with the old segment, which the header names; a later boot has perhaps no header, and sees
    /// that the old segment went on behind what the checkpoint was made of ([`is_void`]). Once the header
    /// is written it is done.
    pub(crate) fn rotate(self, folded: State) -> Result<(), StoreError> {
        let state = self.fold_from(folded)?;
        self.rotate_to(&state)
    }

    /// The same, where the state is known.
    pub(crate) fn rotate_to(mut self, state: &State) -> Result<(), StoreError> {
        if !self.is_whole() {
            let detail = "its records cannot be written, so it has to stay".into();
            return Err(self.damaged(detail));
        }
        let number = self.segment.number().checked_add(1);
        let number = number.ok_or(StoreError::Limit {
            limit: "the numbers of segments",
        })?;
        let checkpoint = state.checkpoint(self.header.counters);
        let line = log::head_line(number, &self.header.workspace, Some(&checkpoint));
        let root = &self.shared.root;
        let fail = |errno: Errno| StoreError::io("write", root.join(&segment_path(number)), errno);
        self.segment.sync().map_err(fail)?;
        name_segment(root, number, &line)?;
        self.header.segment = number;
        self.go_on_at(line.len() as u64)?;
        // What was kept back behind the end of the old one; only space is at stake.
        let _ = self.segment.cut(state.end);
        Ok(())
    }
}

/// Makes the file of a new segment, on disk for good.
fn name_segment(root: &Root, number: u32, line: &[u8]) -> Result<(), StoreError> {
    let path = segment_path(number);
    let fail = |errno: Errno| StoreError::io("write", root.join(&path), errno);
    // One of that name is left by somebody who was killed; anything else must not be lost.
    match Segment::open(root, number, OFlags::RDONLY) {
        Err(Errno::NOENT) => {}
        Err(errno) => return Err(fail(errno)),
        Ok(left) if is_bare(root, &left)? || is_void(root, number)? => {}
        Ok(_) => {
            let detail = "it is there, and the header knows nothing of it".into();
            let path = root.join(&path);
            return Err(StoreError::Damaged { path, detail });
        }
    }
    let temporary = temporary_path(number);
    root.unlink(&temporary).map_err(fail)?;
    let file = root.create_file(&temporary).map_err(fail)?;
    let written = write_all(&file, 0, line)
        .and_then(|()| log::keep_space_back(&file, line.len() as u64, 0))
        .and_then(|()| rustix::fs::fsync(&file))
        .and_then(|()| {
            let directory = root.directory();
            rustix::fs::renameat(directory, &temporary, directory, &path)
        });
    written.map_err(|errno| {
        // A full disk needs the space.
        let _ = root.unlink(&temporary);
        fail(errno)
    })?;
    log::sync_directory(root).map_err(fail)
}

/// Returns where a segment is written before it has its name.
pub(crate) fn temporary_path(number: u32) -> String {
    format!("audit/{number:06}.new")
}

/// Returns whether a segment does not count, because the one before it went on after it was made: whoever
/// made it was killed before the header named it.
pub(crate) fn is_void(root: &Root, number: u32) -> Result<bool, StoreError> {
    let path = root.join(&segment_path(number));
    let open = |number: u32| match Segment::open(root, number, OFlags::RDONLY) {
        Err(Errno::NOENT) => Ok(None),
        opened => opened
            .map(Some)
            .map_err(|errno| StoreError::io("open", root.join(&segment_path(number)), errno)),
    };
    let (Some(segment), Some(before)) = (open(number)?, open(number.saturating_sub(1))?) else {
        return Ok(false);
    };
    let Some((head, end)) = segment.head(root)? else {
        return Ok(false);
    };
    let Some(checkpoint) = head.checkpoint else {
        return Ok(false);
    };
    let went_on = has_line_at(root, &before, checkpoint.after)?;
    if went_on && has_line_at(root, &segment, end)? {
        let detail = "both it and the segment before it go on".into();
        return Err(StoreError::Damaged { path, detail });
    }
    Ok(went_on)
}

/// Returns whether a segment holds no more than the checkpoint that it begins with.
fn is_bare(root: &Root, segment: &Segment) -> Result<bool, StoreError> {
    let Some((head, end)) = segment.head(root)? else {
        return Ok(false);
    };
    Ok(head.checkpoint.is_some() && !has_line_at(root, segment, end)?)
}

/// Returns whether a segment goes on at an offset.
fn has_line_at(root: &Root, segment: &Segment, at: u64) -> Result<bool, StoreError> {
    let mut has_line = false;
    segment.lines(root, at, &mut |_, _| {
        has_line = true;
        Ok(false)
    })?;
    Ok(has_line)
}

/// Begins a new segment if the one that is written to has become long, and this commit is the one that
/// passed a mark. What fails here is tried again at the next mark; `doctor` tells of it.
pub(crate) fn rotate_if_long(shared: &Shared, written: Written, segment_bytes: u64) {
    let part = (segment_bytes / PARTS).max(1);
    if written.end >= segment_bytes && written.begin / part != written.end / part {
        let _ = rotate_long(shared, segment_bytes);
    }
}

fn rotate_long(shared: &Shared, segment_bytes: u64) -> Result<(), StoreError> {
    let Some(header) = shared.peek_header()? else {
        return Ok(());
    };
    if header.applied < due(shared, &header, segment_bytes)? {
        return Ok(());
    }
    let folded = shared.fold_outside()?;
    let session = Session::enter(shared)?;
    if session.segment.number() == header.segment {
        session.rotate(folded)?;
    }
    Ok(())
}

/// Returns from which length on the segment that is written to is long. A checkpoint is not written again
/// before as much was written behind it.
fn due(shared: &Shared, header: &Header, segment_bytes: u64) -> Result<u64, StoreError> {
    let segment = shared.segment(header.segment)?;
    let figures = segment.figures(&shared.root)?.unwrap_or_default();
    Ok(figures.size.saturating_add(segment_bytes.max(figures.size)))
}

/// Returns how long the segment is that is written to, if that is so long that a new one should have begun
/// long ago. At each mark it is tried by whoever passes it, but by who asks: about every second time.
pub(crate) fn overdue(
    shared: &Shared,
    header: &Header,
    segment_bytes: u64,
) -> Result<Option<u64>, StoreError> {
    let tried = 2 * PARTS * (segment_bytes / PARTS).max(1);
    let due = due(shared, header, segment_bytes)?.saturating_add(tried);
    Ok(Some(header.applied).filter(|applied| *applied > due))
}
