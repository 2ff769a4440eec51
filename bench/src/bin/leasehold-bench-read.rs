//! What `status` is measured against: opens and reads every file of a directory.
//!
//! `leasehold-bench-read DIRECTORY` prints how many there were, and how many bytes. It does the least that
//! a program can do whose leases lie in a file each.

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let path = std::env::args_os().nth(1);
    let path = path.ok_or(io::ErrorKind::InvalidInput)?;
    let directory = openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
    let (mut files, mut bytes) = (0_u64, 0);
    let mut buffer = [0; 4096];
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        if entry.file_name().to_bytes().starts_with(b".") {
            continue;
        }
        let file = openat(&directory, entry.file_name(), OFlags::RDONLY, Mode::empty())?;
        bytes += rustix::io::read(&file, &mut buffer)?;
        files += 1;
    }
    writeln!(io::stdout(), "{files} files, {bytes} bytes")
}
