//! The files of a root of Lokt's own: `locks/NAME.json` and `freezes/NAME.json`. Read, never written.

mod written;

use crate::error::CliError;
use leasehold_api::code::Code;
use leasehold_core::LeaseId;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

/// The name of such a root in git's common directory, and of one outside git.
pub(crate) const IN_GIT: &str = "lokt";
pub(crate) const OUTSIDE_GIT: &str = ".lokt";
/// Its directories.
pub(crate) const LOCKS: &str = "locks";
pub(crate) const FREEZES: &str = "freezes";
/// Where an import moves them first, until it is done. A Lokt sees nothing there, and we do.
pub(crate) const UNDER_WAY: &str = "importing";
/// Its log.
pub(crate) const AUDIT: &str = "audit.log";

/// The largest lock file: one is a few hundred bytes.
const BYTES_MAX: u64 = 65_536;

/// One file of a root.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    /// The lock in it, or what is wrong with it.
    pub(crate) lock: Result<Lock, String>,
}

/// A lock or freeze as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) is_freeze: bool,
    /// Of what: without the prefix of an old freeze.
    pub(crate) name: String,
    pub(crate) id: LeaseId,
    pub(crate) owner: String,
    pub(crate) host: String,
    pub(crate) pid: u32,
    pub(crate) agent: Option<String>,
    pub(crate) acquired: SystemTime,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) process: Process,
}

/// What is known of the process that wrote a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    /// It runs: a guard, because that of a lock by hand has ended at once.
    Alive,
    /// It has ended.
    Dead,
    /// It is on another machine.
    Elsewhere,
}

impl Lock {
    /// Returns whether Lokt itself would let it stand in somebody's way.
    pub(crate) fn is_live(&self, now: SystemTime) -> bool {
        let is_over = self.expires.is_some_and(|at| at <= now);
        !is_over || (!self.is_freeze && self.process == Process::Alive)
    }

    fn describe(&self) -> String {
        let how = if self.is_freeze { "frozen" } else { "held" };
        format!("`{}` {how} by {}@{}", self.name, self.owner, self.host)
    }
}

/// Returns a description of each lock that is live, or that cannot be told to be over.
pub(crate) fn live(root: &Path) -> Result<Vec<String>, CliError> {
    let now = SystemTime::now();
    let mut entries = read(root)?;
    // An import that was killed may not have come to all of it.
    entries.extend(read(&root.join(UNDER_WAY))?);
    let described = entries.iter().filter_map(|entry| match &entry.lock {
        Ok(lock) => lock.is_live(now).then(|| lock.describe()),
        Err(wrong) => Some(format!("`{}`, unreadable: {wrong}", entry.name)),
    });
    Ok(described.collect())
}

/// Reads all locks and freezes of a root, sorted by name.
pub(crate) fn read(root: &Path) -> Result<Vec<Entry>, CliError> {
    let mut entries = read_directory(&root.join(LOCKS), false)?;
    entries.extend(read_directory(&root.join(FREEZES), true)?);
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Reads the locks, or the freezes, that are in a directory. Nothing is in one that is not there, nor in
/// the file that an import leaves in its place.
pub(crate) fn read_directory(directory: &Path, is_freeze: bool) -> Result<Vec<Entry>, CliError> {
    let failed = |error: &io::Error| {
        CliError::new(
            Code::Error,
            format!("failed to read {}: {error}", directory.display()),
        )
        .hint("whether Lokt holds anything there cannot be told; make it readable first")
    };
    let listed = match fs::read_dir(directory) {
        Ok(listed) => listed,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let mut entries = Vec::new();
    for file in listed {
        let file = file.map_err(|error| failed(&error))?;
        let name = file.file_name().to_string_lossy().into_owned();
        // Others are what a write left behind that was cut off: never a lock.
        let Some(name) = name.strip_suffix(".json") else {
            continue;
        };
        let path = file.path();
        let lock = match read_lock(&path, name, is_freeze) {
            // Removed meanwhile.
            Ok(None) => continue,
            Ok(Some(lock)) => Ok(lock),
            Err(wrong) => Err(wrong),
        };
        entries.push(Entry {
            path,
            name: name.into(),
            lock,
        });
    }
    Ok(entries)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn read_lock(path: &Path, name: &str, is_freeze: bool) -> Result<Option<Lock>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !metadata.is_file() {
        return Err("it is no file".into());
    }
    if metadata.len() > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    match fs::read(path) {
        Ok(text) => written::parse(&text, name, is_freeze).map(Some),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
