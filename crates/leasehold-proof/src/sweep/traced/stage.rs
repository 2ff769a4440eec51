//! One case's own copy of a furnished repository, and what runs in it.

use super::tracer::Program;
use crate::damage::driver::{self, HandClock};
use crate::planted;
use leasehold_core::command::Command as Ask;
use leasehold_core::freeze::Freeze;
use leasehold_core::view::Key;
use leasehold_core::{Identity, Lease, LeaseId, Resource, View};
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

/// How many verbs were run.
pub(super) static OPERATIONS: AtomicU64 = AtomicU64::new(0);

/// The longest that anything may take that nothing is in the way of: a waiter that was not called looks
/// by itself every 5 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// How a workspace begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Furniture {
    /// There is a repository and no workspace.
    None,
    /// Leases, a queue, a parked place, a freeze, and the lease of a guard that was killed.
    Full,
    /// The same, from before the machine was started again.
    OfLastBoot,
}

/// Where cases happen: in memory where there is such a place.
pub(super) fn place() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
}

/// A repository, to be copied for each case.
#[derive(Debug)]
pub(super) struct Template {
    stage: Stage,
    /// The lease that `ada` holds on `mine`.
    pub(super) mine: String,
    /// All leases.
    pub(super) leases: Vec<Lease>,
    /// How many wait or are parked, and how many freezes there are.
    pub(super) others: (usize, usize),
}

impl Template {
    pub(super) fn new(binary: &Path, furniture: Furniture) -> io::Result<Self> {
        let stage = Stage::empty(binary)?;
        let repository = stage.repository();
        let made = Command::new("git")
            .args(["init", "--quiet", "--template=", "."])
            .current_dir(&repository)
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other("git init failed"));
        }
        fs::create_dir(repository.join("src"))?;
        if furniture == Furniture::OfLastBoot {
            let store = driver::open(&stage.root(), last_boot()).map_err(io::Error::other)?;
            for (number, owner, names) in [(1, "eve", "by:one"), (2, "ada", "mine")] {
                let ask = Ask::Ask(driver::standing(number, owner, &[names]));
                let _granted = driver::run(&store, &ask).map_err(io::Error::other)?;
            }
        }
        if furniture == Furniture::Full {
            stage.furnish()?;
        }
        let store = match furniture {
            Furniture::None => {
                return Ok(Self {
                    stage,
                    mine: String::new(),
                    leases: Vec::new(),
                    others: (0, 0),
                });
            }
            Furniture::Full => stage.store(),
            Furniture::OfLastBoot => driver::open(&stage.root(), last_boot()),
        };
        let (leases, others) = (|| {
            let store = store?;
            let loaded = store.load(&[Key::All], Access::Read)?;
            let view = loaded.view();
            let others = (view.tickets().count(), view.freezes().count());
            Ok::<_, StoreError>((view.leases().cloned().collect::<Vec<_>>(), others))
        })()
        .map_err(io::Error::other)?;
        let mine = leases.iter().find(|lease| is_on(lease, &["mine"]));
        let mine = mine.map(|lease| lease.id.to_string());
        Ok(Self {
            stage,
            mine: mine.ok_or_else(|| io::Error::other("`mine` is not held"))?,
            leases,
            others,
        })
    }

    pub(super) fn copy(&self) -> io::Result<Stage> {
        let stage = Stage::empty(&self.stage.binary)?;
        copy(&self.stage.repository(), &stage.repository())?;
        Ok(stage)
    }
}

/// The machine before it was started again.
const fn last_boot() -> HandClock {
    HandClock {
        boot: "the-last-one",
        now_ms: 1_000_000,
    }
}

/// Whether a lease has to do with any of these names.
pub(super) fn is_on(lease: &Lease, names: &[&str]) -> bool {
    let resources = names.iter().filter_map(|name| Resource::parse(name).ok());
    let mut pairs =
        resources.flat_map(|name| lease.claims.iter().map(move |claim| (name.clone(), claim)));
    pairs.any(|(name, claim)| claim.resource.overlaps(&name))
}

/// Copies a directory. Sockets, pipes and the like are left out.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

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
    fn empty(binary: &Path) -> io::Result<Self> {
        let stage = Self {
            directory: place()?,
            binary: binary.into(),
        };
        fs::create_dir(stage.repository())?;
        Ok(stage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub(super) fn root(&self) -> PathBuf {
        self.repository().join(".git/leasehold")
    }

    pub(super) fn log(&self) -> Vec<u8> {
        fs::read(self.root().join("audit/000001.jsonl")).unwrap_or_default()
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

    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut all = vec![("PATH", path), ("HOME", self.directory.path().into())];
        all.extend(planted::environment());
        all
    }

    /// A verb, to be run by the tracer.
    pub(super) fn program(&self, words: &[String]) -> io::Result<Program> {
        OPERATIONS.fetch_add(1, Relaxed);
        Ok(Program {
            words: self.words(words),
            environment: self.environment(),
            directory: self.repository(),
            stdout: File::create(self.path("stdout"))?,
            stderr: File::create(self.path("stderr"))?,
        })
    }

    /// What the traced verb said on standard error.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap_or_default()
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
        let output = self.command(words).output()?;
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

    fn furnish(&self) -> io::Result<()> {
        let must = |line: &str, code: i32| -> io::Result<()> {
            let said = self.run(&words(line))?;
            if said.code == Some(code) {
                return Ok(());
            }
            Err(io::Error::other(format!("{line}: {said}")))
        };
        must("lock by:one path:docs --owner eve --ttl none", 0)?;
        must("lock by:two --owner eve --ttl none", 0)?;
        must("lock mine --owner ada --ttl none", 0)?;
        must("lock by:two --wait --timeout 1ms --owner bob --ttl none", 2)?;
        let mut gate = self.gate("furniture")?;
        let mut guard = self.start(&guard("bob", "dead", "furniture"))?;
        self.eventually(|stage| stage.is_up(&gate));
        guard.kill()?;
        guard.wait()?;
        gate.open()?;
        self.eventually(|stage| stage.witness().contains("out"));
        let store = self.store().map_err(io::Error::other)?;
        let loaded = store.load(&[], Access::Read).map_err(io::Error::other)?;
        let now = loaded.view().now();
        drop(loaded);
        let freeze = Freeze {
            id: LeaseId::new(77),
            resource: Resource::parse("frozen").map_err(|e| io::Error::other(e.to_string()))?,
            until: Some(now.plus_millis(86_400_000)),
            since: now,
            who: Identity::named("eve", "proof"),
        };
        let _frozen = driver::run(&store, &Ask::Freeze(freeze)).map_err(io::Error::other)?;
        Ok(())
    }
}

/// Splits a line into words.
pub(super) fn words(line: &str) -> Vec<String> {
    line.split(' ').map(String::from).collect()
}

/// A guard with flags and names, whose command goes through a gate.
pub(super) fn guard(owner: &str, what: &str, gate: &str) -> Vec<String> {
    let script = format!(
        "echo \"in $LEASEHOLD_TOKEN\" >> ../witness; : > ../up-{gate}; \
         read x < ../gate-{gate}; echo \"out $LEASEHOLD_TOKEN\" >> ../witness"
    );
    guarded(owner, what, script)
}

/// A guard whose command only goes in and out.
pub(super) fn passing_guard(owner: &str, what: &str) -> Vec<String> {
    let script = "echo \"in $LEASEHOLD_TOKEN\" >> ../witness; \
                  echo \"out $LEASEHOLD_TOKEN\" >> ../witness";
    guarded(owner, what, script.into())
}

fn guarded(owner: &str, what: &str, script: String) -> Vec<String> {
    let mut words = words(&format!("guard --owner {owner} {what} -c"));
    words.push(script);
    words
}
