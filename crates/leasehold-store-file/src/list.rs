//! The log as a list of what stands at its end, for those who look at all of it.
//!
//! [`State`] folds a log into kernel types. Here the standing leases stay what they are written as, and
//! only the last line of each counts; everything else is folded as ever. What cannot be read so is no
//! error: then the log is folded as a whole, and whatever is wrong with it is said by that.

use crate::audit;
use crate::line;
use crate::log::{Head, Segment};
use crate::root::Root;
use crate::state::State;
use foldhash::fast::RandomState;
use leasehold_core::event::Change;
use leasehold_store::StoreError;
use leasehold_store::format::{self, Piece, Place, Standing};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The longest log that is listed so. A segment has some eight million bytes, or twice what is held.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// About the shortest line of a lease.
const LEASE_BYTES: u64 = 384;

/// How long an id is.
const ID_DIGITS: usize = 32;

/// What stands at the end of a log.
#[derive(Default)]
pub(crate) struct Sheet {
    /// Standing leases by their tokens, as they are written.
    pub(crate) standing: Vec<Standing<Place>>,
    /// Their texts, and those of such as do not stand any more.
    pub(crate) texts: String,
    /// Everything else.
    pub(crate) others: State,
    /// Which of the standing leases has this id.
    by_id: HashMap<[u8; ID_DIGITS], usize, RandomState>,
}

/// Folds a segment up to an offset. Returns nothing where no line ends there, or one before it is none, or of
/// another shape than they are written in.
///
/// # Errors
/// It cannot be read.
pub(crate) fn fold(root: &Root, segment: &Segment, end: u64) -> Result<Option<Sheet>, StoreError> {
    if end > BYTES_MAX {
        return Ok(None);
    }
    let leases_max = usize::try_from(end / LEASE_BYTES).unwrap_or(0);
    let mut sheet = Sheet::default();
    sheet.standing.reserve(leases_max);
    sheet.by_id.reserve(leases_max);
    let (read, _) = segment.raw_lines(root, 0, &mut |at, line| {
        Ok(at < end && sheet.add(at, line, segment.number()).is_some())
    })?;
    // While they are read the last one takes the place of one that is dropped.
    sheet.standing.sort_unstable_by_key(|lease| lease.token);
    Ok((read == end).then_some(sheet))
}

impl Sheet {
    /// Adds the line at an offset.
    fn add(&mut self, at: u64, line: &[u8], segment: u32) -> Option<()> {
        let content = line::content(line)?;
        if at == 0 {
            return self.begin(segment, str::from_utf8(line).ok()?);
        }
        let (_, events) = audit::commit(content)?;
        self.commit(str::from_utf8(events).ok()?)
    }

    /// Takes over what the first line says.
    fn begin(&mut self, segment: u32, line: &str) -> Option<()> {
        // In none of the texts before it: there a quote has a backslash before it, and no comma.
        const LEASES: &str = ",\"leases\":";
        let head = match line.find(LEASES) {
            None => Head::parse(line.as_bytes()),
            Some(place) => {
                let begin = place + LEASES.len();
                let mut others = Vec::new();
                let read = format::each_lease(&line[begin..], &mut |piece| match piece {
                    Piece::Put(lease) => self.put(lease),
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
            if leases.any(|lease| self.by_id.contains_key(&key(&lease.id.to_string()))) {
                return None;
            }
            self.others.restore(checkpoint);
        }
        Some(())
    }

    /// Brings in the events of one commit.
    fn commit(&mut self, events: &str) -> Option<()> {
        let read = format::each_change(events, &mut |piece| match piece {
            Piece::Put(lease) => {
                self.others.drop_lease(lease.id);
                self.put(lease);
            }
            Piece::Drop(id) => {
                self.others.drop_lease(id);
                self.remove(id);
            }
            Piece::Other(event) => event.for_each_change(|change| {
                if let Change::PutLease(lease) | Change::DropLease(lease) = change {
                    self.remove(&lease.id.to_string());
                }
                self.others.change(change);
            }),
        });
        (read.ok()? == events.len()).then_some(())
    }

    fn put(&mut self, lease: Standing<&str>) {
        let placed = lease.with_texts(|text| Place::appended(text, &mut self.texts));
        // Leaving one out would show as free what is held.
        let placed = placed.expect("all texts of a log of BYTES_MAX have their places");
        match self.by_id.entry(key(lease.id)) {
            Entry::Occupied(entry) => self.standing[*entry.get()] = placed,
            Entry::Vacant(entry) => {
                entry.insert(self.standing.len());
                self.standing.push(placed);
            }
        }
    }

    fn remove(&mut self, id: &str) {
        let Some(place) = self.by_id.remove(&key(id)) else {
            return;
        };
        self.standing.swap_remove(place);
        let moved = self.standing.get(place);
        if let Some(id) = moved.and_then(|moved| moved.id.text(&self.texts)) {
            self.by_id.insert(key(id), place);
        }
    }
}

/// Returns the digits of an id.
fn key(id: &str) -> [u8; ID_DIGITS] {
    let digits = id.as_bytes().try_into();
    digits.expect("an id has as many digits wherever it is written")
}

#[cfg(test)]
mod tests;
