//! Real processes: leasehold in a git repository, agents that use all of it, a nemesis, and checkers of
//! what they did (in the manner of Jepsen).
//!
//! Operations are completed starts of the program, faults are what the nemesis did. Each round runs in a
//! process of its own, which may have mounts of its own; the guarded commands are this program again.
//! What is asked for follows from the seed; how it interleaves is up to the machine. `--only` chooses
//! rounds by name. The directory of a round that shows a violation is kept.

mod check;
mod drive;
mod history;
mod launch;
mod machine;
mod names;
mod nemesis;
mod plan;
mod planner;
mod register;
mod round;
mod setting;
mod story;
mod tree;
mod witness;

use self::machine::Machine;
use self::round::{Order, Report, seed_of};
use self::setting::{ROUNDS, Setting};
use crate::{Budget, Outcome, Violation};
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The hidden word for the guarded command.
const WITNESS: &str = "__witness";
/// The hidden word for one round.
const ROUND: &str = "__round";

/// Runs what this layer starts this program for again; returns its exit code. Nothing where the command
/// line is an ordinary one.
pub(crate) fn hidden() -> Option<u8> {
    let mut words = std::env::args().skip(1);
    match (words.next()?.as_str(), words.next()?) {
        (WITNESS, op) => Some(witness::run(&op)),
        (ROUND, directory) => Some(round::run(&directory)),
        _ => None,
    }
}

pub(crate) fn run(budget: &Budget) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = rounds(budget, &mut outcome) {
        outcome.skipped.push(format!("processes: {error}"));
    }
    outcome
}

fn rounds(budget: &Budget, outcome: &mut Outcome) -> io::Result<()> {
    if !tree::is_known() {
        return Err(io::Error::other(
            "this kernel does not tell the children of a process",
        ));
    }
    let machine = Machine::probe()?;
    outcome.skipped.extend(machine.skipped());
    let only = budget.only.as_deref().unwrap_or_default();
    let limit = budget
        .minutes
        .map(|minutes| Duration::from_secs(minutes * 60));
    let (begin, mut seed) = (Instant::now(), budget.seed);
    loop {
        for (at, setting) in ROUNDS.into_iter().enumerate() {
            let is_possible = match (setting.has_small_disk, setting.boots > 1) {
                (true, _) => machine.small_disk.is_ok(),
                (_, true) => machine.fake_boot.is_ok(),
                _ => true,
            };
            if is_possible && setting.name.contains(only) {
                outcome.merge(round(budget, &machine, setting, seed, at)?);
                if budget.brief {
                    return Ok(());
                }
            }
        }
        if limit.is_none_or(|limit| begin.elapsed() >= limit) {
            return Ok(());
        }
        seed += 1;
    }
}

fn round(
    budget: &Budget,
    machine: &Machine,
    setting: Setting,
    seed: u64,
    at: usize,
) -> io::Result<Outcome> {
    let place = tempfile::Builder::new()
        .prefix("leasehold-proof-")
        .tempdir()?;
    let order = Order {
        name: setting.name.into(),
        seed: seed_of(seed, at),
        binary: fs::canonicalize(&budget.binary)?,
        processes: machine.processes.is_ok(),
        times: machine.times.is_ok(),
    };
    fs::write(place.path().join("order.json"), serde_json::to_vec(&order)?)?;
    let needs_mounts = setting.has_small_disk || setting.boots > 1 || setting.has_namespaces;
    let mut words: Vec<String> = match (&machine.mounts, needs_mounts) {
        (Ok(prefix), true) => prefix.clone(),
        _ => Vec::new(),
    };
    words.push(std::env::current_exe()?.display().to_string());
    words.extend([ROUND.into(), place.path().display().to_string()]);
    let output = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    let report = fs::read(place.path().join("report.json"));
    let mut report: Report = match report
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
    {
        Some(report) => report,
        None => {
            let said = String::from_utf8_lossy(&output.stderr);
            let what = format!(
                "the round did not come to its end ({}): {said}",
                output.status
            );
            Report {
                violations: vec![what],
                ..Report::default()
            }
        }
    };
    let (binary, name) = (budget.binary.display(), setting.name);
    let repeat = format!(
        "cargo run --profile proof -p leasehold-proof -- processes --binary {binary} --seed {seed} --only {name}"
    );
    if !report.violations.is_empty() {
        let kept = place.keep();
        report
            .violations
            .push(format!("the directory is kept: {}", kept.display()));
    }
    let violation = |what: String| Violation {
        what: format!("seed {seed}, round {name}: {what}"),
        repeat: repeat.clone(),
    };
    Ok(Outcome {
        operations: report.operations,
        faults: report.faults,
        violations: report.violations.into_iter().map(violation).collect(),
        skipped: report.skipped,
        notes: report.notes,
    })
}
