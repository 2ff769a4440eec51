//! Real processes: leasehold in a git repository, agents that use all of it, a nemesis, and checkers of
//! what they did (in the manner of Jepsen).
//!
//! Operations are completed starts of the program, faults are what the nemesis did. Each round runs in a
//! process of its own, which may have mounts of its own; the guarded commands are this program again.
//! What is asked for follows from the seed; how it interleaves is up to the machine. `--only` chooses
//! rounds by name. The directory of a round that shows a violation is kept.

mod calls;
mod check;
mod clock;
mod drive;
mod dynamic;
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
mod start;
mod story;
mod tally;
mod tree;
mod witness;

use self::dynamic::Dynamic;
use self::machine::Machine;
use self::setting::{ROUNDS, Setting};
use self::start::Start;
use self::tally::Tally;
use crate::{Budget, Outcome, Violation};
use std::io;
use std::time::{Duration, Instant};

/// The hidden word for the guarded command.
const WITNESS: &str = "__witness";
/// The hidden word for one round.
const ROUND: &str = "__round";
/// The hidden word for a verb with bad system calls.
const TRACED: &str = "__traced";

/// Runs what this layer starts this program for again; returns its exit code. Nothing where the command
/// line is an ordinary one.
pub(crate) fn hidden() -> Option<u8> {
    let mut words = std::env::args().skip(1);
    match (words.next()?.as_str(), words.next()?) {
        (WITNESS, op) => Some(witness::run(&op)),
        (ROUND, directory) => Some(round::run(&directory)),
        (TRACED, op) => Some(calls::run(&op, words)),
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
    let mut wanted: Vec<(usize, Setting)> = ROUNDS.into_iter().enumerate().collect();
    wanted.retain(|(_, setting)| machine.allows(setting) && setting.name.contains(only));
    // To see whether a bug is caught the first one is enough.
    wanted.truncate(if budget.brief { 1 } else { wanted.len() });
    let jumps = |(_, setting): &(usize, Setting)| setting.jump_every_ms > 0;
    let mut building = wanted.iter().any(jumps).then(dynamic::begin);
    let mut dynamic: Option<Dynamic> = None;
    let mut tally = Tally::default();
    let limit = budget
        .minutes
        .map(|minutes| Duration::from_secs(minutes * 60));
    let (begin, mut seed) = (Instant::now(), budget.seed);
    while !wanted.is_empty() {
        for (at, setting) in wanted.clone() {
            if setting.jump_every_ms > 0 && dynamic.is_none() {
                let Some(building) = building.take() else {
                    continue;
                };
                match building.join() {
                    Ok(Ok(built)) => dynamic = Some(built),
                    Ok(Err(why)) => {
                        let why = format!("processes: wall-clock jumps: {why}");
                        outcome.skipped.push(why);
                        wanted.retain(|wanted| !jumps(wanted));
                        continue;
                    }
                    Err(_) => return Err(io::Error::other("the build panicked")),
                }
            }
            let start = Start {
                budget,
                machine: &machine,
                setting,
                seed,
                at,
                dynamic: dynamic.as_ref(),
            };
            let found = start.run()?;
            tally.add(&found.deeds);
            outcome.merge(found.outcome);
        }
        if limit.is_none_or(|limit| begin.elapsed() >= limit) {
            break;
        }
        seed += 1;
    }
    outcome.notes.push(tally.line());
    if !budget.brief && budget.only.is_none() {
        // A nemesis that does nothing finds nothing.
        let undone = tally.undone(&machine, dynamic.is_some());
        let what = |deed: &str| Violation {
            what: format!("the nemesis never did this: {deed}"),
            repeat: start::repeat(budget, budget.seed, None),
        };
        outcome.violations.extend(undone.into_iter().map(what));
    }
    Ok(())
}
