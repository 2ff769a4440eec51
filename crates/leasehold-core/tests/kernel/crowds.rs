//! Random crowds: who gives back decides over the front of a queue as over all of it, and that in all
//! the cases that are of interest.

use crate::closed::check;
use crate::program::{config, crowds};
use crate::world::World;
use leasehold_core::view::Key;
use leasehold_core::{Lease, Resource, Ticket, View, event::Event, lease::Kind, verdict::Decision};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_front_is_decided_as_the_whole(program in crowds(60)) {
        check(&program, &mut |_, _, _| ())?;
    }
}

type Is<'a> = &'a dyn Fn(&Ticket) -> bool;

/// How often something was met.
type Met = BTreeMap<&'static str, u32>;

fn on(ticket: &Ticket, resource: &Resource) -> bool {
    let mut claims = ticket.claims.iter();
    claims.any(|claim| claim.resource == *resource)
}

/// A decision over a part of a world, and the resources of which only the front was looked at.
struct Case<'a> {
    world: &'a World,
    view: &'a View,
    fronts: Vec<&'a Resource>,
}

impl<'a> Case<'a> {
    fn of(world: &'a World, view: &'a View) -> Self {
        let tickets = world.view.tickets().flat_map(|ticket| &ticket.claims);
        let mut fronts: Vec<&Resource> = tickets.map(|claim| &claim.resource).collect();
        fronts.sort();
        fronts.dedup();
        fronts.retain(|resource| view.front(resource).is_some());
        Self {
            world,
            view,
            fronts,
        }
    }

    fn is_behind(&self, ticket: &Ticket) -> bool {
        let behind = |front: &&Resource| {
            let last = self.view.front(front);
            on(ticket, front) && last.is_some_and(|last| ticket.number > last)
        };
        self.fronts.iter().any(behind)
    }

    fn is_frozen(&self, ticket: &Ticket) -> bool {
        let mut freezes = self.world.view.freezes();
        freezes.any(|freeze| on(ticket, &freeze.resource))
    }

    /// Those who wait with a lock that is theirs, of all that was looked at.
    fn wait_with_locks(&self) -> usize {
        let locks = self.view.leases().filter(|l| l.kind == Kind::Standing);
        let locks: Vec<&Lease> = locks.collect();
        let owns = |ticket: &&Ticket| locks.iter().any(|l| l.who.same_agent(&ticket.who));
        let waiting = self.view.tickets().filter(|ticket| ticket.is_waiting());
        waiting.filter(owns).count()
    }
}

/// Counts what a decision over fronts left out, what it had, and what it brought about.
fn count(met: &mut Met, world: &World, view: &View, decision: &Decision) {
    let mut case = Case::of(world, view);
    let mut count = |what, is_met: bool| *met.entry(what).or_default() += u32::from(is_met);
    let is_whole = |front: &&Resource| view.is_loaded(&Key::Overlap((*front).clone()));
    count("asked for all", case.fronts.iter().any(is_whole));
    case.fronts.retain(|front| !is_whole(front));
    let is_seen = |ticket: &&Ticket| view.ticket(ticket.request).is_some();
    let in_queue = |ticket: &&Ticket| case.fronts.iter().any(|front| on(ticket, front));
    let queue = world.view.tickets().filter(in_queue);
    let (front, left): (Vec<&Ticket>, Vec<&Ticket>) = queue.partition(is_seen);
    if left.is_empty() {
        return;
    }
    count("somebody is left out", true);
    count("four or more are left out", left.len() > 3);
    count("of two queues", case.fronts.len() > 1);
    count(
        "one behind is seen for another reason",
        front.iter().any(|t| case.is_behind(t)),
    );
    let kinds: [(_, _, Is<'_>); 6] = [
        ("left: shares", "seen: shares", &|t| {
            t.claims.iter().any(|c| !c.is_exclusive())
        }),
        ("left: a slot", "seen: a slot", &|t| {
            t.claims.iter().any(|c| c.slots.is_some())
        }),
        ("left: several", "seen: several", &|t| t.claims.len() > 1),
        ("left: for a lock", "seen: for a lock", &|t| {
            t.kind == Kind::Standing
        }),
        ("left: parked", "seen: parked", &|t| !t.is_waiting()),
        ("left: frozen", "seen: frozen", &|t| case.is_frozen(t)),
    ];
    for (of_left, of_seen, is) in kinds {
        count(of_left, left.iter().any(|ticket| is(ticket)));
        count(of_seen, front.iter().any(|ticket| is(ticket)));
    }
    count(
        "left: with priority",
        left.iter().any(|t| t.seniority.priority < 100),
    );
    count(
        "seen: inside of a lease",
        front.iter().any(|t| !t.inside.is_empty()),
    );
    count(
        "one waits elsewhere and has a lock",
        case.wait_with_locks() > 0,
    );
    let named = |name| {
        decision
            .events
            .iter()
            .filter(move |event| event.name() == name)
    };
    let is_lock = |event: &Event| match event {
        Event::Granted { lease, .. } | Event::Released { lease } => lease.kind == Kind::Standing,
        _ => false,
    };
    count("granted", named("granted").count() > 0);
    count("granted: several", named("granted").count() > 1);
    count("granted: a lock", named("granted").any(is_lock));
    count("given back: a lock", named("released").any(is_lock));
    count("died", named("died").count() > 0);
}

/// A comparison that never meets what it is about would show nothing.
#[test]
fn crowds_meet_the_cases_of_a_front() {
    let mut runner = TestRunner::deterministic();
    let mut met = Met::new();
    for _ in 0..1_000 {
        let program = crowds(60).new_tree(&mut runner).unwrap().current();
        let mut see = |world: &World, view: &View, decision: &Decision| {
            count(&mut met, world, view, decision);
        };
        check(&program, &mut see).unwrap();
    }
    println!("{met:#?}");
    let never: Vec<_> = met.iter().filter(|(_, times)| **times == 0).collect();
    assert!(never.is_empty(), "{never:?}");
}
