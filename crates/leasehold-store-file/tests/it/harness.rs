//! A small coordinator: decides commands over a store, as the service does.

use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::decide::decide;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Claim, Identity, Intent, LeaseId, Resource, View};
use leasehold_store::conformance::listing::check_listing;
use leasehold_store::{Access, Committed, Loaded, Store, StoreError};
use leasehold_store_file::{Clock, FileStore, Options};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A clock that tests set.
pub(crate) struct SetClock {
    pub(crate) boot: Mutex<String>,
    pub(crate) boot_ms: AtomicU64,
    pub(crate) wall_ms: AtomicU64,
}

impl SetClock {
    pub(crate) fn new() -> Arc<Self> {
        let boot = Mutex::new("boot1".into());
        Arc::new(Self {
            boot,
            boot_ms: 5_000.into(),
            wall_ms: 1_000_000.into(),
        })
    }

    pub(crate) fn reboot(&self, boot: &str, wall_ms: u64) {
        *self.boot.lock().unwrap() = boot.into();
        self.boot_ms.store(1, SeqCst);
        self.wall_ms.store(wall_ms, SeqCst);
    }

    pub(crate) fn pass(&self, millis: u64) {
        self.boot_ms.fetch_add(millis, SeqCst);
    }
}

impl Clock for SetClock {
    fn boot(&self) -> Result<String, StoreError> {
        Ok(self.boot.lock().unwrap().clone())
    }
    fn boot_ms(&self) -> u64 {
        self.boot_ms.load(SeqCst)
    }
    fn wall_ms(&self) -> u64 {
        self.wall_ms.load(SeqCst)
    }
}

/// A directory with a workspace in it.
pub(crate) struct Place {
    directory: TempDir,
    pub(crate) clock: Arc<SetClock>,
}

impl Place {
    pub(crate) fn new() -> Self {
        // In memory where there is such a place: these tests make many small files.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() {
            TempDir::new_in(memory)
        } else {
            TempDir::new()
        };
        Self {
            directory: directory.unwrap(),
            clock: SetClock::new(),
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn try_open(&self) -> Result<FileStore, StoreError> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        FileStore::open(
            &self.root(),
            Options {
                clock,
                // So that queues are in stretches as soon as three wait.
                stretch_tickets: 2,
                ..Options::default()
            },
        )
    }

    pub(crate) fn open(&self) -> FileStore {
        self.try_open().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("audit/000001.jsonl")
    }
}

pub(crate) fn id(bits: u128) -> LeaseId {
    LeaseId::new(bits)
}

pub(crate) fn claim(text: &str) -> Claim {
    Claim::new(Resource::parse(text).unwrap(), Intent::Mutates)
}

pub(crate) fn ask(number: u128, resources: &[&str]) -> Ask {
    let claims = resources.iter().map(|text| claim(text)).collect();
    Ask::new(id(number), Identity::nameless("ada", "host"), claims)
}

pub(crate) fn waiting(number: u128, resources: &[&str]) -> Ask {
    Ask {
        wait: Wait::Forever,
        ..ask(number, resources)
    }
}

pub(crate) fn standing(number: u128, name: &str, resources: &[&str]) -> Ask {
    let who = Identity::named(name, "host");
    Ask {
        who,
        kind: Kind::Standing,
        ..ask(number, resources)
    }
}

pub(crate) fn try_run(store: &FileStore, command: &Command) -> Result<Verdict, StoreError> {
    let mut loaded = store.load(&command.footprint(), Access::Decide)?;
    for _ in 0..100 {
        match decide(loaded.view(), command, &Policy::default()) {
            Ok(decision) => {
                let done = store.commit(loaded, &decision.events, &decision.wakes)?;
                assert_eq!(done, Committed::Done);
                return Ok(decision.verdict);
            }
            Err(more) => store.load_more(&mut loaded, &more.0)?,
        }
    }
    panic!("the kernel asks for more for ever");
}

pub(crate) fn run(store: &FileStore, command: &Command) -> Verdict {
    try_run(store, command).unwrap()
}

pub(crate) fn acquire(store: &FileStore, ask: Ask) -> Verdict {
    run(store, &Command::Ask(ask))
}

/// Acquires what must be free; returns the token.
#[track_caller]
pub(crate) fn hold(store: &FileStore, ask: Ask) -> u64 {
    token(&acquire(store, ask))
}

/// Waits for what must be held.
#[track_caller]
pub(crate) fn queue(store: &FileStore, ask: Ask) {
    let verdict = acquire(store, ask);
    assert!(matches!(verdict, Verdict::Queued(_)), "{verdict:?}");
}

#[track_caller]
pub(crate) fn release(store: &FileStore, number: u128) {
    assert_eq!(run(store, &release_command(number)), Verdict::Done);
}

/// What is in a directory, to be put back.
pub(crate) struct Saved(BTreeMap<PathBuf, Vec<u8>>);

impl Saved {
    pub(crate) fn of(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(root, &mut files);
        Self(files)
    }

    pub(crate) fn put_back(&self, root: &Path) {
        let _ = fs::remove_dir_all(root);
        self.0.keys().for_each(|path| self.put_back_file(path));
    }

    /// As [`Saved::put_back`], writing only what differs.
    pub(crate) fn repair(&self, root: &Path) {
        let mut found = BTreeMap::new();
        collect(root, &mut found);
        found
            .keys()
            .filter(|path| !self.0.contains_key(*path))
            .for_each(|path| {
                fs::remove_file(path).unwrap();
            });
        let differing = self
            .0
            .iter()
            .filter(|(path, bytes)| found.get(*path) != Some(*bytes));
        differing.for_each(|(path, _)| self.put_back_file(path));
    }

    pub(crate) fn put_back_file(&self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match self.0.get(path) {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => drop(fs::remove_file(path)),
        }
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Vec<u8>> {
        self.0.get(path)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&PathBuf, &Vec<u8>)> {
        self.0.iter()
    }
}

fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_none_or(|extension| extension != "wake") {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

pub(crate) fn release_command(number: u128) -> Command {
    let by = Identity::nameless("ada", "host");
    Command::Release {
        lease: id(number),
        by,
        proof: Proof::Id,
    }
}

#[track_caller]
pub(crate) fn token(verdict: &Verdict) -> u64 {
    match verdict {
        Verdict::Granted(lease) => lease.token.get(),
        other => panic!("not granted: {other:?}"),
    }
}

/// All that the workspace holds, in one text to compare.
pub(crate) fn everything(store: &FileStore) -> String {
    let loaded = store.load(&[Key::All], Access::Read).unwrap();
    if let Some(listing) = store.list().unwrap() {
        check_listing(&listing, loaded.view());
    }
    show(loaded.view())
}

pub(crate) fn show(view: &View) -> String {
    let mut leases: Vec<String> = view.leases().map(|lease| format!("{lease:?}")).collect();
    leases.sort();
    let tickets: Vec<_> = view.tickets().collect();
    let mut freezes: Vec<String> = view.freezes().map(|freeze| format!("{freeze:?}")).collect();
    freezes.sort();
    let mut cards: Vec<String> = view.cards().map(|card| format!("{card:?}")).collect();
    cards.sort();
    format!("{leases:#?} {tickets:#?} {freezes:#?} {cards:#?}")
}

/// Checks that the records say what the log says.
#[track_caller]
pub(crate) fn check_whole(store: &FileStore) {
    assert_eq!(store.verify().unwrap(), Vec::<String>::new());
}
