//! Waiting, where those who wait together die.

use crate::support::{DEAD, World, acquire, ask};
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::view::Key;
use leasehold_core::{Claim, Identity, LeaseId, Resource};
use leasehold_service::{Acquired, Leasing};
use std::num::NonZeroU32;
use std::sync::mpsc::channel;
use std::thread;

/// A request of an agent of its own that waits.
fn waits(number: u128) -> Ask {
    Ask {
        wait: Wait::Forever,
        ..ask(number, "build", agent(number))
    }
}

fn agent(number: u128) -> Identity {
    Identity::named("ada", "h").in_session(&number.to_string())
}

/// Acquires and gives back at once.
fn take_turns(world: &World, ask: Ask, on_place: &mut dyn FnMut(Option<u64>)) {
    match acquire(&world.coordinator, ask, on_place) {
        Acquired::Held(held, _) => _ = held.release(&world.coordinator).unwrap().value,
        _ => panic!("it waits until it holds"),
    }
}

/// Found by the simulation: whoever waited behind a killed waiter watched the dead one for ever, awake all
/// the time.
#[test]
fn a_waiter_that_is_killed_leaves_the_queue_before_its_turn() {
    let world = World::new();
    let _holder = world.attend(waits(1));
    let ahead = world.attend(waits(2));
    thread::scope(|scope| {
        let (sender, places) = channel();
        let world = &world;
        scope.spawn(move || take_turns(world, waits(3), &mut |_| sender.send(()).unwrap()));
        world.expect("the third waits", &places);
        drop(ahead);
        world.expect("the third is told that it is next", &places);
        let killed = LeaseId::new(2);
        let view = world.coordinator.look(&[Key::Lease(killed)]).unwrap().value;
        let parked = view
            .ticket(killed)
            .is_some_and(|ticket| !ticket.is_waiting());
        world.coordinator.store().set_life(LeaseId::new(1), DEAD);
        assert!(parked);
    });
}

/// Found by the simulation: who came back to its place when the holder had just died saw nobody in its
/// way, and slept with nobody to watch.
#[test]
fn a_waiter_with_nobody_in_its_way_does_not_sleep() {
    let world = World::new();
    let _holder = world.attend(waits(1));
    _ = world.ask(waits(2));
    world.coordinator.store().set_life(LeaseId::new(1), DEAD);
    thread::scope(|scope| {
        let (sender, ended) = channel();
        let world = &world;
        scope.spawn(move || {
            take_turns(world, waits(2), &mut |_| ());
            sender.send(()).unwrap();
        });
        world.expect("it has it", &ended);
    });
}

/// Found by the model check: of the holders of a pool one was watched, and any of them makes room.
#[test]
fn the_death_of_any_holder_of_a_pool_is_seen() {
    let slot = |number| Ask {
        claims: vec![Claim::slot(
            Resource::parse("gpu").unwrap(),
            NonZeroU32::new(2).unwrap(),
        )],
        ..waits(number)
    };
    for dies in 0..2 {
        let world = World::new();
        let mut holders = vec![world.attend(slot(1)), world.attend(slot(2))];
        thread::scope(|scope| {
            let (sender, places) = channel();
            let (done, ended) = channel();
            let world = &world;
            scope.spawn(move || {
                take_turns(world, slot(3), &mut |_| sender.send(()).unwrap());
                done.send(()).unwrap();
            });
            world.expect("the third waits", &places);
            drop(holders.remove(dies));
            world.expect("it has it", &ended);
        });
    }
}

/// Of a wait that lasts it is told when it is over as a rule.
#[test]
fn what_can_be_expected_comes_from_the_holds_before() {
    let world = World::new();
    let release = |number| {
        let (lease, by) = (LeaseId::new(number), agent(number));
        let proof = Proof::Id;
        let command = Command::Release { lease, by, proof };
        _ = world.coordinator.execute(&command).unwrap();
    };
    for (number, millis) in [(1, 20_000), (2, 10_000), (3, 90_000)] {
        let presence = world.attend(waits(number));
        world.clock.advance(millis);
        release(number);
        presence.end();
    }
    let _holder = world.attend(waits(4));
    thread::scope(|scope| {
        let (sender, places) = channel();
        let world = &world;
        let told = move |expected| sender.send(expected).unwrap();
        scope.spawn(move || take_turns(world, waits(5), &mut { told }));
        assert_eq!(world.expect("the first place", &places), None);
        world.clock.advance(1_000);
        // Half of the holds took up to 20 s.
        let expected = world.expect("what is expected", &places);
        world.coordinator.store().set_life(LeaseId::new(4), DEAD);
        assert_eq!(expected, Some(19_000));
    });
}
