//! The end of a world: nobody asks any more, whoever can end does, and everybody who waits is served.

use super::act::{give_back, nap, outside, run_all};
use super::presence::Sleep;
use super::process::Process;
use super::world::{DEAD, Shared};
use super::{history, stored};
use leasehold_core::command::{Command, Proof};
use leasehold_core::view::{Key, Pulse};
use leasehold_core::{LeaseId, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// More rounds than there are leases, requests and times to wait for.
const ROUNDS_MAX: usize = 10_000;

/// Lets the world come to its end.
pub(super) fn drain(shared: &Arc<Shared>) {
    end_commands(shared);
    for _ in 0..ROUNDS_MAX {
        run_all(shared);
        history::look_at_quiet(shared);
        if shared.core().violation.is_some() {
            return;
        }
        if let Some(id) = who_can_end(shared) {
            end(shared, id);
        } else if shared.core().sleepers().next().is_none() {
            return finish(shared);
        } else if !look_by_themselves(shared) && !time_passes(shared) {
            let waiting: Vec<LeaseId> = shared.core().sleepers().collect();
            return shared
                .core()
                .violate(&format!("everybody waits: {waiting:?}"));
        }
    }
    shared.core().violate("waiting never ends");
}

/// Commands without a guard end too.
fn end_commands(shared: &Shared) {
    let lives = Arc::clone(&shared.core().lives);
    for (id, life) in lives.iter() {
        if life.holder == Pulse::Dead && life.command == Pulse::Alive {
            shared.set_life(*id, Some(DEAD));
        }
    }
}

/// Returns a lease whose work does not wait for anything: no request inside of it waits, and, where it
/// is a standing one, none of its agent.
fn who_can_end(shared: &Shared) -> Option<LeaseId> {
    let core = shared.core();
    let sleeps = |request: &LeaseId| {
        let process = core.processes.get(request);
        process.is_some_and(|process| process.fiber.is_some())
    };
    let tickets = core.ledger.tickets.values();
    let rules = core.rules();
    let held = tickets
        .filter(|queued| sleeps(&queued.ticket.request))
        .flat_map(|queued| rules.holds(queued));
    let held: BTreeSet<LeaseId> = held.map(|held| held.lease.id).collect();
    let can_end = |id: &LeaseId| !held.contains(id) && core.ledger.leases[id].lease.is_bound();
    core.ledger.leases.keys().copied().find(can_end)
}

fn end(shared: &Arc<Shared>, id: LeaseId) {
    let has_holder = shared.core().processes.get(&id).is_some_and(Process::holds);
    if has_holder {
        return give_back(shared, id);
    }
    // Its process is gone: somebody ends it by its id.
    let lease = id;
    let by = shared.core().ledger.leases[&id].lease.who.clone();
    let proof = Proof::Id;
    _ = outside(shared, &Command::Release { lease, by, proof });
}

/// Lets every sleeper look once by itself, as the file store has it do every few seconds. Returns whether
/// anything came of it.
fn look_by_themselves(shared: &Arc<Shared>) -> bool {
    let version = shared.core().version;
    let sleepers: Vec<LeaseId> = shared.core().sleepers().collect();
    for id in sleepers {
        nap(shared, id);
    }
    shared.core().version != version
}

/// Moves on to the next moment that somebody waits for who is in nobody's hands: a freeze, a grant that
/// nobody picks up. Returns whether there is one.
fn time_passes(shared: &Shared) -> bool {
    let core = shared.core();
    let now = core.clock.now();
    let frozen = core.ledger.freezes.values().any(|freeze| freeze.is_on(now));
    let leases = core.ledger.leases.values();
    let unbound = leases.map(|held| &held.lease).any(|l| !l.is_bound());
    if !frozen && !unbound {
        return false;
    }
    let sleeps = || core.processes.values().filter_map(|p| p.sleep.as_ref());
    let next = |time: fn(&Sleep) -> Option<Timestamp>| {
        let times = sleeps().filter_map(time);
        times.filter(|time| *time > now).min()
    };
    // Looks come last.
    let next = next(|sleep| sleep.until).or_else(|| next(|sleep| sleep.look));
    next.inspect(|until| core.clock.advance(until.millis_since(now)))
        .is_some()
}

/// All is given back: what is left is what is kept for those who may come back, and that runs out.
fn finish(shared: &Arc<Shared>) {
    let place_ms = shared
        .setting
        .policy
        .place_ms
        .max(shared.setting.policy.card_ms);
    // The first look parks the waiters that were killed, the second gives their places up.
    for _ in 0..2 {
        shared.core().clock.advance(place_ms + 1);
        _ = outside(shared, &Command::Timer(vec![Key::All]));
    }
    let core = shared.core();
    let left = core.ledger.leases.len() + core.ledger.tickets.len() + core.ledger.cards.len();
    drop(core);
    if left > 0 {
        shared.core().violate("something is left when all is over");
    }
    if let Err(what) = stored::audit(shared) {
        shared.core().violate(&what);
    }
}
