//! The history: what every process of a run did and saw, one line each, in one file.
//!
//! A line is appended with one write, so lines of several processes never mix. Times are nanoseconds of
//! the boot-time clock, freed of what a time namespace adds.

use super::plan::Plan;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// When.
    pub(super) t: u64,
    /// Of which operation; 0 where of none.
    pub(super) op: u64,
    /// What.
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// A program is about to be started.
    Invoke {
        plan: Plan,
        who: Who,
        /// The operation whose command started it.
        inside: Option<u64>,
    },
    /// It has ended: by its exit code (ok or fail), or by a signal (info: who knows what it did).
    End {
        code: Option<i32>,
        signal: Option<i32>,
        lease: Option<String>,
    },
    /// The guarded command runs.
    Start { lease: String, token: u64 },
    /// The witness lock of an atom was taken by somebody else. `check` says what leasehold answers about
    /// that one's lease, where it is known.
    Met {
        atom: String,
        other: Option<u64>,
        check: Option<i32>,
    },
    /// The register of an atom, as it was found.
    Read {
        atom: String,
        version: u64,
        token: u64,
        by: u64,
    },
    /// The register took a write, which made this version.
    Wrote { atom: String, version: u64 },
    /// The register refused a write: it has seen this token, of this operation.
    Fenced { atom: String, token: u64, by: u64 },
    /// What `leasehold check` said inside the guarded command, asked at `asked`.
    Checked { code: Option<i32>, asked: u64 },
    /// The guarded command is about to exit.
    Finish { code: i32 },
    /// Something was done to a process of the operation, or to the machine.
    Deed { deed: Deed },
}

/// Who asks, as the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Who {
    pub(super) owner: Option<String>,
    pub(super) session: Option<String>,
}

/// What the nemesis did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    KillGuard,
    KillCommand,
    StopGuard,
    StopCommand,
    Continue,
    FillDisk,
    FreeDisk,
    ReadOnly,
    Writable,
    Boot,
    /// A wall clock is wrong by so much from now on.
    Jump {
        clock: usize,
        seconds: i64,
    },
    /// A system call was made later.
    Slow {
        ms: u64,
    },
    /// A system call was made to fail, or to write only half.
    Fail {
        how: String,
    },
}

/// The boot-time clock of the initial time namespace, in nanoseconds.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let nanos = i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    u64::try_from(nanos - shift()).unwrap_or(0)
}

/// What this process's time namespace adds.
fn shift() -> i128 {
    use std::sync::OnceLock;
    static SHIFT: OnceLock<i128> = OnceLock::new();
    *SHIFT.get_or_init(|| {
        let text = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("boottime"));
        let mut numbers = line.unwrap_or_default().split_whitespace().skip(1);
        let mut number = || {
            numbers
                .next()
                .and_then(|n| n.parse::<i128>().ok())
                .unwrap_or(0)
        };
        number() * 1_000_000_000 + number()
    })
}

/// Appends a line.
pub(super) fn append(directory: &Path, op: u64, what: What) -> io::Result<()> {
    append_at(directory, now(), op, what)
}

/// Appends a line about something that was at `t`.
pub(super) fn append_at(directory: &Path, t: u64, op: u64, what: What) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Record { t, op, what })?;
    line.push(b'\n');
    let path = directory.join("history.jsonl");
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(&line)
}

/// Reads all lines, in the order of their times.
pub(super) fn read(directory: &Path) -> io::Result<Vec<Record>> {
    let text = fs::read_to_string(directory.join("history.jsonl"))?;
    let lines = text.lines().map(serde_json::from_str);
    let mut records = lines.collect::<Result<Vec<Record>, _>>()?;
    records.sort_by_key(|record| record.t);
    Ok(records)
}
