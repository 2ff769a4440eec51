//! Asking for a lease (kernel page, section 4).

use crate::claim::Claim;
use crate::command::{Ask, Wait};
use crate::event::{Event, RefusedFor};
use crate::identity::Agent;
use crate::lease::{Kind, Lease};
use crate::limits::{CHAIN_MAX, CLAIMS_MAX, SLOTS_MAX, TEXT_BYTES_MAX, TICKETS_MAX};
use crate::planted::Bug;
use crate::rules::is_full;
use crate::seniority::{Birth, Seniority};
use crate::settle::{Taken, Work, bind};
use crate::ticket::{Ticket, TicketState};
use crate::verdict::{Blocker, Death, Limit, More, Place, Refusal, Verdict};
use crate::view::{Key, View};
use crate::{card::Card, id::LeaseId};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::num::NonZeroU32;

/// Decides an ask.
pub(crate) fn ask(work: &mut Work<'_>, ask: &Ask) -> Result<Verdict, More> {
    if let Some(verdict) = answered_before(work, ask)? {
        return Ok(verdict);
    }
    if let Some(refusal) = out_of_limits(work, ask)? {
        return Ok(Verdict::Refused(refusal));
    }
    if let Some(lease) = own_standing(work, ask) {
        return renew_standing(work, ask, lease);
    }
    let Some(chain) = chain_of(work, ask)? else {
        return Ok(Verdict::Lost(ask.inside.unwrap_or(ask.id)));
    };
    if chain.len() > CHAIN_MAX {
        return Ok(Verdict::Refused(Refusal::Limit(Limit::Chain)));
    }
    if !chain.is_empty() && work.rules().need(&chain, &ask.claims, ask.kind).is_empty() {
        return Ok(Verdict::Joined(covering(work, ask, &chain)));
    }
    match ask.wait {
        Wait::No => ask_now(work, ask, chain),
        Wait::Millis(_) | Wait::Forever => ask_and_wait(work, ask, chain),
    }
}

/// Step 1: the same request again gets the same answer.
fn answered_before(work: &Work<'_>, ask: &Ask) -> Result<Option<Verdict>, More> {
    if Bug::ForgetRequest.is_planted() {
        return Ok(None);
    }
    if let Some(lease) = work.view().lease(ask.id) {
        return Ok(Some(Verdict::Granted(Arc::clone(lease))));
    }
    if let Some(ticket) = work
        .view()
        .ticket(ask.id)
        .filter(|ticket| ticket.is_waiting())
    {
        // The waiter watches what this names, so nothing in its way may be left out.
        work.require_closed()?;
        return Ok(Some(Verdict::Queued(Box::new(place(work, ticket)))));
    }
    let died = work.view().cards().any(|card| card.dead.request == ask.id);
    Ok(died.then(|| Verdict::Died(Box::default())))
}

/// Step 2: what can be refused without looking at anybody else, and pools of another size.
fn out_of_limits(work: &Work<'_>, ask: &Ask) -> Result<Option<Refusal>, More> {
    let claims = &ask.claims;
    let texts = [
        &ask.who.owner.name,
        &ask.who.owner.host,
        &ask.holder.command,
    ];
    let twice = |pool: &Claim| {
        claims
            .iter()
            .filter(|c| c.resource == pool.resource)
            .count()
            > 1
    };
    let pools = || claims.iter().filter(|claim| claim.slots.is_some());
    let limit = if claims.is_empty() {
        Limit::NoClaims
    } else if claims.len() > CLAIMS_MAX {
        Limit::Claims
    } else if pools().any(twice) {
        Limit::OwnClaims
    } else if pools().any(|claim| claim.slots.is_some_and(|size| size.get() > SLOTS_MAX)) {
        Limit::Slots
    } else if pools().any(|claim| !claim.resource.is_flat()) {
        Limit::SlotsOfTree
    } else if texts
        .into_iter()
        .chain(&ask.who.session)
        .any(|t| t.len() > TEXT_BYTES_MAX)
    {
        Limit::Text
    } else if ask.wait != Wait::No && work.view().tickets().count() >= TICKETS_MAX {
        Limit::Tickets
    } else if work.view().counters().number == u64::MAX
        || work.view().counters().token.get() + TICKETS_MAX as u64
            >= crate::token::FencingToken::MAX.get()
    {
        Limit::Tokens
    } else {
        for pool in pools() {
            if let Some(refusal) = other_size(work, pool)? {
                return Ok(Some(refusal));
            }
        }
        return Ok(None);
    };
    Ok(Some(Refusal::Limit(limit)))
}

/// A pool has one size for as long as anybody holds or waits on it.
fn other_size(work: &Work<'_>, pool: &Claim) -> Result<Option<Refusal>, More> {
    let other = |claim: &&Claim| claim.same_pool(pool) && claim.slots != pool.slots;
    let differs = |lease: &&Lease| lease.claims.iter().any(|claim| other(&claim));
    work.require_lives_of(work.view().leases().filter(differs))?;
    let held = work.rules().live_leases().flat_map(|lease| &lease.claims);
    let waiting = work
        .view()
        .tickets()
        .filter(|t| t.is_waiting())
        .flat_map(|t| &t.claims);
    let in_force = held
        .chain(waiting)
        .find(other)
        .and_then(|claim| claim.slots);
    let refusal = |size: NonZeroU32| Refusal::PoolSize {
        pool: pool.resource.clone(),
        in_force: size.get(),
    };
    Ok(in_force.map(refusal))
}

/// Step 3: the standing lease of exactly these claims that the agent has already.
fn own_standing(work: &Work<'_>, ask: &Ask) -> Option<Lease> {
    if ask.kind != Kind::Standing {
        return None;
    }
    let own = |lease: &&Lease| {
        lease.kind == Kind::Standing && lease.claims == ask.claims && lease.who.same_agent(&ask.who)
    };
    work.view().leases().find(own).cloned()
}

fn renew_standing(work: &mut Work<'_>, ask: &Ask, mut lease: Lease) -> Result<Verdict, More> {
    let was_bound = lease.is_bound();
    lease.ttl = ask.ttl;
    bind(&mut lease, work.view().now());
    let renewed = Arc::new(lease);
    let event = |lease| {
        if was_bound {
            Event::Renewed { lease }
        } else {
            Event::Bound { lease }
        }
    };
    work.push(event(renewed.clone()));
    work.settle(None)?;
    Ok(Verdict::Renewed(renewed))
}

/// Step 4: the chain of a request, or nothing where the lease it names is not live and bound.
fn chain_of(work: &Work<'_>, ask: &Ask) -> Result<Option<Vec<LeaseId>>, More> {
    let Some(inside) = ask.inside else {
        return Ok(Some(Vec::new()));
    };
    work.require([Key::Lease(inside)])?;
    let Some(lease) = work.view().lease(inside).filter(|lease| lease.is_bound()) else {
        return Ok(None);
    };
    let mut chain = Vec::with_capacity(lease.inside.len() + 1);
    chain.push(lease.id);
    chain.extend_from_slice(&lease.inside);
    work.require(chain.iter().map(|id| Key::Lease(*id)))?;
    let scoped = chain
        .iter()
        .filter_map(|id| work.view().lease(*id))
        .filter(|l| l.kind == Kind::Scoped);
    work.require(scoped.map(|lease| Key::Life(lease.id)))?;
    Ok(work.rules().is_live(lease).then_some(chain))
}

/// Returns the leases of the chain that cover the request, innermost first.
fn covering(work: &Work<'_>, ask: &Ask, chain: &[LeaseId]) -> Vec<LeaseId> {
    let covers = |lease: &&Lease| {
        (ask.kind == Kind::Scoped || lease.kind == Kind::Standing)
            && lease
                .claims
                .iter()
                .any(|own| ask.claims.iter().any(|claim| own.covers(claim)))
    };
    work.rules()
        .chain(chain)
        .filter(covers)
        .map(|lease| lease.id)
        .collect()
}

/// Parks the tickets that this request may come back to and whose waiters are dead: a killed wait is
/// taken up again where it was, whether or not its turn has come meanwhile.
fn park_the_dead(work: &mut Work<'_>, ask: &Ask, chain: &[LeaseId]) -> Result<(), More> {
    let own = |t: &&Ticket| t.is_waiting() && t.resumes(&ask.who, &ask.claims, ask.kind, chain);
    work.require(
        work.view()
            .tickets()
            .filter(own)
            .map(|ticket| Key::Life(ticket.request)),
    )?;
    let rules = work.rules();
    let gone = work
        .view()
        .tickets()
        .filter(own)
        .filter(|ticket| rules.waiter_is_gone(ticket));
    let until = work.policy().place_until(work.view().now());
    let parked = gone.map(|t| Ticket {
        state: TicketState::Parked { until },
        ..t.clone()
    });
    let parked: Vec<Ticket> = parked.collect();
    for ticket in parked {
        work.push_leaving(Event::Parked {
            ticket: Arc::new(ticket),
        })?;
    }
    Ok(())
}

/// The ticket that a request would have, with the place or the age that is kept for it.
struct Newcomer {
    ticket: Ticket,
    parked: Option<Ticket>,
    spent: Option<Card>,
}

fn newcomer(work: &Work<'_>, ask: &Ask, chain: Vec<LeaseId>) -> Result<Newcomer, More> {
    work.require([Key::Place(ask.who.place())])?;
    let (view, now) = (work.view(), work.view().now());
    let kept = |t: &&Ticket| {
        matches!(t.state, TicketState::Parked { until } if now < until)
            && t.resumes(&ask.who, &ask.claims, ask.kind, &chain)
    };
    // Its own place before an older one of the same place key: no two tickets have one request.
    let own = view
        .tickets()
        .filter(kept)
        .find(|ticket| ticket.request == ask.id);
    let parked = own.or_else(|| view.tickets().find(kept)).cloned();
    let number = parked
        .as_ref()
        .map_or(view.counters().number + 1, |ticket| ticket.number);
    let outer = ask.inside.and_then(|inside| view.lease(inside));
    let fits = |card: &&Card| now < card.until && card.fits(&ask.who, &ask.claims, ask.kind);
    let spent = view
        .cards()
        .find(fits)
        .filter(|_| parked.is_none() && outer.is_none())
        .cloned();
    let birth = match (&parked, outer, &spent) {
        (Some(ticket), _, _) => ticket.seniority.birth.clone(),
        (None, Some(lease), _) => lease.seniority.birth.inside(number),
        (None, None, Some(card)) => card.birth.clone(),
        (None, None, None) => Birth::top(number),
    };
    let inherited = outer.map(|lease| lease.seniority.priority);
    let priority = ask
        .priority
        .or(inherited)
        .unwrap_or(Seniority::PRIORITY_DEFAULT);
    let ticket = Ticket {
        number,
        request: ask.id,
        who: ask.who.clone(),
        claims: ask.claims.clone(),
        kind: ask.kind,
        agents: agents_of(work, ask, &chain),
        inside: chain,
        seniority: Seniority { priority, birth },
        state: TicketState::Waiting,
        wait_until: match ask.wait {
            Wait::No | Wait::Forever => None,
            Wait::Millis(millis) => Some(now.plus_millis(millis)),
        },
        ttl: ask.ttl,
        keep_while_alive: ask.keep_while_alive,
        strict: ask.strict,
        since: parked.as_ref().map_or(now, |ticket| ticket.since),
        holder: ask.holder.clone(),
    };
    Ok(Newcomer {
        ticket,
        parked,
        spent,
    })
}

/// Returns the agents whose standing leases a request counts as holding: those too of leases of its
/// chain that lapsed, which a renewal can bring back.
fn agents_of(work: &Work<'_>, ask: &Ask, chain: &[LeaseId]) -> Vec<Agent> {
    let outer = chain.iter().filter_map(|id| work.view().lease(*id));
    let outer = outer.filter_map(|lease| lease.who.agent());
    let mut agents: Vec<Agent> = ask.who.agent().into_iter().chain(outer).collect();
    agents.sort();
    agents.dedup();
    agents
}

/// Step 5: without waiting. Such a request is never a ticket: it overtakes nobody and never dies.
fn ask_now(work: &mut Work<'_>, ask: &Ask, chain: Vec<LeaseId>) -> Result<Verdict, More> {
    park_the_dead(work, ask, &chain)?;
    work.require_lives()?;
    work.settle(None)?;
    let Newcomer {
        ticket,
        parked,
        spent,
    } = newcomer(work, ask, chain)?;
    work.require(ticket.agents.iter().cloned().map(Key::Standing))?;
    if let Some((refusal, reason, by)) = in_the_way(work, &ticket) {
        let (who, claims) = (ask.who.clone(), ask.claims.clone());
        work.push(Event::Refused {
            id: ask.id,
            who,
            claims,
            reason,
            by,
        });
        return Ok(Verdict::Refused(refusal));
    }
    work.grant_ticket(
        Arc::new(ticket),
        Taken::AtOnce {
            from: parked.map(Arc::new),
            spent,
        },
    )?;
    work.settle(None)?;
    Ok(granted(work, ask.id))
}

/// Returns what stands in the way of a request that does not wait.
fn in_the_way(work: &Work<'_>, ticket: &Ticket) -> Option<(Refusal, RefusedFor, Option<LeaseId>)> {
    let rules = work.rules();
    let need = rules.need(&ticket.inside, &ticket.claims, ticket.kind);
    let frozen: Vec<_> = rules.freezes_on(&need).cloned().collect();
    if !frozen.is_empty() {
        let by = frozen.first().map(|freeze| freeze.id);
        return Some((Refusal::Frozen(frozen), RefusedFor::Frozen, by));
    }
    let active: Vec<&Ticket> = work
        .view()
        .tickets()
        .filter(|t| rules.is_active(t))
        .collect();
    // What their chain covers they do not wait for.
    let needs = |t: &Ticket, pool: &Claim| {
        rules
            .need(&t.inside, &t.claims, t.kind)
            .iter()
            .any(|c| c.same_pool(pool))
    };
    let waiting = |pool: &Claim| active.iter().filter(|t| needs(t, pool)).count();
    let leases = rules.lease_blockers(&ticket.inside, &need, waiting);
    let leases: Vec<Lease> = leases.into_iter().cloned().collect();
    let full = |pool: &&Claim| {
        let held = |l: &&Lease| l.claims.iter().any(|own| own.same_pool(pool));
        let holders = rules.live_leases().filter(held).count();
        is_full(pool, holders + waiting(pool))
    };
    let ahead = active.iter().filter(|t| {
        let theirs = rules.need(&t.inside, &t.claims, t.kind);
        crate::claim::any_conflict(&theirs, &need)
            || need
                .iter()
                .filter(|pool| needs(t, pool))
                .any(|pool| full(&pool))
    });
    let reason = if leases.is_empty() {
        RefusedFor::Queued
    } else {
        RefusedFor::Held
    };
    let tickets = ahead.map(|t| Blocker::Ticket(Arc::new((*t).clone())));
    let blockers = leases
        .into_iter()
        .map(|lease| Blocker::Lease(Arc::new(lease)));
    let blockers: Vec<Blocker> = blockers.chain(tickets).collect();
    let by = blockers.first().map(Blocker::id)?;
    Some((Refusal::Held(blockers), reason, Some(by)))
}

/// Steps 6 and 7: take a place, and settle with it as the newcomer.
fn ask_and_wait(work: &mut Work<'_>, ask: &Ask, chain: Vec<LeaseId>) -> Result<Verdict, More> {
    park_the_dead(work, ask, &chain)?;
    let Newcomer {
        ticket,
        parked,
        spent,
    } = newcomer(work, ask, chain)?;
    let (first, ticket) = (work.events.len(), Arc::new(ticket));
    work.push(match parked {
        Some(_) => Event::Resumed {
            ticket: ticket.clone(),
        },
        None => Event::Queued {
            ticket: ticket.clone(),
            spent: spent.map(Box::new),
        },
    });
    work.settle(Some(ask.id))?;
    if work.view().lease(ask.id).is_some() {
        work.fold_newcomer(first);
        return Ok(granted(work, ask.id));
    }
    match work.view().ticket(ask.id) {
        Some(ticket) => Ok(Verdict::Queued(Box::new(place(work, ticket)))),
        None => {
            let died_in = work.died_in.as_ref().expect("a newcomer that is gone died");
            Ok(Verdict::Died(Box::new(death(work, died_in, &ticket))))
        }
    }
}

fn granted(work: &Work<'_>, id: LeaseId) -> Verdict {
    match work.view().lease(id) {
        Some(lease) => Verdict::Granted(Arc::clone(lease)),
        // Settling saw the asker itself dead: nobody is there to hear it.
        None => Verdict::Lost(id),
    }
}

/// Returns where a waiting ticket stands.
pub(crate) fn place(work: &Work<'_>, ticket: &Ticket) -> Place {
    let rules = work.rules();
    let judged = rules.judge();
    let own = judged.iter().find(|r| r.ticket.number == ticket.number);
    let need = rules.need(&ticket.inside, &ticket.claims, ticket.kind);
    Place {
        ticket: Arc::new(ticket.clone()),
        ahead: own.map_or(0, |r| rules.ticket_blockers(&judged, r).count()),
        blockers: own.map_or_else(Vec::new, |r| rules.blockers(&judged, r)),
        frozen: rules.freezes_on(&need).cloned().collect(),
    }
}

/// Returns why a ticket had to die, from the view in which it still waited.
pub(crate) fn death(work: &Work<'_>, before: &View, ticket: &Ticket) -> Death {
    let work = Work::new(before, work.policy());
    let Some(ticket) = before.ticket(ticket.request) else {
        return Death::default();
    };
    let (rules, place) = (work.rules(), place(&work, ticket));
    let mut death = Death {
        blockers: place.blockers,
        ..Death::default()
    };
    for (presser, lease) in rules.pressers(&rules.holds(ticket)) {
        if !death.wanted.iter().any(|known| known.id == lease.id) {
            death.wanted.push(lease.clone());
        }
        if !death
            .pressers
            .iter()
            .any(|known| known.number == presser.number)
        {
            death.pressers.push(presser.clone());
        }
    }
    death
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::{FencingToken, view::Counters};
    use crate::{Identity, Intent, Resource, Timestamp, decide::decide, limits::Policy};

    /// In a workspace where these were the last numbers given out.
    fn ask_after(number: u64, token: FencingToken) -> Verdict {
        let mut view = View::new(Timestamp::from_millis(1), Counters { number, token });
        view.mark_loaded(Key::All);
        let claim = Claim::new(Resource::parse("build").unwrap(), Intent::Mutates);
        let who = Identity::nameless("ada", "host");
        let ask = Ask::new(LeaseId::new(1), who, alloc::vec![claim]);
        let decision = decide(&view, &Command::Ask(ask), &Policy::default());
        decision.unwrap().verdict
    }

    #[test]
    fn the_last_number_and_the_last_tokens_are_not_gone_beyond() {
        let (first, last) = (FencingToken::new(1).unwrap(), FencingToken::MAX);
        assert!(matches!(
            ask_after(u64::MAX - 1, first),
            Verdict::Granted(_)
        ));
        for verdict in [ask_after(u64::MAX, first), ask_after(1, last)] {
            let limit = Verdict::Refused(Refusal::Limit(Limit::Tokens));
            assert_eq!(verdict, limit);
        }
    }
}
