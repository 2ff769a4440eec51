//! A ticket: a place in the queue.

use crate::lease::{Holder, Kind};
use crate::{claim::Claim, id::LeaseId, identity::Agent, identity::Identity, seniority::Seniority};
use crate::{time::Timestamp, time::Ttl};
use alloc::vec::Vec;

/// Whether a ticket takes part in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketState {
    /// It waits.
    Waiting,
    /// Its waiter is away; the place is kept until then (law L8).
    Parked {
        /// When the place is given up.
        until: Timestamp,
    },
}

/// A request that waits, or whose place is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its place: first come, first served.
    pub number: u64,
    /// The request that waits, and the id its lease will have.
    pub request: LeaseId,
    /// Who asked.
    pub who: Identity,
    /// What is asked for.
    pub claims: Vec<Claim>,
    /// How the lease will end.
    pub kind: Kind,
    /// The leases it was asked inside of, innermost first.
    pub inside: Vec<LeaseId>,
    /// The agents whose standing leases it counts as holding: its own and those of its chain.
    pub agents: Vec<Agent>,
    /// Its own age, for Wait-Die.
    pub seniority: Seniority,
    /// Whether it waits.
    pub state: TicketState,
    /// When its waiter gives up; `None` for never.
    pub wait_until: Option<Timestamp>,
    /// The lifetime its lease will have.
    pub ttl: Option<Ttl>,
    /// As in the lease.
    pub keep_while_alive: bool,
    /// Whether it is judged as if always pressed (Klock's routes).
    pub strict: bool,
    /// When it was asked for, for messages and expected times.
    pub since: Timestamp,
    /// For messages.
    pub holder: Holder,
}

impl Ticket {
    /// Returns whether it waits (and is not parked).
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.state == TicketState::Waiting
    }

    /// Returns whether a request of `who` for `claims` is this one coming back.
    #[must_use]
    pub fn resumes(
        &self,
        who: &Identity,
        claims: &[Claim],
        kind: Kind,
        inside: &[LeaseId],
    ) -> bool {
        self.kind == kind
            && self.who.same_place(who)
            && self.claims == claims
            && self.inside.first() == inside.first()
    }
}
