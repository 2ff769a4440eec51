//! A proof of life that cannot be read: whoever cannot be seen clearly is alive (law L9).
//!
//! A guard is dead, its command lives, and the file that proves it cannot be opened any more: because
//! its name leads in circles, or because of its mode, where this process is bound by modes.

use super::driver::{self, HandClock};
use super::{lock, note};
use crate::{Budget, Outcome};
use leasehold_core::LeaseId;
use leasehold_core::command::Command;
use leasehold_core::verdict::Verdict;
use leasehold_store::{Store as _, StoreError};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Mutex;
use tempfile::TempDir;

/// Makes a file that nobody can open.
type Spoil = fn(&Path) -> io::Result<()>;

const WAYS: [(&str, Spoil); 2] = [
    ("a name that leads in circles", lead_in_circles),
    ("a mode that forbids it", forbid),
];

const CLOCK: HandClock = HandClock {
    boot: "boot",
    now_ms: 1_000_000,
};

pub(super) fn run(budget: &Budget, outcome: &Mutex<Outcome>) -> io::Result<()> {
    for (way, spoil) in WAYS {
        let name = format!("the proof of a command unreadable by {way}");
        if !name.contains(budget.only.as_deref().unwrap_or_default()) {
            continue;
        }
        let tried = try_one(spoil).map_err(io::Error::other)?;
        let mut outcome = lock(outcome);
        let Some(problems) = tried else {
            let skipped = format!("damage: {way}: this user can read it all the same");
            outcome.skipped.push(skipped);
            continue;
        };
        outcome.operations += 2;
        outcome.faults += 1;
        note(budget, &name, &problems, &mut outcome);
    }
    Ok(())
}

fn lead_in_circles(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    symlink(path, path)
}

fn forbid(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o000))
}

/// Returns what was wrong, or nothing where the file can still be opened.
fn try_one(spoil: Spoil) -> Result<Option<Vec<String>>, StoreError> {
    let fail = |error| StoreError::io("furnish", "a temporary directory", error);
    let place = TempDir::new().map_err(fail)?;
    let root = place.path().join("root");
    let store = driver::open(&root, CLOCK)?;
    let mut presence = store.attend(LeaseId::new(1))?;
    // What the command inherits, here kept by this process in its place.
    let command = presence.command_proof()?;
    let granted = driver::run(&store, &Command::Ask(driver::ask(1, "ada", &["build"])))?;
    // The guard is killed.
    drop(presence);
    let proof = root.join(format!("leases/{}.command", LeaseId::new(1)));
    spoil(&proof).map_err(fail)?;
    let is_readable = fs::symlink_metadata(&proof).is_ok_and(|file| !file.is_symlink())
        && rustix::fs::access(&proof, rustix::fs::Access::READ_OK).is_ok();
    if is_readable {
        return Ok(None);
    }
    let ask = Command::Ask(driver::ask(2, "bob", &["build"]));
    let verdict = driver::open(&root, CLOCK).and_then(|store| driver::run(&store, &ask));
    drop(command);
    let mut problems = Vec::new();
    if !matches!(granted, Verdict::Granted(_)) {
        problems.push(format!("the first is not granted: {granted:?}"));
    }
    // An error is no grant either.
    if let Ok(verdict) = verdict
        && !matches!(verdict, Verdict::Refused(_))
    {
        problems.push(format!("while its command lives: {verdict:?}"));
    }
    Ok(Some(problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_proof_is_no_death() {
        assert_eq!(try_one(lead_in_circles).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_proof_that_is_gone_is_one() {
        let gone = try_one(|path| fs::remove_file(path)).unwrap().unwrap();
        assert_eq!(gone.len(), 1, "{gone:?}");
    }
}
