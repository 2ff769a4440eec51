//! Whether each change arrived in the remote repository, once and whole.

use super::repository::Repository;
use crate::error::CliError;
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
pub(super) struct Judged {
    /// How many changes are there, once and whole.
    pub(super) landed: usize,
    /// What is wrong.
    pub(super) faults: Vec<String>,
}

/// A commit: what it says that it is, and the files it changes.
struct Commit {
    subject: String,
    files: BTreeSet<String>,
}

/// Judges the remote repository by the changes that were made. Those of an agent that was killed may be
/// there or not.
pub(super) fn judge(repository: &Repository<'_>, done: &[String]) -> Result<Judged, CliError> {
    const REMOTE: &str = "remote.git";
    let mut faults = Vec::new();
    if done.is_empty() {
        faults.push("nobody made a change".to_owned());
    }
    let fsck = repository.try_git(REMOTE, "fsck --full --strict --no-dangling")?;
    if !fsck.status.success() {
        faults.push("the remote repository is damaged (git fsck)".to_owned());
    }
    let merges = repository.git(REMOTE, "rev-list --merges main")?;
    if !merges.is_empty() {
        faults.push("the history has merges in it".to_owned());
    }
    let commits = commits(&repository.git(REMOTE, "log --name-only --format=:%s main")?);
    let list = repository.git(REMOTE, "show main:list")?;
    let parts = repository.git(REMOTE, "ls-tree --name-only main parts/")?;
    let count = |text: &str, line: &str| text.lines().filter(|own| *own == line).count();
    let mut wrong: BTreeMap<&str, usize> = BTreeMap::new();
    let mut landed = 0;
    for change in done {
        let part = format!("parts/{change}");
        let own: Vec<&Commit> = commits
            .iter()
            .filter(|commit| commit.subject == *change)
            .collect();
        let whole = BTreeSet::from(["list".to_owned(), part.clone()]);
        let fault = match own.as_slice() {
            [] => "changes did not arrive",
            [_, _, ..] => "changes arrived more than once",
            [commit] if commit.files != whole => "changes were committed in part, or with others'",
            [_] if count(&list, change) != 1 || count(&parts, &part) != 1 => {
                "changes were overwritten"
            }
            [_] => {
                landed += 1;
                continue;
            }
        };
        *wrong.entry(fault).or_default() += 1;
    }
    faults.extend(
        wrong
            .iter()
            .map(|(what, count)| format!("{count} of {} {what}", done.len())),
    );
    // As somebody else gets it.
    repository.git(".", "clone --quiet --template= remote.git arrived")?;
    let build = repository.build("arrived")?;
    if !build.status.success() {
        faults.push("what arrived does not build".into());
    }
    Ok(Judged { landed, faults })
}

/// Reads what `git log` printed: a subject behind a colon, then the names of files.
fn commits(log: &str) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    for line in log.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix(':'), commits.last_mut()) {
            (Some(subject), _) => commits.push(Commit {
                subject: subject.into(),
                files: BTreeSet::new(),
            }),
            (None, Some(commit)) => drop(commit.files.insert(line.into())),
            (None, None) => {}
        }
    }
    commits
}
