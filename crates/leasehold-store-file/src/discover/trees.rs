//! The work trees of a repository: its main one and the linked ones.

use super::config::Settings;
use super::{Environment, absolute, common_of, exists, git_dir_of, is_absent, read_line};
use leasehold_store::StoreError;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What a git directory says of the work tree that it belongs to.
pub(super) enum Said {
    /// Its top.
    Top(PathBuf),
    /// There is none.
    Bare,
    /// Nothing.
    Nothing,
}

/// Returns what a git directory says of its work tree.
pub(super) fn said_by(git_dir: &Path) -> Result<Said, StoreError> {
    if let Some(top) = linked(git_dir)? {
        return Ok(Said::Top(top));
    }
    let settings = Settings::of(git_dir)?;
    let is_bare = settings.is_bare;
    let top = named_by(git_dir, settings).or_else(|| around(git_dir));
    Ok(match top {
        Some(top) => Said::Top(top),
        None if is_bare => Said::Bare,
        None => Said::Nothing,
    })
}

/// Returns the top of a linked worktree: its `gitdir` file names the `.git` file there.
fn linked(git_dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    let link = read_line(&git_dir.join("gitdir"))?.filter(|text| !text.is_empty());
    let dot_git = link.map(|text| absolute(git_dir, OsStr::new(&text)));
    Ok(dot_git.and_then(|path| path.parent().map(Path::to_path_buf)))
}

/// Returns the work tree that the settings name. To git too a bare repository has none.
fn named_by(git_dir: &Path, settings: Settings) -> Option<PathBuf> {
    let named = settings.work_tree.filter(|_| !settings.is_bare);
    named.map(|tree| absolute(git_dir, &tree))
}

/// Returns the directory around a `.git`. Also where the settings say that it is bare: whoever stands
/// there finds that `.git` first, and the settings are not read on that way.
fn around(git_dir: &Path) -> Option<PathBuf> {
    let is_inside = git_dir.file_name() == Some(OsStr::new(".git"));
    git_dir
        .parent()
        .filter(|_| is_inside)
        .map(Path::to_path_buf)
}

/// Returns the tops of the work trees that the repository with this common directory knows of, as it
/// writes them: links in them are not resolved. A worktree whose `.git` is gone is none any more; one of
/// somebody else's, which cannot be looked at, is one.
///
/// # Errors
/// [`StoreError::Io`] where something of it cannot be read: one file must not get two names.
pub fn work_trees(common: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let named = named_by(common, Settings::of(common)?);
    let mut tops: Vec<PathBuf> = named.into_iter().chain(around(common)).collect();
    let directory = common.join("worktrees");
    let fail = |error| StoreError::io("list", &directory, error);
    let entries = match fs::read_dir(&directory) {
        Err(error) if is_absent(&error) => return Ok(tops),
        entries => entries.map_err(fail)?,
    };
    for entry in entries {
        let top = linked(&entry.map_err(fail)?.path())?;
        tops.extend(top.filter(|top| !matches!(exists(&top.join(".git")), Ok(false))));
    }
    Ok(tops)
}

/// Returns the top of the work tree around a path, of the repository with this common directory, by the
/// `.git` in it: so is also found what the repository does not know of, as a main work tree apart from
/// its git directory. The path has to be absolute, without links. Other repositories on the way are
/// passed by, as is what this user may not read.
///
/// # Errors
/// [`StoreError::Io`] where something cannot be read that another time may be: one file must not get two
/// names.
pub fn work_tree_around<'a>(path: &'a Path, common: &Path) -> Result<Option<&'a Path>, StoreError> {
    for above in path.ancestors() {
        match is_of(above, common) {
            Ok(true) => return Ok(Some(above)),
            Ok(false) => {}
            Err(error) if is_passed_by(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn is_of(top: &Path, common: &Path) -> Result<bool, StoreError> {
    let Some(git_dir) = git_dir_of(top)? else {
        return Ok(false);
    };
    is_same(&common_of(top, &git_dir, &Environment::default())?, common)
}

/// Returns whether an error is what there is to be known of a place, now as later.
fn is_passed_by(error: &StoreError) -> bool {
    match error {
        StoreError::Io { source, .. } => {
            let lasting = [
                ErrorKind::PermissionDenied,
                ErrorKind::InvalidData,
                ErrorKind::InvalidFilename,
            ];
            let is_circle = source.raw_os_error() == Some(Errno::LOOP.raw_os_error());
            is_circle || lasting.contains(&source.kind())
        }
        _ => true,
    }
}

/// Returns whether both are one directory.
pub(super) fn is_same(one: &Path, other: &Path) -> Result<bool, StoreError> {
    let one = real(one)?;
    Ok(one.is_some() && one == real(other)?)
}

/// Returns a path without links; nothing where it is absent.
pub(super) fn real(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    match fs::canonicalize(path) {
        Err(error) if is_absent(&error) => Ok(None),
        found => found
            .map(Some)
            .map_err(|error| StoreError::io("look at", path, error)),
    }
}
