//! What must hold at each single event: tokens, all or nothing, freezes, bounded bypass, places.

use super::act::Act;
use super::check::{claims, request};
use super::facts::{Facts, Waiters, is_live};
use super::instance::Instance;
use super::program::{Request, Step};
use super::world::World;
use leasehold_core::lease::Pickup;
use leasehold_core::limits::Policy;
use leasehold_core::seniority::Seniority;
use leasehold_core::ticket::TicketState;
use leasehold_core::{Lease, Ticket, View};

/// Nothing is taken from anybody who has it by right, orphans among them.
pub(super) fn taken(policy: &Policy, view: &View, lease: &Lease) -> Result<(), String> {
    let (owner, what) = (&lease.who.owner.name, claims(&lease.claims));
    match is_live(policy, view, lease) {
        true => Err(format!(
            "{what} was taken from {owner}, which has it by right"
        )),
        false => Ok(()),
    }
}

/// Places keep: nobody is put at the end of the queue who has a place in it.
pub(super) fn place(view: &View, ticket: &Ticket) -> Result<(), String> {
    let kept = |old: &Ticket| match old.state {
        TicketState::Parked { until } => view.now() < until,
        TicketState::Waiting => false,
    };
    let own = |old: &&Ticket| {
        old.who == ticket.who
            && old.claims == ticket.claims
            && old.kind == ticket.kind
            && old.inside == ticket.inside
    };
    match view.tickets().filter(own).any(kept) {
        true => Err(format!("the place of {} was not kept", request(ticket))),
        false => Ok(()),
    }
}

/// Judges one grant in the view that it was made in: token, all or nothing, freezes, bounded bypass.
pub(super) fn grant(
    instance: &Instance,
    before: &World,
    act: Act,
    view: &View,
    lease: &Lease,
    from: Option<&Ticket>,
) -> Result<(), String> {
    if lease.token <= view.counters().token {
        return Err(format!("token {} was given out before", lease.token));
    }
    let own = match act {
        Act::Go(claim) => match instance.programs[claim].steps[before.stands[claim].at] {
            Step::Take(request) => Some(&instance.programs[claim].requests[request]),
            Step::Give(_) => None,
        },
        _ => None,
    };
    let (ticket, waits) = match (&lease.pickup, from, own) {
        (Pickup::Unbound(ticket), ..) => (Ticket::clone(ticket), true),
        (Pickup::Bound, from, Some(own)) => {
            let ticket = from.cloned().unwrap_or_else(|| newcomer(view, lease, own));
            (ticket, own.waits)
        }
        (Pickup::Bound, _, None) => return Err("a grant out of nothing".to_owned()),
    };
    let name = request(&ticket);
    let chain = view
        .leases()
        .filter(|outer| ticket.inside.contains(&outer.id));
    let chain = chain.filter(|outer| is_live(&instance.policy, view, outer));
    let cover = chain.fold(0, |set, outer| set | instance.table.set(&outer.claims));
    let got = instance.table.set(&lease.claims) | instance.table.covered_by(cover);
    if instance.table.set(&ticket.claims) & !got != 0 {
        return Err(format!(
            "{name} was granted in part: {}",
            claims(&lease.claims)
        ));
    }
    let mut freezes = view.freezes().filter(|freeze| freeze.is_on(view.now()));
    let own_claims = instance.table.set(&lease.claims);
    let hits = |resource| instance.table.on(resource) & own_claims != 0;
    if freezes.any(|freeze| hits(&freeze.resource)) {
        return Err(format!("{name} was granted through a freeze"));
    }
    bypass(instance, view, &ticket, waits, lease)
}

/// The ticket that a request would have been that was granted at once.
fn newcomer(view: &View, lease: &Lease, asked: &Request) -> Ticket {
    let outer = lease.inside.first().and_then(|id| view.lease(*id));
    let inherited = outer.map(|outer| outer.seniority.priority);
    let priority = asked.priority.or(inherited);
    Ticket {
        number: lease.number,
        request: lease.id,
        who: lease.who.clone(),
        claims: asked.claims.clone(),
        kind: lease.kind,
        inside: lease.inside.clone(),
        agents: Vec::new(),
        seniority: Seniority {
            priority: priority.unwrap_or(Seniority::PRIORITY_DEFAULT),
            birth: lease.birth.clone(),
        },
        state: TicketState::Waiting,
        wait_until: None,
        ttl: lease.ttl,
        keep_while_alive: lease.keep_while_alive,
        strict: asked.strict,
        since: lease.granted,
        holder: lease.holder.clone(),
    }
}

/// A grant passes an earlier conflicting active ticket only if it is pressed and older. A request that
/// does not wait passes nobody.
fn bypass(
    instance: &Instance,
    view: &View,
    ticket: &Ticket,
    waits: bool,
    lease: &Lease,
) -> Result<(), String> {
    let claims = instance.table.set(&lease.claims);
    let mut with = view.clone();
    if waits {
        with.put_ticket(Ticket {
            state: TicketState::Waiting,
            wait_until: None,
            ..ticket.clone()
        });
    }
    let facts = Facts::new(instance, &with, Waiters::AsFarAsLookedAt);
    let r = facts
        .active
        .iter()
        .find(|r| r.ticket.request == ticket.request);
    for q in &facts.active {
        let is_other = q.ticket.request != ticket.request;
        let may = match r {
            Some(r) => q.ticket.number > r.ticket.number || r.pressed && r.judged < q.judged,
            None => false,
        };
        if is_other && instance.table.conflict(claims, q.need) && !may {
            return Err(format!("{} passed {}", request(ticket), request(q.ticket)));
        }
    }
    match r.map(|r| facts.leases_before(r).next()) {
        Some(Some(at)) => {
            let holder = &facts.held[at].lease;
            let what = super::check::claims(&holder.claims);
            Err(format!(
                "{} was granted beside a lease on {what}",
                request(ticket)
            ))
        }
        _ => Ok(()),
    }
}
