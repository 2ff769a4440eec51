//! Ending a command that lost its lease: ask, wait, kill; with all process groups below it.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::alarm::{Alarm, uptime};
use super::signals::Signals;
use super::supervise::{StopRule, ready};
use super::tree::Family;

/// How long killed processes may take to be gone, once the command itself is. One in an
/// uninterruptible call of the kernel may take for ever, and no waiting helps against that.
const KILLED_MAX: Duration = Duration::from_secs(1);

/// A command that was asked to end.
#[derive(Debug)]
pub(super) struct Ending {
    family: Family,
    deadline: Duration,
    killed: bool,
}

impl Ending {
    /// Asks the command and all below it to end.
    pub(super) fn begin(command: Pid, rule: StopRule) -> Self {
        let mut family = Family::new(command);
        // A stopped process acts on no signal until it is continued.
        family.signal(&[rule.signal, Signal::CONT]);
        Self {
            family,
            deadline: uptime().saturating_add(rule.grace),
            killed: false,
        }
    }

    /// Returns the time until KILL is due, `None` after it was sent.
    pub(super) fn time_left(&self) -> Option<Duration> {
        (!self.killed).then(|| self.deadline.saturating_sub(uptime()))
    }

    /// Kills what is left if the grace is over.
    pub(super) fn kill_when_due(&mut self) {
        if self.time_left() == Some(Duration::ZERO) {
            self.family.signal(&[Signal::KILL]);
            self.deadline = uptime().saturating_add(KILLED_MAX);
            self.killed = true;
        }
    }

    /// The command has ended: waits for the processes it left in its groups, by the same rule.
    pub(super) fn end_the_rest(&mut self, signals: &Signals) -> io::Result<()> {
        self.family.command_was_reaped();
        if self.killed {
            self.deadline = uptime().saturating_add(KILLED_MAX);
        }
        let mut alarm = Alarm::default();
        while let Some(survivor) = self.family.survivor() {
            self.kill_when_due();
            let left = self.deadline.saturating_sub(uptime());
            if left.is_zero() {
                break;
            }
            wait_for_end(survivor, signals, &mut alarm, left)?;
            self.pass_on(signals);
        }
        Ok(())
    }

    fn pass_on(&mut self, signals: &Signals) {
        let seen = signals.take().ending().collect::<Vec<_>>();
        if !seen.is_empty() {
            self.family.signal(&seen);
        }
    }
}

/// Waits until `process`, which is no child of ours, has ended, a signal came, or `left` is over.
fn wait_for_end(
    process: Pid,
    signals: &Signals,
    alarm: &mut Alarm,
    left: Duration,
) -> io::Result<()> {
    let process = match end_of(process) {
        Ok(descriptor) => descriptor,
        // It has ended meanwhile.
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    let timeout = alarm.set(Some(left))?;
    let ended = process.as_ref().map(std::os::fd::AsFd::as_fd);
    ready([Some(signals.fd()), alarm.fd(), ended], timeout.as_ref())?;
    Ok(())
}

/// Returns a descriptor that is readable once `process` has ended; `None` where there is no such
/// thing, and then the grace is waited for in full.
#[cfg(target_os = "linux")]
fn end_of(process: Pid) -> rustix::io::Result<Option<std::os::fd::OwnedFd>> {
    use rustix::io::Errno;
    use rustix::process::{PidfdFlags, pidfd_open};
    match pidfd_open(process, PidfdFlags::empty()) {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(Errno::SRCH) => Err(Errno::SRCH),
        // An old kernel, or a sandbox that forbids it.
        Err(_) => Ok(None),
    }
}

#[cfg(not(target_os = "linux"))]
fn end_of(_process: Pid) -> rustix::io::Result<Option<std::os::fd::OwnedFd>> {
    Ok(None)
}
