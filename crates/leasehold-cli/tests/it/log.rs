//! The audit log of a repository, as the tests read it.

use crate::repo::Repo;
use serde_json::Value;

/// Returns all events, in order.
pub(crate) fn all(repo: &Repo) -> Vec<Value> {
    let text = repo.log();
    // The last line may be one that is being written.
    let commits = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    commits
        .flat_map(|commit| commit["events"].as_array().cloned().unwrap_or_default())
        .collect()
}

/// Returns the events of one kind, in order.
pub(crate) fn events(repo: &Repo, kind: &str) -> Vec<Value> {
    all(repo)
        .into_iter()
        .filter(|event| event["event"] == kind)
        .collect()
}
