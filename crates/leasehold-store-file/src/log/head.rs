//! A segment's first line: which segment it is, and the checkpoint that it begins with.
//!
//! The checkpoint is all that the segments before leave: what is live, and the counters. So a segment is
//! read without those before it. Only the first segment of a workspace has none.

use super::VERSION;
use crate::line;
use leasehold_core::view::Counters;
use leasehold_core::{FencingToken, Lease, Ticket, Timestamp, card::Card, freeze::Freeze};
use leasehold_store::format::{self, FormatError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// How much of a segment surely shows the figures of its checkpoint, which stand in front.
pub(crate) const FIGURES_BYTES: usize = 512;

/// The first line, as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    v: u64,
    segment: u32,
    #[serde(borrow)]
    workspace: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<StoredCheckpoint<'a>>,
    #[serde(default, skip_serializing, rename = "len")]
    _len: u64,
    #[serde(default, skip_serializing, rename = "crc")]
    _crc: Cow<'a, str>,
}

/// A checkpoint, as it is stored. The figures come first, to be read alone.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCheckpoint<'a> {
    at: u64,
    after: u64,
    size: u64,
    number: u64,
    token: u64,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    leases: Vec<format::Lease<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    tickets: Vec<format::Ticket<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    freezes: Vec<format::Freeze<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    cards: Vec<format::Card<'a>>,
}

/// What a segment begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The time of the last commit before.
    pub(crate) at: Timestamp,
    /// How long the segment before was when this was made of it. If it grew after that, whoever made
    /// this was killed before it counted.
    pub(crate) after: u64,
    pub(crate) counters: Counters,
    pub(crate) leases: Vec<Arc<Lease>>,
    pub(crate) tickets: Vec<Arc<Ticket>>,
    pub(crate) freezes: Vec<Freeze>,
    pub(crate) cards: Vec<Card>,
}

/// A segment's first line, read back.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) segment: u32,
    pub(crate) workspace: String,
    pub(crate) checkpoint: Option<Checkpoint>,
}

/// What a checkpoint says of itself in its first members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// As [`Checkpoint::at`].
    pub(crate) at: Timestamp,
    /// How many bytes the checkpoint takes, roughly.
    pub(crate) size: u64,
}

/// Returns a segment's first line, newline included.
pub(crate) fn head_line(segment: u32, workspace: &str, checkpoint: Option<&Checkpoint>) -> Vec<u8> {
    let mut head = Stored {
        v: VERSION,
        segment,
        workspace: workspace.into(),
        checkpoint: checkpoint.map(Into::into),
        _len: 0,
        _crc: "".into(),
    };
    let write =
        |head: &Stored<'_>| serde_json::to_vec(head).expect("plain values always become JSON");
    let mut bytes = write(&head);
    if let Some(checkpoint) = &mut head.checkpoint {
        checkpoint.size = bytes.len() as u64;
        bytes = write(&head);
    }
    bytes.pop();
    line::seal(&mut bytes);
    bytes.push(b'\n');
    bytes
}

impl Head {
    /// Reads a first line.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let stored: Stored<'_> = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        let checkpoint = stored.checkpoint.map(Checkpoint::try_from).transpose();
        Ok(Self {
            segment: stored.segment,
            workspace: stored.workspace.into_owned(),
            checkpoint: checkpoint.map_err(|error| error.to_string())?,
        })
    }
}

impl Figures {
    /// Reads them from the beginning of a segment; nothing where it begins without a checkpoint.
    pub(crate) fn parse(beginning: &[u8]) -> Option<Self> {
        const BEFORE: &[u8] = b",\"checkpoint\":{";
        let place = beginning
            .windows(BEFORE.len())
            .position(|window| window == BEFORE)?;
        let text = std::str::from_utf8(&beginning[place + BEFORE.len()..]);
        // What is cut off in the middle of a character is behind the figures.
        let text = text.unwrap_or_else(|error| {
            let end = place + BEFORE.len() + error.valid_up_to();
            std::str::from_utf8(&beginning[place + BEFORE.len()..end]).unwrap_or_default()
        });
        let mut members = text.split(',');
        let mut next = |name: &str| -> Option<u64> {
            let value = members.next()?.strip_prefix(name)?.strip_prefix(':')?;
            value.parse().ok()
        };
        let at = Timestamp::from_millis(next("\"at\"")?);
        let _after = next("\"after\"")?;
        let size = next("\"size\"")?;
        Some(Self { at, size })
    }
}

impl<'a> From<&'a Checkpoint> for StoredCheckpoint<'a> {
    fn from(checkpoint: &'a Checkpoint) -> Self {
        Self {
            at: checkpoint.at.as_millis(),
            after: checkpoint.after,
            size: 0,
            number: checkpoint.counters.number,
            token: checkpoint.counters.token.get(),
            leases: checkpoint.leases.iter().map(|l| (&**l).into()).collect(),
            tickets: checkpoint.tickets.iter().map(|t| (&**t).into()).collect(),
            freezes: checkpoint.freezes.iter().map(Into::into).collect(),
            cards: checkpoint.cards.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<StoredCheckpoint<'_>> for Checkpoint {
    type Error = FormatError;

    fn try_from(stored: StoredCheckpoint<'_>) -> Result<Self, FormatError> {
        let token = FencingToken::new(stored.token)
            .ok_or_else(|| FormatError(format!("the token {} makes no sense", stored.token)))?;
        Ok(Self {
            at: Timestamp::from_millis(stored.at),
            after: stored.after,
            counters: Counters {
                number: stored.number,
                token,
            },
            leases: shared(stored.leases)?,
            tickets: shared(stored.tickets)?,
            freezes: all(stored.freezes)?,
            cards: all(stored.cards)?,
        })
    }
}

fn all<A, B: TryFrom<A, Error = FormatError>>(items: Vec<A>) -> Result<Vec<B>, FormatError> {
    items.into_iter().map(B::try_from).collect()
}

fn shared<A, B: TryFrom<A, Error = FormatError>>(
    items: Vec<A>,
) -> Result<Vec<Arc<B>>, FormatError> {
    Ok(all(items)?.into_iter().map(Arc::new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            at: Timestamp::from_millis(u64::MAX),
            after: u64::MAX,
            counters: Counters {
                number: u64::MAX,
                token: FencingToken::MAX,
            },
            leases: Vec::new(),
            tickets: Vec::new(),
            freezes: Vec::new(),
            cards: Vec::new(),
        }
    }

    #[test]
    fn a_first_line_is_read_as_it_was_written() {
        let name = "0123456789abcdef0123456789abcdef";
        for checkpoint in [None, Some(checkpoint())] {
            let line = head_line(u32::MAX, name, checkpoint.as_ref());
            let text = line.strip_suffix(b"\n").unwrap();
            assert!(line::is_whole(text));
            let head = Head::parse(text).unwrap();
            assert_eq!((head.segment, &*head.workspace), (u32::MAX, name));
            let figures = Figures::parse(&line[..line.len().min(FIGURES_BYTES)]);
            assert_eq!(figures.map(|f| f.at), checkpoint.as_ref().map(|c| c.at));
            if let Some(figures) = figures {
                assert!(line.len() as u64 - figures.size < 100);
            }
            assert_eq!(head.checkpoint, checkpoint);
        }
    }

    #[test]
    fn unknown_members_are_refused() {
        let line = head_line(2, "w", Some(&checkpoint()));
        let text = std::str::from_utf8(&line).unwrap();
        for (old, new) in [
            ("\"at\"", "\"x\":1,\"at\""),
            ("\"segment\"", "\"x\":1,\"segment\""),
        ] {
            assert!(Head::parse(text.replacen(old, new, 1).trim_end().as_bytes()).is_err());
        }
        assert_eq!(Figures::parse(b"{\"v\":1,\"segment\":1}\n"), None);
    }
}
