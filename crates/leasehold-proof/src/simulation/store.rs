//! The simulated store: the memory store's state and indexes, with everything around them that can go
//! wrong between a store and its caller.
//!
//! A view loaded to decide holds nobody off, so others do commit in between and are answered
//! "conflict"; a commit may be lost before, done without an answer, or end its caller. Each commit is
//! checked on its way.

use super::ledger::{Ledger, Lives};
use super::presence::SimPresence;
use super::step::What;
use super::world::Shared;
use super::{act, check};
use leasehold_core::LeaseId;
use leasehold_core::event::Event;
use leasehold_core::view::{Key, Life, View};
use leasehold_store::memory::{MemoryLoaded, MemoryStore};
use leasehold_store::{Access, Commit, Committed, Loaded, Presence, Store, StoreError};
use std::sync::Arc;

/// The store as one process has it.
#[derive(Clone)]
pub(super) struct SimStore {
    pub(super) shared: Arc<Shared>,
    /// The request of the process; one that no process has for everybody else.
    pub(super) caller: LeaseId,
}

/// A view, and of which version it is.
pub(super) struct SimLoaded<'a> {
    inner: MemoryLoaded<'a>,
    version: u64,
    /// What could be seen of the processes when it was loaded.
    lives: Arc<Lives>,
}

impl Loaded for SimLoaded<'_> {
    fn view(&self) -> &View {
        self.inner.view()
    }
}

/// What a process gets of its store once it is dead, and of a call that fails.
pub(super) fn failure(limit: &'static str) -> StoreError {
    StoreError::Limit { limit }
}

/// At which call something goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Load,
    Commit,
}

impl SimStore {
    /// Lets go wrong what is due at this call.
    fn meet(&self, call: Call) -> Result<Option<What>, StoreError> {
        let due = self.shared.core().due(call == Call::Commit);
        match due {
            Some(What::Meanwhile(action)) => act::perform(&self.shared, &action),
            Some(What::Fail) => {
                self.shared.core().faults += 1;
                return Err(failure("a call of the simulated store"));
            }
            Some(What::KillBefore) => self.shared.kill(self.caller, false),
            other => {
                self.live()?;
                return Ok(other);
            }
        }
        self.live()?;
        Ok(None)
    }

    fn live(&self) -> Result<(), StoreError> {
        if self.shared.core().is_killed(self.caller) {
            return Err(failure("the life of the simulated process"));
        }
        Ok(())
    }

    fn inner(&self) -> &MemoryStore {
        &self.shared.inner
    }
}

impl Store for SimStore {
    type Loaded<'a> = SimLoaded<'a>;

    fn workspace(&self) -> &str {
        self.inner().workspace()
    }

    fn load(&self, keys: &[Key], access: Access) -> Result<SimLoaded<'_>, StoreError> {
        self.live()?;
        if access == Access::Decide {
            self.meet(Call::Load)?;
        }
        let inner = self.inner().load(keys, Access::Read)?;
        let core = self.shared.core();
        Ok(SimLoaded {
            inner,
            version: core.version,
            lives: Arc::clone(&core.lives),
        })
    }

    fn load_more(&self, loaded: &mut SimLoaded<'_>, keys: &[Key]) -> Result<(), StoreError> {
        self.live()?;
        self.inner().load_more(&mut loaded.inner, keys)?;
        let core = self.shared.core();
        if loaded.version != core.version {
            // The memory store has loaded all of it again.
            loaded.version = core.version;
            loaded.lives = Arc::clone(&core.lives);
        }
        Ok(())
    }

    fn commit(
        &self,
        loaded: SimLoaded<'_>,
        events: &[Event],
        wakes: &[LeaseId],
    ) -> Result<Committed, StoreError> {
        self.live()?;
        let what = self.meet(Call::Commit)?;
        let mut core = self.shared.core();
        if core.version != loaded.version || matches!(what, Some(What::Conflict)) {
            core.faults += 1;
            return Ok(Committed::Conflict);
        }
        let lives = known(&core.ledger, &loaded);
        let now = loaded.view().now();
        check::commit(&mut core, self.caller, now, &lives, events, wakes);
        core.version += 1;
        core.call(wakes);
        core.note(events);
        drop(core);
        let decide = self.inner().load(&[], Access::Decide)?;
        let committed = self.inner().commit(decide, events, &[])?;
        match what {
            Some(What::KillAfter) => {
                self.shared.kill(self.caller, false);
                self.live()?;
            }
            Some(What::LostAnswer) => {
                self.shared.core().faults += 1;
                return Ok(Committed::Unknown);
            }
            _ => {}
        }
        Ok(committed)
    }

    fn attend(&self, id: LeaseId) -> Result<Box<dyn Presence>, StoreError> {
        self.live()?;
        self.shared.set_life(id, Some(Life::default()));
        let mut core = self.shared.core();
        let process = core.process(id);
        process.listens = false;
        process.called = false;
        drop(core);
        Ok(Box::new(SimPresence::new(Arc::clone(&self.shared), id)))
    }

    fn audit(&self, each: &mut dyn FnMut(Commit<'_>) -> bool) -> Result<(), StoreError> {
        self.inner().audit(each)
    }
}

/// Returns the lives that a decision had to go by: all of holders, and of waiters those that it looked
/// at, which it need not before their turn has come.
fn known(ledger: &Ledger, loaded: &SimLoaded<'_>) -> Lives {
    let looked_at = |id| loaded.view().life(id).is_some() || ledger.leases.contains_key(&id);
    let known = loaded.lives.iter().filter(|(id, _)| looked_at(**id));
    known.map(|(id, life)| (*id, *life)).collect()
}
