//! Damage of many bytes at once, drawn one after the other for as long as there is time.

use super::kinds::Damage;
use super::world::{Time, World};
use super::{Planned, patch, try_all};
use crate::{Budget, Outcome, Random};
use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The short run draws so many.
const SHORT: usize = 400;

/// One draw, and so its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Draw {
    index: usize,
    seed: u64,
}

impl Draw {
    fn name(self) -> String {
        format!("drawn {} by seed {}", self.index, self.seed)
    }

    /// Reads it from the beginning of the name of a trial.
    fn parse(name: &str) -> Option<Self> {
        let (index, rest) = name.strip_prefix("drawn ")?.split_once(" by seed ")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        let seed = &rest[..digits.unwrap_or(rest.len())];
        Some(Self {
            index: index.parse().ok()?,
            seed: seed.parse().ok()?,
        })
    }

    /// Draws; the same for the same name, whatever else is drawn.
    fn trials(self, world: &World) -> Vec<Planned> {
        let mut random = Random::new(Random::new(self.seed).number() ^ self.index as u64);
        let drawn = patch::draw(world, &mut random);
        let trials = drawn.into_iter().flat_map(|(file, patch)| {
            let damage = Damage::Patch { file, patch };
            [Time::SameBoot, Time::NextBoot].map(|time| {
                let name = format!("{}: {}", self.name(), super::name(&damage, time));
                (name, damage.clone(), time)
            })
        });
        trials.collect()
    }
}

/// `begin` is when the layer began: the minutes are for all of it.
pub(super) fn run(budget: &Budget, begin: Instant, outcome: &Mutex<Outcome>) -> io::Result<()> {
    let one = match budget.only.as_deref() {
        None => None,
        Some(only) => match Draw::parse(only) {
            // It chooses none of these.
            None => return Ok(()),
            one => one,
        },
    };
    let seed = budget.seed;
    let deadline = budget
        .minutes
        .map(|minutes| begin + Duration::from_secs(minutes * 60));
    let of = |world: &World, index: usize| -> Option<Vec<Planned>> {
        let draw = match (one, deadline) {
            (Some(one), _) => (index == 0).then_some(one)?,
            (None, Some(deadline)) => {
                (Instant::now() < deadline).then_some(Draw { index, seed })?
            }
            (None, None) => (index < short(budget)).then_some(Draw { index, seed })?,
        };
        Some(draw.trials(world))
    };
    try_all("drawn damages of many bytes", &of, budget, outcome)
}

fn short(budget: &Budget) -> usize {
    usize::try_from(budget.scaled(SHORT as u64, 1)).unwrap_or(SHORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_drawn_again_by_its_name() {
        let world = World::new(Time::SameBoot).unwrap();
        let draws = (0..50).map(|index| Draw { index, seed: 7 });
        let named: Vec<_> = draws.flat_map(|draw| draw.trials(&world)).collect();
        assert!(named.len() > 50);
        for (name, damage, time) in named {
            let again = Draw::parse(&name).unwrap().trials(&world);
            assert!(again.contains(&(name, damage, time)));
        }
    }

    #[test]
    fn other_names_are_not_draws() {
        for name in ["mutex cut at 4, SameBoot", "drawn", "drawn x by seed 1"] {
            assert_eq!(Draw::parse(name), None);
        }
    }
}
