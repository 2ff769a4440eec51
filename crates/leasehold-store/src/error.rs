//! What can go wrong with a store.

use std::{io, path::PathBuf};

/// Why a store could not do what was asked. Nothing was changed unless the text says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done: "read", "append to".
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody stays inside the store's mutex for too long, most often a stopped process.
    #[error("the store at {} is busy: {by} has been inside it for more than {waited_ms} ms", path.display())]
    Busy {
        /// The mutex.
        path: PathBuf,
        /// Who has it, as far as it is known.
        by: String,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// What is stored does not make sense, and could not be made good.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The file, ref or key.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The repository that the store is to be found by cannot be made out.
    #[error("{}: {detail}", path.display())]
    Repository {
        /// The file or directory that should lead to it.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The place is somebody else's.
    #[error("{} is not a lease directory: there is {found:?} in it", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What is in it.
        found: String,
    },
    /// It was written by a newer version.
    #[error("{} has format {found}, this program knows up to {known}", path.display())]
    Newer {
        /// The file, ref or key.
        path: PathBuf,
        /// The format found.
        found: u64,
        /// The newest format that this program reads.
        known: u64,
    },
    /// A limit of the store is reached.
    #[error("{limit} is used up")]
    Limit {
        /// Which.
        limit: &'static str,
    },
}

impl StoreError {
    /// Makes an error of a system call on a path.
    pub fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
        source: impl Into<io::Error>,
    ) -> Self {
        Self::Io {
            action,
            path: path.into(),
            source: source.into(),
        }
    }

    /// Returns what to do about it, as an imperative sentence without full stop.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    Some("check who owns the directory and whether this user may write to it")
                }
                io::ErrorKind::StorageFull => {
                    Some("free disk space; releases still work meanwhile")
                }
                io::ErrorKind::FileTooLarge => {
                    Some("raise the limit on the size of files (`ulimit -f`)")
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    Some("mount it writable, or set LEASEHOLD_ROOT to a directory that is")
                }
                _ => None,
            },
            Self::Busy { .. } => Some("continue or end the process that is inside, then try again"),
            Self::Damaged { .. } => {
                Some("keep a copy of the directory and report it; nothing was changed")
            }
            Self::Repository { .. } => Some(
                "mend the repository, remove a `.git` file that is left over (a worktree that was moved: \
                 git worktree repair), or unset GIT_DIR",
            ),
            Self::Foreign { .. } => {
                Some("name a directory of its own: an empty one, or one that is not there yet")
            }
            Self::Newer { .. } => Some("update leasehold; nothing was changed"),
            Self::Limit { .. } => None,
        }
    }
}
