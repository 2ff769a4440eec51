//! Hostile patterns are as cheap as others: what a request compares, everybody waits for.

use super::corpus::Corpus;
use super::{ensure, mutate};
use crate::Random;
use leasehold_core::Resource;
use rustix::time::{ClockId, clock_gettime};

const UNITS: [&str; 18] = [
    "a", "*a", "?a", "a*", "*", "?", "a/", "*/", "**/", "**/a/", "*a*/", "a?/", "**/*a/", "é",
    "\\*", "*ab", "aab/", "?*a",
];

/// Processor time that one comparison may take. The largest takes a fiftieth.
const MICROS_MAX: i64 = 50_000;
/// More of any unit are over a limit.
const TIMES_MAX: usize = 1_024;

pub(super) fn generate(random: &mut Random, corpus: &Corpus) -> Vec<u8> {
    if random.one_in(4) && !corpus.inputs.is_empty() {
        let mut input = random.pick(&corpus.inputs).clone();
        mutate::once(random, &mut input);
        return input;
    }
    let mut unit = || *random.pick(&UNITS);
    format!("{}\n{}\n{}\n{}", unit(), unit(), unit(), unit()).into_bytes()
}

/// Compares a pattern made of one unit, many times, and an end, with one of another. They grow slowly
/// at first, so that a cost that explodes is seen before it is waited for.
pub(super) fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let mut lines = text.split('\n').chain(std::iter::repeat(""));
    let mut line = || lines.next().unwrap_or_default();
    let (one, other, end_of_one, end_of_other) = (line(), line(), line(), line());
    let mut times = 1;
    while times <= TIMES_MAX {
        let grow =
            |unit: &str, end: &str| Resource::parse(&format!("path:{}{end}", unit.repeat(times)));
        let half = |unit: &str, end: &str| {
            Resource::parse(&format!("path:{}{end}", unit.repeat(times.min(12))))
        };
        let sizes = [grow(one, end_of_one), half(one, end_of_one)];
        let others = [grow(other, end_of_other), half(other, end_of_other)];
        for a in sizes.iter().flatten() {
            for b in others.iter().flatten() {
                compare(a, b)?;
            }
        }
        times = if times < 32 { times + 1 } else { times * 3 / 2 };
    }
    Ok(())
}

fn compare(a: &Resource, b: &Resource) -> Result<(), String> {
    // A page fault or an interrupt is not the fault of the pattern: slow is what is slow three times.
    let fastest = (0..3)
        .map(|_| once(a, b))
        .find(|micros| *micros <= MICROS_MAX);
    ensure(fastest.is_some(), || {
        format!("{a} and {b} take over {MICROS_MAX} µs to compare")
    })
}

fn once(a: &Resource, b: &Resource) -> i64 {
    let begin = micros();
    std::hint::black_box((a.overlaps(b), a.contains(b), b.contains(a)));
    micros() - begin
}

/// Processor time of this thread: what others do does not count.
fn micros() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}
