//! The checkers refuse what must not be: a checker that cannot fail is worth nothing.

use super::check;
use super::history::History;
use super::ledger::Lives;
use super::process::Process;
use super::setting::{Setting, somebody};
use super::world::{NOBODY, Shared};
use crate::Random;
use leasehold_core::claim::Claim;
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::decide::decide;
use leasehold_core::event::Event;
use leasehold_core::lease::Pickup;
use leasehold_core::limits::Policy;
use leasehold_core::{FencingToken, Intent, Lease, LeaseId, Resource, Timestamp, View};
use std::sync::Arc;

fn world() -> Arc<Shared> {
    Shared::new(Setting::draw(&mut Random::new(1)), false)
}

fn ask(number: u128, resource: &str) -> Ask {
    let claim = Claim::new(Resource::parse(resource).unwrap(), Intent::Mutates);
    Ask::new(LeaseId::new(number), somebody(1), vec![claim])
}

/// A grant as the kernel would make it in an empty workspace.
fn grant(ask: &Ask) -> Lease {
    let view = View::whole(Timestamp::from_millis(1_000_000));
    let decision = decide(&view, &Command::Ask(ask.clone()), &Policy::default()).unwrap();
    match &decision.events[..] {
        [Event::Granted { lease, .. }] => Lease::clone(lease),
        other => panic!("{other:?}"),
    }
}

fn granted(lease: &Lease) -> Event {
    Event::Granted {
        lease: lease.clone().into(),
        from: None,
        spent: Vec::new(),
    }
}

/// Commits one event after the other; returns the first broken promise.
fn judge(shared: &Shared, asks: &[&Ask], events: &[Event]) -> Option<String> {
    let mut core = shared.core();
    for ask in asks {
        core.processes.insert(ask.id, Process::new((*ask).clone()));
    }
    let now = Timestamp::from_millis(1_000_000);
    for event in events {
        let event = std::slice::from_ref(event);
        check::commit(&mut core, NOBODY, now, &Lives::new(), event, &[]);
    }
    core.violation.clone()
}

#[track_caller]
fn assert_refused(found: Option<&str>, what: &str) {
    assert!(
        found.is_some_and(|found| found.starts_with(what)),
        "{found:?} is not {what}"
    );
}

#[test]
fn one_grant_is_as_it_should_be() {
    let one = ask(1, "r0");
    assert_eq!(judge(&world(), &[&one], &[granted(&grant(&one))]), None);
}

#[test]
fn two_holders_are_refused() {
    let (one, other) = (ask(1, "path:src"), ask(2, "path:**/k"));
    let (first, mut second) = (grant(&one), grant(&other));
    second.token = FencingToken::new(9).unwrap();
    let found = judge(
        &world(),
        &[&one, &other],
        &[granted(&first), granted(&second)],
    );
    assert_refused(found.as_deref(), "granted with somebody in the way");
}

#[test]
fn a_token_given_out_twice_is_refused() {
    let (one, other) = (ask(1, "r0"), ask(2, "r1"));
    let events = [granted(&grant(&one)), granted(&grant(&other))];
    let found = judge(&world(), &[&one, &other], &events);
    assert_refused(found.as_deref(), "a token that does not rise");
}

#[test]
fn half_of_what_was_asked_for_is_refused() {
    let mut one = ask(1, "r0");
    let half = grant(&one);
    one.claims.extend(ask(1, "r1").claims);
    let found = judge(&world(), &[&one], &[granted(&half)]);
    assert_refused(found.as_deref(), "not all of what was asked for");
}

#[test]
fn a_grant_that_nobody_hears_of_is_refused() {
    let one = Ask {
        wait: Wait::Forever,
        ..ask(1, "r0")
    };
    let view = View::whole(Timestamp::from_millis(1_000_000));
    let mut busy = view.clone();
    busy.put_lease(grant(&ask(2, "r0")));
    let queued = decide(&busy, &Command::Ask(one.clone()), &Policy::default()).unwrap();
    let [Event::Queued { ticket, .. }] = &queued.events[..] else {
        panic!("{queued:?}");
    };
    let mut lease = grant(&one);
    lease.number = ticket.number;
    lease.pickup = Pickup::Unbound(ticket.clone());
    let found = judge(
        &world(),
        &[&one],
        &[queued.events[0].clone(), granted(&lease)],
    );
    assert_refused(found.as_deref(), "nobody wakes the waiter");
}

#[test]
fn a_live_lease_taken_over_is_refused() {
    let one = ask(1, "r0");
    let lease = grant(&one);
    let lapsed = Event::Lapsed {
        lease: lease.clone().into(),
    };
    let found = judge(&world(), &[&one], &[granted(&lease), lapsed]);
    assert_refused(found.as_deref(), "taken over while it is live");
}

/// What a seed does depends on nothing else, not even on how threads are scheduled.
#[test]
fn a_seed_is_one_history() {
    for seed in 1..20 {
        let history = History::draw(seed);
        if history.setting.is_large() {
            continue;
        }
        let (one, other) = (history.run(true), history.run(true));
        assert_eq!(one.violation, None, "seed {seed}");
        assert_eq!(one.trail, other.trail, "seed {seed}");
        assert!(one.steps > 50);
    }
}
