//! The freezes of a round, from the audit.

use super::Commit;
use leasehold_core::event::{Change, Event};
use leasehold_core::freeze::Freeze;

/// A freeze, from when until when.
#[derive(Debug)]
pub(in crate::processes) struct Frost {
    pub(in crate::processes) freeze: Freeze,
    pub(in crate::processes) set: u64,
    /// When its time was over, or the commit that ended it or put another in its place.
    pub(in crate::processes) over: u64,
}

pub(super) fn all(commits: &[Commit]) -> Vec<Frost> {
    let mut frosts: Vec<Frost> = Vec::new();
    for commit in commits {
        for event in &commit.events {
            event.for_each_change(|change| {
                let (Change::PutFreeze(freeze) | Change::DropFreeze(freeze)) = change else {
                    return;
                };
                let before = frosts
                    .iter_mut()
                    .rfind(|frost| frost.freeze.id == freeze.id);
                before
                    .into_iter()
                    .for_each(|frost| frost.over = frost.over.min(commit.at));
            });
            if let Event::Frozen { freeze } = event {
                let until = freeze
                    .until
                    .map(|at| at.as_millis().saturating_sub(commit.at_ms));
                frosts.push(Frost {
                    freeze: (**freeze).clone(),
                    set: commit.at,
                    over: until.map_or(u64::MAX / 2, |ms| commit.at + ms * 1_000_000),
                });
            }
        }
    }
    frosts
}
