//! Reading the audit as it is stored, for those who look: a span of time at once or as it comes.
//!
//! [`Store::audit`] replays, so it stops at damage. Who looks wants to see the rest: here damage is told
//! and passed over. Events are handed on as the JSON that they are stored as, so that a store that has it
//! at hand need not take it apart; [`Brief`](crate::format::Brief) reads what people ask for.

use crate::{Store, StoreError, format};
use leasehold_core::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// How long a store that cannot tell when something comes lets pass between two looks.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// A span of the workspace's time line, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub since: Timestamp,
    /// Its last moment.
    pub until: Timestamp,
}

impl Span {
    /// All that there is.
    pub const ALL: Self = Self {
        since: Timestamp::from_millis(0),
        until: Timestamp::MAX,
    };

    /// Returns whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.since <= at && at <= self.until
    }
}

/// What somebody who reads the audit is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// One commit.
    Commit {
        /// When, on the workspace's time line.
        at: Timestamp,
        /// What it changed: a JSON array of events in the stored [`mod@format`].
        events: &'a [u8],
    },
    /// Something that is no commit any more. What is behind it is told all the same.
    Damaged {
        /// Where it is.
        place: &'a str,
        /// What is wrong with it.
        detail: &'a str,
    },
    /// That is all for now; the next that comes is waited for.
    Pause,
}

/// Takes one entry after the other; says whether to go on.
pub type EachEntry<'a> = dyn FnMut(Entry<'_>) -> bool + 'a;

/// Reads a span of the audit of a store that keeps no JSON.
pub(crate) fn read<S: Store + ?Sized>(
    store: &S,
    span: &Span,
    each: &mut EachEntry<'_>,
) -> Result<(), StoreError> {
    read_from(store, span, &mut 0, each).map(drop)
}

/// The same, and from then on whatever comes: it is looked for once a second, because nothing tells.
pub(crate) fn follow<S: Store + ?Sized>(
    store: &S,
    span: &Span,
    interrupt: Option<BorrowedFd<'_>>,
    each: &mut EachEntry<'_>,
) -> Result<(), StoreError> {
    let mut seen = 0;
    loop {
        let goes_on = read_from(store, span, &mut seen, each)? && each(Entry::Pause);
        if !goes_on || is_interrupted(interrupt)? {
            return Ok(());
        }
    }
}

/// Tells what comes behind the first `seen` commits; returns whether to go on.
fn read_from<S: Store + ?Sized>(
    store: &S,
    span: &Span,
    seen: &mut usize,
    each: &mut EachEntry<'_>,
) -> Result<bool, StoreError> {
    let (mut place, mut goes_on) = (0, true);
    store.audit(&mut |commit| {
        place += 1;
        if place > *seen && span.contains(commit.at) {
            let events = format::events_json(commit.events);
            goes_on = each(Entry::Commit {
                at: commit.at,
                events: &events,
            });
        }
        goes_on
    })?;
    *seen = place;
    Ok(goes_on)
}

/// Sleeps until the next look; returns whether the interrupt became readable.
fn is_interrupted(interrupt: Option<BorrowedFd<'_>>) -> Result<bool, StoreError> {
    let mut fds: Vec<PollFd<'_>> = interrupt
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    match rustix::event::poll(&mut fds, Some(&LOOK_EVERY)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(StoreError::io("wait for", "the audit", errno)),
    }
}
