//! What a store and its presences have in common.

use crate::clock::{Clock, TimeLine};
use crate::header::Header;
use crate::life::Attended;
use crate::log::{Segment, segment_path};
use crate::mutex::Gate;
use crate::root::Root;
use crate::state::State;
use crate::store::Options;
use leasehold_core::Timestamp;
use leasehold_store::StoreError;
use rustix::fs::OFlags;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Takes what is wrong and yet no reason to fail.
pub(crate) type Notice = fn(&StoreError);

/// An open workspace.
pub(crate) struct Shared {
    pub(crate) root: Root,
    pub(crate) gate: Gate,
    pub(crate) clock: Arc<dyn Clock>,
    /// The boot of the machine; it cannot change while this process runs.
    pub(crate) boot: String,
    pub(crate) attended: Attended,
    /// How many tickets lie in one record.
    pub(crate) stretch_tickets: usize,
    notice: Notice,
    is_told: AtomicBool,
    segment: Mutex<Option<Arc<Segment>>>,
    time_line: Mutex<Option<TimeLine>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(root: Root, gate: Gate, options: Options) -> Result<Self, StoreError> {
        let Options {
            clock,
            stretch_tickets,
            notice,
            ..
        } = options;
        let boot = clock.boot()?;
        let attended = Attended::default();
        Ok(Self {
            root,
            gate,
            clock,
            boot,
            attended,
            stretch_tickets: stretch_tickets.max(1),
            notice,
            is_told: AtomicBool::new(false),
            segment: Mutex::default(),
            time_line: Mutex::default(),
        })
    }

    /// Says once that records cannot be used.
    pub(crate) fn tell(&self, error: &StoreError) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            (self.notice)(error);
        }
    }

    /// Returns an open segment; the last one asked for is kept open.
    pub(crate) fn segment(&self, number: u32) -> Result<Arc<Segment>, StoreError> {
        let mut kept = self.segment.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = kept.as_ref().filter(|segment| segment.number() == number) {
            return Ok(Arc::clone(segment));
        }
        let flags = if self.gate.is_writable() {
            OFlags::RDWR
        } else {
            OFlags::RDONLY
        };
        let segment = Segment::open(&self.root, number, flags);
        let path = || self.root.join(&segment_path(number));
        let segment = Arc::new(segment.map_err(|errno| StoreError::io("open", path(), errno))?);
        *kept = Some(Arc::clone(&segment));
        Ok(segment)
    }

    /// Returns the header without going inside, if it is of this boot.
    pub(crate) fn peek_header(&self) -> Result<Option<Header>, StoreError> {
        let header = Header::decode(&self.gate.peek(&self.root)?).ok();
        Ok(header.filter(|header| header.boot == self.boot))
    }

    /// Folds the log before going inside, where the rest is brought in.
    ///
    /// The race: a commit that is taken back, because its records could not be written or it took too long,
    /// against us. Its line is whole until it is cut, and another one as long may stand there when we
    /// come inside. So only what the header counts is folded: none of that is ever cut in this boot.
    pub(crate) fn fold_outside(&self) -> Result<State, StoreError> {
        let Some(header) = self.peek_header()? else {
            return Ok(State::default());
        };
        let mut state = State::default();
        let segment = self.segment(header.segment)?;
        state.go_on_to(&self.root, &segment, header.applied)?;
        Ok(state)
    }

    /// Takes over the time line of a header of this boot.
    pub(crate) fn continue_time(&self, anchor_ms: i64) -> TimeLine {
        let time_line = TimeLine::of_anchor(anchor_ms);
        *self
            .time_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(time_line);
        time_line
    }

    /// Returns the time for somebody who sleeps.
    pub(crate) fn now(&self) -> Result<Timestamp, StoreError> {
        let known = *self
            .time_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let time_line = match known {
            Some(time_line) => time_line,
            None => match Header::decode(&self.gate.peek(&self.root)?) {
                Ok(header) if header.boot == self.boot => self.continue_time(header.anchor_ms),
                _ => TimeLine::begin(&*self.clock, 0),
            },
        };
        Ok(time_line.now(&*self.clock, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{commit_line, write_all};
    use crate::session::Session;
    use std::time::Duration;

    /// A grant on a full disk is in the log for a moment.
    #[test]
    fn what_may_yet_be_cut_is_not_folded_outside() {
        let place = tempfile::tempdir().unwrap();
        let options = Options::default();
        let mut root = Root::open(place.path()).unwrap();
        let gate = Gate::open(&mut root, Duration::from_secs(10)).unwrap();
        let shared = Shared::new(root, gate, options).unwrap();
        drop(Session::enter(&shared).unwrap());
        let header = shared.peek_header().unwrap().unwrap();
        let path = shared.root.join(&segment_path(header.segment));
        let log = std::fs::File::options().write(true).open(path).unwrap();
        let line = commit_line(Timestamp::from_millis(header.last_ms + 1), &[]);
        write_all(&log.into(), header.applied, &line).unwrap();
        assert_eq!(shared.fold_outside().unwrap().end, header.applied);
    }
}
