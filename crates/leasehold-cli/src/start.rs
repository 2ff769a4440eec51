//! The start of the program on Linux, in place of the standard library's.
//!
//! Before `main` the standard library reads `/proc/self/maps` and prepares a second stack, to print a
//! message should the first one overflow. That takes longer than deciding about a lease, and `guard`
//! starts for every command of a script. Without it an overflow still ends the program by SIGSEGV, at
//! the kernel's own guard page. The other things that it does are done here, but for flushing standard
//! output: all that is printed ends with a line. Arguments and environment are at hand all the same:
//! glibc hands them to the standard library before `main`.

use std::ffi::{c_char, c_int};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// What the C library calls.
#[expect(
    unsafe_code,
    reason = "the C library finds its `main` by name, and no other function has that name"
)]
#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, _words: *const *const c_char) -> c_int {
    if open_standard_descriptors().is_err() {
        return crate::exit::ERROR.into();
    }
    // A broken pipe is an error of a write, not the end of a program that holds a lease.
    let _ = crate::process::ignore_broken_pipes();
    crate::run().into()
}

/// Opens those of 0, 1 and 2 that are closed: else the next file that is opened, a lease's, would be
/// what the program and its command take for standard input or output.
fn open_standard_descriptors() -> rustix::io::Result<()> {
    use rustix::stdio::{stderr, stdin, stdout};
    for descriptor in [stdin(), stdout(), stderr()] {
        if rustix::io::fcntl_getfd(descriptor) == Err(Errno::BADF) {
            // The lowest number that is free: this one.
            let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
            std::mem::forget(null);
        }
    }
    Ok(())
}
