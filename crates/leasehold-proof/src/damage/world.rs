//! A small workspace with something of everything, to be damaged and put back.

use super::driver::{self, HandClock};
use leasehold_core::command::{Ask, Command};
use leasehold_core::freeze::Freeze;
use leasehold_core::view::Key;
use leasehold_core::{Identity, LeaseId, Resource, View};
use leasehold_store::{Access, Loaded as _, Presence, Store as _, StoreError};
use leasehold_store_file::{FileStore, MachineClock, Options};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The log, relative to the root.
pub(super) const LOG: &str = "audit/000001.jsonl";

/// What is held, waited for or frozen: nobody else may get any of it.
pub(super) const TAKEN: [&str; 7] = [
    "gpu",
    "build",
    "path:src/auth/x",
    "path:docs/a.md",
    "old",
    "deploy",
    "issue:7",
];

/// Which clock a store runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// The boot in which the workspace was last used.
    SameBoot,
    /// A later one.
    NextBoot,
    /// The machine's own.
    Machine,
}

/// The workspace.
pub(super) struct World {
    directory: TempDir,
    /// Every file as it should be.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// What they were at earlier moments of this boot.
    pub(super) older: Vec<BTreeMap<String, Vec<u8>>>,
    /// The files that prove that somebody lives, with their inodes.
    proofs: Vec<(String, u64)>,
    /// All that it holds, as a text.
    pub(super) expected: String,
    pub(super) last_token: u64,
    /// Kept: their locks are what proves that the holders live.
    _alive: Vec<Box<dyn Presence>>,
}

fn open(root: &Path, time: Time) -> Result<FileStore, StoreError> {
    let hand = |boot, now_ms| driver::open(root, HandClock { boot, now_ms });
    match time {
        Time::SameBoot => hand("boot-two", 2_000_000),
        Time::NextBoot => hand("boot-three", 2_001_000),
        Time::Machine => {
            let clock = Arc::new(MachineClock::new());
            let options = Options {
                clock,
                ..driver::options()
            };
            FileStore::open(root, options)
        }
    }
}

impl World {
    /// Furnishes one; used last on the clock given.
    pub(super) fn new(time: Time) -> io::Result<Self> {
        let directory = driver::place()?;
        let root = directory.path().join("root");
        Self::furnish(directory, &root, time).map_err(io::Error::other)
    }

    fn furnish(directory: TempDir, root: &Path, time: Time) -> Result<Self, StoreError> {
        let first = HandClock {
            boot: "boot-one",
            now_ms: 1_000_000,
        };
        let before = driver::open(root, first)?;
        take(&before, driver::standing(1, "eve", &["old"]))?;
        drop(before);
        let io = |error| StoreError::io("read", root, error);
        let store = open(root, time)?;
        let alive = vec![
            store.attend(LeaseId::new(3))?,
            store.attend(LeaseId::new(4))?,
            // One that has not asked yet: nothing but its lock says that it is there.
            store.attend(LeaseId::new(7))?,
        ];
        let many = ["build", "path:src/auth", "path:docs/*.md"];
        let mut older = Vec::new();
        for ask in [
            driver::standing(2, "ada", &many),
            driver::ask(3, "bob", &["gpu"]),
            driver::waiting(4, "cyd", &["build", "issue:7"]),
            driver::waiting(5, "dan", &["path:src"]),
            driver::waiting(8, "fay", &["issue:7"]),
        ] {
            take(&store, ask)?;
            older.push(files(root).map_err(io)?);
        }
        let _parked = driver::run(&store, &Command::Timeout(LeaseId::new(5)))?;
        let now = store.load(&[], Access::Read)?.view().now();
        let freeze = Freeze {
            id: LeaseId::new(6),
            resource: Resource::parse("deploy").expect("it is a name"),
            until: Some(now.plus_millis(1_000_000_000)),
            since: now,
            who: Identity::named("eve", "proof"),
        };
        let _frozen = driver::run(&store, &Command::Freeze(freeze))?;
        let loaded = store.load(&[Key::All], Access::Decide)?;
        let expected = show(loaded.view(), u64::MAX);
        let last_token = loaded.view().counters().token.get();
        drop(loaded);
        let files = files(root).map_err(io)?;
        let mut world = Self {
            directory,
            files,
            older,
            proofs: Vec::new(),
            expected,
            last_token,
            _alive: alive,
        };
        world.proofs = world.find_proofs().map_err(io)?;
        Ok(world)
    }

    fn find_proofs(&self) -> io::Result<Vec<(String, u64)>> {
        let proofs = [3, 4, 7].map(|number| format!("leases/{}", LeaseId::new(number)));
        let proof = |path: String| {
            let inode = fs::metadata(self.path(&path))?.ino();
            Ok((path, inode))
        };
        proofs.into_iter().map(proof).collect()
    }

    pub(super) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    pub(super) fn open(&self, time: Time) -> Result<FileStore, StoreError> {
        open(&self.root(), time)
    }

    /// Whether the files that prove a life are still the ones that are locked.
    pub(super) fn has_its_proofs(&self) -> bool {
        let is_same = |(path, inode): &(String, u64)| {
            fs::metadata(self.path(path)).is_ok_and(|found| found.ino() == *inode)
        };
        self.proofs.iter().all(is_same)
    }

    /// Whether this file may not be replaced by another, because the lock on it is what counts.
    pub(super) fn is_proof(&self, file: &str) -> bool {
        self.proofs.iter().any(|(path, _)| path == file)
    }

    /// Makes every file what it should be. In place: locks are on files, not on names.
    pub(super) fn put_back(&self) -> io::Result<()> {
        let found = files(&self.root())?;
        for path in found.keys().filter(|path| !self.files.contains_key(*path)) {
            fs::remove_file(self.path(path))?;
        }
        for (path, bytes) in &self.files {
            if found.get(path) == Some(bytes) {
                continue;
            }
            let whole = self.path(path);
            if whole.is_dir() {
                fs::remove_dir_all(&whole)?;
            }
            if let Some(directory) = whole.parent() {
                fs::create_dir_all(directory)?;
            }
            fs::write(whole, bytes)?;
        }
        Ok(())
    }
}

/// Takes what is free, or queues for what is not.
fn take(store: &FileStore, ask: Ask) -> Result<(), StoreError> {
    driver::run(store, &Command::Ask(ask)).map(drop)
}

/// All that a view holds, as a text to compare: but for leases with an id from `new` on.
pub(super) fn show(view: &View, new: u64) -> String {
    let is_old = |id: LeaseId| id.bits() < u128::from(new);
    let mut leases: Vec<_> = view.leases().filter(|lease| is_old(lease.id)).collect();
    leases.sort_by_key(|lease| lease.id);
    let mut tickets: Vec<_> = view.tickets().collect();
    tickets.sort_by_key(|ticket| ticket.number);
    let mut freezes: Vec<_> = view.freezes().collect();
    freezes.sort_by_key(|freeze| freeze.id);
    let mut cards: Vec<String> = view.cards().map(|card| format!("{card:?}")).collect();
    cards.sort();
    format!("{leases:?} {tickets:?} {freezes:?} {cards:?}")
}

fn files(root: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    collect(root, "", &mut files)?;
    Ok(files)
}

fn collect(root: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else if entry.file_type()?.is_file() {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}
