//! Much data on standard output, and that all of it is harmless on a terminal.

use super::{harmless_json, one_line};
use std::io;

/// Much data on standard output, written in large pieces. Who reads may have had enough: that ends the
/// writing and is no error.
#[derive(Debug, Default)]
pub(crate) struct Output {
    buffer: Vec<u8>,
    failed: Option<io::Error>,
}

impl Output {
    /// How much is written at once.
    const PIECE_BYTES: usize = 64 * 1024;

    /// Adds a line that `write` appends with its end, in JSON or by [`end_line`].
    pub(crate) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        write(&mut self.buffer);
        self.buffer.len() < Self::PIECE_BYTES || self.flush()
    }

    /// Writes what there is; returns whether anybody still reads it.
    pub(crate) fn flush(&mut self) -> bool {
        if self.failed.is_none() && !self.buffer.is_empty() {
            // Past the line buffer of standard output, in which nothing ever stays.
            let mut rest = self.buffer.as_slice();
            while !rest.is_empty() && self.failed.is_none() {
                match rustix::io::write(rustix::stdio::stdout(), rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(rustix::io::Errno::INTR) => {}
                    Err(errno) => self.failed = Some(errno.into()),
                }
            }
        }
        self.buffer.clear();
        self.failed.is_none()
    }

    /// Writes the rest.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush();
        match self.failed {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// One line of JSON on standard output, made harmless and written piece by piece.
#[derive(Default)]
pub(super) struct Json(Output);

impl Json {
    /// Writes the end of the line.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.buffer.push(b'\n');
        end_json(&mut self.0.buffer, 0);
        self.0.finish()
    }
}

impl io::Write for Json {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.write_all(part).map(|()| part.len())
    }

    /// Takes a part that begins and ends between characters, as serde writes them; there are millions.
    #[inline]
    fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
        self.0.buffer.extend_from_slice(part);
        if self.0.buffer.len() < Output::PIECE_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        end_json(&mut self.0.buffer, 0);
        if self.0.flush() {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
}

/// Returns whether there is nothing but ASCII that is shown. Piece by piece without a branch: it is much
/// that is looked at, and nearly always so.
fn is_plain(text: &[u8]) -> bool {
    text.chunks(64).all(|piece| {
        let plain = |all, byte: &u8| all & (b' '..=b'~').contains(byte);
        piece.iter().fold(true, plain)
    })
}

/// Ends a line of text that begins at an offset, and makes it harmless on a terminal.
pub(crate) fn end_line(out: &mut Vec<u8>, begin: usize) {
    if !is_plain(&out[begin..]) {
        let clean = one_line(&String::from_utf8_lossy(&out[begin..]));
        out.truncate(begin);
        out.extend_from_slice(clean.as_bytes());
    }
    out.push(b'\n');
}

/// The same for a line of JSON that begins at an offset.
pub(crate) fn end_json(out: &mut Vec<u8>, begin: usize) {
    let line = &out[begin..];
    if !is_plain(line.strip_suffix(b"\n").unwrap_or(line)) {
        let clean = harmless_json(String::from_utf8_lossy(&out[begin..]).into_owned());
        out.truncate(begin);
        out.extend_from_slice(clean.as_bytes());
    }
}
