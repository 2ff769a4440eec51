//! What one record holds, and how it is written: one sealed line of JSON, then padding.
//!
//! A record is a cache of the log. It is written in place and so can be torn by a kill inside a write
//! of several pages; then it does not open, and is made again from the log.

use crate::homes::{Home, StoredHome};
use crate::line;
use leasehold_core::{Lease, Ticket, card::Card, event::Change, freeze::Freeze};
use leasehold_store::format::{self, FormatError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The version of a record.
pub(crate) const VERSION: u64 = 2;

/// Records grow by this much, so that most changes keep the size of the file: one sector.
const STEP_BYTES: usize = 512;

/// The entities of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) leases: Vec<Arc<Lease>>,
    pub(crate) tickets: Vec<Arc<Ticket>>,
    pub(crate) freezes: Vec<Freeze>,
    pub(crate) cards: Vec<Card>,
    /// Of a resource: the stretches of its queue that follow the tickets here, by number.
    pub(crate) rest: Vec<Stretch>,
    /// Of a resource and of a stretch: the numbers of those tickets here that hold nothing and are not
    /// strict. One that is missing may hold nothing all the same.
    pub(crate) idle: Vec<u64>,
}

/// What the record of a resource says of a stretch of its queue: three values in a row, because a long
/// queue has many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, bool, u32)", into = "(u64, bool, u32)")]
pub(crate) struct Stretch {
    /// The lowest number that belongs to it; the next stretch begins where it ends.
    pub(crate) from: u64,
    /// Whether all of its tickets are known to hold nothing.
    pub(crate) idle: bool,
    /// The checksum of its record. One with another is of another version than this.
    pub(crate) crc: u32,
}

impl From<(u64, bool, u32)> for Stretch {
    fn from((from, idle, crc): (u64, bool, u32)) -> Self {
        Self { from, idle, crc }
    }
}

impl From<Stretch> for (u64, bool, u32) {
    fn from(Stretch { from, idle, crc }: Stretch) -> Self {
        (from, idle, crc)
    }
}

/// Returns the checksum that the bytes of a record have in them.
pub(crate) fn checksum(bytes: &[u8]) -> Option<u32> {
    line::checksum(bytes.split(|byte| *byte == b'\n').next()?)
}

/// A record, as it lies in its file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    v: u64,
    of: StoredHome<'a>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    leases: Vec<format::Lease<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tickets: Vec<format::Ticket<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    freezes: Vec<format::Freeze<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cards: Vec<format::Card<'a>>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    rest: Cow<'a, [Stretch]>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    idle: Cow<'a, [u64]>,
    #[serde(default, skip_serializing, rename = "len")]
    _len: u64,
    #[serde(default, skip_serializing, rename = "crc")]
    _crc: String,
}

/// Why a record could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is not whole: torn, or changed by other hands. The log knows what it said.
    Torn,
    /// It is of a newer version.
    Newer(u64),
    /// It is whole and makes no sense.
    Senseless(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => write!(f, "it is not whole"),
            Self::Newer(found) => write!(f, "it has format {found}"),
            Self::Senseless(detail) => write!(f, "{detail}"),
        }
    }
}

impl Content {
    pub(crate) fn is_empty(&self) -> bool {
        self.leases.is_empty()
            && self.tickets.is_empty()
            && self.freezes.is_empty()
            && self.cards.is_empty()
            && self.rest.is_empty()
    }

    /// Brings in one change: afterwards the entity stands here, or it does not.
    pub(crate) fn apply(&mut self, change: Change<'_>, stands: bool) {
        match change {
            Change::PutLease(lease) | Change::DropLease(lease) => {
                put(&mut self.leases, lease, stands, |old| old.id == lease.id);
            }
            Change::PutTicket(ticket) | Change::DropTicket(ticket) => {
                put(&mut self.tickets, ticket, stands, |old| {
                    old.number == ticket.number
                });
                if !stands {
                    self.set_idle(ticket.number, false);
                }
            }
            Change::PutFreeze(freeze) | Change::DropFreeze(freeze) => {
                put(&mut self.freezes, freeze, stands, |old| old.id == freeze.id);
            }
            Change::PutCard(card) | Change::DropCard(card) => {
                put(&mut self.cards, card, stands, |old| old.same_request(card));
            }
        }
    }

    /// Notes whether a ticket here is known to hold nothing.
    pub(crate) fn set_idle(&mut self, number: u64, is_idle: bool) {
        put(&mut self.idle, &number, is_idle, |old| *old == number);
    }

    /// Returns the checksum that its record has.
    pub(crate) fn checksum(&self, home: &Home) -> u32 {
        checksum(&self.encode(home, 0)).unwrap_or(0)
    }

    /// Sorts, so that two contents with the same entities are equal.
    pub(crate) fn sorted(mut self) -> Self {
        self.leases.sort_by_key(|lease| lease.id);
        self.tickets.sort_by_key(|ticket| ticket.number);
        self.freezes.sort_by_key(|freeze| freeze.id);
        self.idle.sort_unstable();
        self.cards
            .sort_by(|a, b| (&a.who, &a.claims, a.kind).cmp(&(&b.who, &b.claims, b.kind)));
        self
    }

    /// Returns the bytes of the file: the line, its newline, and blanks up to a full step or to the
    /// size that the file has anyway, so that it stays a text without remains of what it said before.
    pub(crate) fn encode(&self, home: &Home, file_bytes: usize) -> Vec<u8> {
        let stored = Stored {
            v: VERSION,
            of: home.stored(),
            leases: self.leases.iter().map(|lease| (&**lease).into()).collect(),
            tickets: self
                .tickets
                .iter()
                .map(|ticket| (&**ticket).into())
                .collect(),
            freezes: self.freezes.iter().map(Into::into).collect(),
            cards: self.cards.iter().map(Into::into).collect(),
            rest: (&self.rest).into(),
            idle: (&self.idle).into(),
            _len: 0,
            _crc: String::new(),
        };
        let mut bytes = Vec::with_capacity(STEP_BYTES * 2);
        serde_json::to_writer(&mut bytes, &stored).expect("plain values always become JSON");
        let brace = bytes.pop();
        debug_assert_eq!(brace, Some(b'}'));
        line::seal(&mut bytes);
        bytes.push(b'\n');
        let full = (bytes.len() + 1)
            .next_multiple_of(STEP_BYTES)
            .max(file_bytes);
        bytes.resize(full - 1, b' ');
        bytes.push(b'\n');
        bytes
    }

    /// Reads the bytes of a file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Home, Self), Unreadable> {
        let line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        if let Some(newer) = line::version(line).filter(|version| *version > VERSION) {
            return Err(Unreadable::Newer(newer));
        }
        if !line::is_whole(line) {
            return Err(Unreadable::Torn);
        }
        let senseless = |error: serde_json::Error| Unreadable::Senseless(error.to_string());
        let stored: Stored<'_> = serde_json::from_slice(line).map_err(senseless)?;
        let home = Home::try_from(stored.of).map_err(Unreadable::Senseless)?;
        let content = Self {
            leases: shared(all(stored.leases)?),
            tickets: shared(all(stored.tickets)?),
            freezes: all(stored.freezes)?,
            cards: all(stored.cards)?,
            rest: stored.rest.into_owned(),
            idle: stored.idle.into_owned(),
        };
        Ok((home, content))
    }
}

fn put<T: Clone>(items: &mut Vec<T>, item: &T, stands: bool, is_same: impl Fn(&T) -> bool) {
    let place = items.iter().position(is_same);
    match (place, stands) {
        (Some(place), true) => items[place] = item.clone(),
        (Some(place), false) => drop(items.remove(place)),
        (None, true) => items.push(item.clone()),
        (None, false) => {}
    }
}

fn shared<T>(items: Vec<T>) -> Vec<Arc<T>> {
    items.into_iter().map(Arc::new).collect()
}

fn all<A, B: TryFrom<A, Error = FormatError>>(items: Vec<A>) -> Result<Vec<B>, Unreadable> {
    let one = |item| B::try_from(item).map_err(|error| Unreadable::Senseless(error.to_string()));
    items.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &str) -> Vec<u8> {
        let mut line = text.as_bytes().to_vec();
        line::seal(&mut line);
        line.push(b'\n');
        line
    }

    /// Format 1 had no stretches and no notes.
    #[test]
    fn records_of_before_are_read() {
        let decoded = Content::decode(&sealed(r#"{"v":1,"of":{"resource":"build"}"#));
        let (home, content) = decoded.unwrap();
        assert_eq!(home.path(&255), "records/name/build");
        assert!(content.is_empty());
    }

    #[test]
    fn stretches_and_notes_come_back_as_they_went() {
        let stretch = |from, idle, crc| Stretch { from, idle, crc };
        let content = Content {
            rest: vec![stretch(18, true, 7), stretch(40, false, u32::MAX)],
            idle: vec![3, 5],
            ..Content::default()
        };
        let home = Home::Stretch(leasehold_core::Resource::parse("issue:7").unwrap(), 18);
        let bytes = content.encode(&home, 0);
        assert!(String::from_utf8_lossy(&bytes).contains("[[18,true,7],[40,false,4294967295]]"));
        assert_eq!(checksum(&bytes), Some(content.checksum(&home)));
        assert_eq!(Content::decode(&bytes), Ok((home, content)));
    }

    #[test]
    fn a_newer_format_is_told() {
        let newer = Content::decode(&sealed(r#"{"v":3,"of":{"resource":"build"}"#));
        assert_eq!(newer, Err(Unreadable::Newer(3)));
    }
}
