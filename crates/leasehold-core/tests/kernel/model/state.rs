//! What the model remembers, and how the kernel's view is read as the same.

use super::names::{Claim, name_of};
use leasehold_core::identity::{Identity, Owner};
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::ticket::TicketState;
use leasehold_core::verdict::{Blocker, Limit, Refusal, Verdict};
use leasehold_core::{LeaseId, Timestamp, Ttl, View, seniority::Seniority};
use std::collections::BTreeSet;

pub(crate) type Id = u128;
/// Priority, then the birth from the outside inwards. Lower is older.
pub(crate) type Age = (u32, Vec<u64>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) id: Id,
    pub(crate) who: Identity,
    pub(crate) claims: Vec<Claim>,
    pub(crate) scoped: bool,
    pub(crate) inside: Vec<Id>,
    pub(crate) birth: Vec<u64>,
    pub(crate) age: Age,
    pub(crate) number: u64,
    pub(crate) token: u64,
    pub(crate) granted: u64,
    pub(crate) ttl: Option<u64>,
    /// Of an unbound lease nothing: it expires by its pick-up time.
    pub(crate) expires: Option<u64>,
    pub(crate) keep: bool,
    pub(crate) slots: Vec<u32>,
    pub(crate) unbound: Option<Ticket>,
    pub(crate) orphaned: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) id: Id,
    pub(crate) who: Identity,
    pub(crate) claims: Vec<Claim>,
    pub(crate) scoped: bool,
    pub(crate) inside: Vec<Id>,
    pub(crate) age: Age,
    pub(crate) parked: Option<u64>,
    pub(crate) wait_until: Option<u64>,
    pub(crate) ttl: Option<u64>,
    pub(crate) keep: bool,
    pub(crate) strict: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) who: Identity,
    pub(crate) claims: Vec<Claim>,
    pub(crate) scoped: bool,
    pub(crate) birth: Vec<u64>,
    pub(crate) unit: u64,
    pub(crate) dead: (Id, Vec<Claim>, bool),
    pub(crate) until: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Freeze {
    pub(crate) id: Id,
    pub(crate) what: &'static str,
    pub(crate) until: Option<u64>,
    pub(crate) owner: Owner,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) number: u64,
    pub(crate) token: u64,
    pub(crate) leases: Vec<Lease>,
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) cards: Vec<Card>,
    pub(crate) freezes: Vec<Freeze>,
}

/// A verdict as far as the rules say what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted {
        id: Id,
        token: u64,
    },
    Renewed(Id),
    Joined(BTreeSet<Id>),
    Queued {
        number: u64,
        ahead: usize,
        blockers: BTreeSet<Id>,
        frozen: BTreeSet<Id>,
    },
    Held(BTreeSet<Id>),
    Frozen(BTreeSet<Id>),
    PoolSize(u32),
    Limit(Limit),
    Died {
        blockers: BTreeSet<Id>,
        wanted: BTreeSet<Id>,
        pressers: BTreeSet<Id>,
    },
    Lost(Id),
    Done,
    NotFound,
    NotYours(Id),
    FreezeNotYours,
}

impl Answer {
    pub(crate) fn of(verdict: &Verdict) -> Self {
        let ids = |list: &[Blocker]| list.iter().map(|one| one.id().bits()).collect();
        match verdict {
            Verdict::Granted(lease) => Self::Granted {
                id: lease.id.bits(),
                token: lease.token.get(),
            },
            Verdict::Renewed(lease) => Self::Renewed(lease.id.bits()),
            Verdict::Joined(leases) => Self::Joined(leases.iter().map(|id| id.bits()).collect()),
            Verdict::Queued(place) => Self::Queued {
                number: place.ticket.number,
                ahead: place.ahead,
                blockers: ids(&place.blockers),
                frozen: place.frozen.iter().map(|freeze| freeze.id.bits()).collect(),
            },
            Verdict::Refused(Refusal::Held(by)) => Self::Held(ids(by)),
            Verdict::Refused(Refusal::Frozen(by)) => {
                Self::Frozen(by.iter().map(|freeze| freeze.id.bits()).collect())
            }
            Verdict::Refused(Refusal::PoolSize { in_force, .. }) => Self::PoolSize(*in_force),
            Verdict::Refused(Refusal::Limit(limit)) => Self::Limit(*limit),
            Verdict::Died(death) => Self::Died {
                blockers: ids(&death.blockers),
                wanted: death.wanted.iter().map(|lease| lease.id.bits()).collect(),
                pressers: death
                    .pressers
                    .iter()
                    .map(|ticket| ticket.request.bits())
                    .collect(),
            },
            Verdict::Lost(id) => Self::Lost(id.bits()),
            Verdict::Done => Self::Done,
            Verdict::NotFound => Self::NotFound,
            Verdict::NotYours(lease) => Self::NotYours(lease.id.bits()),
            Verdict::FreezeNotYours(_) => Self::FreezeNotYours,
        }
    }
}

impl State {
    /// Reads a view, in an order that does not depend on how it came to be.
    pub(crate) fn of(view: &View) -> Self {
        let mut state = Self {
            number: view.counters().number,
            token: view.counters().token.get(),
            leases: view.leases().map(lease).collect(),
            tickets: view.tickets().map(ticket).collect(),
            cards: view.cards().map(card).collect(),
            freezes: view.freezes().map(freeze).collect(),
        };
        state.sort();
        state
    }

    /// Brings everything into one order, so that two states can be compared.
    pub(crate) fn sort(&mut self) {
        self.leases.sort_by_key(|lease| lease.token);
        self.tickets.sort_by_key(|ticket| ticket.number);
        self.cards.sort_by_key(|card| {
            (
                card.who.place(),
                card.claims.clone(),
                card.scoped,
                card.birth.clone(),
            )
        });
        self.freezes.sort_by_key(|freeze| freeze.id);
    }
}

pub(crate) fn lease(lease: &leasehold_core::Lease) -> Lease {
    let unbound = match &lease.pickup {
        Pickup::Bound => None,
        Pickup::Unbound(from) => Some(ticket(from)),
    };
    Lease {
        id: lease.id.bits(),
        who: lease.who.clone(),
        claims: Claim::list(&lease.claims),
        scoped: lease.kind == Kind::Scoped,
        inside: ids(&lease.inside),
        birth: lease.birth.numbers().to_vec(),
        age: age(&lease.seniority),
        number: lease.number,
        token: lease.token.get(),
        granted: lease.granted.as_millis(),
        ttl: lease.ttl.map(Ttl::as_millis),
        expires: if unbound.is_some() {
            None
        } else {
            millis(lease.expires)
        },
        keep: lease.keep_while_alive,
        slots: lease.slots.clone(),
        unbound,
        orphaned: millis(lease.orphaned),
    }
}

pub(crate) fn ticket(ticket: &leasehold_core::Ticket) -> Ticket {
    Ticket {
        number: ticket.number,
        id: ticket.request.bits(),
        who: ticket.who.clone(),
        claims: Claim::list(&ticket.claims),
        scoped: ticket.kind == Kind::Scoped,
        inside: ids(&ticket.inside),
        age: age(&ticket.seniority),
        parked: match ticket.state {
            TicketState::Waiting => None,
            TicketState::Parked { until } => Some(until.as_millis()),
        },
        wait_until: millis(ticket.wait_until),
        ttl: ticket.ttl.map(Ttl::as_millis),
        keep: ticket.keep_while_alive,
        strict: ticket.strict,
    }
}

fn card(card: &leasehold_core::card::Card) -> Card {
    let dead = &card.dead;
    Card {
        who: card.who.clone(),
        claims: Claim::list(&card.claims),
        scoped: card.kind == Kind::Scoped,
        birth: card.birth.numbers().to_vec(),
        unit: card.unit,
        dead: (
            dead.request.bits(),
            Claim::list(&dead.claims),
            dead.kind == Kind::Scoped,
        ),
        until: card.until.as_millis(),
    }
}

pub(crate) fn freeze(freeze: &leasehold_core::freeze::Freeze) -> Freeze {
    Freeze {
        id: freeze.id.bits(),
        what: name_of(&freeze.resource),
        until: millis(freeze.until),
        owner: freeze.who.owner.clone(),
    }
}

fn ids(list: &[LeaseId]) -> Vec<Id> {
    list.iter().map(|id| id.bits()).collect()
}

fn millis(time: Option<Timestamp>) -> Option<u64> {
    time.map(Timestamp::as_millis)
}

fn age(seniority: &Seniority) -> Age {
    (seniority.priority, seniority.birth.numbers().to_vec())
}
