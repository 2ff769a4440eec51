//! The suite that every store passes, on the machine's clock and on one that the suite moves.

use crate::harness::Place;
use leasehold_store::conformance::Subject;
use leasehold_store_file::{FileStore, Options};

/// A workspace whose clock the suite moves.
pub(crate) struct Moved(Place);

impl Subject for Moved {
    type Store = FileStore;

    fn fresh() -> Self {
        Self(Place::new())
    }

    fn open(&self) -> FileStore {
        self.0.open()
    }

    fn advance(&self, millis: u64) -> bool {
        self.0.clock.pass(millis);
        true
    }
}

/// A workspace on the machine's clock.
pub(crate) struct Real(Place);

impl Subject for Real {
    type Store = FileStore;

    fn fresh() -> Self {
        Self(Place::new())
    }

    fn open(&self) -> FileStore {
        FileStore::open(&self.0.root(), Options::default()).unwrap()
    }
}

mod moved {
    leasehold_store::conformance_tests!(super::Moved);
}

mod real {
    leasehold_store::conformance_tests!(super::Real);
}
