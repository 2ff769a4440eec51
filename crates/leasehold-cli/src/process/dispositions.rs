//! What a signal does to this process, and which signals are blocked.
//!
//! The functions are declared here, and are `unsafe`, because no safe crate says whether a signal *was*
//! ignored (`nohup`), nor puts the default back for a moment, which stopping ourselves needs
//! (`signal(2)` does both in one system call), nor signals the calling thread.

use std::ffi::{c_int, c_void};
use std::io;

use rustix::process::Signal;

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    /// What the kernel does by default.
    Default,
    /// Nothing.
    Ignore,
    /// Calls [`super::signals::note`].
    Note,
    /// Calls a function that does nothing: unlike what is ignored, it is the default again in a program
    /// that is started.
    Survive,
}

/// `SIG_DFL`, the same on every Unix.
const DEFAULT: usize = 0;
/// `SIG_IGN`, the same on every Unix.
const IGNORE: usize = 1;
/// `SIG_ERR`, the same on every Unix.
const FAILED: usize = usize::MAX;

/// `SIG_SETMASK`.
const SET_MASK: c_int = if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    3
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    2
} else {
    3
};

/// Room for a `sigset_t`: 128 bytes on Linux (glibc and musl), at most 16 elsewhere.
#[repr(C, align(16))]
struct SignalMask([u8; 128]);

#[expect(unsafe_code, reason = "see the head of this file")]
unsafe extern "C" {
    fn signal(number: c_int, action: usize) -> usize;
    fn raise(number: c_int) -> c_int;
    fn sigemptyset(mask: *mut SignalMask) -> c_int;
    fn sigprocmask(how: c_int, mask: *const SignalMask, old: *mut c_void) -> c_int;
}

/// Sets what `number` does and returns what it did before. Any handler counts as
/// [`Disposition::Note`].
pub(super) fn set(number: Signal, disposition: Disposition) -> io::Result<Disposition> {
    let action = match disposition {
        Disposition::Default => DEFAULT,
        Disposition::Ignore => IGNORE,
        Disposition::Note => super::signals::note as extern "C" fn(c_int) as usize,
        Disposition::Survive => survive as extern "C" fn(c_int) as usize,
    };
    #[expect(
        unsafe_code,
        reason = "no safe crate returns the disposition that was there before"
    )]
    // SAFETY: `action` is SIG_DFL, SIG_IGN or a function with the C calling convention that takes
    // the signal's number and does only what signal-safety(7) allows (see `note`).
    let before = unsafe { signal(number.as_raw(), action) };
    match before {
        FAILED => Err(io::Error::last_os_error()),
        DEFAULT => Ok(Disposition::Default),
        IGNORE => Ok(Disposition::Ignore),
        _ => Ok(Disposition::Note),
    }
}

extern "C" fn survive(_: c_int) {}

/// Sends a signal to the calling thread, which acts on it before this returns (raise(3)). One for the
/// process could be taken by another thread while this one goes on.
pub(super) fn send_to_self(number: Signal) -> io::Result<()> {
    #[expect(unsafe_code, reason = "no safe crate signals the calling thread")]
    // SAFETY: it takes a number and touches no memory of ours.
    let done = unsafe { raise(number.as_raw()) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Blocks no signal. A mask outlives `exec`, and a blocked SIGCHLD would let us wait for ever.
pub(super) fn unblock_all() -> io::Result<()> {
    let mut mask = SignalMask([0; 128]);
    #[expect(unsafe_code, reason = "no safe crate sets the signal mask")]
    // SAFETY: `mask` is a valid place, large and aligned enough for the platform's `sigset_t`;
    // a null pointer for the old mask says that it is not wanted.
    let done = unsafe {
        sigemptyset(&raw mut mask);
        sigprocmask(SET_MASK, &raw const mask, std::ptr::null_mut())
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disposition_is_set_and_the_one_before_returned() {
        let winch = Signal::WINCH;
        assert_eq!(
            set(winch, Disposition::Ignore).unwrap(),
            Disposition::Default
        );
        assert_eq!(set(winch, Disposition::Note).unwrap(), Disposition::Ignore);
        assert_eq!(set(winch, Disposition::Default).unwrap(), Disposition::Note);
    }
}
