//! The one object that a verb answers with, refusals included.

use crate::code::Code;
use crate::demo::DemoInfo;
use crate::finding::FindingInfo;
use crate::lease::{BlockerInfo, FreezeInfo, LeaseInfo, TicketInfo, date};
use crate::listed::Leases;
use crate::prime::{IdentityInfo, OperationInfo, SuggestionInfo};
use crate::why::{ReasonInfo, WaitInfo};
use leasehold_service::Clock;
use leasehold_store::Collected;
use serde::Serialize;

/// The version of what is printed.
pub const SCHEMA: u32 = 1;

/// The answer of one verb.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(bound(serialize = "L: Leases"))]
pub struct Outcome<L = Vec<LeaseInfo>> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The verb.
    pub verb: &'static str,
    /// Whether it was done.
    pub ok: bool,
    /// What became of it.
    pub code: Code,
    /// The exit code of the program, the guarded command's included.
    pub exit: u8,
    /// For people: what happened, on one line.
    pub message: String,
    /// For people and agents: what else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// For people and agents: what to do next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// The leases that the verb is about.
    #[serde(skip_serializing_if = "Leases::is_empty")]
    pub leases: L,
    /// Who is in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<BlockerInfo>,
    /// Who wants what the request holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pressers: Vec<TicketInfo>,
    /// What is frozen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<FreezeInfo>,
    /// Who waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queue: Vec<TicketInfo>,
    /// The leases that were cleared away first: past their time, or their holders dead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cleared: Vec<LeaseInfo>,
    /// Why a request would not be granted, one by one, and what else is worth knowing of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonInfo>,
    /// For whom those in the way wait themselves, and those in turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitInfo>,
    /// The place of the request: how many wait ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ahead: Option<usize>,
    /// In how long those in the way are gone as a rule, by how long the same was held before; absent where
    /// that cannot be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
    /// What became of the guarded command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandEnd>,
    /// What was dropped, of `gc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected: Option<CollectedInfo>,
    /// What was looked at, of `doctor`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingInfo>,
    /// Who asks, of `prime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityInfo>,
    /// What scripts of the repository guard, of `prime`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationInfo>,
    /// What may be worth guarding, of `prime`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<SuggestionInfo>,
    /// What was shown, of `demo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demo: Option<DemoInfo>,
}

/// What a collection dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CollectedInfo {
    /// Whether all that is held was written down anew.
    pub checkpoint: bool,
    /// How many pieces of the audit were dropped.
    pub dropped: u64,
    /// How many bytes that freed.
    pub bytes: u64,
    /// What was dropped had happened by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped_until: Option<String>,
    /// How many things that nobody needs were removed.
    pub leftovers: u64,
}

impl CollectedInfo {
    /// Describes what was dropped.
    #[must_use]
    pub fn new(collected: &Collected, clock: &Clock) -> Self {
        Self {
            checkpoint: collected.checkpoint,
            dropped: collected.dropped,
            bytes: collected.bytes,
            dropped_until: collected.dropped_until.map(|at| date(clock, at)),
            leftovers: collected.leftovers,
        }
    }
}

/// How a guarded command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CommandEnd {
    /// Its exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<u8>,
    /// The signal that killed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<u8>,
}

impl<L: Default> Outcome<L> {
    /// Makes an outcome with nothing but its message.
    #[must_use]
    pub fn new(verb: &'static str, code: Code, exit: u8, message: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA,
            verb,
            ok: code == Code::Ok,
            code,
            exit,
            message: message.into(),
            notes: Vec::new(),
            hints: Vec::new(),
            leases: L::default(),
            blockers: Vec::new(),
            pressers: Vec::new(),
            freezes: Vec::new(),
            queue: Vec::new(),
            cleared: Vec::new(),
            reasons: Vec::new(),
            waits: Vec::new(),
            ahead: None,
            expected_ms: None,
            command: None,
            collected: None,
            findings: Vec::new(),
            identity: None,
            operations: Vec::new(),
            suggestions: Vec::new(),
            demo: None,
        }
    }
}
