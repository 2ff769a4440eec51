//! A stay inside the mutex: the state at one version, and the way to the next.

use crate::clock::TimeLine;
use crate::header::{Header, Unreadable, VERSION};
use crate::life;
use crate::log::{self, End, Extent, Segment};
use crate::mutex::{Inside, MUTEX};
use crate::records::{Fault, Records};
use crate::recover;
use crate::shared::Shared;
use crate::state::State;
use leasehold_core::planted::Bug;
use leasehold_core::view::{Key, View};
use leasehold_core::{Timestamp, event::Event};
use leasehold_store::{Committed, StoreError};
use rustix::io::Errno;
use std::io::ErrorKind;
use std::mem;
use std::sync::Arc;

/// How often a record that is not whole is made again before it is given up.
const REBUILDS_MAX: u32 = 2;

/// A part of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

/// How old a decision may be when it is written. It is a thousand times what a stay takes; a process
/// that was stopped meanwhile, or a disk that makes it wait, takes longer.
const STAY_MS_MAX: u64 = 1_000;

/// One stay.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) inside: Inside<'a>,
    pub(crate) header: Header,
    pub(crate) segment: Arc<Segment>,
    pub(crate) records: Records<'a>,
    /// Where the log ends. The header may be behind it, when records could not be written.
    end: u64,
    reserve: u64,
    now: Timestamp,
    /// Whether records cannot be used, for other reasons than a full disk. Then none is written, so
    /// that those on disk stay as the header says, and whoever can writes them all.
    is_on_log_alone: bool,
}

impl<'a> Session<'a> {
    /// Goes inside and brings everything to the end of the log.
    pub(crate) fn enter(shared: &'a Shared) -> Result<Self, StoreError> {
        let inside = shared.gate.enter(&shared.root)?;
        let bytes = inside.read().map_err(|errno| fail(shared, "read", errno))?;
        let header = match Header::decode(&bytes) {
            Err(Unreadable::Newer(found)) => {
                let path = shared.root.join(MUTEX);
                return Err(StoreError::Newer {
                    path,
                    found,
                    known: VERSION,
                });
            }
            decoded => decoded.ok(),
        };
        inside.sign();
        let header = match header {
            Some(header) if header.boot == shared.boot || Bug::WrongBoot.is_planted() => header,
            // A new workspace, a lost header, or the first stay after a boot.
            before => recover::begin(shared, &inside, before.as_ref())?,
        };
        Self::open(shared, inside, header)
    }

    fn open(shared: &'a Shared, inside: Inside<'a>, header: Header) -> Result<Self, StoreError> {
        let segment = shared.segment(header.segment)?;
        let extent = segment
            .extent()
            .map_err(|errno| fail(shared, "look at", errno))?;
        let time_line = shared.continue_time(header.anchor_ms);
        let now = time_line.now(&*shared.clock, header.last_ms);
        let (applied, end) = (header.applied, extent.len);
        let records = Records::to_write(shared);
        let reserve = extent.reserve;
        let mut session = Self {
            shared,
            inside,
            header,
            segment,
            records,
            end,
            reserve,
            now,
            is_on_log_alone: false,
        };
        if end < applied {
            let detail = format!("it has {end} bytes of the {applied} that were written");
            return Err(session.damaged(detail));
        }
        if end > applied && !Bug::SkipReplay.is_planted() {
            session.replay()?;
        }
        Ok(session)
    }

    /// Returns an empty view of this version.
    pub(crate) fn view(&self) -> View {
        View::new(self.now, self.header.counters)
    }

    pub(crate) fn damaged(&self, detail: String) -> StoreError {
        let path = self
            .shared
            .root
            .join(&log::segment_path(self.segment.number()));
        StoreError::Damaged { path, detail }
    }

    /// Brings in the lines that somebody appended who was killed (or whose records could not be written)
    /// before the header said so.
    ///
    /// The race: a kill between the append and the header against whoever locks next. The append was
    /// whole: it is state, and its records are made now, whichever of them there are already. It was
    /// not: nobody was told of it, and the beginning of a line is cut.
    fn replay(&mut self) -> Result<(), StoreError> {
        let mut lines = Vec::new();
        let from = self.header.applied;
        let (end, found) = self
            .segment
            .commits(&self.shared.root, from, &mut |commit| {
                lines.push(commit);
                Ok(true)
            })?;
        match found {
            End::Clean => {}
            End::Torn if Bug::KeepTornLine.is_planted() => {}
            End::Torn => {
                self.segment
                    .cut(end)
                    .map_err(|errno| fail(self.shared, "cut", errno))?;
            }
            End::Bad => {
                return Err(self.damaged(format!("the line at offset {end} is not whole")));
            }
        }
        self.end = end;
        for commit in &lines {
            self.note(commit.at, &commit.events);
        }
        if from == recover::NOTHING_APPLIED {
            return self.rebuild_or_do_without();
        }
        self.with_whole_records(|records| {
            lines
                .iter()
                .try_for_each(|commit| records.apply(&commit.events))
        })?;
        if self.is_on_log_alone {
            return Ok(());
        }
        // Where they cannot be written they stay in memory, and the header stays behind for the next one.
        match self.records.write() {
            Ok(()) => self.write_header(),
            Err(error) if is_full(&error) => Ok(()),
            Err(error) => {
                self.is_on_log_alone = true;
                self.shared.tell(&error);
                Ok(())
            }
        }
    }

    /// Brings times and numbers up to a commit.
    fn note(&mut self, at: Timestamp, events: &[Event]) {
        let counters = &mut self.header.counters;
        for given in events.iter().filter_map(Event::counters) {
            counters.number = counters.number.max(given.number);
            counters.token = counters.token.max(given.token);
        }
        self.header.last_ms = self.header.last_ms.max(at.as_millis());
        self.now = self.now.max(at);
    }

    /// Goes on at the beginning of another segment, which the header names already.
    pub(crate) fn go_on_at(&mut self, end: u64) -> Result<(), StoreError> {
        self.end = end;
        self.write_header()
    }

    fn write_header(&mut self) -> Result<(), StoreError> {
        self.header.applied = self.end;
        let bytes = self.header.encode().ok_or(StoreError::Limit {
            limit: "the header's space",
        })?;
        self.inside
            .write(&bytes)
            .map_err(|errno| fail(self.shared, "write to", errno))
    }

    /// Runs something over the records; where one is not whole they are all made again from the log,
    /// and it is run again. Where one cannot be read the log alone has to do: a file that other hands
    /// made unusable must not stop those who have nothing to do with it.
    fn with_whole_records(
        &mut self,
        mut run: impl FnMut(&mut Records<'a>) -> Result<(), Fault>,
    ) -> Result<(), StoreError> {
        for _ in 0..REBUILDS_MAX {
            match run(&mut self.records) {
                Ok(()) => return Ok(()),
                Err(Fault::Store(error @ StoreError::Io { .. })) => self.do_without(&error)?,
                Err(Fault::Store(error)) => return Err(error),
                Err(Fault::Torn) => self.rebuild_or_do_without()?,
            }
        }
        let detail = "records that are not whole do not come right".into();
        Err(StoreError::Damaged {
            path: self.shared.root.join("records"),
            detail,
        })
    }

    /// Makes all records again from the log, or else goes on without them.
    fn rebuild_or_do_without(&mut self) -> Result<(), StoreError> {
        match self.rebuild_from(State::default()) {
            Err(error @ StoreError::Io { .. }) => self.do_without(&error),
            rebuilt => rebuilt.map(drop),
        }
    }

    /// Goes on with what the log says, which is more to read and as right.
    fn do_without(&mut self, error: &StoreError) -> Result<(), StoreError> {
        let state = self.fold_from(State::default())?;
        let all = state.records(self.shared.stretch_tickets);
        self.records = Records::of(all, self.shared);
        self.is_on_log_alone = true;
        self.shared.tell(error);
        Ok(())
    }

    /// Makes all records again from the log, of which a part is folded already.
    pub(crate) fn rebuild_from(&mut self, folded: State) -> Result<State, StoreError> {
        let state = self.fold_from(folded)?;
        recover::write_records(self.shared, &state)?;
        self.records = Records::to_write(self.shared);
        self.write_header()?;
        Ok(state)
    }

    /// Returns the state that the whole log leaves, of which a part is folded already: outside, because
    /// a long log would keep others out for long.
    pub(crate) fn fold_from(&self, folded: State) -> Result<State, StoreError> {
        let goes_on = folded.segment == self.segment.number() && folded.end <= self.end;
        let mut state = if goes_on { folded } else { State::default() };
        let found = state.go_on(&self.shared.root, &self.segment)?;
        if found != End::Clean || state.end != self.end {
            return Err(self.damaged(format!("the line at offset {} is not whole", state.end)));
        }
        Ok(state)
    }

    /// Puts what the keys find into the view.
    /// `folded` is the part of the log that was folded already.
    pub(crate) fn load(
        &mut self,
        keys: &[Key],
        view: &mut View,
        mut folded: State,
    ) -> Result<(), StoreError> {
        for key in keys {
            match key {
                Key::All => self.fold_from(mem::take(&mut folded))?.show(view),
                Key::Life(id) => {
                    view.set_life(
                        *id,
                        life::life(&self.shared.root, &self.shared.attended, *id),
                    );
                }
                _ => self.with_whole_records(|records| records.find(key, view))?,
            }
            view.mark_loaded(key.clone());
        }
        Ok(())
    }

    /// Makes events state. On an error nothing has changed, nor on a conflict: that is with the time.
    /// Nobody else came in, but what was decided long ago would be written as of then, and a lease might
    /// be over before it is held. Returns also which part of the log it wrote, where it gave something
    /// back: then there may be time for what else is to be done.
    pub(crate) fn commit(
        mut self,
        events: &[Event],
    ) -> Result<(Committed, Option<Written>), StoreError> {
        if events.is_empty() {
            return Ok((Committed::Done, None));
        }
        let dropped = usize::from(Bug::DropFromLog.is_planted() && events.len() > 1);
        let line = log::commit_line(self.now, &events[dropped..]);
        let takes = events.iter().any(is_taking);
        // All that can fail for reading is done before the append.
        self.with_whole_records(|records| records.apply(events))?;
        if takes {
            let extent = Extent {
                len: self.end,
                reserve: self.reserve,
            };
            let reserved = self.segment.reserve(extent, line.len());
            reserved.map_err(|errno| fail(self.shared, "keep space back for", errno))?;
        }
        let begin = self.end;
        let appended = self.segment.append(begin, &line);
        appended.map_err(|errno| fail(self.shared, "append to", errno))?;
        // A disk that makes us wait does so here. A line that cannot be cut stands, old as it is.
        if self.is_old() && self.segment.cut(begin).is_ok() {
            return Ok((Committed::Conflict, None));
        }
        // From here on it is state: whoever is next finds the line, if we do not come to the end.
        self.end += line.len() as u64;
        self.note(self.now, events);
        if self.is_on_log_alone {
            return Ok((Committed::Done, None));
        }
        match self.records.write() {
            // A header that cannot be written is behind, no more.
            Ok(()) => drop(self.write_header()),
            Err(error) if takes && self.take_back(begin) => return Err(error),
            // Releases stand, and what could not be taken back: the next one finds the line, and brings
            // it into the records, or into its memory.
            Err(error) if is_full(&error) => {}
            Err(error) => self.shared.tell(&error),
        }
        let written = (!takes).then_some(Written {
            begin,
            end: self.end,
        });
        Ok((Committed::Done, written))
    }

    /// Returns whether the records hold all that the log says.
    pub(crate) fn is_whole(&self) -> bool {
        self.header.applied == self.end
    }

    /// Returns whether the time of this stay is long past.
    fn is_old(&self) -> bool {
        let time_line = TimeLine::of_anchor(self.header.anchor_ms);
        let now = time_line.now(&*self.shared.clock, self.header.last_ms);
        now.millis_since(self.now) > STAY_MS_MAX
    }

    /// Takes a commit back whose records could not be written, so that a grant (on a full disk, say)
    /// fails whole. The records first: a kill in between leaves the line, and the next one replays it as that
    /// of a process that died after its commit. Returns whether it is as if nothing had been.
    fn take_back(&mut self, begin: u64) -> bool {
        self.records.restore().is_ok()
            && (Bug::KeepFailedGrant.is_planted() || self.segment.cut(begin).is_ok())
    }
}

/// Returns whether an event asks for something: then its commit may not use up the space that is kept
/// back for giving things back. (A grant to a waiter comes with a release.)
fn is_taking(event: &Event) -> bool {
    match event {
        Event::Refused { .. }
        | Event::Queued { .. }
        | Event::Resumed { .. }
        | Event::Frozen { .. } => true,
        Event::Granted { lease, .. } => lease.is_bound(),
        _ => false,
    }
}

/// Returns whether a write failed because there was no room. That passes, and concerns all files alike.
fn is_full(error: &StoreError) -> bool {
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
    matches!(error, StoreError::Io { source, .. } if full.contains(&source.kind()))
}

fn fail(shared: &Shared, action: &'static str, errno: Errno) -> StoreError {
    StoreError::io(action, shared.root.join("audit"), errno)
}
