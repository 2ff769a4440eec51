//! The laws as they stand, checked on random programs after every commit, without the model.

use crate::model::names::{Claim, clash, name_of, overlap};
use crate::model::state::{Answer, State};
use crate::program::{Program, about, config, events, every_key, programs};
use crate::world::{World, short_times};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::decide::{decide, place};
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::seniority::Seniority;
use leasehold_core::ticket::TicketState;
use leasehold_core::verdict::{Blocker, Decision};
use leasehold_core::view::Pulse;
use leasehold_core::{Lease, Ticket, Timestamp, View, event::Event};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn check(program: &Program) -> Result<(), TestCaseError> {
    let mut trail = String::new();
    catch_unwind(AssertUnwindSafe(|| judge(program, &mut trail)))
        .unwrap_or_else(|_| Err(TestCaseError::fail("the kernel panicked")))
        .map_err(|error| TestCaseError::fail(format!("{error}\n{trail}")))
}

fn judge(program: &Program, trail: &mut String) -> Result<(), TestCaseError> {
    let mut world = World::new(short_times(program.setting.lock_delay_ms));
    for (at, step) in program.steps.iter().enumerate() {
        let Some(command) = step.play(&program.setting, &mut world, at as u128 + 1) else {
            continue;
        };
        world.look();
        let before = world.clone();
        *trail += &about(&world, &command);
        let decision = world.run(&command);
        *trail += &events(&decision);
        exclusion(&world)?;
        grants(&before, &command, &decision)?;
        idempotence(&before, &world, &decision)?;
        repetition(&mut world, &command, &decision)?;
        if !decision.events.is_empty() {
            let timer = world.decide(&Command::Timer(every_key(&program.setting)));
            prop_assert_eq!(timer.events, vec![], "a settled view settles again");
            queue(&world)?;
        }
    }
    let mut replayed = View::whole(Timestamp::from_millis(0));
    replayed.apply_all(&world.log);
    prop_assert_eq!(
        State::of(&replayed),
        State::of(&world.view),
        "the log is not the state"
    );
    Ok(())
}

/// L1 and §9: two conflicting leases are in one chain; a pool has no more holders than slots. Lapsed
/// leases count here too: any of them may be revived.
fn exclusion(world: &World) -> Result<(), TestCaseError> {
    let leases: Vec<&Lease> = world.view.leases().collect();
    let mut ids = BTreeSet::new();
    for lease in &leases {
        prop_assert!(ids.insert(lease.id), "two leases with one id");
        let claims = Claim::list(&lease.claims);
        for other in leases.iter().filter(|other| other.token > lease.token) {
            let related = lease.inside.contains(&other.id) || other.inside.contains(&lease.id);
            let apart = !clash(&claims, &Claim::list(&other.claims));
            prop_assert!(related || apart, "{:?} beside {:?}", lease, other);
        }
        for pool in lease.claims.iter().filter(|claim| claim.slots.is_some()) {
            let size = pool.slots.map_or(0, NonZeroU32::get);
            let slots = leases.iter().filter_map(|other| other.slot_of(pool));
            let taken: Vec<u32> = slots.collect();
            prop_assert!(
                taken.len() <= size as usize,
                "{} in a pool of {}",
                taken.len(),
                size
            );
            let once = taken
                .iter()
                .filter(|slot| Some(**slot) == lease.slot_of(pool))
                .count();
            prop_assert!(
                once == 1 && taken.iter().all(|slot| *slot < size),
                "slots {:?}",
                taken
            );
        }
    }
    for ticket in world.view.tickets() {
        prop_assert!(ids.insert(ticket.request), "a request stands there twice");
    }
    Ok(())
}

/// What has to hold at each single grant: tokens, all or nothing, freezes, bounded bypass, wakes.
fn grants(before: &World, command: &Command, decision: &Decision) -> Result<(), TestCaseError> {
    let mut at = before.clone();
    for event in &decision.events {
        if let Event::Granted { lease, .. } = event {
            prop_assert!(
                lease.token > at.view.counters().token,
                "a token that does not rise"
            );
            let (ticket, waits) = match (&lease.pickup, command) {
                (Pickup::Unbound(ticket), _) => (Ticket::clone(ticket), true),
                (_, Command::Ask(ask)) => (newcomer(&at, lease, ask), ask.wait != Wait::No),
                _ => return Err(TestCaseError::fail("a grant out of nothing")),
            };
            all_or_nothing(&at, lease, &ticket.claims)?;
            let frozen = at.view.freezes().find(|freeze| {
                let hit = |claim: &Claim| overlap(claim.what, name_of(&freeze.resource));
                freeze.is_on(at.view.now()) && Claim::list(&lease.claims).iter().any(hit)
            });
            prop_assert_eq!(frozen, None, "granted through a freeze");
            bypass(&at, waits.then_some(&ticket), lease)?;
            let waiter = !lease.is_bound();
            prop_assert!(
                !waiter || decision.wakes.contains(&lease.id),
                "nobody wakes the waiter"
            );
        }
        if let Event::Died { ticket, .. } = event {
            prop_assert!(
                decision.wakes.contains(&ticket.request),
                "nobody wakes the dead"
            );
        }
        at.view.apply(event);
    }
    Ok(())
}

/// The ticket that a request was, or would have been, for which its lease was granted at once.
fn newcomer(at: &World, lease: &Lease, ask: &Ask) -> Ticket {
    let outer = ask.inside.and_then(|id| at.view.lease(id));
    let inherited = outer.map(|outer| outer.seniority.priority);
    let priority = ask
        .priority
        .or(inherited)
        .unwrap_or(Seniority::PRIORITY_DEFAULT);
    Ticket {
        number: lease.number,
        request: ask.id,
        who: ask.who.clone(),
        claims: ask.claims.clone(),
        kind: ask.kind,
        inside: lease.inside.clone(),
        agents: Vec::new(),
        seniority: Seniority {
            priority,
            birth: lease.birth.clone(),
        },
        state: TicketState::Waiting,
        wait_until: None,
        ttl: ask.ttl,
        keep_while_alive: ask.keep_while_alive,
        strict: ask.strict,
        since: lease.granted,
        holder: ask.holder.clone(),
    }
}

/// Every claim asked for is in the lease or covered by a lease of its chain.
fn all_or_nothing(
    at: &World,
    lease: &Lease,
    asked: &[leasehold_core::Claim],
) -> Result<(), TestCaseError> {
    let found = lease.inside.iter().filter_map(|id| at.view.lease(*id));
    let chain: Vec<&Lease> = found.map(AsRef::as_ref).collect();
    for claim in asked.iter().filter(|claim| !lease.claims.contains(claim)) {
        let claim = Claim::of(claim);
        let covered = chain.iter().any(|outer| {
            is_live(at, outer)
                && Claim::list(&outer.claims)
                    .iter()
                    .any(|own| own.covers(&claim))
        });
        prop_assert!(
            covered,
            "{:?} was asked for and is not in {:?}",
            claim,
            lease
        );
    }
    Ok(())
}

/// A grant passes an earlier conflicting ticket only if it is pressed and older; a request that does
/// not wait passes nobody.
fn bypass(at: &World, ticket: Option<&Ticket>, lease: &Lease) -> Result<(), TestCaseError> {
    let claims = Claim::list(&lease.claims);
    let Some(r) = ticket else {
        let passed = active(at).find(|q| clash(&claims, &need(at, q)));
        prop_assert_eq!(passed, None, "passed by one who does not wait");
        return Ok(());
    };
    let held = held_by(at, r);
    let mine = judged(&held, &r.seniority);
    let wanted = |ticket: &Ticket| {
        held.iter().any(|lease| {
            let claims = Claim::list(&lease.claims);
            let slot = need(at, ticket)
                .iter()
                .any(|c| claims.iter().any(|own| own.same_pool(c)));
            (!ticket.inside.contains(&lease.id) && clash(&claims, &need(at, ticket))) || slot
        })
    };
    let in_the_way = held
        .iter()
        .any(|held| !lease.inside.contains(&held.id) && clash(&Claim::list(&held.claims), &claims));
    let pressed = r.strict || in_the_way || active(at).any(wanted);
    for q in active(at).filter(|q| q.number != lease.number && clash(&claims, &need(at, q))) {
        let theirs = judged(&held_by(at, q), &q.seniority);
        let may = q.number > lease.number || (pressed && mine < theirs);
        prop_assert!(may, "{:?} passed {:?}", lease, q);
    }
    Ok(())
}

fn judged(held: &[&Lease], own: &Seniority) -> Seniority {
    held.iter()
        .map(|lease| &lease.seniority)
        .max()
        .filter(|age| *age > own)
        .unwrap_or(own)
        .clone()
}

fn active(at: &World) -> impl Iterator<Item = &Ticket> {
    at.view.tickets().filter(|ticket| {
        let frozen = at.view.freezes().any(|freeze| {
            let hit = |claim: &Claim| overlap(claim.what, name_of(&freeze.resource));
            freeze.is_on(at.view.now()) && need(at, ticket).iter().any(hit)
        });
        let over = ticket
            .wait_until
            .is_some_and(|until| until <= at.view.now());
        ticket.is_waiting() && !over && at.life(ticket.request).holder == Pulse::Alive && !frozen
    })
}

fn need(at: &World, ticket: &Ticket) -> Vec<Claim> {
    let found = ticket.inside.iter().filter_map(|id| at.view.lease(*id));
    let chain = found.map(AsRef::as_ref);
    let covers = |lease: &&Lease| {
        is_live(at, lease) && (ticket.kind == Kind::Scoped || lease.kind == Kind::Standing)
    };
    let cover: Vec<Claim> = chain
        .filter(covers)
        .flat_map(|l| Claim::list(&l.claims))
        .collect();
    let mut claims = Claim::list(&ticket.claims);
    claims.retain(|claim| !cover.iter().any(|own| own.covers(claim)));
    claims
}

fn held_by<'a>(at: &'a World, ticket: &Ticket) -> Vec<&'a Lease> {
    let inside = &ticket.inside;
    let live = || at.view.leases().filter(|lease| is_live(at, lease));
    let chain: Vec<&Lease> = live().filter(|lease| inside.contains(&lease.id)).collect();
    let mut agents: Vec<_> = chain.iter().filter_map(|lease| lease.who.agent()).collect();
    agents.extend(ticket.who.agent());
    let theirs = |lease: &&Lease| {
        let agent = lease.who.agent().filter(|_| lease.kind == Kind::Standing);
        inside.contains(&lease.id) || agent.is_some_and(|agent| agents.contains(&agent))
    };
    live().filter(theirs).collect()
}

fn is_live(at: &World, lease: &Lease) -> bool {
    let (now, life) = (at.view.now(), at.life(lease.id));
    if !lease.is_bound() {
        let age_ms = now.millis_since(lease.granted);
        return life.holder == Pulse::Alive && age_ms < at.policy.pickup_ms;
    }
    if lease.kind == Kind::Scoped && life.holder == Pulse::Dead {
        let since = lease.orphaned.unwrap_or(now);
        return life.command == Pulse::Alive && now.millis_since(since) < at.policy.orphan_ms;
    }
    let kept = lease.kind == Kind::Scoped && lease.keep_while_alive;
    kept || lease
        .expires
        .is_none_or(|end| now < end.plus_millis(at.policy.lock_delay_ms))
}

/// §9: no active ticket is without blockers, and the wait graph has no cycle.
fn queue(world: &World) -> Result<(), TestCaseError> {
    let mut edges: Vec<(u64, u64)> = Vec::new();
    for ticket in active(world) {
        let stands = place(&world.view, ticket.request, &world.policy);
        let Ok(Some(stands)) = stands else {
            return Err(TestCaseError::fail("it has no place"));
        };
        prop_assert!(
            !stands.blockers.is_empty(),
            "nothing is in the way of {:?}",
            ticket
        );
        for blocker in &stands.blockers {
            match blocker {
                Blocker::Ticket(ahead) => edges.push((ticket.number, ahead.number)),
                Blocker::Lease(lease) => edges.extend(
                    active(world)
                        .filter(|q| held_by(world, q).iter().any(|held| held.id == lease.id))
                        .map(|q| (ticket.number, q.number)),
                ),
            }
        }
    }
    // Whoever waits only for those who do not wait is taken away until nobody is left.
    let mut left: BTreeSet<u64> = edges.iter().map(|(from, _)| *from).collect();
    while !left.is_empty() {
        let stuck = |n: &u64| {
            edges
                .iter()
                .any(|(from, to)| from == n && left.contains(to))
        };
        let next: BTreeSet<u64> = left.iter().copied().filter(stuck).collect();
        prop_assert!(
            next.len() < left.len(),
            "a cycle among {:?} of {:?}",
            left,
            edges
        );
        left = next;
    }
    Ok(())
}

/// Applying twice is applying once.
fn idempotence(before: &World, world: &World, decision: &Decision) -> Result<(), TestCaseError> {
    let mut twice = before.view.clone();
    twice.apply_all(&decision.events);
    twice.apply_all(&decision.events);
    prop_assert_eq!(State::of(&twice), State::of(&world.view), "applied twice");
    Ok(())
}

/// L14: the same request again gets the same answer and writes nothing.
fn repetition(
    world: &mut World,
    command: &Command,
    decision: &Decision,
) -> Result<(), TestCaseError> {
    let answer = Answer::of(&decision.verdict);
    // A waiter that is seen dead is parked, which ends its answer.
    if matches!(command, Command::Ask(ask) if !world.dead_holders.contains(&ask.id.bits()))
        && matches!(answer, Answer::Granted { .. } | Answer::Queued { .. })
    {
        world.look();
        let again = decide(&world.view, command, &world.policy);
        let Ok(again) = again else {
            return Err(TestCaseError::fail("a whole view is enough"));
        };
        prop_assert_eq!(Answer::of(&again.verdict), answer);
        prop_assert_eq!(again.events, vec![]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_laws_hold_after_every_commit(program in programs(30)) {
        check(&program)?;
    }
}
