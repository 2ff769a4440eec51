//! What the kernel answers (law L14).

use crate::claim::Claim;
use crate::event::Event;
use crate::{freeze::Freeze, id::LeaseId, lease::Lease, resource::Resource, ticket::Ticket};
use crate::{time::Timestamp, view::Key};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// Somebody in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// It holds.
    Lease(Arc<Lease>),
    /// It waits ahead.
    Ticket(Arc<Ticket>),
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The ticket.
    pub ticket: Arc<Ticket>,
    /// How many tickets are ahead.
    pub ahead: usize,
    /// Who is in the way: the leases, then the tickets ahead by number.
    pub blockers: Vec<Blocker>,
    /// What is frozen of it; while anything is, it takes no part in the queue.
    pub frozen: Vec<Freeze>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody holds it, or waits for it.
    Held(Vec<Blocker>),
    /// It is frozen.
    Frozen(Vec<Freeze>),
    /// The pool is in use with another size.
    PoolSize {
        /// The pool.
        pool: Resource,
        /// The size in force.
        in_force: u32,
    },
    /// The request goes over a limit or contradicts itself; the text says which.
    Limit(Limit),
}

impl Refusal {
    /// Returns who is in the way, where that is the reason.
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        match self {
            Self::Held(blockers) => blockers,
            _ => &[],
        }
    }
}

/// A limit that a request goes over, or a rule of its form that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No claim at all.
    NoClaims,
    /// More claims than [`CLAIMS_MAX`](crate::limits::CLAIMS_MAX).
    Claims,
    /// One request names a pool twice.
    OwnClaims,
    /// More slots than [`SLOTS_MAX`](crate::limits::SLOTS_MAX).
    Slots,
    /// Slots of a tree.
    SlotsOfTree,
    /// More tickets than [`TICKETS_MAX`](crate::limits::TICKETS_MAX) wait.
    Tickets,
    /// More leases inside each other than [`CHAIN_MAX`](crate::limits::CHAIN_MAX).
    Chain,
    /// An owner, host, session or command longer than
    /// [`TEXT_BYTES_MAX`](crate::limits::TEXT_BYTES_MAX).
    Text,
    /// All tokens or all numbers of the workspace are used up.
    Tokens,
}

/// Why a request died, and what ends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Death {
    /// Who holds, or waits ahead for, what it wants.
    pub blockers: Vec<Blocker>,
    /// What it holds that others want.
    pub wanted: Vec<Lease>,
    /// Who wants that.
    pub pressers: Vec<Ticket>,
}

/// The answer to a command.
#[must_use = "an answer not looked at is a lease nobody releases"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The lease is held. Where it is unbound it has to be picked up first.
    Granted(Arc<Lease>),
    /// The standing lease was there already and lives longer now.
    Renewed(Arc<Lease>),
    /// The request is covered by these leases of its chain, innermost first.
    Joined(Vec<LeaseId>),
    /// It waits.
    Queued(Box<Place>),
    /// No.
    Refused(Refusal),
    /// No: release what you hold, then ask again.
    Died(Box<Death>),
    /// The lease named is not held any more.
    Lost(LeaseId),
    /// Done.
    Done,
    /// There is no such thing.
    NotFound,
    /// It belongs to somebody else.
    NotYours(Arc<Lease>),
    /// The freeze belongs to somebody else.
    FreezeNotYours(Box<Freeze>),
}

/// What the kernel decided: the answer, and the events that a store has to commit with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The answer, true once the events are committed.
    pub verdict: Verdict,
    /// All or none of them become state. May be empty.
    pub events: Vec<Event>,
    /// Whom the commit wakes: waiters granted or killed, holders who lost their lease.
    pub wakes: Vec<LeaseId>,
}

/// The view does not hold enough to decide: load these too, at the same version, and decide again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct More(pub Vec<Key>);

impl Blocker {
    /// Returns the id of the lease, or of the request that waits.
    #[must_use]
    pub fn id(&self) -> LeaseId {
        match self {
            Self::Lease(lease) => lease.id,
            Self::Ticket(ticket) => ticket.request,
        }
    }

    /// Returns what it holds or waits for.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        match self {
            Self::Lease(lease) => &lease.claims,
            Self::Ticket(ticket) => &ticket.claims,
        }
    }
}

impl Place {
    /// Returns the blocker to name: the ticket just ahead, else a holder.
    #[must_use]
    pub fn watch(&self) -> Option<&Blocker> {
        self.blockers.last()
    }

    /// Returns whom to watch. The request cannot be granted while the ticket just ahead, or else any one
    /// holder, stays: one watch is enough. Not so for a pool, where any of them may make room.
    #[must_use]
    pub fn watches(&self) -> &[Blocker] {
        let claims = &self.ticket.claims;
        if claims.iter().any(|claim| claim.slots.is_some()) {
            &self.blockers
        } else {
            &self.blockers[self.blockers.len().saturating_sub(1)..]
        }
    }

    /// Returns when the last freeze on it ends.
    #[must_use]
    pub fn thaw(&self) -> Option<Timestamp> {
        self.frozen.iter().filter_map(|freeze| freeze.until).max()
    }
}
