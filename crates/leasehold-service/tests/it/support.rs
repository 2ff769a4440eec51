//! Requests, and waiters in threads of their own.

use leasehold_core::command::{Ask, Command};
use leasehold_core::limits::Policy;
use leasehold_core::view::{Life, Pulse};
use leasehold_core::{Claim, Identity, Intent, LeaseId, Resource, Timestamp, verdict::Verdict};
use leasehold_service::{Acquired, Coordinator, Leasing, Waiting};
use leasehold_store::memory::{ManualClock, MemoryStore};
use leasehold_store::{Presence, Store};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Holder and command are gone.
pub(crate) const DEAD: Life = Life {
    holder: Pulse::Dead,
    command: Pulse::Dead,
};

/// How long something that has to come may take before it counts as never: far more than a busy machine
/// needs.
const NEVER: Duration = Duration::from_secs(60);

/// A store with a clock that only the test moves: nobody wakes up because time passes.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) coordinator: Coordinator<MemoryStore>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
        let store = MemoryStore::with_clock(&clock);
        let coordinator = Coordinator::new(store, Policy::default());
        Self { clock, coordinator }
    }

    pub(crate) fn ask(&self, ask: Ask) -> Verdict {
        self.coordinator.execute(&Command::Ask(ask)).unwrap().value
    }

    /// Asks with a living process behind it.
    pub(crate) fn attend(&self, ask: Ask) -> Box<dyn Presence> {
        let presence = self.coordinator.store().attend(ask.id).unwrap();
        _ = self.ask(ask);
        presence
    }

    /// Waits for a message, and lets whoever sleeps look again if there is none: else a failing test
    /// would not end.
    pub(crate) fn expect<T>(&self, what: &str, messages: &Receiver<T>) -> T {
        messages.recv_timeout(NEVER).unwrap_or_else(|_| {
            self.clock.advance(3_600_000);
            panic!("never: {what}")
        })
    }
}

/// Returns a request to change `name`.
pub(crate) fn ask(number: u128, name: &str, who: Identity) -> Ask {
    let claim = Claim::new(Resource::parse(name).unwrap(), Intent::Mutates);
    Ask::new(LeaseId::new(number), who, vec![claim])
}

/// Acquires, and calls `on_place` with what is expected of it whenever the request has a new place.
pub(crate) fn acquire<S: Store>(
    coordinator: &Coordinator<S>,
    ask: Ask,
    on_place: &mut dyn FnMut(Option<u64>),
) -> Acquired {
    let mut waiting = Waiting {
        interrupt: None,
        is_interrupted: &mut || false,
        on_place: &mut |_, _, expected| on_place(expected),
        estimates: true,
    };
    coordinator.acquire(ask, &mut waiting).unwrap()
}
