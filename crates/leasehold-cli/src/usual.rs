//! When something is free again as a rule, from how long it was held before.

use crate::message::{about, usually};
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;
use leasehold_core::Claim;
use leasehold_core::verdict::Blocker;
use leasehold_service::{Clock, Leasing, Spread};

/// Adds that to the outcome of a request that did not get what it asked for, where it can be said.
pub(crate) fn add(
    mut outcome: Outcome,
    leasing: &dyn Leasing,
    claims: &[Claim],
    blockers: &[Blocker],
    clock: &Clock,
) -> Outcome {
    // How long a freeze lasts is said, and nobody knows what comes after it; who died does not wait.
    let waits = outcome.freezes.is_empty() && outcome.code != Code::Died;
    let Some(first) = blockers.first().filter(|_| waits) else {
        return outcome;
    };
    // Without an estimate the answer is as good as it was.
    let Ok(holds) = leasing.holds(claims) else {
        return outcome;
    };
    let (command, is_held) = match first {
        Blocker::Lease(lease) => (&lease.holder.command, true),
        Blocker::Ticket(ticket) => (&ticket.holder.command, false),
    };
    let Some(usual) = holds.of(command) else {
        return outcome;
    };
    outcome.expected_ms = holds.expected(blockers, clock);
    let when = match outcome.expected_ms {
        Some(left) => usually(left),
        None if is_held => "it is held for longer than usual".to_owned(),
        None => return outcome,
    };
    outcome.hints.push(format!("{when}: {}", told(usual)));
    outcome
}

fn told(usual: Spread) -> String {
    let Spread {
        holds,
        median_ms,
        p90_ms,
    } = usual;
    match holds {
        1 => format!("the last time it was held for {}", about(median_ms)),
        _ => format!(
            "of the last {holds} times half took up to {}, nine of ten up to {}",
            about(median_ms),
            about(p90_ms)
        ),
    }
}
