//! Ending what nobody can rely on any more: leases past their time, and those of the dead.
//!
//! Nothing needs this to go on: such a lease is in nobody's way, and whoever asks next gets what it
//! held. It is for those who want the list clean. Some leases go by one commit, not all of them, so that
//! nobody is held off for long however many there are.

use crate::coordinator::Decided;
use crate::{Answer, Coordinator, Leasing as _, ServiceError};
use leasehold_core::command::{Command, Proof};
use leasehold_core::decide::{decide, is_current};
use leasehold_core::verdict::More;
use leasehold_core::view::{Key, View};
use leasehold_core::{Identity, Lease, LeaseId, Resource};
use leasehold_store::Store;

/// How many leases one commit ends. A commit for each would write what their agent holds each time.
const AT_ONCE: usize = 64;

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
    for some in found.chunks(AT_ONCE) {
        let ids: Vec<LeaseId> = some.iter().map(|lease| lease.id).collect();
        let ended = end(coordinator, &ids, by)?;
        let ended = some.iter().filter(|lease| ended.contains(&lease.id));
        leases.extend(ended.copied().cloned());
    }
    // What else has run out (kept places, ages, freezes) goes too.
    let _settled = coordinator.execute(&Command::Timer(keys))?;
    Ok(Answer {
        value: Swept { leases, view },
        clock,
    })
}

/// Ends those leases that are over; returns which.
///
/// The race: a holder may renew one between the look and this. So they are judged again, in the view
/// that the commit is made on.
fn end<S: Store>(
    coordinator: &Coordinator<S>,
    leases: &[LeaseId],
    by: &Identity,
) -> Result<Vec<LeaseId>, ServiceError> {
    let policy = coordinator.policy();
    let run = |view: &View| -> Result<Decided<Vec<LeaseId>>, More> {
        let there = leases.iter().filter(|id| view.lease(**id).is_some());
        let mut ended: Vec<LeaseId> = there.copied().collect();
        let settled = decide(view, &Command::Timer(Vec::new()), policy)?;
        let (mut events, mut wakes) = (settled.events, settled.wakes);
        let mut after = view.clone();
        after.apply_all(&events);
        for lease in ended.iter().copied() {
            let is_bound = after.lease(lease).is_some_and(|lease| lease.is_bound());
            if !is_bound || is_current(&after, lease, policy) {
                continue;
            }
            let (by, proof) = (by.clone(), Proof::Force);
            let taken = decide(&after, &Command::Release { lease, by, proof }, policy)?;
            after.apply_all(&taken.events);
            events.extend(taken.events);
            wakes.extend(taken.wakes);
        }
        ended.retain(|id| after.lease(*id).is_none());
        Ok((ended, events, wakes))
    };
    let keys: Vec<Key> = leases.iter().copied().map(Key::Lease).collect();
    Ok(coordinator.carry_out(&keys, run)?.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::command::Ask;
    use leasehold_core::lease::Kind;
    use leasehold_core::limits::Policy;
    use leasehold_core::{Claim, Intent, Timestamp, Ttl};
    use leasehold_store::memory::{ManualClock, MemoryStore};

    /// The look may be old: what was renewed since stays.
    #[test]
    fn a_lease_that_was_renewed_since_the_look_is_not_ended() {
        let clock = ManualClock::new(Timestamp::from_millis(1_000));
        let store = MemoryStore::with_clock(&clock);
        let coordinator = Coordinator::new(store, Policy::default());
        let (id, who) = (LeaseId::new(1), Identity::named("ada", "h"));
        let claim = Claim::new(Resource::parse("a").unwrap(), Intent::Mutates);
        let ask = Ask {
            kind: Kind::Standing,
            ttl: Ttl::from_millis(100).ok(),
            ..Ask::new(id, who.clone(), vec![claim])
        };
        let _granted = coordinator.execute(&Command::Ask(ask)).unwrap();
        clock.advance(100);
        let _renewed = coordinator.renew(id, None).unwrap();
        let ended = || end(&coordinator, &[id], &who).unwrap();
        assert_eq!(ended(), []);
        assert!(coordinator.is_current(id).unwrap());
        clock.advance(100);
        assert_eq!(ended(), [id]);
        assert_eq!(ended(), []);
    }
}
