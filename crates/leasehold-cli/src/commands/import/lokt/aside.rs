//! Moving Lokt's directories aside, so that no Lokt finds them again.

use crate::error::CliError;
use crate::lokt::files::{self, Entry, FREEZES, LOCKS};
use leasehold_api::code::Code;
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
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
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => found.push(name),
            // Moved, it might lead elsewhere; and what it leads to would be where it was.
            Ok(metadata) if metadata.is_symlink() && path.is_dir() => {
                return Err(CliError::new(
                    Code::Error,
                    format!("{} is a link, and is not followed", path.display()),
                )
                .hint("put the directory itself in its place, then import again"));
            }
            Ok(_) => {}
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(failed("look at", &path, &error)),
        }
    }
    Ok(found)
}

/// Returns whether what Lokt held in this root of its own was taken over.
pub(crate) fn was_done(root: &Path) -> bool {
    root.join(KEPT).is_dir()
}

/// Keeps every other import out until the file is dropped, or this process dies. Two at once would each
/// take the leases of the other for those of an import that was killed.
#[must_use = "others are kept out as long as it is there"]
pub(super) fn alone(root: &Path) -> Result<Option<File>, CliError> {
    let directory = match File::open(root) {
        Ok(directory) => directory,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", root, &error)),
    };
    match directory.try_lock() {
        Ok(()) => Ok(Some(directory)),
        Err(TryLockError::WouldBlock) => {
            let text = format!("another import of {} is at work", root.display());
            let hint = "wait for its end, then look: leasehold status";
            Err(CliError::new(Code::Held, text).hint(hint))
        }
        Err(TryLockError::Error(error)) => Err(failed("lock", root, &error)),
    }
}

/// Moves back what an import moved that was killed before its end: it is looked at anew.
pub(super) fn begin_again(root: &Path) -> Result<(), CliError> {
    let under_way = root.join(files::UNDER_WAY);
    if !under_way.is_dir() {
        return Ok(());
    }
    for name in [LOCKS, FREEZES] {
        if under_way.join(name).is_dir() {
            move_back(root, name)?;
        }
    }
    fs::remove_dir(&under_way).map_err(|error| failed("remove", &under_way, &error))
}

/// Moves the directories aside, unless they are not as they were found any more; returns where they are.
pub(super) fn move_aside(
    root: &Path,
    directories: &[&'static str],
    found: &[Entry],
) -> Result<PathBuf, CliError> {
    let kept = free_name(root)?;
    let under_way = root.join(files::UNDER_WAY);
    fs::create_dir(&under_way).map_err(|error| failed("create", &under_way, &error))?;
    let moved = directories
        .iter()
        .try_for_each(|name| replace(root, name))
        .and_then(|()| unchanged(&under_way, directories, found))
        .and_then(|()| {
            fs::rename(&under_way, &kept).map_err(|error| failed("move", &under_way, &error))
        });
    match moved {
        Ok(()) => Ok(kept),
        // What keeps it from being moved back is worse than what kept it from being moved.
        Err(error) => Err(begin_again(root).err().unwrap_or(error)),
    }
}

/// Returns where they are to be in the end.
fn free_name(root: &Path) -> Result<PathBuf, CliError> {
    let name = |number| match number {
        1 => root.join(KEPT),
        number => root.join(format!("{KEPT}-{number}")),
    };
    let mut names = (1..=KEPT_MAX).map(name);
    let free = names.find(|path| !path.exists() && !path.is_symlink());
    free.ok_or_else(|| {
        let text = format!("{} has {KEPT_MAX} imports in it", root.display());
        CliError::new(Code::Error, text).hint("remove some of them")
    })
}

/// Moves one directory and puts the file there, at once: a Lokt that comes in between makes the directory
/// anew.
fn replace(root: &Path, name: &str) -> Result<(), CliError> {
    let (old, new) = (root.join(name), root.join(files::UNDER_WAY).join(name));
    fs::rename(&old, &new).map_err(|error| failed("move", &old, &error))?;
    let note = File::create_new(&old).and_then(|mut file| file.write_all(NOTE.as_bytes()));
    note.map_err(|error| failed("create", &old, &error))
}

/// Moves one directory back, in the place of the file. Where a Lokt made it anew meanwhile, what is in the
/// one goes into the other.
fn move_back(root: &Path, name: &str) -> Result<(), CliError> {
    let (old, new) = (root.join(name), root.join(files::UNDER_WAY).join(name));
    match fs::remove_file(&old) {
        Err(error) if old.is_file() => return Err(failed("remove", &old, &error)),
        // It was not there yet, or a Lokt made a directory.
        _ => {}
    }
    match fs::rename(&new, &old) {
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => put_back_each(&new, &old),
        moved => moved.map_err(|error| failed("move back", &new, &error)),
    }
}

/// Moves each file of a directory into another. None takes the place of one that is there: both may be held.
fn put_back_each(from: &Path, to: &Path) -> Result<(), CliError> {
    let fail = |error: &io::Error| failed("move back", from, error);
    for entry in fs::read_dir(from).map_err(|error| fail(&error))? {
        let name = entry.map_err(|error| fail(&error))?.file_name();
        let (old, new) = (from.join(&name), to.join(&name));
        match fs::hard_link(&old, &new) {
            Ok(()) => fs::remove_file(&old).map_err(|error| fail(&error))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let text = format!("{} and {} are both there", old.display(), new.display());
                let hint = "a Lokt took it anew while it was taken over: remove the one that nobody needs, then \
                            import again";
                return Err(CliError::new(Code::Error, text).hint(hint));
            }
            Err(error) => return Err(fail(&error)),
        }
    }
    fs::remove_dir(from).map_err(|error| fail(&error))
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
