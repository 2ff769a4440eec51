//! Signals as readiness of one descriptor, so that a single poll waits for all of them.
//!
//! The self-pipe trick (D. J. Bernstein, <https://cr.yp.to/docs/selfpipe.html>): the handler sets a
//! bit and writes a byte. Handlers restart interrupted system calls, so wait by `poll` on
//! [`Signals::fd`], never by a call that blocks.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::Signal;

use super::dispositions::{self, Disposition};

/// The signals that ask a program to end: passed on to the command, and an end of waiting.
pub(super) const ENDING: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// Signals seen and not taken yet, one bit each.
static SEEN: AtomicU64 = AtomicU64::new(0);
/// The end of the pipe that the handler writes to.
static WAKE: OnceLock<OwnedFd> = OnceLock::new();

/// Receives INT, TERM, HUP, QUIT and CHLD from its creation to the end of the process.
#[derive(Debug)]
pub(crate) struct Signals {
    readable: OwnedFd,
}

impl Signals {
    /// Installs the handlers, with an empty signal mask. A signal that is ignored stays ignored,
    /// here and in every child (`nohup`, and `&` in scripts).
    ///
    /// # Errors
    ///
    /// No descriptors are left, or it was called before in this process.
    pub(crate) fn install() -> io::Result<Self> {
        let (readable, wake) = pipe()?;
        WAKE.set(wake)
            .map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
        for signal in ENDING {
            note_unless_ignored(signal)?;
        }
        // An ignored SIGCHLD would throw the command's exit status away.
        dispositions::set(Signal::CHILD, Disposition::Note)?;
        dispositions::unblock_all()?;
        Ok(Self { readable })
    }

    /// Also receives TSTP and CONT. Only while a command runs: whoever waits for a lease may be
    /// stopped by the kernel as any program.
    pub(super) fn add_job_control(&self) -> io::Result<()> {
        note_unless_ignored(Signal::TSTP)?;
        note_unless_ignored(Signal::CONT)
    }

    /// Returns the descriptor that is readable while there are signals to [`take`](Self::take).
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }

    /// Returns the signals seen since the last call of [`take`](Self::take), which are still to be taken.
    pub(crate) fn pending(&self) -> SignalSet {
        SignalSet(SEEN.load(Ordering::SeqCst))
    }

    /// Returns the signals seen since the last call.
    pub(crate) fn take(&self) -> SignalSet {
        let mut bytes = [0; 64];
        // First the pipe, then the bits. A handler that runs between the two finds bits set and
        // writes no byte, and its bit is in what we return; the other way round its byte would be
        // thrown away and its bit stay unseen.
        while matches!(rustix::io::read(&self.readable, &mut bytes), Ok(count) if count == bytes.len())
        {
        }
        SignalSet(SEEN.swap(0, Ordering::SeqCst))
    }
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignalSet(u64);

impl SignalSet {
    /// Returns whether `signal` is in the set.
    pub(crate) fn contains(self, signal: Signal) -> bool {
        self.0 & bit(signal.as_raw()) != 0
    }

    /// Returns the signals that ask a program to end: some of INT, TERM, HUP and QUIT.
    pub(crate) fn ending(self) -> impl Iterator<Item = Signal> {
        ENDING
            .into_iter()
            .filter(move |signal| self.contains(*signal))
    }

    /// Returns the exit code of a program ended by the first of [`ending`](Self::ending), if any.
    pub(crate) fn exit_code(self) -> Option<u8> {
        self.ending()
            .next()
            .map(|signal| super::supervise::code_of_signal(signal.as_raw()))
    }

    /// Removes `signal`; returns whether it was there.
    pub(super) fn remove(&mut self, signal: Signal) -> bool {
        let was_there = self.contains(signal);
        self.0 &= !bit(signal.as_raw());
        was_there
    }

    /// Adds the signals of `other`.
    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The handler: remembers the signal and makes the descriptor readable.
///
/// Only an atomic operation and, if nothing was pending, `write(2)`. At most a few bytes are ever
/// in the pipe, so the write succeeds, and a call that succeeds leaves `errno` alone.
pub(super) extern "C" fn note(number: c_int) {
    if SEEN.fetch_or(bit(number), Ordering::SeqCst) == 0
        && let Some(wake) = WAKE.get()
    {
        let _ = rustix::io::write(wake, &[0]);
    }
}

fn bit(number: c_int) -> u64 {
    1_u64.checked_shl(number.unsigned_abs()).unwrap_or(0)
}

fn note_unless_ignored(signal: Signal) -> io::Result<()> {
    if dispositions::set(signal, Disposition::Note)? == Disposition::Ignore {
        dispositions::set(signal, Disposition::Ignore)?;
    }
    Ok(())
}

/// Puts the default back for each signal that has our handler, in a child that is no guard.
pub(super) fn forget() -> io::Result<()> {
    for signal in ENDING.into_iter().chain([Signal::TSTP, Signal::CONT]) {
        if dispositions::set(signal, Disposition::Default)? == Disposition::Ignore {
            dispositions::set(signal, Disposition::Ignore)?;
        }
    }
    Ok(())
}

#[cfg(not(target_vendor = "apple"))]
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::pipe::{PipeFlags, pipe_with};
    Ok(pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?)
}

/// Without `pipe2` the flags come a moment later; no other thread starts a process then.
#[cfg(target_vendor = "apple")]
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (readable, wake) = rustix::pipe::pipe()?;
    for end in [&readable, &wake] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
        rustix::fs::fcntl_setfl(end, rustix::fs::OFlags::NONBLOCK)?;
    }
    Ok((readable, wake))
}
