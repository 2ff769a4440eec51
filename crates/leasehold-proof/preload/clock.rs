//! A library to be loaded before the C library, which moves the wall clock of one process.
//!
//! It answers `clock_gettime`, `gettimeofday` and `time` in the place of the C library: the time of the
//! kernel, and for the wall clock as many seconds more as stand in the file that the environment names.
//! The file is read at each call, so whoever writes it makes the clocks of running processes jump. It
//! moves nothing in a program that is linked statically, nor in one that asks the kernel itself.
//!
//! Where the file cannot be read the process is aborted: a clock that is right unnoticed would make a
//! test that tests nothing.

#![expect(
    unsafe_code,
    reason = "functions that the C library has by these names, which get pointers"
)]
#![cfg_attr(
    test,
    expect(
        dead_code,
        unreachable_pub,
        reason = "what the C library would call is there for it alone"
    )
)]

use std::ffi::{c_int, c_long, c_void};
use std::path::Path;

/// The variable that names the file.
const FILE: &str = "LEASEHOLD_PROOF_CLOCK";

#[cfg(target_arch = "x86_64")]
const CLOCK_GETTIME: c_long = 228;
#[cfg(target_arch = "aarch64")]
const CLOCK_GETTIME: c_long = 113;

/// The clocks of the kernel that show the time of day: exact, coarse, atomic (`linux/time.h`).
const WALL: [c_int; 3] = [0, 5, 11];

/// `struct timespec` of 64-bit systems.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanos: i64,
}

/// `struct timeval` of 64-bit systems.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Timeval {
    seconds: i64,
    micros: i64,
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

/// Moves a time by the seconds that stand in a file; nothing where none can be read there.
fn moved(time: Timespec, file: &Path) -> Option<Timespec> {
    let offset: i64 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let seconds = time.seconds.saturating_add(offset);
    Some(Timespec { seconds, ..time })
}

fn wall() -> Timespec {
    let mut time = Timespec::default();
    // SAFETY: the pointer is that of a time of ours.
    unsafe { clock_gettime(WALL[0], &raw mut time) };
    time
}

/// As the function of the C library.
///
/// # Safety
/// `time` has to be valid for writing.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    // SAFETY: the kernel checks the pointer.
    let result = unsafe { syscall(CLOCK_GETTIME, c_long::from(clock), time) };
    if result == 0 && WALL.contains(&clock) {
        let file = std::env::var_os(FILE).unwrap_or_default();
        // SAFETY: the kernel has just written there.
        let kernels = unsafe { *time };
        let Some(moved) = moved(kernels, file.as_ref()) else {
            eprintln!("the clock of this process cannot be moved: {FILE}={file:?}");
            std::process::abort();
        };
        // SAFETY: as above.
        unsafe { *time = moved };
    }
    if result == 0 { 0 } else { -1 }
}

/// As the function of the C library. The zone is none, as on Linux.
///
/// # Safety
/// `time` has to be null, or valid for writing.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn gettimeofday(time: *mut Timeval, _zone: *mut c_void) -> c_int {
    let Timespec { seconds, nanos } = wall();
    if !time.is_null() {
        let micros = nanos / 1_000;
        // SAFETY: who calls says so.
        unsafe { *time = Timeval { seconds, micros } };
    }
    0
}

/// As the function of the C library.
///
/// # Safety
/// `time` has to be null, or valid for writing.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn time(time: *mut i64) -> i64 {
    let Timespec { seconds, .. } = wall();
    if !time.is_null() {
        // SAFETY: who calls says so.
        unsafe { *time = seconds };
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_moved_by_what_stands_in_the_file() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("clock");
        let time = Timespec {
            seconds: 100,
            nanos: 7,
        };
        assert_eq!(moved(time, &file), None);
        for (text, seconds) in [
            ("+0000000000000000031\n", 131),
            ("-0000000000000000200\n", -100),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(moved(time, &file), Some(Timespec { seconds, ..time }));
        }
    }
}
