//! Partial views: a decision over no more than what the kernel asked for is the decision over the
//! whole (the kernel's rules §5, "the view must be closed").
//!
//! The whole is settled first, as a timer would: what time and death have brought about elsewhere is
//! no concern of a command, and a view of its own part does not see it. So no waiter is dead and no
//! grant is overdue when two decisions are compared, and no life of a ticket can make a difference.

use crate::model::names::resource;
use crate::model::state::{Answer, State};
use crate::program::{Program, about, config, events, every_key, programs};
use crate::story::{Story, guard, lock};
use crate::world::{World, short_times};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::decide::decide;
use leasehold_core::event::Event;
use leasehold_core::identity::Agent;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::{Decision, More};
use leasehold_core::view::Key;
use leasehold_core::{Claim, Identity, Intent, LeaseId, Resource, View, limits::Policy};
use leasehold_core::{Lease, Ticket};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More than the longest chain of "who wants what that one holds" in a program of this size.
const ROUNDS_MAX: usize = 40;

/// Answers exactly the keys asked for, from the whole of the workspace.
fn load(world: &World, view: &mut View, key: &Key) {
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
        Key::Front(resource) => load_front(whole, view, resource),
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
fn load_front(whole: &View, view: &mut View, resource: &Resource) {
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
    let more = whole.counters().number as usize % (queue.len() + 1);
    let (front, rest) = queue.split_at(least.max(more));
    front.iter().for_each(|t| view.put_ticket((*t).clone()));
    if rest.is_empty() {
        view.mark_loaded(Key::Overlap(resource.clone()));
    } else {
        let last = front.last().map_or(0, |ticket| ticket.number);
        view.set_front(resource.clone(), last);
    }
}

/// Decides as a coordinator does: loads what is missing until the kernel is content.
fn decide_partly(world: &World, command: &Command) -> Result<Decision, TestCaseError> {
    let mut view = View::new(world.view.now(), world.view.counters());
    command
        .footprint()
        .iter()
        .for_each(|key| load(world, &mut view, key));
    for _ in 0..ROUNDS_MAX {
        match decide(&view, command, &world.policy) {
            Ok(decision) => return Ok(decision),
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

/// The names of the events, and the wakes; what the events do is compared by the state after them.
/// Leases stand in a view in no order, so of those that lapse together any may be the first.
fn unordered(decision: &Decision) -> (Vec<&'static str>, Vec<LeaseId>) {
    let mut events: Vec<&str> = decision.events.iter().map(Event::name).collect();
    events.sort_unstable();
    let mut wakes = decision.wakes.clone();
    wakes.sort();
    (events, wakes)
}

fn check(program: &Program) -> Result<(), TestCaseError> {
    let mut trail = String::new();
    catch_unwind(AssertUnwindSafe(|| compare(program, &mut trail)))
        .unwrap_or_else(|_| Err(TestCaseError::fail("the kernel panicked")))
        .map_err(|error| TestCaseError::fail(format!("{error}\n{trail}")))
}

fn compare(program: &Program, trail: &mut String) -> Result<(), TestCaseError> {
    let mut world = World::new(short_times(program.setting.lock_delay_ms));
    for (at, step) in program.steps.iter().enumerate() {
        let timer = Command::Timer(every_key(&program.setting));
        *trail += "settled:";
        *trail += &events(&world.run(&timer));
        let Some(command) = step.play(&program.setting, &mut world, at as u128 + 1) else {
            continue;
        };
        let mut over = world.clone();
        *trail += &about(&world, &command);
        let whole = world.run(&command);
        *trail += &events(&whole);
        let partly = decide_partly(&over, &command)?;
        prop_assert_eq!(Answer::of(&partly.verdict), Answer::of(&whole.verdict));
        over.view.apply_all(&partly.events);
        let (mut part, expected) = (State::of(&over.view), State::of(&world.view));
        // A grant makes good the cards that it sees. Where the root of the unit is gone nobody knows
        // any more whose they are; they run out by themselves.
        prop_assert!(expected.cards.iter().all(|card| part.cards.contains(card)));
        part.cards.clone_from(&expected.cards);
        prop_assert_eq!(part, expected);
        prop_assert_eq!(unordered(&partly), unordered(&whole));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_part_is_decided_as_the_whole(program in programs(30)) {
        check(&program)?;
    }
}

/// By far the usual case: who holds nothing and takes what is free asks for nothing more.
#[test]
fn a_free_resource_is_decided_from_the_footprint() {
    let claims = vec![Claim::new(resource("a"), Intent::Mutates)];
    let ask = Command::Ask(Ask::new(
        LeaseId::new(1),
        Identity::named("ada", "h"),
        claims,
    ));
    let world = World::new(Policy::default());
    let mut view = View::new(world.view.now(), world.view.counters());
    ask.footprint()
        .iter()
        .for_each(|key| load(&world, &mut view, key));
    assert!(decide(&view, &ask, &world.policy).is_ok());
}

/// Found by random programs: whether a lease of a chain is kept past its TTL was not looked at, and
/// the unit that died lost its root's age.
#[test]
fn a_chain_that_is_kept_while_alive_is_looked_at() {
    let mut s = Story::new();
    s.takes("root", guard("b", "A").ttl(10).kept_while_alive());
    s.takes("old", guard("o", "C"));
    s.takes("lock", lock("b", "B"));
    s.queues("inner", guard("b", "C").inside("root"));
    s.later(10);
    let claims = vec![Claim::new(Resource::parse("B").unwrap(), Intent::Mutates)];
    let ask = Ask::new(LeaseId::new(99), Identity::named("p", "h"), claims);
    let ask = Command::Ask(Ask {
        wait: Wait::Forever,
        ..ask
    });
    let partly = decide_partly(&s.world, &ask).unwrap();
    s.world.view.apply_all(&partly.events);
    s.gone("inner");
    let root = s
        .world
        .view
        .cards()
        .filter(|card| card.claims == s.lease("root").claims);
    assert_eq!(root.count(), 1);
}

/// Found by random programs: a renewal that revives a lease changes what its agent holds.
#[test]
fn a_revived_lease_is_judged_with_all_that_waits() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "A").read().ttl(10));
    s.takes("other", guard("b", "A").read());
    s.later(10);
    s.queues("own wish", guard("a", "A"));
    let renew = Command::Renew {
        lease: s.id("lock"),
        ttl: None,
    };
    let partly = decide_partly(&s.world, &renew).unwrap();
    s.world.view.apply_all(&partly.events);
    s.gone("own wish");
}
