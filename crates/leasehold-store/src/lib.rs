//! Where the leases of a workspace are remembered.
//!
//! # Layout
//!
//! * [`Store`]: load a view of one version, commit events on it. A store never decides.
//! * [`Presence`]: one request's proof of life and its place to be woken.
//! * [`mod@audit`]: reading the audit, damage and all, as it comes.
//! * [`mod@format`]: how events, leases and tickets are written down as JSON, in every store.
//! * [`Listing`]: all that there is, for those who list it.
//! * [`memory`]: a store in this process, for tests and embedding.
//! * `conformance`: what every store has to pass (feature `conformance`).
//!
//! # Guarantees
//!
//! A commit is all or nothing and only on the version that was loaded. Whatever a store cannot see
//! clearly counts as held or alive.
//!
//! # Limitations
//!
//! The memory store sees processes only as far as it is told: a [`Presence`] dropped without
//! [`Presence::end`] is a death.

pub mod audit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod format;
mod listing;
pub mod memory;

pub use audit::{EachEntry, Entry, Span};
pub use error::StoreError;
pub use listing::Listing;

use leasehold_core::view::{Key, View};
use leasehold_core::{LeaseId, Timestamp, event::Event};
use std::os::fd::{BorrowedFd, OwnedFd};

/// What a load is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A commit may follow: the view is of the latest version, and stays so where the store can hold
    /// others off.
    Decide,
    /// Only to look: holds nobody off, and may be of a version that has just passed.
    Read,
}

/// What became of a commit.
#[must_use = "a commit that did not happen has to be decided again"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The events are state.
    Done,
    /// The view was not of the latest version; nothing happened. Load and decide again.
    Conflict,
    /// It cannot be told whether the events are state. Ask again with the same request id.
    Unknown,
}

/// A view of one version, with what the store needs to commit on it.
pub trait Loaded {
    /// Returns the view.
    fn view(&self) -> &View;
}

/// Remembers the leases of one workspace.
pub trait Store {
    /// A view with what is needed to commit on it. Dropping it gives the commit up.
    type Loaded<'a>: Loaded
    where
        Self: 'a;

    /// Returns a name of the workspace that no other has: how a program that runs in several knows
    /// which of its leases is of which.
    fn workspace(&self) -> &str;

    /// Loads what the keys find, at one version.
    ///
    /// # Errors
    /// Where anything needed cannot be read clearly: [`StoreError`].
    fn load(&self, keys: &[Key], access: Access) -> Result<Self::Loaded<'_>, StoreError>;

    /// Loads what more keys find, at the version of the view.
    ///
    /// # Errors
    /// As [`Store::load`].
    fn load_more(&self, loaded: &mut Self::Loaded<'_>, keys: &[Key]) -> Result<(), StoreError>;

    /// Returns all that there is, at one version, if that is at hand as it is written; without holding
    /// anybody off. Where it is not, [`Store::load`] has it.
    ///
    /// # Errors
    /// As [`Store::load`].
    fn list(&self) -> Result<Option<Listing>, StoreError> {
        Ok(None)
    }

    /// Makes the events state, all or none, if the view is still of the latest version; then wakes
    /// those who sleep under these ids. Only on a view that was loaded to decide.
    ///
    /// # Errors
    /// Where the events are not state: [`StoreError`].
    fn commit(
        &self,
        loaded: Self::Loaded<'_>,
        events: &[Event],
        wakes: &[LeaseId],
    ) -> Result<Committed, StoreError>;

    /// Takes up the presence of a request, before it is asked.
    ///
    /// # Errors
    /// Where the proof of life cannot be made: [`StoreError`].
    fn attend(&self, id: LeaseId) -> Result<Box<dyn Presence>, StoreError>;

    /// Takes part in a lease that somebody else keeps for its command: it is kept then until all who take
    /// part have ended, too.
    ///
    /// # Errors
    /// Where the share cannot be taken: [`StoreError`].
    fn join(&self, id: LeaseId) -> Result<Join, StoreError> {
        let _ = id;
        Ok(Join::Inside(None))
    }

    /// Calls `each` for every commit that is kept, in order, until it returns `false`: all since the
    /// beginning, where none was dropped.
    ///
    /// # Errors
    /// Where any of it cannot be read: [`StoreError`].
    fn audit(&self, each: &mut dyn FnMut(Commit<'_>) -> bool) -> Result<(), StoreError>;

    /// Calls `each` for what the audit keeps of a span of time, in order, until it returns `false`.
    /// Damage is told, and what is behind it is read all the same.
    ///
    /// # Errors
    /// Where nothing more can be read: [`StoreError`].
    fn read_audit(&self, span: &Span, each: &mut EachEntry<'_>) -> Result<(), StoreError> {
        audit::read(self, span, each)
    }

    /// As [`Store::read_audit`], and then whatever comes, until `each` returns `false` or the interrupt
    /// is readable. What is waited for is told by [`Entry::Pause`] each time when all that there is was told.
    ///
    /// # Errors
    /// As [`Store::read_audit`], and where it cannot be waited.
    fn follow_audit(
        &self,
        span: &Span,
        interrupt: Option<BorrowedFd<'_>>,
        each: &mut EachEntry<'_>,
    ) -> Result<(), StoreError> {
        audit::follow(self, span, interrupt, each)
    }

    /// Drops what nobody needs any more: of the audit what is older than this, and what those who died
    /// left behind. What is held stays, and tokens go on where they are. A store that keeps nothing
    /// besides has nothing to do.
    ///
    /// # Errors
    /// Where it cannot be told what is needed, or not be dropped: [`StoreError`]. Some may have been
    /// dropped by then.
    fn collect(&self, keep_ms: u64) -> Result<Collected, StoreError> {
        let _ = keep_ms;
        Ok(Collected::default())
    }
}

/// What a collection found to drop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Whether all that is held was written down anew, so that what led to it is not needed any more.
    pub checkpoint: bool,
    /// How many pieces of the audit were dropped: segments or commits.
    pub dropped: u64,
    /// How many bytes that freed, where it is known.
    pub bytes: u64,
    /// How many things that nobody needs were removed.
    pub leftovers: u64,
    /// What was dropped had happened by then.
    pub dropped_until: Option<Timestamp>,
}

/// One commit of the audit.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// When, on the workspace's time line.
    pub at: Timestamp,
    /// What it changed.
    pub events: &'a [Event],
}

/// Whose end a sleeper waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The lease, or the request of the ticket.
    pub id: LeaseId,
    /// Which of its two proofs of life.
    pub part: Part,
}

/// One of the two proofs of life behind a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The guard or waiter.
    Holder,
    /// The guarded command.
    Command,
}

/// Why a sleeper woke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A commit named it.
    Called,
    /// What it watched ended.
    Watch,
    /// The time came.
    Time,
    /// The interrupt became readable.
    Interrupt,
}

/// What becomes of taking part in a lease.
pub enum Join {
    /// It is kept for as long as this lives; `None` where the store sees no processes.
    Inside(Option<Box<dyn Joined>>),
    /// Its command has ended.
    Over,
}

/// A part taken in a lease. Dropped, it has ended.
pub trait Joined: Send {
    /// Returns what the guarded command has to inherit: it takes part as well.
    ///
    /// # Errors
    /// Where it cannot be made: [`StoreError`].
    fn command_proof(&self) -> Result<OwnedFd, StoreError>;
}

/// One request's proof of life, and the place where it is woken.
///
/// Dropped without [`Presence::end`] it counts as dead, as when its process is killed.
pub trait Presence: Send {
    /// Returns what the guarded command has to inherit: the second proof of life. `None` where the
    /// store sees no processes.
    ///
    /// # Errors
    /// Where it cannot be made: [`StoreError`].
    fn command_proof(&mut self) -> Result<Option<OwnedFd>, StoreError>;

    /// Says that the guarded command has ended. Returns a descriptor that is hung up when the last of
    /// those who [join](Store::join)ed the lease is gone (as a rule: a daemon of theirs may keep it open);
    /// `None` where there is nobody, and then nobody joins any more.
    ///
    /// # Errors
    /// Where that cannot be seen: [`StoreError`].
    fn command_ended(&mut self) -> Result<Option<OwnedFd>, StoreError> {
        Ok(None)
    }

    /// From now on keeps every call of a commit, so that looking and then sleeping misses none.
    ///
    /// # Errors
    /// Where the place cannot be made: [`StoreError`].
    fn listen(&mut self) -> Result<(), StoreError>;

    /// Sleeps until a commit calls, one of the watched ends, the time has come or the interrupt is
    /// readable.
    ///
    /// # Errors
    /// Where waiting fails: [`StoreError`].
    fn sleep(
        &mut self,
        watch: &[Watched],
        until: Option<Timestamp>,
        interrupt: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, StoreError>;

    /// Returns a descriptor that is readable when a commit has called, once [`Presence::listen`] was.
    fn call_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Forgets the calls so far.
    fn clear_calls(&mut self);

    /// Ends the presence in order, after its lease or ticket is gone.
    fn end(self: Box<Self>);
}
