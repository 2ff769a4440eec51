//! What nobody needs any more: files of the dead, of those who were killed at writing them, and records
//! of names that nobody has used for long.

use crate::header::Header;
use crate::homes::{Home, lease_path, stretch_at};
use crate::log::{self, segment_path};
use crate::record::Content;
use crate::records::remove_lease;
use crate::rotate;
use crate::session::Session;
use crate::shared::Shared;
use crate::state::State;
use leasehold_core::LeaseId;
use leasehold_store::StoreError;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};
use std::{fs, io};

/// How many files are looked at in one stay inside the mutex.
const AT_ONCE: usize = 256;
/// Where an epoch is written before it has its name.
pub(crate) const EPOCH_NEW: &str = "epoch.new";

/// Removes all of them; returns how many. What a person might still want to see (what was cut off a log,
/// names in use now and then) is kept for as long as the audit.
pub(crate) fn remove(shared: &Shared, keep_ms: u64) -> Result<u64, StoreError> {
    let folded = shared.fold_outside()?;
    let session = Session::enter(shared)?;
    let mut removed = sweep(shared, &session.fold_from(folded)?)? as u64;
    let unfinished = unfinished(shared, &session.header)?;
    for path in unfinished.into_iter().chain(stray_stretches(shared)?) {
        unlink(shared, &path)?;
        shared.root.remove_empty_pieces(&path);
        removed += 1;
    }
    drop(session);
    let keep = Duration::from_millis(keep_ms);
    for path in cut_off(shared)? {
        if is_old(shared, &path, keep)? {
            unlink(shared, &path)?;
            removed += 1;
        }
    }
    Ok(removed + remove_unused_records(shared, keep)?)
}

/// Returns the files that killed processes left half made. Only inside the mutex nobody is at them.
pub(crate) fn unfinished(shared: &Shared, header: &Header) -> Result<Vec<String>, StoreError> {
    let root = &shared.root;
    let mut found = Vec::new();
    root.walk("audit", &mut |path| {
        found.extend(path.ends_with(".new").then(|| path.to_owned()));
        Ok(())
    })?;
    if root
        .open_file(EPOCH_NEW, rustix::fs::OFlags::RDONLY)
        .is_ok()
    {
        found.push(EPOCH_NEW.into());
    }
    let ahead = log::segments(root)?.into_iter();
    for number in ahead.filter(|number| *number > header.segment) {
        if rotate::is_void(root, number).unwrap_or(false) {
            found.push(segment_path(number));
        }
    }
    Ok(found)
}

/// Returns the files of stretches of queues that no resource tells of. They say nothing: whoever wrote them was
/// killed before it came to the resource.
pub(crate) fn stray_stretches(shared: &Shared) -> Result<Vec<String>, StoreError> {
    let mut stretches = Vec::new();
    shared.root.walk("records", &mut |path| {
        stretches.extend(stretch_at(path).map(|_| path.to_owned()));
        Ok(())
    })?;
    let is_stray = |path: &String| {
        let Some((resource, from)) = stretch_at(path) else {
            return Ok(false);
        };
        let head = decode(shared, resource)?;
        Ok(head.is_some_and(|(_, head)| head.rest.iter().all(|of| of.from != from)))
    };
    let mut strays = Vec::new();
    for path in stretches {
        if is_stray(&path)? {
            strays.push(path);
        }
    }
    Ok(strays)
}

/// Returns the files that keep what was cut off a log.
pub(crate) fn cut_off(shared: &Shared) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    shared.root.walk("audit", &mut |path| {
        found.extend(path.contains(".cut-at-").then(|| path.to_owned()));
        Ok(())
    })?;
    Ok(found)
}

/// Removes the records of flat names that say nothing and were not touched for so long. (A name that is
/// used again and again keeps its file.) They are not removed all at once, to let others in between.
fn remove_unused_records(shared: &Shared, keep: Duration) -> Result<u64, StoreError> {
    let mut old = Vec::new();
    shared.root.walk("records", &mut |path| {
        if !path.starts_with("records/path/") && is_old(shared, path, keep)? {
            old.push(path.to_owned());
        }
        Ok(())
    })?;
    let mut removed = 0;
    for some in old.chunks(AT_ONCE) {
        let _session = Session::enter(shared)?;
        for path in some {
            if says_nothing(shared, path)? && is_old(shared, path, keep)? {
                unlink(shared, path)?;
                shared.root.remove_empty_pieces(path);
                removed += 1;
            }
        }
    }
    Ok(removed)
}

fn says_nothing(shared: &Shared, path: &str) -> Result<bool, StoreError> {
    let record = decode(shared, path)?;
    Ok(record.is_some_and(|(home, content)| home.path(&shared.root) == path && content.is_empty()))
}

/// Reads a record, if it is there and whole.
fn decode(shared: &Shared, path: &str) -> Result<Option<(Home, Content)>, StoreError> {
    let whole = shared.root.join(path);
    match fs::read(&whole) {
        Ok(bytes) => Ok(Content::decode(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", whole, error)),
    }
}

fn is_old(shared: &Shared, path: &str, keep: Duration) -> Result<bool, StoreError> {
    let whole = shared.root.join(path);
    match fs::symlink_metadata(&whole).and_then(|metadata| metadata.modified()) {
        Ok(modified) => Ok(SystemTime::now()
            .duration_since(modified)
            .unwrap_or_default()
            >= keep),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("look at", whole, error)),
    }
}

fn unlink(shared: &Shared, path: &str) -> Result<(), StoreError> {
    let fail = |errno: Errno| StoreError::io("remove", shared.root.join(path), errno);
    shared.root.unlink(path).map_err(fail)
}

/// Returns the requests that have files and are not in the state. (Some of them may be alive.)
pub(crate) fn strangers(shared: &Shared, state: &State) -> Result<BTreeSet<LeaseId>, StoreError> {
    let expected = state.unsplit_records();
    let mut ids = BTreeSet::new();
    shared.root.walk("leases", &mut |path| {
        let name = path.trim_start_matches("leases/");
        let name = name.split('.').next().unwrap_or_default();
        let id = name.parse::<LeaseId>().ok();
        ids.extend(id.filter(|id| !expected.contains_key(&Home::Lease(*id))));
        Ok(())
    })?;
    Ok(ids)
}

/// Removes the files of requests that are neither in the state nor alive.
pub(crate) fn sweep(shared: &Shared, state: &State) -> Result<usize, StoreError> {
    let mut removed = 0;
    for id in strangers(shared, state)? {
        // FIFOs may have outlived their record. With one made anew they go as all others do: whoever takes
        // the same id up just now finds it and gets its lock first, or after us finds it gone.
        drop(shared.root.create_file(&lease_path(id)));
        let gone = remove_lease(&shared.root, &shared.attended, id);
        let fail = |errno| StoreError::io("remove", shared.root.join("leases"), errno);
        removed += usize::from(gone.map_err(fail)?);
    }
    Ok(removed)
}
