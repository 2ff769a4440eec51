//! First come, first served; and nobody is forgotten.

use super::replay::{frozen, of, of_ticket, walk};
use crate::processes::story::{Commit, Story};
use leasehold_core::claim::any_conflict;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::seniority::Seniority;
use leasehold_core::{Claim, Lease, Ticket, View};

/// Nobody is granted past an earlier ticket for the same, but an older one that is pressed; and after no
/// commit a ticket waits that has nobody in its way.
pub(in crate::processes) fn in_order(story: &Story) -> Vec<String> {
    use leasehold_core::event::Event;
    let mut said = Vec::new();
    walk(story, |view, commit, event| {
        let ms = commit.at / 1_000_000;
        match event {
            Some(Event::Granted { lease, from, .. }) => {
                let ticket = match &lease.pickup {
                    Pickup::Unbound(ticket) => Some(ticket),
                    Pickup::Bound => from.as_ref(),
                };
                // What resumes a parked place and finds nobody in its way waits not at all.
                let waited = ticket.filter(|_| !lease.is_bound());
                if let Some(ticket) = waited.filter(|ticket| !is_waiting(view, ticket)) {
                    let text = of_ticket(story, ticket);
                    said.push(format!(
                        "at {ms} ms granted to one that did not wait: {text}"
                    ));
                }
                let number = ticket.map_or(u64::MAX, |ticket| ticket.number);
                if let Some(passed) = passed(view, commit, lease, number) {
                    let (one, two) = (of(story, lease), of_ticket(story, passed));
                    let tail = story.tail(commit.at);
                    said.push(format!(
                        "at {ms} ms {one} was granted before {two}; the log: {tail}"
                    ));
                }
            }
            None => {
                let is_idle = |ticket: &&Ticket| {
                    ticket.is_waiting()
                        && is_free(view, ticket)
                        && !is_thawing(story, commit, ticket)
                };
                let free = view.tickets().find(is_idle);
                let text = free.map(|ticket| of_ticket(story, ticket));
                said.extend(text.map(|text| format!("after {ms} ms nobody is in its way: {text}")));
            }
            Some(_) => {}
        }
    });
    said
}

/// A grant waits so long for somebody who is called.
const CALLED: u64 = 2_500_000_000;
/// Where whoever should call may be killed before it does: a waiter looks by itself after five seconds.
const LOOKED: u64 = 8_000_000_000;

/// Whoever is granted while it sleeps is called: nobody who lives and was left alone takes long to pick
/// his grant up.
pub(in crate::processes) fn called(story: &Story) -> Vec<String> {
    // On a machine that stands still everybody does.
    if story.stall.as_millis() > 500 || story.setting.may_fail() {
        return Vec::new();
    }
    let limit = if story.setting.is_calm() {
        CALLED
    } else {
        LOOKED
    };
    let mut said = Vec::new();
    for life in story.lives.iter().filter(|life| !life.lease.is_bound()) {
        let op = life.op.and_then(|op| story.ops.get(&op));
        let Some(op) = op.filter(|op| !op.is_disturbed() && op.inside.is_none()) else {
            continue;
        };
        let dropped = life.dropped.map(|(t, _)| t);
        let ends = [life.bound, dropped, story.boot_after(op.invoked)];
        let taken = ends.into_iter().flatten().min().unwrap_or(u64::MAX);
        if taken.saturating_sub(life.granted) > limit {
            let (ms, who) = (life.granted / 1_000_000, of(story, &life.lease));
            said.push(format!("granted at {ms} ms and not called: {who}"));
        }
    }
    said
}

/// Whether something of it is frozen, or was so just now. Each who waits for the end of a freeze wakes up
/// by itself; the first one's commit settles only what it overlaps.
fn is_thawing(story: &Story, commit: &Commit, ticket: &Ticket) -> bool {
    let mut frosts = story.frosts.iter();
    frosts.any(|frost| {
        let mut names = ticket.claims.iter().map(|claim| &claim.resource);
        let is_then = frost.set <= commit.at && commit.at < frost.over.saturating_add(LOOKED);
        is_then && names.any(|name| name.overlaps(&frost.freeze.resource))
    })
}

fn is_waiting(view: &View, ticket: &Ticket) -> bool {
    let known = view.tickets().find(|known| known.number == ticket.number);
    known.is_none_or(Ticket::is_waiting)
}

/// The earlier ticket that a grant goes past without being allowed to.
fn passed<'a>(view: &'a View, commit: &Commit, lease: &Lease, number: u64) -> Option<&'a Ticket> {
    let stands = |held: &Lease| held.kind == Kind::Standing && held.who.same_agent(&lease.who);
    let may_press = !lease.inside.is_empty() || view.leases().any(stands);
    view.tickets().find(|ticket| {
        let is_earlier =
            ticket.is_waiting() && ticket.number < number && ticket.request != lease.id;
        let is_older = may_press && lease.seniority < judged(view, ticket);
        let is_own = ticket.inside.contains(&lease.id);
        let need = need(view, ticket);
        // Whoever is frozen is in nobody's way.
        let is_active = is_earlier && frozen(view, commit, &need).is_none();
        is_active && !is_older && !is_own && any_conflict(&need, &lease.claims)
    })
}

/// The youngest of a ticket's own age and those of all it may hold.
fn judged(view: &View, ticket: &Ticket) -> Seniority {
    let theirs = |lease: &&Lease| {
        let agent = lease.who.agent();
        ticket.inside.contains(&lease.id)
            || lease.kind == Kind::Standing && agent.is_some_and(|own| ticket.agents.contains(&own))
    };
    let held = view.leases().filter(theirs).map(|lease| &lease.seniority);
    let own = &ticket.seniority;
    held.chain([own]).max().unwrap_or(own).clone()
}

/// What a ticket asks for that its chain does not cover.
fn need(view: &View, ticket: &Ticket) -> Vec<Claim> {
    let chain = ticket.inside.iter().filter_map(|id| view.lease(*id));
    let chain = chain.filter(|outer| ticket.kind == Kind::Scoped || outer.kind == Kind::Standing);
    let cover: Vec<&Claim> = chain.flat_map(|outer| &outer.claims).collect();
    let open = |claim: &&Claim| !cover.iter().any(|own| own.covers(claim));
    ticket.claims.iter().filter(open).cloned().collect()
}

/// Whether nothing at all is in the way of a ticket, be it dead or alive.
fn is_free(view: &View, ticket: &Ticket) -> bool {
    let is_outside = |lease: &&Lease| !ticket.inside.contains(&lease.id);
    let mut leases = view.leases().filter(is_outside);
    let is_held = leases.any(|lease| any_conflict(&ticket.claims, &lease.claims));
    let meets = |other: &&Ticket| other.is_waiting() && other.number != ticket.number;
    let same_pool = |other: &Ticket| {
        let mut pairs = ticket
            .claims
            .iter()
            .flat_map(|a| other.claims.iter().map(move |b| (a, b)));
        pairs.any(|(a, b)| a.same_pool(b))
    };
    let mut others = view.tickets().filter(meets);
    let is_queued =
        others.any(|other| any_conflict(&ticket.claims, &other.claims) || same_pool(other));
    let pools = ticket.claims.iter();
    let is_full = pools
        .filter_map(|claim| Some((claim, claim.slots?.get() as usize)))
        .any(|(pool, size)| taken(view, pool) >= size);
    !is_held && !is_queued && !is_full
}

/// How many slots of a pool are taken.
pub(super) fn taken(view: &View, pool: &Claim) -> usize {
    let has = |lease: &&Lease| lease.claims.iter().any(|own| own.same_pool(pool));
    view.leases().filter(has).count()
}

#[cfg(test)]
mod tests;
