//! The memory store passes what every store has to pass, by either clock.

use leasehold_core::Timestamp;
use leasehold_store::conformance::Subject;
use leasehold_store::memory::{ManualClock, MemoryOptions, MemoryStore};

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
