//! Kernel and coordinator over a simulated store, clock, crash and schedule, all from one seed.
//!
//! A history is a world (how many agents, which names) and a list of steps: somebody asks, by the real
//! `acquire`; gives back, renews, is killed; time passes; somebody freezes; and in the middle of any of
//! these a call of the store fails, is answered "conflict", loses its answer, or somebody else does
//! something first. After every commit, and whenever nobody has a reason to go on, the promises are
//! checked by code that shares nothing with the kernel's rules. At the end nobody asks any more, and
//! everybody who waits has to be served.
//!
//! *Operations* are steps. *Faults* are kills, failed and lost calls, conflicts and jumps of the clock.

mod act;
mod begin;
mod check;
mod drain;
mod draw;
mod exclusion;
mod fiber;
mod history;
mod ledger;
mod names;
mod newcomer;
mod others;
mod presence;
mod process;
mod quiet;
mod request;
mod rules;
mod setting;
mod shrink;
mod step;
mod store;
mod stored;
#[cfg(test)]
mod tests;
mod trail;
mod whole;
mod world;

use crate::{Budget, Outcome, Random, Violation};
use history::History;
use std::any::Any;
use world::Tally;

/// Steps of the short run.
const STEPS: u64 = 1_000_000;
/// About how many seconds those take.
const STEPS_SECONDS: u64 = 60;
/// After so many failing histories the rest would show no more.
const VIOLATIONS_MAX: usize = 3;

pub(crate) fn run(budget: &Budget) -> Outcome {
    let steps = budget.scaled(STEPS, STEPS_SECONDS);
    let mut outcome = Outcome::default();
    let mut tally = Tally::default();
    // A panic is a violation, reported as one.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    // The first world is that of the seed itself, so that a failing seed fails at once.
    let (mut seed, mut seeds) = (budget.seed, Random::new(budget.seed));
    let violations_max = if budget.brief { 1 } else { VIOLATIONS_MAX };
    while outcome.operations < steps && outcome.violations.len() < violations_max {
        let history = History::draw(seed);
        let ran = history.run(false);
        outcome.operations += ran.steps;
        outcome.faults += ran.faults;
        tally.add(ran.tally);
        if ran.violation.is_some() {
            outcome
                .violations
                .push(violation(seed, &history, budget.brief));
        }
        seed = seeds.number();
    }
    std::panic::set_hook(hook);
    outcome.notes.push(tally.to_string());
    outcome
}

fn violation(seed: u64, history: &History, brief: bool) -> Violation {
    let (short, ran) = if brief {
        (history.clone(), history.run(true))
    } else {
        shrink::shrink(history)
    };
    let what = ran
        .violation
        .unwrap_or_else(|| "it does not fail twice".into());
    let (steps, trail) = (short.steps.len(), ran.trail.join("\n      "));
    Violation {
        what: format!(
            "{what}\n      seed {seed}, the shortest history ({steps} steps):\n      {trail}"
        ),
        repeat: format!("cargo run --profile proof -p leasehold-proof -- simulation --seed {seed}"),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without a word"))
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.commits += other.commits;
        self.grants += other.grants;
        self.handed_over += other.handed_over;
        self.joins += other.joins;
        self.deaths += other.deaths;
        self.late += other.late;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} worlds, {} commits, {} grants ({} handed over to waiters), {} joins, {} deaths; {} times a \
             quiet waiter could have been granted and was to find out by looking at the clock",
            self.worlds,
            self.commits,
            self.grants,
            self.handed_over,
            self.joins,
            self.deaths,
            self.late
        )
    }
}
