//! Leases, tickets and freezes as others see them.
//!
//! `T` is what their texts are: [`String`], or where there are many of them a part of what is stored.

use crate::event::Dates;
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_core::ticket::TicketState;
use leasehold_core::view::{Life, Pulse};
use leasehold_core::{Claim, Identity, Intent, Lease, Ticket, Timestamp, View, verdict::Blocker};
use leasehold_service::Clock;
use leasehold_store::format::Standing;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use std::borrow::Cow;

/// How many digits of a lease's id tell it from others.
pub const BRIEF: usize = 8;

/// One claim of a lease or ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimInfo<T = String> {
    /// The resource, as it is stored.
    pub resource: T,
    /// The intent.
    pub intent: &'static str,
    /// For a slot of a pool: how many slots the pool has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// For a slot of a pool that is held: which one, from zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
}

/// Who holds or waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Party<T = String> {
    /// The owner's name.
    pub owner: T,
    /// The host.
    pub host: T,
    /// The agent's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<T>,
}

/// What a lease is good for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// Held.
    Held,
    /// Granted, not picked up yet.
    Granted,
    /// Its guard is dead, its command lives: still protected.
    Orphan,
    /// Past its TTL: whoever asks next gets it.
    Expired,
    /// Its processes are dead: whoever asks next gets it.
    Dead,
}

impl LeaseState {
    /// Returns whether the lease is in nobody's way.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Expired | Self::Dead)
    }
}

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseInfo<T = String> {
    /// Its id, which is also the proof of it. Of a lease that is in the way only the first digits: a
    /// refusal must not hand out the proof of somebody else's.
    pub id: T,
    /// Its fencing token.
    pub token: u64,
    /// Who holds it.
    pub who: Party<T>,
    /// What it holds.
    pub resources: Vec<ClaimInfo<T>>,
    /// `scoped` ends with its process, `standing` at `unlock` or TTL.
    pub kind: &'static str,
    /// What it is good for.
    pub state: LeaseState,
    /// When it was granted.
    pub granted_at: T,
    /// For how long it has been held.
    pub held_ms: u64,
    /// When it expires; absent where it does not.
    pub expires_at: Option<T>,
    /// In how long it expires; zero where it has.
    pub expires_in_ms: Option<u64>,
    /// The process, where there is one.
    pub pid: Option<u32>,
    /// The guarded command, shortened.
    pub command: T,
    /// The process that asked for it; a standing lease has mostly outlived that. Not printed: fronts
    /// show it that always did.
    pub asked_by_pid: u32,
    /// How long it lives from each renewal. Not printed: for fronts that show it.
    pub ttl_ms: Option<u64>,
}

/// With the members of `who` among its own, as the derived one of serde writes them, which goes over a map for that:
/// of ten thousand leases that was a tenth of the time.
impl<T: Serialize + AsRef<str>> Serialize for LeaseInfo<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            id,
            token,
            who,
            resources,
            kind,
            state,
            granted_at,
            held_ms,
            expires_at,
            expires_in_ms,
            pid,
            command,
            asked_by_pid: _,
            ttl_ms: _,
        } = self;
        // At most so many; in JSON nobody counts them.
        let mut members = serializer.serialize_struct("LeaseInfo", 14)?;
        members.serialize_field("id", id)?;
        members.serialize_field("token", token)?;
        members.serialize_field("owner", &who.owner)?;
        members.serialize_field("host", &who.host)?;
        if let Some(session) = &who.session {
            members.serialize_field("session", session)?;
        }
        members.serialize_field("resources", resources)?;
        members.serialize_field("kind", kind)?;
        members.serialize_field("state", state)?;
        members.serialize_field("granted_at", granted_at)?;
        members.serialize_field("held_ms", held_ms)?;
        if let Some(at) = expires_at {
            members.serialize_field("expires_at", at)?;
        }
        if let Some(left) = expires_in_ms {
            members.serialize_field("expires_in_ms", left)?;
        }
        if let Some(pid) = pid {
            members.serialize_field("pid", pid)?;
        }
        if !command.as_ref().is_empty() {
            members.serialize_field("command", command)?;
        }
        members.end()
    }
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketInfo {
    /// Its number: lower goes first.
    pub number: u64,
    /// Who waits.
    #[serde(flatten)]
    pub who: Party,
    /// What for.
    pub resources: Vec<ClaimInfo>,
    /// `waiting`, or `parked` while its waiter is away.
    pub state: &'static str,
    /// For how long it has been there.
    pub waiting_ms: u64,
    /// Until when the place is kept, while its waiter is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<String>,
    /// For how much longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_ms: Option<u64>,
    /// The process; of one that is away, the last one.
    pub pid: u32,
    /// The command that waits, shortened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
}

/// A freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FreezeInfo {
    /// What is frozen.
    pub resource: String,
    /// Who froze it.
    #[serde(flatten)]
    pub who: Party,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// For how much longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<u64>,
    /// Since when. Not printed: for fronts that show it.
    #[serde(skip)]
    pub since: String,
    /// For how long it has been on. Not printed: for fronts that show it.
    #[serde(skip)]
    pub frozen_ms: u64,
}

/// Somebody in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockerInfo {
    /// It holds.
    Lease(LeaseInfo),
    /// It waits ahead.
    Ticket(TicketInfo),
}

/// Writes a point of the workspace's time line as a date (RFC 3339, UTC, milliseconds).
#[must_use]
pub fn date(clock: &Clock, at: Timestamp) -> String {
    humantime::format_rfc3339_millis(clock.wall(at)).to_string()
}

impl<T: From<String>> From<&Identity> for Party<T> {
    fn from(who: &Identity) -> Self {
        Self {
            owner: who.owner.name.to_string().into(),
            host: who.owner.host.to_string().into(),
            session: who.session.as_deref().map(|text| text.to_owned().into()),
        }
    }
}

fn claims<T: From<String>>(
    claims: &[Claim],
    slot: impl Fn(&Claim) -> Option<u32>,
) -> Vec<ClaimInfo<T>> {
    let info = |claim: &Claim| ClaimInfo {
        resource: claim.resource.to_string().into(),
        intent: claim.intent.as_str(),
        slots: claim.slots.map(std::num::NonZeroU32::get),
        slot: slot(claim),
    };
    claims.iter().map(info).collect()
}

impl LeaseInfo {
    /// Describes a lease as it is in a view.
    #[must_use]
    pub fn new(lease: &Lease, view: Option<&View>, clock: &Clock) -> Self {
        Self::of(lease, view, clock)
    }

    /// The same with only the first digits of its id, as somebody else may see it.
    #[must_use]
    pub fn in_brief(mut self) -> Self {
        self.id.truncate(BRIEF);
        self
    }
}

impl<T: From<String>> LeaseInfo<T> {
    /// As [`LeaseInfo::new`], whatever its texts are.
    #[must_use]
    pub fn of(lease: &Lease, view: Option<&View>, clock: &Clock) -> Self {
        let now = clock.now();
        Self {
            id: lease.id.to_string().into(),
            token: lease.token.get(),
            who: Party::from(&lease.who),
            resources: claims(&lease.claims, |claim| lease.slot_of(claim)),
            kind: kind(lease.kind),
            state: Bearing::of(lease, view).state(now),
            granted_at: date(clock, lease.granted).into(),
            held_ms: now.millis_since(lease.granted),
            expires_at: lease.expires.map(|at| date(clock, at).into()),
            expires_in_ms: lease.expires.map(|at| at.millis_since(now)),
            pid: (lease.kind == Kind::Scoped).then_some(lease.holder.pid),
            command: lease.holder.command.to_string().into(),
            asked_by_pid: lease.holder.pid,
            ttl_ms: lease.ttl.map(leasehold_core::Ttl::as_millis),
        }
    }
}

impl<'a> LeaseInfo<Cow<'a, str>> {
    /// Describes a standing lease as it is written.
    #[must_use]
    pub fn standing(lease: &Standing<&'a str>, dates: &mut Dates<'_>) -> Self {
        let now = dates.clock().now();
        let claim = |(resource, intent): (&'a str, Intent)| ClaimInfo {
            resource: resource.into(),
            intent: intent.as_str(),
            slots: None,
            slot: None,
        };
        Self {
            id: lease.id.into(),
            token: lease.token.get(),
            who: Party {
                owner: lease.owner.into(),
                host: lease.host.into(),
                session: lease.session.map(Into::into),
            },
            resources: lease.claims().map(claim).collect(),
            kind: kind(Kind::Standing),
            state: Bearing::from(lease).state(now),
            granted_at: dates.text(lease.granted).into(),
            held_ms: now.millis_since(lease.granted),
            expires_at: lease.expires.map(|at| dates.text(at).into()),
            expires_in_ms: lease.expires.map(|at| at.millis_since(now)),
            pid: None,
            command: lease.command.into(),
            asked_by_pid: lease.pid,
            ttl_ms: lease.ttl.map(leasehold_core::Ttl::as_millis),
        }
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Scoped => "scoped",
        Kind::Standing => "standing",
    }
}

/// What the state of a lease depends on.
struct Bearing {
    kind: Kind,
    is_bound: bool,
    life: Life,
    is_orphaned: bool,
    expires: Option<Timestamp>,
    keep_while_alive: bool,
}

impl Bearing {
    fn of(lease: &Lease, view: Option<&View>) -> Self {
        let life = view.and_then(|view| view.life(lease.id));
        Self {
            kind: lease.kind,
            is_bound: lease.is_bound(),
            life: life.unwrap_or_default(),
            is_orphaned: lease.orphaned.is_some(),
            expires: lease.expires,
            keep_while_alive: lease.keep_while_alive,
        }
    }

    fn state(&self, now: Timestamp) -> LeaseState {
        let scoped = self.kind == Kind::Scoped;
        match (self.is_bound, self.life.holder, self.life.command) {
            (false, Pulse::Dead, _) => LeaseState::Dead,
            (false, ..) => LeaseState::Granted,
            (true, Pulse::Dead, Pulse::Dead) if scoped => LeaseState::Dead,
            (true, Pulse::Dead, _) if scoped => LeaseState::Orphan,
            // Perhaps an orphan: then its TTL does not end it.
            (true, Pulse::Unknown, command) if scoped && command.may_live() => {
                if self.is_orphaned {
                    LeaseState::Orphan
                } else {
                    LeaseState::Held
                }
            }
            _ if self.expires.is_some_and(|at| at <= now) && !self.keep_while_alive => {
                LeaseState::Expired
            }
            _ => LeaseState::Held,
        }
    }
}

impl From<&Standing<&str>> for Bearing {
    /// Nobody asks who lives behind it.
    fn from(lease: &Standing<&str>) -> Self {
        Self {
            kind: Kind::Standing,
            is_bound: true,
            life: Life::default(),
            is_orphaned: false,
            expires: lease.expires,
            keep_while_alive: lease.keep_while_alive,
        }
    }
}

impl TicketInfo {
    /// Describes a ticket.
    #[must_use]
    pub fn new(ticket: &Ticket, clock: &Clock) -> Self {
        let (state, kept) = match ticket.state {
            TicketState::Waiting => ("waiting", None),
            TicketState::Parked { until } => ("parked", Some(until)),
        };
        Self {
            number: ticket.number,
            who: Party::from(&ticket.who),
            resources: claims(&ticket.claims, |_| None),
            state,
            waiting_ms: clock.now().millis_since(ticket.since),
            kept_until: kept.map(|at| date(clock, at)),
            kept_ms: kept.map(|at| at.millis_since(clock.now())),
            pid: ticket.holder.pid,
            command: ticket.holder.command.to_string(),
        }
    }
}

impl FreezeInfo {
    /// Describes a freeze.
    #[must_use]
    pub fn new(freeze: &Freeze, clock: &Clock) -> Self {
        Self {
            resource: freeze.resource.to_string(),
            who: Party::from(&freeze.who),
            until: freeze.until.map(|at| date(clock, at)),
            remaining_ms: freeze.until.map(|at| at.millis_since(clock.now())),
            since: date(clock, freeze.since),
            frozen_ms: clock.now().millis_since(freeze.since),
        }
    }
}

impl BlockerInfo {
    /// Describes somebody in the way.
    #[must_use]
    pub fn new(blocker: &Blocker, clock: &Clock) -> Self {
        match blocker {
            Blocker::Lease(lease) => Self::Lease(LeaseInfo::new(lease, None, clock).in_brief()),
            Blocker::Ticket(ticket) => Self::Ticket(TicketInfo::new(ticket, clock)),
        }
    }
}

#[cfg(test)]
mod tests;
