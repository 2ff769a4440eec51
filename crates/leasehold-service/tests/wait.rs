//! Waiting over a store in this process, where those who wait together die.

use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::limits::Policy;
use leasehold_core::view::{Key, Life, Pulse};
use leasehold_core::{Claim, Identity, Intent, LeaseId, Resource};
use leasehold_service::{Acquired, Coordinator, Leasing, Waiting};
use leasehold_store::Store;
use leasehold_store::memory::MemoryStore;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const DEAD: Life = Life {
    holder: Pulse::Dead,
    command: Pulse::Dead,
};

/// A little less than the time after which a waiter looks again by itself.
const UNTIL_IT_LOOKS: Duration = Duration::from_millis(4_500);

fn ask(number: u128) -> Ask {
    let claim = Claim::new(Resource::parse("build").expect("a name"), Intent::Mutates);
    Ask {
        wait: Wait::Forever,
        ..Ask::new(
            LeaseId::new(number),
            Identity::named("ada", "h").in_session(&number.to_string()),
            vec![claim],
        )
    }
}

/// Acquires and gives back at once. `on_place` is called whenever the request has a new place.
fn acquire(coordinator: &Coordinator<MemoryStore>, ask: Ask, on_place: &mut dyn FnMut()) {
    let mut waiting = Waiting {
        interrupt: None,
        is_interrupted: &mut || false,
        on_place: &mut |_, _| on_place(),
    };
    match coordinator
        .acquire(ask, &mut waiting)
        .expect("the store works")
    {
        Acquired::Held(held, _) => _ = held.release(coordinator).expect("the store works").value,
        _ => panic!("it waits until it holds"),
    }
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Found by the simulation: whoever waited behind a killed waiter watched the dead one for ever, awake all
/// the time.
#[test]
fn a_waiter_that_is_killed_leaves_the_queue_before_its_turn() {
    let coordinator = Coordinator::new(MemoryStore::new(), Policy::default());
    let _holder = coordinator.store().attend(LeaseId::new(1)).unwrap();
    let _held = coordinator.execute(&Command::Ask(ask(1))).unwrap();
    let ahead = coordinator.store().attend(LeaseId::new(2)).unwrap();
    let _queued = coordinator.execute(&Command::Ask(ask(2))).unwrap();
    let waits = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            acquire(&coordinator, ask(3), &mut || {
                waits.store(true, Ordering::SeqCst);
            });
        });
        eventually("the third waits", || waits.load(Ordering::SeqCst));
        drop(ahead);
        let parked = || {
            let view = coordinator
                .look(&[Key::Lease(LeaseId::new(2))])
                .unwrap()
                .value;
            view.ticket(LeaseId::new(2))
                .is_some_and(|ticket| !ticket.is_waiting())
        };
        eventually("the dead one is parked", parked);
        coordinator.store().set_life(LeaseId::new(1), DEAD);
    });
}

/// Found by the simulation: who came back to its place when the holder had just died saw nobody in its
/// way, and slept with nobody to watch.
#[test]
fn a_waiter_with_nobody_in_its_way_does_not_sleep() {
    let coordinator = Coordinator::new(MemoryStore::new(), Policy::default());
    let _holder = coordinator.store().attend(LeaseId::new(1)).unwrap();
    let _held = coordinator.execute(&Command::Ask(ask(1))).unwrap();
    let _queued = coordinator.execute(&Command::Ask(ask(2))).unwrap();
    coordinator.store().set_life(LeaseId::new(1), DEAD);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            acquire(&coordinator, ask(2), &mut || ());
            ended.store(true, Ordering::SeqCst);
        });
        let begun = Instant::now();
        while !ended.load(Ordering::SeqCst) && begun.elapsed() < UNTIL_IT_LOOKS {
            thread::sleep(Duration::from_millis(2));
        }
        let in_time = ended.load(Ordering::SeqCst);
        // Wakes it where it sleeps, so that the test ends.
        let keys = vec![Key::Overlap(Resource::parse("build").unwrap())];
        _ = coordinator.execute(&Command::Timer(keys)).unwrap().value;
        assert!(in_time, "it slept");
    });
}

/// Found by the model check: of the holders of a pool one was watched, and any of them makes room.
#[test]
fn the_death_of_any_holder_of_a_pool_is_seen() {
    let coordinator = Coordinator::new(MemoryStore::new(), Policy::default());
    let slot = |number| Ask {
        claims: vec![Claim::slot(
            Resource::parse("gpu").unwrap(),
            std::num::NonZeroU32::new(2).unwrap(),
        )],
        ..ask(number)
    };
    for (dies, other) in [(1, 2), (4, 3)] {
        let holders = [dies, other].map(|number| {
            let presence = coordinator.store().attend(LeaseId::new(number)).unwrap();
            let _held = coordinator.execute(&Command::Ask(slot(number))).unwrap();
            presence
        });
        let [first, second] = holders;
        let (waits, mut died) = (AtomicBool::new(false), Instant::now());
        thread::scope(|scope| {
            scope.spawn(|| {
                acquire(&coordinator, slot(10 + dies), &mut || {
                    waits.store(true, Ordering::SeqCst);
                });
            });
            eventually("the third waits", || waits.load(Ordering::SeqCst));
            died = Instant::now();
            drop(first);
        });
        assert!(died.elapsed() < UNTIL_IT_LOOKS, "it slept");
        second.end();
        let release = |number| {
            let by = Identity::named("ada", "h");
            let proof = Proof::Id;
            let lease = LeaseId::new(number);
            _ = coordinator.execute(&Command::Release { lease, by, proof });
        };
        release(other);
    }
}
