//! What a report was measured on.

use crate::{Fallible, programs};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

/// The machine and the moment, at the beginning of a run.
#[derive(Debug)]
pub(crate) struct Machine {
    began: SystemTime,
    load_at_start: String,
    facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks at the machine; `directory` is where things are measured.
    pub(crate) fn look(directory: &Path) -> Fallible<Self> {
        let system = rustix::system::uname();
        let kernel = format!(
            "{} {} {}",
            system.sysname().to_string_lossy(),
            system.release().to_string_lossy(),
            system.machine().to_string_lossy()
        );
        let cores = thread::available_parallelism()?.get();
        let facts = vec![
            ("processor", format!("{cores} cores, {}", processor())),
            ("kernel", kernel),
            ("file system", file_system(directory)),
            ("compiler", said("rustc", &["--version"])),
            ("flock", said("flock", &["--version"])),
            ("git", said("git", &["--version"])),
            ("commit", commit()),
        ];
        Ok(Self {
            began: SystemTime::now(),
            load_at_start: load(),
            facts,
        })
    }

    /// Returns the table's lines, as of now.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let date = |at| humantime::format_rfc3339_seconds(at).to_string();
        let mut facts = vec![(
            "date",
            format!("{} to {}", date(self.began), date(SystemTime::now())),
        )];
        facts.extend(self.facts.iter().cloned());
        facts.push((
            "load average",
            format!("{} at the start, {} at the end", self.load_at_start, load()),
        ));
        facts
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    name.map_or("unknown", |name| name.trim_start_matches([':', ' ', '\t']))
        .to_owned()
}

/// Finds the mount that a directory is on: the one with the longest path.
fn file_system(directory: &Path) -> String {
    let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounts = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.nth(1)?, words.next()?, words.next()?))
    });
    let above = mounts.filter(|(path, _, _)| directory.starts_with(path));
    let nearest = above.max_by_key(|(path, _, _)| path.len());
    nearest.map_or("unknown".into(), |(_, kind, options)| {
        format!("{kind} ({options})")
    })
}

/// Returns the first line that a program says.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(programs::workspace())
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines()
        .next()
        .map_or("unknown".into(), |line| line.trim().to_owned())
}

fn commit() -> String {
    let hash = said("git", &["rev-parse", "--short=12", "HEAD"]);
    // Locks of git are not ours to take while others work in the repository.
    let changed = said(
        "git",
        &[
            "--no-optional-locks",
            "status",
            "--porcelain",
            "--",
            "crates",
        ],
    );
    if changed == "unknown" {
        hash
    } else {
        format!("{hash}, with changes not committed")
    }
}
