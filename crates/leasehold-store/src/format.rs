//! How events and what they carry are written down, in every store: one JSON object each.
//!
//! Kernel types are converted by hand, so that a change of the kernel cannot silently change what is
//! stored. Readers refuse what they do not understand; members are never reused with another meaning.

mod brief;
#[cfg(test)]
mod changed;
mod convert;
mod event;
mod raw;
mod scan;
mod standing;

pub use brief::{Brief, Broken, Party, Thing};
pub use event::{Died, Dropped, EVENTS, Event, Forced, Frozen, Granted, OfLease, OfTicket};
pub use event::{Passed, Queued, Refused, Thawed};
pub use scan::leading_number;
pub use standing::{Piece, Place, Standing, each_change, each_lease};

use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

/// The version of this format. A reader refuses a higher one.
pub const VERSION: u32 = 1;

/// Why something stored could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct FormatError(pub String);

/// Writes events down, as a JSON array.
#[must_use]
pub fn events_json(events: &[leasehold_core::event::Event]) -> Vec<u8> {
    let stored: Vec<Event<'_>> = events.iter().map(Into::into).collect();
    serde_json::to_vec(&stored).expect("plain values always become JSON")
}

/// An [`Identity`](leasehold_core::Identity).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who<'a> {
    #[serde(borrow)]
    owner: Cow<'a, str>,
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(
        borrow,
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some_text"
    )]
    session: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_false")]
    explicit: bool,
}

/// A [`Claim`](leasehold_core::Claim).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim<'a> {
    #[serde(borrow)]
    resource: Cow<'a, str>,
    #[serde(borrow)]
    intent: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slots: Option<u32>,
}

/// An [`Agent`](leasehold_core::identity::Agent).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Agent<'a> {
    /// A session.
    Session(Cow<'a, str>),
    /// An owner: name and host.
    Owner(Cow<'a, str>, Cow<'a, str>),
}

/// A [`Lease`](leasehold_core::Lease). Times are milliseconds on the workspace's time line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    who: Who<'a>,
    claims: Vec<Claim<'a>>,
    #[serde(default, skip_serializing_if = "is_false")]
    standing: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inside: Vec<Cow<'a, str>>,
    birth: Cow<'a, [u64]>,
    seniority: (u32, Cow<'a, [u64]>),
    number: u64,
    token: u64,
    granted: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    keep_while_alive: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slots: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unbound: Option<Box<Ticket<'a>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    orphaned: Option<u64>,
    #[serde(default)]
    pid: u32,
    #[serde(borrow, default)]
    command: Cow<'a, str>,
}

/// A [`Ticket`](leasehold_core::Ticket).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket<'a> {
    number: u64,
    #[serde(borrow)]
    request: Cow<'a, str>,
    who: Who<'a>,
    claims: Vec<Claim<'a>>,
    #[serde(default, skip_serializing_if = "is_false")]
    standing: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inside: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    agents: Vec<Agent<'a>>,
    seniority: (u32, Cow<'a, [u64]>),
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parked_until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait_until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    keep_while_alive: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    strict: bool,
    since: u64,
    #[serde(default)]
    pid: u32,
    #[serde(borrow, default)]
    command: Cow<'a, str>,
}

/// A [`Freeze`](leasehold_core::freeze::Freeze).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    resource: Cow<'a, str>,
    until: Option<u64>,
    since: u64,
    who: Who<'a>,
}

/// A [`Card`](leasehold_core::card::Card).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card<'a> {
    who: Who<'a>,
    claims: Vec<Claim<'a>>,
    #[serde(default, skip_serializing_if = "is_false")]
    standing: bool,
    birth: Cow<'a, [u64]>,
    unit: u64,
    #[serde(borrow)]
    dead_request: Cow<'a, str>,
    dead_claims: Vec<Claim<'a>>,
    #[serde(default, skip_serializing_if = "is_false")]
    dead_standing: bool,
    until: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// A text as it stands, not copied where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a member that is there, without copying its text: serde copies what is in an `Option`.
fn some_text<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    Ok(Option::<Text<'a>>::deserialize(deserializer)?.map(|text| text.0))
}
