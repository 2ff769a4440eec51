//! Fuzz: every parser and reader on input that nobody would write.
//!
//! Inputs are drawn from grammars and changed at random places, beginning with those of a kept corpus
//! (`corpus/TARGET/` in this crate), where each input that ever found something stays. What is checked
//! is in each target: that what is read is written as it was, that two ways to find an answer agree,
//! that an answer is cheap, and always that nothing panics.
//!
//! Coverage-guided fuzzing (libFuzzer) needs a nightly compiler with instrumentation; these inputs come
//! from a seed on any machine. A target is a function of bytes, as such a fuzzer would want it.
//!
//! *Operations* are inputs; *faults* are damaged files among them.

mod corpus;
mod cost;
mod duration;
mod event;
mod files;
mod mutate;
mod naive;
mod overlap;
mod resource;
mod seal;
mod shrink;

use crate::{Budget, Outcome, Random, Violation};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A parser or reader, and how it is tried.
struct Target {
    name: &'static str,
    /// Inputs of the short run, and about how many seconds they take.
    inputs: u64,
    seconds: u64,
    is_fault: bool,
    generate: fn(&mut Random, &corpus::Corpus) -> Vec<u8>,
    check: Check,
}

/// Says what is wrong with an input, if anything is.
type Check = fn(&[u8]) -> Result<(), String>;

const TARGETS: [Target; 6] = [
    Target {
        name: "resource",
        inputs: 400_000,
        seconds: 2,
        is_fault: false,
        generate: resource::generate,
        check: resource::check,
    },
    Target {
        name: "overlap",
        inputs: 400_000,
        seconds: 4,
        is_fault: false,
        generate: overlap::generate,
        check: overlap::check,
    },
    Target {
        name: "cost",
        inputs: 600,
        seconds: 2,
        is_fault: false,
        generate: cost::generate,
        check: cost::check,
    },
    Target {
        name: "duration",
        inputs: 400_000,
        seconds: 1,
        is_fault: false,
        generate: duration::generate,
        check: duration::check,
    },
    Target {
        name: "event",
        inputs: 60_000,
        seconds: 4,
        is_fault: false,
        generate: event::generate,
        check: event::check,
    },
    Target {
        name: "files",
        inputs: 2_500,
        seconds: 9,
        is_fault: true,
        generate: files::generate,
        check: files::check,
    },
];

/// After so many the rest of a target would show no more.
const VIOLATIONS_MAX: usize = 3;

pub(crate) fn run(budget: &Budget) -> Outcome {
    let mut outcome = Outcome::default();
    let hook = std::panic::take_hook();
    // A panic is a violation, reported as one.
    std::panic::set_hook(Box::new(|_| {}));
    let only = budget.only.as_deref().unwrap_or_default();
    for target in TARGETS.iter().filter(|target| target.name.contains(only)) {
        if budget.is_enough(&outcome) {
            break;
        }
        outcome.merge(target.run(budget));
    }
    std::panic::set_hook(hook);
    outcome
}

impl Target {
    fn run(&self, budget: &Budget) -> Outcome {
        let mut outcome = Outcome::default();
        let corpus = corpus::Corpus::read(self.name);
        if corpus.inputs.is_empty() {
            outcome
                .skipped
                .push(format!("fuzz: the corpus of {}", self.name));
        }
        for input in &corpus.inputs {
            self.try_one(input, budget.seed, budget, &mut outcome);
        }
        // The first input is that of the seed itself, so that a seed that fails does so at once.
        let (mut seed, mut seeds) = (budget.seed, Random::new(budget.seed));
        for _ in 0..budget.scaled(self.inputs, self.seconds) {
            if outcome.violations.len() >= VIOLATIONS_MAX || budget.is_enough(&outcome) {
                break;
            }
            let input = (self.generate)(&mut Random::new(seed), &corpus);
            self.try_one(&input, seed, budget, &mut outcome);
            seed = seeds.number();
        }
        let (count, kept) = (outcome.operations, corpus.inputs.len());
        let note = format!(
            "{:<9} {count:>7} inputs, {kept} of them kept ones",
            self.name
        );
        outcome.notes.push(note);
        outcome
    }

    fn try_one(&self, input: &[u8], seed: u64, budget: &Budget, outcome: &mut Outcome) {
        outcome.operations += 1;
        outcome.faults += u64::from(self.is_fault);
        let Err(first) = checked(self.check, input) else {
            return;
        };
        let (input, what) = if budget.brief {
            (input.to_vec(), first)
        } else {
            shrink::shrink(input, first, |input| checked(self.check, input))
        };
        let (name, input) = (self.name, input.escape_ascii());
        outcome.violations.push(Violation {
            what: format!("{name}: {what}\n      input: b\"{input}\""),
            repeat: format!(
                "cargo run --profile proof -p leasehold-proof -- fuzz --only {name} --seed {seed}"
            ),
        });
    }
}

/// Checks an input; a panic is a wrong answer.
fn checked(check: Check, input: &[u8]) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| check(input))) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("it panics: {}", text.unwrap_or("without a word")))
        }
    }
}

/// Fails with a text that is made only then.
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Two texts in one input: its first two lines.
fn two(input: &[u8]) -> Option<(&str, &str)> {
    let mut lines = std::str::from_utf8(input).ok()?.split('\n');
    lines.next().zip(lines.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_inputs_pass() {
        for target in &TARGETS {
            let corpus = corpus::Corpus::read(target.name);
            assert!(!corpus.inputs.is_empty(), "{} has none", target.name);
            for input in &corpus.inputs {
                let input_text = input.escape_ascii();
                assert_eq!(checked(target.check, input), Ok(()), "{input_text}");
            }
        }
    }

    #[test]
    fn drawn_inputs_pass() {
        for target in &TARGETS {
            let corpus = corpus::Corpus::read(target.name);
            for seed in 0..target.inputs / 500 {
                let input = (target.generate)(&mut Random::new(seed), &corpus);
                assert_eq!(checked(target.check, &input), Ok(()), "seed {seed}");
            }
        }
    }

    #[test]
    fn a_panic_is_a_wrong_answer() {
        let told = checked(|input| panic!("at {}", input.len()), b"ab");
        assert_eq!(told, Err("it panics: at 2".into()));
    }
}
