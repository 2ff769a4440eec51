//! Reading the log for those who look: a span of time, damage told and passed over.
//!
//! Nothing is read that lies before the span: segments say when they began, and time never goes back
//! within one, so its first line is found by halving.

mod follow;
mod seek;

pub(crate) use follow::follow;

use crate::header::Header;
use crate::line;
use crate::log::{self, Segment, segment_path};
use crate::root::Root;
use crate::shared::Shared;
use leasehold_core::Timestamp;
use leasehold_store::format::leading_number;
use leasehold_store::{EachEntry, Entry, Span, StoreError};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Tells what the log has of a span.
pub(crate) fn read(
    shared: &Shared,
    span: &Span,
    each: &mut EachEntry<'_>,
) -> Result<(), StoreError> {
    let Some(last) = last_segment(shared)? else {
        return Ok(());
    };
    let Some(mut reader) = Reader::begin(shared, *span, last, each)? else {
        return Ok(());
    };
    while reader.go_on(None, each)? && reader.segment_number() < last {
        if !reader.next_segment(last, each)? {
            break;
        }
    }
    Ok(())
}

/// Returns the segment that is written to. The header says which; where it cannot be read the names do.
fn last_segment(shared: &Shared) -> Result<Option<u32>, StoreError> {
    match Header::decode(&shared.gate.peek(&shared.root)?) {
        Ok(header) => Ok(Some(header.segment)),
        Err(_) => Ok(log::segments(&shared.root)?.last().copied()),
    }
}

/// Reads on from a place in the log.
struct Reader<'a> {
    shared: &'a Shared,
    span: Span,
    segment: Segment,
    /// The first line that was not read yet.
    at: u64,
    /// Whether the first line of the span may still be to come.
    is_before: bool,
    /// Lines without a time since the last one before the span: they may belong to it.
    undated: Vec<u64>,
}

impl<'a> Reader<'a> {
    /// Begins where the span does, in a segment up to the last one; nowhere if none can be read.
    fn begin(
        shared: &'a Shared,
        span: Span,
        last: u32,
        each: &mut EachEntry<'_>,
    ) -> Result<Option<Self>, StoreError> {
        let root = &shared.root;
        let (mut first, mut unreadable) = (None, Vec::new());
        for number in up_to(root, last)?.into_iter().rev() {
            let segment = match open(root, number) {
                Ok(segment) => segment,
                // Dropped while we look.
                Err(Errno::NOENT) if number < last => break,
                Err(errno) => {
                    unreadable.push((number, errno));
                    continue;
                }
            };
            // What lies before a segment is not later than the checkpoint it begins with.
            let began = segment.figures(root)?.map(|figures| figures.at);
            first = Some(segment);
            if began.is_some_and(|began| began < span.since) {
                break;
            }
        }
        // Those behind it are told when they are come to.
        let before = first.as_ref().map_or(u32::MAX, Segment::number);
        let before = unreadable
            .iter()
            .rev()
            .filter(|(number, _)| *number < before);
        before.for_each(|(number, errno)| {
            unopened(*number, *errno, each);
        });
        let Some(segment) = first else {
            return Ok(None);
        };
        let at = seek::first_line(root, &segment, span.since)?;
        Ok(Some(Self {
            shared,
            span,
            segment,
            at,
            is_before: span.since > Span::ALL.since,
            undated: Vec::new(),
        }))
    }

    fn segment_number(&self) -> u32 {
        self.segment.number()
    }

    /// Tells what there is up to `end`, or to the end of the segment; returns whether to go on.
    fn go_on(&mut self, end: Option<u64>, each: &mut EachEntry<'_>) -> Result<bool, StoreError> {
        let (root, segment) = (&self.shared.root, &self.segment);
        let (span, is_before, undated) = (self.span, &mut self.is_before, &mut self.undated);
        let len = segment.extent().map(|extent| extent.len);
        let len = len.map_err(|errno| fail(self.shared, segment.number(), errno))?;
        // Others may append faster than this reads: it ends all the same.
        let end = end.unwrap_or(len).min(len);
        if self.at >= end {
            return Ok(true);
        }
        let (mut goes_on, mut next) = (true, self.at);
        segment.raw_lines(root, self.at, &mut |at, text| {
            if at >= end {
                return Ok(false);
            }
            next = at + text.len() as u64 + 1;
            segment.refuse_newer(root, text)?;
            let number = segment.number();
            if *is_before {
                match line_time(text) {
                    Some(time) if time < span.since => undated.clear(),
                    None if !line::is_whole(text) => undated.push(at),
                    None => {}
                    Some(_) => {
                        *is_before = false;
                        goes_on = undated
                            .drain(..)
                            .all(|at| damaged(number, at, NOT_WHOLE, each));
                    }
                }
            }
            if !*is_before && goes_on {
                goes_on = tell(number, at, text, span, each);
            }
            Ok(goes_on)
        })?;
        self.at = next;
        Ok(goes_on)
    }

    /// Goes on in the next segment that can be read, and tells of those that cannot; returns whether there
    /// is one up to the last.
    fn next_segment(&mut self, last: u32, each: &mut EachEntry<'_>) -> Result<bool, StoreError> {
        let root = &self.shared.root;
        let current = self.segment.number();
        let extent = self.segment.extent();
        let len = extent
            .map_err(|errno| fail(self.shared, current, errno))?
            .len;
        // Nobody is writing it any more.
        if self.at < len && !self.is_before {
            damaged(current, self.at, "it has no end", each);
        }
        let mut expected = current + 1;
        for number in up_to(root, last)?.into_iter().filter(|n| *n > current) {
            if number > expected {
                lost(expected, each);
            }
            expected = number + 1;
            match open(root, number) {
                Ok(segment) => {
                    (self.segment, self.at) = (segment, 0);
                    return Ok(true);
                }
                Err(Errno::NOENT) => lost(number, each),
                Err(errno) => unopened(number, errno, each),
            };
        }
        Ok(false)
    }
}

/// Returns the numbers of the segments that are there up to the last one, and that one in any case. One
/// behind it does not count yet.
fn up_to(root: &Root, last: u32) -> Result<Vec<u32>, StoreError> {
    let mut numbers = log::segments_before(root, last)?;
    numbers.push(last);
    Ok(numbers)
}

/// Opens a segment, if it is a file.
fn open(root: &Root, number: u32) -> Result<Segment, Errno> {
    let segment = Segment::open(root, number, OFlags::RDONLY)?;
    if segment.is_file()? {
        Ok(segment)
    } else {
        Err(Errno::ISDIR)
    }
}

/// Tells of a segment that is gone: dropped meanwhile, or removed by somebody.
fn lost(number: u32, each: &mut EachEntry<'_>) -> bool {
    each(Entry::Damaged {
        place: &segment_path(number),
        detail: "it is not there any more",
    })
}

fn unopened(number: u32, errno: Errno, each: &mut EachEntry<'_>) -> bool {
    let detail = match errno {
        Errno::ISDIR => "it is no file".to_owned(),
        errno => format!("it cannot be opened: {errno}"),
    };
    each(Entry::Damaged {
        place: &segment_path(number),
        detail: &detail,
    })
}

fn fail(shared: &Shared, number: u32, errno: Errno) -> StoreError {
    StoreError::io("read", shared.root.join(&segment_path(number)), errno)
}

const NOT_WHOLE: &str = "it is not whole";

/// Tells one line that lies in the span or behind it; returns whether to go on.
fn tell(segment: u32, at: u64, text: &[u8], span: Span, each: &mut EachEntry<'_>) -> bool {
    let Some(content) = line::content(text) else {
        return damaged(segment, at, NOT_WHOLE, each);
    };
    match commit(content) {
        Some((time, _)) if time > span.until => false,
        Some((time, _)) if time < span.since => true,
        Some((at, events)) => each(Entry::Commit { at, events }),
        None if at == 0 => true,
        None => damaged(segment, at, "it is no commit", each),
    }
}

fn damaged(segment: u32, at: u64, detail: &str, each: &mut EachEntry<'_>) -> bool {
    let place = format!("{}, the line at offset {at}", segment_path(segment));
    each(Entry::Damaged {
        place: &place,
        detail,
    })
}

/// What the line of a commit begins with.
const COMMIT: &[u8] = b"{\"v\":1,\"at\":";

/// Returns the time of a line that looks like a commit.
fn line_time(text: &[u8]) -> Option<Timestamp> {
    time(text).map(|(at, _)| at)
}

fn time(text: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (at, rest) = leading_number(text.strip_prefix(COMMIT)?)?;
    // One that ends with its text may be cut off.
    (!rest.is_empty()).then_some((Timestamp::from_millis(at), rest))
}

/// Returns the time and the events of a commit.
pub(crate) fn commit(content: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (at, rest) = time(content)?;
    Some((at, rest.strip_prefix(b",\"events\":")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_framed_as_it_is_written() {
        let line = log::commit_line(Timestamp::from_millis(17), &[]);
        let text = line.strip_suffix(b"\n").unwrap();
        assert_eq!(line_time(text), Some(Timestamp::from_millis(17)));
        let found = commit(line::content(text).unwrap());
        assert_eq!(found, Some((Timestamp::from_millis(17), &b"[]"[..])));
    }
}
