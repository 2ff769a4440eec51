//! Bugs on purpose: does any layer see them?
//!
//! One build has all bugs of [`Bug`], of which the environment chooses one. For each the layers run that
//! should see it, briefly, the cheapest first, until one reports a violation. A bug that none reports has
//! survived, and that is a violation here: a proof that cannot fail shows nothing. The same build
//! without a chosen bug must pass, so that it is the bug that is seen; and a normal build must not even
//! have the names.
//!
//! *Operations* are runs of layers, *faults* are bugs.

mod child;
mod table;

use crate::{Budget, Outcome, Planted, Violation};
use child::{Child, End};
use leasehold_core::planted::Bug;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use table::{CONTROL, layers, only};

/// How many bugs are hunted at once.
const AT_ONCE: usize = 2;
/// The variable that chooses a bug.
const VARIABLE: &str = "LEASEHOLD_PLANTED";

/// Returns the bug that was chosen, if one was: a layer that clears the environment of what it starts
/// passes it on.
pub(crate) fn environment() -> Option<(&'static str, OsString)> {
    std::env::var_os(VARIABLE).map(|bug| (VARIABLE, bug))
}

pub(crate) fn run(budget: &Budget) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(planted) = &budget.planted else {
        let how = "it needs --planted-binary and --planted-proof, built with `--features planted`";
        outcome.skipped.push(format!("planted: {how}"));
        return outcome;
    };
    if let Err(error) = all(budget, planted, &mut outcome) {
        fail(budget, "", error.to_string(), &mut outcome);
    }
    outcome
}

fn all(budget: &Budget, planted: &Planted, outcome: &mut Outcome) -> io::Result<()> {
    look_for_names(&budget.binary, budget, outcome);
    can_plant(budget, planted, outcome)?;
    let only = budget.only.as_deref().unwrap_or_default();
    let bugs = Bug::ALL.iter().filter(|bug| bug.name().contains(only));
    let bugs: Vec<Bug> = bugs.copied().collect();
    hunt_all(&bugs, budget, planted, outcome)?;
    if budget.only.is_none() {
        control(budget, planted, outcome)?;
    }
    Ok(())
}

/// Adds a violation; repeated by the part of the layer that found it.
fn fail(budget: &Budget, only: &str, what: String, outcome: &mut Outcome) {
    let planted = budget.planted.as_ref().map_or_else(String::new, |planted| {
        let (binary, proof) = (planted.binary.display(), planted.proof.display());
        format!(" --planted-binary {binary} --planted-proof {proof}")
    });
    let only = match only {
        "" => String::new(),
        bug => format!(" --only {bug}"),
    };
    let (seed, binary) = (budget.seed, budget.binary.display());
    let repeat = format!(
        "cargo run --profile proof -p leasehold-proof -- planted --seed {seed} --binary {binary}{planted}{only}"
    );
    outcome.violations.push(Violation { what, repeat });
}

/// A normal build has no bug, not even by name.
fn look_for_names(binary: &Path, budget: &Budget, outcome: &mut Outcome) {
    let bytes = match fs::read(binary) {
        Ok(bytes) => bytes,
        Err(error) => {
            let what = format!("planted: looking for bugs in {}: {error}", binary.display());
            outcome.skipped.push(what);
            return;
        }
    };
    for name in names_in(&bytes) {
        let what = format!("{} knows of the bug {name}", binary.display());
        fail(budget, "", what, outcome);
    }
}

/// Returns the words of this module that a file has in it.
fn names_in(bytes: &[u8]) -> Vec<&'static str> {
    let names = Bug::ALL.iter().map(|bug| bug.name());
    let has = |name: &&str| {
        let mut windows = bytes.windows(name.len());
        windows.any(|window| window == name.as_bytes())
    };
    names.chain([VARIABLE]).filter(has).collect()
}

/// Both programs say that they do not know a bug that is none; else they were built without any.
fn can_plant(budget: &Budget, planted: &Planted, outcome: &mut Outcome) -> io::Result<()> {
    let version = |program: &Path| {
        Child::new(program, &["version"])
            .planting("no-such-bug")
            .run()
    };
    for program in [&planted.binary, &planted.proof] {
        if !version(program)?.says("there is no bug") {
            let what = format!("{} has no bugs to choose from", program.display());
            fail(budget, "", what, outcome);
        }
    }
    Ok(())
}

fn layer(budget: &Budget, planted: &Planted, layer: &str) -> Child {
    let seed = budget.seed.to_string();
    let words = ["--brief", "--seed", &seed, layer, "--binary"];
    Child::new(&planted.proof, &words).and(&planted.binary)
}

/// Hunts some at once, because who hunts mostly waits for others to wait.
fn hunt_all(
    bugs: &[Bug],
    budget: &Budget,
    planted: &Planted,
    outcome: &mut Outcome,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let index = next.fetch_add(1, Relaxed);
            let Some(bug) = bugs.get(index) else {
                return found;
            };
            found.push((index, hunt(*bug, budget, planted)));
        }
    };
    let mut found = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| {
            let panicked = |_| io::Error::other("a worker panicked");
            worker.join().map_err(panicked)
        });
        ended.collect::<io::Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    found.sort_by_key(|(index, _)| *index);
    for (_, hunted) in found {
        outcome.merge(hunted?);
    }
    Ok(())
}

/// Runs the layers against one bug.
fn hunt(bug: Bug, budget: &Budget, planted: &Planted) -> io::Result<Outcome> {
    let mut outcome = Outcome {
        faults: 1,
        ..Outcome::default()
    };
    let mut told = Vec::new();
    for name in layers(bug) {
        let mut child = layer(budget, planted, name).planting(bug.name());
        if let Some(only) = only(bug) {
            child = child.and("--only").and(only);
        }
        let ran = child.run()?;
        outcome.operations += 1;
        if ran.end == End::Violation {
            let note = format!("{:<22} {name:<11} {:>5.1} s", bug.name(), ran.seconds);
            outcome.notes.push(note);
            return Ok(outcome);
        }
        told.push(format!("{name}: {}", ran.end));
    }
    let what = format!("the bug {} survives: {}", bug.name(), told.join("; "));
    fail(budget, bug.name(), what, &mut outcome);
    Ok(outcome)
}

/// The same build without a bug finds nothing.
fn control(budget: &Budget, planted: &Planted, outcome: &mut Outcome) -> io::Result<()> {
    for name in CONTROL {
        let ran = layer(budget, planted, name).run()?;
        outcome.operations += 1;
        if ran.end != End::Clean {
            let what = format!("without a bug: {name}: {}: {}", ran.end, ran.text);
            fail(budget, "", what, outcome);
        }
        let note = format!("{:<22} {name:<11} {:>5.1} s", "(none)", ran.seconds);
        outcome.notes.push(note);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_a_file() {
        assert_eq!(names_in(b"\0skip-mutex\0x"), ["skip-mutex"]);
        assert_eq!(names_in(b"\0LEASEHOLD_PLANTED\0"), [VARIABLE]);
        assert_eq!(names_in(b"skip mutex"), [""; 0]);
    }

    #[test]
    fn without_the_two_programs_it_says_that_it_was_skipped() {
        let budget = Budget {
            seed: 1,
            minutes: None,
            binary: "leasehold".into(),
            only: None,
            brief: false,
            planted: None,
        };
        let outcome = run(&budget);
        assert!(outcome.violations.is_empty() && outcome.skipped.len() == 1);
    }
}
