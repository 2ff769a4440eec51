//! Whole lines from a pipe that many write to.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io::{self, PipeReader, PipeWriter, Read as _};

/// The reading end.
pub(super) struct Lines {
    pipe: PipeReader,
    /// What is no whole line yet.
    rest: Vec<u8>,
}

impl Lines {
    /// Makes a pipe.
    pub(super) fn pipe() -> io::Result<(Self, PipeWriter)> {
        let (pipe, end) = io::pipe()?;
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        let rest = Vec::new();
        Ok((Self { pipe, rest }, end))
    }

    /// Returns the lines that are there, without waiting for any; nothing at the end of all.
    pub(super) fn read(&mut self) -> io::Result<Option<Vec<String>>> {
        let mut piece = [0; 64 * 1024];
        let mut is_end = false;
        loop {
            match self.pipe.read(&mut piece) {
                Ok(0) => is_end = true,
                Ok(count) => {
                    self.rest.extend_from_slice(&piece[..count]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            break;
        }
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n');
        let lines: Vec<u8> = self.rest.drain(..whole.map_or(0, |end| end + 1)).collect();
        if is_end && lines.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&lines);
        Ok(Some(text.lines().map(str::to_owned).collect()))
    }
}
