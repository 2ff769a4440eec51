//! A history as people read it.

use crate::subject::Subject;
use leasehold_core::Claim;
use leasehold_core::command::Ask;
use leasehold_core::event::Event;
use leasehold_core::{Lease, Ticket};

/// What a commit did, in one line.
pub(super) fn events(events: &[Event]) -> String {
    let lines: Vec<String> = events.iter().map(event).collect();
    format!("    commit: {}", lines.join("; "))
}

fn event(event: &Event) -> String {
    let about = match (Subject::of(event), event) {
        (Subject::Ticket(ticket), _) => place(ticket),
        (Subject::Lease(lease), _) => held(lease),
        (Subject::Other, Event::Refused { id, reason, .. }) => format!("{id} {reason:?}"),
        (Subject::Other, Event::Frozen { freeze } | Event::Thawed { freeze, .. }) => {
            format!("{:?} until {:?}", freeze.resource, freeze.until)
        }
        (Subject::Other, _) => String::new(),
    };
    format!("{} {about}", event.name())
}

fn held(lease: &Lease) -> String {
    let bound = if lease.is_bound() { "bound" } else { "unbound" };
    let (id, token) = (lease.id, lease.token);
    let (kind, claims) = (lease.kind, claims(&lease.claims));
    format!(
        "{id} ({bound}, {kind:?}, token {token}, {claims}, expires {:?})",
        lease.expires
    )
}

fn place(ticket: &Ticket) -> String {
    let (request, number) = (ticket.request, ticket.number);
    let birth = ticket.seniority.birth.numbers();
    format!("{request} (ticket {number}, born {birth:?})")
}

/// A request in one line.
pub(super) fn ask(ask: &Ask) -> String {
    let mut text = format!(
        "{} asks as {} for {} {:?} {:?}",
        ask.id,
        ask.who
            .agent()
            .map_or_else(|| "nobody".to_owned(), |agent| format!("{agent:?}")),
        claims(&ask.claims),
        ask.kind,
        ask.wait,
    );
    if let Some(inside) = ask.inside {
        text += &format!(" inside {inside}");
    }
    if let Some(ttl) = ask.ttl {
        text += &format!(" ttl {} ms", ttl.as_millis());
    }
    if ask.strict || ask.keep_while_alive || ask.priority.is_some() {
        let (strict, keep) = (ask.strict, ask.keep_while_alive);
        text += &format!(" strict {strict} keep {keep} priority {:?}", ask.priority);
    }
    text
}

fn claims(claims: &[Claim]) -> String {
    let one = |claim: &Claim| match claim.slots {
        Some(size) => format!("{} 1/{size}", claim.resource),
        None => format!("{} {}", claim.resource, claim.intent),
    };
    let all: Vec<String> = claims.iter().map(one).collect();
    all.join(" + ")
}
