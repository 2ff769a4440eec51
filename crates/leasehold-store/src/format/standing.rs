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

/// A standing lease that was picked up, as it is written. `T` is what its texts are: parts of what is
/// written, or their places among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<T> {
    /// Its id, as it is written.
    pub id: T,
    /// The owner's name.
    pub owner: T,
    /// The owner's host.
    pub host: T,
    /// The agent's session.
    pub session: Option<T>,
    /// What is claimed, between the brackets.
    claims: T,
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
    pub command: T,
}

impl<T> Standing<T> {
    /// Returns the same with other texts; none, where one of them becomes none.
    pub fn with_texts<U>(self, mut text: impl FnMut(T) -> Option<U>) -> Option<Standing<U>> {
        let session = match self.session {
            Some(session) => Some(text(session)?),
            None => None,
        };
        Some(Standing {
            id: text(self.id)?,
            owner: text(self.owner)?,
            host: text(self.host)?,
            session,
            claims: text(self.claims)?,
            token: self.token,
            granted: self.granted,
            ttl: self.ttl,
            expires: self.expires,
            keep_while_alive: self.keep_while_alive,
            pid: self.pid,
            command: text(self.command)?,
        })
    }
}

impl<'a> Standing<&'a str> {
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
    /// It stands from now on.
    Put(Standing<&'a str>),
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
        let (piece, rest) = match exact.change() {
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
            Some(lease) => (Piece::Put(lease), exact.rest),
            None => {
                let (written, rest) = value(item)?;
                (Piece::Other(written), rest)
            }
        };
        each(piece);
        Ok(rest)
    })
}

/// Where a text is in a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    begin: u32,
    end: u32,
}

impl Place {
    /// Appends a text to others; returns where it is then, or none where there is no room for it.
    pub fn appended(text: &str, to: &mut String) -> Option<Self> {
        let begin = u32::try_from(to.len()).ok()?;
        let end = u32::try_from(to.len() + text.len()).ok()?;
        to.push_str(text);
        Some(Self { begin, end })
    }

    /// Returns what is there.
    #[must_use]
    pub fn text(self, all: &str) -> Option<&str> {
        all.get(self.begin as usize..self.end as usize)
    }
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
