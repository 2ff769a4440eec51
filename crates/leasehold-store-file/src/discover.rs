//! Finding the root of a workspace, without starting a process.
//!
//! `$LEASEHOLD_ROOT`, else `leasehold/` in git's common directory (which all worktrees share), else the
//! nearest `.leasehold/` upward, else a new one here. A repository that is there but cannot be read is
//! an error: agents that fell back to different places would not exclude each other.

mod config;
mod trees;

pub use config::aliases;
pub use trees::{work_tree_around, work_trees};

use leasehold_store::StoreError;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};
use trees::{Said, is_same, real, said_by};

/// The name of a root inside git's common directory.
const IN_GIT: &str = "leasehold";
/// The name of a root outside git.
pub const MARKER: &str = ".leasehold";

/// The variables that finding a root depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment<'a> {
    /// `LEASEHOLD_ROOT`.
    pub root: Option<&'a OsStr>,
    /// `GIT_DIR`.
    pub git_dir: Option<&'a OsStr>,
    /// `GIT_COMMON_DIR`.
    pub git_common_dir: Option<&'a OsStr>,
    /// `GIT_WORK_TREE`.
    pub git_work_tree: Option<&'a OsStr>,
}

/// How a root was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `LEASEHOLD_ROOT` names it.
    Variable,
    /// It is in git's common directory.
    Git,
    /// It is the nearest `.leasehold/` upward.
    Marker,
    /// There is none yet outside git: a new one in the current directory.
    New,
}

/// A root, which need not be there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The directory.
    pub root: PathBuf,
    /// How it was found.
    pub by: By,
    /// The directory that relative paths of resources start at; none where nothing says so (a bare
    /// repository, a root that is named outside git).
    pub top: Option<PathBuf>,
    /// The directory that all work trees of the repository around share, where there is one. Outside of
    /// repositories it is that of the repository whose root this is.
    pub common: Option<PathBuf>,
    /// The directory around a `.leasehold/` that a variable names: what is in it is named from there, as by
    /// those who find the root by itself.
    pub around: Option<PathBuf>,
}

/// A git directory.
#[derive(Debug)]
struct Git {
    common: PathBuf,
    top: Option<PathBuf>,
}

/// Finds the root for a process in the directory `here`, which has to be absolute.
///
/// # Errors
/// [`StoreError::Io`] where something on the way cannot be looked at, [`StoreError::Repository`] where a
/// variable or a `.git` file names no repository.
pub fn discover(here: &Path, environment: &Environment<'_>) -> Result<Found, StoreError> {
    if let Some(root) = environment.root {
        if root.is_empty() {
            return Err(unusable(
                Path::new("LEASEHOLD_ROOT"),
                "it is set to nothing",
            ));
        }
        return named_root(here, absolute(here, root), environment);
    }
    if let Some(git) = find_git(here, environment)? {
        return Ok(Found {
            root: git.common.join(IN_GIT),
            by: By::Git,
            top: git.top,
            common: Some(git.common),
            around: None,
        });
    }
    for directory in here.ancestors() {
        let marker = directory.join(MARKER);
        if is_directory(&marker)? {
            return Ok(Found {
                root: marker,
                by: By::Marker,
                top: Some(directory.into()),
                common: None,
                around: None,
            });
        }
    }
    Ok(Found {
        root: here.join(MARKER),
        by: By::New,
        top: Some(here.into()),
        common: None,
        around: None,
    })
}

/// Takes a root that a variable names. Where a repository is around, that only says where relative paths
/// start. Else where the root lies says how those name a file who find it by itself: one file must not
/// have two names.
fn named_root(
    here: &Path,
    root: PathBuf,
    environment: &Environment<'_>,
) -> Result<Found, StoreError> {
    let (mut top, mut common, mut around) = (None, None, None);
    if let Some(git) = find_git(here, environment)? {
        (top, common) = (git.top, Some(git.common));
    } else {
        let place = real(&root)?.unwrap_or_else(|| root.clone());
        let lies_in = place.parent().map(Path::to_path_buf);
        match place.file_name().and_then(OsStr::to_str) {
            Some(MARKER) => {
                top = lies_in.clone().filter(|place| here.starts_with(place));
                around = lies_in;
            }
            Some(IN_GIT) => {
                let is_git = lies_in.as_deref().map(is_git_directory).transpose()?;
                common = lies_in.filter(|_| is_git == Some(true));
            }
            _ => {}
        }
    }
    Ok(Found {
        root,
        by: By::Variable,
        top,
        common,
        around,
    })
}

fn find_git(here: &Path, environment: &Environment<'_>) -> Result<Option<Git>, StoreError> {
    if let Some(git_dir) = environment.git_dir.filter(|text| !text.is_empty()) {
        return named_git(here, &absolute(here, git_dir), environment).map(Some);
    }
    for directory in here.ancestors() {
        if let Some(git_dir) = git_dir_of(directory)? {
            let common = common_of(here, &git_dir, environment)?;
            let top = work_tree(here, environment).unwrap_or_else(|| directory.into());
            return Ok(Some(Git {
                common,
                top: Some(top),
            }));
        }
        if let Some(git) = inside_git(here, directory, environment)? {
            return Ok(Some(git));
        }
    }
    Ok(None)
}

fn work_tree(here: &Path, environment: &Environment<'_>) -> Option<PathBuf> {
    let named = environment.git_work_tree.filter(|text| !text.is_empty());
    named.map(|text| absolute(here, text))
}

/// Follows `GIT_DIR`, as git's own hooks have it set.
fn named_git(
    here: &Path,
    git_dir: &Path,
    environment: &Environment<'_>,
) -> Result<Git, StoreError> {
    if !is_git_directory(git_dir)? {
        return Err(unusable(
            git_dir,
            "GIT_DIR names it, and it is no git directory",
        ));
    }
    let common = common_of(here, git_dir, environment)?;
    let top = match work_tree(here, environment) {
        Some(top) => Some(top),
        None => top_from(here, git_dir)?,
    };
    Ok(Git { common, top })
}

/// Returns the top of the work tree that belongs to a git directory which `GIT_DIR` names.
///
/// Where the repository does not name one, git takes the current directory: in a hook that is the top.
/// But a hook may go down from there, and one file must not have two names. So what else tells the top
/// goes before: that the git directory is somebody's `.git`, or that a `.git` file further up leads to it.
fn top_from(here: &Path, git_dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    match said_by(git_dir)? {
        Said::Top(top) => return Ok(Some(top)),
        Said::Bare => return Ok(None),
        Said::Nothing => {}
    }
    for directory in here.ancestors() {
        if let Some(found) = git_dir_of(directory)?
            && is_same(&found, git_dir)?
        {
            return Ok(Some(directory.into()));
        }
        if is_same(directory, git_dir)? {
            return Ok(None);
        }
    }
    Ok(Some(here.into()))
}

/// Returns the git directory of a work tree whose top this is: its `.git`, or what that file names.
fn git_dir_of(directory: &Path) -> Result<Option<PathBuf>, StoreError> {
    let dot_git = directory.join(".git");
    let metadata = match fs::metadata(&dot_git) {
        Err(error) if is_absent(&error) => return Ok(None),
        metadata => metadata.map_err(|error| StoreError::io("look at", &dot_git, error))?,
    };
    if metadata.is_dir() {
        // A directory of that name without a repository in it: git goes on upward, and so do we.
        return Ok(is_git_directory(&dot_git)?.then_some(dot_git));
    }
    let text = read_line(&dot_git)?.unwrap_or_default();
    let Some(target) = text
        .strip_prefix("gitdir:")
        .map(str::trim)
        .filter(|t| !t.is_empty())
    else {
        return Err(unusable(&dot_git, "it should say `gitdir: PATH`"));
    };
    let git_dir = absolute(directory, OsStr::new(target));
    if !is_git_directory(&git_dir)? {
        let detail = format!("it names {}, which is no git directory", git_dir.display());
        return Err(unusable(&dot_git, &detail));
    }
    Ok(Some(git_dir))
}

/// Takes a directory that is itself a git directory: a bare repository, or the inside of `.git`.
fn inside_git(
    here: &Path,
    directory: &Path,
    environment: &Environment<'_>,
) -> Result<Option<Git>, StoreError> {
    // One look rules out nearly every directory.
    if !exists(&directory.join("HEAD"))? || !is_git_directory(directory)? {
        return Ok(None);
    }
    let common = common_of(here, directory, environment)?;
    let said = || match said_by(directory)? {
        Said::Top(top) => Ok(Some(top)),
        Said::Bare | Said::Nothing => Ok(None),
    };
    let top = work_tree(here, environment).map_or_else(said, |top| Ok(Some(top)))?;
    Ok(Some(Git { common, top }))
}

/// Returns whether a directory is a git directory: a `HEAD`, and objects and refs here or in the common
/// directory.
fn is_git_directory(path: &Path) -> Result<bool, StoreError> {
    if !exists(&path.join("HEAD"))? {
        return Ok(false);
    }
    Ok(exists(&path.join("commondir"))?
        || (exists(&path.join("objects"))? && exists(&path.join("refs"))?))
}

/// Returns the directory that all worktrees share.
fn common_of(
    here: &Path,
    git_dir: &Path,
    environment: &Environment<'_>,
) -> Result<PathBuf, StoreError> {
    if let Some(named) = environment.git_common_dir.filter(|text| !text.is_empty()) {
        return Ok(absolute(here, named));
    }
    let Some(text) = read_line(&git_dir.join("commondir"))? else {
        return Ok(git_dir.into());
    };
    let common = absolute(git_dir, OsStr::new(&text));
    if text.is_empty() || !is_directory(&common)? {
        return Err(unusable(
            &git_dir.join("commondir"),
            "it names no directory",
        ));
    }
    Ok(common)
}

/// Joins, and takes `.` and `..` out, so that one root has one name in messages. A `..` behind a
/// symbolic link is left to the file system.
fn absolute(base: &Path, path: &OsStr) -> PathBuf {
    let joined = base.join(path);
    if !joined.components().any(|part| part == Component::ParentDir) {
        return joined.components().collect();
    }
    fs::canonicalize(&joined).unwrap_or(joined)
}

/// Returns the text of a file without its last newline, or nothing where there is no such file.
fn read_line(path: &Path) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end_matches(['\n', '\r']).into())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    // Not through links: an unborn `HEAD` may be a link to nothing.
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(StoreError::io("look at", path, error)),
    }
}

fn is_directory(path: &Path) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(StoreError::io("look at", path, error)),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn unusable(path: &Path, detail: &str) -> StoreError {
    StoreError::Repository {
        path: path.into(),
        detail: detail.into(),
    }
}
