//! Beginning a workspace, or a new boot of the machine in one; making records from the log.
//!
//! A boot begins when somebody first goes inside after it. What power loss may have eaten is cut, all
//! records are made again, and a new token epoch is put on disk for good, before anything is granted:
//! so a lost line can never bring a token back. This is the only place that waits for the disk.

use crate::clock::TimeLine;
use crate::header::Header;
use crate::homes::{Home, stretch_at};
use crate::leftovers::EPOCH_NEW;
use crate::log::{self, End, Segment, retry, write_all};
use crate::mutex::{Inside, MUTEX};
use crate::record::Content;
use crate::records::Records;
use crate::root::Root;
use crate::rotate;
use crate::shared::Shared;
use crate::state::State;
use leasehold_core::view::Counters;
use leasehold_core::{FencingToken, LeaseId};
use leasehold_store::StoreError;
use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The file of the epoch, relative to the root.
const EPOCH: &str = "epoch";
/// How much of a log is in records of which nothing is known. No log is so short.
pub(crate) const NOTHING_APPLIED: u64 = 0;
/// Where the files of records are.
pub(crate) const RECORD_DIRECTORIES: [&str; 4] = ["records", "leases", "agents", "places"];

/// What is on disk for good since the begin of a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Epoch {
    epoch: u32,
    boot: String,
    /// The segment that was written to then.
    segment: u32,
    /// How much of it was there then; anything missing of that is damage, not power loss.
    synced: u64,
}

/// Where the log begins.
const FIRST_SEGMENT: u32 = 1;

impl Default for Epoch {
    fn default() -> Self {
        Self {
            epoch: 0,
            boot: String::new(),
            segment: FIRST_SEGMENT,
            synced: 0,
        }
    }
}

/// Begins a boot, or the workspace. `before` is the header that was found, if one was.
///
/// The race: several processes come first at once. They come one after the other, because they are
/// inside the mutex; the others find a header of this boot. A kill in between leaves the old header, or
/// none, and the next one begins again, with another epoch.
pub(crate) fn begin(
    shared: &Shared,
    inside: &Inside<'_>,
    before: Option<&Header>,
) -> Result<Header, StoreError> {
    let root = &shared.root;
    let epoch = read_epoch(root)?;
    let newest = newest_segment(root)?;
    let known = before.map_or(0, |header| header.segment).max(epoch.segment);
    if newest.is_some_and(|number| number < known) {
        // A segment is on disk for good before anything names it.
        let path = root.join(&log::segment_path(known));
        let detail = "it is gone".into();
        return Err(StoreError::Damaged { path, detail });
    }
    let (segment, state, end, named) = match newest {
        Some(number) => {
            let is_same_boot = epoch.boot == shared.boot;
            let segment =
                Segment::open(root, number, OFlags::RDWR).map_err(|e| open_fail(root, e))?;
            let (state, end) = fold_and_cut(root, &segment, &epoch, is_same_boot)?;
            let named = segment.head(root)?.map(|(head, _)| head.workspace);
            (segment, state, end, named)
        }
        None if before.is_some() || epoch.epoch > 0 => {
            let detail = "the log is gone".into();
            return Err(StoreError::Damaged {
                path: root.join("audit"),
                detail,
            });
        }
        None => {
            let segment = Segment::create(root, FIRST_SEGMENT).map_err(|e| open_fail(root, e))?;
            (segment, State::default(), 0, None)
        }
    };
    let workspace = before
        .as_ref()
        .map(|header| header.workspace.clone())
        .or(named);
    let workspace = workspace.map_or_else(draw_workspace, Ok)?;
    let end = if end == 0 {
        begin_segment(root, &segment, &workspace)?
    } else {
        end
    };
    // What cannot be made right is tried again by everybody who comes, until it can.
    let applied = match write_records(shared, &state) {
        Ok(()) => end,
        Err(StoreError::Io { .. }) => NOTHING_APPLIED,
        Err(error) => return Err(error),
    };
    let last_ms = state
        .last
        .as_millis()
        .max(before.map_or(0, |header| header.last_ms));
    let number = state
        .counters
        .number
        .max(before.map_or(0, |h| h.counters.number));
    let used = epoch.epoch.max(state.counters.token.epoch());
    let used = used.max(before.map_or(0, |header| header.epoch));
    let epoch = Epoch {
        // Past all epochs it is refused below; it must not begin again from none.
        epoch: used.saturating_add(1),
        boot: shared.boot.clone(),
        segment: segment.number(),
        synced: end,
    };
    let token = FencingToken::epoch_start(epoch.epoch);
    let token = token.ok_or(StoreError::Limit {
        limit: "the token epochs",
    })?;
    segment.sync().map_err(|errno| open_fail(root, errno))?;
    write_epoch(root, &epoch)?;
    let header = Header {
        workspace,
        epoch: epoch.epoch,
        boot: epoch.boot,
        anchor_ms: TimeLine::begin(&*shared.clock, last_ms).anchor_ms(),
        segment: segment.number(),
        applied,
        counters: Counters { number, token },
        last_ms,
    };
    let bytes = header.encode().ok_or(StoreError::Limit {
        limit: "the header's space",
    })?;
    let written = inside.write(&bytes).and_then(|()| inside.sync());
    written.map_err(|errno| StoreError::io("write to", root.join(MUTEX), errno))?;
    Ok(header)
}

fn open_fail(root: &Root, errno: Errno) -> StoreError {
    StoreError::io("open the log in", root.join("audit"), errno)
}

/// Folds a log and cuts what is no line at its end. Within one boot only the beginning of a line can
/// stand there (a kill); after a power loss anything may, behind what was put on disk for good.
fn fold_and_cut(
    root: &Root,
    segment: &Segment,
    epoch: &Epoch,
    is_same_boot: bool,
) -> Result<(State, u64), StoreError> {
    let mut state = State::default();
    let found = state.go_on(root, segment)?;
    let end = state.end;
    // One that was begun since then was on disk with its first line before it had its name.
    let synced = if segment.number() == epoch.segment {
        epoch.synced
    } else {
        1
    };
    let is_cuttable = match found {
        End::Clean => true,
        End::Torn => end >= synced,
        End::Bad => end >= synced && !is_same_boot,
    };
    if !is_cuttable || end < synced {
        let path = root.join(&log::segment_path(segment.number()));
        let detail = format!("the line at offset {end} is not whole");
        return Err(StoreError::Damaged { path, detail });
    }
    if found != End::Clean {
        if found == End::Bad {
            keep_aside(root, segment, end);
        }
        segment.cut(end).map_err(|errno| open_fail(root, errno))?;
    }
    Ok((state, end))
}

/// Keeps what is cut off a log after a power loss in a file of its own, for a person to look at.
fn keep_aside(root: &Root, segment: &Segment, end: u64) {
    let path = root.join(&log::segment_path(segment.number()));
    let aside = format!("audit/{:06}.cut-at-{end}", segment.number());
    if let Ok(bytes) = std::fs::read(path) {
        let end = usize::try_from(end).unwrap_or(usize::MAX).min(bytes.len());
        // A help, not a duty: the state is right without it.
        let _ = root
            .open_or_create(&aside)
            .and_then(|file| write_all(&file, 0, &bytes[end..]));
    }
}

fn begin_segment(root: &Root, segment: &Segment, workspace: &str) -> Result<u64, StoreError> {
    let line = log::head_line(segment.number(), workspace, None);
    segment
        .append(0, &line)
        .map_err(|errno| open_fail(root, errno))?;
    Ok(line.len() as u64)
}

/// Returns the number of the newest segment that counts.
fn newest_segment(root: &Root) -> Result<Option<u32>, StoreError> {
    let found = log::segments(root)?;
    let before = |last: &u32| found.iter().rev().nth(1).is_some_and(|b| b + 1 == *last);
    Ok(match found.last() {
        Some(last) if before(last) && rotate::is_void(root, *last)? => Some(last - 1),
        newest => newest.copied(),
    })
}

/// Draws the name of a new workspace.
fn draw_workspace() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        StoreError::io(
            "draw random numbers from",
            "the system",
            std::io::Error::other(error.to_string()),
        )
    })?;
    let mut name = String::with_capacity(32);
    // Writing to a string cannot fail.
    for byte in bytes {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

/// Reads the epoch file. One that is not whole is as good as none: it was renamed into its place when
/// it was whole and on disk, so that is damage by other hands, and the header and the tokens in the log
/// say how far the epochs are.
fn read_epoch(root: &Root) -> Result<Epoch, StoreError> {
    let fail = |errno: Errno| StoreError::io("read", root.join(EPOCH), errno);
    let file = match root.open_file(EPOCH, OFlags::RDONLY) {
        Err(Errno::NOENT) => return Ok(Epoch::default()),
        opened => opened.map_err(fail)?,
    };
    let mut bytes = [0; 512];
    let count = retry(|| rustix::io::pread(&file, &mut bytes, 0)).map_err(fail)?;
    Ok(Epoch::decode(&bytes[..count]).unwrap_or_default())
}

/// Puts the epoch on disk for good: file, name and directory.
fn write_epoch(root: &Root, epoch: &Epoch) -> Result<(), StoreError> {
    let fail = |errno: Errno| StoreError::io("write", root.join(EPOCH), errno);
    let temporary = EPOCH_NEW;
    root.unlink(temporary).map_err(fail)?;
    let file = root.create_file(temporary).map_err(fail)?;
    write_all(&file, 0, epoch.encode().as_bytes()).map_err(fail)?;
    rustix::fs::fsync(&file).map_err(fail)?;
    let directory = root.directory();
    rustix::fs::renameat(directory, temporary, directory, EPOCH).map_err(fail)?;
    log::sync_directory(root).map_err(fail)?;
    rustix::fs::fsync(directory).map_err(fail)
}

impl Epoch {
    fn encode(&self) -> String {
        let Self {
            epoch,
            boot,
            segment,
            synced,
        } = self;
        let text =
            format!("leasehold 1 epoch={epoch} boot={boot} synced={synced} segment={segment}");
        format!("{text} crc={:08x}\n", crc32fast::hash(text.as_bytes()))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (text, crc) = line.rsplit_once(" crc=")?;
        if crc != format!("{:08x}", crc32fast::hash(text.as_bytes())) {
            return None;
        }
        let mut members = text.strip_prefix("leasehold 1 ")?.split(' ');
        let mut next = |name: &str| members.next()?.strip_prefix(name)?.strip_prefix('=');
        Some(Self {
            epoch: next("epoch")?.parse().ok()?,
            boot: next("boot")?.into(),
            synced: next("synced")?.parse().ok()?,
            // Written since there is more than one.
            segment: next("segment").map_or(Ok(FIRST_SEGMENT), str::parse).ok()?,
        })
    }
}

/// Makes all records say what the state says, whatever they say now. Those of resources come last, as
/// in every write of records. Stretches of queues that are none any more go before: afterwards nobody
/// would know of them.
pub(crate) fn write_records(shared: &Shared, state: &State) -> Result<(), StoreError> {
    let expected = state.records(shared.stretch_tickets);
    let paths: BTreeSet<String> = expected.keys().map(|h| h.path(&shared.root)).collect();
    let mut found = Vec::new();
    for directory in RECORD_DIRECTORIES {
        shared.root.walk(directory, &mut |path| {
            found.push(String::from(path));
            Ok(())
        })?;
    }
    let records = Records::to_write(shared);
    let (of_resources, others): (Vec<_>, Vec<_>) = found
        .into_iter()
        .filter(|path| !paths.contains(path))
        .partition(|path| path.starts_with("records/") && stretch_at(path).is_none());
    others
        .iter()
        .try_for_each(|path| clear(shared, &records, path))?;
    for (home, content) in expected.into_iter().rev() {
        records.overwrite(&home, content)?;
    }
    of_resources
        .iter()
        .try_for_each(|path| clear(shared, &records, path))
}

/// Returns whether a file lies beside the record of its id and is none.
pub(crate) fn is_beside_a_record(path: &str) -> bool {
    [".command", ".joined", ".wake"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Clears a file that stands for nothing in the state. Proofs of life of those who live stay.
fn clear(shared: &Shared, records: &Records<'_>, path: &str) -> Result<(), StoreError> {
    if let Some(name) = path.strip_prefix("leases/") {
        // The other files of an id go with its record.
        let Ok(id) = name.parse::<LeaseId>() else {
            return Ok(());
        };
        return records.overwrite(&Home::Lease(id), Content::default());
    }
    let unlinked = rustix::fs::unlinkat(shared.root.directory(), path, AtFlags::empty());
    match unlinked {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(StoreError::io("remove", shared.root.join(path), errno)),
    }
}
