//! What the cases have in common: one transaction, and what a store has to show.

use super::Subject;
use crate::{Access, Committed, Loaded, Store};
use leasehold_core::command::{Ask, Command, Proof};
use leasehold_core::event::{Change, Event, RefusedFor};
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::{Decision, More, Verdict};
use leasehold_core::view::{Counters, Key, View};
use leasehold_core::{Claim, Identity, Intent, Lease, LeaseId, Resource, Ticket};
use leasehold_core::{card::Card, decide::decide, freeze::Freeze};
use std::sync::Arc;

/// Conflicts in a row before a store is said to make no headway.
const ATTEMPTS_MAX: usize = 10_000;

/// Returns an id that looks as if drawn at random.
pub(super) fn id(number: u64) -> LeaseId {
    let spread = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    LeaseId::new(spread ^ (0x5bd1_e995 << 64))
}

pub(super) fn who(name: &str) -> Identity {
    Identity::named(name, "host")
}

pub(super) fn resource(text: &str) -> Resource {
    Resource::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(super) fn claim(text: &str) -> Claim {
    Claim::new(resource(text), Intent::Mutates)
}

/// An ask for a standing lease, without waiting.
pub(super) fn ask(number: u64, name: &str, texts: &[&str]) -> Ask {
    let claims = texts.iter().map(|text| claim(text)).collect();
    Ask {
        kind: Kind::Standing,
        ..Ask::new(id(number), who(name), claims)
    }
}

pub(super) fn release(number: u64) -> Command {
    Command::Release {
        lease: id(number),
        by: who("anybody"),
        proof: Proof::Id,
    }
}

/// What one command came to.
pub(super) struct Done {
    pub(super) decision: Decision,
    /// The view it was decided on.
    pub(super) view: View,
    /// What was loaded into that.
    pub(super) keys: Vec<Key>,
}

/// Loads, decides and commits, as a coordinator does.
pub(super) fn transact<S: Store>(store: &S, command: &Command) -> Done {
    let policy = Policy::default();
    for _ in 0..ATTEMPTS_MAX {
        let mut keys = command.footprint();
        let mut loaded = store.load(&keys, Access::Decide).unwrap();
        let decision = loop {
            match decide(loaded.view(), command, &policy) {
                Ok(decision) => break decision,
                Err(More(more)) => {
                    let known = more.iter().find(|key| loaded.view().is_loaded(key));
                    assert_eq!(known, None, "a loaded key is asked for again");
                    store.load_more(&mut loaded, &more).unwrap();
                    let missing = more.iter().find(|key| !loaded.view().is_loaded(key));
                    assert_eq!(missing, None, "a key is not loaded that was to be");
                    keys.extend(more);
                }
            }
        };
        let view = loaded.view().clone();
        match store
            .commit(loaded, &decision.events, &decision.wakes)
            .unwrap()
        {
            Committed::Done => {
                return Done {
                    decision,
                    view,
                    keys,
                };
            }
            Committed::Conflict | Committed::Unknown => {}
        }
    }
    panic!("{ATTEMPTS_MAX} conflicts in a row")
}

pub(super) fn answer<S: Store>(store: &S, command: &Command) -> Verdict {
    transact(store, command).decision.verdict
}

/// Asks, and returns the lease.
pub(super) fn take<S: Store>(store: &S, ask: Ask) -> Lease {
    match answer(store, &Command::Ask(ask)) {
        Verdict::Granted(lease) => Arc::unwrap_or_clone(lease),
        other => panic!("granted was expected, not {other:?}"),
    }
}

pub(super) fn give_back<S: Store>(store: &S, number: u64) {
    assert_eq!(answer(store, &release(number)), Verdict::Done);
}

/// Commits events as they are.
pub(super) fn put<S: Store>(store: &S, events: &[Event]) {
    put_and_call(store, events, &[]);
}

/// Commits an event that changes nothing, and calls.
pub(super) fn call<S: Store>(store: &S, calls: &[LeaseId]) {
    let (id, who, claims) = (id(999_999), who("eve"), vec![claim("issue:call")]);
    let event = Event::Refused {
        id,
        who,
        claims,
        reason: RefusedFor::Held,
        by: None,
    };
    put_and_call(store, &[event], calls);
}

fn put_and_call<S: Store>(store: &S, events: &[Event], calls: &[LeaseId]) {
    let keys = changed(events);
    for _ in 0..ATTEMPTS_MAX {
        let loaded = store.load(&keys, Access::Decide).unwrap();
        if store.commit(loaded, events, calls).unwrap() == Committed::Done {
            return;
        }
    }
    panic!("{ATTEMPTS_MAX} conflicts in a row")
}

/// Returns the keys of all that events change.
fn changed(events: &[Event]) -> Vec<Key> {
    let mut keys = Vec::new();
    let on = |claims: &[Claim], id: LeaseId| -> Vec<Key> {
        Key::overlaps(claims).chain([Key::Lease(id)]).collect()
    };
    for event in events {
        event.for_each_change(|change| match change {
            Change::PutLease(l) => keys.extend(on(&l.claims, l.id)),
            Change::DropLease(l) => keys.extend(on(&l.claims, l.id)),
            Change::PutTicket(t) => keys.extend(on(&t.claims, t.request)),
            Change::DropTicket(t) => keys.extend(on(&t.claims, t.request)),
            Change::PutFreeze(freeze) | Change::DropFreeze(freeze) => {
                keys.push(Key::Overlap(freeze.resource.clone()));
            }
            Change::PutCard(card) | Change::DropCard(card) => {
                keys.push(Key::Place(card.who.place()));
            }
        });
    }
    keys.sort();
    keys.dedup();
    keys
}

/// What a view shows, in one order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shown {
    leases: Vec<Lease>,
    tickets: Vec<Ticket>,
    freezes: Vec<Freeze>,
    cards: Vec<Card>,
}

impl Shown {
    /// Leaves out the tickets that are not in a view.
    pub(super) fn seen_in(mut self, view: &View) -> Self {
        let is_seen = |ticket: &Ticket| view.ticket(ticket.request).is_some();
        self.tickets.retain(is_seen);
        self
    }

    fn is_in(&self, other: &Self) -> bool {
        self.leases.iter().all(|lease| other.leases.contains(lease))
            && self.tickets.iter().all(|t| other.tickets.contains(t))
            && self.freezes.iter().all(|f| other.freezes.contains(f))
            && self.cards.iter().all(|card| other.cards.contains(card))
    }

    pub(super) fn put_into(self, view: &mut View) {
        self.leases
            .into_iter()
            .for_each(|lease| view.put_lease(lease));
        self.tickets
            .into_iter()
            .for_each(|ticket| view.put_ticket(ticket));
        self.freezes
            .into_iter()
            .for_each(|freeze| view.put_freeze(freeze));
        self.cards.into_iter().for_each(|card| view.put_card(card));
    }
}

pub(super) fn shown(view: &View) -> Shown {
    let mut shown = Shown {
        leases: view.leases().cloned().collect(),
        tickets: view.tickets().cloned().collect(),
        freezes: view.freezes().cloned().collect(),
        cards: view.cards().cloned().collect(),
    };
    shown.leases.sort_by_key(|lease| lease.id);
    shown.freezes.sort_by_key(|freeze| freeze.id);
    shown.cards.sort_by_key(|card| format!("{card:?}"));
    shown
}

/// Returns what some keys find in a whole state; of a queue all, where its front is asked for.
pub(super) fn expected(whole: &View, keys: &[Key]) -> Shown {
    found(
        whole,
        keys,
        Extent {
            queue: true,
            agent: false,
        },
    )
}

/// Checks that a view shows for these keys what it has to, and no more than it may. They are the same,
/// but for a front, of which `fronts` says how much it is, and an agent's standing leases.
#[track_caller]
pub(super) fn check_shown(view: &View, whole: &View, keys: &[Key], at: &str) {
    let extent = |all| Extent {
        queue: all,
        agent: all,
    };
    let (shown, most) = (shown(view), found(whole, keys, extent(true)));
    let least = found(whole, keys, extent(false));
    if least == most {
        assert_eq!(shown, most, "what {keys:?} finds, {at}");
    } else {
        assert!(
            shown.is_in(&most),
            "{keys:?} finds too much: {shown:?}, {at}"
        );
        assert!(
            least.is_in(&shown),
            "{keys:?} finds too little: {shown:?}, {at}"
        );
    }
}

/// What of that which a store may show or not is counted.
#[derive(Clone, Copy)]
struct Extent {
    /// For the front of a queue all of it.
    queue: bool,
    /// For an agent's standing leases the tickets that count them, too.
    agent: bool,
}

fn found(whole: &View, keys: &[Key], extent: Extent) -> Shown {
    let any = |found: &dyn Fn(&Key) -> bool| keys.iter().any(found);
    let on = |claims: &[Claim], resource: &Resource| {
        claims.iter().any(|claim| claim.resource.overlaps(resource))
    };
    let mut view = View::new(whole.now(), whole.counters());
    let lease_found = |lease: &Lease| {
        any(&|key| match key {
            Key::All => true,
            Key::Overlap(resource) | Key::Front(resource) => on(&lease.claims, resource),
            Key::Lease(id) => lease.id == *id,
            Key::Agent(agent) | Key::Standing(agent) => {
                lease.kind == Kind::Standing && lease.who.agent().as_ref() == Some(agent)
            }
            Key::Place(_) | Key::Life(_) => false,
        })
    };
    let ticket_found = |ticket: &Ticket| {
        any(&|key| match key {
            Key::All => true,
            Key::Overlap(resource) => on(&ticket.claims, resource),
            Key::Front(resource) => extent.queue && on(&ticket.claims, resource),
            Key::Lease(id) => ticket.request == *id || ticket.inside.contains(id),
            Key::Agent(agent) => ticket.agents.contains(agent),
            Key::Standing(agent) => extent.agent && ticket.agents.contains(agent),
            Key::Place(_) | Key::Life(_) => false,
        })
    };
    let freeze_found = |freeze: &Freeze| {
        any(&|key| match key {
            Key::All => true,
            Key::Overlap(resource) | Key::Front(resource) => freeze.resource.overlaps(resource),
            _ => false,
        })
    };
    let card_found = |card: &Card| {
        any(&|key| match key {
            Key::All => true,
            Key::Place(place) => card.who.place() == *place,
            _ => false,
        })
    };
    whole
        .leases()
        .filter(|l| lease_found(l))
        .for_each(|l| view.put_lease(l.clone()));
    whole
        .tickets()
        .filter(|t| ticket_found(t))
        .for_each(|t| view.put_ticket(t.clone()));
    whole
        .freezes()
        .filter(|f| freeze_found(f))
        .for_each(|f| view.put_freeze(f.clone()));
    whole
        .cards()
        .filter(|c| card_found(c))
        .for_each(|c| view.put_card(c.clone()));
    shown(&view)
}

/// Returns all keys of a state that find anything, and each resource given.
pub(super) fn keys_of(whole: &View, resources: &[Resource]) -> Vec<Key> {
    let mut keys: Vec<Key> = resources.iter().cloned().map(Key::Overlap).collect();
    let overlap = |claims: &[Claim]| -> Vec<Key> { Key::overlaps(claims).collect() };
    for lease in whole.leases() {
        keys.extend(overlap(&lease.claims));
        keys.push(Key::Lease(lease.id));
        keys.extend(lease.who.agent().map(Key::Agent));
        keys.extend(lease.who.agent().map(Key::Standing));
    }
    for ticket in whole.tickets() {
        keys.extend(overlap(&ticket.claims));
        keys.push(Key::Lease(ticket.request));
        keys.extend(ticket.inside.iter().copied().map(Key::Lease));
        keys.extend(ticket.agents.iter().cloned().map(Key::Agent));
    }
    keys.extend(
        whole
            .freezes()
            .map(|freeze| Key::Overlap(freeze.resource.clone())),
    );
    keys.extend(whole.cards().map(|card| Key::Place(card.who.place())));
    keys.sort();
    keys.dedup();
    keys
}

/// Checks that a store shows for these keys what a whole view of the same state has.
#[track_caller]
pub(super) fn check_keys<S: Store>(store: &S, whole: &View, keys: &[Key]) {
    let loaded = store.load(keys, Access::Read).unwrap();
    check_shown(loaded.view(), whole, keys, "read");
    for key in keys {
        assert!(
            loaded.view().is_loaded(key),
            "{key:?} is not said to be loaded"
        );
    }
}

/// Checks that a store shows the state of a whole view, by all of its keys.
#[track_caller]
pub(super) fn check_state<S: Store>(store: &S, whole: &View) {
    check_keys(store, whole, &[Key::All]);
    for key in keys_of(whole, &[]) {
        check_keys(store, whole, &[key]);
    }
}

/// Returns what a store holds, as a whole view of which nothing has to be loaded, lives aside.
pub(super) fn whole_of<S: Store>(store: &S) -> View {
    let loaded = store.load(&[Key::All], Access::Read).unwrap();
    loaded.view().clone()
}

pub(super) fn counters_of<S: Store>(store: &S) -> Counters {
    whole_of(store).counters()
}

/// Lets time pass.
pub(super) fn pass<S: Subject>(subject: &S, millis: u64) {
    if !subject.advance(millis) {
        std::thread::sleep(std::time::Duration::from_millis(millis));
    }
}

/// Returns a whole view that stands where the store stands now: nothing in it, and its counters.
pub(super) fn beside<S: Store>(store: &S) -> View {
    let now = whole_of(store);
    let mut whole = View::new(now.now(), now.counters());
    whole.mark_loaded(Key::All);
    whole
}
