//! Running the guarded command: start it, pass signals on, wait for it, end it when its lease is
//! lost.
//!
//! What the lease is and when it is lost is the caller's business, handed in as a [`Watch`]. This
//! module knows processes, process groups, signals and the terminal, and nothing of leases.
//!
//! # Layout
//!
//! - `signals`: signals as readiness of one descriptor.
//! - `command`: starting the command in a process group of its own.
//! - `supervise`: the one loop that waits for everything, and `ending`: stopping a command.
//! - `terminal`: who has the terminal, and job control.
//! - `tree`: the process groups below the command.
//! - `alarm`: time that goes on while the machine sleeps.
//! - `dispositions`: four calls of the C library, `unsafe` as the one in `terminal` is.
//!
//! # Guarantees
//!
//! - One poll waits for the command, for signals and for the lease. No threads, no busy polling.
//! - The terminal is given back on every path that returns.
//! - A signal that was ignored when the program started stays ignored, here and in the command.
//!
//! # Limitations
//!
//! - A process that left the command's tree (its parent ended) *and* its process groups before the
//!   lease was lost is not found, so it is not stopped.
//! - Beyond Linux only the command's own process group is stopped.
//! - [`GuardedCommand::spawn`] assumes that no other thread starts a process meanwhile: the inherited
//!   descriptor is inheritable by all.

mod alarm;
mod command;
mod dispositions;
mod ending;
mod signals;
mod supervise;
mod terminal;
#[cfg(test)]
mod tests;
mod tree;

/// Makes a write to a pipe that nobody reads an error, where the default would end the program.
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
pub(crate) fn ignore_broken_pipes() -> std::io::Result<()> {
    let ignore = dispositions::Disposition::Ignore;
    dispositions::set(rustix::process::Signal::PIPE, ignore).map(drop)
}

/// Makes a write past the limit on the size of files an error, where the default would end the program,
/// with a lease held or half of it said.
pub(crate) fn survive_file_limits() -> std::io::Result<()> {
    use dispositions::{Disposition, set};
    let signal = rustix::process::Signal::XFSZ;
    // Who started us with it ignored wants it so for the command, too.
    if set(signal, Disposition::Survive)? == Disposition::Ignore {
        set(signal, Disposition::Ignore)?;
    }
    Ok(())
}

pub(crate) use alarm::uptime;
pub(crate) use command::{GuardedCommand, RunningCommand, SpawnError};
pub(crate) use signals::Signals;
pub(crate) use supervise::{Ended, Status, StopRule, Tick, Waited, Watch, supervise, wait_beside};
