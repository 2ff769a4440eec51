//! The records that one load or commit works with: read once, changed in memory, written in place.
//!
//! What is in memory goes before what is on disk. So a record that could not be written (a full disk)
//! is still right for whoever replayed the log and goes on from there.

mod queue;

use crate::homes::{self, Home, TreePath, for_each_home};
use crate::life::{Attended, Probe, probe};
use crate::log::{retry, write_all};
use crate::record::{Content, Unreadable, VERSION};
use crate::root::Root;
use crate::shared::Shared;
use leasehold_core::event::{Change, Event};
use leasehold_core::planted::Bug;
use leasehold_core::resource::PathPattern;
use leasehold_core::view::{Key, View};
use leasehold_core::{LeaseId, Resource, Ticket};
use leasehold_store::StoreError;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How much of a record is read at first: nearly all are smaller. Of the others, that of a long queue
/// above all, the rest is read in ever larger pieces.
const READ_BYTES: usize = 4096;
/// How many files are kept open for a write that may follow.
const OPEN_MAX: usize = 128;
/// Files over this size are cut when their record has become much smaller, not filled with blanks.
const BLANKS_BYTES_MAX: usize = 64 * 1024;

/// Why records could not be used.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A record is not whole. Under the mutex that means that it has to be made again from the log,
    /// without it that it is perhaps just being written.
    Torn,
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One record in memory.
#[derive(Debug)]
struct Entry {
    content: Content,
    /// The file, where it is open.
    file: Option<Arc<OwnedFd>>,
    /// What the file held when all records were last as they should be, or nothing where there was
    /// none: what a commit that is taken back goes back to.
    before: Option<Vec<u8>>,
    /// The size of the file now, or nothing where there is none.
    file_bytes: Option<usize>,
    is_changed: bool,
    /// Whether the file may be other than before.
    is_touched: bool,
}

impl Entry {
    fn new(content: Content, file: Option<Arc<OwnedFd>>, before: Option<Vec<u8>>) -> Self {
        let file_bytes = before.as_ref().map(Vec::len);
        Self {
            content,
            file,
            before,
            file_bytes,
            is_changed: false,
            is_touched: false,
        }
    }
}

/// The records that were looked at.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    root: &'a Root,
    attended: &'a Attended,
    /// How many tickets of a queue lie in one record.
    stretch_tickets: usize,
    flags: OFlags,
    entries: BTreeMap<Home, Entry>,
    /// Whether what is not in memory is empty, whatever the files say.
    is_all: bool,
}

impl<'a> Records<'a> {
    /// Begins with no record, to look only.
    pub(crate) fn to_read(shared: &'a Shared) -> Self {
        Self {
            root: &shared.root,
            attended: &shared.attended,
            stretch_tickets: shared.stretch_tickets,
            flags: OFlags::RDONLY,
            entries: BTreeMap::new(),
            is_all: false,
        }
    }

    /// Begins with no record, to look and write. Under the mutex only.
    pub(crate) fn to_write(shared: &'a Shared) -> Self {
        Self {
            flags: OFlags::RDWR,
            ..Self::to_read(shared)
        }
    }

    /// Has all records in memory, for where the files cannot be used; they are not looked at.
    pub(crate) fn of(all: BTreeMap<Home, Content>, shared: &'a Shared) -> Self {
        let entry = |(home, content)| (home, Entry::new(content, None, None));
        Self {
            entries: all.into_iter().map(entry).collect(),
            is_all: true,
            ..Self::to_read(shared)
        }
    }

    /// Puts what a key finds into the view. Not for [`Key::All`] and [`Key::Life`], which are not a
    /// matter of records.
    pub(crate) fn find(&mut self, key: &Key, view: &mut View) -> Result<(), Fault> {
        match key {
            Key::All | Key::Life(_) => Ok(()),
            Key::Overlap(resource) if resource.is_flat() => self.find_flat(resource, view),
            Key::Overlap(resource) => self.find_overlapping(resource, view),
            Key::Front(resource) => self.find_front(resource, view),
            Key::Lease(id) => self.show(&Home::Lease(*id), view),
            Key::Agent(agent) => self.show(&Home::Agent(agent.clone()), view),
            Key::Standing(agent) => {
                let leases = &self.entry(&Home::Agent(agent.clone()))?.content.leases;
                leases
                    .iter()
                    .for_each(|lease| view.put_lease(Arc::clone(lease)));
                Ok(())
            }
            Key::Place(agent) => self.show(&Home::Place(agent.clone()), view),
        }
    }

    fn show(&mut self, home: &Home, view: &mut View) -> Result<(), Fault> {
        let entry = self.entry(home)?;
        show(&entry.content, view);
        Ok(())
    }

    /// A path meets what lies on the way down to it, what lies below it, and patterns. For a pattern the
    /// way ends where its first wildcard begins.
    fn find_overlapping(&mut self, resource: &Resource, view: &mut View) -> Result<(), Fault> {
        let Some(path) = resource.as_path() else {
            return Ok(());
        };
        if !self.is_all {
            self.discover_near(path)?;
        }
        let overlaps = |home: &Home| matches!(home, Home::Resource(own) if own.overlaps(resource));
        let overlapping = self.entries.iter().filter(|(home, _)| overlaps(home));
        overlapping.for_each(|(_, entry)| show(&entry.content, view));
        Ok(())
    }

    /// Reads every record that may be of something that overlaps a path.
    fn discover_near(&mut self, path: &PathPattern) -> Result<(), Fault> {
        let tree = TreePath::new(path.literal_prefix(), self.root);
        let mut found = Vec::new();
        self.root.walk(&tree.directory, &mut |file| {
            if tree.is_at_or_below(file) {
                found.push(file.into());
            }
            Ok(())
        })?;
        found.extend(tree.above);
        self.root.walk(homes::GLOBS, &mut |file| {
            found.push(file.into());
            Ok(())
        })?;
        found.iter().try_for_each(|file| self.discover(file))
    }

    /// Reads the record in a file whose home only the record itself tells.
    fn discover(&mut self, path: &str) -> Result<(), Fault> {
        let Some((file, bytes)) = self.read(path)? else {
            return Ok(());
        };
        let (home, content) = self.decode(path, &bytes)?;
        if home.path(self.root) != path {
            return Err(self.misplaced(path));
        }
        // Not kept open: there may be thousands, and nearly none of them will be written.
        drop(file);
        let entry = Entry::new(content, None, Some(bytes));
        self.entries.entry(home).or_insert(entry);
        Ok(())
    }

    /// Returns the record of a home; an empty one where there is no file.
    fn entry(&mut self, home: &Home) -> Result<&mut Entry, Fault> {
        if !self.entries.contains_key(home) {
            let entry = if self.is_all {
                Entry::new(Content::default(), None, None)
            } else {
                self.load(home)?
            };
            self.entries.insert(home.clone(), entry);
        }
        Ok(self
            .entries
            .get_mut(home)
            .expect("it was inserted just now"))
    }

    fn load(&self, home: &Home) -> Result<Entry, Fault> {
        let path = home.path(self.root);
        let found = match self.attended_file(home) {
            Some(file) => {
                let bytes = self.read_bytes(&path, &file)?;
                Some((file, bytes))
            }
            None => self
                .read(&path)?
                .map(|(file, bytes)| (Arc::new(file), bytes)),
        };
        let Some((file, bytes)) = found else {
            let content = Content::default();
            return Ok(Entry::new(content, None, None));
        };
        let (own, content) = self.decode(&path, &bytes)?;
        if own != *home {
            // A stretch is known by its resource, which tells that it is none.
            let is_stretch = matches!(home, Home::Stretch(..));
            let misplaced = || self.misplaced(&path);
            return Err(if is_stretch { Fault::Torn } else { misplaced() });
        }
        let file = Some(file).filter(|_| self.entries.len() < OPEN_MAX);
        Ok(Entry::new(content, file, Some(bytes)))
    }

    /// The file of a request that is attended here is open already.
    fn attended_file(&self, home: &Home) -> Option<Arc<OwnedFd>> {
        match home {
            Home::Lease(id) => self.attended.file(*id),
            _ => None,
        }
    }

    fn read(&self, path: &str) -> Result<Option<(OwnedFd, Vec<u8>)>, Fault> {
        match self.root.open_file(path, self.flags) {
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.fail("open", path, errno)),
            Ok(file) => {
                let bytes = self.read_bytes(path, &file)?;
                Ok(Some((file, bytes)))
            }
        }
    }

    fn read_bytes(&self, path: &str, file: &OwnedFd) -> Result<Vec<u8>, Fault> {
        let (mut bytes, mut piece) = (Vec::new(), READ_BYTES);
        loop {
            let held = bytes.len();
            bytes.resize(held + piece, 0);
            let count = retry(|| rustix::io::pread(file, &mut bytes[held..], held as u64));
            let count = count.map_err(|errno| self.fail("read", path, errno))?;
            bytes.truncate(held + count);
            if count < piece {
                return Ok(bytes);
            }
            piece *= 8;
        }
    }

    fn decode(&self, path: &str, bytes: &[u8]) -> Result<(Home, Content), Fault> {
        let path = || self.root.join(path);
        Content::decode(bytes).map_err(|unreadable| match unreadable {
            Unreadable::Torn => Fault::Torn,
            Unreadable::Newer(found) => Fault::Store(StoreError::Newer {
                path: path(),
                found,
                known: VERSION,
            }),
            Unreadable::Senseless(detail) => Fault::Store(StoreError::Damaged {
                path: path(),
                detail,
            }),
        })
    }

    fn misplaced(&self, path: &str) -> Fault {
        let detail = "it is the record of something else".into();
        Fault::Store(StoreError::Damaged {
            path: self.root.join(path),
            detail,
        })
    }

    fn fail(&self, action: &'static str, path: &str, errno: Errno) -> Fault {
        Fault::Store(StoreError::io(action, self.root.join(path), errno))
    }

    /// Brings events into the records, in memory.
    pub(crate) fn apply(&mut self, events: &[Event]) -> Result<(), Fault> {
        for event in events {
            if Bug::DropFromRecords.is_planted() && matches!(event, Event::Released { .. }) {
                continue;
            }
            let mut result = Ok(());
            event.for_each_change(|change| {
                if result.is_ok() {
                    result = self.change(change);
                }
            });
            result?;
        }
        Ok(())
    }

    fn change(&mut self, change: Change<'_>) -> Result<(), Fault> {
        if let Change::PutTicket(ticket) | Change::DropTicket(ticket) = change
            && let Some(before) = self.before(ticket)?
        {
            let gone = Change::DropTicket(&before);
            for_each_home(gone, |home, _| self.set(&home, gone, false))?;
        }
        for_each_home(change, |home, stands| self.set(&home, change, stands))?;
        match change {
            Change::PutTicket(ticket) => self.note_idle(ticket),
            Change::PutLease(lease) => self.note_standing(lease),
            _ => Ok(()),
        }
    }

    fn set(&mut self, home: &Home, change: Change<'_>, stands: bool) -> Result<(), Fault> {
        if let (Home::Resource(resource), Change::PutTicket(_) | Change::DropTicket(_)) =
            (home, change)
        {
            return self.set_queued(resource, change, stands);
        }
        let entry = self.entry(home)?;
        entry.content.apply(change, stands);
        entry.is_changed = true;
        Ok(())
    }

    /// Returns a ticket as it was, if it was another: a place that is resumed leaves the records of the
    /// request it was parked under.
    ///
    /// The race: a kill while the records of such a commit are written against whoever replays it. The
    /// record of the first resource, which says how the ticket was, is written last of all ([`write`]
    /// goes backwards). So either it still says that, or there is nothing left to be cleared.
    ///
    /// [`write`]: Records::write
    fn before(&mut self, ticket: &Arc<Ticket>) -> Result<Option<Arc<Ticket>>, Fault> {
        let Some(first) = ticket.claims.first() else {
            return Ok(None);
        };
        let content = self.queued_in(&first.resource, ticket.number)?;
        let mut tickets = content.tickets.iter();
        let before = tickets.find(|old| old.number == ticket.number);
        Ok(before.filter(|before| *before != ticket).cloned())
    }

    /// Writes a record, whatever its file says.
    pub(crate) fn overwrite(&self, home: &Home, content: Content) -> Result<(), StoreError> {
        let path = home.path(self.root);
        let fail = |errno: Errno| StoreError::io("write", self.root.join(&path), errno);
        let file = self.attended_file(home);
        let file = file.map_or_else(|| self.root.open_file(&path, self.flags).map(Arc::new), Ok);
        let file = match file {
            Err(Errno::NOENT) => None,
            opened => Some(opened.map_err(fail)?),
        };
        let stat = file
            .as_ref()
            .map(rustix::fs::fstat)
            .transpose()
            .map_err(fail)?;
        let bytes = stat.map(|stat| vec![0; usize::try_from(stat.st_size).unwrap_or(0)]);
        let mut entry = Entry::new(content, file, bytes);
        entry
            .write(self.root, self.attended, home, &path)
            .map_err(fail)
            .map(drop)
    }

    /// Writes every record that was changed, those of resources last. On an error some are written and
    /// some are not.
    pub(crate) fn write(&mut self) -> Result<(), StoreError> {
        self.tell_versions();
        let (root, attended) = (self.root, self.attended);
        let mut written = Vec::new();
        let changed = self
            .entries
            .iter_mut()
            .filter(|(_, entry)| entry.is_changed);
        for (home, entry) in changed.rev() {
            let path = home.path(root);
            let bytes = entry.write(root, attended, home, &path);
            let fail = |errno| StoreError::io("write", root.join(&path), errno);
            written.push((entry, bytes.map_err(fail)?));
        }
        for (entry, bytes) in written {
            entry.before = bytes;
            entry.is_changed = false;
            entry.is_touched = false;
        }
        Ok(())
    }

    /// Puts every record that a write touched back to what it was when it was read, those of resources
    /// first.
    pub(crate) fn restore(&self) -> Result<(), Errno> {
        for (home, entry) in self.entries.iter().filter(|(_, entry)| entry.is_touched) {
            let path = home.path(self.root);
            let Some(bytes) = &entry.before else {
                remove(self.root, self.attended, home, &path)?;
                continue;
            };
            let file = self.root.open_or_create(&path)?;
            write_all(&file, 0, bytes)?;
            rustix::fs::ftruncate(&file, bytes.len() as u64)?;
        }
        Ok(())
    }
}

impl Entry {
    /// Writes the record; returns what the file holds then, or nothing where it was removed.
    fn write(
        &mut self,
        root: &Root,
        attended: &Attended,
        home: &Home,
        path: &str,
    ) -> Result<Option<Vec<u8>>, Errno> {
        let may_go = self.content.is_empty() && !home.is_kept();
        self.is_touched |= may_go && self.file_bytes.is_some();
        if may_go && (self.file_bytes.is_none() || remove(root, attended, home, path)?) {
            (self.file, self.file_bytes) = (None, None);
            return Ok(None);
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => Arc::new(root.open_or_create(path)?),
        };
        self.is_touched = true;
        let file_bytes = *self.file_bytes.get_or_insert(0);
        let blanks = if file_bytes <= BLANKS_BYTES_MAX {
            file_bytes
        } else {
            0
        };
        let bytes = self.content.encode(home, blanks);
        write_all(&file, 0, &bytes)?;
        if bytes.len() < file_bytes {
            // Only space is at stake: what is behind the line is never read.
            let _ = rustix::fs::ftruncate(&file, bytes.len() as u64);
        }
        self.file_bytes = Some(bytes.len());
        self.file = Some(file);
        Ok(Some(bytes))
    }
}

/// Removes the file of an empty record; returns whether it could go.
fn remove(root: &Root, attended: &Attended, home: &Home, path: &str) -> Result<bool, Errno> {
    match home {
        Home::Lease(id) => return remove_lease(root, attended, *id),
        Home::Resource(_) | Home::Stretch(..) | Home::Agent(_) | Home::Place(_) => {
            root.unlink(path)?;
            root.remove_empty_pieces(path);
        }
    }
    Ok(true)
}

/// Removes the files of an id, if its owner is dead. While the owner lives the file stays: the lock on
/// it is what proves that it lives, and its request may yet come back into the state. The owner
/// removes it at its end (see `Presence::end` for the race between the two).
///
/// The lock is kept until the files are gone, against somebody who takes the same id up again: it gets
/// the lock either before, and then is seen here, or after, and then sees that its file is gone.
pub(crate) fn remove_lease(root: &Root, attended: &Attended, id: LeaseId) -> Result<bool, Errno> {
    if attended.file(id).is_some() {
        return Ok(false);
    }
    match probe(root, &homes::lease_path(id)) {
        Err(Errno::NOENT) => Ok(true),
        Ok(Probe::Taken(_)) | Err(_) => Ok(false),
        Ok(Probe::Free(_lock)) => {
            // The record goes last: where this is cut short the rest is found by it.
            root.unlink(&homes::command_path(id))?;
            root.unlink(&homes::joined_path(id))?;
            root.unlink(&homes::wake_path(id))?;
            root.unlink(&homes::lease_path(id))?;
            Ok(true)
        }
    }
}

fn show(content: &Content, view: &mut View) {
    content
        .leases
        .iter()
        .for_each(|lease| view.put_lease(lease.clone()));
    content
        .tickets
        .iter()
        .for_each(|ticket| view.put_ticket(ticket.clone()));
    // That they hold nothing is all that the records of their agents would say.
    let idle = |ticket: &&Arc<Ticket>| content.idle.contains(&ticket.number);
    let agents = content.tickets.iter().filter(idle).flat_map(|t| &t.agents);
    agents.for_each(|agent| view.mark_loaded(Key::Standing(agent.clone())));
    content
        .freezes
        .iter()
        .for_each(|freeze| view.put_freeze(freeze.clone()));
    content
        .cards
        .iter()
        .for_each(|card| view.put_card(card.clone()));
}
