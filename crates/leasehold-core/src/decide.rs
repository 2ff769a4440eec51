//! The one way into the kernel: a view and a command go in, an answer and events come out.

use crate::ask;
use crate::claim::Claim;
use crate::command::{Command, Proof};
use crate::event::Event;
use crate::freeze::Freeze;
use crate::identity::Identity;
use crate::lease::{Kind, Lease, Pickup};
use crate::limits::Policy;
use crate::planted::Bug;
use crate::settle::{Work, bind};
use crate::ticket::{Ticket, TicketState};
use crate::verdict::{Death, Decision, More, Place, Verdict};
use crate::view::{Key, View};
use crate::{id::LeaseId, resource::Resource, time::Ttl};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// Decides a command over a view that holds its [footprint](Command::footprint).
///
/// The same arguments give the same decision. Nothing is changed here: a store commits the events,
/// all or none, if the view is still that of the latest version.
///
/// # Errors
/// [`More`] where the decision depends on keys that the view does not hold.
pub fn decide(view: &View, command: &Command, policy: &Policy) -> Result<Decision, More> {
    let mut work = Work::new(view, policy);
    let verdict = match command {
        Command::Ask(ask) => ask::ask(&mut work, ask)?,
        Command::Bind(lease) => pick_up(&mut work, *lease)?,
        Command::Release { lease, by, proof } => release(&mut work, *lease, by, *proof)?,
        Command::Renew { lease, ttl } => renew(&mut work, *lease, *ttl)?,
        Command::Timeout(request) => timeout(&mut work, *request)?,
        Command::Cancel(request) => cancel(&mut work, *request)?,
        Command::Freeze(freeze) => set_freeze(&mut work, freeze)?,
        Command::Thaw {
            resource,
            by,
            force,
        } => thaw(&mut work, resource, by, *force)?,
        Command::Timer(_) => {
            work.require_lives()?;
            work.settle(None)?;
            Verdict::Done
        }
    };
    // A command that changes nothing need not settle what time alone has brought about. Asked inside the
    // assertion, so that a release build does not settle twice.
    debug_assert!(
        work.events.is_empty() || is_settled(&work),
        "settling a settled view did something: {command:?}"
    );
    Ok(Decision {
        verdict,
        events: work.events,
        wakes: work.wakes,
    })
}

/// Returns where a waiting request stands, or nothing where it does not wait.
///
/// # Errors
/// [`More`] where the answer depends on keys that the view does not hold.
pub fn place(view: &View, request: LeaseId, policy: &Policy) -> Result<Option<Place>, More> {
    let work = Work::new(view, policy);
    work.require_closed()?;
    let ticket = view.ticket(request).filter(|ticket| ticket.is_waiting());
    Ok(ticket.map(|ticket| ask::place(&work, ticket)))
}

/// Returns what stands in the way of a request that died, and who wants what it holds, as things are
/// in this view.
///
/// # Errors
/// [`More`] where the answer depends on keys that the view does not hold.
pub fn explain_death(view: &View, ticket: &Ticket, policy: &Policy) -> Result<Death, More> {
    let mut with = view.clone();
    with.put_ticket(Ticket {
        state: TicketState::Waiting,
        wait_until: None,
        ..ticket.clone()
    });
    let work = Work::new(&with, policy);
    work.require_closed()?;
    Ok(ask::death(&work, &with, ticket))
}

/// Returns whether a lease is held and its work may run at the time of the view. A holder that is not
/// looked at counts as alive.
#[must_use]
pub fn is_current(view: &View, lease: LeaseId, policy: &Policy) -> bool {
    let rules = Work::new(view, policy);
    view.lease(lease)
        .is_some_and(|lease| lease.is_bound() && rules.rules().is_live(lease))
}

/// Returns whether settling again would do nothing ("no lost wake-up").
fn is_settled(work: &Work<'_>) -> bool {
    let mut again = Work::new(work.view(), work.policy());
    // Where more would have to be loaded the command itself did not need to settle that part.
    again.settle(None).is_err() || again.events.is_empty()
}

/// Picks a granted lease up. Whichever of this and `passed` commits first wins.
fn pick_up(work: &mut Work<'_>, id: LeaseId) -> Result<Verdict, More> {
    let Some(mut lease) = work.view().lease(id).cloned() else {
        return Ok(Verdict::Lost(id));
    };
    if !lease.is_bound() && !Bug::StartBeforePickup.is_planted() {
        require_revived(work, &lease)?;
        bind(Arc::make_mut(&mut lease), work.view().now());
        work.push(Event::Bound {
            lease: Arc::clone(&lease),
        });
        work.settle(None)?;
    }
    Ok(Verdict::Granted(lease))
}

fn release(work: &mut Work<'_>, id: LeaseId, by: &Identity, proof: Proof) -> Result<Verdict, More> {
    let Some(lease) = work.view().lease(id) else {
        return Ok(Verdict::NotFound);
    };
    let queues = lease.claims.iter().map(|claim| queue_of(work, claim));
    // What its agent waits for is judged without it from now on.
    work.require(queues.chain(lease.standing_agent().map(Key::Agent)))?;
    let lease = Arc::clone(lease);
    let claims = lease.claims.clone();
    let own = lease.kind == Kind::Standing && lease.who.owner == by.owner;
    match proof {
        Proof::Owner if !own => return Ok(Verdict::NotYours(lease)),
        Proof::Holder | Proof::Owner => work.push(Event::Released { lease }),
        Proof::Id => {
            // Its guard has not heard of it yet.
            if lease.kind == Kind::Scoped {
                work.wakes.push(id);
            }
            work.push(Event::Released { lease });
        }
        Proof::Force => {
            work.wakes.push(id);
            work.push(Event::Forced {
                lease,
                by: by.clone(),
            });
        }
    }
    work.settle_fronts(&claims)?;
    Ok(Verdict::Done)
}

/// Returns what has to be loaded of those who wait for a claim that is given back: the front of the
/// queue to begin with, unless all of it is there.
fn queue_of(work: &Work<'_>, claim: &Claim) -> Key {
    let whole = Key::Overlap(claim.resource.clone());
    if claim.resource.is_flat() && !work.view().is_loaded(&whole) {
        Key::Front(claim.resource.clone())
    } else {
        whole
    }
}

/// Renews a lease that is in the state, also past its expiry: then nobody in its way was granted
/// since. Not one whose holder's death has ended it: no time given to it would make it live again.
fn renew(work: &mut Work<'_>, id: LeaseId, ttl: Option<Ttl>) -> Result<Verdict, More> {
    let Some(mut lease) = work
        .view()
        .lease(id)
        .filter(|lease| lease.is_bound())
        .cloned()
    else {
        return Ok(Verdict::Lost(id));
    };
    work.require_lives_of(core::iter::once(lease.as_ref()))?;
    if work.rules().is_past_renewing(&lease) {
        work.require(Key::overlaps(&lease.claims))?;
        work.settle(None)?;
        return Ok(Verdict::Lost(id));
    }
    require_revived(work, &lease)?;
    let renewed = Arc::make_mut(&mut lease);
    if let Some(ttl) = ttl.filter(|ttl| renewed.ttl != Some(*ttl)) {
        renewed.ttl = Some(ttl);
        // Its guard has to renew at another pace from now on.
        if renewed.kind == Kind::Scoped {
            work.wakes.push(id);
        }
    }
    bind(renewed, work.view().now());
    work.push(Event::Renewed {
        lease: Arc::clone(&lease),
    });
    work.settle(None)?;
    Ok(Verdict::Renewed(lease))
}

/// Fails where a lease comes back to life and what it is in the way of, or makes its agent hold, is
/// not loaded. Of one that lives nothing changes for anybody else.
fn require_revived(work: &Work<'_>, lease: &Lease) -> Result<(), More> {
    if work.rules().is_live(lease) {
        return Ok(());
    }
    let overlaps = Key::overlaps(&lease.claims);
    work.require(overlaps.chain(lease.standing_agent().map(Key::Agent)))
}

/// Parks a ticket. Where it was granted meanwhile the answer is the lease: the waiter may yet have it.
fn timeout(work: &mut Work<'_>, request: LeaseId) -> Result<Verdict, More> {
    if let Some(lease) = work.view().lease(request) {
        return Ok(Verdict::Granted(Arc::clone(lease)));
    }
    let Some(mut ticket) = work
        .view()
        .ticket(request)
        .filter(|ticket| ticket.is_waiting())
        .cloned()
    else {
        return Ok(Verdict::NotFound);
    };
    work.require(Key::overlaps(&ticket.claims))?;
    let until = work.policy().place_until(work.view().now());
    Arc::make_mut(&mut ticket).state = TicketState::Parked { until };
    work.push_leaving(Event::Parked { ticket })?;
    work.settle(None)?;
    Ok(Verdict::Done)
}

fn cancel(work: &mut Work<'_>, request: LeaseId) -> Result<Verdict, More> {
    let lease = work.view().lease(request).cloned();
    let event = match lease.as_ref().map(|lease| &lease.pickup) {
        Some(Pickup::Bound) => return Ok(Verdict::NotFound),
        Some(Pickup::Unbound(_)) => lease.map(|lease| Event::Released { lease }),
        None => {
            let ticket = work.view().ticket(request).cloned();
            ticket.map(|ticket| Event::Cancelled { ticket })
        }
    };
    let Some(event) = event else {
        return Ok(Verdict::NotFound);
    };
    let claims = match &event {
        Event::Released { lease } => &lease.claims,
        Event::Cancelled { ticket } => &ticket.claims,
        _ => return Ok(Verdict::NotFound),
    };
    work.require(Key::overlaps(claims))?;
    work.push_leaving(event)?;
    work.settle(None)?;
    Ok(Verdict::Done)
}

fn set_freeze(work: &mut Work<'_>, freeze: &Freeze) -> Result<Verdict, More> {
    if !freeze.is_on(work.view().now()) {
        return Ok(Verdict::NotFound);
    }
    work.push(Event::Frozen {
        freeze: Box::new(freeze.clone()),
    });
    work.settle(None)?;
    wake_waiters(work, &freeze.resource);
    Ok(Verdict::Done)
}

fn thaw(
    work: &mut Work<'_>,
    resource: &Resource,
    by: &Identity,
    force: bool,
) -> Result<Verdict, More> {
    let now = work.view().now();
    let on = |freeze: &&Freeze| freeze.resource == *resource && freeze.is_on(now);
    let own = |freeze: &Freeze| force || freeze.who.owner == by.owner;
    let there = work.view().freezes().filter(on).cloned();
    let (own, theirs): (Vec<Freeze>, Vec<Freeze>) = there.partition(own);
    if own.is_empty() {
        return Ok(theirs
            .into_iter()
            .next()
            .map_or(Verdict::NotFound, |freeze| {
                Verdict::FreezeNotYours(Box::new(freeze))
            }));
    }
    for freeze in own {
        work.push(Event::Thawed {
            freeze: Box::new(freeze),
            by: by.clone(),
        });
    }
    work.settle(None)?;
    wake_waiters(work, resource);
    Ok(Verdict::Done)
}

/// Wakes all who wait for something of this, and all who may wait behind those. A freeze and its end
/// change who is in whose way without anybody ending: who is frozen watches nobody, and whoever watched
/// it may now wait for somebody else. They look again whom to watch.
fn wake_waiters(work: &mut Work<'_>, resource: &Resource) {
    let overlap = |ticket: &Ticket, other: &Resource| {
        let mut claims = ticket.claims.iter();
        claims.any(|claim| claim.resource.overlaps(other))
    };
    let waiting: Vec<&Ticket> = work.view().tickets().filter(|t| t.is_waiting()).collect();
    let frozen = waiting.iter().filter(|ticket| overlap(ticket, resource));
    let claims: Vec<&Resource> = frozen
        .flat_map(|ticket| ticket.claims.iter().map(|claim| &claim.resource))
        .collect();
    let concerned = waiting
        .iter()
        .filter(|ticket| claims.iter().any(|resource| overlap(ticket, resource)));
    let concerned: Vec<LeaseId> = concerned.map(|ticket| ticket.request).collect();
    let new = |id: &LeaseId| !work.wakes.contains(id);
    let new: Vec<LeaseId> = concerned.into_iter().filter(new).collect();
    work.wakes.extend(new);
}
