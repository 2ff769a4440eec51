//! The state of a memory workspace, and its indexes.

use super::HashMap;
use super::index::{Resources, insert_sorted, remove_sorted};
use leasehold_core::event::{Change, Event};
use leasehold_core::identity::Agent;
use leasehold_core::lease::Kind;
use leasehold_core::view::{Counters, Key, View};
use leasehold_core::{Lease, LeaseId, Ticket, Timestamp, card::Card, freeze::Freeze};
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Names one thing of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Thing {
    Lease(LeaseId),
    Ticket(u64),
    Freeze(LeaseId),
}

/// What a workspace holds at one version.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Rises with every commit.
    pub(super) version: u64,
    pub(super) counters: Counters,
    /// The latest time that was shown.
    pub(super) now: Timestamp,
    leases: HashMap<LeaseId, Arc<Lease>>,
    tickets: BTreeMap<u64, Arc<Ticket>>,
    freezes: HashMap<LeaseId, Freeze>,
    cards: HashMap<Agent, Vec<Card>>,
    resources: Resources,
    /// By agent: standing leases, and the tickets that count them as held.
    agents: HashMap<Agent, Vec<Thing>>,
    /// By lease or request: the tickets of that request and those inside that lease.
    tickets_of: HashMap<LeaseId, Vec<u64>>,
}

impl State {
    /// Adds what a key finds to a view, but for lives. `seen`, sorted, is what the view has already.
    pub(super) fn show(&self, keys: &[Key], view: &mut View, seen: &mut Vec<Thing>) {
        let mut found = Vec::new();
        for key in keys {
            match key {
                Key::All => self.find_all(&mut found, view),
                Key::Overlap(resource) => self.resources.find(resource, &mut found),
                Key::Lease(id) => self.find_lease(*id, &mut found),
                Key::Front(resource) => {
                    // All of it: nothing is saved here by leaving somebody out.
                    self.resources.find(resource, &mut found);
                    view.mark_loaded(Key::Overlap(resource.clone()));
                }
                Key::Agent(agent) => found.extend(self.agents.get(agent).into_iter().flatten()),
                Key::Standing(agent) => {
                    let of_agent = self.agents.get(agent).into_iter().flatten();
                    found.extend(of_agent.filter(|thing| matches!(thing, Thing::Lease(_))));
                }
                Key::Place(place) => self.show_cards(place, view),
                Key::Life(_) => continue,
            }
            view.mark_loaded(key.clone());
        }
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        found.retain(|thing| seen.binary_search(thing).is_err());
        found.iter().for_each(|thing| self.show_thing(*thing, view));
        if seen.is_empty() {
            *seen = found;
        } else {
            seen.append(&mut found);
            seen.sort_unstable();
        }
    }

    fn show_thing(&self, thing: Thing, view: &mut View) {
        match thing {
            Thing::Lease(id) => {
                self.leases
                    .get(&id)
                    .into_iter()
                    .for_each(|lease| view.put_lease(Arc::clone(lease)));
            }
            Thing::Ticket(number) => {
                let ticket = self.tickets.get(&number);
                ticket
                    .into_iter()
                    .for_each(|ticket| view.put_ticket(Arc::clone(ticket)));
            }
            Thing::Freeze(id) => {
                self.freezes
                    .get(&id)
                    .into_iter()
                    .for_each(|freeze| view.put_freeze(freeze.clone()));
            }
        }
    }

    fn find_all(&self, found: &mut Vec<Thing>, view: &mut View) {
        found.extend(self.leases.keys().map(|id| Thing::Lease(*id)));
        found.extend(self.tickets.keys().map(|number| Thing::Ticket(*number)));
        found.extend(self.freezes.keys().map(|id| Thing::Freeze(*id)));
        self.cards
            .keys()
            .for_each(|place| self.show_cards(place, view));
    }

    fn find_lease(&self, id: LeaseId, found: &mut Vec<Thing>) {
        found.extend(self.leases.get(&id).map(|lease| Thing::Lease(lease.id)));
        found.extend(
            self.tickets_of
                .get(&id)
                .into_iter()
                .flatten()
                .map(|n| Thing::Ticket(*n)),
        );
    }

    fn show_cards(&self, place: &Agent, view: &mut View) {
        self.cards
            .get(place)
            .into_iter()
            .flatten()
            .for_each(|card| view.put_card(card.clone()));
    }

    /// Returns whether there is a lease with this id or a ticket of this request.
    pub(super) fn has(&self, id: LeaseId) -> bool {
        let is_own = |number: &u64| self.tickets.get(number).is_some_and(|t| t.request == id);
        self.leases.contains_key(&id)
            || self
                .tickets_of
                .get(&id)
                .is_some_and(|numbers| numbers.iter().any(is_own))
    }

    /// Brings the state to that after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        if let Some(counters) = event.counters() {
            self.counters.number = self.counters.number.max(counters.number);
            self.counters.token = self.counters.token.max(counters.token);
        }
        event.for_each_change(|change| match change {
            Change::PutLease(lease) => self.put_lease(lease),
            Change::DropLease(lease) => self.drop_lease(lease.id),
            Change::PutTicket(ticket) => self.put_ticket(ticket),
            Change::DropTicket(ticket) => self.drop_ticket(ticket.number),
            Change::PutFreeze(freeze) => self.put_freeze(freeze),
            Change::DropFreeze(freeze) => self.drop_freeze(freeze.id),
            Change::PutCard(card) => self.put_card(card),
            Change::DropCard(card) => self.drop_card(card),
        });
    }

    fn put_lease(&mut self, lease: &Arc<Lease>) {
        if let Some(old) = self.leases.get_mut(&lease.id) {
            if old.claims == lease.claims && old.kind == lease.kind && old.who == lease.who {
                *old = Arc::clone(lease);
                return;
            }
            self.drop_lease(lease.id);
        }
        let thing = Thing::Lease(lease.id);
        lease
            .claims
            .iter()
            .for_each(|claim| self.resources.insert(&claim.resource, thing));
        if let Some(agent) = standing_agent(lease) {
            insert_sorted(self.agents.entry(agent).or_default(), thing);
        }
        self.leases.insert(lease.id, Arc::clone(lease));
    }

    fn drop_lease(&mut self, id: LeaseId) {
        let Some(lease) = self.leases.remove(&id) else {
            return;
        };
        let thing = Thing::Lease(id);
        lease
            .claims
            .iter()
            .for_each(|claim| self.resources.remove(&claim.resource, thing));
        if let Some(agent) = standing_agent(&lease) {
            remove_from(&mut self.agents, &agent, &thing);
        }
    }

    fn put_ticket(&mut self, ticket: &Arc<Ticket>) {
        self.drop_ticket(ticket.number);
        let thing = Thing::Ticket(ticket.number);
        ticket
            .claims
            .iter()
            .for_each(|claim| self.resources.insert(&claim.resource, thing));
        for agent in &ticket.agents {
            insert_sorted(self.agents.entry(agent.clone()).or_default(), thing);
        }
        for id in [ticket.request].iter().chain(&ticket.inside) {
            insert_sorted(self.tickets_of.entry(*id).or_default(), ticket.number);
        }
        self.tickets.insert(ticket.number, Arc::clone(ticket));
    }

    fn drop_ticket(&mut self, number: u64) {
        let Some(ticket) = self.tickets.remove(&number) else {
            return;
        };
        let thing = Thing::Ticket(number);
        ticket
            .claims
            .iter()
            .for_each(|claim| self.resources.remove(&claim.resource, thing));
        ticket
            .agents
            .iter()
            .for_each(|agent| remove_from(&mut self.agents, agent, &thing));
        for id in [ticket.request].iter().chain(&ticket.inside) {
            remove_from(&mut self.tickets_of, id, &number);
        }
    }

    fn put_freeze(&mut self, freeze: &Freeze) {
        self.drop_freeze(freeze.id);
        self.resources
            .insert(&freeze.resource, Thing::Freeze(freeze.id));
        self.freezes.insert(freeze.id, freeze.clone());
    }

    fn drop_freeze(&mut self, id: LeaseId) {
        if let Some(freeze) = self.freezes.remove(&id) {
            self.resources.remove(&freeze.resource, Thing::Freeze(id));
        }
    }

    fn put_card(&mut self, card: &Card) {
        let cards = self.cards.entry(card.who.place()).or_default();
        cards.retain(|old| !old.same_request(card));
        cards.push(card.clone());
    }

    fn drop_card(&mut self, card: &Card) {
        let place = card.who.place();
        if let Some(cards) = self.cards.get_mut(&place) {
            cards.retain(|old| !old.same_request(card));
            if cards.is_empty() {
                self.cards.remove(&place);
            }
        }
    }
}

fn standing_agent(lease: &Lease) -> Option<Agent> {
    if lease.kind == Kind::Standing {
        lease.who.agent()
    } else {
        None
    }
}

/// Takes an item away, and the key with its last one.
pub(super) fn remove_from<K: Clone + std::hash::Hash + Eq, T: Ord>(
    map: &mut HashMap<K, Vec<T>>,
    key: &K,
    item: &T,
) {
    if let Entry::Occupied(mut items) = map.entry(key.clone()) {
        remove_sorted(items.get_mut(), item);
        if items.get().is_empty() {
            items.remove();
        }
    }
}
