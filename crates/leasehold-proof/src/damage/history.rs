//! What must hold of any log: an independent look at its events.

use leasehold_core::claim::any_conflict;
use leasehold_core::event::{Change, Event};
use leasehold_core::{Lease, LeaseId};
use leasehold_store::{Commit, Store, StoreError};
use leasehold_store_file::FileStore;
use std::collections::BTreeMap;

/// Follows the commits of a log and notes what breaks a law.
#[derive(Debug, Default)]
pub(crate) struct History {
    live: BTreeMap<LeaseId, Lease>,
    last_token: u64,
    problems: Vec<String>,
}

impl History {
    /// Follows the whole log of a store; returns what is wrong with it.
    pub(crate) fn check(store: &FileStore) -> Result<Vec<String>, StoreError> {
        Self::check_from(&[], store)
    }

    /// The same for a log that has lost its beginning, where these were held at its end.
    pub(crate) fn check_from(held: &[Lease], store: &FileStore) -> Result<Vec<String>, StoreError> {
        let mut history = Self {
            live: held.iter().map(|lease| (lease.id, lease.clone())).collect(),
            ..Self::default()
        };
        store.audit(&mut |commit: Commit<'_>| {
            history.add(commit.events);
            true
        })?;
        Ok(history.problems)
    }

    /// Brings in one commit.
    fn add(&mut self, events: &[Event]) {
        let mut came = Vec::new();
        for event in events {
            if let Event::Granted { lease, .. } = event {
                self.check_token(lease);
                came.push(lease.id);
            }
            event.for_each_change(|change| match change {
                Change::PutLease(lease) => drop(self.live.insert(lease.id, lease.as_ref().clone())),
                Change::DropLease(lease) if self.live.remove(&lease.id).is_none() => {
                    let name = event.name();
                    let id = lease.id;
                    self.problems
                        .push(format!("{name} of {id}, which was not held"));
                }
                _ => {}
            });
        }
        came.iter().for_each(|id| self.check_alone(*id));
    }

    /// Law L5: a token is above all before it, so none comes twice.
    fn check_token(&mut self, lease: &Lease) {
        let token = lease.token.get();
        if token <= self.last_token {
            self.problems.push(format!(
                "token {token} of {} comes after token {}",
                lease.id, self.last_token
            ));
        }
        self.last_token = self.last_token.max(token);
    }

    /// Law L1: who is granted stands beside nobody incompatible, but those it is inside of.
    fn check_alone(&mut self, id: LeaseId) {
        let Some(lease) = self.live.get(&id) else {
            return;
        };
        for other in self.live.values() {
            let is_family = other.id == id || lease.inside.contains(&other.id);
            if !is_family && any_conflict(&lease.claims, &other.claims) {
                self.problems
                    .push(format!("{id} and {} are held at once", other.id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damage::driver;
    use leasehold_core::FencingToken;

    fn granted(number: u128, token: u64, name: &str) -> Event {
        let mut lease = driver::sample_lease(number, name);
        lease.token = FencingToken::new(token).unwrap();
        Event::Granted {
            lease: lease.into(),
            from: None,
            spent: Vec::new(),
        }
    }

    fn released(number: u128, name: &str) -> Event {
        Event::Released {
            lease: driver::sample_lease(number, name).into(),
        }
    }

    fn problems(commits: &[Vec<Event>]) -> usize {
        let mut history = History::default();
        commits.iter().for_each(|events| history.add(events));
        history.problems.len()
    }

    #[test]
    fn a_good_history_passes() {
        let history = [
            vec![granted(1, 5, "a"), granted(2, 6, "b")],
            vec![released(1, "a"), granted(3, 7, "a")],
        ];
        assert_eq!(problems(&history), 0);
    }

    #[test]
    fn two_holders_are_refused() {
        let history = [vec![granted(1, 5, "a")], vec![granted(2, 6, "a")]];
        assert_eq!(problems(&history), 1);
    }

    #[test]
    fn a_token_that_comes_again_is_refused() {
        let history = [
            vec![granted(1, 5, "a")],
            vec![released(1, "a")],
            vec![granted(2, 5, "a")],
        ];
        assert_eq!(problems(&history), 1);
    }

    #[test]
    fn what_was_not_held_cannot_be_given_back() {
        assert_eq!(problems(&[vec![released(1, "a")]]), 1);
    }
}
