//! A lease, a place in the queue or a freeze as one line for people.

use crate::message;
use leasehold_api::duration::short;
use leasehold_api::lease::{ClaimInfo, FreezeInfo, LeaseInfo, LeaseState, Party, TicketInfo};
use std::borrow::Cow;
use std::fmt::Write as _;

/// How wide the columns are.
const NAMES_WIDTH: usize = 20;
const WHO_WIDTH: usize = 20;
const TIME_WIDTH: usize = 6;
/// About how long a line is.
const LINE_BYTES: usize = 128;

/// As many as the widest column has.
const BLANKS: &str = "                    ";

/// Fills a column with blanks that begins at an offset.
fn fill(line: &mut String, begin: usize, width: usize) {
    let shown = line[begin..].chars().count();
    line.push_str(&BLANKS[..width.saturating_sub(shown)]);
}

/// Begins a line with what it is about and what holds of that, up to the owner.
fn begun<T: AsRef<str>>(claims: &[ClaimInfo<T>], state: &str, who: &Party<T>) -> String {
    let mut line = String::with_capacity(LINE_BYTES);
    for (place, claim) in claims.iter().enumerate() {
        line.push_str(if place > 0 { ", " } else { "" });
        push_claim(&mut line, claim);
    }
    fill(&mut line, 0, NAMES_WIDTH);
    line.extend(["  ", state]);
    let begin = line.len();
    line.extend([who.owner.as_ref(), "@", who.host.as_ref()]);
    fill(&mut line, begin, WHO_WIDTH);
    line
}

fn push_claim<T: AsRef<str>>(line: &mut String, claim: &ClaimInfo<T>) {
    line.push_str(claim.resource.as_ref());
    // Writing to memory cannot fail.
    let _ = match (claim.slot, claim.slots) {
        (Some(slot), Some(slots)) => write!(line, " slot {slot} of {slots}"),
        (None, Some(slots)) => write!(line, " one slot of {slots}"),
        _ => Ok(()),
    };
    if claim.intent != "mutates" && !claim.intent.is_empty() {
        line.extend([" (", claim.intent, ")"]);
    }
}

fn push_time(line: &mut String, millis: u64) {
    let time = short(millis);
    let blanks = TIME_WIDTH.saturating_sub(time.len());
    line.push_str("  ");
    line.push_str(&BLANKS[..blanks]);
    line.push_str(&time);
}

fn process(pid: Option<u32>, command: &str) -> Cow<'static, str> {
    match (pid, command) {
        (None, _) => "standing".into(),
        (Some(pid), "") => format!("pid {pid}").into(),
        (Some(pid), command) => format!(
            "pid {pid}  {}",
            message::abridged(command, message::COMMAND_SHOWN)
        )
        .into(),
    }
}

pub(super) fn lease_line<T: AsRef<str>>(lease: &LeaseInfo<T>) -> String {
    let mut line = begun(&lease.resources, "held     ", &lease.who);
    push_time(&mut line, lease.held_ms);
    if let Some(left) = lease.expires_in_ms.filter(|left| *left > 0) {
        line.extend(["  ttl ", &short(left)]);
    }
    line.extend(["  ", &process(lease.pid, lease.command.as_ref())]);
    line.push_str(match lease.state {
        LeaseState::Held => "",
        LeaseState::Granted => "  [GRANTED, NOT PICKED UP YET]",
        LeaseState::Orphan => "  [ORPHAN: guard dead, command alive]",
        LeaseState::Expired => "  [EXPIRED]",
        LeaseState::Dead => "  [DEAD]",
    });
    line
}

pub(super) fn ticket_line(ticket: &TicketInfo) -> String {
    let state = format!("{:<7}  ", ticket.state);
    let mut line = begun(&ticket.resources, &state, &ticket.who);
    push_time(&mut line, ticket.waiting_ms);
    // The process of one that is parked is gone; how long its place is kept is what counts.
    match ticket.kept_ms {
        Some(left) => {
            let command = message::abridged(&ticket.command, message::COMMAND_SHOWN);
            line.extend(["  kept ", &short(left), "  ", &command]);
        }
        None => line.extend(["  ", &process(Some(ticket.pid), &ticket.command)]),
    }
    line
}

pub(super) fn freeze_line(freeze: &FreezeInfo) -> String {
    let until = match (&freeze.until, freeze.remaining_ms) {
        (Some(until), Some(left)) => format!("  until {until} (another {})", short(left)),
        _ => "  until its record can be read".into(),
    };
    let Party { owner, host, .. } = &freeze.who;
    let party = format!("{owner}@{host}");
    format!("{:<20}  frozen   {party:<20}{until}", freeze.resource)
}
