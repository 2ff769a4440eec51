//! One run of one layer in a process of its own, which may hang or break.

use super::VARIABLE;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that a brief run may take: several times what the slowest does.
const DEADLINE: Duration = Duration::from_secs(100);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How much is kept of what a child said, in characters.
const TEXT_MAX: usize = 2_000;

/// How a run ended. Only what a layer itself reports counts as seen: a hang or a crash may have another
/// reason, and nobody would have been told of the bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing was found.
    Clean,
    /// A violation was reported.
    Violation,
    /// It had to be killed.
    Hung,
    /// It ended without saying what it found.
    Broke(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("it finds nothing"),
            Self::Violation => f.write_str("it finds a violation"),
            Self::Hung => write!(f, "it has not ended after {} s", DEADLINE.as_secs()),
            Self::Broke(how) => write!(f, "it broke: {how}"),
        }
    }
}

/// A process to be run.
pub(super) struct Child(Command);

/// What came of it.
pub(super) struct Ran {
    pub(super) end: End,
    pub(super) seconds: f64,
    pub(super) text: String,
}

impl Ran {
    pub(super) fn says(&self, what: &str) -> bool {
        self.text.contains(what)
    }
}

impl Child {
    pub(super) fn new(program: &Path, words: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(words)
            .env_remove(VARIABLE)
            .stdin(Stdio::null());
        Self(command)
    }

    /// Adds a word.
    pub(super) fn and(mut self, word: impl AsRef<OsStr>) -> Self {
        self.0.arg(word);
        self
    }

    /// Chooses a bug.
    pub(super) fn planting(mut self, bug: &str) -> Self {
        self.0.env(VARIABLE, bug);
        self
    }

    /// Runs it to its end, or to the deadline.
    pub(super) fn run(mut self) -> io::Result<Ran> {
        // What a layer leaves behind to be looked at is of no use here.
        let place = TempDir::new()?;
        let said = place.path().join("said");
        // A file and not a pipe: nobody reads while it runs. One place in it for both.
        let stdout = File::create(&said)?;
        self.0.stderr(stdout.try_clone()?).stdout(stdout);
        self.0.env("TMPDIR", place.path());
        let begin = Instant::now();
        let program = self.0.get_program().to_string_lossy().into_owned();
        let mut child = self
            .0
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
        let mut status = None;
        while status.is_none() && begin.elapsed() < DEADLINE {
            thread::sleep(LOOK_EVERY);
            status = child.try_wait()?;
        }
        if status.is_none() {
            child.kill()?;
            child.wait()?;
        }
        let text = String::from_utf8_lossy(&fs::read(&said)?).into_owned();
        Ok(Ran {
            end: status.map_or(End::Hung, |status| end(status, &text)),
            seconds: begin.elapsed().as_secs_f64(),
            text: text.chars().take(TEXT_MAX).collect(),
        })
    }
}

fn end(status: ExitStatus, text: &str) -> End {
    match status.code() {
        Some(0) => End::Clean,
        Some(1) if text.contains("VIOLATION:") => End::Violation,
        _ => End::Broke(format!(
            "{status}: {}",
            text.lines().last().unwrap_or_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Ran {
        Child::new(Path::new("/bin/sh"), &["-c", script])
            .run()
            .unwrap()
    }

    #[test]
    fn only_what_a_layer_reports_is_seen() {
        assert_eq!(shell("exit 0").end, End::Clean);
        assert_eq!(shell("echo VIOLATION: x; exit 1").end, End::Violation);
        for broken in [
            "exit 1",
            "exit 101",
            "kill -9 $$",
            "echo VIOLATION: x; exit 2",
        ] {
            assert!(matches!(shell(broken).end, End::Broke(_)), "{broken}");
        }
    }

    #[test]
    fn the_bug_is_chosen_by_the_environment_and_by_nothing_else() {
        let script = "echo bug ${LEASEHOLD_PLANTED-none}";
        assert!(shell(script).says("bug none"));
        let child = Child::new(Path::new("/bin/sh"), &["-c", script]);
        assert!(child.planting("x").run().unwrap().says("bug x"));
    }
}
