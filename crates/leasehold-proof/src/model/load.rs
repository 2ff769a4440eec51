//! The road of a command: load its footprint, decide, load what the kernel asks for, commit.
//!
//! What the kernel is given is never the whole workspace: a view has what its keys find, and no life
//! that nobody looked at. So a decision that forgets to ask for more is one that leaves somebody
//! unsettled, and found.

use super::act::Done;
use super::instance::Instance;
use super::world::{Phase, World};
use leasehold_core::command::Command;
use leasehold_core::decide::decide;
use leasehold_core::identity::Agent;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::{Decision, More, Verdict};
use leasehold_core::view::Key;
use leasehold_core::{Claim, Lease, Resource, Ticket, View};

/// Far more often than the longest chain of "who wants what that one holds" in an instance.
const ROUNDS_MAX: usize = 64;

/// How many of a queue are shown as its front: enough for one to be granted and one to go on waiting.
const FRONT_MAX: usize = 2;

impl World {
    /// Decides and commits. Who is asleep and concerned is called.
    pub(super) fn run(
        &mut self,
        instance: &Instance,
        command: &Command,
        done: &mut Done,
    ) -> Verdict {
        let decided = self.with_view(instance, &command.footprint(), |view| {
            decide(view, command, &instance.policy)
        });
        let Decision {
            verdict,
            events,
            wakes,
        } = decided;
        self.view.apply_all(&events);
        for stand in &mut self.stands {
            if let Phase::Asleep(sleep) = &mut stand.phase {
                sleep.called |= wakes.contains(&sleep.id);
            }
        }
        done.events.extend(events);
        verdict
    }

    /// Runs `f` over a view of these keys, and of more for as long as it asks for more.
    pub(super) fn with_view<T>(
        &self,
        instance: &Instance,
        keys: &[Key],
        f: impl Fn(&View) -> Result<T, More>,
    ) -> T {
        let mut view = View::new(self.view.now(), self.view.counters());
        self.load(instance, &mut view, keys);
        for _ in 0..ROUNDS_MAX {
            match f(&view) {
                Ok(value) => return value,
                Err(More(keys)) => self.load(instance, &mut view, &keys),
            }
        }
        panic!("the kernel asks for more and more");
    }

    fn load(&self, instance: &Instance, view: &mut View, keys: &[Key]) {
        for key in keys {
            match key {
                Key::Life(id) => view.set_life(*id, self.view.life(*id).unwrap_or_default()),
                Key::Place(place) => {
                    let cards = self.view.cards().filter(|card| card.who.place() == *place);
                    cards.for_each(|card| view.put_card(card.clone()));
                }
                Key::Front(resource) => self.load_front(instance, view, resource),
                _ => {
                    self.load_leases(instance, view, key);
                    self.load_tickets(instance, view, key);
                }
            }
            view.mark_loaded(key.clone());
        }
    }

    /// Shows as little of a queue as a store may: the head and one more, and never all but where somebody
    /// holds something who is the last.
    fn load_front(&self, instance: &Instance, view: &mut View, resource: &Resource) {
        let whole = Key::Overlap(resource.clone());
        self.load_leases(instance, view, &whole);
        let is_on = instance.finds(&whole);
        let queue = self.view.tickets().filter(|ticket| is_on(&ticket.claims));
        let queue: Vec<&Ticket> = queue.collect();
        let is_standing = |lease: &&Lease| lease.kind == Kind::Standing;
        let locks: Vec<Agent> = self
            .view
            .leases()
            .filter(is_standing)
            .filter_map(|lease| lease.who.agent())
            .collect();
        let may_hold = |ticket: &&Ticket| {
            let owns = |agent: &Agent| locks.contains(agent);
            ticket.strict || !ticket.inside.is_empty() || ticket.agents.iter().any(owns)
        };
        let least = queue.iter().rposition(may_hold).map_or(0, |at| at + 1);
        let shown = least.max(FRONT_MAX.min(queue.len().saturating_sub(1)));
        for ticket in &queue[..shown] {
            view.put_ticket((*ticket).clone());
        }
        if shown == queue.len() {
            view.mark_loaded(whole);
        } else {
            let last = queue[..shown].last().map_or(0, |ticket| ticket.number);
            view.set_front(resource.clone(), last);
        }
    }

    fn load_leases(&self, instance: &Instance, view: &mut View, key: &Key) {
        let table = &instance.table;
        let is_on = instance.finds(key);
        for lease in self.view.leases() {
            let is_found = match key {
                Key::Overlap(_) => is_on(&lease.claims),
                Key::Lease(id) => lease.id == *id,
                Key::Agent(agent) | Key::Standing(agent) => {
                    lease.kind == Kind::Standing && lease.who.agent().as_ref() == Some(agent)
                }
                _ => true,
            };
            if is_found && let Some(lease) = self.view.lease(lease.id) {
                view.put_lease(std::sync::Arc::clone(lease));
            }
        }
        for freeze in self.view.freezes() {
            let is_found = match key {
                Key::Overlap(resource) => {
                    *resource == freeze.resource || table.touches(&freeze.resource, resource)
                }
                Key::All => true,
                _ => false,
            };
            if is_found {
                view.put_freeze(freeze.clone());
            }
        }
    }

    fn load_tickets(&self, instance: &Instance, view: &mut View, key: &Key) {
        let is_on = instance.finds(key);
        for ticket in self.view.tickets() {
            let is_found = match key {
                Key::Overlap(_) => is_on(&ticket.claims),
                Key::Lease(id) => ticket.request == *id || ticket.inside.contains(id),
                Key::Agent(agent) => ticket.agents.contains(agent),
                Key::Standing(_) => false,
                _ => true,
            };
            if is_found && let Some(ticket) = self.view.ticket(ticket.request) {
                view.put_ticket(std::sync::Arc::clone(ticket));
            }
        }
    }
}

impl Instance {
    /// Returns what tells claims on what a key finds from others.
    fn finds<'a>(&'a self, key: &Key) -> impl Fn(&[Claim]) -> bool + use<'a> {
        let on = match key {
            Key::Overlap(resource) => self.table.on(resource),
            _ => 0,
        };
        move |claims| self.table.set(claims) & on != 0
    }
}
