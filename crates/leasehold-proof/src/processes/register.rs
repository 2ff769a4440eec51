//! A fenced register for each atom: what a resource would be that checks the token itself.
//!
//! It keeps the version, the highest token and who wrote last, and takes no write with an older token.

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
        };
        Ok(Self { file, value })
    }

    /// Writes, unless a higher token was here. Returns the version that this made.
    pub(super) fn write(&mut self, token: u64, by: u64) -> io::Result<Option<u64>> {
        if token < self.value.token {
            return Ok(None);
        }
        let version = self.value.version + 1;
        self.value = Value { version, token, by };
        // Numbers of one width: the new text covers the old one, also if this process is killed now.
        let text = format!("{version:>20} {token:>20} {by:>20}\n");
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        Ok(Some(version))
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
    }
}
