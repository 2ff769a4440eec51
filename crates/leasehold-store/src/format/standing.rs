//! Standing leases, read in place.
//!
//! There may be ten thousand of them, and who lists them prints most of what is stored as it is. So what
//! has the shape in which nearly all are written is not taken apart: this shape alone is read here, to the
//! byte, and whatever differs from it anywhere (an escape, a slot, another order) is left to serde. What is
//! read here serde reads as the same; what serde would refuse is not read here.

mod exact;
#[cfg(test)]
mod tests;

use super::FormatError;
use super::raw::Cursor;
use exact::Exact;
use leasehold_core::intent::Intent;
use leasehold_core::{FencingToken, Resource, Timestamp, Ttl, event};
use std::ops::Range;

/// A standing lease that was picked up, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Its id, as it is written.
    pub id: &'a str,
    /// The owner's name.
    pub owner: &'a str,
    /// The owner's host.
    pub host: &'a str,
    /// The agent's session.
    pub session: Option<&'a str>,
    /// What is claimed, between the brackets.
    claims: &'a str,
    /// The fencing token.
    pub token: FencingToken,
    /// When it was granted.
    pub granted: Timestamp,
    /// How long it lives from each renewal.
    pub ttl: Option<Ttl>,
    /// When it may be taken over.
    pub expires: Option<Timestamp>,
    /// Whether it outlives `expires` for as long as its holder is alive.
    pub keep_while_alive: bool,
    /// The process that asked for it.
    pub pid: u32,
    /// Its command.
    pub command: &'a str,
}

impl<'a> Standing<'a> {
    /// Reads a lease again that was [`Piece::Put`]: the one at the beginning of a text. Returns also what
    /// comes behind it.
    #[must_use]
    pub fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let mut exact = Exact { rest: text };
        // Whether they make sense is told by whoever found it first.
        let lease = exact.lease(|_| true)?;
        Some((lease, exact.rest))
    }

    /// Returns what it holds, and what for.
    pub fn claims(&self) -> impl Iterator<Item = (&'a str, Intent)> + use<'a> {
        let mut exact = Exact { rest: self.claims };
        std::iter::from_fn(move || {
            let claim = exact.claim()?;
            exact.maybe(b",");
            Some(claim)
        })
    }
}

/// Part of what is stored, in place where it is a standing lease in its usual shape.
#[derive(Debug)]
pub enum Piece<'a, T> {
    /// It stands from now on: where it is in the text, and itself.
    Put(Range<usize>, Standing<'a>),
    /// The lease with this id does not stand any more.
    Drop(&'a str),
    /// Anything else.
    Other(T),
}

/// Takes one piece after the other.
type EachPiece<'e, 'a, T> = &'e mut dyn FnMut(Piece<'a, T>);

/// Calls `each` for what each event of a commit does. The text begins with the JSON array of them; returns
/// where it ends.
///
/// # Errors
/// [`FormatError`] where that is no array of events.
pub fn each_change<'a>(
    text: &'a str,
    each: EachPiece<'_, 'a, event::Event>,
) -> Result<usize, FormatError> {
    each_item(text, |item| {
        let mut exact = Exact { rest: item };
        let (piece, rest) = match exact.change(text.len()) {
            Some(piece) => (piece, exact.rest),
            None => {
                let (event, rest) = decoded::<super::Event<'_>>(item)?;
                (Piece::Other(event.try_into()?), rest)
            }
        };
        each(piece);
        Ok(rest)
    })
}

/// The same for leases in an array of them: all are put. Others are handed on as they are written.
///
/// # Errors
/// [`FormatError`] where that is no array.
pub fn each_lease<'a>(
    text: &'a str,
    each: EachPiece<'_, 'a, &'a str>,
) -> Result<usize, FormatError> {
    each_item(text, |item| {
        let mut exact = Exact { rest: item };
        let (piece, rest) = match exact.lease(Resource::is_canonical) {
            Some(lease) => (put(text.len(), item, exact.rest, lease), exact.rest),
            None => {
                let (written, rest) = value(item)?;
                (Piece::Other(written), rest)
            }
        };
        each(piece);
        Ok(rest)
    })
}

/// Goes over the items of an array; `each` goes over one, and returns what comes behind it.
fn each_item<'a>(
    text: &'a str,
    mut each: impl FnMut(&'a str) -> Result<&'a str, FormatError>,
) -> Result<usize, FormatError> {
    let broken = || FormatError("it is no array".into());
    let mut exact = Exact { rest: text };
    exact.literal(b"[").ok_or_else(broken)?;
    if !exact.maybe(b"]") {
        loop {
            exact.rest = each(exact.rest)?;
            if exact.maybe(b"]") {
                break;
            }
            exact.literal(b",").ok_or_else(broken)?;
        }
    }
    Ok(text.len() - exact.rest.len())
}

fn put<'a, T>(length: usize, item: &str, rest: &str, lease: Standing<'a>) -> Piece<'a, T> {
    Piece::Put(length - item.len()..length - rest.len(), lease)
}

/// Returns the value at the beginning of a text, and what comes behind it.
fn value(text: &str) -> Result<(&str, &str), FormatError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let length = cursor.value().map(<[u8]>::len);
    let split = length.and_then(|length| text.split_at_checked(length));
    split.ok_or_else(|| FormatError("it has no end".into()))
}

fn decoded<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<(T, &'a str), FormatError> {
    let (written, rest) = value(text)?;
    let decoded = serde_json::from_str(written).map_err(|error| FormatError(error.to_string()))?;
    Ok((decoded, rest))
}
