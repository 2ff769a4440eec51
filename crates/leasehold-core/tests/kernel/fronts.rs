//! Who gives back decides over the front of a queue, told: where that is enough, and where it is not.

use crate::part::decide_over;
use crate::story::{Story, guard, lock};
use leasehold_core::command::{Command, Proof};
use leasehold_core::{event::Event, verdict::Decision};

/// Somebody gives back while no more than `shown` of each queue are shown, if so few will do: that is
/// decided as over the whole. Returns whether somebody was left out.
fn gives_back(s: &mut Story, name: &str, shown: usize) -> bool {
    let release = Command::Release {
        lease: s.id(name),
        by: s.lease(name).who.clone(),
        proof: Proof::Id,
    };
    s.world.front = Some(shown);
    let (partly, view) = decide_over(&s.world, &release).expect("a decision");
    let all = s.world.view.tickets().map(|ticket| ticket.request);
    let unseen = all.filter(|request| view.ticket(*request).is_none());
    let is_part = unseen.count() > 0;
    let wholly = s.world.run(&release);
    let told = |decision: &Decision| {
        let lease = |event: &Event| match event {
            Event::Granted { lease, .. } => Some(lease.id),
            Event::Died { ticket, .. } => Some(ticket.request),
            _ => None,
        };
        let events = decision.events.iter();
        let events = events.map(|event| (event.name(), lease(event)));
        (events.collect::<Vec<_>>(), decision.wakes.clone())
    };
    assert_eq!(told(&partly), told(&wholly));
    is_part
}

#[test]
fn the_head_is_served_whoever_waits_behind_the_next() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A"));
    for name in ["c", "d", "e", "f"] {
        s.queues(name, guard(name, "A"));
    }
    assert!(gives_back(&mut s, "x", 2));
    s.picks_up("c");
    // Nobody in front goes on waiting: all are looked at.
    assert!(!gives_back(&mut s, "c", 1));
    s.picks_up("d");
    assert!(!gives_back(&mut s, "d", 0));
    s.picks_up("e");
}

#[test]
fn who_only_reads_lets_in_those_behind() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A"));
    s.takes("v", guard("v", "V"));
    s.queues("c", guard("c", "~A V"));
    s.queues("d", guard("d", "~A"));
    assert!(!gives_back(&mut s, "x", 1));
    s.waits("c");
    s.picks_up("d");
}

#[test]
fn a_slot_that_is_kept_leaves_others() {
    let mut s = Story::new();
    s.takes("x", guard("x", "S"));
    s.takes("v", guard("v", "V"));
    s.queues("c", guard("c", "S/2 V"));
    s.queues("d", guard("d", "S/2"));
    assert!(!gives_back(&mut s, "x", 1));
    s.waits("c");
    s.picks_up("d");
}

#[test]
fn who_is_frozen_keeps_nobody_out() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A"));
    s.queues("c", guard("c", "A F"));
    s.queues("d", guard("d", "A"));
    s.freezes("F", 1_000);
    assert!(!gives_back(&mut s, "x", 1));
    s.waits("c");
    s.picks_up("d");
}

#[test]
fn who_is_dead_keeps_nobody_out() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A"));
    s.queues("c", guard("c", "A"));
    s.queues("d", guard("d", "A"));
    let dead = s.id("c");
    s.world.dead_holders.insert(dead.bits());
    assert!(!gives_back(&mut s, "x", 1));
    s.parked("c");
    s.picks_up("d");
}

/// The exclusive one is behind the front, and only seen because it wants B too.
#[test]
fn who_is_seen_from_elsewhere_keeps_nobody_out() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A"));
    s.takes("y", guard("y", "B"));
    s.queues("c", guard("c", "~A B"));
    s.queues("d", guard("d", "~A"));
    s.queues("e", guard("e", "A B"));
    assert!(!gives_back(&mut s, "x", 1));
    s.waits("c");
    s.picks_up("d");
}

/// Whom the one left out presses, nobody else does: it would not know that it goes first.
#[test]
fn an_upgrade_in_front_has_all_looked_at() {
    let mut s = Story::new();
    s.takes("outer", guard("m", "~A"));
    s.takes("x", guard("x", "~A V"));
    s.queues("c", guard("c", "~A V"));
    s.queues("upgrade", guard("m", "A").inside("outer"));
    s.queues("d", guard("d", "A"));
    assert!(!gives_back(&mut s, "x", 2));
    s.picks_up("upgrade");
    s.waits("c");
}

/// Granted its lock, the agent is pressed in what else it waits for, which is behind the front: it would
/// pass `b`, but is younger than `d`, and dies.
#[test]
fn a_lock_that_is_granted_has_all_of_its_agent_looked_at() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A"));
    s.queues("lock", lock("a", "~A"));
    s.queues("b", guard("b", "A"));
    s.queues("d", guard("d", "A").priority(1));
    s.queues("read", guard("a", "~A").priority(1));
    assert!(!gives_back(&mut s, "x", 2));
    s.picks_up("lock");
    s.gone("read");
}

#[test]
fn who_holds_a_lock_that_is_wanted_is_never_left_out() {
    let mut s = Story::new();
    s.takes("lock", lock("a", "X"));
    s.takes("x", guard("x", "A"));
    s.queues("c", guard("c", "A"));
    s.queues("d", guard("d", "A"));
    s.queues("old", guard("a", "A").priority(1));
    s.queues("w", guard("w", "X"));
    assert!(!gives_back(&mut s, "x", 2));
    s.picks_up("old");
}

#[test]
fn two_queues_have_a_front_each() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A B"));
    for (name, resources) in [
        ("c", "A"),
        ("d", "B"),
        ("e", "A B"),
        ("f", "~A"),
        ("g", "B"),
    ] {
        s.queues(name, guard(name, resources));
    }
    assert!(gives_back(&mut s, "x", 2));
    s.picks_up("c");
    s.picks_up("d");
    s.waits("e");
}

/// Nobody wants the lock, but it makes its agent younger, also in what it waits for elsewhere.
#[test]
fn a_lock_that_is_granted_makes_its_agent_younger() {
    let mut s = Story::new();
    s.takes("x", guard("x", "A").priority(200));
    s.takes("u", guard("u", "U").priority(150));
    s.takes("outer", guard("a", "X"));
    s.queues("lock", lock("a", "A").priority(170));
    s.queues("inner", guard("a", "U").inside("outer"));
    s.queues("w", guard("w", "X"));
    gives_back(&mut s, "x", 1);
    s.picks_up("lock");
    s.gone("inner");
}
