//! A lease: what is held, by whom, until when.

use crate::identity::{Agent, Identity};
use crate::seniority::Seniority;
use crate::{claim::Claim, id::LeaseId, seniority::Birth, ticket::Ticket};
use crate::{time::Timestamp, time::Ttl, token::FencingToken};
use alloc::{sync::Arc, vec::Vec};

/// How a lease ends (law L9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// With what it guards.
    Scoped,
    /// When its agent says so, or at its TTL.
    Standing,
}

/// What is shown of whoever holds or waits. The kernel never looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The process, as its own namespace numbers it.
    pub pid: u32,
    /// The guarded command, shortened.
    pub command: Arc<str>,
}

/// Whether a granted lease was taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pickup {
    /// Its work may run.
    Bound,
    /// Granted to a waiter that has not picked it up yet; the ticket it came from goes back into the
    /// queue, parked, when it never does.
    Unbound(Arc<Ticket>),
}

/// A granted claim on one or more resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The request that led to it; also its proof.
    pub id: LeaseId,
    /// Who asked.
    pub who: Identity,
    /// What is held: the claims of the request less those that its chain covered.
    pub claims: Vec<Claim>,
    /// How it ends.
    pub kind: Kind,
    /// The leases it was asked inside of, innermost first.
    pub inside: Vec<LeaseId>,
    /// Its own birth: that of its attempt, or right after the lease it is inside of.
    pub birth: Birth,
    /// Its age for Wait-Die: of a scoped lease as judged at its grant, of a standing one its own.
    pub seniority: Seniority,
    /// The number of the ticket or of the request.
    pub number: u64,
    /// The number of the grant.
    pub token: FencingToken,
    /// When it was granted.
    pub granted: Timestamp,
    /// How long it lives from its pick-up and from each renewal; `None` for no limit.
    pub ttl: Option<Ttl>,
    /// When it may be taken over.
    pub expires: Option<Timestamp>,
    /// Whether it outlives `expires` for as long as its holder is provably alive.
    pub keep_while_alive: bool,
    /// The slots it got, from zero, in the order of its slot claims.
    pub slots: Vec<u32>,
    /// Whether it was picked up.
    pub pickup: Pickup,
    /// Since when its guard is known to be dead while its command lives.
    pub orphaned: Option<Timestamp>,
    /// For messages.
    pub holder: Holder,
}

impl Lease {
    /// Returns whether its work may run.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.pickup == Pickup::Bound
    }

    /// Returns whether it matters if the processes behind it live: nothing depends on those of a standing
    /// lease once it is bound.
    #[must_use]
    pub fn has_proof_of_life(&self) -> bool {
        self.kind == Kind::Scoped || !self.is_bound()
    }

    /// Returns the agent that holds it whatever else that agent asks for: a standing lease has one, if it
    /// is not nameless.
    pub(crate) fn standing_agent(&self) -> Option<Agent> {
        self.who.agent().filter(|_| self.kind == Kind::Standing)
    }

    /// Returns the slot it has of the pool that `claim` is one of, if it has one.
    #[must_use]
    pub fn slot_of(&self, claim: &Claim) -> Option<u32> {
        let pools = self.claims.iter().filter(|own| own.slots.is_some());
        pools
            .zip(&self.slots)
            .find(|(own, _)| own.same_pool(claim))
            .map(|(_, slot)| *slot)
    }
}
