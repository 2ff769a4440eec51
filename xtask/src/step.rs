//! One step: a command that has to succeed, and what its tests said.

use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A command that has to succeed.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    name: &'static str,
    /// A program and its arguments, separated by blanks: there is no quoting.
    words: &'static str,
    variable: Option<(&'static str, &'static str)>,
}

impl Step {
    pub(crate) const fn new(name: &'static str, words: &'static str) -> Self {
        Self {
            name,
            words,
            variable: None,
        }
    }

    pub(crate) const fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.variable = Some((name, value));
        self
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what a person types to run the step alone.
    pub(crate) fn command_line(&self) -> String {
        match self.variable {
            Some((name, value)) => format!("{name}='{value}' {}", self.words),
            None => self.words.to_owned(),
        }
    }

    /// Runs the step in the root of the workspace. What it prints is passed on line by line, and the
    /// results of test programs in it are added up.
    pub(crate) fn run(&self, tests: &mut TestCounts) -> Result<(), String> {
        let fail = |error: io::Error| format!("{}: {error}", self.words);
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        if let Some(output) = child.stdout.take() {
            pass_on(BufReader::new(output), tests).map_err(fail)?;
        }
        let status = child.wait().map_err(fail)?;
        if status.success() {
            Ok(())
        } else {
            Err(status.to_string())
        }
    }

    /// Returns whether the command can be run and succeeds, without a word of it.
    pub(crate) fn succeeds_quietly(&self) -> bool {
        let status = self
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        let mut words = self.words.split_whitespace();
        let program = words.next().unwrap_or_default();
        // The cargo that runs this program, which need not be the first one on PATH.
        let cargo = env::var_os("CARGO").filter(|_| program == "cargo");
        let mut command = Command::new(cargo.unwrap_or_else(|| program.into()));
        command
            .args(words)
            .envs(self.variable)
            .current_dir(workspace())
            .stdin(Stdio::null());
        command
    }
}

/// Returns the root of the workspace: the directory above this package.
fn workspace() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .map_or_else(|| PathBuf::from("."), PathBuf::from)
}

fn pass_on(mut output: impl BufRead, tests: &mut TestCounts) -> io::Result<()> {
    let (mut line, mut out) = (Vec::new(), io::stdout());
    while output.read_until(b'\n', &mut line)? > 0 {
        out.write_all(&line)?;
        tests.add(&String::from_utf8_lossy(&line));
        line.clear();
    }
    out.flush()
}

/// What all test programs of a run said together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TestCounts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl TestCounts {
    /// Adds a line, if it is the last one of a test program:
    /// `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.trim().strip_prefix("test result: ") else {
            return;
        };
        let Some((_, counts)) = rest.split_once(". ") else {
            return;
        };
        for count in counts.split(';') {
            let Some((number, what)) = count.trim().split_once(' ') else {
                continue;
            };
            let number: u64 = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for TestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            ignored,
        } = self;
        write!(
            f,
            "tests: {passed} passed, {failed} failed, {ignored} ignored"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_test_programs_are_added_up() {
        let mut counts = TestCounts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s",
            "test result: a test that prints this",
        ] {
            counts.add(line);
        }
        assert_eq!(counts.to_string(), "tests: 15 passed, 2 failed, 1 ignored");
    }

    #[test]
    fn a_step_is_repeated_by_what_it_prints() {
        let step = Step::new("docs", "cargo doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            step.command_line(),
            "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps"
        );
    }
}
