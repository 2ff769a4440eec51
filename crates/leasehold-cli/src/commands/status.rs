//! `leasehold status`: who holds, who waits, what is frozen.

use crate::cli::Status;
use crate::error::CliError;
use crate::{answer, context, message, ui};
use leasehold_api::code::Code;
use leasehold_api::duration::short;
use leasehold_api::lease::{ClaimInfo, FreezeInfo, LeaseInfo, LeaseState, Party, TicketInfo};
use leasehold_api::outcome::Outcome;
use leasehold_core::view::Key;
use leasehold_core::{Lease, Resource, Ticket};
use leasehold_service::Answer;

const VERB: &str = "status";

pub(crate) fn run(args: &Status) -> u8 {
    let outcome = look(args).unwrap_or_else(|error| answer::failed(VERB, error));
    if args.json || !outcome.ok {
        ui::outcome(&outcome, args.json);
    } else {
        lines(&outcome).iter().for_each(|line| ui::data(line));
    }
    outcome.exit
}

fn look(args: &Status) -> Result<Outcome, CliError> {
    let (context, base) = context::open_to_look(&args.store)?;
    let resource = args
        .name
        .as_deref()
        .map(|name| base.parse(name))
        .transpose()?;
    let Some(context) = context else {
        return Ok(summed_up(
            answer::outcome(VERB, Code::Ok, ""),
            resource.as_ref(),
        ));
    };
    let also = resource.as_ref().and_then(|resource| base.also(resource));
    let named: Vec<Key> = resource
        .iter()
        .cloned()
        .chain(also)
        .map(Key::Overlap)
        .collect();
    let keys = if named.is_empty() {
        vec![Key::All]
    } else {
        named
    };
    let Answer { value: view, clock } = context.leasing.look(&keys)?;
    let mut leases: Vec<&Lease> = view.leases().collect();
    leases.sort_by_key(|lease| lease.token);
    let tickets: Vec<&Ticket> = view.tickets().collect();
    let freezes = view.freezes().filter(|freeze| freeze.is_on(view.now()));
    let outcome = Outcome {
        leases: leases
            .iter()
            .map(|lease| LeaseInfo::new(lease, Some(&view), &clock))
            .collect(),
        queue: tickets
            .iter()
            .map(|ticket| TicketInfo::new(ticket, &clock))
            .collect(),
        freezes: freezes
            .map(|freeze| FreezeInfo::new(freeze, &clock))
            .collect(),
        ..answer::outcome(VERB, Code::Ok, "")
    };
    Ok(summed_up(outcome, resource.as_ref()))
}

/// Adds the message; of one name that nobody holds it is "not found".
fn summed_up(mut outcome: Outcome, resource: Option<&Resource>) -> Outcome {
    let empty = outcome.leases.is_empty() && outcome.queue.is_empty() && outcome.freezes.is_empty();
    match resource {
        Some(resource) if empty => answer::outcome(
            VERB,
            Code::NotFound,
            format!("`{resource}` is free: nobody holds it"),
        ),
        _ => {
            let (held, waiting) = (outcome.leases.len(), outcome.queue.len());
            let frozen = outcome.freezes.len();
            outcome.message = format!("{held} held, {waiting} waiting, {frozen} frozen");
            outcome
        }
    }
}

fn lines(outcome: &Outcome) -> Vec<String> {
    let leases = outcome.leases.iter().map(lease_line);
    let queue = outcome.queue.iter().map(ticket_line);
    let freezes = outcome.freezes.iter().map(freeze_line);
    let lines: Vec<String> = leases.chain(queue).chain(freezes).collect();
    if lines.is_empty() {
        vec!["nothing is held".into()]
    } else {
        lines
    }
}

fn names(claims: &[ClaimInfo]) -> String {
    let name = |claim: &ClaimInfo| {
        let pool = match (claim.slot, claim.slots) {
            (Some(slot), Some(slots)) => format!(" slot {slot} of {slots}"),
            (None, Some(slots)) => format!(" one slot of {slots}"),
            _ => String::new(),
        };
        let intent = if claim.intent == "mutates" {
            ""
        } else {
            claim.intent
        };
        let intent = if intent.is_empty() {
            String::new()
        } else {
            format!(" ({intent})")
        };
        format!("{}{pool}{intent}", claim.resource)
    };
    claims.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn party(who: &Party) -> String {
    format!("{}@{}", who.owner, who.host)
}

fn process(pid: Option<u32>, command: &str) -> String {
    match (pid, command) {
        (None, _) => "standing".into(),
        (Some(pid), "") => format!("pid {pid}"),
        (Some(pid), command) => {
            format!(
                "pid {pid}  {}",
                message::abridged(command, message::COMMAND_SHOWN)
            )
        }
    }
}

fn lease_line(lease: &LeaseInfo) -> String {
    let left = lease.expires_in_ms.filter(|left| *left > 0);
    let left = left.map_or_else(String::new, |left| format!("  ttl {}", short(left)));
    let state = match lease.state {
        LeaseState::Held => "",
        LeaseState::Granted => "  [GRANTED, NOT PICKED UP YET]",
        LeaseState::Orphan => "  [ORPHAN: guard dead, command alive]",
        LeaseState::Expired => "  [EXPIRED]",
        LeaseState::Dead => "  [DEAD]",
    };
    format!(
        "{:<20}  held     {:<20}  {:>6}{left}  {}{state}",
        names(&lease.resources),
        party(&lease.who),
        short(lease.held_ms),
        process(lease.pid, &lease.command),
    )
}

fn ticket_line(ticket: &TicketInfo) -> String {
    format!(
        "{:<20}  {:<7}  {:<20}  {:>6}  {}",
        names(&ticket.resources),
        ticket.state,
        party(&ticket.who),
        short(ticket.waiting_ms),
        process(Some(ticket.pid), &ticket.command),
    )
}

fn freeze_line(freeze: &FreezeInfo) -> String {
    let left = freeze
        .remaining_ms
        .map_or_else(String::new, |left| format!("  for {}", short(left)));
    format!(
        "{:<20}  frozen   {:<20}{left}",
        freeze.resource,
        party(&freeze.who)
    )
}
