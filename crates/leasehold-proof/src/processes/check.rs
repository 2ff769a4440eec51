//! The checkers. Each takes the story of a round and returns what must not be in it.

pub(super) mod answers;
pub(super) mod clock;
pub(super) mod end;
pub(super) mod exclusion;
pub(super) mod queue;
pub(super) mod replay;
#[cfg(test)]
mod sample;
pub(super) mod serial;

use super::story::Story;

type Checker = fn(&Story) -> Vec<String>;

/// Of each kind no more are told.
const TOLD_MAX: usize = 8;

/// All of them.
pub(super) fn all(story: &Story) -> Vec<String> {
    let checkers: [(&str, Checker); 8] = [
        ("exclusion", exclusion::holds_exclude),
        ("fencing", exclusion::registers_agree),
        ("answers", answers::explained),
        ("audit", replay::legal),
        ("time", clock::true_line),
        ("queue", queue::in_order),
        ("calls", queue::called),
        ("serializability", serial::acyclic),
    ];
    let found = checkers.into_iter().flat_map(|(name, check)| {
        let mut said = check(story);
        let more = said.len().saturating_sub(TOLD_MAX);
        said.truncate(TOLD_MAX);
        said.extend((more > 0).then(|| format!("and {more} more of this kind")));
        said.into_iter().map(move |text| format!("{name}: {text}"))
    });
    found.collect()
}
