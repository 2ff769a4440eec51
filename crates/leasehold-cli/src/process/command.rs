//! Starting the guarded command in a process group of its own, with what it inherits.
//!
//! Standard input, output and error are inherited. Dispositions are the kernel's defaults, except
//! what was ignored when we were started; SIGPIPE is reset by the standard library.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::io::Errno;
use rustix::process::Pid;

use super::signals::Signals;
use super::terminal::Terminal;

/// A command to run while a lease is held.
#[derive(Debug)]
pub(crate) struct GuardedCommand {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    inherit: Vec<OwnedFd>,
}

impl GuardedCommand {
    /// Runs `program` with `args`, found by PATH if its name has no `/`.
    pub(crate) fn new(program: impl Into<OsString>, args: Vec<OsString>) -> Self {
        Self {
            program: program.into(),
            args,
            env: Vec::new(),
            inherit: Vec::new(),
        }
    }

    /// Runs `script` by `/bin/sh -c`; `args` are its `$0`, `$1` and so on.
    pub(crate) fn shell(script: impl Into<OsString>, args: Vec<OsString>) -> Self {
        let args = [OsString::from("-c"), script.into()]
            .into_iter()
            .chain(args)
            .collect();
        Self::new("/bin/sh", args)
    }

    /// Adds a variable to the command's environment.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Takes a variable out of the command's environment.
    pub(crate) fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Hands `descriptor` down to the command and whatever it starts: a kernel file lock on it is
    /// the command's proof of life. It has to be one that `exec` does not close, and is closed by
    /// [`spawn`](Self::spawn).
    pub(crate) fn inherit(mut self, descriptor: OwnedFd) -> Self {
        self.inherit.push(descriptor);
        self
    }

    /// Starts the command; it has the terminal if we have it. From here on a stop of ours is the
    /// command's, too, which [`supervise`](super::supervise()) must see to.
    ///
    /// # Errors
    ///
    /// [`SpawnError`], whose [`exit_code`](SpawnError::exit_code) is the one shells use.
    pub(crate) fn spawn(self, signals: &Signals) -> Result<RunningCommand, SpawnError> {
        // Before the start: stopped in between by the kernel, we would leave the command running
        // with nobody to keep its lease.
        signals
            .add_job_control()
            .map_err(|error| self.explain(error))?;
        self.launch()
    }

    fn launch(self) -> Result<RunningCommand, SpawnError> {
        let mut terminal = Terminal::ours();
        let child = self
            .start(&mut terminal)
            .map_err(|error| self.explain(error))?;
        Ok(RunningCommand::new(&child, terminal))
    }

    fn start(&self, terminal: &mut Terminal) -> io::Result<Child> {
        let error = match self.start_program(&self.program, None, terminal) {
            Err(error) if is(&error, Errno::NOEXEC) => error,
            outcome => return outcome,
        };
        // A script without `#!`. Shells and execvp(3) give it to sh; posix_spawn does not.
        match locate(&self.program) {
            Some(script) => self.start_program(OsStr::new("/bin/sh"), Some(&script), terminal),
            None => Err(error),
        }
    }

    fn start_program(
        &self,
        program: &OsStr,
        script: Option<&Path>,
        terminal: &mut Terminal,
    ) -> io::Result<Child> {
        let mut command = Command::new(program);
        command.args(script).args(&self.args).process_group(0);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        terminal.give_at_start(&mut command);
        command.spawn()
    }

    fn explain(&self, source: io::Error) -> SpawnError {
        let program = self.program.to_string_lossy().into_owned();
        if !is(&source, Errno::NOENT) {
            return SpawnError::NotStartable { program, source };
        }
        // The kernel says ENOENT for a missing interpreter, too.
        match locate(&self.program) {
            Some(_) => SpawnError::NoInterpreter { program },
            None => SpawnError::NotFound { program },
        }
    }
}

/// A command that runs. Dropping it leaves the command alone and takes the terminal back.
#[derive(Debug)]
#[must_use = "the command runs on unsupervised"]
pub(crate) struct RunningCommand {
    /// Its process, and its process group.
    pub(super) pid: Pid,
    pub(super) terminal: Terminal,
}

impl RunningCommand {
    fn new(child: &Child, mut terminal: Terminal) -> Self {
        let pid = Pid::from_child(child);
        terminal.started(pid);
        Self { pid, terminal }
    }
}

/// The command did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    /// No such program.
    #[error("start `{program}`: command not found")]
    NotFound {
        /// As it was given.
        program: String,
    },
    /// The program is there, but not what its first line asks for.
    #[error("start `{program}`: the interpreter on its first line was not found")]
    NoInterpreter {
        /// As it was given.
        program: String,
    },
    /// The system refused to run it.
    #[error("start `{program}`")]
    NotStartable {
        /// As it was given.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SpawnError {
    /// Returns the exit code: 127 not found, 126 found but not startable.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NoInterpreter { .. } | Self::NotStartable { .. } => 126,
        }
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// Returns the file that `program` names, by itself or by PATH.
fn locate(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(program)).filter(|path| path.exists());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_does_not_start_says_why() {
        let place = tempfile::tempdir().unwrap();
        let check = |program: &Path, expected: u8, message: &str| {
            let error = GuardedCommand::new(program, Vec::new())
                .launch()
                .unwrap_err();
            assert_eq!(
                (error.exit_code(), error.to_string()),
                (expected, message.into())
            );
        };
        let script = |name: &str, text: &str, mode: u32| {
            std::fs::write(place.path().join(name), text).unwrap();
            std::fs::set_permissions(place.path().join(name), Permissions::from_mode(mode))
                .unwrap();
            place.path().join(name)
        };
        check(
            Path::new("no-such-program"),
            127,
            "start `no-such-program`: command not found",
        );
        let absent = place.path().join("absent");
        check(
            &absent,
            127,
            &format!("start `{}`: command not found", absent.display()),
        );
        let plain = script("plain", "#!/bin/sh\n", 0o644);
        check(&plain, 126, &format!("start `{}`", plain.display()));
        check(
            place.path(),
            126,
            &format!("start `{}`", place.path().display()),
        );
        let odd = script("odd", "#!/no/such/interpreter\n", 0o755);
        let why = "the interpreter on its first line was not found";
        check(&odd, 126, &format!("start `{}`: {why}", odd.display()));
    }
}
