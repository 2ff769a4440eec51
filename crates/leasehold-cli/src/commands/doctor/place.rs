//! Where the leases are remembered: the directory, its rights, what it lies on.

use crate::commands::gc::size;
use crate::context::Place;
use leasehold_api::finding::FindingInfo;
use leasehold_store_file::discover::By;
use leasehold_store_file::inspect::{self, Directory, FileSystemKind};
use std::path::Path;

/// Less space than this is worth a word: releases still have some kept back.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// The same of files that may still be made.
const FREE_FILES_MIN: u64 = 1_000;

pub(super) fn look(place: &Place) -> Vec<FindingInfo> {
    let mut findings = vec![root(place)];
    let path = place.found.root.as_path();
    // Of one that is not there yet, what it would be made in.
    let exists = path.exists();
    let looked = if exists { path } else { above(path) };
    match inspect::directory(looked) {
        Ok(directory) => {
            findings.push(rights(looked, &directory, exists));
            findings.push(file_system(looked, &directory));
            findings.extend(space(&directory));
            if exists && directory.is_writable {
                findings.push(tried(path));
            }
        }
        Err(error) => findings.push(FindingInfo::failure(
            "rights",
            error.to_string(),
            "check who owns the directory and those above it",
        )),
    }
    findings
}

fn above(path: &Path) -> &Path {
    let mut ancestors = path.ancestors();
    ancestors.find(|path| path.exists()).unwrap_or(path)
}

fn root(place: &Place) -> FindingInfo {
    const CHECK: &str = "root";
    let path = place.found.root.display();
    let by = match (place.source, place.found.by) {
        (Some(source), _) => format!("named by {source}"),
        (None, By::Variable) => "named by LEASEHOLD_ROOT".into(),
        (None, By::Git) => "of this git repository and all its worktrees".into(),
        (None, By::Marker) => "the nearest .leasehold upward".into(),
        (None, By::New) => "a new one: this is no git repository".into(),
    };
    if place.found.root.exists() {
        return FindingInfo::ok(CHECK, format!("{path}, {by}"));
    }
    let text = format!("{path}, {by}; made at the first lease");
    if place.found.by == By::New {
        let hint = "agents in other directories would not see its leases: work in one git \
                    repository, or set LEASEHOLD_ROOT for all of them";
        return FindingInfo::warning(CHECK, text, hint);
    }
    FindingInfo::ok(CHECK, text)
}

fn rights(path: &Path, directory: &Directory, exists: bool) -> FindingInfo {
    const CHECK: &str = "rights";
    let mode = directory.mode;
    if !directory.is_writable {
        let hint = "let this user write to it (core.sharedRepository for a new one, chmod for this \
                    one), or set LEASEHOLD_ROOT to a directory that all may write to";
        let text = format!("{} (mode {mode:o}) may not be written to", path.display());
        return FindingInfo::failure(CHECK, text, hint);
    }
    if exists && mode & 0o002 != 0 {
        let hint = format!(
            "who may write there may take any lease away: chmod o-w {}",
            path.display()
        );
        let text = format!("everybody on this machine may write to it (mode {mode:o})");
        return FindingInfo::warning(CHECK, text, hint);
    }
    FindingInfo::ok(CHECK, format!("mode {mode:o}, this user may write to it"))
}

fn file_system(path: &Path, directory: &Directory) -> FindingInfo {
    const CHECK: &str = "file system";
    let name = directory.file_system.name;
    match directory.file_system.kind {
        FileSystemKind::Local => FindingInfo::ok(CHECK, name),
        FileSystemKind::Unknown => FindingInfo::ok(
            CHECK,
            format!("of a kind that is not known here, at {}", path.display()),
        ),
        FileSystemKind::Memory => FindingInfo::warning(
            CHECK,
            format!("{name}: all is gone when the machine is switched off, tokens begin again"),
            "set LEASEHOLD_ROOT to a directory on a disk, unless that is what you want",
        ),
        FileSystemKind::Network => FindingInfo::warning(
            CHECK,
            format!("{name}, over a network: locks may not reach other machines, or be lost"),
            "set LEASEHOLD_ROOT to a directory on a local disk; machines do not exclude each other \
             through a shared directory",
        ),
        FileSystemKind::Program => FindingInfo::warning(
            CHECK,
            format!("{name}: what a lock is worth there is up to the program behind it"),
            "set LEASEHOLD_ROOT to a directory on a local disk",
        ),
    }
}

fn space(directory: &Directory) -> Option<FindingInfo> {
    const CHECK: &str = "space";
    let hint = "free some: on a full disk nothing is granted, only given back";
    if directory.free_bytes < FREE_BYTES_MIN {
        let text = format!("{} are left on the disk", size(directory.free_bytes));
        return Some(FindingInfo::warning(CHECK, text, hint));
    }
    let files = directory
        .free_files
        .filter(|files| *files < FREE_FILES_MIN)?;
    let text = format!("only {files} more files can be made there");
    Some(FindingInfo::warning(CHECK, text, hint))
}

fn tried(path: &Path) -> FindingInfo {
    const CHECK: &str = "locks";
    let local = "set LEASEHOLD_ROOT to a directory on a local disk";
    match inspect::try_out(path) {
        Ok(tried) if !tried.locks => FindingInfo::failure(
            CHECK,
            "a lock on a file does not keep another one out: nobody is excluded",
            local,
        ),
        Ok(tried) if !tried.fifos => FindingInfo::failure(
            CHECK,
            "there can be no FIFOs: guarded commands have no proof of life",
            local,
        ),
        Ok(_) => FindingInfo::ok(CHECK, "file locks and FIFOs work"),
        Err(error) => FindingInfo::failure(CHECK, error.to_string(), "check its rights and space"),
    }
}
