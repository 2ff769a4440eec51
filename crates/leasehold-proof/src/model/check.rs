//! What must hold in every state and at every step (kernel page, section 9).

use super::act::{Act, Done};
use super::event;
use super::facts::{Facts, Waiters};
use super::instance::Instance;
use super::table::numbers;
use super::world::{Hold, Phase, World};
use leasehold_core::{Lease, Ticket, event::Event, lease::Kind};

/// Judges one step: its grants, and that what it committed is settled.
pub(super) fn step(
    instance: &Instance,
    before: &World,
    act: Act,
    done: &Done,
    after: &World,
) -> Result<(), String> {
    if let Some(strange) = &done.strange {
        return Err(strange.clone());
    }
    if done.events.is_empty() {
        return Ok(());
    }
    let mut view = before.view.clone();
    for event in &done.events {
        match event {
            Event::Granted { lease, from, .. } => {
                event::grant(instance, before, act, &view, lease, from.as_deref())?;
            }
            Event::Lapsed { lease } | Event::Passed { lease, .. } => {
                event::taken(&instance.policy, &view, lease)?;
            }
            Event::Queued { ticket, .. } => event::place(&view, ticket)?,
            _ => {}
        }
        view.apply(event);
    }
    let known = Waiters::AsFarAsLookedAt;
    let after = Facts::new(instance, &after.view, known);
    let mut unsettled = after
        .active
        .iter()
        .filter(|r| !after.is_settled(r))
        .peekable();
    if unsettled.peek().is_none() {
        return Ok(());
    }
    // A commit settles what it is about. What a death or the time has brought about elsewhere is for
    // those to notice who watch there (see `wakes`).
    let before = Facts::new(instance, &before.view, known);
    let was = |request| before.active.iter().find(|q| q.ticket.request == request);
    let late = |request| was(request).is_some_and(|q| !before.is_settled(q));
    match unsettled.find(|r| !late(r.ticket.request)) {
        Some(r) => Err(format!("a commit left {} unsettled", request(r.ticket))),
        None => Ok(()),
    }
}

pub(super) fn request(ticket: &Ticket) -> String {
    format!(
        "the request of {} for {}",
        ticket.who.owner.name,
        claims(&ticket.claims)
    )
}

pub(super) fn claims(claims: &[leasehold_core::Claim]) -> String {
    let one = |claim: &leasehold_core::Claim| match claim.slots {
        Some(size) => format!("{}/{size}", claim.resource),
        None if claim.intent == leasehold_core::Intent::Consumes => format!("~{}", claim.resource),
        None => claim.resource.to_string(),
    };
    let each: Vec<String> = claims.iter().map(one).collect();
    each.join("+")
}

/// Judges one state.
pub(super) fn state(instance: &Instance, world: &World) -> Result<(), String> {
    exclusion(instance, world)?;
    holders(instance, world)?;
    let facts = Facts::new(instance, &world.view, Waiters::AsTheyAre);
    if facts.active.iter().all(|r| facts.is_legal(r)) {
        waits(&facts)?;
    }
    let can_go = |claim: usize| world.can_go(instance, claim);
    let frozen = world.view.freezes().next().is_some();
    let somebody = frozen || (0..world.stands.len()).any(can_go);
    if !facts.active.is_empty() && !somebody {
        return Err("deadlock: somebody waits and nobody can move".to_owned());
    }
    wakes(instance, world, &facts)
}

/// Two conflicting leases are in one chain; a pool has no more holders than slots. Lapsed leases count
/// too: any of them may be revived.
fn exclusion(instance: &Instance, world: &World) -> Result<(), String> {
    let leases: Vec<(&Lease, u32)> = world
        .view
        .leases()
        .map(|lease| (lease, instance.table.set(&lease.claims)))
        .collect();
    for (at, (lease, own)) in leases.iter().enumerate() {
        for (other, theirs) in &leases[at + 1..] {
            let related = lease.inside.contains(&other.id) || other.inside.contains(&lease.id);
            if !related && instance.table.conflict(*own, *theirs) {
                let (a, b) = (claims(&lease.claims), claims(&other.claims));
                let (x, y) = (&lease.who.owner.name, &other.who.owner.name);
                return Err(format!("{x} holds {a} while {y} holds {b}"));
            }
        }
        for (pool, size) in instance.table.pools(*own) {
            let holders = leases.iter().filter(|(_, theirs)| theirs & pool != 0);
            let claim = &instance.table.claims[pool.trailing_zeros() as usize];
            let slots: Vec<_> = holders.filter_map(|(l, _)| l.slot_of(claim)).collect();
            let mine = slots.iter().filter(|s| Some(**s) == lease.slot_of(claim));
            let outside = slots.iter().any(|slot| *slot as usize >= size);
            if slots.len() > size || mine.count() != 1 || outside {
                return Err(format!("slots {slots:?} of a pool of {size}"));
            }
        }
    }
    Ok(())
}

/// What a claim works under is there: a lease without TTL ends by nobody else's doing.
fn holders(instance: &Instance, world: &World) -> Result<(), String> {
    for (program, stand) in instance.programs.iter().zip(&world.stands) {
        for (request, hold) in program.requests.iter().zip(&stand.holds) {
            let Hold::Lease(id) = hold else { continue };
            let endless = request.ttl.is_none() && request.kind == Kind::Scoped;
            if endless && !world.view.lease(*id).is_some_and(|lease| lease.is_bound()) {
                return Err(format!(
                    "the lease of {} on {} is gone",
                    program.text, request.text
                ));
            }
        }
    }
    Ok(())
}

/// The graph "active ticket → tickets ahead, and tickets that hold a lease blocking it" has no cycle,
/// where all waits are legal. (Time alone judges nobody: at the end of a freeze there may be a cycle
/// until the next commit, which breaks it.)
fn waits(facts: &Facts<'_>) -> Result<(), String> {
    let edges = facts.waits_for();
    // Whoever waits only for those who do not wait is taken away until nobody is left.
    let mut left: u64 = (0..edges.len()).fold(0, |set, at| set | 1 << at);
    while left != 0 {
        let stuck = |at: &usize| left & (1 << at) != 0 && edges[*at] & left != 0;
        let next = (0..edges.len())
            .filter(stuck)
            .fold(0, |set, at| set | 1 << at);
        if next == left {
            let small = u32::try_from(left).unwrap_or(u32::MAX);
            let names = numbers(small).map(|at| request(facts.active[at].ticket));
            let names: Vec<String> = names.collect();
            return Err(format!("a cycle of waits: {}", names.join(", ")));
        }
        left = next;
    }
    Ok(())
}

/// No lost wake-up: who was granted or died is called; and where a death or the time has freed
/// something for a waiter, somebody asleep is about to notice.
fn wakes(instance: &Instance, world: &World, facts: &Facts<'_>) -> Result<(), String> {
    let mut noticed = false;
    for (claim, stand) in world.stands.iter().enumerate() {
        let Phase::Asleep(sleep) = &stand.phase else {
            continue;
        };
        let goes = world.can_go(instance, claim);
        let granted = world.view.lease(sleep.id).is_some();
        let mut own = facts.active.iter().filter(|r| r.ticket.request == sleep.id);
        let settles = granted || own.any(|r| facts.is_free(r));
        noticed |= goes && (!sleep.called || settles || world.has_thawed());
        // Whoever died ends when it sees that, and then those wake who watch it.
        noticed |= sleep.watches.iter().any(|watch| world.is_ending(watch.id));
        let waits = world
            .view
            .ticket(sleep.id)
            .is_some_and(|ticket| ticket.is_waiting());
        if !goes && !waits {
            let text = &instance.programs[claim].text;
            return Err(format!(
                "the wait of {text} has ended and it was not called"
            ));
        }
    }
    let unsettled = facts.active.iter().find(|r| !facts.is_settled(r));
    match unsettled {
        Some(r) if !noticed => {
            let name = request(r.ticket);
            Err(format!(
                "lost wake-up: {name} could be settled and nobody notices"
            ))
        }
        _ => Ok(()),
    }
}
