//! The model check: every interleaving of small programs, over the real kernel.
//!
//! An instance is two to four claims (guards with guards and locks inside, readers, pools, trees) and a
//! few faults. All states that it can come to are visited, breadth first, so the history printed for a
//! violation is the shortest. Each claim begins again when it is through; states that differ only in
//! the size of the numbers given out are one state, so there are finitely many, and starvation is a
//! circle among them. What is decided is decided by `leasehold_core::decide` over whole views; what is
//! judged is judged by a second reading of the rules (`facts`); how a waiter sleeps, watches and wakes
//! follows the wait of `leasehold_service`.
//!
//! Operations are states; faults are the steps that kill, interrupt, freeze or let time pass.
//!
//! The explorer is our own. Starvation is a fair circle, and stateright's "eventually" properties are
//! documented to miss circles and know no fairness; without them it would be a queue and a set, at the
//! price of an actor framework and a web server.

mod act;
mod check;
mod cycle;
mod event;
mod explore;
mod facts;
mod go;
mod instance;
mod named;
mod print;
mod program;
mod sample;
mod trace;
mod world;

use crate::{Budget, Outcome, Violation};
use explore::explore;
use instance::Instance;

/// So many states are looked at of one instance. The largest that is named has fewer.
const STATES_MAX: usize = 500_000;
/// In a brief run: half of the instances have fewer.
const STATES_MAX_BRIEF: usize = 10_000;
/// Instances drawn in a short run, and about how long they take.
const SAMPLES: u64 = 300;
const SAMPLES_SECONDS: u64 = 15;

/// Explores the named instances and a sample of others.
pub(crate) fn run(budget: &Budget) -> Outcome {
    let mut outcome = Outcome::default();
    let named = named::all().into_iter();
    let samples = budget.scaled(SAMPLES, SAMPLES_SECONDS);
    let drawn = (0..samples).map(|number| sample::instance(budget.seed, number));
    let only = budget.only.as_deref().unwrap_or_default();
    let (mut count, mut largest) = (0, 0);
    for instance in named
        .chain(drawn)
        .filter(|instance| instance.name.contains(only))
    {
        let found = explore_one(&instance, budget);
        count += 1;
        largest = largest.max(found.operations);
        outcome.merge(found);
        if budget.is_enough(&outcome) {
            break;
        }
    }
    let note = format!("{count} instances, {largest} states in the largest");
    outcome.notes.push(note);
    outcome
}

fn explore_one(instance: &Instance, budget: &Budget) -> Outcome {
    let states_max = if budget.brief {
        STATES_MAX_BRIEF
    } else {
        STATES_MAX
    };
    let explored = explore(instance, states_max);
    let cut = format!("all but {states_max} states of {}", instance.text());
    let repeat = format!(
        "cargo run --profile proof -p leasehold-proof -- model --seed {} --only '{}'{}",
        budget.seed,
        instance.name,
        budget
            .minutes
            .map_or_else(String::new, |minutes| format!(" --minutes {minutes}")),
    );
    let violation = explored.violation.map(|what| Violation { what, repeat });
    Outcome {
        operations: explored.states,
        faults: explored.faults,
        violations: violation.into_iter().collect(),
        skipped: explored.cut.then_some(cut).into_iter().collect(),
        ..Outcome::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(instance: &Instance) -> Option<String> {
        explore(instance, STATES_MAX).violation
    }

    #[test]
    fn a_good_instance_is_explored_to_its_end() {
        let explored = explore(
            &Instance::new("crossing", &["a: A{B}", "b: B{A}"]),
            STATES_MAX,
        );
        assert_eq!(explored.violation, None);
        assert!(!explored.cut && explored.states > 100);
    }

    #[test]
    fn a_claim_that_asks_for_what_its_lock_keeps_from_it_starves() {
        let own = Instance::new("own", &["a: !A A", "b: B"]);
        assert!(own.waits_for_itself());
        let told = violation(&own).expect("it dies each time");
        assert!(told.contains("a: !A A never comes to its end"), "{told}");
    }

    #[test]
    fn the_crossing_locks_of_the_nameless_are_a_deadlock() {
        let locks = Instance::new("nameless", &["_a: !A B", "_b: !B A"]);
        let told = violation(&locks).expect("only a TTL ends it");
        assert!(told.contains("deadlock"), "{told}");
    }
}
