//! A world in which nobody has a reason to go on.

use super::check::{Checked, ensure};
use super::rules::Blocker;
use super::world::Core;
use leasehold_core::LeaseId;

/// Checks what has to hold when nobody has a reason to go on: whoever sleeps is in somebody's way, and
/// those waits make no circle. Returns how many sleep although they could be granted: nothing but a
/// sleeper's own look at the clock would find them.
pub(super) fn quiet(core: &Core) -> Result<u64, String> {
    let rules = core.rules();
    for id in core.sleepers() {
        let stands = core.ledger.ticket(id).is_some();
        ensure(stands, || {
            format!("asleep without a place in the queue: {id}")
        })?;
    }
    let judged = rules.judge();
    let mut edges: Vec<(u64, u64)> = Vec::new();
    let mut late = 0;
    for r in &judged {
        let number = r.number();
        let blockers = rules.blockers(&judged, r);
        late += u64::from(blockers.is_empty() || !rules.is_legal(&judged, r));
        for blocker in blockers {
            match blocker {
                Blocker::Ticket(q) => edges.push((number, q.number())),
                Blocker::Lease(held) => edges.extend(
                    rules
                        .waiting_with(&judged, held.lease.id)
                        .map(|q| (number, q.number())),
                ),
            }
        }
    }
    // Where somebody is late, the queue is not yet what it will be.
    if late == 0 {
        acyclic(&edges)?;
    }
    Ok(late)
}

/// Checks one who goes to sleep with nothing that would wake it: somebody has to be in its way, whose
/// commit calls it.
pub(super) fn sleeps_rightly(core: &mut Core, id: LeaseId) {
    let rules = core.rules();
    let judged = rules.judge();
    let own = judged.iter().find(|r| r.queued.ticket.request == id);
    if own.is_some_and(|r| rules.blockers(&judged, r).is_empty()) {
        core.violate(&format!("sleeps for ever with nobody in its way: {id}"));
    }
}

/// Whoever waits only for those who do not wait is taken away until nobody is left.
fn acyclic(edges: &[(u64, u64)]) -> Checked {
    let mut left: Vec<u64> = edges.iter().map(|(from, _)| *from).collect();
    loop {
        left.sort_unstable();
        left.dedup();
        let stuck = |n: &u64| {
            edges
                .iter()
                .any(|(from, to)| from == n && left.contains(to))
        };
        let next: Vec<u64> = left.iter().copied().filter(stuck).collect();
        if next.is_empty() {
            return Ok(());
        }
        ensure(next.len() < left.len(), || {
            format!("they wait for each other: tickets {next:?}")
        })?;
        left = next;
    }
}
