//! The front of a queue: how much of it a store shows, and what has to be true of the rest.

use super::Subject;
use super::support::{ask, beside, claim, id, put, resource, transact, who};
use crate::{Access, Loaded, Presence, Store};
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::event::Event;
use leasehold_core::freeze::Freeze;
use leasehold_core::identity::Agent;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::ticket::TicketState;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::{Key, View};
use leasehold_core::{Claim, Identity, Intent, Lease, LeaseId, Resource, Ticket};
use std::sync::Arc;

/// A workspace with a queue for one resource, and beside it what its store has to show of that.
struct Queue<'a, S: Subject> {
    subject: &'a S,
    store: S::Store,
    whole: View,
    what: Resource,
    next: u64,
    presences: Vec<Box<dyn Presence>>,
}

fn is_of(lease: &Lease, agent: &Agent) -> bool {
    lease.kind == Kind::Standing && lease.who.agent().as_ref() == Some(agent)
}

impl<'a, S: Subject> Queue<'a, S> {
    fn new(subject: &'a S, what: Resource) -> Self {
        let store = subject.open();
        let whole = beside(&store);
        Self {
            subject,
            store,
            whole,
            what,
            next: 1,
            presences: Vec::new(),
        }
    }

    fn run(&mut self, command: &Command) -> Verdict {
        let done = transact(&self.store, command);
        self.whole.apply_all(&done.decision.events);
        self.check();
        done.decision.verdict
    }

    /// Asks, as somebody who is there.
    fn asks(&mut self, ask: Ask) -> LeaseId {
        let id = id(self.next);
        self.next += 1;
        self.presences.push(self.store.attend(id).unwrap());
        let _ = self.run(&Command::Ask(Ask { id, ..ask }));
        id
    }

    /// A guard that waits for the resource.
    fn waits(&mut self, who: Identity) -> LeaseId {
        let claims = vec![Claim::new(self.what.clone(), Intent::Mutates)];
        self.asks(waiting(Ask::new(id(0), who, claims)))
    }

    fn locks(&mut self, name: &str) -> LeaseId {
        let text = format!("issue:lock-{name}");
        let lock = self.asks(ask(0, name, &[&text]));
        assert!(self.whole.lease(lock).is_some(), "it is free");
        lock
    }

    #[track_caller]
    fn does(&mut self, command: &Command) {
        assert_eq!(self.run(command), Verdict::Done, "{command:?}");
    }

    #[track_caller]
    fn gives_back(&mut self, lease: LeaseId) {
        let by = who("anybody");
        let proof = Proof::Id;
        self.does(&Command::Release { lease, by, proof });
    }

    fn is_on(&self, claims: &[Claim]) -> bool {
        claims.iter().any(|claim| claim.resource == self.what)
    }

    fn queue(&self) -> Vec<&Ticket> {
        let tickets = self.whole.tickets();
        tickets.filter(|t| self.is_on(&t.claims)).collect()
    }

    fn request(&self, at: usize) -> LeaseId {
        self.queue()[at].request
    }

    /// Both who changed it and whoever opens it now see what has to be seen.
    #[track_caller]
    fn check(&self) {
        self.check_front(&self.store);
        self.check_front(&self.subject.open());
        for ticket in self.queue() {
            for agent in &ticket.agents {
                self.check_standing(agent);
            }
        }
    }

    #[track_caller]
    fn check_front(&self, store: &S::Store) {
        let key = Key::Front(self.what.clone());
        let loaded = store
            .load(std::slice::from_ref(&key), Access::Read)
            .unwrap();
        let view = loaded.view();
        assert!(view.is_loaded(&key));
        for lease in self.whole.leases().filter(|l| self.is_on(&l.claims)) {
            let shown = view.lease(lease.id).map(Arc::as_ref);
            assert_eq!(shown, Some(lease));
        }
        for freeze in self.whole.freezes().filter(|f| f.resource == self.what) {
            assert!(view.freezes().any(|shown| shown == freeze), "{freeze:?}");
        }
        let queue = self.queue();
        let shown: Vec<&Ticket> = view.tickets().filter(|t| self.is_on(&t.claims)).collect();
        assert_eq!(shown, queue[..shown.len()], "a front is the beginning");
        let is_whole = view.is_loaded(&Key::Overlap(self.what.clone()));
        assert_eq!(is_whole, shown.len() == queue.len(), "it says if it is all");
        if is_whole {
            return;
        }
        let last = shown.last().map_or(0, |ticket| ticket.number);
        assert_eq!(view.front(&self.what), Some(last), "the last of the front");
        for ticket in &queue[shown.len()..] {
            let holds = |agent: &Agent| self.whole.leases().any(|lease| is_of(lease, agent));
            let may_hold = ticket.strict || !ticket.inside.is_empty();
            let may_hold = may_hold || ticket.agents.iter().any(holds);
            assert!(!may_hold, "left out: {ticket:?}");
        }
    }

    #[track_caller]
    fn check_standing(&self, agent: &Agent) {
        let key = Key::Standing(agent.clone());
        let loaded = self
            .store
            .load(std::slice::from_ref(&key), Access::Read)
            .unwrap();
        assert!(loaded.view().is_loaded(&key));
        for lease in self.whole.leases().filter(|lease| is_of(lease, agent)) {
            let shown = loaded.view().lease(lease.id).map(Arc::as_ref);
            assert_eq!(shown, Some(lease), "a lock of {agent:?}");
        }
    }
}

fn waiting(ask: Ask) -> Ask {
    Ask {
        wait: Wait::Forever,
        ..ask
    }
}

/// Somebody holds it and `length` wait, of whom some read and some want more; their names are numbers.
fn begin<S: Subject>(queue: &mut Queue<'_, S>, length: usize) {
    queue.what = resource(&format!("issue:queue-{length}"));
    queue.waits(who("holder"));
    for at in 0..length {
        let intent = if at % 3 == 2 {
            Intent::Consumes
        } else {
            Intent::Mutates
        };
        let mut claims = vec![Claim::new(queue.what.clone(), intent)];
        if at % 7 == 6 {
            claims.push(claim("issue:more"));
        }
        queue.asks(waiting(Ask::new(id(0), who(&at.to_string()), claims)));
    }
    assert_eq!(queue.queue().len(), length);
}

/// What changes who may be left out, somewhere in the queue.
fn change<S: Subject>(queue: &mut Queue<'_, S>, at: usize) {
    let name = at.to_string();
    let lock = queue.locks(&name);
    queue.gives_back(lock);
    // A place that is kept, and taken up by another agent of the same owner, who has a lock.
    let who_waits = Identity::nameless("nobody", "host");
    let other = who("nobody");
    let place = queue.waits(who_waits);
    queue.does(&Command::Timeout(place));
    let lock = queue.locks("nobody");
    let again = queue.waits(other);
    assert!(
        queue
            .whole
            .ticket(again)
            .is_some_and(|ticket| ticket.is_waiting())
    );
    queue.gives_back(lock);
    queue.does(&Command::Cancel(again));
    let middle = queue.request(at);
    queue.does(&Command::Timeout(middle));
    queue.does(&Command::Cancel(middle));
}

/// Who may hold something waits behind all others, and goes.
fn end_with<S: Subject>(queue: &mut Queue<'_, S>) {
    let outer = queue.locks("outer");
    let claims = vec![Claim::new(queue.what.clone(), Intent::Mutates)];
    let plain = waiting(Ask::new(id(0), who("inner"), claims));
    let inner = queue.asks(Ask {
        inside: Some(outer),
        ..plain.clone()
    });
    // Older than all, it may wait.
    let strict = queue.asks(Ask {
        strict: true,
        priority: Some(1),
        who: who("strict"),
        ..plain
    });
    queue.gives_back(outer);
    for request in [inner, strict] {
        queue.does(&Command::Cancel(request));
    }
}

/// The first is granted and does not come: its place is kept, in front of all.
fn pass<S: Subject>(queue: &mut Queue<'_, S>) {
    let holder = queue.whole.leases().find(|l| queue.is_on(&l.claims));
    let holder = holder.unwrap().id;
    let first = queue.request(0);
    queue.gives_back(holder);
    let lease = Arc::clone(queue.whole.lease(first).unwrap());
    let Pickup::Unbound(ticket) = &lease.pickup else {
        panic!("{first} was not waited for");
    };
    let mut ticket = Arc::clone(ticket);
    let until = queue.whole.now().plus_millis(600_000);
    Arc::make_mut(&mut ticket).state = TicketState::Parked { until };
    let passed = Event::Passed { lease, ticket };
    put(&queue.store, std::slice::from_ref(&passed));
    queue.whole.apply(&passed);
    queue.check();
    assert_eq!(queue.request(0), first);
    queue.waits(who("0"));
}

pub(super) fn a_front_leaves_out_only_who_holds_nothing<S: Subject>(subject: &S) {
    let mut queue = Queue::new(subject, resource("issue:none"));
    for length in [1, 2, 5, 40, 100] {
        begin(&mut queue, length);
        let freeze = Freeze {
            id: id(0xf000 + length as u64),
            resource: queue.what.clone(),
            until: None,
            since: queue.whole.now(),
            who: who("person"),
        };
        change(&mut queue, length / 2);
        end_with(&mut queue);
        if length > 1 {
            change(&mut queue, length - 2);
        }
        if length > 2 {
            pass(&mut queue);
        }
        queue.does(&Command::Freeze(freeze));
    }
}
