//! The memory store passes what every store has to pass, by either clock.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use leasehold_core::command::{Ask, Command, Proof};
use leasehold_core::decide::decide;
use leasehold_core::limits::Policy;
use leasehold_core::view::{Key, Life, Pulse};
use leasehold_core::{Claim, Identity, Intent, LeaseId, Timestamp};
use leasehold_store::conformance::Subject;
use leasehold_store::memory::{ManualClock, MemoryOptions, MemoryStore};
use leasehold_store::{Access, Committed, Loaded, Part, Store, Watched, Woken};
use std::thread;
use std::time::{Duration, Instant};

struct ByHand {
    store: MemoryStore,
    clock: ManualClock,
}

impl Subject for ByHand {
    type Store = MemoryStore;

    fn fresh() -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
        Self {
            store: MemoryStore::with_clock(&clock),
            clock,
        }
    }

    fn open(&self) -> MemoryStore {
        self.store.clone()
    }

    fn advance(&self, millis: u64) -> bool {
        self.clock.advance(millis);
        true
    }
}

struct Monotonic(MemoryStore);

impl Subject for Monotonic {
    type Store = MemoryStore;

    fn fresh() -> Self {
        let options = MemoryOptions {
            audit_commits_max: None,
            ..MemoryOptions::default()
        };
        Self(MemoryStore::with_options(options))
    }

    fn open(&self) -> MemoryStore {
        self.0.clone()
    }
}

mod by_hand {
    leasehold_store::conformance_tests!(super::ByHand);
}

mod monotonic {
    leasehold_store::conformance_tests!(super::Monotonic);
}

fn who() -> Identity {
    Identity::named("ada", "host")
}

fn transact(store: &MemoryStore, command: &Command) {
    let mut loaded = store.load(&command.footprint(), Access::Decide).unwrap();
    let decision = loop {
        match decide(loaded.view(), command, &Policy::default()) {
            Ok(decision) => break decision,
            Err(more) => store.load_more(&mut loaded, &more.0).unwrap(),
        }
    };
    let committed = store.commit(loaded, &decision.events, &decision.wakes);
    assert_eq!(committed.unwrap(), Committed::Done);
}

fn take(store: &MemoryStore, id: LeaseId) {
    let claim = Claim::new("build".parse().unwrap(), Intent::Mutates);
    transact(store, &Command::Ask(Ask::new(id, who(), vec![claim])));
}

fn give_back(store: &MemoryStore, lease: LeaseId) {
    let (by, proof) = (who(), Proof::Id);
    transact(store, &Command::Release { lease, by, proof });
}

fn life(store: &MemoryStore, id: LeaseId) -> Life {
    let loaded = store.load(&[Key::Life(id)], Access::Read).unwrap();
    loaded.view().life(id).unwrap()
}

/// More than the suite asks for: other stores see only the end of the holder itself.
#[test]
fn a_release_alone_wakes_who_watches() {
    let (store, held) = (MemoryStore::new(), LeaseId::new(1));
    let holder = store.attend(held).unwrap();
    take(&store, held);
    let mut sleeper = store.attend(LeaseId::new(2)).unwrap();
    let part = Part::Holder;
    let watch = [Watched { id: held, part }];
    let give_up = store.load(&[], Access::Read).unwrap().view().now();
    let until = Some(give_up.plus_millis(10_000));
    let start = Instant::now();
    let woken = thread::scope(|scope| {
        let sleeping = scope.spawn(|| sleeper.sleep(&watch, until, None).unwrap());
        thread::sleep(Duration::from_millis(30));
        give_back(&store, held);
        sleeping.join().unwrap()
    });
    assert_eq!(woken, Woken::Watch);
    assert!(
        start.elapsed() < Duration::from_secs(9),
        "only time woke it"
    );
    holder.end();
}

#[test]
fn a_command_can_outlive_its_guard() {
    let (store, id) = (MemoryStore::new(), LeaseId::new(1));
    let alive = Life::default();
    let guard = store.attend(id).unwrap();
    store.set_life(id, alive);
    drop(guard);
    let orphan = Life {
        holder: Pulse::Dead,
        ..alive
    };
    assert_eq!(life(&store, id), orphan);
    drop(store.attend(id).unwrap());
    assert_eq!(life(&store, id).command, Pulse::Dead);
}

#[test]
fn the_audit_keeps_as_much_as_it_is_told() {
    let count = |store: &MemoryStore| {
        let mut commits = 0;
        let each = &mut |_: leasehold_store::Commit<'_>| {
            commits += 1;
            true
        };
        store.audit(each).unwrap();
        commits
    };
    for (max, kept) in [(Some(0), 0), (Some(3), 3), (None, 10)] {
        let store = MemoryStore::with_options(MemoryOptions {
            audit_commits_max: max,
            ..MemoryOptions::default()
        });
        for _ in 0..5 {
            take(&store, LeaseId::new(1));
            give_back(&store, LeaseId::new(1));
        }
        assert_eq!(count(&store), kept, "{max:?}");
    }
}

#[test]
fn the_dead_are_forgotten_with_their_leases() {
    let store = MemoryStore::new();
    let held = LeaseId::new(1);
    let holder = store.attend(held).unwrap();
    take(&store, held);
    drop(holder);
    // Thousands who never got anything; some commits among them.
    for number in 2..5_000 {
        drop(store.attend(LeaseId::new(number)).unwrap());
        let loaded = store.load(&[], Access::Decide).unwrap();
        let _done = store.commit(loaded, &[], &[]).unwrap();
    }
    assert_eq!(life(&store, held).holder, Pulse::Dead, "it is still held");
    // Forgotten counts as alive, as whatever is not known.
    assert_eq!(life(&store, LeaseId::new(2)).holder, Pulse::Alive);
}
