//! The file store, driven in this process: decides and commits as the service does, on a clock that is
//! set by hand.

use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::decide::decide;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::Verdict;
use leasehold_core::{Claim, Identity, Intent, LeaseId, Resource};
use leasehold_store::Access;
use leasehold_store::{Committed, Loaded, Store, StoreError};
use leasehold_store_file::{Clock, FileStore, Options};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// More rounds than any decision takes.
const ROUNDS_MAX: u32 = 100;
/// Nobody else is inside for longer than a moment.
const MUTEX_WAIT: Duration = Duration::from_secs(5);

/// A clock that stands still in a boot of a name.
#[derive(Debug, Clone)]
pub(crate) struct HandClock {
    /// The name of the boot.
    pub(crate) boot: &'static str,
    /// What both clocks show.
    pub(crate) now_ms: u64,
}

impl Clock for HandClock {
    fn boot(&self) -> Result<String, StoreError> {
        Ok(self.boot.into())
    }
    fn boot_ms(&self) -> u64 {
        self.now_ms
    }
    fn wall_ms(&self) -> u64 {
        self.now_ms
    }
}

/// A directory for what is done many times: in memory where there is such a place.
pub(crate) fn place() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
}

/// Opens a store on a clock set by hand.
pub(crate) fn open(root: &Path, clock: HandClock) -> Result<FileStore, StoreError> {
    let options = Options {
        mutex_wait: MUTEX_WAIT,
        clock: Arc::new(clock),
        ..options()
    };
    FileStore::open(root, options)
}

/// How all stores here are opened: already the second who waits is in a record behind that of its
/// resource, so that there are such records to be damaged.
pub(crate) fn options() -> Options {
    Options {
        stretch_tickets: 1,
        ..Options::default()
    }
}

/// Decides a command and commits what follows.
pub(crate) fn run(store: &FileStore, command: &Command) -> Result<Verdict, StoreError> {
    let mut loaded = store.load(&command.footprint(), Access::Decide)?;
    for _ in 0..ROUNDS_MAX {
        match decide(loaded.view(), command, &Policy::default()) {
            Ok(decision) => {
                return match store.commit(loaded, &decision.events, &decision.wakes)? {
                    Committed::Done => Ok(decision.verdict),
                    Committed::Conflict | Committed::Unknown => Err(StoreError::Limit {
                        limit: "the certainty of the file store",
                    }),
                };
            }
            Err(more) => store.load_more(&mut loaded, &more.0)?,
        }
    }
    Err(StoreError::Limit {
        limit: "the rounds of a decision",
    })
}

/// A request of a named owner for a scoped lease.
pub(crate) fn ask(number: u128, owner: &str, names: &[&str]) -> Ask {
    let claims = names.iter().map(|name| claim(name)).collect();
    Ask::new(
        LeaseId::new(number),
        Identity::named(owner, "proof"),
        claims,
    )
}

/// The same, for a standing lease.
pub(crate) fn standing(number: u128, owner: &str, names: &[&str]) -> Ask {
    Ask {
        kind: Kind::Standing,
        ..ask(number, owner, names)
    }
}

/// The same, waiting.
pub(crate) fn waiting(number: u128, owner: &str, names: &[&str]) -> Ask {
    Ask {
        wait: Wait::Forever,
        ..ask(number, owner, names)
    }
}

fn claim(name: &str) -> Claim {
    let resource = Resource::parse(name).expect("the names of this layer are names");
    Claim::new(resource, Intent::Mutates)
}

/// A lease as it is granted in an empty workspace.
#[cfg(test)]
pub(crate) fn sample_lease(number: u128, name: &str) -> leasehold_core::Lease {
    let place = tempfile::tempdir().unwrap();
    let clock = HandClock {
        boot: "boot",
        now_ms: 1000,
    };
    let store = open(&place.path().join("root"), clock).unwrap();
    match run(&store, &Command::Ask(ask(number, "ada", &[name]))).unwrap() {
        Verdict::Granted(lease) => leasehold_core::Lease::clone(&lease),
        other => panic!("{other:?}"),
    }
}
