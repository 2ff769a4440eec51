//! The workers of a demonstration: processes that are started together, report by lines on standard
//! output, and are all gone at the end, however it comes.

mod end;
mod lines;

pub(super) use self::end::End;
use self::lines::Lines;
use super::place::failure;
use super::{Stage, Stop};
use crate::error::CliError;
use crate::process::Signals;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeWriter, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::Child;
use std::time::{Duration, Instant};

/// How often reports are looked for. Each look takes time from the workers.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long workers that are stopped may take before they are killed, and then.
const GRACE: Duration = Duration::from_secs(3);
/// How many lines of what workers complain of are kept: the first are those that matter.
const COMPLAINTS_MAX: usize = 1000;

/// What workers find on standard input.
#[derive(Clone, Copy)]
pub(super) enum Input {
    /// What this file has.
    File(&'static str),
    /// Nothing, until they are given something.
    Later,
}

/// A worker.
struct Worker {
    name: String,
    /// It leads a process group, and is not reaped before the end: its number stays its own.
    child: Child,
    input: Option<PipeWriter>,
}

/// Workers at work. Dropping this ends those who are left.
pub(super) struct Crew<'a> {
    signals: &'a Signals,
    workers: Vec<Worker>,
    /// At its end when the last worker has ended, and all that they started.
    reports: Lines,
    talk: Lines,
    complaints: Vec<String>,
}

impl<'a> Crew<'a> {
    /// Starts a shell with a script for each name; the words are its `$0`, `$1` and so on.
    pub(super) fn start(
        stage: &Stage<'a>,
        input: Input,
        script: &str,
        jobs: impl IntoIterator<Item = (String, Vec<OsString>)>,
    ) -> Result<Self, CliError> {
        let failed = |error: io::Error| failure("cannot start the workers", &error);
        let (reports, said) = Lines::pipe().map_err(failed)?;
        let (talk, complained) = Lines::pipe().map_err(failed)?;
        let mut crew = Self {
            signals: stage.signals,
            workers: Vec::new(),
            reports,
            talk,
            complaints: Vec::new(),
        };
        for (name, words) in jobs {
            let mut command = stage.place.command("sh");
            command.arg("-c").arg(script).args(words);
            command.env("LEASEHOLD_OWNER", &name).process_group(0);
            command.stdout(said.try_clone().map_err(failed)?);
            command.stderr(complained.try_clone().map_err(failed)?);
            let input = match input {
                Input::File(path) => {
                    command.stdin(File::open(path).map_err(failed)?);
                    None
                }
                Input::Later => {
                    let (read, write) = io::pipe().map_err(failed)?;
                    command.stdin(read);
                    Some(write)
                }
            };
            let child = command.spawn().map_err(failed)?;
            crew.workers.push(Worker { name, child, input });
        }
        Ok(crew)
    }

    /// Gives each worker all the input that it gets.
    pub(super) fn give(&mut self, share: impl Fn(usize) -> usize) -> Result<(), CliError> {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if let Some(mut input) = worker.input.take() {
                // One that has died meanwhile needs nothing.
                match input.write_all(&vec![b'\n'; share(number)]) {
                    Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                        return Err(failure("cannot give the workers their work", &error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Returns whether a worker has ended.
    pub(super) fn is_gone(&self, number: usize) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let gone = |worker: &Worker| waitid(WaitId::Pid(Pid::from_child(&worker.child)), look);
        let status = self.workers.get(number).map(gone);
        !matches!(status, Some(Ok(None)))
    }

    /// Waits a moment and returns what was reported meanwhile; nothing when all have ended.
    pub(super) fn hear(&mut self) -> Result<Option<Vec<String>>, Stop> {
        let failed = |error: io::Error| failure("cannot hear the workers", &error);
        // The end of a worker is a signal, too.
        self.pause(LOOK_EVERY).map_err(failed)?;
        if let Some(code) = self.signals.take().exit_code() {
            return Err(Stop::Signal(code));
        }
        let talk = self.talk.read().map_err(failed)?.unwrap_or_default();
        let is_complaint = |line: &String| {
            let is_told = ["waiting for", "note:", "hint:"];
            !line.is_empty() && !is_told.iter().any(|begin| line.starts_with(begin))
        };
        self.complaints
            .extend(talk.into_iter().filter(is_complaint));
        self.complaints.truncate(COMPLAINTS_MAX);
        Ok(self.reports.read().map_err(failed)?)
    }

    /// Says how they ended, when all have.
    pub(super) fn end(mut self) -> Result<End, CliError> {
        let mut end = self
            .reap()
            .map_err(|error| failure("cannot wait for the workers", &error))?;
        end.complaints = std::mem::take(&mut self.complaints);
        Ok(end)
    }

    fn pause(&self, time: Duration) -> io::Result<()> {
        let fd = self.signals.fd();
        let timeout = Timespec::try_from(time).ok();
        match poll(
            &mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)],
            timeout.as_ref(),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn reap(&mut self) -> io::Result<End> {
        let mut end = End::default();
        for mut worker in self.workers.drain(..) {
            let status = worker.child.wait()?;
            if status.signal().is_some() {
                end.killed.push(worker.name);
            } else if !status.success() {
                end.failed.push(worker.name);
            }
        }
        Ok(end)
    }

    /// Signals all workers that are left and what they started: a guard passes it on.
    fn signal(&self, signal: Signal) {
        for worker in &self.workers {
            let _ = kill_process_group(Pid::from_child(&worker.child), signal);
        }
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        if self.workers.is_empty() {
            return;
        }
        for worker in &mut self.workers {
            worker.input = None;
        }
        for signal in [Signal::TERM, Signal::KILL] {
            self.signal(signal);
            // What is stopped acts on no signal.
            self.signal(Signal::CONT);
            let begun = Instant::now();
            while begun.elapsed() < GRACE {
                let _ = self.signals.take();
                if matches!(self.reports.read(), Ok(None)) {
                    let _ = self.reap();
                    return;
                }
                let _ = self.talk.read();
                let _ = self.pause(LOOK_EVERY);
            }
        }
    }
}
