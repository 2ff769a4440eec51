//! What somebody does who is not the process of a request: with the leases of others, with freezes, with
//! the clock, with the machine.

use super::act::{outside, pick};
use super::names::NAMES;
use super::setting::somebody;
use super::step::Unlock;
use super::world::{DEAD, NOBODY, Shared};
use leasehold_core::command::{Command, Proof};
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::{Key, Pulse};
use leasehold_core::{LeaseId, Ticket};
use leasehold_service::Leasing;
use std::sync::Arc;

fn name(shared: &Shared, which: usize) -> usize {
    let names = &shared.setting.names;
    names[which % names.len()]
}

pub(super) fn timer(shared: &Arc<Shared>, what: usize) {
    // Of a large world only a part: everything at once would take as long as all the rest.
    let keys = match shared.setting.is_large() {
        true => vec![Key::Overlap(NAMES.resources[name(shared, what)].clone())],
        false => vec![Key::All],
    };
    _ = outside(shared, &Command::Timer(keys));
}

pub(super) fn pass(shared: &Shared, millis: u64) {
    let mut core = shared.core();
    core.faults += 1;
    core.clock.advance(millis);
}

/// Most mistakes about time are made at its borders.
pub(super) fn brink(shared: &Shared) {
    let core = shared.core();
    let now = core.clock.now();
    let leases = core.ledger.leases.values();
    let ends = leases.filter_map(|held| core.end_of(&held.lease));
    let tickets = core.ledger.tickets.values();
    let waits = tickets.filter_map(|queued| queued.ticket.wait_until);
    let freezes = core.ledger.freezes.values();
    let thaws = freezes.filter_map(|freeze| freeze.until);
    let next = ends
        .chain(waits)
        .chain(thaws)
        .filter(|end| *end > now)
        .min();
    drop(core);
    if let Some(end) = next {
        let left_ms = end.millis_since(now);
        pass(shared, left_ms.saturating_sub(1).max(1));
    }
}

pub(super) fn unlock(shared: &Arc<Shared>, which: usize, who: u64, how: Unlock) {
    let leases: Vec<LeaseId> = shared.core().ledger.leases.keys().copied().collect();
    let Some(lease) = pick(&leases, which) else {
        return;
    };
    let by = somebody(who);
    let proof = match how {
        Unlock::Id => Proof::Id,
        Unlock::Owner => Proof::Owner,
        Unlock::Force => Proof::Force,
    };
    let held = shared.core().ledger.leases[&lease].lease.clone();
    let answer = outside(
        shared,
        &Command::Release {
            lease,
            by: by.clone(),
            proof,
        },
    );
    let own = held.kind == Kind::Standing && held.who.owner == by.owner;
    let refused = matches!(answer, Some(Verdict::NotYours(_)));
    let mut core = shared.core();
    if answer.is_some() && !core.meddled && refused != (how == Unlock::Owner && !own) {
        core.violate(&format!("{by:?} ends {held:?} by {how:?}: {answer:?}"));
    }
}

/// The same request twice has one answer and changes nothing (L14).
pub(super) fn again(shared: &Arc<Shared>, which: usize) {
    let alive = shared.core().alive();
    let Some(id) = pick(&alive, which) else {
        return;
    };
    let core = shared.core();
    let ask = core.processes[&id].ask.clone();
    let token = core.ledger.leases.get(&id).map(|held| held.lease.token);
    let number = core.ledger.ticket(id).map(|queued| queued.ticket.clone());
    let number = number.filter(Ticket::is_waiting).map(|t| t.number);
    let version = core.version;
    drop(core);
    if token.is_none() && number.is_none() {
        return;
    }
    let answer = outside(shared, &Command::Ask(ask));
    if !shared.core().alive().contains(&id) {
        // Its process ended meanwhile: the repetition came too late, and nobody is behind what came of it.
        shared.set_life(id, Some(DEAD));
    }
    let same = match &answer {
        Some(Verdict::Granted(lease)) => Some(lease.token) == token,
        Some(Verdict::Queued(place)) => Some(place.ticket.number) == number,
        Some(_) => false,
        None => true,
    };
    let mut core = shared.core();
    if !core.meddled && (!same || core.version != version) {
        core.violate(&format!("{id} asked twice: {answer:?}"));
    }
}

pub(super) fn freeze(shared: &Arc<Shared>, what: usize, who: u64, millis: u64) {
    let mut core = shared.core();
    let now = core.clock.now();
    let freeze = Freeze {
        id: core.fresh(),
        resource: NAMES.resources[name(shared, what)].clone(),
        until: Some(now.plus_millis(millis)),
        since: now,
        who: somebody(who),
    };
    drop(core);
    _ = outside(shared, &Command::Freeze(freeze));
}

pub(super) fn end_command(shared: &Shared, which: usize) {
    let core = shared.core();
    let orphans = core
        .lives
        .iter()
        .filter(|(_, life)| life.holder == Pulse::Dead && life.command == Pulse::Alive);
    let orphans: Vec<LeaseId> = orphans.map(|(id, _)| *id).collect();
    drop(core);
    if let Some(id) = pick(&orphans, which) {
        shared.set_life(id, Some(DEAD));
    }
}

/// `check` says the truth about a lease.
pub(super) fn check(shared: &Arc<Shared>, which: usize) {
    let core = shared.core();
    let leases = core.ledger.leases.keys().copied();
    let ids: Vec<LeaseId> = leases.chain(core.processes.keys().copied()).collect();
    drop(core);
    let Some(id) = pick(&ids, which) else {
        return;
    };
    let says = shared.coordinator(NOBODY).is_current(id);
    let mut core = shared.core();
    let rules = core.rules();
    let held = core.ledger.leases.get(&id);
    let is = held.is_some_and(|held| held.lease.is_bound() && rules.is_live(held));
    if says.is_ok_and(|says| says != is) {
        core.violate(&format!("check of {id} does not say {is}"));
    }
}

pub(super) fn boot(shared: &Arc<Shared>, millis: u64) {
    let core = shared.core();
    let there = core.processes.iter().filter(|(_, p)| !p.is_gone());
    let there: Vec<LeaseId> = there.map(|(id, _)| *id).collect();
    drop(core);
    there.into_iter().for_each(|id| shared.kill(id, false));
    let lives: Vec<LeaseId> = shared.core().lives.keys().copied().collect();
    lives
        .into_iter()
        .for_each(|id| shared.set_life(id, Some(DEAD)));
    pass(shared, millis);
}

pub(super) fn thaw(shared: &Arc<Shared>, what: usize, who: u64, force: bool) {
    let resource = NAMES.resources[name(shared, what)].clone();
    let by = somebody(who);
    _ = outside(
        shared,
        &Command::Thaw {
            resource,
            by,
            force,
        },
    );
}
