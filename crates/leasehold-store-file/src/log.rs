//! The log: numbered segments of sealed lines in `audit/`. Appending a line is the commit.
//!
//! The first line of a segment is its header. It has room for a checkpoint (what was live when the
//! segment began), with which rotation will come; this version writes one segment and refuses a
//! checkpoint, because it would read the state wrongly without it.

use crate::line;
use crate::root::Root;
use leasehold_core::{Timestamp, event::Event};
use leasehold_store::{StoreError, format};
use rustix::fs::{FallocateFlags, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;

/// The version of a line.
const VERSION: u64 = format::VERSION as u64;

/// Disk space kept back behind the end of the log, so that releases still work on a full disk. A release
/// takes about 700 bytes: enough for hundreds of them, and for the renewals meanwhile.
const RESERVE_BYTES_MIN: u64 = 256 * 1024;
/// How much is taken when less than that is left: one call in a thousand commits.
const RESERVE_BYTES: u64 = 1024 * 1024;

/// How much of a log is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A segment's first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentHeader {
    v: u64,
    segment: u32,
    workspace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<serde_json::Value>,
    #[serde(default, skip_serializing, rename = "len")]
    _len: u64,
    #[serde(default, skip_serializing, rename = "crc")]
    _crc: String,
}

/// A commit, as a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCommit<'a> {
    #[serde(rename = "v")]
    _version: u64,
    at: u64,
    #[serde(borrow)]
    events: Vec<format::Event<'a>>,
    #[serde(rename = "len")]
    _len: u64,
    #[serde(rename = "crc")]
    _crc: String,
}

/// Returns the file of a segment.
pub(crate) fn segment_path(segment: u32) -> String {
    format!("audit/{segment:06}.jsonl")
}

/// Returns a segment's first line, newline included.
pub(crate) fn segment_line(segment: u32, workspace: &str) -> Vec<u8> {
    let header = SegmentHeader {
        v: VERSION,
        segment,
        workspace: workspace.into(),
        checkpoint: None,
        _len: 0,
        _crc: String::new(),
    };
    let mut bytes = serde_json::to_vec(&header).expect("plain values always become JSON");
    bytes.pop();
    line::seal(&mut bytes);
    bytes.push(b'\n');
    bytes
}

/// Returns the line of a commit, newline included.
pub(crate) fn commit_line(at: Timestamp, events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    bytes.extend_from_slice(
        format!(
            "{{\"v\":{VERSION},\"at\":{at},\"events\":",
            at = at.as_millis()
        )
        .as_bytes(),
    );
    let stored: Vec<format::Event<'_>> = events.iter().map(Into::into).collect();
    serde_json::to_writer(&mut bytes, &stored).expect("plain values always become JSON");
    line::seal(&mut bytes);
    bytes.push(b'\n');
    bytes
}

/// One commit, read back.
pub(crate) struct LoggedCommit {
    pub(crate) at: Timestamp,
    pub(crate) events: Vec<Event>,
}

/// What stands at the end of what could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing: the last line is whole.
    Clean,
    /// The beginning of a line: whoever appended it was killed at it.
    Torn,
    /// Something that is no line of ours, at this offset.
    Bad,
}

/// Takes the offset and the text of a line; says whether to go on.
type EachLine<'a> = dyn FnMut(u64, &[u8]) -> Result<bool, StoreError> + 'a;

/// One open segment.
#[derive(Debug)]
pub(crate) struct Segment {
    number: u32,
    file: OwnedFd,
}

impl Segment {
    pub(crate) fn open(root: &Root, number: u32, flags: OFlags) -> Result<Self, Errno> {
        Ok(Self {
            number,
            file: root.open_file(&segment_path(number), flags)?,
        })
    }

    pub(crate) fn create(root: &Root, number: u32) -> Result<Self, Errno> {
        Ok(Self {
            number,
            file: root.open_or_create(&segment_path(number))?,
        })
    }

    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// Returns the length, and how much disk space lies behind it.
    pub(crate) fn extent(&self) -> Result<Extent, Errno> {
        let stat = rustix::fs::fstat(&self.file)?;
        let len = u64::try_from(stat.st_size).unwrap_or(0);
        let allocated = u64::try_from(stat.st_blocks)
            .unwrap_or(0)
            .saturating_mul(512);
        Ok(Extent {
            len,
            reserve: allocated.saturating_sub(len),
        })
    }

    /// Takes disk space behind the end where little is left of it. A file system that has no such
    /// thing has no reserve.
    pub(crate) fn reserve(&self, extent: Extent, bytes: usize) -> Result<(), Errno> {
        let bytes = bytes as u64;
        if extent.reserve >= RESERVE_BYTES_MIN + bytes {
            return Ok(());
        }
        let len = bytes.saturating_add(RESERVE_BYTES);
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, extent.len, len) {
            Err(Errno::NOSPC | Errno::DQUOT) => Err(Errno::NOSPC),
            _ => Ok(()),
        }
    }

    /// Appends a line at the known end. Where it fails nothing is appended, unless even cutting fails:
    /// then a part of it is left, which the next one inside cuts.
    pub(crate) fn append(&self, at: u64, bytes: &[u8]) -> Result<(), Errno> {
        write_all(&self.file, at, bytes).inspect_err(|_| {
            let _ = self.cut(at);
        })
    }

    /// Cuts the log at an offset.
    pub(crate) fn cut(&self, at: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(&self.file, at)
    }

    pub(crate) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(&self.file)
    }

    /// Calls `each` with every whole line from an offset on, its own offset before it; until `each` says
    /// `false`. Returns where the last one that was read ends, and what comes there.
    pub(crate) fn lines(
        &self,
        root: &Root,
        from: u64,
        each: &mut EachLine<'_>,
    ) -> Result<(u64, End), StoreError> {
        let path = || root.join(&segment_path(self.number));
        let fail = |errno: Errno| StoreError::io("read", path(), errno);
        let (mut buffer, mut start) = (Vec::new(), from);
        loop {
            let held = buffer.len();
            buffer.resize(held + CHUNK_BYTES, 0);
            let read_at = start + held as u64;
            let count = retry(|| rustix::io::pread(&self.file, &mut buffer[held..], read_at));
            buffer.truncate(held + count.map_err(fail)?);
            if buffer.len() == held {
                let end = if held == 0 { End::Clean } else { End::Torn };
                return Ok((start, end));
            }
            let mut used = 0;
            while let Some(length) = buffer[used..].iter().position(|byte| *byte == b'\n') {
                let text = &buffer[used..used + length];
                let at = start + used as u64;
                if let Some(found) = line::version(text).filter(|version| *version > VERSION) {
                    return Err(StoreError::Newer {
                        path: path(),
                        found,
                        known: VERSION,
                    });
                }
                if !line::is_whole(text) {
                    return Ok((at, End::Bad));
                }
                if !each(at, text)? {
                    return Ok((at, End::Clean));
                }
                used += length + 1;
            }
            buffer.drain(..used);
            start += used as u64;
        }
    }

    /// Calls `each` with every commit from an offset on, as [`Segment::lines`].
    pub(crate) fn commits(
        &self,
        root: &Root,
        from: u64,
        each: &mut dyn FnMut(LoggedCommit) -> Result<bool, StoreError>,
    ) -> Result<(u64, End), StoreError> {
        self.lines(root, from, &mut |at, text| {
            let damaged = |detail| {
                let path = root.join(&segment_path(self.number));
                StoreError::Damaged {
                    path,
                    detail: format!("the line at offset {at}: {detail}"),
                }
            };
            if at == 0 {
                return self.check_header(text).map(|_| true).map_err(damaged);
            }
            each(parse_commit(text).map_err(damaged)?)
        })
    }

    /// Returns the workspace that the segment's header names, where there is one.
    pub(crate) fn workspace(&self, root: &Root) -> Result<Option<String>, StoreError> {
        let mut found = None;
        self.lines(root, 0, &mut |_, text| {
            let path = || root.join(&segment_path(self.number));
            let damaged = |detail| StoreError::Damaged {
                path: path(),
                detail,
            };
            found = Some(self.check_header(text).map_err(damaged)?);
            Ok(false)
        })?;
        Ok(found)
    }

    fn check_header(&self, text: &[u8]) -> Result<String, String> {
        let header: SegmentHeader = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        if header.segment != self.number {
            return Err(format!("it says it is of segment {}", header.segment));
        }
        if header.checkpoint.is_some() {
            return Err("it has a checkpoint, which this program does not know".into());
        }
        Ok(header.workspace)
    }
}

fn parse_commit(text: &[u8]) -> Result<LoggedCommit, String> {
    let stored: StoredCommit<'_> = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    let events: Result<Vec<Event>, _> = stored.events.into_iter().map(Event::try_from).collect();
    let at = Timestamp::from_millis(stored.at);
    Ok(LoggedCommit {
        at,
        events: events.map_err(|error| error.to_string())?,
    })
}

/// Length of a segment, and the disk space behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) len: u64,
    pub(crate) reserve: u64,
}

/// Repeats a system call that a signal interrupted.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Writes all bytes at an offset.
pub(crate) fn write_all(file: &OwnedFd, mut at: u64, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match retry(|| rustix::io::pwrite(file, bytes, at))? {
            // A regular file takes something or says why not.
            0 => return Err(Errno::NOSPC),
            count => {
                at += count as u64;
                bytes = &bytes[count..];
            }
        }
    }
    Ok(())
}
