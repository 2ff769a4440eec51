//! Running the binary, at once or in the background, with a limit on every wait.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a loaded machine, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until there is something.
pub(crate) fn eventually<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    within(limit, look).unwrap_or_else(|| panic!("not within {limit:?}: {what}"))
}

/// Waits until there is something, or the time is over.
pub(crate) fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() > limit {
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A command about to run.
#[must_use = "nothing runs until `run` or `start`"]
pub(crate) struct Call {
    command: Command,
    words: Vec<OsString>,
    /// Where its output goes: files, so that a process left behind keeps no pipe open.
    output: PathBuf,
}

impl Call {
    pub(crate) fn new(mut command: Command, words: Vec<OsString>, output: PathBuf) -> Self {
        // A group of its own, so that a signal to it reaches nothing of ours.
        command.args(&words).stdin(Stdio::null()).process_group(0);
        Self {
            command,
            words,
            output,
        }
    }

    pub(crate) fn owner(self, name: &str) -> Self {
        self.env("LEASEHOLD_OWNER", name)
    }

    pub(crate) fn session(self, id: &str) -> Self {
        self.env("LEASEHOLD_SESSION", id)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.command.current_dir(path.into());
        self
    }

    pub(crate) fn stdin(mut self, file: File) -> Self {
        self.command.stdin(file);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ran {
        self.start().end()
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Running {
        let file = |end| File::create(self.output.with_extension(end)).unwrap();
        self.command.stdout(file("out")).stderr(file("err"));
        let child = self.command.spawn().unwrap();
        Running {
            child,
            words: self.words,
            output: self.output,
            status: None,
        }
    }
}

/// A process in the background. It is killed when this is dropped; what it started is killed with the
/// repository.
#[must_use = "it is killed at once"]
pub(crate) struct Running {
    child: Child,
    words: Vec<OsString>,
    output: PathBuf,
    status: Option<ExitStatus>,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to this process alone.
    pub(crate) fn signal(&self, signal: Signal) {
        assert!(self.status.is_none(), "{:?} has ended", self.words);
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.output.with_extension("err")).unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.output.with_extension("out")).unwrap()
    }

    /// Waits until it has said something on standard error.
    pub(crate) fn says(&self, text: &str) {
        let said = within(PATIENCE, || self.stderr().contains(text).then_some(()));
        assert!(
            said.is_some(),
            "{:?} did not say {text:?}: {:?}",
            self.words,
            self.stderr()
        );
    }

    /// Waits until it has its place in a queue.
    pub(crate) fn waits(self) -> Self {
        self.says("waiting for");
        self
    }

    /// Returns whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap();
        }
        self.status.is_some()
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ran {
        self.end_within(PATIENCE)
    }

    pub(crate) fn end_within(mut self, limit: Duration) -> Ran {
        let ended = within(limit, || self.has_ended().then_some(()));
        let (stdout, stderr) = (self.stdout(), self.stderr());
        assert!(ended.is_some(), "{:?} hangs\n{stdout}{stderr}", self.words);
        let status = self.status.unwrap();
        Ran {
            words: self.words.clone(),
            status,
            stdout,
            stderr,
        }
    }

    /// Waits until it has ended without taking its status: it stays a zombie.
    pub(crate) fn becomes_zombie(&self) {
        let stat = format!("/proc/{}/stat", self.pid());
        eventually("a zombie", PATIENCE, || {
            fs::read_to_string(&stat)
                .unwrap()
                .contains(") Z ")
                .then_some(())
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A process that has ended.
pub(crate) struct Ran {
    words: Vec<OsString>,
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Returns the exit code; of a process that a signal killed, minus the signal.
    pub(crate) fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| -self.status.signal().unwrap())
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{self}");
        self
    }

    /// Returns what `--json` printed.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self}");
        let value: serde_json::Value = serde_json::from_str(&self.stdout).unwrap();
        assert_eq!(value["exit"], self.code(), "{self}");
        value
    }
}

/// What a person at a terminal would see, with standard output and error told apart.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = |word: &OsString| match word.to_string_lossy() {
            word if word.is_empty() || word.contains([' ', ';', '\n']) => format!("{word:?}"),
            word => word.into_owned(),
        };
        let words: Vec<String> = self.words.iter().map(quote).collect();
        writeln!(f, "$ leasehold {}", words.join(" "))?;
        self.stdout
            .lines()
            .try_for_each(|line| writeln!(f, "1> {line}"))?;
        self.stderr
            .lines()
            .try_for_each(|line| writeln!(f, "2> {line}"))?;
        writeln!(f, "exit {}", self.code())
    }
}
