//! A small tracer: runs a program, shows each of its system calls to a [`Watcher`] before it is made, and
//! does to it what the watcher says: kills at it, makes it fail, cuts it short, or delays it.
//!
//! The program is started by a shell that waits for a line, so that it can be seized before it becomes
//! what is to be traced: nothing has to run between `fork` and `exec`, which would need `unsafe`. A
//! thread follows it, and what it starts if that is wanted; the thread lives until all of these have
//! ended. Whoever ends the tracing program ends them, too.
//!
//! Signals reach what is traced, but those that stop it do not: it goes on at once. Waiting for SIGCONT
//! as one should (`PTRACE_LISTEN`) has no safe form.

pub(crate) mod call;
mod follow;
mod registers;

use self::call::Call;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What to run.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program, by a path or by a name that is looked up, and its arguments.
    pub(crate) words: Vec<OsString>,
    /// All of its environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: PathBuf,
    pub(crate) stdout: File,
    pub(crate) stderr: File,
}

impl Program {
    /// Starts it behind a shell that waits for a line.
    fn start(self) -> io::Result<Child> {
        Command::new("/bin/sh")
            .args(["-c", "read _ && exec \"$@\" </dev/null", "sh"])
            .args(self.words)
            .env_clear()
            .envs(self.environment)
            .current_dir(self.directory)
            .stdin(Stdio::piped())
            .stdout(self.stdout)
            .stderr(self.stderr)
            .spawn()
    }
}

/// Whose calls are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Those of all threads of the program. What it starts runs undisturbed, also when the program is
    /// killed.
    Threads,
    /// Also those of all that it starts, and so on.
    Children,
}

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) process: Pid,
    pub(crate) thread: Pid,
}

impl Caller {
    /// Returns whether it is the thread with which its process began.
    pub(crate) fn is_main(self) -> bool {
        self.process == self.thread
    }
}

/// What is to be done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Nothing: it is made.
    Pass,
    /// Its process is killed instead of it. The exit of a call is no other moment: between it and the
    /// entry of the next nothing changes that anybody else sees.
    Kill,
    /// It is not made, and says that it failed so.
    Fail(Errno),
    /// It is made with half of its third argument: of a write, half of the bytes.
    Halve,
    /// So, and its process is killed right after.
    HalveAndKill,
    /// It is made later; the other threads go on.
    Delay(Duration),
}

/// Sees the calls of a program, and decides what becomes of them. It is called by the tracing thread.
pub(crate) trait Watcher {
    /// A process has become another program. Whatever a process does between its start and this, it does
    /// as a copy of the one that started it.
    fn becomes(&mut self, process: Pid, program: &Path) {
        let _ = (process, program);
    }

    /// A call is about to be made.
    fn enters(&mut self, caller: Caller, call: &Call) -> Deed;

    /// A call has come to its end; one that has made a thread does not count as one that forks any more.
    /// That of a killed process does not come to its end.
    fn leaves(&mut self, caller: Caller, call: &Call) {
        let _ = (caller, call);
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exited(i32),
    Signaled(Signal),
}

/// A traced program on its way.
#[derive(Debug)]
pub(crate) struct Running<W> {
    process: Pid,
    ended: Receiver<End>,
    end: Option<End>,
    follower: JoinHandle<nix::Result<W>>,
}

/// Starts a program under a watcher.
///
/// # Errors
///
/// Where it cannot be started, or this machine does not let us trace.
pub(crate) fn start<W: Watcher + Send + 'static>(
    program: Program,
    follow: Follow,
    watcher: W,
) -> io::Result<Running<W>> {
    let (tell_start, started) = mpsc::channel();
    let (tell_end, ended) = mpsc::channel();
    // A thread of its own: it waits for all children of its thread, and those that others start besides
    // are of theirs.
    let follower = thread::spawn(move || {
        let (process, go) = match follow::seize(program, follow) {
            Ok(seized) => seized,
            Err(error) => {
                // Whoever started it waits for this.
                let _ = tell_start.send(Err(error));
                return Ok(watcher);
            }
        };
        let _ = tell_start.send(Ok(process));
        follow::follow(process, go, follow, watcher, &tell_end)
    });
    let process = started
        .recv()
        .map_err(|_| io::Error::other("the tracer panicked"))??;
    Ok(Running {
        process,
        ended,
        end: None,
        follower,
    })
}

impl<W> Running<W> {
    /// Returns how the program ended, once it has. What it started may live on.
    ///
    /// # Errors
    ///
    /// Where the tracer failed.
    pub(crate) fn wait(&mut self, longest: Duration) -> io::Result<Option<End>> {
        if self.end.is_none() {
            self.end = match self.ended.recv_timeout(longest) {
                Ok(end) => Some(end),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("the tracer has failed"));
                }
            };
        }
        Ok(self.end)
    }

    /// Kills the program, if it has not ended.
    pub(crate) fn kill(&self) {
        if self.end.is_none() {
            // Where it has ended meanwhile there is nothing to do.
            let _ = kill(self.process, Signal::SIGKILL);
        }
    }

    /// Waits until all have ended that are followed; returns the watcher.
    ///
    /// # Errors
    ///
    /// Where the tracer failed.
    pub(crate) fn join(self) -> io::Result<W> {
        let ended = self.follower.join();
        let ended = ended.map_err(|_| io::Error::other("the tracer panicked"))?;
        ended.map_err(io::Error::from)
    }
}

#[cfg(test)]
mod tests;
