//! A state: the workspace as the kernel sees it, and where each claim stands.

use super::instance::{Faults, Instance, policy};
use leasehold_core::command::Command;
use leasehold_core::decide::decide;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::verdict::{Blocker, Decision, Place, Verdict};
use leasehold_core::view::{Key, Life, Pulse};
use leasehold_core::{LeaseId, Timestamp, View, event::Event};

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

/// What a sleeping waiter watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watch {
    pub(super) id: LeaseId,
    /// Its command, for orphans; else the guard or waiter itself.
    pub(super) command: bool,
}

/// A process that waits for its lease, asleep unless something calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sleep {
    pub(super) id: LeaseId,
    pub(super) watch: Option<Watch>,
    /// When it wakes by itself.
    pub(super) until: Option<u64>,
    /// A commit has called it.
    pub(super) called: bool,
    /// It wakes because of the time.
    pub(super) alarmed: bool,
    /// When it gives up.
    pub(super) limit: Option<u64>,
}

/// What a claim is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Decides and commits. Who is asleep and concerned is called.
    pub(super) fn run(&mut self, command: &Command, done: &mut Vec<Event>) -> Verdict {
        let decision = decide(&self.view, command, &policy());
        let Decision {
            verdict,
            events,
            wakes,
        } = decision.expect("a whole view needs nothing more");
        self.view.apply_all(&events);
        for stand in &mut self.stands {
            if let Phase::Asleep(sleep) = &mut stand.phase {
                sleep.called |= wakes.contains(&sleep.id);
            }
        }
        done.extend(events);
        verdict
    }

    /// Where a waiter goes to sleep.
    pub(super) fn sleep(&self, place: &Place, limit: Option<u64>) -> Sleep {
        let blocker = place.watch();
        let ends = blocker.and_then(ends).filter(|ends| *ends > self.now());
        let thaw = place.thaw().map(Timestamp::as_millis);
        Sleep {
            id: place.ticket.request,
            watch: blocker.and_then(watched),
            until: [limit, ends, thaw].into_iter().flatten().min(),
            called: false,
            alarmed: false,
            limit,
        }
    }

    /// Whether a look at the whole workspace would settle anything.
    pub(super) fn is_late(&self) -> bool {
        let timer = Command::Timer(vec![Key::All]);
        let decision = decide(&self.view, &timer, &policy());
        !decision
            .expect("a whole view needs nothing more")
            .events
            .is_empty()
    }

    /// Whether what a waiter watches has ended.
    pub(super) fn has_ended(&self, instance: &Instance, watch: Watch) -> bool {
        let attends = |(at, stand): (usize, &Stand)| {
            let requests = &instance.programs[at].requests;
            let held = stand.holds.iter().zip(requests);
            let waits = match stand.phase {
                Phase::Asleep(sleep) => sleep.id == watch.id,
                Phase::Again(id, _) => id == watch.id,
                _ => false,
            };
            let mut holds = held.map(|(hold, request)| match hold {
                Hold::Lease(id) => *id == watch.id && request.kind == Kind::Scoped,
                Hold::Orphan(id) => *id == watch.id && watch.command,
                Hold::Nothing | Hold::Joined => false,
            });
            waits || holds.any(|hold| hold)
        };
        !self.stands.iter().enumerate().any(attends)
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
fn ends(blocker: &Blocker) -> Option<u64> {
    let at = match blocker {
        Blocker::Ticket(ticket) => ticket.wait_until,
        Blocker::Lease(lease) => match (&lease.pickup, lease.orphaned) {
            (Pickup::Unbound(_), _) => Some(lease.granted.plus_millis(policy().pickup_ms)),
            (Pickup::Bound, Some(since)) => Some(since.plus_millis(policy().orphan_ms)),
            (Pickup::Bound, None) => lease.expires,
        },
    };
    at.map(Timestamp::as_millis)
}

/// Which process of a blocker a waiter watches; as in the coordinator's wait.
fn watched(blocker: &Blocker) -> Option<Watch> {
    let command = match blocker {
        Blocker::Lease(lease) if lease.orphaned.is_some() => true,
        Blocker::Lease(lease) if lease.kind == Kind::Standing && lease.is_bound() => return None,
        Blocker::Lease(_) | Blocker::Ticket(_) => false,
    };
    Some(Watch {
        id: blocker.id(),
        command,
    })
}
