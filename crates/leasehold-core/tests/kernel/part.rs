//! Views of a part: what a store shows of a world when a coordinator asks key by key.

use crate::world::World;
use leasehold_core::command::Command;
use leasehold_core::decide::decide;
use leasehold_core::identity::Agent;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::{Decision, More};
use leasehold_core::view::Key;
use leasehold_core::{Claim, Lease, LeaseId, Resource, Ticket, View};
use proptest::prelude::*;

/// More than the longest chain of "who wants what that one holds" in a program of this size.
const ROUNDS_MAX: usize = 40;

/// Answers exactly the keys asked for, from the whole of the workspace.
pub(crate) fn load(world: &World, view: &mut View, key: &Key) {
    let whole = &world.view;
    let on = |claims: &[Claim], resource: &Resource| {
        claims.iter().any(|claim| claim.resource.overlaps(resource))
    };
    match key {
        Key::All => {
            whole
                .leases()
                .for_each(|lease| view.put_lease(lease.clone()));
            whole
                .tickets()
                .for_each(|ticket| view.put_ticket(ticket.clone()));
            whole
                .freezes()
                .for_each(|freeze| view.put_freeze(freeze.clone()));
            whole.cards().for_each(|card| view.put_card(card.clone()));
        }
        Key::Overlap(resource) => {
            let leases = whole.leases().filter(|lease| on(&lease.claims, resource));
            leases.for_each(|lease| view.put_lease(lease.clone()));
            let tickets = whole
                .tickets()
                .filter(|ticket| on(&ticket.claims, resource));
            tickets.for_each(|ticket| view.put_ticket(ticket.clone()));
            let freezes = whole
                .freezes()
                .filter(|freeze| freeze.resource.overlaps(resource));
            freezes.for_each(|freeze| view.put_freeze(freeze.clone()));
        }
        Key::Front(resource) => load_front(world, view, resource),
        Key::Lease(id) => {
            whole
                .lease(*id)
                .into_iter()
                .for_each(|lease| view.put_lease(lease.clone()));
            let under =
                |request: LeaseId, inside: &[LeaseId]| request == *id || inside.contains(id);
            let tickets = whole.tickets().filter(|t| under(t.request, &t.inside));
            tickets.for_each(|ticket| view.put_ticket(ticket.clone()));
        }
        Key::Agent(agent) => {
            load(world, view, &Key::Standing(agent.clone()));
            let tickets = whole
                .tickets()
                .filter(|ticket| ticket.agents.contains(agent));
            tickets.for_each(|ticket| view.put_ticket(ticket.clone()));
        }
        Key::Standing(agent) => {
            let own = whole.leases().filter(|lease| is_of(lease, agent));
            own.for_each(|lease| view.put_lease(lease.clone()));
        }
        Key::Place(place) => {
            let cards = whole.cards().filter(|card| card.who.place() == *place);
            cards.for_each(|card| view.put_card(card.clone()));
        }
        Key::Life(id) => view.set_life(*id, world.life(*id)),
    }
    view.mark_loaded(key.clone());
}

fn is_of(lease: &Lease, agent: &Agent) -> bool {
    lease.kind == Kind::Standing && lease.who.agent().as_ref() == Some(agent)
}

/// Shows of a queue now more, now less: any number that leaves out only those who hold nothing.
fn load_front(world: &World, view: &mut View, resource: &Resource) {
    let whole = &world.view;
    let on = |claims: &[Claim]| claims.iter().any(|claim| claim.resource == *resource);
    let leases = whole.leases().filter(|lease| on(&lease.claims));
    leases.for_each(|lease| view.put_lease(lease.clone()));
    let freezes = whole
        .freezes()
        .filter(|freeze| freeze.resource == *resource);
    freezes.for_each(|freeze| view.put_freeze(freeze.clone()));
    let queue: Vec<&Ticket> = whole.tickets().filter(|t| on(&t.claims)).collect();
    let holds = |agent: &Agent| whole.leases().any(|lease| is_of(lease, agent));
    let may_hold = |ticket: &Ticket| {
        ticket.strict || !ticket.inside.is_empty() || ticket.agents.iter().any(holds)
    };
    let least = queue.iter().rposition(|ticket| may_hold(ticket));
    let least = least.map_or(0, |last| last + 1);
    let any = whole.counters().number as usize % (queue.len() + 1);
    let shown = world.front.unwrap_or(any).clamp(least, queue.len());
    let (front, rest) = queue.split_at(shown);
    front.iter().for_each(|t| view.put_ticket((*t).clone()));
    if rest.is_empty() {
        view.mark_loaded(Key::Overlap(resource.clone()));
    } else {
        let last = front.last().map_or(0, |ticket| ticket.number);
        view.set_front(resource.clone(), last);
    }
}

/// Decides as a coordinator does: loads what is missing until the kernel is content.
pub(crate) fn decide_partly(world: &World, command: &Command) -> Result<Decision, TestCaseError> {
    decide_over(world, command).map(|(decision, _)| decision)
}

/// Decides as a coordinator does, and returns the view that was enough for it.
pub(crate) fn decide_over(
    world: &World,
    command: &Command,
) -> Result<(Decision, View), TestCaseError> {
    let mut view = View::new(world.view.now(), world.view.counters());
    command
        .footprint()
        .iter()
        .for_each(|key| load(world, &mut view, key));
    for _ in 0..ROUNDS_MAX {
        match decide(&view, command, &world.policy) {
            Ok(decision) => return Ok((decision, view)),
            Err(More(keys)) => {
                prop_assert!(!keys.is_empty(), "it asks for nothing more");
                let known: Vec<_> = keys.iter().filter(|key| view.is_loaded(key)).collect();
                prop_assert!(known.is_empty(), "it asks again for {:?}", known);
                keys.iter().for_each(|key| load(world, &mut view, key));
            }
        }
    }
    Err(TestCaseError::fail(format!(
        "still not content after {ROUNDS_MAX} rounds"
    )))
}
