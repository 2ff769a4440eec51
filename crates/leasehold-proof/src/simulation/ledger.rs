//! The state as the checks keep it: brought forward by the committed events, read in their own way.

use super::names::{Item, NAMES};
use leasehold_core::card::Card;
use leasehold_core::event::Event;
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Pickup;
use leasehold_core::view::{Counters, Key, Life, View};
use leasehold_core::{FencingToken, Lease, LeaseId, Ticket, Timestamp};
use std::collections::BTreeMap;

/// A lease, with its claims as the checks see them.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) lease: Lease,
    pub(super) items: Vec<Item>,
}

/// A ticket, with its claims as the checks see them.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) ticket: Ticket,
    pub(super) items: Vec<Item>,
}

/// What is known of the processes behind ids.
pub(super) type Lives = BTreeMap<LeaseId, Life>;

/// All that is stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) leases: BTreeMap<LeaseId, Holding>,
    pub(super) tickets: BTreeMap<u64, Queued>,
    pub(super) freezes: BTreeMap<LeaseId, Freeze>,
    pub(super) cards: Vec<Card>,
    pub(super) number: u64,
    pub(super) token: u64,
}

impl Ledger {
    pub(super) fn ticket(&self, request: LeaseId) -> Option<&Queued> {
        self.tickets
            .values()
            .find(|queued| queued.ticket.request == request)
    }

    /// Whether there is a lease with this id or a ticket of this request.
    pub(super) fn has(&self, id: LeaseId) -> bool {
        self.leases.contains_key(&id) || self.ticket(id).is_some()
    }

    pub(super) fn put_ticket(&mut self, ticket: &Ticket) {
        let items = NAMES.items(&ticket.claims);
        let ticket = ticket.clone();
        self.number = self.number.max(ticket.number);
        self.tickets.insert(ticket.number, Queued { ticket, items });
    }

    fn put_lease(&mut self, lease: &Lease) {
        let items = NAMES.items(&lease.claims);
        let lease = lease.clone();
        self.leases.insert(lease.id, Holding { lease, items });
    }

    fn drop_card(&mut self, card: &Card) {
        let key = |card: &Card| (card.who.place(), card.claims.clone(), card.kind);
        self.cards.retain(|old| key(old) != key(card));
    }

    /// Brings the state to that after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Refused { .. } => {}
            Event::Queued { ticket, spent } => {
                spent.iter().for_each(|card| self.drop_card(card));
                self.put_ticket(ticket);
            }
            Event::Granted { lease, from, spent } => {
                spent.iter().for_each(|card| self.drop_card(card));
                let came_from = match &lease.pickup {
                    Pickup::Unbound(ticket) => Some(ticket),
                    Pickup::Bound => from.as_ref(),
                };
                came_from
                    .into_iter()
                    .for_each(|ticket| _ = self.tickets.remove(&ticket.number));
                self.token = self.token.max(lease.token.get());
                self.number = self.number.max(lease.number);
                self.put_lease(lease);
            }
            Event::Bound { lease } | Event::Renewed { lease } | Event::Orphaned { lease } => {
                self.put_lease(lease);
            }
            Event::Passed { lease, ticket } => {
                self.leases.remove(&lease.id);
                self.put_ticket(ticket);
            }
            Event::Released { lease }
            | Event::Forced { lease, .. }
            | Event::Freed { lease }
            | Event::Lapsed { lease } => _ = self.leases.remove(&lease.id),
            Event::Parked { ticket } | Event::Resumed { ticket } => self.put_ticket(ticket),
            Event::Died { ticket, cards } => {
                self.tickets.remove(&ticket.number);
                for card in cards {
                    self.drop_card(card);
                    self.cards.push(card.clone());
                }
            }
            Event::Cancelled { ticket } => _ = self.tickets.remove(&ticket.number),
            Event::Frozen { freeze } => {
                _ = self.freezes.insert(freeze.id, freeze.as_ref().clone());
            }
            Event::Thawed { freeze, .. } => _ = self.freezes.remove(&freeze.id),
            Event::Dropped {
                tickets,
                cards,
                freezes,
            } => {
                for ticket in tickets {
                    self.tickets.remove(&ticket.number);
                }
                cards.iter().for_each(|card| self.drop_card(card));
                for freeze in freezes {
                    self.freezes.remove(&freeze.id);
                }
            }
        }
    }

    /// Returns the whole of it as a view, with all lives.
    pub(super) fn view(&self, now: Timestamp, lives: &Lives) -> View {
        let mut view = self.empty_view(now);
        view.mark_loaded(Key::All);
        for holding in self.leases.values() {
            view.put_lease(holding.lease.clone());
        }
        for queued in self.tickets.values() {
            view.put_ticket(queued.ticket.clone());
        }
        for freeze in self.freezes.values() {
            view.put_freeze(freeze.clone());
        }
        for card in &self.cards {
            view.put_card(card.clone());
        }
        let ids = self.leases.keys().copied();
        let requests = self.tickets.values().map(|queued| queued.ticket.request);
        for id in ids.chain(requests) {
            view.set_life(id, lives.get(&id).copied().unwrap_or_default());
            view.mark_loaded(Key::Life(id));
        }
        view
    }

    /// Returns a view of this version into which nothing is loaded.
    pub(super) fn empty_view(&self, now: Timestamp) -> View {
        let token = FencingToken::new(self.token).unwrap_or(FencingToken::MAX);
        let number = self.number;
        View::new(now, Counters { number, token })
    }

    /// Says where a view of everything differs.
    pub(super) fn differs_from(&self, view: &View) -> Option<String> {
        let leases = view.leases().map(|lease| (lease.id, lease)).collect();
        let own = self.leases.iter().map(|(id, held)| (*id, &held.lease));
        let tickets = view.tickets().map(|ticket| (ticket.number, ticket));
        let own_tickets = self.tickets.iter().map(|(n, queued)| (*n, &queued.ticket));
        let freezes = view.freezes().map(|freeze| (freeze.id, freeze)).collect();
        let own_freezes = self.freezes.iter().map(|(id, freeze)| (*id, freeze));
        let text = |card: &Card| format!("{card:?}");
        let mut cards: Vec<String> = view.cards().map(text).collect();
        let mut own_cards: Vec<String> = self.cards.iter().map(text).collect();
        cards.sort_unstable();
        own_cards.sort_unstable();
        difference(&own.collect(), &leases)
            .or_else(|| difference(&own_tickets.collect(), &tickets.collect()))
            .or_else(|| difference(&own_freezes.collect(), &freezes))
            .or_else(|| (cards != own_cards).then(|| format!("{own_cards:?} or {cards:?}")))
    }
}

fn difference<K: Ord, T: PartialEq + std::fmt::Debug>(
    own: &BTreeMap<K, &T>,
    other: &BTreeMap<K, &T>,
) -> Option<String> {
    let missing = own
        .iter()
        .find(|(key, value)| other.get(key) != Some(value));
    let extra = other
        .iter()
        .find(|(key, value)| own.get(key) != Some(value));
    let (key, _) = missing.or(extra)?;
    Some(format!("{:?} or {:?}", own.get(key), other.get(key)))
}
