//! The command that is guarded in the measurements: says when it began and when it ended.
//!
//! `leasehold-bench-stamp FILE` appends `S NANOSECONDS` and then `E NANOSECONDS` to FILE, both read from
//! CLOCK_MONOTONIC: the one as early as a program can, the other as late. With `hold` after FILE it
//! prints its process and process group after the first stamp and stays until its standard input
//! ends, which it does when whoever measures is gone: nothing can be left behind.

use rustix::process::{getpgrp, getpid};
use rustix::time::{ClockId, clock_gettime};
use std::fs::OpenOptions;
use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let start = now_ns();
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    // One write each, so that lines of several processes never mix.
    file.write_all(format!("S {start}\n").as_bytes())?;
    if arguments.next().is_some_and(|word| word == "hold") {
        hold()?;
    }
    file.write_all(format!("E {}\n", now_ns()).as_bytes())
}

fn hold() -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(
        stdout,
        "{} {}",
        getpid().as_raw_nonzero(),
        getpgrp().as_raw_nonzero()
    )?;
    stdout.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
