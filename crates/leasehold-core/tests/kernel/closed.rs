//! Partial views: a decision over no more than what the kernel asked for is the decision over the
//! whole (the kernel's rules §5, "the view must be closed").
//!
//! The whole is settled first, as a timer would: what time and death have brought about elsewhere is
//! no concern of a command, and a view of its own part does not see it. So no waiter is dead and no
//! grant is overdue when two decisions are compared, and no life of a ticket can make a difference.

use crate::model::names::resource;
use crate::model::state::{Answer, State};
use crate::part::{decide_over, decide_partly, load};
use crate::program::{Program, about, config, events, every_key, programs};
use crate::story::{Story, guard, lock};
use crate::world::{World, short_times};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::decide::decide;
use leasehold_core::event::Event;
use leasehold_core::verdict::Decision;
use leasehold_core::{Claim, Identity, Intent, LeaseId, Resource, View, limits::Policy};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The names of the events, and the wakes; what the events do is compared by the state after them.
/// Leases stand in a view in no order, so of those that lapse together any may be the first.
fn unordered(decision: &Decision) -> (Vec<&'static str>, Vec<LeaseId>) {
    let mut events: Vec<&str> = decision.events.iter().map(Event::name).collect();
    events.sort_unstable();
    let mut wakes = decision.wakes.clone();
    wakes.sort();
    (events, wakes)
}

pub(crate) type See<'a> = dyn FnMut(&World, &View, &Decision) + 'a;

/// Plays a program, and shows to `see` each decision over a part, with the view that was enough for it
/// and the world before it.
pub(crate) fn check(program: &Program, see: &mut See<'_>) -> Result<(), TestCaseError> {
    let mut trail = String::new();
    catch_unwind(AssertUnwindSafe(|| compare(program, &mut trail, see)))
        .unwrap_or_else(|_| Err(TestCaseError::fail("the kernel panicked")))
        .map_err(|error| TestCaseError::fail(format!("{error}\n{trail}")))
}

fn compare(program: &Program, trail: &mut String, see: &mut See<'_>) -> Result<(), TestCaseError> {
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
        let (partly, view) = decide_over(&over, &command)?;
        see(&over, &view, &partly);
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
        check(&program, &mut |_, _, _| ())?;
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
