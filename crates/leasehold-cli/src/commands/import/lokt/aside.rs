//! Moving Lokt's directories aside, so that no Lokt finds them again.

use crate::error::CliError;
use crate::lokt::files::{self, Entry, FREEZES, LOCKS};
use leasehold_api::code::Code;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Where they are moved to; a number follows where Lokt was taken up again meanwhile.
const KEPT: &str = "imported";
/// How many numbers are tried.
const KEPT_MAX: u32 = 1_000;

/// What stands in their place: a file, where Lokt needs a directory.
const NOTE: &str = "What Lokt held here is held by leasehold now: leasehold status
While this is a file and no directory, no Lokt can lock anything beside it.
";

/// Returns those of Lokt's directories that are there.
pub(super) fn directories(root: &Path) -> Result<Vec<&'static str>, CliError> {
    let mut found = Vec::new();
    for name in [LOCKS, FREEZES] {
        let path = root.join(name);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => found.push(name),
            Ok(_) => {}
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(failed("look at", &path, &error)),
        }
    }
    Ok(found)
}

/// Returns whether an import has been here.
pub(super) fn was_done(root: &Path) -> bool {
    root.join(KEPT).is_dir()
}

/// Moves the directories aside, unless they are not as they were found any more; returns where they are.
pub(super) fn move_aside(
    root: &Path,
    directories: &[&'static str],
    found: &[Entry],
) -> Result<PathBuf, CliError> {
    let kept = make_place(root)?;
    let mut moved = Vec::new();
    let mut outcome = Ok(());
    for name in directories {
        outcome = replace(root, &kept, name);
        if outcome.is_err() {
            break;
        }
        moved.push(*name);
    }
    let outcome = outcome.and_then(|()| unchanged(&kept, directories, found));
    if outcome.is_err() {
        for name in moved {
            let (old, new) = (root.join(name), kept.join(name));
            fs::remove_file(&old).map_err(|error| failed("remove", &old, &error))?;
            fs::rename(&new, &old).map_err(|error| failed("move back", &new, &error))?;
        }
        // It may have something in it that was not ours; then it stays.
        let _ = fs::remove_dir(&kept);
    }
    outcome.map(|()| kept)
}

fn make_place(root: &Path) -> Result<PathBuf, CliError> {
    let mut number = 1;
    loop {
        let kept = match number {
            1 => root.join(KEPT),
            number => root.join(format!("{KEPT}-{number}")),
        };
        match fs::create_dir(&kept) {
            Ok(()) => return Ok(kept),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < KEPT_MAX => {
                number += 1;
            }
            Err(error) => return Err(failed("create", &kept, &error)),
        }
    }
}

/// Moves one directory and puts the file there. A Lokt that comes in between makes the directory anew:
/// then the file is not put there, and what was moved goes back by hand of whoever reads the error.
fn replace(root: &Path, kept: &Path, name: &str) -> Result<(), CliError> {
    let (old, new) = (root.join(name), kept.join(name));
    fs::rename(&old, &new).map_err(|error| failed("move", &old, &error))?;
    let note = File::create_new(&old).and_then(|mut file| file.write_all(NOTE.as_bytes()));
    let Err(error) = note else {
        return Ok(());
    };
    // Only an empty directory makes way for it, and that is what a Lokt makes first.
    match fs::rename(&new, &old) {
        Ok(()) => Err(failed("create", &old, &error)),
        Err(again) => Err(failed("move back", &new, &again)),
    }
}

/// Makes sure that what was moved is what was read.
fn unchanged(kept: &Path, directories: &[&str], found: &[Entry]) -> Result<(), CliError> {
    let mut now = Vec::new();
    for name in directories {
        now.extend(files::read_directory(&kept.join(name), *name == FREEZES)?);
    }
    let is_same = |a: &Entry, b: &Entry| {
        let place = |path: &Path| {
            let parent = path.parent().and_then(Path::file_name).map(OsStr::to_owned);
            (parent, path.file_name().map(OsStr::to_owned))
        };
        let written = |entry: &Entry| {
            let lock = entry.lock.as_ref().ok()?;
            Some((lock.id, lock.owner.clone(), lock.acquired, lock.expires))
        };
        place(&a.path) == place(&b.path) && written(a) == written(b)
    };
    let all = now.len() == found.len() && now.iter().all(|a| found.iter().any(|b| is_same(a, b)));
    if all {
        return Ok(());
    }
    Err(CliError::new(
        Code::Held,
        "Lokt's locks changed while they were taken over, so nothing was changed",
    )
    .hint("let whatever still runs Lokt end, then import again"))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> CliError {
    CliError::new(
        Code::Error,
        format!("failed to {what} {}: {error}", path.display()),
    )
}
