//! Following the log: sleeping until a commit counts, across segments.
//!
//! Every commit ends with a write of the header in `mutex`; that file is watched. What the header does
//! not count yet is not told: on a full disk it may still be taken back.

use super::Reader;
use crate::log::retry;
use crate::mutex::MUTEX;
use crate::session::Session;
use crate::shared::Shared;
use leasehold_store::{EachEntry, Entry, Span, StoreError};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// After how long it looks by itself: for a commit whose process was killed before the header said so.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};
/// The same where the system cannot tell of writes.
const LOOK_EVERY_UNWATCHED: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// Why it woke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Interrupt,
    Write,
    Time,
}

/// Tells what the log has of a span, and then whatever comes.
pub(crate) fn follow(
    shared: &Shared,
    span: &Span,
    interrupt: Option<BorrowedFd<'_>>,
    each: &mut EachEntry<'_>,
) -> Result<(), StoreError> {
    // Before the first look, so that nothing comes unseen in between.
    let watch = watch(shared);
    let mut reader: Option<Reader<'_>> = None;
    loop {
        if !catch_up(shared, span, &mut reader, each)? || !each(Entry::Pause) {
            return Ok(());
        }
        match sleep(watch.as_ref(), interrupt)? {
            Woken::Interrupt => return Ok(()),
            Woken::Write => {}
            Woken::Time => bring_in(shared)?,
        }
    }
}

/// Tells all that counts by now; returns whether to go on.
fn catch_up<'a>(
    shared: &'a Shared,
    span: &Span,
    reader: &mut Option<Reader<'a>>,
    each: &mut EachEntry<'_>,
) -> Result<bool, StoreError> {
    // None of this boot: somebody has to go inside first.
    let Some(header) = shared.peek_header()? else {
        return Ok(true);
    };
    if reader.is_none() {
        *reader = Reader::begin(shared, *span, header.segment, each)?;
    }
    let Some(reader) = reader else {
        return Err(gone(shared, header.segment));
    };
    while reader.segment_number() < header.segment {
        if !reader.go_on(None, each)? {
            return Ok(false);
        }
        if !reader.next_segment(header.segment, each)? {
            return Err(gone(shared, header.segment));
        }
    }
    reader.go_on(Some(header.applied), each)
}

/// What is written to cannot be read: nothing more will come.
fn gone(shared: &Shared, number: u32) -> StoreError {
    super::fail(shared, number, Errno::NOENT)
}

/// Watches the header; nothing where the system cannot.
#[cfg(target_os = "linux")]
fn watch(shared: &Shared) -> Option<OwnedFd> {
    use rustix::fs::inotify;
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let watch = inotify::init(flags).ok()?;
    let path = shared.root.join(MUTEX);
    inotify::add_watch(&watch, path, inotify::WatchFlags::MODIFY).ok()?;
    Some(watch)
}

#[cfg(not(target_os = "linux"))]
fn watch(_: &Shared) -> Option<OwnedFd> {
    None
}

fn sleep(watch: Option<&OwnedFd>, interrupt: Option<BorrowedFd<'_>>) -> Result<Woken, StoreError> {
    let interrupts = interrupt.map(|fd| (fd, Woken::Interrupt));
    let writes = watch.map(|fd| (fd.as_fd(), Woken::Write));
    let sources: Vec<(BorrowedFd<'_>, Woken)> = interrupts.into_iter().chain(writes).collect();
    let mut fds: Vec<PollFd<'_>> = sources
        .iter()
        .map(|(fd, _)| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    let every = watch.map_or(&LOOK_EVERY_UNWATCHED, |_| &LOOK_EVERY);
    match rustix::event::poll(&mut fds, Some(every)) {
        // A signal that should end this makes the interrupt readable.
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(StoreError::io("wait at", MUTEX, errno)),
    }
    let ready = fds.iter().position(|fd| !fd.revents().is_empty());
    let woken = ready.map_or(Woken::Time, |place| sources[place].1);
    if let (Woken::Write, Some(watch)) = (woken, watch) {
        // How many writes there were says nothing: the header does.
        let mut events = [0; 4096];
        while retry(|| rustix::io::read(watch, &mut events)).is_ok_and(|count| count > 0) {}
    }
    Ok(woken)
}

/// Brings in what a killed process appended, as whoever comes next would.
fn bring_in(shared: &Shared) -> Result<(), StoreError> {
    let path = || shared.root.join(MUTEX);
    // Opened by name: a directory that was removed has nothing more to tell.
    let opened = shared.root.open_file(MUTEX, rustix::fs::OFlags::RDONLY);
    opened.map_err(|errno| StoreError::io("open", path(), errno))?;
    let counts = match shared.peek_header()? {
        None => false,
        Some(header) => {
            let extent = shared.segment(header.segment)?.extent();
            extent
                .map_err(|errno| StoreError::io("look at", path(), errno))?
                .len
                == header.applied
        }
    };
    if !counts && shared.gate.is_writable() {
        Session::enter(shared)?;
    }
    Ok(())
}
