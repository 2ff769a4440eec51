//! The log: numbered segments of sealed lines in `audit/`. Appending a line is the commit.
//!
//! The first line of a segment is its [`head`], with a checkpoint: what was live when it began. So one
//! segment is all that has to be read; those before it are kept for the audit.

mod head;
mod segments;

pub(crate) use head::{Checkpoint, FIGURES_BYTES, Figures, Head, head_line};
pub(crate) use segments::{segments, segments_before, segments_up_to, sync_directory};

use crate::line;
use crate::root::Root;
use leasehold_core::{Timestamp, event::Event};
use leasehold_store::{StoreError, format};
use rustix::fs::{FallocateFlags, FileType, OFlags};
use rustix::io::Errno;
use serde::Deserialize;
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
    /// Opens it. A pipe in its place, made by other hands, is not waited at.
    pub(crate) fn open(root: &Root, number: u32, flags: OFlags) -> Result<Self, Errno> {
        Ok(Self {
            number,
            file: root.open_file(&segment_path(number), flags | OFlags::NONBLOCK)?,
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

    /// Returns whether it is a file, and no directory or device that has its name.
    pub(crate) fn is_file(&self) -> Result<bool, Errno> {
        let stat = rustix::fs::fstat(&self.file)?;
        Ok(FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
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
        keep_space_back(&self.file, extent.len, bytes)
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

    /// Reads at an offset; returns how much there was.
    pub(crate) fn read_at(
        &self,
        root: &Root,
        at: u64,
        buffer: &mut [u8],
    ) -> Result<usize, StoreError> {
        let read = retry(|| rustix::io::pread(&self.file, &mut *buffer, at));
        read.map_err(|errno| StoreError::io("read", root.join(&segment_path(self.number)), errno))
    }

    /// Calls `each` with the text of every line from an offset on, whatever is in it, its own offset
    /// before it; until `each` says `false`. Returns where the last one that was read ends, and whether
    /// there is the beginning of another one.
    pub(crate) fn raw_lines(
        &self,
        root: &Root,
        from: u64,
        each: &mut EachLine<'_>,
    ) -> Result<(u64, End), StoreError> {
        let (mut buffer, mut held, mut start) = (vec![0; CHUNK_BYTES], 0, from);
        loop {
            // Only a line that fills all of it needs more.
            if held == buffer.len() {
                buffer.resize(held + CHUNK_BYTES, 0);
            }
            let count = self.read_at(root, start + held as u64, &mut buffer[held..])?;
            if count == 0 {
                let end = if held == 0 { End::Clean } else { End::Torn };
                return Ok((start, end));
            }
            // What was held has no end of a line in it.
            let (mut used, mut searched) = (0, held);
            held += count;
            while let Some(length) = memchr::memchr(b'\n', &buffer[searched..held]) {
                let end = searched + length;
                if !each(start + used as u64, &buffer[used..end])? {
                    return Ok((start + used as u64, End::Clean));
                }
                (used, searched) = (end + 1, end + 1);
            }
            buffer.copy_within(used..held, 0);
            held -= used;
            start += used as u64;
        }
    }

    /// The same with lines that are whole only, as far as they are. Returns what comes there.
    pub(crate) fn lines(
        &self,
        root: &Root,
        from: u64,
        each: &mut EachLine<'_>,
    ) -> Result<(u64, End), StoreError> {
        let mut is_bad = false;
        let (end, found) = self.raw_lines(root, from, &mut |at, text| {
            self.refuse_newer(root, text)?;
            is_bad = !line::is_whole(text);
            Ok(!is_bad && each(at, text)?)
        })?;
        Ok((end, if is_bad { End::Bad } else { found }))
    }

    /// An error where a line says that it is of a newer format.
    pub(crate) fn refuse_newer(&self, root: &Root, text: &[u8]) -> Result<(), StoreError> {
        match line::version(text).filter(|version| *version > VERSION) {
            None => Ok(()),
            Some(found) => Err(StoreError::Newer {
                path: root.join(&segment_path(self.number)),
                found,
                known: VERSION,
            }),
        }
    }

    /// Calls `each` with every commit from an offset on, as [`Segment::lines`].
    pub(crate) fn commits(
        &self,
        root: &Root,
        from: u64,
        each: &mut dyn FnMut(LoggedCommit) -> Result<bool, StoreError>,
    ) -> Result<(u64, End), StoreError> {
        self.commits_before(root, from, u64::MAX, each)
    }

    /// The same with those that begin before another offset.
    pub(crate) fn commits_before(
        &self,
        root: &Root,
        from: u64,
        to: u64,
        each: &mut dyn FnMut(LoggedCommit) -> Result<bool, StoreError>,
    ) -> Result<(u64, End), StoreError> {
        self.lines(root, from, &mut |at, text| {
            if at >= to {
                return Ok(false);
            }
            if at == 0 {
                return self.parse_head(root, text).map(|_| true);
            }
            each(parse_commit(text).map_err(|detail| self.damaged(root, at, &detail))?)
        })
    }

    /// Returns the first line and where it ends, where it is whole.
    pub(crate) fn head(&self, root: &Root) -> Result<Option<(Head, u64)>, StoreError> {
        let mut found = None;
        self.lines(root, 0, &mut |_, text| {
            found = Some((self.parse_head(root, text)?, text.len() as u64 + 1));
            Ok(false)
        })?;
        Ok(found)
    }

    /// Returns the figures of its checkpoint, where it begins with one.
    pub(crate) fn figures(&self, root: &Root) -> Result<Option<Figures>, StoreError> {
        let mut beginning = [0; FIGURES_BYTES];
        let count = self.read_at(root, 0, &mut beginning)?;
        Ok(Figures::parse(&beginning[..count]))
    }

    fn parse_head(&self, root: &Root, text: &[u8]) -> Result<Head, StoreError> {
        let head = Head::parse(text).map_err(|detail| self.damaged(root, 0, &detail))?;
        if head.segment != self.number {
            let detail = format!("it says it is of segment {}", head.segment);
            return Err(self.damaged(root, 0, &detail));
        }
        Ok(head)
    }

    fn damaged(&self, root: &Root, at: u64, detail: &str) -> StoreError {
        StoreError::Damaged {
            path: root.join(&segment_path(self.number)),
            detail: format!("the line at offset {at}: {detail}"),
        }
    }
}

/// Reads the line of a commit.
pub(crate) fn parse_commit(text: &[u8]) -> Result<LoggedCommit, String> {
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

/// Takes disk space for so many bytes at an offset, and some more.
pub(crate) fn keep_space_back(file: &OwnedFd, at: u64, bytes: u64) -> Result<(), Errno> {
    let len = bytes.saturating_add(RESERVE_BYTES);
    match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, at, len) {
        Err(Errno::NOSPC | Errno::DQUOT) => Err(Errno::NOSPC),
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests;
