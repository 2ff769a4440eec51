//! A kill together with a failed write: one process is killed inside a commit, the write of the next
//! one fails, and a third looks. A record cache that was stale after a replay once handed one lease to
//! two holders this way.

use super::Planned;
use super::fault::{self, Fault};
use super::scenario::{self, Around, Scenario, Verb};
use super::template::Furniture;
use crate::tracer::call::Call;
use crate::{Budget, Random};
use nix::errno::Errno;
use std::collections::BTreeMap;

/// Of how many the short run tries one.
const SHORT_RUN_EVERY: u64 = 3;

/// Who is killed, and whose write fails then.
const PAIRS: &[(&str, &str)] = &[
    ("guard", "guard"),
    ("guard-two", "guard-two"),
    ("guard", "lock"),
    ("lock", "lock"),
    ("lock", "guard-two"),
    ("unlock", "lock-again"),
    ("unlock-all", "unlock-everything"),
    ("freeze", "guard"),
];

/// Every kill inside the commits of the first, with every failing write of the second; in the short run
/// some of them by the seed.
pub(super) fn cases(calls: &BTreeMap<&str, Vec<Call>>, budget: &Budget) -> Vec<Planned> {
    let is_whole = budget.minutes.is_some() || budget.only.is_some();
    let mut random = Random::new(budget.seed);
    let mut cases = Vec::new();
    for (first, second) in PAIRS {
        let (Some(first), Some(second)) = (Scenario::named(first), Scenario::named(second)) else {
            continue;
        };
        for call in inside_commits(&calls[first.name]) {
            let kill = Fault::Kill { call };
            let writes = calls[second.name].iter().filter(|call| call.writes).count();
            for write in 1..=writes {
                for fault in failures(write, budget) {
                    cases.push((Some((first, kill)), second, fault));
                }
            }
        }
    }
    cases.retain(|_| is_whole || random.one_in(SHORT_RUN_EVERY));
    cases
}

/// A kill anywhere in any verb, then any fault in any other.
pub(super) fn random(calls: &BTreeMap<&str, Vec<Call>>, random: &mut Random) -> Planned {
    let alone = |scenario: &&Scenario| {
        scenario.around == Around::Nobody
            && scenario.furniture == Furniture::Full
            && scenario.ends_after.is_empty()
            // Its command stands beside others with the token of the lease that it is inside of.
            && scenario.verb != Verb::Join
    };
    let scenarios: Vec<&'static Scenario> = scenario::ALL.iter().filter(alone).collect();
    let (first, second) = (*random.pick(&scenarios), *random.pick(&scenarios));
    let call = 1 + usize::try_from(random.below(calls[first.name].len() as u64)).unwrap_or(0);
    let faults = fault::all(&calls[second.name]);
    let fault = *random.pick(&faults);
    (Some((first, Fault::Kill { call })), second, fault)
}

/// The calls from the first write of a stay inside the mutex to the giving back of the lock: after the
/// append, what is written and what is read between.
fn inside_commits(calls: &[Call]) -> Vec<usize> {
    let mut inside = Vec::new();
    let mut has_lock = false;
    for (number, call) in (1..).zip(calls) {
        if call.writes && has_lock {
            inside.push(number);
        }
        if call.locks {
            // The kill before the lock is given back is the last one inside.
            if has_lock {
                inside.push(number);
            }
            has_lock = true;
        }
    }
    inside
}

fn failures(write: usize, budget: &Budget) -> Vec<Fault> {
    let errno = Errno::ENOSPC;
    let mut faults = vec![Fault::Fail { write, errno }];
    if budget.minutes.is_some() || budget.only.is_some() {
        faults.push(Fault::FailOnward { write, errno });
        let errno = Errno::EIO;
        faults.push(Fault::Fail { write, errno });
        faults.push(Fault::FailOnward { write, errno });
    }
    faults
}
