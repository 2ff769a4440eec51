//! When something is free again as a rule, from how long it was held before.

use crate::answer::{self, Asked};
use crate::message::{about, usually};
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;
use leasehold_core::verdict::Blocker;
use leasehold_service::{Clock, Leasing, Spread};

/// What is held for less is not held for long, whatever is usual.
const LONG_MS: u64 = 1_000;

/// Adds that to the outcome of a request that did not get what it asked for, where it can be said.
pub(crate) fn add(
    mut outcome: Outcome,
    leasing: &dyn Leasing,
    asked: &Asked<'_>,
    blockers: &[Blocker],
    clock: &Clock,
) -> Outcome {
    // One's own lock is free when one gives it back.
    if answer::own_lock(asked.who, blockers).is_some() {
        return outcome;
    }
    // How long a freeze lasts is said, and nobody knows what comes after it; who died does not wait.
    let waits = outcome.freezes.is_empty() && outcome.code != Code::Died;
    let Some(first) = blockers.first().filter(|_| waits) else {
        return outcome;
    };
    // Without an estimate the answer is as good as it was.
    let Ok(holds) = leasing.holds(asked.claims) else {
        return outcome;
    };
    let (command, held_ms) = match first {
        Blocker::Lease(lease) => {
            let held_ms = clock.now().millis_since(lease.granted);
            (&lease.holder.command, held_ms)
        }
        Blocker::Ticket(ticket) => (&ticket.holder.command, 0),
    };
    let Some(usual) = holds.of(command) else {
        return outcome;
    };
    outcome.expected_ms = holds.expected(blockers, clock);
    let when = when(outcome.expected_ms, held_ms);
    outcome
        .hints
        .extend(when.map(|when| format!("{when}: {}", told(usual))));
    outcome
}

/// Says when it is free, where that is of any help: not that it should be of what was taken just now.
fn when(left_ms: Option<u64>, held_ms: u64) -> Option<String> {
    match left_ms {
        None | Some(0) if held_ms < LONG_MS => None,
        None => Some("it is held for longer than usual".into()),
        Some(left) => Some(usually(left)),
    }
}

fn told(usual: Spread) -> String {
    let Spread {
        holds,
        median_ms,
        p90_ms,
    } = usual;
    match holds {
        1 => format!("the last time it was held for {}", up_to(median_ms, "")),
        _ => format!(
            "of the last {holds} times half took {}, nine of ten {}",
            up_to(median_ms, "up to "),
            up_to(p90_ms, "up to ")
        ),
    }
}

/// What is over before anybody has asked again needs no figure.
fn up_to(millis: u64, word: &str) -> String {
    match millis {
        0..1_000 => "less than a second".to_owned(),
        _ => format!("{word}{}", about(millis)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_just_now_is_not_said_to_be_free() {
        for (left_ms, held_ms, expected) in [
            (Some(0), 2, None),
            (None, 2, None),
            (Some(3_000), 2, Some("usually free in 3s")),
            (Some(0), 1_000, Some("usually free by now")),
            (None, 1_000, Some("it is held for longer than usual")),
        ] {
            assert_eq!(when(left_ms, held_ms).as_deref(), expected);
        }
    }

    #[test]
    fn how_long_it_took_is_said_without_false_figures() {
        let said = |holds, median_ms, p90_ms| {
            told(Spread {
                holds,
                median_ms,
                p90_ms,
            })
        };
        assert_eq!(
            said(1, 8, 8),
            "the last time it was held for less than a second"
        );
        assert_eq!(said(1, 2_001, 2_001), "the last time it was held for 3s");
        assert_eq!(
            said(4, 8, 61_000),
            "of the last 4 times half took less than a second, nine of ten up to 2m"
        );
    }
}
