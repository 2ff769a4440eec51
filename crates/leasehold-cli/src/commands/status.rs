//! `leasehold status`: who holds, who waits, what is frozen.

use crate::answer::{self, Told};
use crate::cli::Status;
use crate::context::Context;
use crate::error::CliError;
use crate::names::Named;
use crate::{context, identity, message};
use leasehold_api::code::Code;
use leasehold_api::duration::short;
use leasehold_api::lease::{ClaimInfo, FreezeInfo, LeaseInfo, LeaseState, Party, TicketInfo};
use leasehold_api::outcome::Outcome;
use leasehold_core::view::Key;
use leasehold_core::{Lease, Resource, Ticket};
use leasehold_service::Answer;

const VERB: &str = "status";

pub(crate) fn run(args: &Status) -> Result<Told, CliError> {
    let (context, place) = context::open_to_look(&args.call.store)?;
    let base = place.base();
    let named = args.name.as_deref().map(|name| base.named(name));
    let named = named.transpose()?;
    let resource = named.as_ref().map(|named| named.resource.clone());
    place.warn_of_leftovers();
    place.warn_of_lokt();
    let Some(context) = context else {
        let nothing = answer::outcome(VERB, Code::Ok, "");
        let nothing = Outcome {
            notes: place.absent(),
            ..summed_up(nothing, resource.as_ref())
        };
        return Ok(told(nothing, Vec::new()));
    };
    let named: Vec<Resource> = named.into_iter().flat_map(Named::all).collect();
    let (cleared, lines) = if args.prune_expired {
        prune(&context, &named)?
    } else {
        (Vec::new(), Vec::new())
    };
    let outcome = Outcome {
        cleared,
        ..look(&context, named)?
    };
    Ok(told(summed_up(outcome, resource.as_ref()), lines))
}

/// Clears away what is over, and returns a line for each.
fn prune(context: &Context, named: &[Resource]) -> Result<(Vec<LeaseInfo>, Vec<String>), CliError> {
    let Answer { value, clock } = context.leasing.sweep(named, &identity::find(None)?)?;
    let info = |lease| LeaseInfo::new(lease, Some(&value.view), &clock);
    let cleared: Vec<LeaseInfo> = value.leases.iter().map(info).collect();
    let line = |(lease, info): (_, &LeaseInfo)| message::cleared(lease, info.state, &clock);
    let lines = value.leases.iter().zip(&cleared).map(line).collect();
    Ok((cleared, lines))
}

/// Looks at what there is of these names, or at all.
pub(super) fn look(context: &Context, named: Vec<Resource>) -> Result<Outcome, CliError> {
    let keys = if named.is_empty() {
        vec![Key::All]
    } else {
        named.into_iter().map(Key::Overlap).collect()
    };
    let Answer { value: view, clock } = context.leasing.look(&keys)?;
    let mut leases: Vec<&Lease> = view.leases().collect();
    leases.sort_by_key(|lease| lease.token);
    let tickets: Vec<&Ticket> = view.tickets().collect();
    let freezes = view.freezes().filter(|freeze| freeze.is_on(view.now()));
    Ok(Outcome {
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
    })
}

/// Adds the message; of one name that nobody holds it is "not found", unless something was cleared away.
fn summed_up(mut outcome: Outcome, resource: Option<&Resource>) -> Outcome {
    let empty = outcome.leases.is_empty()
        && outcome.queue.is_empty()
        && outcome.freezes.is_empty()
        && outcome.cleared.is_empty();
    match resource {
        Some(resource) if empty => answer::outcome(
            VERB,
            Code::NotFound,
            format!("`{resource}` is free: nobody holds it"),
        ),
        _ => {
            outcome.message = summary(&outcome);
            outcome
        }
    }
}

/// Counts what there is, on one line.
pub(super) fn summary(outcome: &Outcome) -> String {
    let is_parked = |ticket: &&TicketInfo| ticket.kept_until.is_some();
    let parked = outcome.queue.iter().filter(is_parked).count();
    let (held, waiting) = (outcome.leases.len(), outcome.queue.len() - parked);
    let frozen = outcome.freezes.len();
    let parked = match parked {
        0 => String::new(),
        number => format!(", {number} parked"),
    };
    format!("{held} held, {waiting} waiting{parked}, {frozen} frozen")
}

fn told(outcome: Outcome, cleared: Vec<String>) -> Told {
    if !outcome.ok {
        return outcome.into();
    }
    let mut shown = lines(&outcome);
    if shown.is_empty() {
        shown.push("nothing is held".into());
    }
    let lines = cleared.into_iter().chain(shown).collect();
    Told { outcome, lines }
}

/// Returns a line for each lease, place in the queue and freeze.
pub(super) fn lines(outcome: &Outcome) -> Vec<String> {
    let leases = outcome.leases.iter().map(lease_line);
    let queue = outcome.queue.iter().map(ticket_line);
    let freezes = outcome.freezes.iter().map(freeze_line);
    leases.chain(queue).chain(freezes).collect()
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
    // The process of one that is parked is gone; how long its place is kept is what counts.
    let (kept, process) = match ticket.kept_ms {
        Some(left) => (
            format!("  kept {}", short(left)),
            message::abridged(&ticket.command, message::COMMAND_SHOWN),
        ),
        None => (String::new(), process(Some(ticket.pid), &ticket.command)),
    };
    format!(
        "{:<20}  {:<7}  {:<20}  {:>6}{kept}  {process}",
        names(&ticket.resources),
        ticket.state,
        party(&ticket.who),
        short(ticket.waiting_ms),
    )
}

fn freeze_line(freeze: &FreezeInfo) -> String {
    let until = match (&freeze.until, freeze.remaining_ms) {
        (Some(until), Some(left)) => format!("  until {until} (another {})", short(left)),
        _ => "  until its record can be read".into(),
    };
    format!(
        "{:<20}  frozen   {:<20}{until}",
        freeze.resource,
        party(&freeze.who)
    )
}
