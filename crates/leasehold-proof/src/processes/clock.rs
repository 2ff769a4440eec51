//! The wall clocks of the agents: files that a library in their processes reads (`preload/clock.rs`).

use super::history::{self, Deed, What};
use super::launch;
use crate::Random;
use leasehold_store::Store as _;
use leasehold_store_file::{FileStore, Options};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The variable that the library reads.
const FILE: &str = "LEASEHOLD_PROOF_CLOCK";
/// How many clocks there are: the agents share them, and they disagree.
const CLOCKS: usize = 3;
const DAY: i64 = 86_400;
/// How far apart things have to be to be told for sure: more than any machine is busy.
const FAR: i64 = 400 * DAY;

/// The clocks of one round.
#[derive(Debug)]
pub(super) struct Clocks {
    directory: PathBuf,
    library: PathBuf,
    random: Random,
    every_ms: u64,
    next: Instant,
    pub(super) jumps: u64,
}

impl Clocks {
    /// Makes them, all right so far.
    pub(super) fn new(
        directory: &Path,
        library: &Path,
        random: Random,
        every_ms: u64,
    ) -> io::Result<Self> {
        let clocks = Self {
            directory: directory.into(),
            library: library.into(),
            random,
            every_ms,
            next: Instant::now(),
            jumps: 0,
        };
        (0..CLOCKS).try_for_each(|clock| clocks.set(clock, 0))?;
        Ok(clocks)
    }

    /// Gives a command, and all that it starts, the clock of an agent.
    pub(super) fn put_into(&self, command: &mut Command, agent: usize) {
        command
            .env("LD_PRELOAD", &self.library)
            .env(FILE, self.file(agent % CLOCKS));
    }

    fn file(&self, clock: usize) -> PathBuf {
        self.directory.join(format!("clock-{clock}"))
    }

    /// Sets by how much a clock is wrong. All numbers have one width, and one is written over the other:
    /// whoever reads meanwhile finds a number all the same.
    fn set(&self, clock: usize, seconds: i64) -> io::Result<()> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let mut file = options.open(self.file(clock))?;
        file.write_all(format!("{seconds:+020}\n").as_bytes())
    }

    /// Lets one jump if it is time.
    pub(super) fn tend(&mut self) -> io::Result<()> {
        if Instant::now() < self.next {
            return Ok(());
        }
        let pause = self.random.below(2 * self.every_ms);
        self.next = Instant::now() + Duration::from_millis(pause);
        let clock = usize::try_from(self.random.below(CLOCKS as u64)).unwrap_or(0);
        let seconds = self.draw();
        let deed = Deed::Jump { clock, seconds };
        history::append(&self.directory, 0, What::Deed { deed })?;
        self.jumps += 1;
        self.set(clock, seconds)
    }

    /// By how much it is wrong from now on: by seconds up to a lifetime, which is before 1970 too.
    fn draw(&mut self) -> i64 {
        let most = *self
            .random
            .pick(&[10, 600, DAY, 30 * DAY, 3 * 365 * DAY, 70 * 365 * DAY]);
        let seconds = self.random.below(most.unsigned_abs()).cast_signed();
        match self.random.below(8) {
            0 => 0,
            1..=4 => seconds,
            _ => -seconds,
        }
    }

    /// Shows that the clock of a program does jump: in the log, whose times begin with the wall clock, and
    /// in the dates that it says. Returns what is wrong.
    ///
    /// # Errors
    ///
    /// Where the program does not run.
    pub(super) fn prove(&self) -> io::Result<Vec<String>> {
        let root = self.directory.join("clock-proof");
        let mut said = Vec::new();
        self.set(0, FAR)?;
        let ahead = self.granted_at(&root, "lock proof --ttl none --json")?;
        self.set(0, -FAR)?;
        let behind = self.granted_at(&root, "status --json")?;
        self.set(0, 0)?;
        // Dates of one form are in order as texts are.
        if behind >= ahead {
            said.push(format!(
                "a clock jumped back, and dates did not: {ahead}, {behind}"
            ));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(io::Error::other)?.as_secs().cast_signed();
        let store = FileStore::open(&root, Options::default()).map_err(io::Error::other)?;
        let mut began = None;
        let read = store.audit(&mut |commit| {
            began.get_or_insert(commit.at.as_millis().cast_signed() / 1_000);
            true
        });
        read.map_err(io::Error::other)?;
        if began.is_none_or(|began| began - now < FAR / 2) {
            said.push(format!(
                "a clock was ahead by {FAR} s, and the log begins at {began:?} s when it is {now} s"
            ));
        }
        Ok(said)
    }

    /// Runs a verb; returns since when the one lease is held, as it says.
    fn granted_at(&self, root: &Path, line: &str) -> io::Result<String> {
        let mut command = Command::new(self.directory.join("bin/leasehold"));
        launch::environment(&mut command, &self.directory, &history::Who::default());
        self.put_into(&mut command, 0);
        command
            .env("LEASEHOLD_ROOT", root)
            .args(line.split(' '))
            .stdin(Stdio::null());
        let output = command.output()?;
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let date = answer["leases"][0]["granted_at"].as_str().map(String::from);
        date.ok_or_else(|| {
            let text = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("with a clock that jumps `{line}` says: {text}"))
        })
    }
}

/// The library itself, to be tested here: where it is used it is compiled alone.
#[cfg(test)]
#[path = "../../preload/clock.rs"]
mod library;
