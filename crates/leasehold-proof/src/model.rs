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
mod family;
mod fault;
mod go;
mod instance;
mod load;
mod named;
mod parts;
mod print;
mod program;
mod sample;
mod table;
mod trace;
mod wait;
mod world;

use crate::{Budget, Outcome, Violation};
use explore::explore;
use family::Family;
use instance::Instance;
use std::time::{Duration, Instant};

/// So many states are looked at of one instance. The largest that is named has fewer.
const STATES_MAX: usize = 500_000;
/// In a brief run: half of the instances have fewer.
const STATES_MAX_BRIEF: usize = 10_000;
/// Instances drawn in a short run, and about how long they take.
const SAMPLES: u64 = 400;
const SAMPLES_SECONDS: u64 = 25;
/// How far apart the first instances of two seeds are, in each family.
const SLICE: u64 = 500;
/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(30);

/// Explores the named instances, then a sample; with time to spend, all of each family instead.
pub(crate) fn run(budget: &Budget) -> Outcome {
    let mut walk = Walk {
        budget,
        begun: Instant::now(),
        told: Instant::now(),
        outcome: Outcome::default(),
        count: 0,
        largest: 0,
    };
    let only = budget.only.as_deref().unwrap_or_default();
    let chosen = |instance: &Instance| instance.name.contains(only);
    for instance in named::all().into_iter().filter(chosen) {
        if !walk.explore(&instance) {
            return walk.end();
        }
    }
    let families = family::all();
    let titled = families
        .iter()
        .find_map(|family| Some((family, family.place(only)?)));
    if let Some((family, place)) = titled {
        walk.explore(&family.instance(place));
    } else if budget.minutes.is_some() {
        let chosen = families.iter().filter(|family| family.name.contains(only));
        walk.families(&chosen.collect::<Vec<_>>());
    } else {
        let samples = budget.scaled(SAMPLES, SAMPLES_SECONDS);
        let drawn = (0..samples).map(|number| sample::instance(budget.seed, number));
        for instance in drawn.filter(chosen) {
            if !walk.explore(&instance) {
                break;
            }
        }
    }
    walk.end()
}

/// One run through many instances.
struct Walk<'a> {
    budget: &'a Budget,
    begun: Instant,
    told: Instant,
    outcome: Outcome,
    count: u64,
    largest: u64,
}

impl Walk<'_> {
    /// Explores one; `false` where that is enough.
    fn explore(&mut self, instance: &Instance) -> bool {
        let found = explore_one(instance, self.budget);
        self.count += 1;
        self.largest = self.largest.max(found.operations);
        self.outcome.merge(found);
        !self.budget.is_enough(&self.outcome)
    }

    /// Goes through families side by side, always on with the one that has had the fewest states, until
    /// all are through or the time is over. The seed says where each begins.
    fn families(&mut self, families: &[&Family]) {
        let minutes = self.budget.minutes.unwrap_or_default();
        let time = Duration::from_secs(minutes.saturating_mul(60));
        let slice = self.budget.seed.saturating_sub(1);
        let first = |family: &Family| slice.wrapping_mul(SLICE) % family.count();
        let mut done = vec![0u64; families.len()];
        let mut states = vec![0u64; families.len()];
        while self.begun.elapsed() < time {
            let open = (0..families.len()).filter(|at| done[*at] < families[*at].count());
            let Some(next) = open.min_by_key(|at| states[*at]) else {
                break;
            };
            let family = families[next];
            let instance = family.instance((first(family) + done[next]) % family.count());
            self.tell(&instance);
            let before = self.outcome.operations;
            let goes_on = self.explore(&instance);
            states[next] += self.outcome.operations - before;
            done[next] += 1;
            if !goes_on {
                break;
            }
        }
        for (family, done) in families.iter().zip(&done) {
            let note = covered(family, first(family), *done);
            self.outcome.notes.push(note);
        }
    }

    /// Says from time to time how far it is.
    fn tell(&mut self, instance: &Instance) {
        if self.told.elapsed() > PROGRESS {
            self.told = Instant::now();
            let seconds = self.begun.elapsed().as_secs();
            let count = self.count;
            eprintln!(
                "model: {seconds} s, {count} instances; now {}",
                instance.name
            );
        }
    }

    fn end(mut self) -> Outcome {
        let (count, largest) = (self.count, self.largest);
        let note = format!("{count} instances, {largest} states in the largest");
        self.outcome.notes.insert(0, note);
        self.outcome
    }
}

/// Says which instances of a family were explored.
fn covered(family: &Family, first: u64, done: u64) -> String {
    let (name, count) = (family.name, family.count());
    if done == count {
        return format!("{name}: all {count}");
    }
    let last = (first + done) % count;
    let next = (first + done) / SLICE + 1;
    format!(
        "{name}: {done} of {count}, from {} to {last} (--seed {next} goes on)",
        first + 1
    )
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
        "cargo run --profile proof -p leasehold-proof -- model --seed {} --only '{}'",
        budget.seed, instance.name,
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
