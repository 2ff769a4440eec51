//! Ending what nobody can rely on any more: leases past their time, and those of the dead.
//!
//! Nothing needs this to go on: such a lease is in nobody's way, and whoever asks next gets what it
//! held. It is for those who want the list clean. Each lease is ended by a commit of its own, so that
//! nobody is held off for long however many there are.

use crate::{Answer, Coordinator, Leasing as _, ServiceError};
use leasehold_core::command::{Command, Proof};
use leasehold_core::decide::{decide, is_current};
use leasehold_core::event::Event;
use leasehold_core::verdict::More;
use leasehold_core::view::{Key, View};
use leasehold_core::{Identity, Lease, LeaseId, Resource};
use leasehold_store::Store;

/// What was ended.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The leases that are gone, by token.
    pub leases: Vec<Lease>,
    /// What they were found in.
    pub view: View,
}

pub(crate) fn sweep<S: Store>(
    coordinator: &Coordinator<S>,
    resources: &[Resource],
    by: &Identity,
) -> Result<Answer<Swept>, ServiceError> {
    let keys: Vec<Key> = match resources {
        [] => vec![Key::All],
        some => some.iter().cloned().map(Key::Overlap).collect(),
    };
    let Answer { value: view, clock } = coordinator.look(&keys)?;
    let policy = coordinator.policy();
    // One that was granted and not picked up yet is not current either; settling knows when it is over.
    let over = |lease: &&Lease| !is_current(&view, lease.id, policy);
    let mut found: Vec<&Lease> = view.leases().filter(over).collect();
    found.sort_by_key(|lease| lease.token);
    let mut leases = Vec::new();
    for lease in found {
        if end(coordinator, lease.id, by)? {
            leases.push(lease.clone());
        }
    }
    // What else has run out (kept places, ages, freezes) goes too.
    let _settled = coordinator.execute(&Command::Timer(keys))?;
    Ok(Answer {
        value: Swept { leases, view },
        clock,
    })
}

/// Ends a lease if it is over; returns whether this did it.
///
/// The race: its holder may renew it between the look and this. So it is judged again, in the view
/// that the commit is made on.
fn end<S: Store>(
    coordinator: &Coordinator<S>,
    lease: LeaseId,
    by: &Identity,
) -> Result<bool, ServiceError> {
    let policy = coordinator.policy();
    let run = |view: &View| -> Result<(bool, Vec<Event>, Vec<LeaseId>), More> {
        if view.lease(lease).is_none() {
            return Ok((false, Vec::new(), Vec::new()));
        }
        let settled = decide(view, &Command::Timer(Vec::new()), policy)?;
        let (mut events, mut wakes) = (settled.events, settled.wakes);
        let mut after = view.clone();
        after.apply_all(&events);
        let is_there = after.lease(lease).is_some_and(|lease| lease.is_bound());
        if is_there && !is_current(&after, lease, policy) {
            let (by, proof) = (by.clone(), Proof::Force);
            let taken = decide(&after, &Command::Release { lease, by, proof }, policy)?;
            after.apply_all(&taken.events);
            events.extend(taken.events);
            wakes.extend(taken.wakes);
        }
        Ok((after.lease(lease).is_none(), events, wakes))
    };
    Ok(coordinator.carry_out(&[Key::Lease(lease)], run)?.value)
}
