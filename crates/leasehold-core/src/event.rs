//! Events: the only way in which a workspace changes, and its audit (law L12).
//!
//! An event carries all of what it puts or drops, so a store applies it without knowing the rules,
//! and applying a run of events twice gives what applying it once gives.

use crate::{card::Card, claim::Claim, freeze::Freeze, identity::Identity, lease::Lease};
use crate::{id::LeaseId, lease::Pickup, ticket::Ticket, view::Counters};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// Why a request that does not wait was refused, as far as the audit keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedFor {
    /// Somebody holds it.
    Held,
    /// Somebody waits for it.
    Queued,
    /// It is frozen.
    Frozen,
}

/// One change of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request that does not wait got a no. Changes nothing.
    Refused {
        /// The request.
        id: LeaseId,
        /// Who asked.
        who: Identity,
        /// For what.
        claims: Vec<Claim>,
        /// Why not.
        reason: RefusedFor,
        /// The lease or ticket in the way, where there is one.
        by: Option<LeaseId>,
    },
    /// A request waits.
    Queued {
        /// Its place.
        ticket: Arc<Ticket>,
        /// The card it used up.
        spent: Option<Box<Card>>,
    },
    /// A lease was granted.
    Granted {
        /// The lease. Where it is unbound, the ticket in it leaves the queue.
        lease: Arc<Lease>,
        /// The ticket of a lease that was bound at once.
        from: Option<Arc<Ticket>>,
        /// Cards used up or made good.
        spent: Vec<Card>,
    },
    /// A granted lease was picked up.
    Bound {
        /// The lease as it is now.
        lease: Arc<Lease>,
    },
    /// A granted lease was not picked up.
    Passed {
        /// The lease that is gone.
        lease: Arc<Lease>,
        /// Its ticket, parked again.
        ticket: Arc<Ticket>,
    },
    /// A lease lives longer.
    Renewed {
        /// The lease as it is now.
        lease: Arc<Lease>,
    },
    /// A lease was given back.
    Released {
        /// The lease that is gone.
        lease: Arc<Lease>,
    },
    /// A lease was taken away by somebody without its proof.
    Forced {
        /// The lease that is gone.
        lease: Arc<Lease>,
        /// Who did it.
        by: Identity,
    },
    /// A lease ended with its guard and its command.
    Freed {
        /// The lease that is gone.
        lease: Arc<Lease>,
    },
    /// The guard of a lease is dead and its command lives.
    Orphaned {
        /// The lease as it is now.
        lease: Arc<Lease>,
    },
    /// A lease past its TTL made way for a grant.
    Lapsed {
        /// The lease that is gone.
        lease: Arc<Lease>,
    },
    /// A waiter is away; its place is kept.
    Parked {
        /// The ticket as it is now.
        ticket: Arc<Ticket>,
    },
    /// A waiter came back to its place.
    Resumed {
        /// The ticket as it is now.
        ticket: Arc<Ticket>,
    },
    /// A waiter has to give back what it holds before it may wait (Wait-Die).
    Died {
        /// The ticket that is gone.
        ticket: Arc<Ticket>,
        /// The ages it leaves for the next try.
        cards: Vec<Card>,
    },
    /// A ticket was given up.
    Cancelled {
        /// The ticket that is gone.
        ticket: Arc<Ticket>,
    },
    /// A freeze was set.
    Frozen {
        /// The freeze.
        freeze: Box<Freeze>,
    },
    /// A freeze was ended before its time.
    Thawed {
        /// The freeze that is gone.
        freeze: Box<Freeze>,
        /// Who did it.
        by: Identity,
    },
    /// Parked places, cards and freezes whose time was over were cleared away.
    Dropped {
        /// Parked tickets.
        tickets: Vec<Arc<Ticket>>,
        /// Cards.
        cards: Vec<Card>,
        /// Freezes.
        freezes: Vec<Freeze>,
    },
}

/// One thing that an event puts into the state (in the place of what has the same id) or drops.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say all")]
pub enum Change<'a> {
    PutLease(&'a Arc<Lease>),
    DropLease(&'a Arc<Lease>),
    PutTicket(&'a Arc<Ticket>),
    DropTicket(&'a Arc<Ticket>),
    PutFreeze(&'a Freeze),
    DropFreeze(&'a Freeze),
    PutCard(&'a Card),
    DropCard(&'a Card),
}

impl Event {
    /// Returns the name of the event, as the audit shows it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Queued { .. } => "queued",
            Self::Granted { .. } => "granted",
            Self::Bound { .. } => "bound",
            Self::Passed { .. } => "passed",
            Self::Renewed { .. } => "renewed",
            Self::Released { .. } => "released",
            Self::Forced { .. } => "forced",
            Self::Freed { .. } => "freed",
            Self::Orphaned { .. } => "orphaned",
            Self::Lapsed { .. } => "lapsed",
            Self::Parked { .. } => "parked",
            Self::Resumed { .. } => "resumed",
            Self::Died { .. } => "died",
            Self::Cancelled { .. } => "cancelled",
            Self::Frozen { .. } => "frozen",
            Self::Thawed { .. } => "thawed",
            Self::Dropped { .. } => "dropped",
        }
    }

    /// Returns the numbers that the event gives out.
    #[must_use]
    pub fn counters(&self) -> Option<Counters> {
        match self {
            Self::Queued { ticket, .. } => Some(Counters {
                number: ticket.number,
                ..Counters::default()
            }),
            Self::Granted { lease, .. } => Some(Counters {
                number: lease.number,
                token: lease.token,
            }),
            _ => None,
        }
    }

    /// Calls `each` for every change, in order.
    pub fn for_each_change(&self, mut each: impl FnMut(Change<'_>)) {
        match self {
            Self::Refused { .. } => {}
            Self::Queued { ticket, spent } => {
                spent.iter().for_each(|card| each(Change::DropCard(card)));
                each(Change::PutTicket(ticket));
            }
            Self::Granted { lease, from, spent } => {
                spent.iter().for_each(|card| each(Change::DropCard(card)));
                from.iter()
                    .for_each(|ticket| each(Change::DropTicket(ticket)));
                if let Pickup::Unbound(ticket) = &lease.pickup {
                    each(Change::DropTicket(ticket));
                }
                each(Change::PutLease(lease));
            }
            Self::Bound { lease } | Self::Renewed { lease } | Self::Orphaned { lease } => {
                each(Change::PutLease(lease));
            }
            Self::Passed { lease, ticket } => {
                each(Change::DropLease(lease));
                each(Change::PutTicket(ticket));
            }
            Self::Released { lease }
            | Self::Forced { lease, .. }
            | Self::Freed { lease }
            | Self::Lapsed { lease } => each(Change::DropLease(lease)),
            Self::Parked { ticket } | Self::Resumed { ticket } => each(Change::PutTicket(ticket)),
            Self::Died { ticket, cards } => {
                each(Change::DropTicket(ticket));
                cards.iter().for_each(|card| each(Change::PutCard(card)));
            }
            Self::Cancelled { ticket } => each(Change::DropTicket(ticket)),
            Self::Frozen { freeze } => each(Change::PutFreeze(freeze)),
            Self::Thawed { freeze, .. } => each(Change::DropFreeze(freeze)),
            Self::Dropped {
                tickets,
                cards,
                freezes,
            } => {
                tickets
                    .iter()
                    .for_each(|ticket| each(Change::DropTicket(ticket)));
                cards.iter().for_each(|card| each(Change::DropCard(card)));
                freezes
                    .iter()
                    .for_each(|freeze| each(Change::DropFreeze(freeze)));
            }
        }
    }
}
