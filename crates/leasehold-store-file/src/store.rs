//! The store itself: loads, commits and the audit.

use crate::clock::{Clock, MachineClock, TimeLine};
use crate::header::{Header, Unreadable, VERSION};
use crate::joined;
use crate::life;
use crate::log::{End, Segment, segment_path};
use crate::mutex::{Gate, MUTEX};
use crate::presence::FilePresence;
use crate::records::{Fault, Records};
use crate::recover;
use crate::root::Root;
use crate::session::Session;
use crate::shared::Shared;
use crate::state::State;
use crate::wake;
use leasehold_core::view::{Counters, Key, View};
use leasehold_core::{LeaseId, event::Event};
use leasehold_store::{Access, Commit, Committed, Join, Loaded, Presence, Store, StoreError};
use rustix::fs::OFlags;
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
    /// Is told once when a record can be neither read nor written, while the log is sound. Everything
    /// goes on from the log then: as right, and slower the longer the log is.
    pub notice: fn(&StoreError),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mutex_wait: Duration::from_secs(10),
            clock: Arc::new(MachineClock::new()),
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
        Ok(Self { shared, workspace })
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

    /// Folds the log and says where the records differ from it, one line for each difference.
    ///
    /// # Errors
    /// As [`Store::load`], and [`StoreError::Damaged`] where the log itself is not whole.
    pub fn verify(&self) -> Result<Vec<String>, StoreError> {
        let folded = self.fold_outside()?;
        let session = Session::enter(&self.shared)?;
        recover::differences(&self.shared, &session.fold_from(folded)?)
    }

    /// Makes all records again from the log.
    ///
    /// # Errors
    /// As [`FileStore::verify`].
    pub fn rebuild(&self) -> Result<(), StoreError> {
        let folded = self.fold_outside()?;
        Session::enter(&self.shared)?.rebuild_from(folded).map(drop)
    }

    /// Removes the files of requests that are neither in the state nor alive, as killed ones leave
    /// them. Returns how many requests.
    ///
    /// # Errors
    /// As [`FileStore::verify`].
    pub fn sweep(&self) -> Result<usize, StoreError> {
        let folded = self.fold_outside()?;
        let session = Session::enter(&self.shared)?;
        recover::sweep(&self.shared, &session.fold_from(folded)?)
    }

    fn unreadable(&self, unreadable: Unreadable) -> StoreError {
        unreadable_header(&self.shared, unreadable)
    }

    fn load_inside(&self, keys: &[Key]) -> Result<(Session<'_>, View), StoreError> {
        let needs_all = keys.contains(&Key::All);
        let folded = if needs_all {
            self.fold_outside()?
        } else {
            State::default()
        };
        let mut session = Session::enter(&self.shared)?;
        let mut view = session.view();
        session.load(keys, &mut view, folded)?;
        Ok((session, view))
    }

    /// Folds what there is of the log before going inside, where the rest is brought in: a log only
    /// grows. (What is cut of it was never whole, or it is a new boot; then the fold inside begins
    /// again, or fails.)
    fn fold_outside(&self) -> Result<State, StoreError> {
        let shared = &*self.shared;
        let Ok(header) = Header::decode(&shared.gate.peek(&shared.root)?) else {
            return Ok(State::default());
        };
        if header.boot != shared.boot {
            return Ok(State::default());
        }
        let mut state = State::default();
        state.go_on(&shared.root, &*shared.segment(header.segment)?)?;
        Ok(state)
    }

    /// Looks without the mutex: what was read counts only if no commit came in between. The header says
    /// so, which a commit writes last, and the log's length, which it changes first.
    fn look(&self, keys: &[Key]) -> Result<View, StoreError> {
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
            let Some(view) = self.look_once(&header, &segment, keys)? else {
                continue;
            };
            if shared.gate.peek(&shared.root)? == before && len()? == header.applied {
                return Ok(view);
            }
        }
        if shared.gate.is_writable() {
            return Ok(self.load_inside(keys)?.1);
        }
        self.look_at_the_log(keys)
    }

    fn look_once(
        &self,
        header: &Header,
        segment: &Segment,
        keys: &[Key],
    ) -> Result<Option<View>, StoreError> {
        let shared = &*self.shared;
        let now = shared
            .continue_time(header.anchor_ms)
            .now(&*shared.clock, header.last_ms);
        let mut view = View::new(now, header.counters);
        let mut records = Records::to_read(&shared.root, &shared.attended);
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
    let path = root.join(&segment_path(segment.number()));
    Err(StoreError::Damaged {
        path,
        detail: format!("the line at offset {end} is not whole"),
    })
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
        if session.commit(events)? == Committed::Conflict {
            return Ok(Committed::Conflict);
        }
        // Out of the mutex by now, so that those who are woken find it free.
        wakes
            .iter()
            .for_each(|id| wake::call(&self.shared.root, *id));
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
        // Opened anew: this is long, and others go on meanwhile.
        let number = header.segment;
        let segment = Segment::open(&shared.root, number, OFlags::RDONLY).map_err(|errno| {
            StoreError::io("open", shared.root.join(&segment_path(number)), errno)
        })?;
        let mut is_told = false;
        let (at, found) = segment.commits(&shared.root, 0, &mut |commit| {
            is_told = !each(Commit {
                at: commit.at,
                events: &commit.events,
            });
            Ok(!is_told)
        })?;
        if is_told {
            Ok(())
        } else {
            check_end(&shared.root, &segment, &header, at, found)
        }
    }
}
