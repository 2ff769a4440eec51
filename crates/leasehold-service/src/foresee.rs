//! What a request would be answered, found out without asking it: the kernel decides on a view that
//! is only read, and nothing is committed.

use crate::{Answer, Clock, Coordinator, ServiceError};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::decide::{decide, place};
use leasehold_core::event::Event;
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::{Blocker, More, Place, Refusal, Verdict};
use leasehold_core::view::{Key, Life, View};
use leasehold_core::{LeaseId, Ticket};
use leasehold_store::{Access, Store};
use std::collections::VecDeque;

/// How many waits of others are followed: more says nothing to anybody.
const WAITS_MAX: usize = 64;

/// What a request would be answered at one moment.
#[derive(Clone, Debug)]
pub struct Foresight {
    /// The answer without waiting.
    pub now: Verdict,
    /// The answer with waiting; where something is frozen, as if the freeze ended at this moment.
    pub waiting: Verdict,
    /// What is frozen of it.
    pub frozen: Vec<Freeze>,
    /// For whom those in its way wait themselves, and so on, the nearest first.
    pub waits: Vec<Place>,
    /// The workspace as it was seen.
    pub seen: View,
    /// The workspace that the answers are about: settled, and without the freezes on the request.
    pub view: View,
}

pub(crate) fn foresee<S: Store>(
    coordinator: &Coordinator<S>,
    ask: &Ask,
) -> Result<Answer<Foresight>, ServiceError> {
    let footprint = Command::Ask(ask.clone()).footprint();
    let run = |view: &View| consider(view, ask, coordinator.policy());
    let (value, _) = coordinator.with_view(&footprint, Access::Read, run)?;
    let clock = Clock::at(value.seen.now());
    Ok(Answer { value, clock })
}

fn consider(seen: &View, ask: &Ask, policy: &Policy) -> Result<Foresight, More> {
    let with = |wait| {
        Command::Ask(Ask {
            wait,
            ..ask.clone()
        })
    };
    let mut view = seen.clone();
    // Nobody attends a request that is only considered; whoever would ask it is alive.
    view.set_life(ask.id, Life::default());
    view.mark_loaded(Key::Life(ask.id));
    require_waiters(&view)?;
    let now = decide(&view, &with(Wait::No), policy)?.verdict;
    let frozen = match &now {
        Verdict::Refused(Refusal::Frozen(freezes)) => freezes.clone(),
        _ => Vec::new(),
    };
    for freeze in &frozen {
        let (freeze, by) = (Box::new(freeze.clone()), ask.who.clone());
        view.apply(&Event::Thawed { freeze, by });
    }
    let waiting = decide(&view, &with(Wait::Forever), policy)?.verdict;
    settle(&mut view, policy)?;
    let blockers = match (&now, &waiting) {
        (_, Verdict::Queued(place)) => place.blockers.as_slice(),
        (_, Verdict::Died(death)) => death.blockers.as_slice(),
        (Verdict::Refused(Refusal::Held(blockers)), _) => blockers.as_slice(),
        _ => &[],
    };
    let waits = follow(&view, blockers, policy)?;
    Ok(Foresight {
        now,
        waiting,
        frozen,
        waits,
        seen: seen.clone(),
        view,
    })
}

/// Fails where nobody looked whether those who wait live: a dead one is in nobody's way, but a commit
/// looks at it only when its turn has come.
fn require_waiters(view: &View) -> Result<(), More> {
    let waiting = view.tickets().filter(|ticket| ticket.is_waiting());
    let lives = waiting.map(|ticket| Key::Life(ticket.request));
    view.require(lives)
}

fn settle(view: &mut View, policy: &Policy) -> Result<(), More> {
    let decision = decide(view, &Command::Timer(Vec::new()), policy)?;
    view.apply_all(&decision.events);
    Ok(())
}

/// Returns where those who are in the way wait themselves, and those in their way, and so on.
fn follow(view: &View, blockers: &[Blocker], policy: &Policy) -> Result<Vec<Place>, More> {
    let mut places: Vec<Place> = Vec::new();
    let mut seen: Vec<LeaseId> = Vec::new();
    let mut open: VecDeque<Blocker> = blockers.iter().cloned().collect();
    while let Some(blocker) = open.pop_front() {
        if seen.contains(&blocker.id()) {
            continue;
        }
        seen.push(blocker.id());
        for request in waits_of(view, &blocker)? {
            if places.iter().any(|known| known.ticket.request == request) {
                continue;
            }
            if let Some(place) = place(view, request, policy)? {
                open.extend(place.blockers.iter().cloned());
                places.push(place);
            }
            if places.len() >= WAITS_MAX {
                return Ok(places);
            }
        }
    }
    Ok(places)
}

/// Returns the requests that have to come to an end before somebody in the way can: its own, or of a
/// holder those that wait inside the lease, and of a standing one those of its agent.
fn waits_of(view: &View, blocker: &Blocker) -> Result<Vec<LeaseId>, More> {
    let lease = match blocker {
        Blocker::Ticket(ticket) => return Ok(vec![ticket.request]),
        Blocker::Lease(lease) => lease,
    };
    let agent = lease.who.agent().filter(|_| lease.kind == Kind::Standing);
    let keys = [Some(Key::Lease(lease.id)), agent.clone().map(Key::Agent)];
    view.require(keys.into_iter().flatten())?;
    let held = |ticket: &&Ticket| {
        let of_agent = agent.iter().any(|agent| ticket.agents.contains(agent));
        ticket.is_waiting() && (ticket.inside.contains(&lease.id) || of_agent)
    };
    Ok(view.tickets().filter(held).map(|t| t.request).collect())
}
