//! Carrying an action out on a world.

use super::process::State;
use super::step::{Action, Request};
use super::store::SimStore;
use super::world::{Core, NOBODY, Shared};
use super::{begin, others, whole};
use leasehold_core::command::Command;
use leasehold_core::verdict::Verdict;
use leasehold_core::{LeaseId, Ttl};
use leasehold_service::{Answer, Coordinator, Held, Leasing, ServiceError};
use std::sync::Arc;

/// An action may happen in the middle of another, and no deeper.
const DEPTH_MAX: u32 = 2;
/// More rounds than this of everybody who has a reason to go on: they wake each other for ever.
const ROUNDS_MAX: usize = 20_000;

/// Carries an action out. What it names by place is looked up in the world as it is.
pub(super) fn perform(shared: &Arc<Shared>, action: &Action) {
    let mut core = shared.core();
    if core.depth >= DEPTH_MAX || core.violation.is_some() {
        return;
    }
    core.depth += 1;
    core.steps += 1;
    let (now, depth) = (core.clock.now().as_millis(), core.depth);
    core.tell(|| format!("{}{now} {action:?}", "  ".repeat(depth as usize - 1)));
    drop(core);
    carry_out(shared, action);
    shared.core().depth -= 1;
}

fn carry_out(shared: &Arc<Shared>, action: &Action) {
    match action {
        Action::Ask(request) => ask(shared, request),
        Action::Run(which) => {
            let next = pick(&shared.core().runnable(), *which);
            next.into_iter().for_each(|id| run(shared, id));
        }
        Action::Look(which) => {
            let next = pick(&shared.core().restless(), *which);
            next.into_iter().for_each(|id| nap(shared, id));
        }
        Action::Nudge(which) => {
            let sleeper = pick(&sleepers(shared), *which);
            sleeper.into_iter().for_each(|id| run(shared, id));
        }
        Action::Interrupt(which) => interrupt(shared, *which),
        Action::RunAll => run_all(shared),
        Action::Release(which) => release(shared, *which),
        Action::Renew(which, ttl) => {
            let holder = pick(&shared.core().holders(), *which);
            holder.into_iter().for_each(|id| renew(shared, id, *ttl));
        }
        Action::Revive(which) => {
            let late = pick(&shared.core().lapsed_holders(), *which);
            late.into_iter().for_each(|id| renew(shared, id, None));
        }
        Action::Unlock { lease, who, how } => others::unlock(shared, *lease, *who, *how),
        Action::Again(which) => others::again(shared, *which),
        Action::Retry { which, same_id } => retry(shared, *which, *same_id),
        Action::Freeze { what, who, millis } => others::freeze(shared, *what, *who, *millis),
        Action::Thaw { what, who, force } => others::thaw(shared, *what, *who, *force),
        Action::Timer(what) => others::timer(shared, *what),
        Action::Pass(millis) => others::pass(shared, *millis),
        Action::Brink => others::brink(shared),
        Action::Kill { which, command } => {
            let victim = pick(&shared.core().alive(), *which);
            victim.into_iter().for_each(|id| shared.kill(id, *command));
        }
        Action::EndCommand(which) => others::end_command(shared, *which),
        Action::Check(which) => others::check(shared, *which),
        Action::Boot(millis) => others::boot(shared, *millis),
        // As with timers: the whole of a large world is too much.
        Action::Compare(..) if shared.setting.is_large() => {}
        Action::Compare(request, seed) => whole::compare(shared, request, *seed),
    }
}

/// One of a list, whatever the number.
pub(super) fn pick<T: Copy>(list: &[T], which: usize) -> Option<T> {
    (!list.is_empty()).then(|| list[which % list.len()])
}

fn sleepers(shared: &Shared) -> Vec<LeaseId> {
    shared.core().sleepers().collect()
}

/// Lets a sleeping request go on. Without a reason it wakes for nothing.
fn run(shared: &Arc<Shared>, id: LeaseId) {
    let mut core = shared.core();
    let Some(fiber) = core.processes.get_mut(&id).and_then(|p| p.fiber.take()) else {
        return;
    };
    core.tell(|| format!("    {id} goes on"));
    drop(core);
    let fiber = fiber.resume();
    begin::slept(shared, id, fiber);
}

/// Lets a sleeping request look by itself, its time being over.
pub(super) fn nap(shared: &Arc<Shared>, id: LeaseId) {
    if let Some(process) = shared.core().processes.get_mut(&id) {
        process.naps = true;
    }
    run(shared, id);
}

/// Lets everybody go on who has a reason, until nobody has.
pub(super) fn run_all(shared: &Arc<Shared>) {
    for _ in 0..ROUNDS_MAX {
        let next = shared.core().runnable().first().copied();
        let Some(id) = next.filter(|_| shared.core().violation.is_none()) else {
            return;
        };
        run(shared, id);
    }
    shared.core().violate("they wake each other for ever");
}

fn interrupt(shared: &Arc<Shared>, which: usize) {
    let Some(id) = pick(&sleepers(shared), which) else {
        return;
    };
    shared.core().process(id).interrupted = true;
    run(shared, id);
}

fn ask(shared: &Arc<Shared>, request: &Request) {
    let mut core = shared.core();
    if core.alive().len() >= shared.setting.requests_max {
        return;
    }
    let id = core.fresh();
    let ask = core.ask(&shared.setting.names, request, id);
    drop(core);
    begin::begin(shared, &ask);
}

fn retry(shared: &Arc<Shared>, which: usize, same_id: bool) {
    let mut core = shared.core();
    if core.ended.is_empty() || core.alive().len() >= shared.setting.requests_max {
        return;
    }
    let which = which % core.ended.len();
    let mut ask = core.ended.remove(which);
    if !same_id {
        ask.id = core.fresh();
    }
    drop(core);
    begin::begin(shared, &ask);
}

/// Takes a lease out of the hands of one of its holders.
fn take(shared: &Shared, id: LeaseId) -> Option<Box<Held>> {
    let mut core = shared.core();
    let process = core.processes.get_mut(&id).filter(|p| p.holds())?;
    match std::mem::replace(&mut process.state, State::Busy) {
        State::Holds(held) => Some(held),
        _ => None,
    }
}

fn release(shared: &Arc<Shared>, which: usize) {
    let holders = shared.core().holders();
    if let Some(id) = pick(&holders, which) {
        give_back(shared, id);
    }
}

/// A holder ends in order.
pub(super) fn give_back(shared: &Arc<Shared>, id: LeaseId) {
    let was_stored = shared.core().ledger.leases.contains_key(&id);
    let Some(held) = take(shared, id) else {
        return;
    };
    let answer = held.release(&shared.coordinator(id));
    let mut core = shared.core();
    core.process(id).state = State::Gone;
    if let Ok(Answer { value, .. }) = answer
        && !core.meddled
        && (value == Verdict::Done) != was_stored
    {
        core.violate(&format!("release of {id} answers {value:?}"));
    }
}

fn renew(shared: &Arc<Shared>, id: LeaseId, ttl: Option<u64>) {
    let was_stored = shared.core().ledger.leases.contains_key(&id);
    let ttl = ttl.and_then(|millis| Ttl::from_millis(millis).ok());
    let answer = shared.coordinator(id).renew(id, ttl);
    let Ok(Answer { value, .. }) = answer else {
        return;
    };
    let is_lost = matches!(value, Verdict::Lost(_));
    let mut core = shared.core();
    if !core.meddled && is_lost == was_stored {
        core.violate(&format!("renewal of {id} answers {value:?}"));
    }
    drop(core);
    // The holder of a lost lease is told, stops and ends in order.
    if is_lost {
        give_back(shared, id);
    }
}

/// A command of somebody without a process of its own. Nothing where it failed.
pub(super) fn outside(shared: &Arc<Shared>, command: &Command) -> Option<Verdict> {
    let coordinator: Coordinator<SimStore> = shared.coordinator(NOBODY);
    match coordinator.execute(command) {
        Ok(answer) => Some(answer.value),
        Err(ServiceError::Contended { .. }) => {
            shared.core().violate("never done deciding");
            None
        }
        Err(_) => None,
    }
}

impl Core {
    /// Those who wait, hold or run under the leases of others, and are not in the middle of a call.
    pub(super) fn alive(&self) -> Vec<LeaseId> {
        let alive = self.processes.iter().filter(|(_, process)| {
            let is_there = process.holds() || matches!(process.state, State::Joined);
            !process.is_killed && (is_there || process.fiber.is_some())
        });
        alive.map(|(id, _)| *id).collect()
    }

    /// Holders of leases that are stored and past their TTL.
    fn lapsed_holders(&self) -> Vec<LeaseId> {
        let now = self.clock.now();
        let is_over = |id: &LeaseId| {
            let held = self.ledger.leases.get(id);
            held.is_some_and(|held| held.lease.expires.is_some_and(|end| end <= now))
        };
        let mut holders = self.holders();
        holders.retain(is_over);
        holders
    }

    pub(super) fn holders(&self) -> Vec<LeaseId> {
        let holders = self.processes.iter().filter(|(_, process)| process.holds());
        holders.map(|(id, _)| *id).collect()
    }
}
