//! A request's process: it asks by the real `acquire`, and what came of it is noted.

use super::fiber::Fiber;
use super::names::NAMES;
use super::process::{Process, State};
use super::world::{Core, Shared};
use leasehold_core::LeaseId;
use leasehold_core::command::{Ask, Wait};
use leasehold_service::{Acquired, Held, Leasing, ServiceError, Waiting};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How often a request whose answer was lost is repeated by its own process.
const REPEATS_MAX: u32 = 3;

/// Begins a process. It runs until it sleeps or ends.
pub(super) fn begin(shared: &Arc<Shared>, ask: &Ask) {
    let id = ask.id;
    let fresh = Process::new(ask.clone());
    let old = shared.core().processes.insert(id, fresh);
    // Outside of the lock: what an old process held says goodbye to the store.
    drop(old);
    let job = {
        let (shared, ask) = (Arc::clone(shared), ask.clone());
        move || {
            let acquired = catch_unwind(AssertUnwindSafe(|| acquire(&shared, &ask)));
            match acquired {
                Ok(acquired) => ended(&shared, id, acquired),
                Err(panic) => shared.core().violate(&super::panic_text(panic.as_ref())),
            }
        }
    };
    if ask.wait == Wait::No {
        job();
    } else {
        let fiber = Fiber::start(job);
        slept(shared, id, fiber);
    }
}

/// Notes that a process sleeps, if it does.
pub(super) fn slept(shared: &Shared, id: LeaseId, fiber: Option<Fiber>) {
    if let Some(fiber) = fiber {
        let mut core = shared.core();
        let process = core.process(id);
        process.interrupted = false;
        process.fiber = Some(fiber);
    }
}

fn acquire(shared: &Arc<Shared>, ask: &Ask) -> Result<Acquired, ServiceError> {
    let coordinator = shared.coordinator(ask.id);
    let is_interrupted = || {
        let mut core = shared.core();
        std::mem::take(&mut core.process(ask.id).interrupted)
    };
    let mut repeats = 0;
    loop {
        let mut waiting = Waiting {
            interrupt: None,
            is_interrupted: &mut { is_interrupted },
            on_place: &mut |_, _, _| {},
            estimates: false,
        };
        let acquired = coordinator.acquire(ask.clone(), &mut waiting);
        repeats += 1;
        match acquired {
            Err(ServiceError::Unknown) if repeats < REPEATS_MAX => {}
            other => return other,
        }
    }
}

/// Notes what came of a request, and checks that the answer is true.
fn ended(shared: &Shared, id: LeaseId, acquired: Result<Acquired, ServiceError>) {
    let mut core = shared.core();
    core.tell(|| format!("    {id}: {}", name(&acquired)));
    let is_killed = core.is_killed(id);
    let state = match acquired {
        Ok(Acquired::Held(held, _)) if !is_killed => {
            holds(&mut core, &held);
            State::Holds(Box::new(held))
        }
        Ok(Acquired::Joined(..)) if !is_killed => {
            core.tally.joins += 1;
            joined(&mut core, id);
            State::Joined
        }
        Ok(other) => {
            // A lease of a process that was killed in this moment is dropped with it, outside the lock.
            drop(core);
            drop(other);
            core = shared.core();
            end(&mut core, id);
            State::Gone
        }
        Err(ServiceError::Contended { .. }) => {
            core.violate("never done deciding");
            State::Gone
        }
        Err(_) => {
            end(&mut core, id);
            State::Gone
        }
    };
    let process = core.process(id);
    process.sleep = None;
    process.state = state;
}

fn end(core: &mut Core, id: LeaseId) {
    // `kill` has noted those it killed.
    if !core.is_killed(id) {
        let ask = core.process(id).ask.clone();
        core.end(ask);
    }
}

/// Whoever is told that it holds does: its lease is stored, bound, with the token it was told.
fn holds(core: &mut Core, held: &Held) {
    let lease = &held.lease;
    let stored = core.ledger.leases.get(&lease.id);
    let is_true =
        stored.is_some_and(|stored| stored.lease.token == lease.token && stored.lease.is_bound());
    if !is_true {
        core.violate(&format!("told that it holds what it does not: {lease:?}"));
    }
}

/// Whoever is told that it runs under others' leases needs no more than those.
fn joined(core: &mut Core, id: LeaseId) {
    let ask = &core.process(id).ask;
    let (items, kind, inside) = (NAMES.items(&ask.claims), ask.kind, ask.inside);
    let outer = inside.and_then(|inside| core.ledger.leases.get(&inside));
    let upward = outer.into_iter().flat_map(|held| &held.lease.inside);
    let chain: Vec<LeaseId> = inside.into_iter().chain(upward.copied()).collect();
    let rules = core.rules();
    let need = rules.need(&chain, &items, kind);
    if !core.meddled && !need.is_empty() {
        core.violate(&format!("joined without cover for {need:?}: {id}"));
    }
}

fn name(acquired: &Result<Acquired, ServiceError>) -> String {
    match acquired {
        Ok(Acquired::Held(..)) => "holds".into(),
        Ok(Acquired::Renewed(..)) => "renewed its standing lease".into(),
        Ok(Acquired::Joined(..)) => "joined".into(),
        Ok(Acquired::Refused(refusal, _)) => format!("refused: {refusal:?}"),
        Ok(Acquired::Died(..)) => "died".into(),
        Ok(Acquired::Lost(lease)) => format!("is inside of {lease}, which is lost"),
        Ok(Acquired::TimedOut(..)) => "timed out".into(),
        Ok(Acquired::Interrupted) => "interrupted".into(),
        Err(error) => format!("failed: {error}"),
    }
}
