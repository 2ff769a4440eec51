//! The store itself: loads, commits and the audit.

mod upkeep;

use crate::clock::{Clock, MachineClock, TimeLine};
use crate::header::{Header, Unreadable, VERSION};
use crate::joined;
use crate::life;
use crate::list;
use crate::log::{self, End, Segment, segment_path};
use crate::mutex::{Gate, MUTEX};
use crate::presence::FilePresence;
use crate::records::{Fault, Records};
use crate::root::Root;
use crate::rotate;
use crate::session::Session;
use crate::shared::Shared;
use crate::state::State;
use crate::{audit, gc, wake};
use leasehold_core::view::{Counters, Key, View};
use leasehold_core::{LeaseId, event::Event};
use leasehold_store::{Access, Commit, Committed, Join, Loaded, Presence, Store, StoreError};
use leasehold_store::{Collected, EachEntry, Listing, Span};
use rustix::fs::OFlags;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io, thread};

/// How often a look is tried without the mutex. Each commit that comes in between costs one try.
const LOOKS_MAX: u32 = 6;
/// What is waited before looking again: about one commit.
const LOOK_NAP: Duration = Duration::from_micros(50);

/// How a store behaves.
#[derive(Clone)]
pub struct Options {
    /// How long the mutex is waited for. Whoever is inside stays for tens of microseconds, and once after
    /// a boot for as long as it takes to read the whole log (a gigabyte in 3 to 5 s); 256 threads that
    /// did nothing else on two busy processors waited 4 s at the worst. The default of 10 s lets all
    /// that pass, and still tells that a stopped process holds everybody up.
    pub mutex_wait: Duration,
    /// Where time comes from; another one only in tests.
    pub clock: Arc<dyn Clock>,
    /// How many tickets of a queue lie in one record: a longer queue is kept in several, and grows and
    /// shrinks at the same cost. Those who share a directory need not agree on it; small only in tests.
    pub stretch_tickets: usize,
    /// Is told once when a record can be neither read nor written, while the log is sound. Everything
    /// goes on from the log then: as right, and slower the longer the log is.
    pub notice: fn(&StoreError),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mutex_wait: Duration::from_secs(10),
            clock: Arc::new(MachineClock::new()),
            stretch_tickets: 8,
            notice: |_| {},
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("mutex_wait", &self.mutex_wait)
            .finish_non_exhaustive()
    }
}

/// A workspace in a directory.
#[derive(Debug)]
pub struct FileStore {
    shared: Arc<Shared>,
    workspace: String,
    segment_bytes: u64,
}

impl FileStore {
    /// Opens the workspace at `root` if there is one, to look at it: looking makes none.
    ///
    /// # Errors
    /// As [`FileStore::open`].
    pub fn open_existing(root: &Path, options: Options) -> Result<Option<Self>, StoreError> {
        let nothing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        // Without its `mutex` it may be one to be found again, or somebody else's directory.
        let is_absent = match fs::symlink_metadata(root.join(MUTEX)) {
            Err(error) if nothing(&error) => match fs::read_dir(root) {
                Ok(mut entries) => entries.next().is_none(),
                Err(error) => nothing(&error),
            },
            _ => false,
        };
        if is_absent {
            return Ok(None);
        }
        Self::open(root, options).map(Some)
    }

    /// Opens the workspace at `root`, and creates it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the directory cannot be used, [`StoreError::Foreign`] where it is
    /// somebody else's, [`StoreError::Newer`] and
    /// [`StoreError::Damaged`] where it cannot be understood, [`StoreError::Busy`] where somebody else
    /// who begins it does not come to an end.
    pub fn open(root: &Path, options: Options) -> Result<Self, StoreError> {
        let mut root = Root::open(root)?;
        let gate = Gate::open(&mut root, options.mutex_wait)?;
        let shared = Arc::new(Shared::new(root, gate, options)?);
        let workspace = match Header::decode(&shared.gate.peek(&shared.root)?) {
            Ok(header) => header.workspace,
            Err(newer @ Unreadable::Newer(_)) => return Err(unreadable_header(&shared, newer)),
            // A new one, or one to be found again.
            Err(Unreadable::Torn) => Session::enter(&shared)?.header.workspace,
        };
        // A copy of the directory has all that is written in it, and is another workspace.
        let workspace = format!("{workspace}-{}", shared.root.inode());
        Ok(Self {
            shared,
            workspace,
            segment_bytes: rotate::SEGMENT_BYTES,
        })
    }

    /// Begins a new segment of the log after this many bytes, and not after eight million.
    #[must_use]
    pub fn with_segment_bytes(self, segment_bytes: u64) -> Self {
        Self {
            segment_bytes,
            ..self
        }
    }

    /// Returns the part of the workspace's name that is written in the directory: the other is the
    /// directory's own number, so that those who come from a copy of it are not taken for our own.
    #[must_use]
    pub fn written_name(&self) -> &str {
        self.workspace
            .split_once('-')
            .map_or(&*self.workspace, |(name, _)| name)
    }

    /// Returns the directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.shared.root.path()
    }

    /// Returns whether opening it created the directory.
    #[must_use]
    pub fn was_created(&self) -> bool {
        self.shared.root.is_new()
    }

    fn unreadable(&self, unreadable: Unreadable) -> StoreError {
        unreadable_header(&self.shared, unreadable)
    }

    fn load_inside(&self, keys: &[Key]) -> Result<(Session<'_>, View), StoreError> {
        let needs_all = keys.contains(&Key::All);
        let folded = if needs_all {
            self.shared.fold_outside()?
        } else {
            State::default()
        };
        let mut session = Session::enter(&self.shared)?;
        let mut view = session.view();
        session.load(keys, &mut view, folded)?;
        Ok((session, view))
    }

    /// Looks without the mutex: what was read counts only if no commit came in between. The header says
    /// so, which a commit writes last, and the log's length, which it changes first. Nothing is returned
    /// where it has to be looked at inside: `read` reads nothing, or commits come again and again.
    fn steady<T>(
        &self,
        mut read: impl FnMut(&Header, &Segment) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let shared = &*self.shared;
        for look in 0..LOOKS_MAX {
            if look > 0 {
                thread::sleep(LOOK_NAP * look);
            }
            let before = shared.gate.peek(&shared.root)?;
            let header = match Header::decode(&before) {
                Ok(header) if header.boot == shared.boot => header,
                // To be begun, inside.
                _ => break,
            };
            let segment = shared.segment(header.segment)?;
            let len = || {
                let extent = segment.extent().map(|extent| extent.len);
                let path = shared.root.join(&segment_path(header.segment));
                extent.map_err(|errno| StoreError::io("look at", path, errno))
            };
            // Somebody is committing, or was killed at it; that has to be brought in inside.
            if len()? != header.applied {
                continue;
            }
            let Some(found) = read(&header, &segment)? else {
                continue;
            };
            if shared.gate.peek(&shared.root)? == before && len()? == header.applied {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn look(&self, keys: &[Key]) -> Result<View, StoreError> {
        match self.steady(|header, segment| self.look_once(header, segment, keys))? {
            Some(view) => Ok(view),
            None if self.shared.gate.is_writable() => Ok(self.load_inside(keys)?.1),
            None => self.look_at_the_log(keys),
        }
    }

    /// Returns an empty view of the version that a header tells of.
    fn view_of(&self, header: &Header) -> View {
        let shared = &*self.shared;
        let time_line = shared.continue_time(header.anchor_ms);
        View::new(
            time_line.now(&*shared.clock, header.last_ms),
            header.counters,
        )
    }

    fn look_once(
        &self,
        header: &Header,
        segment: &Segment,
        keys: &[Key],
    ) -> Result<Option<View>, StoreError> {
        let shared = &*self.shared;
        let mut view = self.view_of(header);
        let mut records = Records::to_read(shared);
        for key in keys {
            match key {
                Key::All => {
                    let (state, end) = fold(&shared.root, segment, header)?;
                    if end != header.applied {
                        return Ok(None);
                    }
                    state.show(&mut view);
                }
                Key::Life(id) => {
                    view.set_life(*id, life::life(&shared.root, &shared.attended, *id));
                }
                _ => match records.find(key, &mut view) {
                    Ok(()) => {}
                    Err(Fault::Torn) => return Ok(None),
                    // The log has it, too.
                    Err(Fault::Store(error @ StoreError::Io { .. })) => {
                        shared.tell(&error);
                        return Ok(None);
                    }
                    Err(Fault::Store(error)) => return Err(error),
                },
            }
            view.mark_loaded(key.clone());
        }
        Ok(Some(view))
    }

    /// Lists what a log leaves; nothing, where it has to be folded as a whole.
    fn list_once(&self, header: &Header, segment: &Segment) -> Result<Option<Listing>, StoreError> {
        let shared = &*self.shared;
        let Some(sheet) = list::fold(&shared.root, segment, header.applied)? else {
            return Ok(None);
        };
        let mut view = self.view_of(header);
        sheet.others.show(&mut view);
        view.mark_loaded(Key::All);
        let ids = view.leases().filter(|lease| lease.has_proof_of_life());
        let ids: Vec<LeaseId> = ids.map(|lease| lease.id).collect();
        for id in ids {
            view.set_life(id, life::life(&shared.root, &shared.attended, id));
            view.mark_loaded(Key::Life(id));
        }
        Ok(Some(Listing::new(view, sheet.texts, sheet.standing)))
    }

    /// For those who may not write, where the records are behind the log: everything that the log
    /// holds, which is more than was asked for.
    fn look_at_the_log(&self, keys: &[Key]) -> Result<View, StoreError> {
        let shared = &*self.shared;
        let header = Header::decode(&shared.gate.peek(&shared.root)?);
        let header = header.map_err(|unreadable| self.unreadable(unreadable))?;
        let (state, _) = fold(&shared.root, &*shared.segment(header.segment)?, &header)?;
        let last_ms = header.last_ms.max(state.last.as_millis());
        let time_line = if header.boot == shared.boot {
            TimeLine::of_anchor(header.anchor_ms)
        } else {
            TimeLine::begin(&*shared.clock, last_ms)
        };
        let counters = Counters {
            number: header.counters.number.max(state.counters.number),
            token: header.counters.token.max(state.counters.token),
        };
        let mut view = View::new(time_line.now(&*shared.clock, last_ms), counters);
        state.show(&mut view);
        for key in keys {
            if let Key::Life(id) = key {
                view.set_life(*id, life::life(&shared.root, &shared.attended, *id));
            }
            view.mark_loaded(key.clone());
        }
        Ok(view)
    }
}

impl FileStore {
    /// Calls `each` for every commit of one segment; returns whether to go on.
    fn audit_segment(
        &self,
        number: u32,
        header: &Header,
        each: &mut dyn FnMut(Commit<'_>) -> bool,
    ) -> Result<bool, StoreError> {
        let root = &self.shared.root;
        // Opened anew: this is long, and others go on meanwhile.
        let segment = Segment::open(root, number, OFlags::RDONLY)
            .map_err(|errno| StoreError::io("open", root.join(&segment_path(number)), errno))?;
        let mut goes_on = true;
        let (at, found) = segment.commits(root, 0, &mut |commit| {
            goes_on = each(Commit {
                at: commit.at,
                events: &commit.events,
            });
            Ok(goes_on)
        })?;
        match found {
            _ if !goes_on => {}
            _ if number == header.segment => check_end(root, &segment, header, at, found)?,
            End::Clean => {}
            End::Torn | End::Bad => return Err(not_whole(root, &segment, at)),
        }
        Ok(goes_on)
    }
}

/// Folds a log as far as it is whole.
fn fold(root: &Root, segment: &Segment, header: &Header) -> Result<(State, u64), StoreError> {
    let mut state = State::default();
    let found = state.go_on(root, segment)?;
    let end = state.end;
    check_end(root, segment, header, end, found)?;
    Ok((state, end))
}

/// Without the mutex a line may be read while it is appended; what the header counts must be whole.
fn check_end(
    root: &Root,
    segment: &Segment,
    header: &Header,
    end: u64,
    found: End,
) -> Result<(), StoreError> {
    if found != End::Bad && end >= header.applied {
        return Ok(());
    }
    Err(not_whole(root, segment, end))
}

fn not_whole(root: &Root, segment: &Segment, at: u64) -> StoreError {
    StoreError::Damaged {
        path: root.join(&segment_path(segment.number())),
        detail: format!("the line at offset {at} is not whole"),
    }
}

fn unreadable_header(shared: &Shared, unreadable: Unreadable) -> StoreError {
    let path = shared.root.join(MUTEX);
    match unreadable {
        Unreadable::Newer(found) => StoreError::Newer {
            path,
            found,
            known: VERSION,
        },
        Unreadable::Torn => {
            let detail = "it is not whole, and may not be written".into();
            StoreError::Damaged { path, detail }
        }
    }
}

/// A view, and where it was loaded to decide the mutex.
#[derive(Debug)]
pub struct FileLoaded<'a> {
    view: View,
    /// All that was loaded so far.
    keys: Vec<Key>,
    session: Option<Box<Session<'a>>>,
}

impl Loaded for FileLoaded<'_> {
    fn view(&self) -> &View {
        &self.view
    }
}

impl Store for FileStore {
    type Loaded<'a> = FileLoaded<'a>;

    fn workspace(&self) -> &str {
        &self.workspace
    }

    fn load(&self, keys: &[Key], access: Access) -> Result<FileLoaded<'_>, StoreError> {
        let (session, view) = match access {
            Access::Decide => {
                let (session, view) = self.load_inside(keys)?;
                (Some(Box::new(session)), view)
            }
            Access::Read => (None, self.look(keys)?),
        };
        Ok(FileLoaded {
            view,
            keys: keys.to_vec(),
            session,
        })
    }

    fn list(&self) -> Result<Option<Listing>, StoreError> {
        let listed = self.steady(|header, segment| self.list_once(header, segment).map(Some))?;
        Ok(listed.flatten())
    }

    /// Without the mutex the version of the view may have passed. Then all that was loaded is loaded
    /// again, at a newer one.
    fn load_more(&self, loaded: &mut FileLoaded<'_>, keys: &[Key]) -> Result<(), StoreError> {
        loaded.keys.extend_from_slice(keys);
        match &mut loaded.session {
            Some(session) => session.load(keys, &mut loaded.view, State::default()),
            None => {
                loaded.view = self.look(&loaded.keys)?;
                Ok(())
            }
        }
    }

    fn commit(
        &self,
        loaded: FileLoaded<'_>,
        events: &[Event],
        wakes: &[LeaseId],
    ) -> Result<Committed, StoreError> {
        // Nobody was held off since, so anything may have happened.
        let Some(session) = loaded.session else {
            return Ok(Committed::Conflict);
        };
        let (committed, written) = session.commit(events)?;
        if committed == Committed::Conflict {
            return Ok(Committed::Conflict);
        }
        // Out of the mutex by now, so that those who are woken find it free.
        wakes
            .iter()
            .for_each(|id| wake::call(&self.shared.root, *id));
        if let Some(written) = written {
            rotate::rotate_if_long(&self.shared, written, self.segment_bytes);
        }
        Ok(Committed::Done)
    }

    fn attend(&self, id: LeaseId) -> Result<Box<dyn Presence>, StoreError> {
        Ok(Box::new(FilePresence::attend(&self.shared, id)?))
    }

    fn join(&self, id: LeaseId) -> Result<Join, StoreError> {
        joined::join(&self.shared, id)
    }

    fn audit(&self, each: &mut dyn FnMut(Commit<'_>) -> bool) -> Result<(), StoreError> {
        let shared = &*self.shared;
        let header = match Header::decode(&shared.gate.peek(&shared.root)?) {
            Ok(header) => header,
            _ if shared.gate.is_writable() => Session::enter(shared)?.header,
            Err(unreadable) => return Err(self.unreadable(unreadable)),
        };
        let numbers = log::segments_up_to(&shared.root, header.segment)?;
        numbers.into_iter().try_fold(true, |goes_on, number| {
            if goes_on {
                self.audit_segment(number, &header, each)
            } else {
                Ok(false)
            }
        })?;
        Ok(())
    }

    fn collect(&self, keep_ms: u64) -> Result<Collected, StoreError> {
        gc::collect(&self.shared, keep_ms)
    }

    fn read_audit(&self, span: &Span, each: &mut EachEntry<'_>) -> Result<(), StoreError> {
        audit::read(&self.shared, span, each)
    }

    fn follow_audit(
        &self,
        span: &Span,
        interrupt: Option<BorrowedFd<'_>>,
        each: &mut EachEntry<'_>,
    ) -> Result<(), StoreError> {
        audit::follow(&self.shared, span, interrupt, each)
    }
}
