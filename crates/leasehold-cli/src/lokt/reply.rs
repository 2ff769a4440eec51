//! Refusals in Lokt's words, and its exit codes.

use super::record::{Record, to_the_second};
use crate::answer;
use crate::error::CliError;
use crate::{exit, identity, message, ui};
use leasehold_api::code::Code;
use leasehold_api::lease::{BlockerInfo, FreezeInfo, LeaseInfo};
use leasehold_api::outcome::Outcome;
use std::env;

/// The codes by which a signal ends a wait that Lokt catches: INT and TERM.
const INTERRUPTED: [u8; 2] = [128 + 2, 128 + 15];

/// Returns the exit code of an outcome. Lokt has no codes above 4: a death is one more way of being held,
/// and what is lost or unknown is an error.
pub(super) fn exit_code(outcome: &Outcome) -> u8 {
    match outcome.code {
        Code::Died => exit::HELD,
        Code::Lost | Code::Unknown => exit::ERROR,
        Code::Interrupted if INTERRUPTED.contains(&outcome.exit) => exit::ERROR,
        _ => outcome.exit,
    }
}

/// Prints an error and returns its exit code.
pub(super) fn failure(error: &CliError) -> u8 {
    ui::talk(&format!("error: {}", error.message));
    hints(&error.hints);
    exit_code(&answer::outcome("lokt", error.code, ""))
}

/// Prints hints.
pub(super) fn hints(hints: &[String]) {
    hints
        .iter()
        .for_each(|hint| ui::talk(&format!("hint: {}", super::place::in_words_of_lokt(hint))));
}

/// Prints why a lock was not had and returns the exit code.
pub(super) fn refusal(name: &str, outcome: &Outcome) -> u8 {
    match outcome.code {
        Code::Held => {
            ui::talk(&format!(
                "error: lock \"{name}\" {}",
                in_the_way(name, outcome)
            ));
            ui::talk(&format!("hint: queue for it: {}", again_with("--wait")));
            hints(&own_lock(name, outcome).into_iter().collect::<Vec<_>>());
            hints(&usually(outcome));
        }
        Code::Died => {
            let in_the_way = in_the_way(name, outcome);
            ui::talk(&format!(
                "error: lock \"{name}\" {in_the_way}: waiting for it would deadlock"
            ));
            hints(&outcome.leases.iter().map(release).collect::<Vec<_>>());
        }
        Code::Frozen => {
            ui::talk(&format!("error: lock \"{name}\" {}", frozen(outcome)));
            let (what, flags) = message::through_freeze(&outcome.freezes);
            ui::talk(&format!("hint: {what}: {}", again_with(&flags)));
        }
        Code::TimedOut => {
            let reason = if outcome.freezes.is_empty() {
                in_the_way(name, outcome)
            } else {
                // The words of Lokt's documents for a freeze are a sentence of their own.
                format!("that {}", frozen(outcome))
            };
            ui::talk(&format!(
                "error: timeout waiting for lock \"{name}\" {reason}"
            ));
            hints(&outcome.hints);
        }
        Code::Interrupted => {
            ui::talk("interrupted");
            hints(&outcome.hints);
        }
        _ => ui::refusal(outcome),
    }
    exit_code(outcome)
}

/// Returns the record of whoever holds it, else of the first who waits ahead.
pub(super) fn holder(name: &str, blockers: &[BlockerInfo]) -> Option<Record> {
    blockers.iter().find_map(|blocker| match blocker {
        BlockerInfo::Lease(lease) => Some(Record::new(lease, name.into())),
        BlockerInfo::Ticket(_) => None,
    })
}

fn in_the_way(name: &str, outcome: &Outcome) -> String {
    if let Some(holder) = holder(name, &outcome.blockers) {
        return holder.holder();
    }
    match outcome.blockers.first() {
        Some(BlockerInfo::Ticket(ticket)) => {
            let who = &ticket.who;
            let age = super::duration::seconds(ticket.waiting_ms);
            format!(
                "waited for by {}@{} (pid {}) for {age}",
                who.owner, who.host, ticket.pid
            )
        }
        _ => "is not free".into(),
    }
}

fn frozen(outcome: &Outcome) -> String {
    let until = outcome
        .freezes
        .iter()
        .filter_map(|freeze| freeze.until.as_deref())
        .max();
    match until {
        Some(until) => format!("is frozen until {}", to_the_second(until)),
        None => "is frozen, and by what cannot be read".into(),
    }
}

/// A hint for whoever may have locked it by hand. With Lokt the same name would be let in.
fn own_lock(name: &str, outcome: &Outcome) -> Option<String> {
    let Some(BlockerInfo::Lease(LeaseInfo { who, pid: None, .. })) = outcome.blockers.first()
    else {
        return None;
    };
    let own = identity::find(None).ok()?.owner;
    let is_own = (&*own.name, &*own.host) == (who.owner.as_str(), who.host.as_str());
    is_own.then(|| {
        format!(
            "it is locked under your own name; if that was you: {} unlock {name}",
            program()
        )
    })
}

/// What is known of when it is free again. The other hints name commands of leasehold's own.
fn usually(outcome: &Outcome) -> Vec<String> {
    let hints = outcome.hints.iter();
    hints
        .filter(|hint| hint.contains("the last "))
        .cloned()
        .collect()
}

/// Who froze something and for how much longer, in so many words.
pub(super) fn freezer(freeze: &FreezeInfo) -> String {
    format!("{}@{}", freeze.who.owner, freeze.who.host)
}

fn release(lease: &LeaseInfo) -> String {
    let names: Vec<String> = Record::all_of(lease).map(|record| record.name).collect();
    let what = names.join(" ");
    match lease.pid {
        None => format!(
            "others wait for what you hold; release it first: {} unlock {}",
            program(),
            names.first().map_or("", String::as_str)
        ),
        Some(pid) => format!(
            "others wait for {what}, which you hold: let the command under its guard end (pid {pid})"
        ),
    }
}

/// How this was called.
pub(super) fn program() -> &'static str {
    if super::is_called(env::args_os().next().as_deref()) {
        super::NAME
    } else {
        "leasehold lokt"
    }
}

/// Writes the command that was run, with these flags behind its verb.
fn again_with(flags: &str) -> String {
    let own = program().split(' ').count();
    let words = env::args_os()
        .skip(own)
        .map(|word| ui::quoted(&word.to_string_lossy()));
    let mut words: Vec<String> = words.collect();
    words.insert(words.len().min(1), flags.into());
    format!("{} {}", program(), words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lokt_has_no_codes_above_4_but_usage() {
        for (code, expected) in [
            (Code::Ok, 0),
            (Code::Error, 1),
            (Code::Held, 2),
            (Code::Frozen, 2),
            (Code::TimedOut, 2),
            (Code::NotFound, 3),
            (Code::NotYours, 4),
            (Code::Died, 2),
            (Code::Lost, 1),
            (Code::Unknown, 1),
            (Code::Usage, 64),
            (Code::Limit, 64),
        ] {
            assert_eq!(
                exit_code(&answer::outcome("lock", code, "")),
                expected,
                "{code:?}"
            );
        }
        // What the guarded command exits with is its own affair.
        let outcome = Outcome::new("guard", Code::Ok, 5, "");
        assert_eq!(exit_code(&outcome), 5);
        for (signal, expected) in [(2, 1), (15, 1), (1, 129), (3, 131)] {
            let outcome = Outcome::new("guard", Code::Interrupted, 128 + signal, "");
            assert_eq!(exit_code(&outcome), expected, "signal {signal}");
        }
    }
}
