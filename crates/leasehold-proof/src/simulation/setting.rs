//! What a simulated world is like: how many agents, which names, which times.

use super::names::{FLAT_AT, PATHS_AT, POOLS_AT};
use crate::Random;
use leasehold_core::Identity;
use leasehold_core::limits::Policy;
use std::ops::Range;

/// One world before it begins.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// What is claimed there, by its place among the names.
    pub(super) names: Vec<usize>,
    pub(super) agents: u64,
    pub(super) steps: u64,
    /// One claim on a pool in so many takes it for one of another size.
    pub(super) other_size_one_in: u64,
    /// Leases are short there and come back late, so that a lapsed one meets what came meanwhile.
    pub(super) is_lapsing: bool,
    pub(super) policy: Policy,
    /// How many requests are under way at most; more are not begun.
    pub(super) requests_max: usize,
}

/// One world in this many has hundreds of agents.
const LARGE_ONE_IN: u64 = 64;
/// One in this many is made for pools of which slots lapse and are renewed.
const LAPSING_ONE_IN: u64 = 6;
/// As many flat names as a small world chooses from.
const FLAT_FEW: Range<usize> = FLAT_AT.start..FLAT_AT.start + 4;

impl Setting {
    /// Draws a world.
    pub(super) fn draw(random: &mut Random) -> Self {
        let policy = Policy {
            lock_delay_ms: if random.one_in(6) { 500 } else { 0 },
            ..Policy::default()
        };
        if random.one_in(LARGE_ONE_IN) {
            return Self {
                names: PATHS_AT.chain(POOLS_AT).chain(FLAT_AT).collect(),
                agents: 200 + random.below(200),
                steps: 4_000,
                other_size_one_in: 64,
                is_lapsing: false,
                policy,
                requests_max: 400,
            };
        }
        let is_lapsing = random.one_in(LAPSING_ONE_IN);
        Self {
            names: match is_lapsing {
                true => [few(random, POOLS_AT, 1), few(random, FLAT_FEW, 1)].concat(),
                false => names(random),
            },
            agents: 3 + random.below(8),
            steps: 80 + random.below(240),
            other_size_one_in: match is_lapsing {
                true => 1,
                false => *random.pick(&[2, 16, 16]),
            },
            is_lapsing,
            policy,
            // With many of them a pool is never free for one of another size.
            requests_max: match is_lapsing {
                true => 5,
                false => 24,
            },
        }
    }
}

/// More agents than this make a large world.
const LARGE_AGENTS: u64 = 100;

impl Setting {
    pub(super) const fn is_large(&self) -> bool {
        self.agents > LARGE_AGENTS
    }
}

/// Draws a few names that meet each other.
fn names(random: &mut Random) -> Vec<usize> {
    match random.below(5) {
        0 => few(random, FLAT_FEW, 2),
        1 => [few(random, FLAT_FEW, 2), few(random, POOLS_AT, 1)].concat(),
        2 => [few(random, POOLS_AT, 2), few(random, FLAT_FEW, 1)].concat(),
        3 => few(random, PATHS_AT, 5),
        _ => [
            few(random, PATHS_AT, 4),
            few(random, POOLS_AT, 1),
            few(random, FLAT_FEW, 2),
        ]
        .concat(),
    }
}

/// Draws some of them.
fn few(random: &mut Random, from: Range<usize>, count: u64) -> Vec<usize> {
    let mut all: Vec<usize> = from.collect();
    while all.len() as u64 > count {
        let out = random.below(all.len() as u64);
        all.swap_remove(usize::try_from(out).unwrap_or(0));
    }
    all
}

/// Who the agent with this number is. Some share a place key, some an owner, some have no name.
pub(super) fn somebody(number: u64) -> Identity {
    let name = format!("agent-{number}");
    match number % 6 {
        0 => Identity::nameless("user", "host"),
        1 | 5 => Identity::named(&name, "host"),
        2 => Identity::named(&name, "host").in_session(&name),
        3 => Identity::nameless("user", "host").in_session(&name),
        _ => Identity::named(&format!("agent-{}", number - 3), "host"),
    }
}
