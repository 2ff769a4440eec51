//! A sample of the damages, tried with the real binary.

use super::kinds::{self, Damage};
use super::world::{Time, World};
use super::{lock, note};
use crate::{Budget, Outcome, Random, planted};
use std::io;
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// How many damages the short run tries.
const SAMPLE: usize = 60;

/// Of a longer run a part, by how long a sample takes: the rest is for what goes faster.
const SAMPLE_SECONDS: u64 = 4;

/// What is run, and how it may end when nothing is damaged. 1 is an error, and may always be.
const VERBS: [(&str, i32); 5] = [
    ("status", 0),
    ("guard gpu --owner zoe -- true", 2),
    ("lock old --owner zoe", 2),
    ("exists build", 0),
    ("guard free --owner zoe -- true", 0),
];

pub(super) fn run(budget: &Budget, outcome: &Mutex<Outcome>) -> io::Result<()> {
    let world = World::new(Time::Machine)?;
    let mut random = Random::new(budget.seed);
    let mut damages = kinds::all(&world, false, &mut random);
    let only = budget.only.as_deref();
    match only {
        Some(only) => damages.retain(|damage| name(damage).contains(only)),
        None => {
            let sample = budget.scaled(SAMPLE as u64, SAMPLE_SECONDS);
            let sample = usize::try_from(sample).unwrap_or(usize::MAX);
            let (bytes, mut files): (Vec<_>, Vec<_>) = damages.into_iter().partition(is_of_a_byte);
            let half = sample / 2;
            let pick = |list: &[Damage], random: &mut Random| -> Vec<Damage> {
                (0..half).map(|_| random.pick(list).clone()).collect()
            };
            files = pick(&files, &mut random);
            files.extend(pick(&bytes, &mut random));
            damages = files;
        }
    }
    for damage in &damages {
        let problems = try_binary(budget, &world, damage)?;
        let mut outcome = lock(outcome);
        outcome.operations += VERBS.len() as u64;
        outcome.faults += 1;
        note(budget, &name(damage), &problems, &mut outcome);
        if budget.is_enough(&outcome) {
            break;
        }
    }
    let count = damages.len();
    lock(outcome)
        .notes
        .push(format!("{count} damages with the real binary"));
    Ok(())
}

fn is_of_a_byte(damage: &Damage) -> bool {
    matches!(damage, Damage::Flip { .. } | Damage::Cut { .. })
}

fn name(damage: &Damage) -> String {
    super::name(damage, Time::Machine)
}

fn try_binary(budget: &Budget, world: &World, damage: &Damage) -> io::Result<Vec<String>> {
    damage.apply(world)?;
    let mut problems = Vec::new();
    for (line, code) in VERBS {
        let output = Command::new(&budget.binary)
            .args(line.split(' '))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LEASEHOLD_ROOT", world.root())
            .envs(planted::environment())
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let names_a_file = said.contains(&*world.root().to_string_lossy());
        match output.status.code() {
            Some(found) if found == code => {}
            Some(1) if said.contains("error:") && names_a_file => {}
            found => problems.push(format!("`{line}` ends with {found:?}: {said}")),
        }
    }
    world.put_back()?;
    Ok(problems)
}
