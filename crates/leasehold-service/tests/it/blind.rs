//! Waiting over a store that cannot be looked at for a while.

use crate::support::{acquire, ask};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::limits::Policy;
use leasehold_core::view::Key;
use leasehold_core::{Identity, LeaseId, event::Event};
use leasehold_service::{Acquired, Coordinator, Leasing};
use leasehold_store::memory::MemoryStore;
use leasehold_store::{Access, Commit, Committed, Presence, Store, StoreError};
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

/// A store in memory of which the time cannot be told while it is blind.
struct Blind {
    store: MemoryStore,
    is_blind: AtomicBool,
}

impl Store for Blind {
    type Loaded<'a> = <MemoryStore as Store>::Loaded<'a>;

    fn workspace(&self) -> &str {
        self.store.workspace()
    }

    fn load(&self, keys: &[Key], access: Access) -> Result<Self::Loaded<'_>, StoreError> {
        if keys.is_empty() && self.is_blind.load(Ordering::SeqCst) {
            return Err(StoreError::io("look at", "mutex", ErrorKind::StorageFull));
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
        wait: Wait::Millis(60_000),
        ..ask(number, "build", who)
    }
}

/// Found by real processes on a full disk: a wait of 15 s was over after one, because a time that could
/// not be read was taken for the end of it.
#[test]
fn a_time_that_cannot_be_read_ends_no_wait() {
    let coordinator = Coordinator::new(
        Blind {
            store: MemoryStore::new(),
            is_blind: AtomicBool::new(false),
        },
        Policy::default(),
    );
    let holder = coordinator.store().attend(LeaseId::new(1)).unwrap();
    let _held = coordinator.execute(&Command::Ask(waits(1))).unwrap();
    thread::scope(|scope| {
        let (sender, places) = channel();
        let coordinator = &coordinator;
        let waiter =
            scope.spawn(move || acquire(coordinator, waits(2), &mut |_| sender.send(()).unwrap()));
        places.recv().unwrap();
        coordinator.store().is_blind.store(true, Ordering::SeqCst);
        drop(holder);
        assert!(matches!(waiter.join().unwrap(), Acquired::Held(..)));
    });
}
