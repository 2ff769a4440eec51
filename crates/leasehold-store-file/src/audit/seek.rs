//! Finding a time in a segment by halving it.

use super::line_time;
use crate::log::Segment;
use crate::root::Root;
use leasehold_core::Timestamp;
use leasehold_store::StoreError;

/// What is read anyway is not halved any more.
const BLOCK_BYTES: u64 = 64 * 1024;
/// How much is read to find the beginning of a line.
const STEP_BYTES: usize = 4096;
/// How much of a line shows its time.
const TIME_BYTES: u64 = 40;

/// Returns where a line begins that no line of this time or later lies before, and that is not far from
/// the first such line.
pub(super) fn first_line(
    root: &Root,
    segment: &Segment,
    since: Timestamp,
) -> Result<u64, StoreError> {
    if since == Timestamp::default() {
        return Ok(0);
    }
    let len = segment.extent().map(|extent| extent.len);
    let path = || root.join(&crate::log::segment_path(segment.number()));
    let mut high = len.map_err(|errno| StoreError::io("look at", path(), errno))?;
    let mut low = 0;
    while high - low > BLOCK_BYTES {
        let middle = low + (high - low) / 2;
        match line_behind(root, segment, middle, high)? {
            Some((start, at)) if at < since => low = start,
            // It may be in the line that the middle lies in.
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

/// Returns the first line that begins behind an offset and has a time, if it begins before `end`.
fn line_behind(
    root: &Root,
    segment: &Segment,
    offset: u64,
    end: u64,
) -> Result<Option<(u64, Timestamp)>, StoreError> {
    let mut step = [0; STEP_BYTES];
    let mut offset = offset;
    while offset < end {
        let count = segment.read_at(root, offset, &mut step)?;
        let Some(found) = memchr::memchr(b'\n', &step[..count]) else {
            if count == 0 {
                return Ok(None);
            }
            offset += count as u64;
            continue;
        };
        let start = offset + found as u64 + 1;
        if start >= end {
            return Ok(None);
        }
        let mut beginning = [0; TIME_BYTES as usize];
        let count = segment.read_at(root, start, &mut beginning)?;
        if let Some(at) = line_time(&beginning[..count]) {
            return Ok(Some((start, at)));
        }
        offset = start;
    }
    Ok(None)
}
