//! A process as the store knows it: its proof of life, and where it sleeps until something calls it.

use super::store::failure;
use super::world::{Core, DEAD, Shared};
use super::{fiber, quiet};
use leasehold_core::lease::Kind;
use leasehold_core::view::Pulse;
use leasehold_core::{LeaseId, Timestamp};
use leasehold_store::{Part, Presence, StoreError, Watched, Woken};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

/// How long a sleeper sleeps at most before it looks by itself; as in the coordinator's wait.
const LOOK_MS: u64 = 5_000;
/// Waking so many times on end without ever sleeping is a busy wait.
const RESTLESS_MAX: u32 = 100;

/// What a sleeper sleeps for.
#[derive(Clone, Debug)]
pub(super) struct Sleep {
    pub(super) watch: Vec<Watched>,
    /// When something ends that it sleeps for.
    pub(super) until: Option<Timestamp>,
    /// When it may look by itself before that, in case nobody called it. That is no reason to go on: most
    /// steps would be such looks, of which hardly any finds something. Some take place anyhow
    /// (`Action::Look`), and all at the end of a world.
    pub(super) look: Option<Timestamp>,
}

impl Core {
    /// Returns why a sleeper would wake by itself.
    pub(super) fn reason(&self, id: LeaseId) -> Option<Woken> {
        let process = self.processes.get(&id)?;
        let sleep = process.sleep.as_ref()?;
        let now = self.clock.now();
        if process.called {
            Some(Woken::Called)
        } else if sleep.watch.iter().any(|watched| self.is_over(*watched)) {
            Some(Woken::Watch)
        } else if sleep.until.is_some_and(|until| until <= now) {
            Some(Woken::Time)
        } else {
            None
        }
    }

    /// Returns when the first of those things ends that a sleeper sleeps for: its own patience, what it
    /// watches, a freeze, a lease without a proof of life to be watched.
    fn next_end(&self, id: LeaseId, watch: &[Watched]) -> Option<Timestamp> {
        let is_watched = |other: LeaseId| watch.iter().any(|watched| watched.id == other);
        let leases = self.ledger.leases.values().map(|held| &held.lease);
        let leases = leases.filter(|l| l.kind == Kind::Standing || is_watched(l.id));
        let tickets = self.ledger.tickets.values().map(|queued| &queued.ticket);
        let tickets = tickets.filter(|t| t.request == id || is_watched(t.request));
        let ends = leases.filter_map(|lease| self.end_of(lease));
        let ends = ends.chain(tickets.filter_map(|ticket| ticket.wait_until));
        let ends = ends.chain(self.ledger.freezes.values().filter_map(|f| f.until));
        ends.filter(|end| *end > self.clock.now()).min()
    }

    /// A proof of life ends with its process, in whatever way; what is gone has none.
    fn is_over(&self, watched: Watched) -> bool {
        let pulse = self.lives.get(&watched.id).map(|life| match watched.part {
            Part::Holder => life.holder,
            Part::Command => life.command,
        });
        pulse != Some(Pulse::Alive) || !self.ledger.has(watched.id)
    }
}

/// A process's proof of life.
pub(super) struct SimPresence {
    shared: Arc<Shared>,
    id: LeaseId,
    has_ended: bool,
}

impl Presence for SimPresence {
    fn command_proof(&mut self) -> Result<Option<OwnedFd>, StoreError> {
        Ok(None)
    }

    fn listen(&mut self) -> Result<(), StoreError> {
        self.shared.core().process(self.id).listens = true;
        Ok(())
    }

    fn sleep(
        &mut self,
        watch: &[Watched],
        until: Option<Timestamp>,
        _: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, StoreError> {
        let mut core = self.shared.core();
        let is_look = until == Some(core.clock.now().plus_millis(LOOK_MS));
        let (until, look) = match is_look {
            true => (core.next_end(self.id, watch), until),
            false => (until, None),
        };
        core.process(self.id).sleep = Some(Sleep {
            watch: watch.to_vec(),
            until,
            look,
        });
        if watch.is_empty() && until.is_none() {
            quiet::sleeps_rightly(&mut core, self.id);
        }
        if core.reason(self.id).is_none() {
            drop(core);
            fiber::pause();
            core = self.shared.core();
            core.process(self.id).restless = 0;
        }
        let reason = core.reason(self.id);
        core.process(self.id).restless += 1;
        if core.process(self.id).restless > RESTLESS_MAX {
            core.violate(&format!("wakes for ever, by {reason:?}: {}", self.id));
            core.process(self.id).is_killed = true;
        }
        let is_killed = core.is_killed(self.id);
        let process = core.process(self.id);
        process.sleep = None;
        if is_killed {
            return Err(failure("the life of the simulated process"));
        }
        if process.interrupted {
            return Ok(Woken::Interrupt);
        }
        if reason == Some(Woken::Called) {
            process.called = false;
        }
        if std::mem::take(&mut process.naps) {
            return Ok(reason.unwrap_or(Woken::Time));
        }
        // Without a reason it was called for nothing, which may happen.
        Ok(reason.unwrap_or(Woken::Called))
    }

    fn call_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn clear_calls(&mut self) {
        self.shared.core().process(self.id).called = false;
    }

    fn end(mut self: Box<Self>) {
        self.has_ended = true;
        self.leave();
    }
}

impl SimPresence {
    pub(super) const fn new(shared: Arc<Shared>, id: LeaseId) -> Self {
        Self {
            shared,
            id,
            has_ended: false,
        }
    }

    /// Nobody is behind the request any more: what is left of it is that of a dead process.
    fn leave(&self) {
        let core = self.shared.core();
        if core.is_killed(self.id) {
            return;
        }
        let is_left = core.ledger.has(self.id);
        drop(core);
        self.shared.set_life(self.id, is_left.then_some(DEAD));
    }
}

impl Drop for SimPresence {
    fn drop(&mut self) {
        if !self.has_ended {
            self.leave();
        }
    }
}
