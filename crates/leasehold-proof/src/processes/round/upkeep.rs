//! Collecting and mending beside those who work: nothing that they have may be dropped, and nobody may be
//! held up by it.
//!
//! The history is judged by the whole log, so what `gc` drops is kept beside: a segment is only appended to
//! while it is written to, so a second name of its file has all of it. One process collects at a time, else
//! a segment could come and go unseen.

use crate::processes::history::Who;
use crate::processes::launch;
use rustix::process::Pid;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is done in turn.
const LINES: [&str; 4] = [
    "gc --keep 0s",
    "doctor --repair --json",
    "gc --keep 0s --json",
    "doctor --verify",
];
/// How often.
const EVERY: Duration = Duration::from_millis(120);

/// Somebody who looks after the workspace while others work in it.
#[derive(Debug)]
pub(in crate::processes) struct Upkeep {
    directory: PathBuf,
    next: Instant,
    number: usize,
    running: Option<Pid>,
    /// How often it was done.
    pub(in crate::processes) done: u64,
    pub(in crate::processes) problems: Vec<String>,
}

impl Upkeep {
    pub(in crate::processes) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.into(),
            next: Instant::now(),
            number: 0,
            running: None,
            done: 0,
            problems: Vec::new(),
        }
    }

    /// Whether something of it runs.
    pub(in crate::processes) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins what is due.
    pub(in crate::processes) fn tend(&mut self) -> io::Result<()> {
        if self.is_running() || Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + EVERY;
        self.number += 1;
        // Before each, because it may be dropped by it.
        link_all(&self.audit(), &self.kept())?;
        let mut command = Command::new(self.directory.join("bin/leasehold"));
        let who = Who {
            owner: Some("zoe".into()),
            session: None,
        };
        launch::environment(&mut command, &self.directory, &who);
        let output = fs::File::create(self.output())?;
        command
            .args(self.line().split(' '))
            .current_dir(launch::repository(&self.directory))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command.spawn()?;
        self.running = Pid::from_raw(child.id().cast_signed());
        Ok(())
    }

    /// A process has ended, perhaps the one of this.
    pub(in crate::processes) fn ended(&mut self, pid: Pid, code: Option<i32>) {
        if self.running != Some(pid) {
            return;
        }
        self.running = None;
        self.done += 1;
        if code != Some(0) {
            let (line, said) = (self.line(), fs::read_to_string(self.output()));
            let said = said.unwrap_or_default();
            self.problems
                .push(format!("beside others `{line}` ends with {code:?}: {said}"));
        }
    }

    /// Puts back what was dropped, for the judges.
    pub(in crate::processes) fn put_back(&self) -> io::Result<()> {
        link_all(&self.kept(), &self.audit())
    }

    const fn line(&self) -> &'static str {
        LINES[self.number % LINES.len()]
    }

    fn audit(&self) -> PathBuf {
        launch::root(&self.directory).join("audit")
    }

    fn kept(&self) -> PathBuf {
        self.directory.join("kept")
    }

    fn output(&self) -> PathBuf {
        self.directory.join("upkeep.out")
    }
}

/// Makes second names of what has none there yet.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        // Nobody has begun yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    fs::create_dir_all(to)?;
    for entry in entries {
        let name = entry?.file_name();
        if !name.to_string_lossy().ends_with(".jsonl") {
            continue;
        }
        match fs::hard_link(from.join(&name), to.join(&name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
