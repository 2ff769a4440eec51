//! Who has the terminal: our own process group or the command's.
//!
//! The command gets it at the start when both standard input and output are the terminal we are in
//! the foreground of. In a pipeline (`guard x -- make | less`) the others need it too, so there
//! the command gets it only when it asks, by being stopped with TTIN or TTOU (as sudo does).

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, getpgrp, kill_current_process_group};
use rustix::stdio::stdin;
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::dispositions::{self, Disposition};

/// The terminal of a command; taken back when dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    at_start: bool,
    device: Option<OwnedFd>,
    command: Option<Pid>,
    given: bool,
}

impl Terminal {
    /// Looks whether we have a terminal to give at the start. One system call when there is none.
    pub(super) fn ours() -> Self {
        let ours = tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp());
        let at_start = ours && io::stdout().is_terminal();
        Self {
            at_start,
            device: None,
            command: None,
            given: false,
        }
    }

    /// Lets `command` take it before its program runs, if it is to have it from the start. Given
    /// only after the start, what is typed in between would come to our own group: Ctrl-C would
    /// end the script around us, whatever the command makes of it.
    pub(super) fn give_at_start(&mut self, command: &mut Command) {
        if !self.at_start || self.device().is_none() {
            return;
        }
        // Taken back after a start that fails, too: whoever took it then is gone.
        self.given = true;
        #[expect(
            unsafe_code,
            reason = "no safe crate gives a terminal between fork and exec"
        )]
        // SAFETY: in the child `take` makes only calls that signal-safety(7) allows, and touches
        // no memory but its own.
        unsafe {
            command.pre_exec(|| {
                // On failure the command starts in the background, and gets it when it asks.
                let _ = take();
                Ok(())
            });
        }
    }

    /// The command runs, as the process group `command`.
    pub(super) fn started(&mut self, command: Pid) {
        self.command = Some(command);
    }

    /// Gives it to the command if it is ours to give; returns whether the command has it now.
    pub(super) fn give(&mut self) -> bool {
        self.given = self.try_give().unwrap_or(false);
        self.given
    }

    fn try_give(&mut self) -> Option<bool> {
        let command = self.command?;
        let device = self.device()?;
        let foreground = tcgetpgrp(device).ok()?;
        if foreground == command {
            return Some(true);
        }
        Some(foreground == getpgrp() && set_foreground(device, command).is_ok())
    }

    /// We were stopped and continued: gives it again to a command that had it from the start.
    pub(super) fn resume(&mut self) {
        if self.at_start {
            self.give();
        }
    }

    /// Returns whether the command has it from us.
    pub(super) fn is_given(&self) -> bool {
        self.given
    }

    /// Takes it back if the command has it from us.
    pub(super) fn take_back(&mut self) {
        if std::mem::take(&mut self.given)
            && let Some(device) = &self.device
        {
            // Fails only when the terminal is gone, and then nobody needs it.
            let _ = set_foreground(device, getpgrp());
        }
    }

    fn device(&mut self) -> Option<&OwnedFd> {
        if self.device.is_none() {
            let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
            self.device = rustix::fs::open("/dev/tty", flags, Mode::empty()).ok();
        }
        self.device.as_ref()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// Stops us as the kernel would have: every process of our group, or us alone. Returns when we are
/// continued, or at once where nobody could continue us (the kernel stops no orphaned group).
pub(super) fn stop_ourselves(signal: Signal, whom: Stop) -> io::Result<()> {
    let mut before = None;
    if whom == Stop::Group {
        // The others first, and we on our own: what we do next has to come after our stop.
        before = Some(dispositions::set(signal, Disposition::Ignore)?);
        kill_current_process_group(signal)?;
    }
    let last = dispositions::set(signal, Disposition::Default)?;
    let stopped = dispositions::send_to_self(signal);
    dispositions::set(signal, before.unwrap_or(last))?;
    stopped
}

/// Whom a stop of the command stops with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Our whole process group: the terminal would have stopped all of a job.
    Group,
    /// Us alone: the others got the signal themselves.
    Alone,
}

/// In the child that is to become the command, in its own process group: takes the terminal, which
/// is its standard input.
fn take() -> io::Result<()> {
    // Typed before the program runs, a signal has to end the child: our handler would swallow it.
    super::signals::forget()?;
    set_foreground(stdin(), getpgrp())
}

/// Makes `group` the foreground of the terminal. From the background that raises TTOU, which would
/// stop us.
fn set_foreground(device: impl AsFd, group: Pid) -> io::Result<()> {
    let before = dispositions::set(Signal::TTOU, Disposition::Ignore)?;
    let outcome = tcsetpgrp(device, group);
    dispositions::set(Signal::TTOU, before)?;
    Ok(outcome?)
}
