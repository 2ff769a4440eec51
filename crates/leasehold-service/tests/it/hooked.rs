//! Waiting, where something comes between the end of a sleep and the look at the time.

use crate::support::{World, acquire, ask};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Identity, LeaseId, event::Event};
use leasehold_service::{Acquired, Coordinator, Leasing, Waiting};
use leasehold_store::memory::MemoryStore;
use leasehold_store::{Access, Commit, Committed, Presence, Store, StoreError};
use std::io::{ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

/// How long the requests wait.
const WAIT_MS: u64 = 60_000;

type Hook = Box<dyn FnMut() -> Result<(), StoreError> + Send>;

/// A store in memory of which something comes before each look at the time.
struct Hooked {
    store: MemoryStore,
    hook: Mutex<Hook>,
}

impl Hooked {
    fn coordinator(
        store: &MemoryStore,
        hook: impl FnMut() -> Result<(), StoreError> + Send + 'static,
    ) -> Coordinator<Self> {
        let hooked = Self {
            store: store.clone(),
            hook: Mutex::new(Box::new(hook)),
        };
        Coordinator::new(hooked, Policy::default())
    }
}

impl Store for Hooked {
    type Loaded<'a> = <MemoryStore as Store>::Loaded<'a>;

    fn workspace(&self) -> &str {
        self.store.workspace()
    }

    fn load(&self, keys: &[Key], access: Access) -> Result<Self::Loaded<'_>, StoreError> {
        if keys.is_empty() {
            (self.hook.lock().unwrap())()?;
        }
        self.store.load(keys, access)
    }

    fn load_more(&self, loaded: &mut Self::Loaded<'_>, keys: &[Key]) -> Result<(), StoreError> {
        self.store.load_more(loaded, keys)
    }

    fn commit(
        &self,
        loaded: Self::Loaded<'_>,
        events: &[Event],
        wakes: &[LeaseId],
    ) -> Result<Committed, StoreError> {
        self.store.commit(loaded, events, wakes)
    }

    fn attend(&self, id: LeaseId) -> Result<Box<dyn Presence>, StoreError> {
        self.store.attend(id)
    }

    fn audit(&self, each: &mut dyn FnMut(Commit<'_>) -> bool) -> Result<(), StoreError> {
        self.store.audit(each)
    }
}

/// A request of an agent of its own that waits for a minute.
fn waits(number: u128) -> Ask {
    let who = Identity::named("ada", "h").in_session(&number.to_string());
    Ask {
        wait: Wait::Millis(WAIT_MS),
        ..ask(number, "build", who)
    }
}

/// Found by real processes on a full disk: a wait of 15 s was over after one, because a time that could
/// not be read was taken for the end of it.
#[test]
fn a_time_that_cannot_be_read_ends_no_wait() {
    let is_blind = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_blind);
    let coordinator = Hooked::coordinator(&MemoryStore::new(), move || {
        match seen.load(Ordering::SeqCst) {
            true => Err(StoreError::io("look at", "mutex", ErrorKind::StorageFull)),
            false => Ok(()),
        }
    });
    let holder = coordinator.store().attend(LeaseId::new(1)).unwrap();
    let _held = coordinator.execute(&Command::Ask(waits(1))).unwrap();
    thread::scope(|scope| {
        let (sender, places) = channel();
        let coordinator = &coordinator;
        let waiter =
            scope.spawn(move || acquire(coordinator, waits(2), &mut |_| sender.send(()).unwrap()));
        places.recv().unwrap();
        is_blind.store(true, Ordering::SeqCst);
        drop(holder);
        assert!(matches!(waiter.join().unwrap(), Acquired::Held(..)));
    });
}

/// Has 2 wait for `build`, which 1 has had for longer, and hold a lock the while. Returns what makes it die:
/// somebody wants that lock.
fn crossing(world: &World) -> impl FnMut() + Send + 'static {
    _ = world.ask(waits(1));
    let lock = |number, kind, wait| Ask {
        id: LeaseId::new(10 + number),
        kind,
        wait,
        ..ask(number, "issue:1", waits(number).who)
    };
    let locked = world.ask(lock(2, Kind::Standing, Wait::No));
    assert!(matches!(locked, Verdict::Granted(_)), "{locked:?}");
    let coordinator = Coordinator::new(world.coordinator.store().clone(), Policy::default());
    move || {
        let wanted = Command::Ask(lock(3, Kind::Scoped, Wait::Forever));
        let wanted = coordinator.execute(&wanted).unwrap().value;
        assert!(matches!(wanted, Verdict::Queued(_)), "{wanted:?}");
    }
}

/// Found by real processes on a busy machine: a wait whose time was up just when it died was told that
/// its place is kept.
#[test]
fn a_wait_that_died_at_its_end_is_told_so() {
    let world = World::new();
    let (mut die, clock) = (crossing(&world), world.clock.clone());
    let coordinator = Hooked::coordinator(world.coordinator.store(), move || {
        die();
        clock.advance(WAIT_MS);
        Ok(())
    });
    thread::scope(|scope| {
        let (sender, places) = channel();
        let coordinator = &coordinator;
        let waiter =
            scope.spawn(move || acquire(coordinator, waits(2), &mut |_| sender.send(()).unwrap()));
        world.expect("it waits", &places);
        // When it looks what can be expected.
        world.clock.advance(1_000);
        assert!(matches!(waiter.join().unwrap(), Acquired::Died(..)));
    });
}

#[test]
fn a_wait_that_died_when_it_is_interrupted_is_told_so() {
    let world = World::new();
    let mut die = crossing(&world);
    let (mut calls, called) = UnixStream::pair().unwrap();
    calls.write_all(b"!").unwrap();
    let mut waiting = Waiting {
        interrupt: Some(called.as_fd()),
        is_interrupted: &mut || {
            die();
            true
        },
        on_place: &mut |_, _, _| (),
        estimates: false,
    };
    let acquired = world.coordinator.acquire(waits(2), &mut waiting).unwrap();
    assert!(matches!(acquired, Acquired::Died(..)));
}
