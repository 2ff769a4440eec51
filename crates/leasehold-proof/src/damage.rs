//! Damage: files cut and changed at every byte, swapped, replaced, removed, left over; with `--minutes`
//! also blocks of bytes torn, lost, swapped or old, drawn by the seed until the time is over.
//!
//! Operations are opens, looks, requests and rebuilds; faults are damaged files. The store runs in this
//! process; a sample is tried with the real binary. What is not tried: a record replaced by a whole
//! older one (users trust each other), and a proof of life removed or renamed, which takes it away.

mod binary;
mod drawn;
pub(crate) mod driver;
pub(crate) mod history;
mod kinds;
mod orphan;
mod patch;
mod trial;
mod world;

use self::kinds::Damage;
use self::world::{Time, World};
use crate::{Budget, Outcome, Random, Violation};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

/// A store that breaks on everything need not say so thousands of times.
const VIOLATIONS_MAX: usize = 40;
/// Of how many damages the short run tries one in the next boot, too.
const NEXT_BOOT_EVERY: usize = 7;

pub(crate) fn run(budget: &Budget) -> Outcome {
    let begin = Instant::now();
    let outcome = Mutex::new(Outcome::default());
    if let Err(error) = in_process(budget, &outcome)
        .and_then(|()| orphan::run(budget, &outcome))
        .and_then(|()| binary::run(budget, &outcome))
        .and_then(|()| drawn::run(budget, begin, &outcome))
    {
        lock(&outcome).skipped.push(format!("damage: {error}"));
    }
    outcome
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn lock(outcome: &Mutex<Outcome>) -> std::sync::MutexGuard<'_, Outcome> {
    outcome
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The name that chooses a trial on the command line.
fn name(damage: &Damage, time: Time) -> String {
    format!("{damage}, {time:?}")
}

fn in_process(budget: &Budget, outcome: &Mutex<Outcome>) -> io::Result<()> {
    let is_whole = budget.minutes.is_some() || budget.only.is_some();
    let mut random = Random::new(budget.seed);
    let damages = kinds::all(&World::new(Time::SameBoot)?, is_whole, &mut random);
    let mut trials = Vec::new();
    for (index, damage) in damages.iter().enumerate() {
        trials.push((damage, Time::SameBoot));
        // Of the damages of whole files all: there are few.
        let is_byte = matches!(damage, Damage::Flip { .. } | Damage::Cut { .. });
        if is_whole || !is_byte || index % NEXT_BOOT_EVERY == 0 {
            trials.push((damage, Time::NextBoot));
        }
    }
    let only = budget.only.as_deref().unwrap_or_default();
    trials.retain(|(damage, time)| name(damage, *time).contains(only));
    if budget.brief {
        trials = budget.sample(trials);
    }
    let of = |_: &World, index: usize| -> Option<Vec<Planned>> {
        let (damage, time) = trials.get(index)?;
        Some(vec![(name(damage, *time), (*damage).clone(), *time)])
    };
    try_all("damages in this process", &of, budget, outcome)
}

/// What is tried, and by which name it is chosen.
type Planned = (String, Damage, Time);

/// Tries the first, the second and so on, until there are no more.
fn try_all(
    what: &str,
    of: &(dyn Fn(&World, usize) -> Option<Vec<Planned>> + Sync),
    budget: &Budget,
    outcome: &Mutex<Outcome>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<(u64, u64)> {
        let (world, mut count, mut errors) = (World::new(Time::SameBoot)?, 0, 0);
        while let Some(trials) = of(&world, next.fetch_add(1, Relaxed)) {
            for (name, damage, time) in trials {
                let tried = trial::run(&world, &damage, time)?;
                (count, errors) = (count + 1, errors + tried.errors);
                let mut outcome = lock(outcome);
                outcome.operations += tried.operations;
                outcome.faults += 1;
                note(budget, &name, &tried.problems, &mut outcome);
                if budget.is_enough(&outcome) {
                    return Ok((count, errors));
                }
            }
        }
        Ok((count, errors))
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let ended = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| {
            let panicked = |_| Err(io::Error::other("a worker panicked"));
            worker.join().unwrap_or_else(panicked)
        });
        ended.collect::<io::Result<Vec<_>>>()
    })?;
    let count: u64 = ended.iter().map(|(count, _)| count).sum();
    let errors: u64 = ended.iter().map(|(_, errors)| errors).sum();
    let note = format!("{count} {what}, {errors} operations refused for them");
    lock(outcome).notes.push(note);
    Ok(())
}

/// Notes what was wrong in a trial.
fn note(budget: &Budget, name: &str, problems: &[String], outcome: &mut Outcome) {
    if problems.is_empty() || outcome.violations.len() >= VIOLATIONS_MAX {
        return;
    }
    outcome.violations.push(Violation {
        what: format!("{name}: {}", problems.join("; ")),
        repeat: format!(
            "cargo run --profile proof -p leasehold-proof -- damage --binary {} --only '{name}'",
            budget.binary.display()
        ),
    });
}
