//! How much a run may take, and what it works on.

use crate::Outcome;
use std::path::PathBuf;

/// Of how many things in a short run a brief one tries one.
const BRIEF: u64 = 12;

/// The two programs that are built with the feature `planted`.
#[derive(Debug, Clone)]
pub struct Planted {
    /// What the layers with real processes start.
    pub binary: PathBuf,
    /// What runs the layers.
    pub proof: PathBuf,
}

/// What every layer is given.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Where all choices come from. A layer prints the seed of what failed.
    pub seed: u64,
    /// `None` is the short run of continuous integration; else about how long one layer may take.
    pub minutes: Option<u64>,
    /// The `leasehold` that the layers with real processes start.
    pub binary: PathBuf,
    /// Of the layers with named cases, only those whose names have this in them: to repeat one.
    pub only: Option<String>,
    /// Try little, and stop at the first violation: to see whether a planted bug is caught.
    pub brief: bool,
    /// A `leasehold` and a `leasehold-proof` with bugs to choose from, for `planted`.
    pub planted: Option<Planted>,
}

impl Budget {
    /// Of a list, what a brief run tries: evenly spread.
    pub(crate) fn sample<T>(&self, all: Vec<T>) -> Vec<T> {
        let every = usize::try_from(BRIEF).unwrap_or(1);
        all.into_iter().step_by(every).collect()
    }

    /// Whether a brief run has found what it looks for.
    pub(crate) const fn is_enough(&self, outcome: &Outcome) -> bool {
        self.brief && !outcome.violations.is_empty()
    }

    /// `short` in continuous integration; with `--minutes` as many more as the time allows, when one
    /// unit of `short` takes about `seconds`.
    #[must_use]
    pub fn scaled(&self, short: u64, seconds: u64) -> u64 {
        if self.brief {
            return short.div_ceil(BRIEF);
        }
        self.minutes.map_or(short, |minutes| {
            short.saturating_mul(minutes.saturating_mul(60).div_ceil(seconds.max(1)).max(1))
        })
    }
}
