//! A store in this process: for tests, and for programs that embed leasehold.
//!
//! A view loaded to decide keeps the workspace's lock until it is committed or dropped, so a commit
//! never meets a conflict, and a thread that has such a view must not load another, sleep or read the
//! audit. Indexes keep the cost of a request independent of what else is held.

mod clock;
mod index;
mod presence;
mod state;

pub use clock::ManualClock;

use crate::{Access, Collected, Commit, Committed, Loaded, Presence, Store, StoreError};
use clock::Clock;
use leasehold_core::event::{Change, Event};
use leasehold_core::view::{Counters, Key, Life, View};
use leasehold_core::{FencingToken, LeaseId, Timestamp};
use presence::{MemoryPresence, Presences};
use state::{State, Thing};
use std::collections::HashMap as StdHashMap;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A map with a faster hash than the standard library's, seeded anew in each process. Hashing was a tenth
/// of a request, and keys are ids drawn at random and names of those who may fill the workspace anyway.
type HashMap<K, V> = StdHashMap<K, V, foldhash::fast::RandomState>;

/// How a memory workspace is set up.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// The clock; `None` for the monotonic one, anchored at the wall clock of now.
    pub clock: Option<ManualClock>,
    /// How many commits the audit keeps, the oldest making way; `None` for all.
    pub audit_commits_max: Option<usize>,
    /// The token after which the first grant's comes. A program whose tokens outlive it in the
    /// resources they protect has to begin above its last ones, best with an epoch of its own.
    pub tokens_after: FencingToken,
}

impl MemoryOptions {
    /// Enough to see what just happened, at about one kilobyte each; an embedding runs for months.
    pub const AUDIT_COMMITS_DEFAULT: usize = 1024;
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            clock: None,
            audit_commits_max: Some(Self::AUDIT_COMMITS_DEFAULT),
            tokens_after: FencingToken::default(),
        }
    }
}

/// Remembers the leases of one workspace in this process. Clones are handles on the same workspace.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

/// What the handles of one workspace share.
#[derive(Debug)]
struct Shared {
    name: String,
    clock: Clock,
    audit_commits_max: Option<usize>,
    versions: Mutex<Versions>,
    presences: Arc<Presences>,
}

/// The state, and how it came about.
#[derive(Debug)]
struct Versions {
    state: State,
    audit: VecDeque<Arc<Kept>>,
}

/// A commit of the audit.
#[derive(Debug)]
struct Kept {
    at: Timestamp,
    events: Vec<Event>,
}

impl Shared {
    fn versions(&self) -> MutexGuard<'_, Versions> {
        // Only `commit` changes it, and nothing in there panics; a panic of whoever decides with a
        // view in its hands leaves the state as it was.
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether there is a lease with this id or a ticket of this request.
    fn has(&self, id: LeaseId) -> bool {
        self.versions().state.has(id)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Makes an empty workspace.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    /// Makes an empty workspace that goes by a clock that stands still, and keeps the whole audit: for
    /// tests.
    #[must_use]
    pub fn with_clock(clock: &ManualClock) -> Self {
        let clock = Some(clock.clone());
        Self::with_options(MemoryOptions {
            clock,
            audit_commits_max: None,
            ..MemoryOptions::default()
        })
    }

    /// Makes an empty workspace.
    #[must_use]
    pub fn with_options(options: MemoryOptions) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let presences = Arc::new(Presences::default());
        options
            .clock
            .iter()
            .for_each(|clock| clock.attach(&presences));
        let mut state = State::default();
        state.counters = Counters {
            token: options.tokens_after,
            ..Counters::default()
        };
        let shared = Shared {
            name: format!("memory:{}-{number}", std::process::id()),
            clock: options.clock.map_or_else(Clock::monotonic, Clock::Manual),
            audit_commits_max: options.audit_commits_max,
            versions: Mutex::new(Versions {
                state,
                audit: VecDeque::new(),
            }),
            presences,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Says what is to be known of the processes behind an id, whether anybody attends it or not:
    /// for tests. A presence that is dropped without its end changes only the holder then.
    pub fn set_life(&self, id: LeaseId, life: Life) {
        self.shared.presences.set_life(id, life);
    }

    fn show(&self, versions: &Versions, shown: &mut Shown, keys: &[Key]) {
        versions.state.show(keys, &mut shown.view, &mut shown.seen);
        for key in keys {
            if let Key::Life(id) = key {
                shown.view.set_life(*id, self.shared.presences.life(*id));
                shown.view.mark_loaded(key.clone());
            }
        }
    }

    fn shown(&self, versions: &mut Versions, keys: &[Key]) -> Shown {
        let now = self.shared.clock.now().max(versions.state.now);
        versions.state.now = now;
        let view = View::new(now, versions.state.counters);
        let mut shown = Shown {
            view,
            seen: Vec::new(),
        };
        self.show(versions, &mut shown, keys);
        shown
    }
}

/// A view, and what it has got by now.
#[derive(Debug)]
struct Shown {
    view: View,
    seen: Vec<Thing>,
}

/// A view of a memory workspace.
#[must_use = "the workspace is locked while this is there"]
#[derive(Debug)]
pub struct MemoryLoaded<'a> {
    shown: Shown,
    hold: Hold<'a>,
}

/// How a view stays true.
#[derive(Debug)]
enum Hold<'a> {
    /// Nobody else can commit.
    Decide(MutexGuard<'a, Versions>),
    /// Others may have committed since.
    Read { version: u64, keys: Vec<Key> },
}

impl Loaded for MemoryLoaded<'_> {
    fn view(&self) -> &View {
        &self.shown.view
    }
}

impl Store for MemoryStore {
    type Loaded<'a> = MemoryLoaded<'a>;

    fn workspace(&self) -> &str {
        &self.shared.name
    }

    fn load(&self, keys: &[Key], access: Access) -> Result<MemoryLoaded<'_>, StoreError> {
        let mut versions = self.shared.versions();
        let shown = self.shown(&mut versions, keys);
        let hold = match access {
            Access::Decide => Hold::Decide(versions),
            Access::Read => Hold::Read {
                version: versions.state.version,
                keys: keys.to_vec(),
            },
        };
        Ok(MemoryLoaded { shown, hold })
    }

    /// Loads what more keys find. Where others have committed since a view was loaded to be read, all
    /// of it is loaded again, so that it stays one of a single version.
    fn load_more(&self, loaded: &mut MemoryLoaded<'_>, keys: &[Key]) -> Result<(), StoreError> {
        match &mut loaded.hold {
            Hold::Decide(versions) => self.show(versions, &mut loaded.shown, keys),
            Hold::Read { version, keys: all } => {
                all.extend_from_slice(keys);
                let mut versions = self.shared.versions();
                if versions.state.version == *version {
                    self.show(&versions, &mut loaded.shown, keys);
                } else {
                    loaded.shown = self.shown(&mut versions, all);
                    *version = versions.state.version;
                }
            }
        }
        Ok(())
    }

    fn commit(
        &self,
        loaded: MemoryLoaded<'_>,
        events: &[Event],
        wakes: &[LeaseId],
    ) -> Result<Committed, StoreError> {
        let Hold::Decide(mut versions) = loaded.hold else {
            return Ok(Committed::Conflict);
        };
        if !events.is_empty() {
            versions.commit(
                loaded.shown.view.now(),
                events,
                self.shared.audit_commits_max,
            );
        }
        let state = &versions.state;
        let bells = self
            .shared
            .presences
            .bells(wakes, gone(events), |id| state.has(id));
        // Whoever wakes will want the lock.
        drop(versions);
        bells.iter().for_each(presence::Bell::ring);
        Ok(Committed::Done)
    }

    fn attend(&self, id: LeaseId) -> Result<Box<dyn Presence>, StoreError> {
        Ok(Box::new(MemoryPresence::new(id, Arc::clone(&self.shared))))
    }

    fn collect(&self, keep_ms: u64) -> Result<Collected, StoreError> {
        let mut versions = self.shared.versions();
        let now = self.shared.clock.now().max(versions.state.now);
        Ok(versions.collect(now, keep_ms))
    }

    /// Calls `each` for every commit that is still kept ([`MemoryOptions::audit_commits_max`]).
    fn audit(&self, each: &mut dyn FnMut(Commit<'_>) -> bool) -> Result<(), StoreError> {
        let kept: Vec<Arc<Kept>> = self.shared.versions().audit.iter().cloned().collect();
        for commit in kept {
            if !each(Commit {
                at: commit.at,
                events: &commit.events,
            }) {
                break;
            }
        }
        Ok(())
    }
}

impl Versions {
    /// Drops the commits of the audit that are older than this.
    fn collect(&mut self, now: Timestamp, keep_ms: u64) -> Collected {
        let old = |kept: &Arc<Kept>| now.millis_since(kept.at) >= keep_ms;
        let mut collected = Collected::default();
        while self.audit.front().is_some_and(old) {
            collected.dropped += 1;
            collected.dropped_until = self.audit.pop_front().map(|kept| kept.at);
        }
        collected
    }

    fn commit(&mut self, at: Timestamp, events: &[Event], audit_commits_max: Option<usize>) {
        events.iter().for_each(|event| self.state.apply(event));
        self.state.version += 1;
        if audit_commits_max == Some(0) {
            return;
        }
        if audit_commits_max.is_some_and(|max| self.audit.len() >= max) {
            self.audit.pop_front();
        }
        self.audit.push_back(Arc::new(Kept {
            at,
            events: events.to_vec(),
        }));
    }
}

/// Returns the leases and requests that events drop.
fn gone(events: &[Event]) -> impl Iterator<Item = LeaseId> {
    events.iter().flat_map(|event| {
        let mut ids = Vec::new();
        event.for_each_change(|change| match change {
            Change::DropLease(lease) => ids.push(lease.id),
            Change::DropTicket(ticket) => ids.push(ticket.request),
            _ => {}
        });
        ids
    })
}
