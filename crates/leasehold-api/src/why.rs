//! Why a request would not be granted: each reason by itself, and who waits for whom.

use crate::lease::{BlockerInfo, FreezeInfo, LeaseInfo, TicketInfo};
use leasehold_core::verdict::Place;
use leasehold_core::view::{Life, Pulse};
use leasehold_service::Clock;
use serde::Serialize;

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// Somebody holds it.
    Held,
    /// Its holder's guard is dead, the command lives.
    Orphan,
    /// It is frozen.
    Frozen,
    /// Somebody waits ahead.
    Queued,
    /// Waiting could end in a deadlock: others wait for what the request holds.
    WouldDie,
    /// Somebody who is away would be ahead again on coming back. In nobody's way meanwhile.
    Parked,
    /// Its holder's time is over: it makes way.
    Expired,
    /// Its holder's processes are dead: it makes way.
    Dead,
}

/// Whether a process is known to be dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PulseInfo {
    /// Its proof of life is there.
    Alive,
    /// Its proof of life is gone.
    Dead,
    /// Its proof of life cannot be looked at.
    Unknown,
}

/// The two proofs of life of a scoped lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LifeInfo {
    /// The guard.
    pub guard: PulseInfo,
    /// Its command.
    pub command: PulseInfo,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonInfo {
    /// What kind of reason it is.
    #[serde(rename = "type")]
    pub kind: ReasonKind,
    /// Whether it keeps the request from being granted now.
    pub blocks: bool,
    /// For people, on one line.
    pub message: String,
    /// The lease that it is about. Of its id only the first digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseInfo>,
    /// What is known of that lease's processes; absent for a standing one, which needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life: Option<LifeInfo>,
    /// The place in the queue that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketInfo>,
    /// The freeze that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze: Option<FreezeInfo>,
}

/// Somebody in the way who waits as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitInfo {
    /// Who waits, and for what.
    pub ticket: TicketInfo,
    /// Who is in its way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<BlockerInfo>,
    /// What is frozen of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<FreezeInfo>,
}

impl ReasonInfo {
    /// Makes a reason with nothing but its message.
    #[must_use]
    pub fn new(kind: ReasonKind, message: impl Into<String>) -> Self {
        let blocks = !matches!(
            kind,
            ReasonKind::Parked | ReasonKind::Expired | ReasonKind::Dead
        );
        Self {
            kind,
            blocks,
            message: message.into(),
            lease: None,
            life: None,
            ticket: None,
            freeze: None,
        }
    }
}

impl From<Life> for LifeInfo {
    fn from(life: Life) -> Self {
        let pulse = |pulse| match pulse {
            Pulse::Alive => PulseInfo::Alive,
            Pulse::Dead => PulseInfo::Dead,
            Pulse::Unknown => PulseInfo::Unknown,
        };
        Self {
            guard: pulse(life.holder),
            command: pulse(life.command),
        }
    }
}

impl WaitInfo {
    /// Describes where somebody waits.
    #[must_use]
    pub fn new(place: &Place, clock: &Clock) -> Self {
        let blockers = place.blockers.iter();
        let freezes = place.frozen.iter();
        Self {
            ticket: TicketInfo::new(&place.ticket, clock),
            blockers: blockers.map(|b| BlockerInfo::new(b, clock)).collect(),
            freezes: freezes.map(|f| FreezeInfo::new(f, clock)).collect(),
        }
    }
}
