//! The directory that a demonstration works in: its own, and gone afterwards unless it is to be kept.

use crate::cli::Demo;
use crate::error::CliError;
use crate::{request, ui};
use leasehold_api::code::Code;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt};

/// Where leases are remembered, below the directory.
const ROOT: &str = "leases";

/// Settings of git's: none of the user's, no questions, an author of our own.
const GIT: [(&str, &str); 7] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_AUTHOR_NAME", "demo"),
    ("GIT_AUTHOR_EMAIL", "demo@localhost"),
    ("GIT_COMMITTER_NAME", "demo"),
    ("GIT_COMMITTER_EMAIL", "demo@localhost"),
];

/// A directory for one demonstration. Dropping it removes it.
pub(super) struct Place {
    path: PathBuf,
    is_kept: bool,
}

impl Place {
    pub(super) fn make(args: &Demo) -> Result<Self, CliError> {
        let path = match &args.dir {
            Some(path) => path.clone(),
            None => env::temp_dir().join(format!("leasehold-demo-{}", request::draw_id()?)),
        };
        let source = if args.dir.is_some() {
            "--dir"
        } else {
            "TMPDIR"
        };
        let failed = |error: io::Error| {
            let path = path.display();
            CliError::new(Code::Error, format!("{source}: {path}: {error}"))
                .hint("name a directory that can be written to: leasehold demo --dir DIRECTORY")
        };
        let mut builder = DirBuilder::new();
        // Only for this user: a temporary directory is everybody's.
        match builder.mode(0o700).create(&path) {
            Err(error) if args.dir.is_some() && error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read_dir(&path).map_err(failed)?.next().is_some() {
                    return Err(failed(io::ErrorKind::DirectoryNotEmpty.into()));
                }
            }
            made => made.map_err(failed)?,
        }
        Ok(Self {
            path: path.canonicalize().map_err(failed)?,
            is_kept: args.keep || args.dir.is_some(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where leases are remembered.
    pub(super) fn root(&self) -> PathBuf {
        self.path.join(ROOT)
    }

    /// Returns the directory, if it stays.
    pub(super) fn kept(&self) -> Option<String> {
        self.is_kept.then(|| self.path.display().to_string())
    }

    /// Returns a command that runs here, and knows nothing of where we were called: no lease around us,
    /// no repository and no settings of git's.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let search = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        command.current_dir(&self.path).env_clear();
        command.env("PATH", search).env("LC_ALL", "C");
        command.env("HOME", &self.path).env("TMPDIR", &self.path);
        command.env("LEASEHOLD_ROOT", self.root()).envs(GIT);
        command
    }

    /// Writes a file here.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), CliError> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(|error| failure(path.display(), &error))
    }
}

/// An error of the system.
pub(super) fn failure(what: impl fmt::Display, error: &io::Error) -> CliError {
    CliError::new(Code::Error, format!("{what}: {error}"))
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            ui::talk(&format!("warning: {}: {error}", self.path.display()));
        }
    }
}
