//! A fenced register for each atom: what a resource would be that checks the token itself.
//!
//! It keeps the version, who wrote last, and who came last with the highest token so far, to write or to
//! read, and takes no write with an older token. Without the tokens of readers somebody who lost a lease
//! could write under those who only read.

use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

/// What a register holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) version: u64,
    pub(super) token: u64,
    /// The operation that wrote it.
    pub(super) by: u64,
    /// The highest token of those who read since then.
    pub(super) read_token: u64,
    /// The operation that read with it.
    pub(super) read_by: u64,
}

/// An open register, which nobody else touches meanwhile.
#[derive(Debug)]
pub(super) struct Register {
    file: File,
    pub(super) value: Value,
}

impl Register {
    pub(super) fn open(directory: &Path, atom: &str) -> io::Result<Self> {
        let path = directory.join("register").join(atom);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
        let mut next = || numbers.next().unwrap_or(0);
        let value = Value {
            version: next(),
            token: next(),
            by: next(),
            read_token: next(),
            read_by: next(),
        };
        Ok(Self { file, value })
    }

    /// Returns the highest token that was here, and whose it is.
    pub(super) fn highest(&self) -> (u64, u64) {
        let Value { token, by, .. } = self.value;
        (token, by).max((self.value.read_token, self.value.read_by))
    }

    /// Writes, unless a higher token was here. Returns the version that this made.
    pub(super) fn write(&mut self, token: u64, by: u64) -> io::Result<Option<u64>> {
        if token < self.highest().0 {
            return Ok(None);
        }
        let version = self.value.version + 1;
        self.store(Value {
            version,
            token,
            by,
            ..Value::default()
        })?;
        Ok(Some(version))
    }

    /// Notes that somebody came to read.
    pub(super) fn read(&mut self, token: u64, by: u64) -> io::Result<()> {
        if token <= self.highest().0 {
            return Ok(());
        }
        self.store(Value {
            read_token: token,
            read_by: by,
            ..self.value
        })
    }

    fn store(&mut self, value: Value) -> io::Result<()> {
        self.value = value;
        let Value {
            version,
            token,
            by,
            read_token,
            read_by,
        } = value;
        // Numbers of one width: the new text covers the old one, also if this process is killed now.
        let text = format!("{version:>20} {token:>20} {by:>20} {read_token:>20} {read_by:>20}\n");
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_token_is_refused() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("register")).unwrap();
        let write = |token, by| {
            let mut register = Register::open(place.path(), "a").unwrap();
            register.write(token, by).unwrap()
        };
        assert_eq!(write(5, 1), Some(1));
        assert_eq!(write(7, 2), Some(2));
        assert_eq!(write(6, 3), None);
        assert_eq!(write(7, 2), Some(3));
        let value = Register::open(place.path(), "a").unwrap().value;
        assert_eq!((value.version, value.token, value.by), (3, 7, 2));
        let read = |token, by| {
            let mut register = Register::open(place.path(), "a").unwrap();
            register.read(token, by).unwrap();
            register.highest()
        };
        assert_eq!(read(6, 4), (7, 2));
        assert_eq!(read(9, 5), (9, 5));
        assert_eq!(read(8, 6), (9, 5));
        assert_eq!(write(8, 7), None);
        assert_eq!(write(9, 8), Some(4));
    }
}
