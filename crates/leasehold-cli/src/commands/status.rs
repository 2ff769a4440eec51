//! `leasehold status`: who holds, who waits, what is frozen.

mod line;

use crate::answer;
use crate::cli::Status;
use crate::context::Context;
use crate::error::CliError;
use crate::names::Named;
use crate::{context, identity, message, ui};
use leasehold_api::code::Code;
use leasehold_api::lease::{FreezeInfo, LeaseInfo, TicketInfo};
use leasehold_api::listed::{Leases, Listed};
use leasehold_api::outcome::Outcome;
use leasehold_core::Resource;
use leasehold_core::view::{Key, View};
use leasehold_service::{Answer, Clock};
use line::{freeze_line, lease_line, ticket_line};
use std::iter;

const VERB: &str = "status";

pub(crate) fn run(args: &Status) -> u8 {
    match show(args) {
        Ok(exit) => exit,
        Err(error) => said(
            args,
            &answer::failed(VERB, error),
            Vec::new(),
            iter::empty(),
        ),
    }
}

fn show(args: &Status) -> Result<u8, CliError> {
    let (context, place) = context::open_to_look(&args.call.store)?;
    let base = place.base();
    let named = args.name.as_deref().map(|name| base.named(name));
    let named = named.transpose()?;
    place.warn_of_leftovers();
    place.warn_of_lokt();
    let Some(context) = context else {
        let nothing: Outcome = answer::outcome(VERB, Code::Ok, "");
        let nothing = summed_up(nothing, named.as_ref().map(|named| &named.resource));
        let nothing = Outcome {
            notes: place.absent(),
            ..nothing
        };
        return Ok(said(args, &nothing, Vec::new(), iter::empty()));
    };
    let resource = named.as_ref().map(|named| named.resource.clone());
    let named: Vec<Resource> = named.into_iter().flat_map(Named::all).collect();
    let (cleared, cleared_lines) = if args.prune_expired {
        prune(&context, &named)?
    } else {
        (Vec::new(), Vec::new())
    };
    if resource.is_none() {
        let Answer { value, clock } = context.leasing.list()?;
        let listed = Listed::new(&value, &clock);
        let outcome = Outcome {
            leases: Some(listed),
            cleared,
            ..seen(value.view(), &clock)
        };
        let outcome = summed_up(outcome, None);
        let leases = listed.infos().map(|lease| lease_line(&lease));
        let shown = leases.chain(other_lines(&outcome));
        return Ok(said(args, &outcome, cleared_lines, shown));
    }
    let outcome = Outcome {
        cleared,
        ..look(&context, named)?
    };
    let outcome = summed_up(outcome, resource.as_ref());
    let shown = lines(&outcome).into_iter();
    Ok(said(args, &outcome, cleared_lines, shown))
}

/// Prints an answer, in words line by line: what was cleared away and what there is. Returns its exit
/// code. To clear away is to do something.
fn said<L: Leases>(
    args: &Status,
    outcome: &Outcome<L>,
    cleared: Vec<String>,
    shown: impl Iterator<Item = String>,
) -> u8 {
    let printed = if args.call.json {
        ui::json(outcome)
    } else if outcome.ok {
        let mut shown = shown.peekable();
        let nothing = shown.peek().is_none().then(|| "nothing is held".to_owned());
        let printed = ui::lines(cleared.into_iter().chain(shown).chain(nothing));
        ui::besides(outcome);
        printed
    } else {
        ui::refusal(outcome);
        Ok(())
    };
    if args.prune_expired {
        super::finished(outcome, printed)
    } else {
        super::found(outcome, printed)
    }
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
    let info = |lease| LeaseInfo::new(lease, Some(&view), &clock);
    let mut leases: Vec<LeaseInfo> = view.leases().map(info).collect();
    leases.sort_by_key(|lease| lease.token);
    Ok(Outcome {
        leases,
        ..seen(&view, &clock)
    })
}

/// Returns what is in a view beside leases.
fn seen<L: Default>(view: &View, clock: &Clock) -> Outcome<L> {
    let queue = view.tickets().map(|ticket| TicketInfo::new(ticket, clock));
    let freezes = view.freezes().filter(|freeze| freeze.is_on(view.now()));
    let freezes = freezes.map(|freeze| FreezeInfo::new(freeze, clock));
    Outcome {
        queue: queue.collect(),
        freezes: freezes.collect(),
        ..answer::outcome(VERB, Code::Ok, "")
    }
}

/// Adds the message; of one name that nobody holds it is "not found", unless something was cleared away.
fn summed_up<L: Leases + Default>(
    mut outcome: Outcome<L>,
    resource: Option<&Resource>,
) -> Outcome<L> {
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
pub(super) fn summary<L: Leases>(outcome: &Outcome<L>) -> String {
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

/// Returns a line for each lease, place in the queue and freeze.
pub(super) fn lines(outcome: &Outcome) -> Vec<String> {
    let leases = outcome.leases.iter().map(lease_line);
    leases.chain(other_lines(outcome)).collect()
}

fn other_lines<L>(outcome: &Outcome<L>) -> impl Iterator<Item = String> {
    let queue = outcome.queue.iter().map(ticket_line);
    queue.chain(outcome.freezes.iter().map(freeze_line))
}
