//! The audit against the kernel as a sequential specification.
//!
//! The log gives the order of all commits, so nothing has to be searched: each event must follow from
//! the state before it by the plain rules, told here once more and without the kernel's code (only its
//! words: what conflicts, what covers). With `answers`, which finds for each answer a commit between its
//! question and itself, this is linearizability with the log as the witness order.

mod ends;

use self::ends::{freed, lapsed, may_be_dead, swept};
use super::queue;
use crate::processes::drive::agent;
use crate::processes::story::{Commit, Story, operation};
use leasehold_core::claim::any_conflict;
use leasehold_core::event::{Event, RefusedFor};
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_core::ticket::TicketState;
use leasehold_core::{Claim, Lease, LeaseId, Ticket, Timestamp, View};

/// A grant waits so long for its waiter.
const PICKUP_MS: u64 = 10_000;

/// Calls `each` with the state before every event, and afterwards with an empty list of events once more
/// after each commit.
pub(super) fn walk(story: &Story, mut each: impl FnMut(&View, &Commit, Option<&Event>)) {
    let mut view = View::whole(Timestamp::from_millis(0));
    for commit in &story.commits {
        for event in &commit.events {
            each(&view, commit, Some(event));
            view.apply(event);
        }
        each(&view, commit, None);
    }
}

/// Every event is legal after those before it.
pub(in crate::processes) fn legal(story: &Story) -> Vec<String> {
    let mut said = Vec::new();
    let mut last_token = 0;
    walk(story, |view, commit, event| {
        let Some(event) = event else { return };
        if let Event::Granted { lease, .. } = event {
            let token = lease.token.get();
            if token <= last_token {
                said.push(format!(
                    "token {token} of {} comes after {last_token}",
                    of(story, lease)
                ));
            }
            last_token = last_token.max(token);
        }
        if let Some(what) = wrong(story, view, commit, event) {
            let name = event.name();
            let (ms, tail) = (commit.at / 1_000_000, story.tail(commit.at));
            said.push(format!(
                "`{name}` at {ms} ms: {what}; the last of the log: {tail}"
            ));
        }
    });
    said
}

pub(super) fn of(story: &Story, lease: &Lease) -> String {
    let op = operation(&lease.holder.command).and_then(|op| story.ops.get(&op));
    let op = op.map_or_else(String::new, |op| format!(" of {}", op.line()));
    format!("{}{op}", lease.id)
}

pub(super) fn of_ticket(story: &Story, ticket: &Ticket) -> String {
    let op = operation(&ticket.holder.command).and_then(|op| story.ops.get(&op));
    let op = op.map_or_else(String::new, |op| format!(" of {}", op.line()));
    format!("ticket {} ({}){op}", ticket.number, ticket.request)
}

fn wrong(story: &Story, view: &View, commit: &Commit, event: &Event) -> Option<String> {
    let is_held = |lease: &Lease| view.lease(lease.id).is_some();
    match event {
        Event::Granted { lease, .. } => granted(story, view, commit, lease),
        Event::Bound { lease } => {
            let is_unbound = view
                .lease(lease.id)
                .is_some_and(|before| !before.is_bound());
            (!is_unbound).then(|| format!("nothing to pick up: {}", of(story, lease)))
        }
        Event::Renewed { lease } => {
            let before = view.lease(lease.id).filter(|before| before.is_bound());
            let ttl_ms = lease.ttl.map(leasehold_core::Ttl::as_millis);
            let expires = ttl_ms.map(|ttl_ms| Timestamp::from_millis(commit.at_ms + ttl_ms));
            let is_right = before.is_some() && lease.expires == expires;
            (!is_right).then(|| format!("not held, or not for its TTL: {}", of(story, lease)))
        }
        Event::Released { lease } | Event::Forced { lease, .. } if !is_held(lease) => {
            Some(format!("it was not held: {}", of(story, lease)))
        }
        Event::Forced { lease, by } if agent::is_swept_by(by.session.as_deref()) => {
            swept(story, view, commit, lease)
        }
        Event::Freed { lease } => freed(story, view, commit, lease),
        Event::Orphaned { lease } => {
            let may = is_held(lease) && may_be_dead(story, lease, commit.at);
            (!may).then(|| format!("its guard lives: {}", of(story, lease)))
        }
        Event::Lapsed { lease } => lapsed(story, view, commit, lease),
        Event::Passed { lease, .. } => {
            let before = view.lease(lease.id).filter(|before| !before.is_bound())?;
            let age_ms = commit.at_ms.saturating_sub(before.granted.as_millis());
            let may = age_ms >= PICKUP_MS || may_be_dead(story, lease, commit.at);
            (!may).then(|| format!("its waiter lives: {}", of(story, lease)))
        }
        Event::Queued { ticket, .. } => {
            let is_next = ticket.number > view.counters().number;
            (!is_next).then(|| format!("a number that was used: {}", of_ticket(story, ticket)))
        }
        Event::Resumed { ticket } => {
            let before = view.ticket(ticket.request);
            let same = view.tickets().find(|other| other.number == ticket.number);
            let was_parked = same.is_some_and(|same| !same.is_waiting());
            let is_new = before.is_none_or(|before| before.number == ticket.number);
            (!was_parked || !is_new)
                .then(|| format!("no parked place: {}", of_ticket(story, ticket)))
        }
        Event::Died { ticket, .. } => {
            let holds = !ticket.inside.is_empty() || stands(view, ticket);
            (!holds).then(|| format!("it holds nothing: {}", of_ticket(story, ticket)))
        }
        Event::Refused {
            id,
            claims,
            reason,
            by,
            ..
        } => refused(view, commit, *id, claims, *reason, *by),
        Event::Frozen { freeze } => {
            let is_on = freeze.is_on(Timestamp::from_millis(commit.at_ms));
            (!is_on).then(|| format!("it is over already: {}", freeze.resource))
        }
        Event::Thawed { freeze, .. } => {
            let is_there = view.freezes().any(|other| other.id == freeze.id);
            (!is_there).then(|| format!("it was not frozen: {}", freeze.resource))
        }
        Event::Dropped {
            tickets, freezes, ..
        } => {
            let now = Timestamp::from_millis(commit.at_ms);
            if let Some(freeze) = freezes.iter().find(|freeze| freeze.is_on(now)) {
                return Some(format!("it is frozen still: {}", freeze.resource));
            }
            let is_due = |ticket: &Ticket| match ticket.state {
                TicketState::Parked { until } => until.as_millis() <= commit.at_ms,
                TicketState::Waiting => false,
            };
            let early = tickets.iter().find(|ticket| !is_due(ticket))?;
            Some(format!(
                "its place is kept still: {}",
                of_ticket(story, early)
            ))
        }
        _ => None,
    }
}

fn granted(story: &Story, view: &View, commit: &Commit, lease: &Lease) -> Option<String> {
    if view.lease(lease.id).is_some() {
        return Some(format!("it is held already: {}", of(story, lease)));
    }
    if let Some(freeze) = frozen(view, commit, &lease.claims) {
        let (what, who) = (&freeze.resource, of(story, lease));
        return Some(format!("{what} is frozen when it is granted to {who}"));
    }
    let ttl_ms = lease.ttl.map(leasehold_core::Ttl::as_millis);
    let expires = ttl_ms.map(|ttl_ms| Timestamp::from_millis(commit.at_ms + ttl_ms));
    if lease.is_bound() && lease.expires != expires {
        return Some(format!("not for its TTL: {}", of(story, lease)));
    }
    let related =
        |other: &Lease| lease.inside.contains(&other.id) || other.inside.contains(&lease.id);
    let clash = view
        .leases()
        .find(|other| any_conflict(&lease.claims, &other.claims) && !related(other));
    if let Some(other) = clash {
        let (one, two) = (of(story, lease), of(story, other));
        return Some(format!("{two} has it when it is granted to {one}"));
    }
    let mut pools = lease.claims.iter().filter(|claim| claim.slots.is_some());
    let full = pools
        .find(|pool| queue::taken(view, pool) >= pool.slots.map_or(0, |n| n.get() as usize))?;
    Some(format!(
        "the pool {} is full when it is granted to {}",
        full.resource,
        of(story, lease)
    ))
}

/// What is frozen of it at the time of a commit.
pub(super) fn frozen<'a>(view: &'a View, commit: &Commit, claims: &[Claim]) -> Option<&'a Freeze> {
    let now = Timestamp::from_millis(commit.at_ms);
    let meets = |freeze: &Freeze| {
        let mut resources = claims.iter().map(|claim| &claim.resource);
        resources.any(|resource| resource.overlaps(&freeze.resource))
    };
    view.freezes()
        .find(|freeze| freeze.is_on(now) && meets(freeze))
}

fn stands(view: &View, ticket: &Ticket) -> bool {
    let is_its = |lease: &Lease| lease.kind == Kind::Standing && lease.who.same_agent(&ticket.who);
    view.leases().any(is_its)
}

fn refused(
    view: &View,
    commit: &Commit,
    id: LeaseId,
    claims: &[Claim],
    reason: RefusedFor,
    by: Option<LeaseId>,
) -> Option<String> {
    let meets = |theirs: &[Claim]| {
        let same_pool = |claim: &Claim| theirs.iter().any(|own| own.same_pool(claim));
        any_conflict(claims, theirs) || claims.iter().any(same_pool)
    };
    let is_freeze = |by: LeaseId| view.freezes().any(|freeze| freeze.id == by);
    let is_known = by.is_none_or(|by| match reason {
        RefusedFor::Frozen => is_freeze(by),
        _ => view.lease(by).is_some() || view.ticket(by).is_some(),
    });
    let lease = view.leases().any(|lease| meets(&lease.claims));
    let ticket = view
        .tickets()
        .any(|ticket| ticket.is_waiting() && meets(&ticket.claims));
    let is_so = match reason {
        RefusedFor::Held => lease || ticket,
        RefusedFor::Queued => ticket,
        RefusedFor::Frozen => frozen(view, commit, claims).is_some(),
    };
    (!is_known || !is_so).then(|| format!("nobody is in the way of {id} ({reason:?} by {by:?})"))
}

#[cfg(test)]
mod tests;
