//! Who stops waiting or holding leaves no way to those it pressed, or through whom it pressed others:
//! they have to be in the view before, for now somebody else may be first.

use crate::part::decide_partly;
use crate::story::{Story, Telling, guard, lock};
use leasehold_core::command::{Ask, Command, Proof};
use leasehold_core::{LeaseId, Resource, event::Event, view::Key};

/// The lock X of `a` is wanted, so the wish of `a` for Y and V stands before the earlier one of `z` for Y
/// alone, as long as that lasts. V is held: once the wish is not pressed any more `z` has to be granted.
fn wish_before_z(lock_is_granted: impl FnOnce(&mut Story), wish: Telling) -> Story {
    let mut s = Story::new();
    lock_is_granted(&mut s);
    s.takes("v", guard("h", "V"));
    s.takes("y", guard("k", "Y"));
    s.queues("w", guard("w", "X"));
    s.queues("z", guard("z", "Y"));
    s.queues("wish", wish.priority(1));
    s.releases("y");
    s.waits("wish");
    s.waits("z");
    s
}

fn takes_lock(s: &mut Story) {
    s.takes("lock", lock("a", "X"));
}

fn wish() -> Telling {
    guard("a", "Y V")
}

/// Decides over what the kernel asks for, and over the whole: both have to grant to `z`.
fn lets_z_go_first(s: &mut Story, command: &Command) {
    let partly = decide_partly(&s.world, command).expect("a decision");
    let grants = |events: &[Event]| {
        let mut granted = Vec::new();
        for event in events {
            if let Event::Granted { lease, .. } = event {
                granted.push(lease.id);
            }
        }
        granted
    };
    let by_part = grants(&partly.events);
    s.world.run(command);
    assert!(!s.lease("z").is_bound());
    assert!(by_part.contains(&s.id("z")), "{by_part:?}");
}

#[test]
fn a_lock_is_given_back() {
    let mut s = wish_before_z(takes_lock, wish());
    let release = Command::Release {
        lease: s.id("lock"),
        by: s.lease("lock").who.clone(),
        proof: Proof::Owner,
    };
    lets_z_go_first(&mut s, &release);
}

#[test]
fn a_lock_is_declined_that_was_waited_for() {
    let is_granted = |s: &mut Story| {
        s.takes("x", guard("x", "X"));
        s.queues("lock", lock("a", "X"));
        s.releases("x");
    };
    let mut s = wish_before_z(is_granted, wish());
    let cancel = Command::Cancel(s.id("lock"));
    lets_z_go_first(&mut s, &cancel);
}

#[test]
fn who_wanted_the_lock_waits_no_longer() {
    let mut s = wish_before_z(takes_lock, wish());
    let timeout = Command::Timeout(s.id("w"));
    lets_z_go_first(&mut s, &timeout);
}

#[test]
fn who_wanted_the_lock_gives_up() {
    let mut s = wish_before_z(takes_lock, wish());
    let cancel = Command::Cancel(s.id("w"));
    lets_z_go_first(&mut s, &cancel);
}

#[test]
fn who_wanted_the_lock_died_and_asks_again_without_waiting() {
    let mut s = wish_before_z(takes_lock, wish());
    let dead = s.id("w");
    s.world.dead_holders.insert(dead.bits());
    let wanted = s.ticket("w");
    let again = Ask::new(LeaseId::new(99), wanted.who.clone(), wanted.claims.clone());
    lets_z_go_first(&mut s, &Command::Ask(again));
}

/// What is held through the lease of another agent ends with it, though nobody wants that lease.
#[test]
fn a_guard_around_the_wish_dies() {
    let takes_both = |s: &mut Story| {
        takes_lock(s);
        s.takes("around", guard("a", "F"));
    };
    let inside = guard("c", "Y V").inside("around");
    let mut s = wish_before_z(takes_both, inside);
    let around = s.id("around");
    s.world.dead_holders.insert(around.bits());
    s.world.dead_commands.insert(around.bits());
    let found = Key::Overlap(Resource::parse("F").unwrap());
    lets_z_go_first(&mut s, &Command::Timer(vec![found, Key::Life(around)]));
}

/// A request inside of a lease whose own outer one had lapsed holds that too when it is renewed, and the
/// locks of whoever has it.
#[test]
fn a_lapsed_lease_around_the_wish_is_renewed() {
    let mut s = Story::new();
    takes_lock(&mut s);
    s.takes("outer", guard("a", "F").ttl(10));
    s.takes("inner", guard("c", "G").inside("outer"));
    s.queues("w", guard("w", "X"));
    s.takes("y", guard("y", "Y").priority(1));
    s.later(10);
    s.queues("wish", guard("d", "Y").inside("inner"));
    let renew = Command::Renew {
        lease: s.id("outer"),
        ttl: None,
    };
    let partly = decide_partly(&s.world, &renew).unwrap();
    s.world.view.apply_all(&partly.events);
    s.gone("wish");
}

#[test]
fn a_lapsed_lock_is_taken_again() {
    for by_asking in [true, false] {
        let mut s = Story::new();
        s.takes("outer", guard("a", "X"));
        let telling = lock("a", "A").priority(170).ttl(10);
        s.takes("lock", telling.clone());
        s.takes("u", guard("u", "U").priority(150));
        s.later(10);
        s.queues("inner", guard("a", "U").inside("outer"));
        s.queues("w", guard("w", "X"));
        s.waits("inner");
        let command = match by_asking {
            true => Command::Ask(telling.asked(LeaseId::new(99))),
            false => Command::Renew {
                lease: s.id("lock"),
                ttl: None,
            },
        };
        let partly = decide_partly(&s.world, &command).expect("a decision");
        s.world.view.apply_all(&partly.events);
        s.gone("inner");
    }
}
