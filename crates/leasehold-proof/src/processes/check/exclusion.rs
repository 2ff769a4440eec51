//! Nobody has what another one has, as the guarded commands themselves saw it.

use crate::processes::history::{Deed, What};
use crate::processes::names::{NAMES, Share};
use crate::processes::story::{Hold, Story, Way};
use crate::processes::witness::GRACE;
use std::time::Duration;

/// What lies between the last try of a witness lock and its note, on a busy machine.
const NOTED: Duration = Duration::from_millis(50);

/// Certain holds of what conflicts do not overlap, by their times and by the witness locks; pools are
/// never too full; and no command runs outside of the life that the log gives its lease.
pub(in crate::processes) fn holds_exclude(story: &Story) -> Vec<String> {
    let holds = &story.holds;
    let mut said = overlaps(story, holds);
    said.extend(pools(holds));
    said.extend(holds.iter().filter_map(|hold| outside(story, hold)));
    said.extend(holds.iter().flat_map(|hold| met(story, holds, hold)));
    said
}

fn overlaps(story: &Story, holds: &[Hold]) -> Vec<String> {
    let mut said = Vec::new();
    for (at, early) in holds.iter().enumerate() {
        let later = holds[at + 1..].iter();
        for late in later.take_while(|late| late.start < early.certain) {
            let is_there = late.start < late.certain;
            if let Some(atom) = early
                .clash(late)
                .filter(|_| is_there && !early.is_related(late))
            {
                let ms = (early.certain.min(late.certain) - late.start) / 1_000_000;
                let (one, two) = (describe(story, early), describe(story, late));
                let tail = story.tail(late.start);
                said.push(format!(
                    "{atom} was held twice for {ms} ms: {one}; {two}; the log: {tail}"
                ));
            }
        }
    }
    said
}

fn pools(holds: &[Hold]) -> Vec<String> {
    let mut said = Vec::new();
    for pool in NAMES {
        let (Some(slots), Some(atom)) = (pool.slots, pool.atoms.first()) else {
            continue;
        };
        let has = |hold: &&Hold| hold.is_own && hold.atoms.contains(&(*atom, Share::Slot));
        let holds: Vec<&Hold> = holds.iter().filter(has).collect();
        for hold in &holds {
            let is_in = |other: &&&Hold| other.start <= hold.start && hold.start < other.certain;
            let count = holds.iter().filter(is_in).count();
            if count > slots as usize {
                let (text, op) = (pool.text, hold.op);
                said.push(format!(
                    "{text} of {slots} has {count} holders when {op} begins"
                ));
            }
        }
    }
    said
}

/// Says what is wrong where a command began before its lease was bound, or went on after it was given
/// back or freed.
fn outside(story: &Story, hold: &Hold) -> Option<String> {
    if !hold.is_own {
        return None;
    }
    let life = story.life(hold.lease, hold.start)?;
    let who = describe(story, hold);
    match life.bound {
        None => return Some(format!("a command runs without its lease picked up: {who}")),
        Some(bound) if bound > hold.start + story.slack => {
            return Some(format!(
                "a command began before its lease was picked up: {who}"
            ));
        }
        Some(_) => {}
    }
    let (t, way) = life.dropped?;
    let over = match way {
        Way::Released | Way::Passed => t,
        // That it is dead may have been seen later than the time says.
        Way::Freed => story.effect(t),
        Way::Lapsed | Way::Forced => return None,
    };
    (over.saturating_add(story.slack) < hold.end)
        .then(|| format!("a command goes on after its lease was {way:?}: {who}"))
}

/// The witness lock was taken. That must be by somebody who had lost what he had.
fn met(story: &Story, holds: &[Hold], hold: &Hold) -> Vec<String> {
    let mut said = Vec::new();
    let grace = u64::try_from((GRACE + NOTED).as_nanos()).unwrap_or(u64::MAX / 2);
    for (t, what) in &story.ops[&hold.op].seen {
        let What::Met { atom, other, check } = what else {
            continue;
        };
        if *t > hold.certain {
            continue;
        }
        let bare = atom.split('~').next().unwrap_or(atom);
        let is_there = |other: &&Hold| {
            let has = other.atoms.iter().any(|(theirs, _)| *theirs == bare);
            let ended = story.ops[&other.op]
                .seen
                .iter()
                .any(|(_, what)| is_finish(what));
            has && other.op != hold.op && other.start <= *t && (!ended || other.end + grace >= *t)
        };
        let lost = |other: &&Hold| {
            other.certain < other.end || other.is_related(hold) || left(story, other, *t)
        };
        if !holds.iter().filter(is_there).any(|other| lost(&other)) {
            let who = describe(story, hold);
            said.push(format!(
                "{atom} was in use, by {other:?}, when this began: {who}"
            ));
        }
        let told = holds
            .iter()
            .find(|theirs| Some(theirs.op) == *other && theirs.is_own);
        if let (Some(other), Some(0)) = (told.filter(|other| !other.is_related(hold)), check) {
            let who = describe(story, other);
            said.push(format!("`check` says that {atom} is still held by {who}"));
        }
    }
    said
}

/// Whether a hold was lost before this time, though nothing was seen of it afterwards.
fn left(story: &Story, hold: &Hold, t: u64) -> bool {
    let lost = hold.chain.iter().any(|id| {
        let dropped = story.life(*id, hold.start).and_then(|life| life.dropped);
        dropped.is_some_and(|(at, way)| {
            at <= t && (!hold.is_own || matches!(way, Way::Lapsed | Way::Forced))
        })
    });
    let killed = story.ops[&hold.op].first_deed(&Deed::KillGuard);
    lost || !hold.is_own && killed.is_some_and(|at| at <= t)
}

const fn is_finish(what: &What) -> bool {
    matches!(what, What::Finish { .. })
}

/// The fenced registers: no certain holder meets a higher token than its own, what it read stays as it
/// was while it holds, and what `check` says is so.
pub(in crate::processes) fn registers_agree(story: &Story) -> Vec<String> {
    let holds = &story.holds;
    holds
        .iter()
        .flat_map(|hold| agrees(story, holds, hold))
        .collect()
}

fn agrees(story: &Story, holds: &[Hold], hold: &Hold) -> Vec<String> {
    let mut said = Vec::new();
    let is_inside = |by: u64| {
        let theirs = holds.iter().find(|other| other.op == by);
        theirs.is_some_and(|other| other.is_related(hold))
    };
    let mut versions = std::collections::BTreeMap::new();
    for (t, what) in &story.ops[&hold.op].seen {
        if *t >= hold.certain && hold.certain < hold.end {
            break;
        }
        let (atom, token, by) = match what {
            What::Read {
                atom,
                version,
                token,
                by,
            } => {
                let before = versions.insert(atom.as_str(), *version);
                if before.is_some_and(|before| before != *version) && !is_inside(*by) {
                    let who = describe(story, hold);
                    said.push(format!("{atom} was written by {by} meanwhile: {who}"));
                }
                (atom, token, by)
            }
            What::Wrote { atom, version } => {
                versions.insert(atom.as_str(), *version);
                continue;
            }
            What::Fenced { atom, token, by } => (atom, token, by),
            _ => continue,
        };
        if *token > hold.token && !is_inside(*by) {
            let who = describe(story, hold);
            said.push(format!("{atom} had seen token {token} of {by}: {who}"));
        }
    }
    said
}

pub(super) fn describe(story: &Story, hold: &Hold) -> String {
    let op = &story.ops[&hold.op];
    let ms = |t: u64| t / 1_000_000;
    let life = story.life(hold.lease, hold.start);
    let way = life.and_then(|life| life.dropped.map(|(t, way)| (way, ms(t))));
    format!(
        "[{} ran {}..{} ms, certain until {}, lease {} token {}, {way:?}]",
        op.line(),
        ms(hold.start),
        ms(hold.end),
        ms(hold.certain),
        hold.lease,
        hold.token
    )
}

#[cfg(test)]
mod tests;
