//! What can be told of a store's directory, of its clocks and of what lies there: for `doctor`.

use crate::leftovers;
use crate::life::{Probe, probe};
use crate::log::{self, segment_path};
use crate::root::Root;
use crate::rotate;
use crate::session::Session;
use crate::shared::Shared;
use leasehold_core::Timestamp;
use leasehold_store::StoreError;
use rustix::fs::{Access, AtFlags, FlockOperation};
use rustix::io::Errno;
use std::path::Path;

/// A directory, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its rights, as `chmod` takes them.
    pub mode: u32,
    /// Whether this process may write to it.
    pub is_writable: bool,
    /// What it lies on.
    pub file_system: FileSystem,
    /// How many bytes are free there for users.
    pub free_bytes: u64,
    /// How many files may still be made there; nothing where there is no such limit.
    pub free_files: Option<u64>,
}

/// A kind of file system, and what it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Its name.
    pub name: &'static str,
    /// What a lock on it is worth.
    pub kind: FileSystemKind,
}

/// What to expect of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystemKind {
    /// On this machine.
    Local,
    /// On this machine, and gone when it is switched off.
    Memory,
    /// Shared over a network: locks may be lost, or not reach other machines.
    Network,
    /// A program stands behind it; what a lock is worth is up to that.
    Program,
    /// Not known here.
    Unknown,
}

/// The file systems that are known by their number (`statfs(2)`, `linux/magic.h`).
const FILE_SYSTEMS: [(u32, &str, FileSystemKind); 21] = {
    use FileSystemKind::{Local, Memory, Network, Program};
    [
        (0xef53, "ext4", Local),
        (0x5846_5342, "xfs", Local),
        (0x9123_683e, "btrfs", Local),
        (0x2fc1_2fc1, "zfs", Local),
        (0xf2f5_2010, "f2fs", Local),
        (0xca45_1a4e, "bcachefs", Local),
        (0x794c_7630, "overlayfs", Local),
        (0x0102_1994, "tmpfs", Memory),
        (0x8584_58f6, "ramfs", Memory),
        (0x6969, "nfs", Network),
        (0x517b, "smb", Network),
        (0xff53_4d42, "cifs", Network),
        (0xfe53_4d42, "smb2", Network),
        (0x0102_1997, "9p", Network),
        (0x00c3_6400, "ceph", Network),
        (0x5346_414f, "afs", Network),
        (0x0bd0_0bd0, "lustre", Network),
        (0x4750_4653, "gpfs", Network),
        (0x0116_1970, "gfs2", Network),
        (0x786f_4256, "vboxsf", Network),
        (0x6573_5546, "fuse", Program),
    ]
};

/// Looks at a directory without changing it.
///
/// # Errors
/// [`StoreError::Io`] where it cannot be looked at.
pub fn directory(path: &Path) -> Result<Directory, StoreError> {
    let fail = |errno: Errno| StoreError::io("look at", path, errno);
    let stat = rustix::fs::stat(path).map_err(fail)?;
    let space = rustix::fs::statvfs(path).map_err(fail)?;
    Ok(Directory {
        mode: stat.st_mode & 0o7777,
        is_writable: rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        file_system: file_system(path).map_err(fail)?,
        free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        free_files: (space.f_files > 0).then_some(space.f_favail),
    })
}

#[cfg(target_os = "linux")]
fn file_system(path: &Path) -> Result<FileSystem, Errno> {
    let found = rustix::fs::statfs(path)?;
    // The number has 32 bits, whatever the word it comes in has.
    let number = u32::try_from(found.f_type & 0xffff_ffff).unwrap_or(0);
    let known = FILE_SYSTEMS.iter().find(|(magic, ..)| *magic == number);
    Ok(known.map_or(UNKNOWN, |(_, name, kind)| FileSystem { name, kind: *kind }))
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> Result<FileSystem, Errno> {
    Ok(UNKNOWN)
}

const UNKNOWN: FileSystem = FileSystem {
    name: "unknown",
    kind: FileSystemKind::Unknown,
};

/// What all proof of life depends on, tried out in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// A lock keeps another one out, and no longer than it is held.
    pub locks: bool,
    /// There can be FIFOs.
    pub fifos: bool,
}

/// Tries locks and FIFOs on files of its own, which are gone afterwards.
///
/// # Errors
/// [`StoreError::Io`] where it cannot write there.
pub fn try_out(path: &Path) -> Result<Tried, StoreError> {
    let root = Root::open(path)?;
    let name = format!("doctor.{}", std::process::id());
    let fifo = format!("{name}.fifo");
    let fail = |errno: Errno| StoreError::io("write to", path, errno);
    let file = root.open_or_create(&name).map_err(fail)?;
    let lock = |operation| rustix::fs::flock(&file, operation).is_ok();
    let is_taken = || matches!(probe(&root, &name), Ok(Probe::Taken(_)));
    let is_free = || matches!(probe(&root, &name), Ok(Probe::Free(_)));
    let locks = is_free()
        && lock(FlockOperation::NonBlockingLockExclusive)
        && is_taken()
        && lock(FlockOperation::Unlock)
        && is_free();
    let fifos = root.create_fifo(&fifo).is_ok();
    root.unlink(&fifo).and(root.unlink(&name)).map_err(fail)?;
    Ok(Tried { locks, fifos })
}

/// What a store says of itself.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// For how long the machine slept since its boot, where that is known.
    pub slept_ms: Option<u64>,
    /// The workspace's time.
    pub now: Timestamp,
    /// What the wall clock says.
    pub wall_ms: u64,
    /// The segments of the log that are kept, and their bytes.
    pub segments: u64,
    /// All of them together.
    pub log_bytes: u64,
    /// How long the segment is that is written to, where a new one should have begun long ago.
    pub overdue_bytes: Option<u64>,
    /// Files that belong to nothing, because somebody was killed.
    pub unfinished: Vec<String>,
    /// How many requests have files, are in nobody's record, and are dead.
    pub dead: u64,
    /// What was cut off a log after a power loss, kept to be looked at.
    pub cut_off: Vec<String>,
    /// Files that this user may not read or write, which others may.
    pub closed: Vec<String>,
}

pub(crate) fn inspect(shared: &Shared, segment_bytes: u64) -> Result<Inspection, StoreError> {
    let root = &shared.root;
    let folded = shared.fold_outside();
    let session = Session::enter(shared)?;
    let now = session.view().now();
    let unfinished = leftovers::unfinished(shared, &session.header)?;
    let last = session.header.segment;
    let overdue_bytes = rotate::overdue(shared, &session.header, segment_bytes)?;
    // A log that is not whole is the affair of another question.
    let state = folded.and_then(|folded| session.fold_from(folded));
    drop(session);
    let strangers = match state {
        Ok(state) => leftovers::strangers(shared, &state)?,
        Err(_) => Default::default(),
    };
    let is_dead = |id: &&leasehold_core::LeaseId| {
        let found = probe(root, &crate::homes::lease_path(**id));
        matches!(found, Ok(Probe::Free(_))) && shared.attended.file(**id).is_none()
    };
    let mut numbers = log::segments(root)?;
    numbers.retain(|number| *number <= last);
    let mut log_bytes = 0;
    for number in &numbers {
        let fail = |errno| StoreError::io("look at", root.join(&segment_path(*number)), errno);
        let path = segment_path(*number);
        let stat = rustix::fs::statat(root.directory(), &path, AtFlags::empty()).map_err(fail)?;
        log_bytes += u64::try_from(stat.st_size).unwrap_or(0);
    }
    Ok(Inspection {
        slept_ms: slept_ms(shared),
        now,
        wall_ms: shared.clock.wall_ms(),
        segments: numbers.len() as u64,
        log_bytes,
        overdue_bytes,
        unfinished,
        dead: strangers.iter().filter(is_dead).count() as u64,
        cut_off: leftovers::cut_off(shared)?,
        closed: closed(root)?,
    })
}

/// Returns the files that this user may not use.
fn closed(root: &Root) -> Result<Vec<String>, StoreError> {
    let mut closed = Vec::new();
    let directories = crate::recover::RECORD_DIRECTORIES;
    for directory in ["audit"].into_iter().chain(directories) {
        root.walk(directory, &mut |path| {
            let rights = Access::READ_OK | Access::WRITE_OK;
            let found = rustix::fs::accessat(root.directory(), path, rights, AtFlags::empty());
            closed.extend((found == Err(Errno::ACCESS)).then(|| path.to_owned()));
            Ok(())
        })?;
    }
    Ok(closed)
}

#[cfg(target_os = "linux")]
fn slept_ms(shared: &Shared) -> Option<u64> {
    let monotonic = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(monotonic.tv_sec).ok()?;
    let awake = seconds * 1_000 + u64::try_from(monotonic.tv_nsec).ok()? / 1_000_000;
    Some(shared.clock.boot_ms().saturating_sub(awake))
}

#[cfg(not(target_os = "linux"))]
fn slept_ms(_: &Shared) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_looked_at_and_left_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let found = directory(place.path()).unwrap();
        assert!(found.is_writable && found.free_bytes > 0);
        assert_eq!(found.mode & 0o700, 0o700);
        let tried = try_out(place.path()).unwrap();
        assert_eq!((tried.locks, tried.fifos), (true, true));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        assert!(directory(&place.path().join("none")).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn file_systems_are_known_by_their_number() {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            assert_eq!(
                directory(memory).unwrap().file_system.kind,
                FileSystemKind::Memory
            );
        }
        assert_eq!(directory(Path::new("/proc")).unwrap().file_system, UNKNOWN);
    }
}
