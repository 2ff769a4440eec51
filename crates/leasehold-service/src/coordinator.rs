//! The coordinator: joins the kernel, which decides, with a store, which remembers.

use crate::acquire::{self, Acquired, Waiting};
use crate::audit::{self, Counted, EachTold, Follow, Query};
use crate::foresee::{self, Foresight};
use crate::holds::{self, Holds};
use crate::sweep::{self, Swept};
use crate::{Clock, Leasing, ServiceError};
use leasehold_core::command::{Ask, Command};
use leasehold_core::decide::{self, decide};
use leasehold_core::event::Event;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::{More, Verdict};
use leasehold_core::view::{Key, View};
use leasehold_core::{Claim, Identity, LeaseId, Resource, Timestamp};
use leasehold_store::{Access, Collected, Committed, Join, Listing, Loaded, Store};

/// How often a decision is made again because others changed what it was made on. The file store
/// never does; on a store that does, past this something is wrong that more haste will not cure.
const ATTEMPTS_MAX: u32 = 32;

/// How often one decision may ask for more. Each round loads what the one before could not know of;
/// a chain of waits as long as this is beyond every limit of the kernel.
const ROUNDS_MAX: u32 = 10_000;

/// An answer, and when it was true.
#[derive(Clone, Debug)]
#[must_use = "an answer not looked at is a lease nobody releases"]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// When.
    pub clock: Clock,
}

/// An answer, the events to commit with it, and whom the commit wakes.
pub(crate) type Decided<T> = (T, Vec<Event>, Vec<LeaseId>);

/// Leases of one workspace, in one store.
#[derive(Debug)]
pub struct Coordinator<S> {
    store: S,
    policy: Policy,
}

impl<S: Store> Coordinator<S> {
    /// Coordinates over a store.
    pub const fn new(store: S, policy: Policy) -> Self {
        Self { store, policy }
    }

    /// Returns the store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    pub(crate) const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the time of the workspace.
    pub(crate) fn now(&self) -> Result<Timestamp, ServiceError> {
        Ok(self.store.load(&[], Access::Read)?.view().now())
    }

    /// Loads, runs `f`, and loads more for as long as it asks for more.
    pub(crate) fn with_view<'s, T>(
        &'s self,
        keys: &[Key],
        access: Access,
        f: impl Fn(&View) -> Result<T, More>,
    ) -> Result<(T, S::Loaded<'s>), ServiceError> {
        let mut loaded = self.store.load(keys, access)?;
        for _ in 0..ROUNDS_MAX {
            match f(loaded.view()) {
                Ok(value) => return Ok((value, loaded)),
                Err(More(keys)) => self.store.load_more(&mut loaded, &keys)?,
            }
        }
        Err(ServiceError::Contended {
            attempts: ROUNDS_MAX,
        })
    }

    /// Loads, decides, commits, and all of it again where others were faster. `run` decides.
    pub(crate) fn carry_out<T>(
        &self,
        keys: &[Key],
        run: impl Fn(&View) -> Result<Decided<T>, More>,
    ) -> Result<Answer<T>, ServiceError> {
        for _ in 0..ATTEMPTS_MAX {
            let ((value, events, wakes), loaded) = self.with_view(keys, Access::Decide, &run)?;
            let clock = Clock::at(loaded.view().now());
            let committed = if events.is_empty() {
                Committed::Done
            } else {
                self.store.commit(loaded, &events, &wakes)?
            };
            match committed {
                Committed::Done => return Ok(Answer { value, clock }),
                Committed::Conflict => {}
                Committed::Unknown => return Err(ServiceError::Unknown),
            }
        }
        Err(ServiceError::Contended {
            attempts: ATTEMPTS_MAX,
        })
    }
}

impl<S: Store> Leasing for Coordinator<S> {
    fn workspace(&self) -> &str {
        self.store.workspace()
    }

    fn acquire(&self, ask: Ask, waiting: &mut Waiting<'_>) -> Result<Acquired, ServiceError> {
        acquire::acquire(self, ask, waiting)
    }

    fn execute(&self, command: &Command) -> Result<Answer<Verdict>, ServiceError> {
        let footprint = command.footprint();
        self.carry_out(&footprint, |view| {
            let decision = decide(view, command, &self.policy)?;
            Ok((decision.verdict, decision.events, decision.wakes))
        })
    }

    fn foresee(&self, ask: &Ask) -> Result<Answer<Foresight>, ServiceError> {
        foresee::foresee(self, ask)
    }

    fn sweep(&self, resources: &[Resource], by: &Identity) -> Result<Answer<Swept>, ServiceError> {
        sweep::sweep(self, resources, by)
    }

    fn audit(
        &self,
        query: &Query,
        follow: Follow<'_>,
        each: &mut EachTold<'_>,
    ) -> Result<Counted, ServiceError> {
        audit::audit(self, query, follow, each)
    }

    fn collect(&self, keep_ms: u64) -> Result<Answer<Collected>, ServiceError> {
        let value = self.store.collect(keep_ms)?;
        let clock = self.look(&[])?.clock;
        Ok(Answer { value, clock })
    }

    fn holds(&self, claims: &[Claim]) -> Result<Holds, ServiceError> {
        holds::holds(self, claims)
    }

    fn join(&self, lease: LeaseId) -> Result<Join, ServiceError> {
        Ok(self.store.join(lease)?)
    }

    fn look(&self, keys: &[Key]) -> Result<Answer<View>, ServiceError> {
        let lives = |view: &View| {
            let attended = view.leases().filter(|lease| lease.has_proof_of_life());
            view.require(attended.map(|lease| Key::Life(lease.id)))?;
            Ok(view.clone())
        };
        let (view, _) = self.with_view(keys, Access::Read, lives)?;
        let clock = Clock::at(view.now());
        Ok(Answer { value: view, clock })
    }

    fn list(&self) -> Result<Answer<Listing>, ServiceError> {
        if let Some(value) = self.store.list()? {
            let clock = Clock::at(value.view().now());
            return Ok(Answer { value, clock });
        }
        let Answer { value, clock } = self.look(&[Key::All])?;
        let value = Listing::from(value);
        Ok(Answer { value, clock })
    }

    fn is_current(&self, lease: LeaseId) -> Result<bool, ServiceError> {
        let view = self.look(&[Key::Lease(lease)])?.value;
        Ok(decide::is_current(&view, lease, &self.policy))
    }
}
