//! A state: the workspace as the kernel sees it, and where each claim stands.

use super::facts::is_live;
use super::instance::{Faults, Instance};
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::limits::Policy;
use leasehold_core::verdict::{Blocker, Place};
use leasehold_core::view::{Life, Pulse};
use leasehold_core::{Lease, LeaseId, Timestamp, View};

/// What a claim has of one of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    /// A lease of its own, or the standing one that was there.
    Lease(LeaseId),
    /// It runs under the leases of its chain.
    Joined,
    /// Its guard is dead, its command goes on.
    Orphan(LeaseId),
}

/// Which process of a blocker a waiter watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The guard, or the waiter.
    Holder,
    /// The guarded command of an orphan.
    Command,
    /// A standing lease has none.
    Nobody,
}

/// What a sleeping waiter watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watch {
    pub(super) id: LeaseId,
    pub(super) part: Part,
    /// When the sleeper thinks that it ends by itself.
    pub(super) ends: Option<Timestamp>,
}

/// A process that waits for its lease, asleep unless something calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sleep {
    pub(super) id: LeaseId,
    pub(super) watches: Vec<Watch>,
    /// When it wakes by itself.
    pub(super) until: Option<u64>,
    /// A commit has called it.
    pub(super) called: bool,
    /// It wakes because of the time.
    pub(super) alarmed: bool,
    /// It was called, and looked when a freeze was over by time alone and nobody had settled that.
    pub(super) saw_no_freeze: bool,
    /// When it gives up.
    pub(super) limit: Option<u64>,
}

/// What a claim is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its next step.
    Ready,
    /// To ask again with the id it has: its place was lost while it waited.
    Again(LeaseId, Option<u64>),
    Asleep(Sleep),
    /// To give back all it has, then to begin again.
    Backing,
}

/// Where one claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) at: usize,
    pub(super) phase: Phase,
    pub(super) holds: Vec<Hold>,
    /// Of a claim inside another: that it ended, since its parent took the lease it is inside of.
    pub(super) ran: bool,
    /// Of a claim inside another: that it failed, which ends its parent.
    pub(super) failed: bool,
}

/// Where everything stands.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) view: View,
    pub(super) stands: Vec<Stand>,
    /// The faults that are left.
    pub(super) left: Faults,
    pub(super) next_id: u128,
}

impl World {
    pub(super) fn new(instance: &Instance) -> Self {
        let stand = |program: &super::program::Program| Stand {
            at: 0,
            phase: Phase::Ready,
            holds: vec![Hold::Nothing; program.requests.len()],
            ran: program.parent.is_some(),
            failed: false,
        };
        Self {
            view: View::whole(Timestamp::from_millis(1_000)),
            stands: instance.programs.iter().map(stand).collect(),
            left: instance.faults,
            next_id: 1,
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.view.now().as_millis()
    }

    /// Where a waiter goes to sleep.
    pub(super) fn sleep(&self, instance: &Instance, place: &Place, limit: Option<u64>) -> Sleep {
        let watch = |blocker: &Blocker| Watch {
            id: blocker.id(),
            part: part(blocker),
            ends: ends(&instance.policy, blocker),
        };
        let watches: Vec<Watch> = place.watches().iter().map(watch).collect();
        let now = self.view.now();
        let ends = watches.iter().filter_map(|watch| watch.ends);
        let times = ends.filter(|ends| *ends > now).chain(place.thaw());
        Sleep {
            id: place.ticket.request,
            until: times.map(Timestamp::as_millis).chain(limit).min(),
            watches,
            called: false,
            alarmed: false,
            saw_no_freeze: false,
            limit,
        }
    }

    /// Whether a freeze is over by time alone. Whoever was frozen knows that time. But who was called and
    /// looked only then saw no freeze and none who is judged: that is left, as is the next case, to the
    /// look which the product takes every few seconds.
    pub(super) fn has_thawed(&self) -> bool {
        let now = self.view.now();
        self.view.freezes().any(|freeze| !freeze.is_on(now))
    }

    /// Whether a blocker has ended at a time that its watcher does not know, because that was set after it
    /// looked.
    pub(super) fn is_overdue(&self, instance: &Instance, watch: Watch) -> bool {
        self.view.lease(watch.id).is_some_and(|lease| {
            let ends = end_of(&instance.policy, lease);
            !self.knows_end(instance, watch)
                && ends.is_some_and(|ends| ends <= self.view.now())
                && !is_live(&instance.policy, &self.view, lease)
        })
    }

    /// Whether the time at which a lease ends is what its watcher takes for it.
    pub(super) fn knows_end(&self, instance: &Instance, watch: Watch) -> bool {
        let lease = self.view.lease(watch.id);
        lease.is_some_and(|lease| end_of(&instance.policy, lease) == watch.ends)
    }

    /// Whether this is a waiter that was called because its wait is over, and not by a grant.
    pub(super) fn is_ending(&self, id: LeaseId) -> bool {
        let is_called = |stand: &Stand| match &stand.phase {
            Phase::Asleep(sleep) => sleep.id == id && sleep.called,
            _ => false,
        };
        let is_over = self.view.lease(id).is_none() && self.view.ticket(id).is_none();
        is_over && self.stands.iter().any(is_called)
    }

    /// Whether what a waiter watches has ended.
    pub(super) fn has_ended(&self, instance: &Instance, watch: Watch) -> bool {
        let attends = |(at, stand): (usize, &Stand)| {
            let requests = &instance.programs[at].requests;
            let held = stand.holds.iter().zip(requests);
            let waits = match &stand.phase {
                Phase::Asleep(sleep) => sleep.id == watch.id,
                Phase::Again(id, _) => *id == watch.id,
                _ => false,
            };
            let mut holds = held.map(|(hold, request)| match hold {
                Hold::Lease(id) => *id == watch.id && request.kind == Kind::Scoped,
                Hold::Orphan(id) => *id == watch.id && watch.part == Part::Command,
                Hold::Nothing | Hold::Joined => false,
            });
            waits || holds.any(|hold| hold)
        };
        watch.part != Part::Nobody && !self.stands.iter().enumerate().any(attends)
    }

    /// The processes behind an id die: guard or waiter, and command.
    pub(super) fn bury(&mut self, id: LeaseId, command: bool) {
        let command = match command {
            true => Pulse::Dead,
            false => Pulse::Alive,
        };
        let life = Life {
            holder: Pulse::Dead,
            command,
        };
        self.view.set_life(id, life);
    }

    /// The lease that a request of a claim is asked inside of; `Err` where it is not held.
    pub(super) fn inside(
        &self,
        instance: &Instance,
        claim: usize,
        request: usize,
    ) -> Result<Option<LeaseId>, ()> {
        let program = &instance.programs[claim];
        let outer = match program.requests[request].inside {
            Some(outer) => (claim, outer),
            None => match program.parent {
                Some(parent) => parent,
                None => return Ok(None),
            },
        };
        match self.stands[outer.0].holds[outer.1] {
            Hold::Lease(id) | Hold::Orphan(id) => Ok(Some(id)),
            Hold::Joined => self.inside(instance, outer.0, outer.1),
            Hold::Nothing => Err(()),
        }
    }
}

/// When a blocker stops being one without anybody doing anything; as in the coordinator's wait.
fn ends(policy: &Policy, blocker: &Blocker) -> Option<Timestamp> {
    match blocker {
        Blocker::Ticket(ticket) => ticket.wait_until,
        Blocker::Lease(lease) => end_of(policy, lease),
    }
}

fn end_of(policy: &Policy, lease: &Lease) -> Option<Timestamp> {
    match (&lease.pickup, lease.orphaned) {
        (Pickup::Unbound(_), _) => Some(lease.granted.plus_millis(policy.pickup_ms)),
        (Pickup::Bound, Some(since)) => Some(since.plus_millis(policy.orphan_ms)),
        (Pickup::Bound, None) => lease.expires.map(|at| at.plus_millis(policy.lock_delay_ms)),
    }
}

/// Which process of a blocker a waiter watches; as in the coordinator's wait.
fn part(blocker: &Blocker) -> Part {
    match blocker {
        Blocker::Lease(lease) if lease.orphaned.is_some() => Part::Command,
        Blocker::Lease(lease) if !lease.has_proof_of_life() => Part::Nobody,
        Blocker::Lease(_) | Blocker::Ticket(_) => Part::Holder,
    }
}
