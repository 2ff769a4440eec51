//! One case's own copy of a furnished repository, and what runs in it.

mod lines;

use super::scenario::Scenario;
use super::template::Template;
use crate::damage::driver;
use crate::planted;
use crate::tracer::Program;
use leasehold_core::View;
use leasehold_core::view::Key;
use leasehold_store::{Access, Loaded as _, Store as _, StoreError};
use leasehold_store_file::{FileStore, Options};
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(super) use lines::{guard, passing_guard, words};

/// How many verbs were run.
pub(super) static OPERATIONS: AtomicU64 = AtomicU64::new(0);

/// The longest that anything may take that nothing is in the way of: a waiter that was not called looks
/// by itself every 5 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// One copy.
#[derive(Debug)]
pub(super) struct Stage {
    directory: TempDir,
    binary: PathBuf,
}

/// What an untraced verb said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) text: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "exit code {code}: {}", self.text),
            None => write!(f, "ended by a signal: {}", self.text),
        }
    }
}

/// The way on for one guarded command: it reads a line from here before it ends.
#[derive(Debug)]
pub(super) struct Gate {
    name: &'static str,
    /// Open to read and to write, so that neither side waits for the other, and a line stays in it
    /// until somebody reads it.
    pipe: File,
    pub(super) is_open: bool,
}

impl Gate {
    pub(super) fn open(&mut self) -> io::Result<()> {
        if !self.is_open {
            self.is_open = true;
            self.pipe.write_all(b"go\n")?;
        }
        Ok(())
    }
}

impl Stage {
    pub(super) fn empty(binary: &Path) -> io::Result<Self> {
        let stage = Self {
            directory: driver::place()?,
            binary: binary.into(),
        };
        fs::create_dir(stage.repository())?;
        Ok(stage)
    }

    /// An empty one for the same binary.
    pub(super) fn another(&self) -> io::Result<Self> {
        Self::empty(&self.binary)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub(super) fn root(&self) -> PathBuf {
        self.repository().join(".git/leasehold")
    }

    /// Where Lokt's own files are, if there are any.
    pub(super) fn lokt_root(&self) -> PathBuf {
        self.repository().join(".git/lokt")
    }

    pub(super) fn log(&self) -> Vec<u8> {
        fs::read(self.first_segment()).unwrap_or_default()
    }

    /// Whether the beginning of the log has not been dropped.
    pub(super) fn has_whole_log(&self) -> bool {
        self.first_segment().exists() || !self.root().exists()
    }

    fn first_segment(&self) -> PathBuf {
        self.root().join("audit/000001.jsonl")
    }

    /// Whether something stands in the log behind an offset.
    pub(super) fn has_logged(&self, from: usize, what: &str) -> bool {
        let log = self.log();
        let log = String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned();
        log.contains(what)
    }

    fn words(&self, words: &[String]) -> Vec<OsString> {
        let binary = self.binary.clone().into_os_string();
        let words = words.iter().map(OsString::from);
        std::iter::once(binary).chain(words).collect()
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = [("PATH", path), ("HOME", self.directory.path().into())];
        let all = own.into_iter().chain(planted::environment());
        all.map(|(name, value)| (name.into(), value)).collect()
    }

    /// A verb, to be run by the tracer.
    pub(super) fn program(
        &self,
        scenario: &Scenario,
        template: &Template,
        gate: &str,
    ) -> io::Result<Program> {
        OPERATIONS.fetch_add(1, Relaxed);
        let mut environment = self.environment();
        environment.extend(owner(scenario.owner));
        Ok(Program {
            words: self.words(&scenario.words(template, gate)),
            environment,
            directory: self.repository(),
            stdout: File::create(self.path("stdout"))?,
            stderr: File::create(self.path("stderr"))?,
        })
    }

    /// What the traced verb said, on standard error and then on standard output.
    pub(super) fn said(&self) -> String {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        read("stderr") + &read("stdout")
    }

    fn command(&self, words: &[String]) -> Command {
        OPERATIONS.fetch_add(1, Relaxed);
        let words = self.words(words);
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(self.environment())
            .current_dir(self.repository())
            .stdin(Stdio::null());
        command
    }

    /// Runs a verb to its end.
    pub(super) fn run(&self, words: &[String]) -> io::Result<Said> {
        self.run_by(None, words)
    }

    /// The same, as somebody by the environment.
    pub(super) fn run_by(&self, who: Option<&str>, words: &[String]) -> io::Result<Said> {
        let output = self.command(words).envs(owner(who)).output()?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok(Said {
            code: output.status.code(),
            text,
        })
    }

    /// Starts a verb and lets it run.
    pub(super) fn start(&self, words: &[String]) -> io::Result<Child> {
        self.command(words)
            .stdout(Stdio::null())
            .stderr(File::create(self.path("stderr-of-another"))?)
            .spawn()
    }

    pub(super) fn gate(&self, name: &'static str) -> io::Result<Gate> {
        let path = self.path(&format!("gate-{name}"));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)?;
        let pipe = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Gate {
            name,
            pipe,
            is_open: false,
        })
    }

    /// Whether the command behind a gate has begun.
    pub(super) fn is_up(&self, gate: &Gate) -> bool {
        self.path(&format!("up-{}", gate.name)).exists()
    }

    /// What the guarded commands wrote down: who went in and out, with which token.
    pub(super) fn witness(&self) -> String {
        fs::read_to_string(self.path("witness")).unwrap_or_default()
    }

    /// Waits until something is so; returns whether it came to be.
    pub(super) fn eventually(&self, mut is_so: impl FnMut(&Self) -> bool) -> bool {
        let begin = Instant::now();
        while !is_so(self) {
            if begin.elapsed() > PATIENCE {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// Opens the store in this process. This goes inside, and brings in what a killed one left.
    pub(super) fn store(&self) -> Result<FileStore, StoreError> {
        FileStore::open(&self.root(), Options::default())
    }

    /// Shows the whole state.
    pub(super) fn look<T>(&self, look: impl FnOnce(&View) -> T) -> Result<T, StoreError> {
        let store = self.store()?;
        let loaded = store.load(&[Key::All], Access::Decide)?;
        Ok(look(loaded.view()))
    }
}

/// The environment that says who somebody is.
fn owner(who: Option<&str>) -> Option<(OsString, OsString)> {
    who.map(|who| ("LEASEHOLD_OWNER".into(), who.into()))
}
