//! A wait that is granted at once leaves no trace in the queue, but took part in it.

use super::ledger::Ledger;
use super::process::Process;
use leasehold_core::command::Wait;
use leasehold_core::event::Event;
use leasehold_core::seniority::Seniority;
use leasehold_core::ticket::TicketState;
use leasehold_core::{LeaseId, Ticket};
use std::collections::BTreeMap;

/// Returns the ticket of a wait that was granted at once, as it stood in the queue meanwhile.
pub(super) fn newcomer(
    ledger: &Ledger,
    processes: &BTreeMap<LeaseId, Process>,
    events: &[Event],
) -> Option<Ticket> {
    let granted = events.iter().find_map(|event| match event {
        Event::Granted { lease, .. } if lease.is_bound() => Some(lease),
        _ => None,
    })?;
    let ask = &processes.get(&granted.id)?.ask;
    let came = |event: &Event| match event {
        Event::Queued { ticket, .. } | Event::Resumed { ticket } => ticket.request == granted.id,
        _ => false,
    };
    if ask.wait == Wait::No || events.iter().any(came) {
        return None;
    }
    let outer = granted.inside.iter().filter_map(|id| ledger.leases.get(id));
    let agents = outer.filter_map(|held| held.lease.who.agent());
    let inherited = ask.inside.and_then(|id| ledger.leases.get(&id));
    let inherited = inherited.map(|held| held.lease.seniority.priority);
    let priority = ask.priority.or(inherited);
    Some(Ticket {
        number: granted.number,
        request: granted.id,
        who: ask.who.clone(),
        claims: ask.claims.clone(),
        kind: ask.kind,
        inside: granted.inside.clone(),
        agents: agents.chain(ask.who.agent()).collect(),
        seniority: Seniority {
            priority: priority.unwrap_or(Seniority::PRIORITY_DEFAULT),
            birth: granted.birth.clone(),
        },
        state: TicketState::Waiting,
        wait_until: None,
        ttl: ask.ttl,
        keep_while_alive: ask.keep_while_alive,
        strict: ask.strict,
        since: granted.granted,
        holder: ask.holder.clone(),
    })
}
