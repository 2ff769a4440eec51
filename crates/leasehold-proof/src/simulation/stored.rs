//! What the store holds is what the events say.

use super::check::{Checked, ensure};
use super::world::Shared;
use leasehold_core::Timestamp;
use leasehold_core::view::{Key, View};
use leasehold_store::{Access, Commit, Loaded, Store};
use std::sync::Arc;

/// Checks that the store holds what the commits say.
pub(super) fn stored(shared: &Arc<Shared>) -> Checked {
    let loaded = shared.inner.load(&[Key::All], Access::Read);
    let loaded = loaded.map_err(|error| error.to_string())?;
    let core = shared.core();
    match core.ledger.differs_from(loaded.view()) {
        Some(what) => Err(format!("the events are not the state: {what}")),
        None => Ok(()),
    }
}

/// L12: replaying the audit gives the state.
pub(super) fn audit(shared: &Arc<Shared>) -> Checked {
    stored(shared)?;
    let mut replayed = View::whole(Timestamp::default());
    let mut at = Timestamp::default();
    let mut ordered = true;
    let each = &mut |commit: Commit<'_>| {
        ordered &= at <= commit.at;
        at = commit.at;
        replayed.apply_all(commit.events);
        true
    };
    shared
        .inner
        .audit(each)
        .map_err(|error| error.to_string())?;
    ensure(ordered, || "the audit goes back in time".into())?;
    match shared.core().ledger.differs_from(&replayed) {
        Some(what) => Err(format!("the audit is not the state: {what}")),
        None => Ok(()),
    }
}
