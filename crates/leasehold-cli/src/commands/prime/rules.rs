//! What to run, how to wait, what to do after a no, and what never to do.

use super::Front;
use super::markdown::{RAW_SHOWN, RUN_SHOWN, cell, code};
use crate::request::WAIT_DEFAULT_OF_AGENTS;
use leasehold_api::duration::short;
use leasehold_api::prime::{OperationInfo, SuggestionInfo};

/// How many operations are shown: an agent's context is dear.
pub(super) const SHOWN: usize = 30;

/// Says what leases are here for.
pub(super) fn introduction(front: Front) -> String {
    let program = front.program;
    format!(
        "Several agents work in this repository at once. What must not overlap runs under a lease of `{program}`: \
         one at a time, first come, first served."
    )
}

/// What scripts guard, else what they might.
pub(super) fn operations(
    heading: &str,
    operations: &[OperationInfo],
    suggestions: &[SuggestionInfo],
    front: Front,
) -> Vec<String> {
    let mut lines = vec![String::new(), format!("{heading} Guarded operations")];
    lines.push(String::new());
    if operations.is_empty() {
        lines.push(
            "No script here guards anything yet. Suggestions, made from what lies here and not agreed on by \
             anybody:"
                .into(),
        );
        lines.push(String::new());
        lines.extend(suggestions.iter().map(suggestion));
        return lines;
    }
    lines.push("Run these from the top of the repository, in place of the bare command:".into());
    lines.push(String::new());
    lines.push("| operation | run this | not this |".into());
    lines.push("|---|---|---|".into());
    lines.extend(operations.iter().take(SHOWN).map(row));
    lines.push(String::new());
    let more = operations.len().saturating_sub(SHOWN);
    if more > 0 {
        let program = front.program;
        lines.push(format!(
            "And {more} more: `{program} prime --json` has them all."
        ));
    }
    lines.push("They take their leases themselves: put no `guard` around them.".into());
    lines
}

fn row(operation: &OperationInfo) -> String {
    let (run, raw) = commands(operation, cell);
    let names: Vec<String> = operation
        .names
        .iter()
        .map(|name| cell(name, RAW_SHOWN))
        .collect();
    format!("| {} | {run} | {raw} |", names.join(" "))
}

/// Returns what to run and what not, as code.
pub(super) fn commands(
    operation: &OperationInfo,
    code: fn(&str, usize) -> String,
) -> (String, String) {
    let raw = operation.instead_of.as_deref();
    let raw = raw.map_or_else(String::new, |raw| code(raw, RAW_SHOWN));
    (code(&operation.run, RUN_SHOWN), raw)
}

pub(super) fn suggestion(suggestion: &SuggestionInfo) -> String {
    let run = code(&suggestion.run, RUN_SHOWN);
    format!("- {run} ({})", suggestion.because)
}

/// All the rules. `wait_ms` is how long `--wait` waits here, where that is known.
pub(super) fn all(heading: &str, wait_ms: Option<u64>, front: Front) -> Vec<String> {
    let section = |title: &str, lines: Vec<String>| {
        let head = [String::new(), format!("{heading} {title}"), String::new()];
        head.into_iter().chain(lines)
    };
    section("Whatever else must not overlap", usage(front))
        .chain(section("Waiting", waiting(wait_ms, front)))
        .chain(section("After a no", codes(front)))
        .chain(section("Never", never()))
        .collect()
}

pub(super) fn usage(front: Front) -> Vec<String> {
    let program = front.program;
    let mut lines = vec![format!(
        "- `{program} guard NAME --wait -- COMMAND` runs it under a lease; several commands: \
         `{program} guard NAME --wait -c 'COMMAND && COMMAND'`, since behind `-- a && b` the shell runs `b` \
         without the lease."
    )];
    lines.push(if front.is_lokt {
        format!(
            "- For longer than one command: `{program} lock NAME --wait --ttl 30m`, and when you are done \
             `{program} unlock NAME`."
        )
    } else {
        format!(
            "- Files and trees: `{program} guard path:src/auth --wait -- COMMAND` (`--read` where you only read). \
             While you edit for longer: `{program} lock path:src/auth --wait --ttl 30m`, and when you are done \
             `{program} unlock path:src/auth`."
        )
    });
    lines
}

pub(super) fn waiting(wait_ms: Option<u64>, front: Front) -> Vec<String> {
    let program = front.program;
    let length = match wait_ms {
        Some(ms) => format!("here for {}", short(ms)),
        None => {
            let seconds = WAIT_DEFAULT_OF_AGENTS.as_secs();
            format!("for {seconds} seconds where a harness runs you, before it cuts the call off")
        }
    };
    vec![
        format!(
            "- `--wait` queues, {length}; `--timeout 5m` besides it says otherwise. If that runs out, your place is \
             kept for 10 minutes: run the very same command again and wait on."
        ),
        format!(
            "- `{program} why NAME` says what is in the way and what to do. Others see that you wait; do something \
             else meanwhile if you can."
        ),
    ]
}

pub(super) fn codes(front: Front) -> Vec<String> {
    let program = front.program;
    let rows: &[(&str, &str, String)] = &if front.is_lokt {
        lokts_codes(program)
    } else {
        own_codes(program)
    };
    let mut lines = vec![
        "| exit code | it means | do this |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    let rows = rows.iter();
    lines.extend(rows.map(|(exit, means, advice)| format!("| {exit} | {means} | {advice} |")));
    lines.push(String::new());
    lines.push(
        "All other codes under `guard` are the command's own, and `make` turns every code into 2: what is ours always \
         comes with lines `error:` and `hint:` on standard error."
            .into(),
    );
    lines
}

type Row = (&'static str, &'static str, String);

fn own_codes(program: &str) -> Vec<Row> {
    vec![
        (
            "2",
            "somebody else has it, it is frozen, or the wait ran out; nothing was run",
            "do what the hint says: run it again with `--wait`; after a wait the very same command; a script as it \
             is, some time later"
                .into(),
        ),
        (
            "5",
            "waiting could never end: others wait for what you hold",
            format!("`{program} unlock NAME` for what the message names, then run it again"),
        ),
        (
            "6",
            "the lease is lost; `guard` has stopped the command half-way",
            "look at what it left behind, then begin anew (outside of that lease, where the hint says so)".into(),
        ),
        (
            "7",
            "nobody can tell whether it happened",
            format!("`{program} status NAME`; where it is not yours, run it again"),
        ),
        (
            "64",
            "the command line is wrong; nothing was run",
            "mend it as the message says".into(),
        ),
    ]
}

fn lokts_codes(program: &str) -> Vec<Row> {
    vec![
        (
            "2",
            "somebody else has it, it is frozen, or the wait ran out; nothing was run",
            format!(
                "do what the hint says: run it again with `--wait`; after a wait the very same command; a script \
                 as it is, some time later; where it says to release something, `{program} unlock NAME` first"
            ),
        ),
        (
            "1",
            "an error; if the lock is lost, `guard` has stopped the command half-way",
            format!("read the message; look at what is left behind, and `{program} status NAME`"),
        ),
        (
            "64",
            "the command line is wrong; nothing was run",
            "mend it as the message says".into(),
        ),
    ]
}

pub(super) fn never() -> Vec<String> {
    vec![
        "- delete or edit the files of leases, or use `--force`: a person decides about what is not yours".into(),
        "- unlock or unfreeze what you did not lock or freeze; leave behind what you did lock".into(),
        "- run a guarded operation past its script, or put a second `guard` around it".into(),
    ]
}
