//! System calls, counted by `strace -c` in a pass of its own: it slows everything down.

use crate::Fallible;
use crate::process;
use crate::scratch::Scratch;
use rustix::process::Pid;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Whose calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Of the command itself.
    Own,
    /// Of the command and all that it started.
    All,
}

/// How often a call was made, by name, the most frequent first.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) by_name: Vec<(String, u64)>,
}

impl Calls {
    pub(crate) fn total(&self) -> u64 {
        self.by_name.iter().map(|(_, count)| count).sum()
    }

    /// Returns the table in a line.
    pub(crate) fn list(&self) -> String {
        let parts: Vec<String> = self
            .by_name
            .iter()
            .map(|(n, c)| format!("{n} {c}"))
            .collect();
        parts.join(", ")
    }
}

/// Runs a command under strace and counts.
pub(crate) fn count(
    strace: &Path,
    scratch: &Scratch,
    command: &Command,
    whose: Whose,
) -> Fallible<Calls> {
    let output = scratch.path().join("strace.txt");
    let mut traced = Command::new(strace);
    process::clean(&mut traced).arg("-c").arg("-o").arg(&output);
    if whose == Whose::All {
        traced.arg("-f");
    }
    traced
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        traced.current_dir(directory);
    }
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap_or(OsStr::new("")));
    }
    scratch.quiet(&mut traced)?;
    process::run(&mut traced)?;
    Ok(parse(&fs::read_to_string(&output)?))
}

/// Counts the calls of a process that runs already while `meanwhile` runs, which has to see to its end.
pub(crate) fn count_from_now(
    strace: &Path,
    scratch: &Scratch,
    pid: Pid,
    meanwhile: impl FnOnce() -> Fallible<()>,
) -> Fallible<Calls> {
    let output = scratch.path().join("strace.txt");
    let mut strace = Command::new(strace);
    process::clean(&mut strace).arg("-c").arg("-o").arg(&output);
    strace.arg("-p").arg(pid.as_raw_nonzero().to_string());
    strace.stdin(Stdio::null()).stderr(Stdio::piped());
    let mut strace = process::start(&mut strace)?;
    let mut said = String::new();
    let stderr = strace.stderr.take().ok_or("strace says nothing")?;
    // It says so once it is attached; the next call is counted.
    BufReader::new(stderr).read_line(&mut said)?;
    meanwhile()?;
    let status = process::wait(&mut strace)?;
    if !status.success() {
        return Err(format!("strace ended with {status}: {said}").into());
    }
    Ok(parse(&fs::read_to_string(&output)?))
}

/// Reads lines of `% seconds usecs/call calls [errors] name`, between a heading and a total.
fn parse(text: &str) -> Calls {
    let mut by_name: Vec<(String, u64)> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(name), Some(Ok(count))) = (words.last(), words.get(3).map(|w| w.parse())) else {
            continue;
        };
        if *name != "total" {
            by_name.push(((*name).to_owned(), count));
        }
    }
    by_name.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Calls { by_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_strace_is_read() {
        let text = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
  0.00    0.000000           0         1           read
  0.00    0.000000           0        12         1 access
------ ----------- ----------- --------- --------- ----------------
100.00    0.000000           0        13         1 total
";
        let calls = parse(text);
        assert_eq!(calls.total(), 13);
        assert_eq!(calls.list(), "access 12, read 1");
    }
}
