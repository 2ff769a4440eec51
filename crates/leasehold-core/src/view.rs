//! The part of a workspace that one decision sees.
//!
//! A view is of one version of the workspace. It says which keys were loaded into it, so that the
//! kernel can tell "there is none" from "not looked" and ask for more.

use crate::event::{Change, Event};
use crate::verdict::More;
use crate::{card::Card, claim::Claim, freeze::Freeze, id::LeaseId, identity::Agent, lease::Lease};
use crate::{resource::Resource, ticket::Ticket, time::Timestamp, token::FencingToken};
use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

/// Something that a store can look up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Everything that the workspace has, but no lives.
    All,
    /// All leases, tickets and freezes with a claim that overlaps this resource.
    Overlap(Resource),
    /// All leases and freezes with a claim on this resource, which has to be flat, and the tickets in
    /// front of its queue, by number: see [`View::set_front`].
    Front(Resource),
    /// The lease with this id, the ticket with this request, and all tickets inside that lease.
    Lease(LeaseId),
    /// All standing leases of this agent, and all tickets that count them as held.
    Agent(Agent),
    /// All standing leases of this agent.
    Standing(Agent),
    /// All cards that requests with this place key can use.
    Place(Agent),
    /// Whether the processes behind this lease or ticket live.
    Life(LeaseId),
}

impl Key {
    /// Returns the keys of all that overlaps these claims.
    pub fn overlaps(claims: &[Claim]) -> impl Iterator<Item = Self> {
        claims
            .iter()
            .map(|claim| Self::Overlap(claim.resource.clone()))
    }
}

/// What a store knows of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pulse {
    /// Seen to be alive.
    #[default]
    Alive,
    /// Seen to be dead.
    Dead,
    /// It could not be looked at, or not be seen clearly. The rules take it for whatever keeps others
    /// out for longer (fail closed).
    Unknown,
}

impl Pulse {
    /// Returns whether it may live.
    #[must_use]
    pub const fn may_live(self) -> bool {
        !matches!(self, Self::Dead)
    }
}

/// The two proofs of life behind one lease or ticket (law L9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Life {
    /// The guard or waiter itself.
    pub holder: Pulse,
    /// The guarded command.
    pub command: Pulse,
}

/// The highest numbers given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The last number of a birth or ticket.
    pub number: u64,
    /// The last token.
    pub token: FencingToken,
}

/// What one decision sees of a workspace, at one version and one time.
#[derive(Clone, Debug)]
pub struct View {
    now: Timestamp,
    counters: Counters,
    /// Shared, as are the tickets: deciding clones the view, and a store may show what it keeps.
    leases: Vec<Arc<Lease>>,
    lease_ids: BTreeSet<LeaseId>,
    tickets: Vec<Arc<Ticket>>,
    freezes: Vec<Freeze>,
    cards: Vec<Card>,
    lives: Vec<(LeaseId, Life)>,
    /// Of the queues of which only the front is here: the last number that belongs to it.
    fronts: Vec<(Resource, u64)>,
    /// Sorted: of a long queue each waiter's agent is a key, and each is asked for. `None` where
    /// everything is loaded.
    loaded: Option<Arc<Vec<Key>>>,
}

impl View {
    /// Makes an empty view into which a store loads keys.
    #[must_use]
    pub fn new(now: Timestamp, counters: Counters) -> Self {
        Self {
            now,
            counters,
            leases: Vec::new(),
            lease_ids: BTreeSet::new(),
            tickets: Vec::new(),
            freezes: Vec::new(),
            cards: Vec::new(),
            lives: Vec::new(),
            fronts: Vec::new(),
            loaded: Some(Arc::default()),
        }
    }

    /// Makes a view of a whole workspace, so far an empty one.
    #[must_use]
    pub fn whole(now: Timestamp) -> Self {
        Self {
            loaded: None,
            ..Self::new(now, Counters::default())
        }
    }

    /// Returns the time of the view.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the view to a later time. Time never goes back: an earlier one changes nothing.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Returns the highest numbers given out.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Returns the leases, in no order.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.leases.iter().map(Arc::as_ref)
    }

    /// Returns the tickets, by number.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.iter().map(Arc::as_ref)
    }

    /// Returns the freezes, in no order.
    pub fn freezes(&self) -> impl Iterator<Item = &Freeze> {
        self.freezes.iter()
    }

    /// Returns the cards, in no order.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.cards.iter()
    }

    /// Returns the lease with this id.
    #[must_use]
    pub fn lease(&self, id: LeaseId) -> Option<&Arc<Lease>> {
        if !self.lease_ids.contains(&id) {
            return None;
        }
        self.leases.iter().find(|lease| lease.id == id)
    }

    /// Returns the ticket with this request.
    #[must_use]
    pub fn ticket(&self, request: LeaseId) -> Option<&Arc<Ticket>> {
        self.tickets.iter().find(|ticket| ticket.request == request)
    }

    /// Returns what is known of the processes behind an id, or nothing where nobody looked.
    #[must_use]
    pub fn life(&self, id: LeaseId) -> Option<Life> {
        self.lives
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, life)| *life)
    }

    /// Returns the last number of the front of a queue of which there is more.
    #[must_use]
    pub fn front(&self, resource: &Resource) -> Option<u64> {
        self.fronts
            .iter()
            .find(|(of, _)| of == resource)
            .map(|(_, last)| *last)
    }

    /// Returns whether this key was loaded, by itself or with one that finds all that it finds.
    #[must_use]
    pub fn is_loaded(&self, key: &Key) -> bool {
        let Some(loaded) = &self.loaded else {
            return true;
        };
        // `All` is before every other key.
        let by_all = !matches!(key, Key::Life(_)) && loaded.first() == Some(&Key::All);
        let has = |key: &Key| loaded.binary_search(key).is_ok();
        let by_agent = |agent: &Agent| has(&Key::Agent(agent.clone()));
        by_all || has(key) || matches!(key, Key::Standing(agent) if by_agent(agent))
    }

    /// Fails where one of these keys was not loaded.
    ///
    /// # Errors
    /// [`More`], with each that is missing.
    pub fn require(&self, keys: impl IntoIterator<Item = Key>) -> Result<(), More> {
        let mut missing: Vec<Key> = keys
            .into_iter()
            .filter(|key| !self.is_loaded(key))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        missing.dedup();
        Err(More(missing))
    }

    /// Notes that all that this key finds is in the view.
    pub fn mark_loaded(&mut self, key: Key) {
        if let Some(loaded) = &mut self.loaded
            && let Err(place) = loaded.binary_search(&key)
        {
            Arc::make_mut(loaded).insert(place, key);
        }
    }

    /// Notes that of those who wait for this resource all whose numbers go up to `last` are in the view,
    /// and that each of the others holds nothing (it is inside of nothing, its agents have no standing
    /// leases) and is not strict. For [`Key::Front`], where that is less than all; else [`Key::Overlap`]
    /// is loaded as well.
    pub fn set_front(&mut self, resource: Resource, last: u64) {
        self.fronts.retain(|(of, _)| *of != resource);
        self.fronts.push((resource, last));
    }

    /// Adds or replaces a lease.
    pub fn put_lease(&mut self, lease: impl Into<Arc<Lease>>) {
        let lease = lease.into();
        if self.lease_ids.insert(lease.id) {
            self.leases.push(lease);
        } else if let Some(old) = self.leases.iter_mut().find(|old| old.id == lease.id) {
            *old = lease;
        }
    }

    /// Adds or replaces a ticket.
    pub fn put_ticket(&mut self, ticket: impl Into<Arc<Ticket>>) {
        let ticket = ticket.into();
        match self
            .tickets
            .binary_search_by_key(&ticket.number, |old| old.number)
        {
            Ok(place) => self.tickets[place] = ticket,
            Err(place) => self.tickets.insert(place, ticket),
        }
    }

    /// Adds or replaces a freeze.
    pub fn put_freeze(&mut self, freeze: Freeze) {
        self.freezes.retain(|old| old.id != freeze.id);
        self.freezes.push(freeze);
    }

    /// Adds a card, in the place of one for the same request.
    pub fn put_card(&mut self, card: Card) {
        self.cards.retain(|old| !old.same_request(&card));
        self.cards.push(card);
    }

    /// Notes what a store saw of the processes behind an id.
    pub fn set_life(&mut self, id: LeaseId, life: Life) {
        self.lives.retain(|(known, _)| *known != id);
        self.lives.push((id, life));
    }

    /// Brings the view to the state after an event.
    pub fn apply(&mut self, event: &Event) {
        if let Some(counters) = event.counters() {
            self.counters.number = self.counters.number.max(counters.number);
            self.counters.token = self.counters.token.max(counters.token);
        }
        event.for_each_change(|change| self.change(change));
    }

    /// Brings the view to the state after several events.
    pub fn apply_all(&mut self, events: &[Event]) {
        for event in events {
            self.apply(event);
        }
    }

    fn change(&mut self, change: Change<'_>) {
        match change {
            Change::PutLease(lease) => self.put_lease(Arc::clone(lease)),
            Change::PutTicket(ticket) => self.put_ticket(Arc::clone(ticket)),
            Change::PutFreeze(freeze) => self.put_freeze(freeze.clone()),
            Change::PutCard(card) => self.put_card(card.clone()),
            Change::DropLease(lease) => {
                if self.lease_ids.remove(&lease.id) {
                    self.leases.retain(|old| old.id != lease.id);
                }
            }
            Change::DropTicket(ticket) => self.tickets.retain(|old| old.number != ticket.number),
            Change::DropFreeze(freeze) => self.freezes.retain(|old| old.id != freeze.id),
            Change::DropCard(card) => self.cards.retain(|old| !old.same_request(card)),
        }
    }
}
