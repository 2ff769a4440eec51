//! Time that goes on while the machine sleeps, and a descriptor that says when it has come.
//!
//! A poll's own timeout stands still during suspend. A lease does not, so after a resume the
//! command must hear at once that its lease ran out: hence a timer of the boot-time clock.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns the time since some fixed moment, suspend included where the system counts it.
pub(crate) fn uptime() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    // On macOS the monotonic clock counts sleep.
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    clock_gettime(clock).try_into().unwrap_or(Duration::ZERO)
}

#[cfg(target_os = "linux")]
pub(super) use linux::Alarm;

#[cfg(not(target_os = "linux"))]
pub(super) use other::Alarm;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::time::Duration;

    use rustix::event::Timespec;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create,
        timerfd_settime,
    };

    /// For how long poll may keep the time: it is late by no more than this after a sleep of the machine.
    /// Most guarded commands of a script end before, and a timer is three system calls.
    const SHORT: Duration = Duration::from_millis(100);

    /// A timer, created when first needed: a command without deadline costs nothing.
    #[derive(Debug, Default)]
    pub(crate) struct Alarm {
        timer: Option<OwnedFd>,
    }

    impl Alarm {
        /// Rings after `after`, and not before; `None` silences it. Returns the timeout for poll.
        pub(crate) fn set(&mut self, after: Option<Duration>) -> io::Result<Option<Timespec>> {
            if self.timer.is_none() {
                match after {
                    None => return Ok(None),
                    Some(after) if after <= SHORT => return Ok(Timespec::try_from(after).ok()),
                    Some(_) => {}
                }
            }
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let timer = match self.timer.take() {
                Some(timer) => timer,
                None => timerfd_create(TimerfdClockId::Boottime, flags)?,
            };
            timerfd_settime(
                self.timer.insert(timer),
                TimerfdTimerFlags::empty(),
                &once(after),
            )?;
            Ok(None)
        }

        /// Returns the descriptor that is readable once the time has come.
        pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
            self.timer.as_ref().map(AsFd::as_fd)
        }
    }

    fn once(after: Option<Duration>) -> Itimerspec {
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // Zero would mean "never"; a time too far to express is as good as never.
        let it_value = after
            .map_or(Some(zero), |after| {
                after.max(Duration::from_nanos(1)).try_into().ok()
            })
            .unwrap_or(zero);
        Itimerspec {
            it_interval: zero,
            it_value,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::os::fd::BorrowedFd;
    use std::time::Duration;

    use rustix::event::Timespec;

    /// Only poll's own timeout.
    #[derive(Debug, Default)]
    pub(crate) struct Alarm;

    impl Alarm {
        /// Returns the timeout for poll.
        pub(crate) fn set(&mut self, after: Option<Duration>) -> io::Result<Option<Timespec>> {
            Ok(after.and_then(|after| after.try_into().ok()))
        }

        /// There is none.
        pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
            None
        }
    }
}
