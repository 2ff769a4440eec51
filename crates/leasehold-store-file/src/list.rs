//! The log as a list of what stands at its end, for those who look at all of it.
//!
//! [`State`] folds a log into kernel types. Here the standing leases stay what they are written as, and
//! only the last line of each counts; everything else is folded as ever. What cannot be read so is no
//! error: then the log is folded as a whole, and whatever is wrong with it is said by that.

use crate::audit;
use crate::line;
use crate::log::Head;
use crate::state::State;
use foldhash::fast::RandomState;
use leasehold_core::FencingToken;
use leasehold_core::event::Change;
use leasehold_store::format::{self, Piece};
use std::collections::HashMap;
use std::ops::Range;

/// The longest log that is read at once. A segment has some eight million bytes, or twice what is held.
pub(crate) const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// About the shortest line of a lease.
const LEASE_BYTES: usize = 384;

/// What stands at the end of a text.
struct Sheet<'a> {
    /// The tokens of standing leases and where they are written, by their ids.
    standing: HashMap<&'a str, (FencingToken, Range<usize>), RandomState>,
    /// Everything else.
    others: State,
}

/// Folds a segment up to where the text ends. Returns where standing leases are in it, by their tokens, and all
/// that is not among them; nothing, where a line is none, or of another shape than they are written in.
pub(crate) fn fold(segment: u32, text: &str) -> Option<(Vec<Range<usize>>, State)> {
    let leases_max = text.len() / LEASE_BYTES;
    let mut sheet = Sheet {
        standing: HashMap::with_capacity_and_hasher(leases_max, RandomState::default()),
        others: State::default(),
    };
    let mut at = 0;
    while at < text.len() {
        let end = at + memchr::memchr(b'\n', &text.as_bytes()[at..])?;
        let content = line::content(&text.as_bytes()[at..end])?;
        if at == 0 {
            sheet.begin(segment, &text[..end])?;
        } else {
            let (_, events) = audit::commit(content)?;
            let begin = at + content.len() - events.len();
            sheet.commit(text, begin..begin + events.len())?;
        }
        at = end + 1;
    }
    let mut standing: Vec<_> = sheet.standing.into_values().collect();
    standing.sort_unstable_by_key(|(token, _)| *token);
    let places = standing.into_iter().map(|(_, place)| place);
    Some((places.collect(), sheet.others))
}

impl<'a> Sheet<'a> {
    /// Takes over what the first line says.
    fn begin(&mut self, segment: u32, line: &'a str) -> Option<()> {
        // In none of the texts before it: there a quote has a backslash before it, and no comma.
        const LEASES: &str = ",\"leases\":";
        let head = match line.find(LEASES) {
            None => Head::parse(line.as_bytes()),
            Some(place) => {
                let begin = place + LEASES.len();
                let mut others = Vec::new();
                let read = format::each_lease(&line[begin..], &mut |piece| match piece {
                    Piece::Put(place, lease) => {
                        let place = begin + place.start..begin + place.end;
                        self.standing.insert(lease.id, (lease.token, place));
                    }
                    Piece::Drop(_) => {}
                    Piece::Other(written) => others.push(written),
                });
                let end = begin + read.ok()?;
                // The same line without them.
                let rest = [&line[..begin], "[", &others.join(","), "]", &line[end..]].concat();
                Head::parse(rest.as_bytes())
            }
        };
        let head = head.ok().filter(|head| head.segment == segment)?;
        if let Some(checkpoint) = head.checkpoint {
            let mut leases = checkpoint.leases.iter();
            // One that is there twice: nobody writes that, and which of them counts is not said here.
            if leases.any(|lease| self.standing.contains_key(&*lease.id.to_string())) {
                return None;
            }
            self.others.restore(checkpoint);
        }
        Some(())
    }

    /// Brings in the events of one commit.
    fn commit(&mut self, text: &'a str, events: Range<usize>) -> Option<()> {
        let read = format::each_change(&text[events.start..], &mut |piece| match piece {
            Piece::Put(place, lease) => {
                self.others.drop_lease(lease.id);
                let place = events.start + place.start..events.start + place.end;
                self.standing.insert(lease.id, (lease.token, place));
            }
            Piece::Drop(id) => {
                self.others.drop_lease(id);
                self.standing.remove(id);
            }
            Piece::Other(event) => event.for_each_change(|change| {
                if let Change::PutLease(lease) | Change::DropLease(lease) = change {
                    self.standing.remove(&*lease.id.to_string());
                }
                self.others.change(change);
            }),
        });
        (read.ok()? == events.len()).then_some(())
    }
}

#[cfg(test)]
mod tests;
