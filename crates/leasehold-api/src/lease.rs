//! Leases, tickets and freezes as others see them.

use leasehold_core::freeze::Freeze;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::ticket::TicketState;
use leasehold_core::view::Pulse;
use leasehold_core::{Claim, Identity, Lease, Ticket, Timestamp, View, verdict::Blocker};
use leasehold_service::Clock;
use serde::Serialize;

/// How many digits of a lease's id tell it from others.
pub const BRIEF: usize = 8;

/// One claim of a lease or ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimInfo {
    /// The resource, as it is stored.
    pub resource: String,
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
pub struct Party {
    /// The owner's name.
    pub owner: String,
    /// The host.
    pub host: String,
    /// The agent's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaseInfo {
    /// Its id, which is also the proof of it. Of a lease that is in the way only the first digits: a
    /// refusal must not hand out the proof of somebody else's.
    pub id: String,
    /// Its fencing token.
    pub token: u64,
    /// Who holds it.
    #[serde(flatten)]
    pub who: Party,
    /// What it holds.
    pub resources: Vec<ClaimInfo>,
    /// `scoped` ends with its process, `standing` at `unlock` or TTL.
    pub kind: &'static str,
    /// What it is good for.
    pub state: LeaseState,
    /// When it was granted.
    pub granted_at: String,
    /// For how long it has been held.
    pub held_ms: u64,
    /// When it expires; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// In how long it expires; zero where it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// The process, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The guarded command, shortened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// The process that asked for it; a standing lease has mostly outlived that. Not printed: fronts
    /// show it that always did.
    #[serde(skip)]
    pub asked_by_pid: u32,
    /// How long it lives from each renewal. Not printed: for fronts that show it.
    #[serde(skip)]
    pub ttl_ms: Option<u64>,
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

impl From<&Identity> for Party {
    fn from(who: &Identity) -> Self {
        Self {
            owner: who.owner.name.to_string(),
            host: who.owner.host.to_string(),
            session: who.session.as_deref().map(str::to_owned),
        }
    }
}

fn claims(claims: &[Claim], slot: impl Fn(&Claim) -> Option<u32>) -> Vec<ClaimInfo> {
    let info = |claim: &Claim| ClaimInfo {
        resource: claim.resource.to_string(),
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
        let now = clock.now();
        Self {
            id: lease.id.to_string(),
            token: lease.token.get(),
            who: Party::from(&lease.who),
            resources: claims(&lease.claims, |claim| lease.slot_of(claim)),
            kind: match lease.kind {
                Kind::Scoped => "scoped",
                Kind::Standing => "standing",
            },
            state: state(lease, view, now),
            granted_at: date(clock, lease.granted),
            held_ms: now.millis_since(lease.granted),
            expires_at: lease.expires.map(|at| date(clock, at)),
            expires_in_ms: lease.expires.map(|at| at.millis_since(now)),
            pid: (lease.kind == Kind::Scoped).then_some(lease.holder.pid),
            command: lease.holder.command.to_string(),
            asked_by_pid: lease.holder.pid,
            ttl_ms: lease.ttl.map(leasehold_core::Ttl::as_millis),
        }
    }
}

impl LeaseInfo {
    /// The same with only the first digits of its id, as somebody else may see it.
    #[must_use]
    pub fn in_brief(mut self) -> Self {
        self.id.truncate(BRIEF);
        self
    }
}

fn state(lease: &Lease, view: Option<&View>, now: Timestamp) -> LeaseState {
    let life = view
        .and_then(|view| view.life(lease.id))
        .unwrap_or_default();
    let scoped = lease.kind == Kind::Scoped;
    match (&lease.pickup, life.holder, life.command) {
        (Pickup::Unbound(_), Pulse::Dead, _) => LeaseState::Dead,
        (Pickup::Unbound(_), ..) => LeaseState::Granted,
        (Pickup::Bound, Pulse::Dead, Pulse::Dead) if scoped => LeaseState::Dead,
        (Pickup::Bound, Pulse::Dead, _) if scoped => LeaseState::Orphan,
        // Perhaps an orphan: then its TTL does not end it.
        (Pickup::Bound, Pulse::Unknown, command) if scoped && command.may_live() => {
            match lease.orphaned {
                Some(_) => LeaseState::Orphan,
                None => LeaseState::Held,
            }
        }
        _ if lease.expires.is_some_and(|at| at <= now) && !lease.keep_while_alive => {
            LeaseState::Expired
        }
        _ => LeaseState::Held,
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
