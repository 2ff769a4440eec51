//! The one loop that waits for everything while the command runs.
//!
//! One poll waits for the command (SIGCHLD), for signals to pass on, for the caller's deadline and
//! its descriptor. Deciding whether the lease is lost is the caller's ([`Watch`]).

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use leasehold_core::planted::Bug;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, WaitOptions, WaitStatus, kill_process_group, waitpid};

use super::alarm::Alarm;
use super::command::RunningCommand;
use super::ending::Ending;
use super::signals::{SignalSet, Signals};
use super::terminal::{Stop, stop_ourselves};

/// What the caller does while the command runs: renew, and notice that the lease is lost.
pub(crate) trait Watch {
    /// Returns the time until [`on_tick`](Self::on_tick) is due; `None` is never.
    fn deadline(&self) -> Option<Duration>;

    /// Returns a descriptor whose readability calls [`on_tick`](Self::on_tick), which must read
    /// what is there. Open a FIFO for reading and writing, else it ends when its writer does, and
    /// is not watched any more.
    fn wake(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Is called when due or woken, until it says [`Tick::Lost`]. It must not wait for long: while
    /// it runs, signals are not passed on.
    fn on_tick(&mut self) -> Tick;
}

/// Whether the command may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// The lease is held.
    Continue,
    /// It is not: end the command.
    Lost,
}

/// How a command that lost its lease is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopRule {
    /// The signal that asks it to end.
    pub(crate) signal: Signal,
    /// How long it may take, until KILL.
    pub(crate) grace: Duration,
}

impl Default for StopRule {
    /// TERM and ten seconds: what service managers and container runtimes give.
    fn default() -> Self {
        Self {
            signal: Signal::TERM,
            grace: Duration::from_secs(10),
        }
    }
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// By itself or by a signal.
    pub(crate) status: Status,
    /// Whether we ended it because the lease was lost.
    pub(crate) lost: bool,
}

/// The exit status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It exited with this code.
    Exited(u8),
    /// It was killed by the signal of this number.
    Signaled(i32),
}

impl Status {
    /// Returns the exit code to pass on: its own, or 128 plus the signal, as shells do.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled(number) => code_of_signal(number),
        }
    }
}

/// Returns 128 + `number`; there are 64 signals at most.
pub(super) fn code_of_signal(number: i32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX).saturating_add(128)
}

/// Waits until `command` has ended, as the head of this file says.
///
/// When the lease is lost, the processes left behind in the command's groups are ended, too.
///
/// # Errors
///
/// The system cannot wait. The command may be running then: do not release.
pub(crate) fn supervise(
    command: RunningCommand,
    signals: &Signals,
    watch: &mut dyn Watch,
    rule: StopRule,
) -> io::Result<Ended> {
    let received = SignalSet::default();
    Supervisor {
        command,
        signals,
        watch,
        rule,
        received,
        ending: None,
        wake_ended: false,
    }
    .run()
}

/// Why [`wait_beside`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The descriptor was hung up, or it is time to look again.
    Look,
    /// The lease is lost.
    Lost,
    /// We are to end.
    Interrupted,
}

/// Waits beside a descriptor that is hung up when something is over, and keeps the lease meanwhile. Where
/// that is not told reliably it has to be looked for again, once a second.
///
/// # Errors
/// The system cannot wait.
pub(crate) fn wait_beside(
    signals: &Signals,
    watch: &mut dyn Watch,
    hangs_up: BorrowedFd<'_>,
) -> io::Result<Waited> {
    const LOOK_EVERY: Duration = Duration::from_secs(1);
    let mut alarm = Alarm::default();
    let deadline = watch.deadline().unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
    let timeout = alarm.set(Some(deadline))?;
    let sources = [Some(signals.fd()), alarm.fd(), Some(hangs_up)];
    let _ready = ready(sources, timeout.as_ref())?;
    if signals.take().ending().next().is_some() {
        return Ok(Waited::Interrupted);
    }
    let is_due = watch.deadline().is_some_and(|left| left.is_zero());
    if is_due && watch.on_tick() == Tick::Lost {
        return Ok(Waited::Lost);
    }
    Ok(Waited::Look)
}

struct Supervisor<'a> {
    command: RunningCommand,
    signals: &'a Signals,
    watch: &'a mut dyn Watch,
    rule: StopRule,
    /// All signals so far, to tell ours from those the terminal sent to the command.
    received: SignalSet,
    ending: Option<Ending>,
    wake_ended: bool,
}

impl Supervisor<'_> {
    fn run(mut self) -> io::Result<Ended> {
        let mut alarm = Alarm::default();
        loop {
            let due = self.wait(&mut alarm)?;
            self.pass_signals_on()?;
            if let Some(status) = self.reap()? {
                return self.finish(status);
            }
            match &mut self.ending {
                Some(ending) => ending.kill_when_due(),
                None if due => self.tick(),
                None => {}
            }
        }
    }

    /// Waits for anything; returns whether the caller's turn has come.
    fn wait(&mut self, alarm: &mut Alarm) -> io::Result<bool> {
        let (deadline, wake) = match &self.ending {
            Some(ending) => (ending.time_left(), None),
            None => (
                self.watch.deadline(),
                self.watch.wake().filter(|_| !self.wake_ended),
            ),
        };
        let timeout = alarm.set(deadline)?;
        let sources = [Some(self.signals.fd()), alarm.fd(), wake];
        let [signaled, rung, woken] = ready(sources, timeout.as_ref())?;
        // A descriptor at its end is ready for ever, and watching it would be a busy loop.
        let at_end = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        self.wake_ended |= woken.intersects(at_end) && !woken.contains(PollFlags::IN);
        // Where poll itself keeps the time, nothing is ready when it has come.
        let elapsed = timeout.is_some() && signaled.is_empty();
        Ok(elapsed || !rung.is_empty() || !woken.is_empty())
    }

    /// Passes signals on to the whole group of the command, each time they come; returns them.
    fn pass_signals_on(&mut self) -> io::Result<SignalSet> {
        let seen = self.signals.take();
        self.received.add(seen);
        let stop = seen.contains(Signal::TSTP).then_some(Signal::TSTP);
        for signal in seen.ending().chain(stop) {
            self.signal_group(signal)?;
        }
        if seen.contains(Signal::CONT) {
            // Continued before the command's stop was seen: then there is nothing to follow.
            self.received.remove(Signal::TSTP);
            self.command.terminal.resume();
            self.signal_group(Signal::CONT)?;
        }
        Ok(seen)
    }

    fn signal_group(&self, signal: Signal) -> io::Result<()> {
        match kill_process_group(self.command.pid, signal) {
            // It has ended and is about to be reaped, or is another user's (sudo), which listens
            // to its own terminal.
            Ok(()) | Err(Errno::SRCH | Errno::PERM) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Returns the status of the command if it has ended, and follows it if it was stopped.
    fn reap(&mut self) -> io::Result<Option<Status>> {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
        loop {
            let status = match waitpid(Some(self.command.pid), options) {
                Ok(None) => return Ok(None),
                Ok(Some((_, status))) => status,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            match ended(status) {
                Some(status) => return Ok(Some(status)),
                None => self.follow_stop(status)?,
            }
        }
    }

    /// The command was stopped: give it the terminal if that is all it wants, else stop as well,
    /// so that the shell sees a stopped job.
    fn follow_stop(&mut self, status: WaitStatus) -> io::Result<()> {
        let signal = status.stopping_signal().and_then(Signal::from_named_raw);
        let wants_terminal = matches!(signal, Some(Signal::TTIN | Signal::TTOU));
        let Some(signal) = signal.filter(|signal| wants_terminal || *signal == Signal::TSTP) else {
            // STOP: somebody froze the command alone, and we go on keeping its lease.
            return Ok(());
        };
        if wants_terminal && self.command.terminal.give() {
            return self.signal_group(Signal::CONT);
        }
        if self.ending.is_some() {
            // It is to end, and KILL reaches a stopped process.
            return Ok(());
        }
        // The shell may have continued us between the command's stop and now. What is left of that
        // window is the few instructions from here to our own stop; `fg` again undoes it.
        self.pass_signals_on()?;
        match self.stops_with(wants_terminal) {
            Some(whom) => self.stop_too(signal, whom),
            None => Ok(()),
        }
    }

    fn stop_too(&mut self, signal: Signal, whom: Stop) -> io::Result<()> {
        self.command.terminal.take_back();
        stop_ourselves(signal, whom)?;
        if self.pass_signals_on()?.contains(Signal::CONT) {
            return Ok(());
        }
        // Nobody stopped us, as nobody could have continued us.
        self.command.terminal.resume();
        self.signal_group(Signal::CONT)
    }

    /// Returns whom a stop of the command stops with it.
    fn stops_with(&mut self, wants_terminal: bool) -> Option<Stop> {
        let passed_on = self.received.remove(Signal::TSTP);
        if self.command.terminal.is_given() || wants_terminal {
            Some(Stop::Group)
        } else if passed_on {
            Some(Stop::Alone)
        } else {
            // Sent to the command by a process, not typed at a terminal.
            None
        }
    }

    fn tick(&mut self) {
        if self.watch.on_tick() == Tick::Lost && !Bug::GoOnWhenLost.is_planted() {
            self.ending = Some(Ending::begin(self.command.pid, self.rule));
        }
    }

    fn finish(mut self, status: Status) -> io::Result<Ended> {
        if let Some(ending) = &mut self.ending {
            ending.end_the_rest(self.signals)?;
        }
        self.share_interrupt(status);
        Ok(Ended {
            status,
            lost: self.ending.is_some(),
        })
    }

    /// Ctrl-C reached the command alone, because it had the terminal. A script or `make` that
    /// started us in its own group would have got it as well without us, and must end, too.
    fn share_interrupt(&mut self, status: Status) {
        let had_terminal = self.command.terminal.is_given();
        self.command.terminal.take_back();
        let Status::Signaled(number) = status else {
            return;
        };
        let typed = Signal::from_named_raw(number)
            .filter(|signal| matches!(*signal, Signal::INT | Signal::QUIT))
            .filter(|signal| had_terminal && !self.received.contains(*signal));
        if let Some(signal) = typed {
            let _ = rustix::process::kill_current_process_group(signal);
            // It came to us, too, and means nothing more: what it was for has ended.
            self.signals.take();
        }
    }
}

fn ended(status: WaitStatus) -> Option<Status> {
    let exited = status
        .exit_status()
        .map(|code| Status::Exited(code.to_le_bytes()[0]));
    exited.or_else(|| status.terminating_signal().map(Status::Signaled))
}

/// Waits until one of the sources is ready, a signal came, or the time is over; returns what each
/// is ready for.
pub(super) fn ready<const N: usize>(
    sources: [Option<BorrowedFd<'_>>; N],
    timeout: Option<&Timespec>,
) -> io::Result<[PollFlags; N]> {
    let mut fds = Vec::with_capacity(N);
    fds.extend(
        sources
            .iter()
            .flatten()
            .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)),
    );
    match poll(&mut fds, timeout) {
        // The handler made its descriptor readable; the next look finds it.
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let mut found = fds.iter().map(PollFd::revents);
    Ok(sources.map(|source| {
        source
            .and_then(|_| found.next())
            .unwrap_or(PollFlags::empty())
    }))
}
