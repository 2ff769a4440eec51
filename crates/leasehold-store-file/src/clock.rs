//! The clocks of this machine, and the workspace's time line made of them (law L13).
//!
//! Within one boot the time line is the boot-time clock plus an anchor that was fixed at the boot's
//! first commit, so jumps of the wall clock change nothing. A new boot takes a new anchor from the wall
//! clock, never below the last time that was written.

use leasehold_core::Timestamp;
use leasehold_store::StoreError;
use std::fs;

/// Where time and the boot come from. Tests have their own.
pub trait Clock: Send + Sync {
    /// Returns the name of this boot of the machine: at most 36 letters, digits and dashes.
    ///
    /// # Errors
    /// Where it cannot be read: [`StoreError::Io`].
    fn boot(&self) -> Result<String, StoreError>;

    /// Returns the milliseconds since the boot, sleep included, the same in every time namespace.
    fn boot_ms(&self) -> u64;

    /// Returns the milliseconds since the Unix epoch by the wall clock.
    fn wall_ms(&self) -> u64;
}

/// The clocks of the machine this runs on.
#[derive(Debug)]
pub struct MachineClock {
    /// What a time namespace adds to the boot-time clock of its processes; nothing where it cannot be
    /// told. Then no store is opened: with the wrong time all leases of others would look lapsed.
    shift_ms: Option<i64>,
}

impl MachineClock {
    /// Reads how far the clock of this process is shifted.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shift_ms: shift_ms(),
        }
    }
}

impl Default for MachineClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_os = "linux")]
impl Clock for MachineClock {
    fn boot(&self) -> Result<String, StoreError> {
        const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
        use rustix::fs::{Mode, OFlags};
        let read = || -> rustix::io::Result<String> {
            let file = rustix::fs::open(BOOT_ID, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            let mut bytes = [0; 64];
            let count = rustix::io::read(&file, &mut bytes)?;
            let text = str::from_utf8(&bytes[..count]).map_err(|_| rustix::io::Errno::ILSEQ)?;
            Ok(text.trim().replace('-', ""))
        };
        if self.shift_ms.is_none() {
            let errno = rustix::io::Errno::NOENT;
            return Err(StoreError::io("find the time namespace in", TIME, errno));
        }
        let boot = read().map_err(|errno| StoreError::io("read", BOOT_ID, errno))?;
        if boot.is_empty() || boot.len() > 36 || !boot.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let detail = format!("{boot:?} is not the name of a boot");
            return Err(StoreError::Damaged {
                path: BOOT_ID.into(),
                detail,
            });
        }
        Ok(boot)
    }

    fn boot_ms(&self) -> u64 {
        millis(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
            .saturating_add_signed(self.shift_ms.unwrap_or(0).saturating_neg())
    }

    fn wall_ms(&self) -> u64 {
        millis(rustix::time::clock_gettime(rustix::time::ClockId::Realtime))
    }
}

/// On other systems nothing tells one boot from another yet (macOS has `kern.boottime`, which moves
/// with the wall clock): a clear error instead of a guess.
#[cfg(not(target_os = "linux"))]
impl Clock for MachineClock {
    fn boot(&self) -> Result<String, StoreError> {
        let error = std::io::Error::from(std::io::ErrorKind::Unsupported);
        Err(StoreError::io(
            "read the boot id on",
            std::env::consts::OS,
            error,
        ))
    }

    fn boot_ms(&self) -> u64 {
        millis(rustix::time::clock_gettime(
            rustix::time::ClockId::Monotonic,
        ))
        .saturating_add_signed(self.shift_ms.unwrap_or(0).saturating_neg())
    }

    fn wall_ms(&self) -> u64 {
        millis(rustix::time::clock_gettime(rustix::time::ClockId::Realtime))
    }
}

fn millis(time: rustix::time::Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000;
    seconds.saturating_mul(1000).saturating_add(rest)
}

/// Which time namespace this process is in.
const TIME: &str = "/proc/self/ns/time";

/// Returns what the time namespace of this process adds to the boot-time clock, where it can be told.
fn shift_ms() -> Option<i64> {
    /// The number of the initial time namespace, which shifts nothing (`PROC_TIME_INIT_INO` in the
    /// kernel's `include/linux/proc_ns.h`): one system call where nearly everybody is.
    const INITIAL: &[u8] = b"time:[4026531834]";
    match rustix::fs::readlink(TIME, Vec::with_capacity(32)) {
        Ok(link) if link.to_bytes() == INITIAL => Some(0),
        // A kernel without time namespaces has no such file; or else this process is in none of the PID
        // namespaces that `/proc` shows, and finds nothing at all about itself there.
        Err(rustix::io::Errno::NOENT) => fs::exists("/proc/self/stat").ok()?.then_some(0),
        _ => shift_in(&fs::read_to_string("/proc/self/timens_offsets").ok()?),
    }
}

/// Reads the line of the boot-time clock: its name, seconds, nanoseconds.
fn shift_in(text: &str) -> Option<i64> {
    let mut lines = text.lines().map(str::split_whitespace);
    let mut words = lines.find_map(|mut words| (words.next()? == "boottime").then_some(words))?;
    let mut number = || words.next()?.parse::<i64>().ok();
    let (seconds, nanos) = (number()?, number()?);
    Some(
        seconds
            .saturating_mul(1000)
            .saturating_add(nanos / 1_000_000),
    )
}

/// The time line of one boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeLine {
    anchor_ms: i64,
}

impl TimeLine {
    /// Continues the line that a header of this boot describes.
    pub(crate) const fn of_anchor(anchor_ms: i64) -> Self {
        Self { anchor_ms }
    }

    /// Begins the line of a new boot.
    pub(crate) fn begin(clock: &dyn Clock, last_ms: u64) -> Self {
        let start = clock.wall_ms().max(last_ms);
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        Self {
            anchor_ms: signed(start).saturating_sub(signed(clock.boot_ms())),
        }
    }

    pub(crate) const fn anchor_ms(self) -> i64 {
        self.anchor_ms
    }

    /// Returns the time, not before the last one that was written.
    pub(crate) fn now(self, clock: &dyn Clock, last_ms: u64) -> Timestamp {
        let now = clock.boot_ms().saturating_add_signed(self.anchor_ms);
        Timestamp::from_millis(now.max(last_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Set(u64, u64);

    impl Clock for Set {
        fn boot(&self) -> Result<String, StoreError> {
            Ok("b".into())
        }
        fn boot_ms(&self) -> u64 {
            self.0
        }
        fn wall_ms(&self) -> u64 {
            self.1
        }
    }

    #[test]
    fn a_wall_clock_that_jumps_changes_nothing_within_a_boot() {
        let line = TimeLine::begin(&Set(500, 10_000), 0);
        assert_eq!(line.now(&Set(700, 99_999_999), 0).as_millis(), 10_200);
        assert_eq!(line.now(&Set(700, 0), 10_300).as_millis(), 10_300);
    }

    #[test]
    fn a_new_boot_does_not_begin_before_the_last_time() {
        let line = TimeLine::begin(&Set(5, 1_000), 9_000);
        assert_eq!(line.now(&Set(15, 1_010), 9_000).as_millis(), 9_010);
    }

    #[test]
    fn the_shift_of_a_time_namespace_is_read() {
        assert_eq!(
            shift_in("monotonic  0  0\nboottime  -86400  500000000\n"),
            Some(-86_399_500)
        );
        assert_eq!(shift_in("boottime           7         0\n"), Some(7_000));
        for unclear in ["", "monotonic 1 0\n", "boottime 7\n", "boottime x 0\n"] {
            assert_eq!(shift_in(unclear), None);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_a_boot() {
        let clock = MachineClock::new();
        assert_eq!(clock.boot().unwrap().len(), 32);
        assert!(clock.boot_ms() > 0 && clock.wall_ms() > clock.boot_ms());
    }
}
