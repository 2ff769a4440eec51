//! A small tracer: runs one process, counts its system calls, and puts one fault into it.
//!
//! The process is started by a shell that waits for a line, so that it can be seized before it becomes
//! what is to be traced: nothing has to run between `fork` and `exec`, which would need `unsafe`. Its
//! threads are followed, its children are not: the guarded command is not ours to disturb, and must
//! go on when its guard is killed.

use super::call::Call;
use super::fault::Fault;
use super::registers::Registers;
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// A run that takes longer hangs, and is ended.
const RUN_MAX: Duration = Duration::from_secs(30);
/// How often others are looked after while it runs.
const LOOK_EVERY: Duration = Duration::from_micros(300);

/// How a traced process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exited(i32),
    Killed,
    /// It hung, and was killed for that.
    Hung,
}

/// What was seen of a run.
#[derive(Debug)]
pub(super) struct Traced {
    pub(super) end: End,
    /// Its calls, in order.
    pub(super) calls: Vec<Call>,
    /// Whether the fault came to pass.
    pub(super) was_hit: bool,
    /// Whether something that it said was not to be written.
    pub(super) lost_talk: bool,
    /// Whether it had started a child.
    pub(super) had_child: bool,
}

/// What others may know while it runs.
#[derive(Debug, Default)]
pub(super) struct Live {
    pid: AtomicI32,
    /// Whether its main thread is inside a call that may sleep.
    pub(super) is_waiting: AtomicBool,
    /// Whether it has started a child.
    pub(super) had_child: AtomicBool,
}

/// What to run.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) words: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, OsString)>,
    pub(super) directory: PathBuf,
    pub(super) stdout: File,
    pub(super) stderr: File,
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

/// Runs a program with a fault in it. `meanwhile` is called again and again until it has ended, with
/// what is known of it.
pub(super) fn run(
    program: Program,
    fault: Fault,
    meanwhile: &mut dyn FnMut(&Live),
) -> io::Result<Traced> {
    let live = Arc::new(Live::default());
    let (sender, receiver) = mpsc::channel();
    // A thread of its own: it waits for all children of its thread, and those that a case starts besides
    // are of ours.
    let tracer = {
        let live = Arc::clone(&live);
        thread::spawn(move || {
            let traced = trace(program, fault, &live);
            // Whoever waits has not gone away.
            let _ = sender.send(());
            traced
        })
    };
    let (begin, mut hung) = (Instant::now(), false);
    while receiver.recv_timeout(LOOK_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
        meanwhile(&live);
        let pid = live.pid.load(SeqCst);
        if begin.elapsed() > RUN_MAX && pid > 0 && !hung {
            hung = true;
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    let ended = tracer.join();
    let mut traced = ended.unwrap_or_else(|_| Err(io::Error::other("the tracer panicked")))?;
    if hung {
        traced.end = End::Hung;
    }
    Ok(traced)
}

fn trace(program: Program, fault: Fault, live: &Live) -> io::Result<Traced> {
    let mut child = program.start()?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_EXITKILL;
    if let Err(errno) = ptrace::seize(pid, options) {
        child.kill()?;
        child.wait()?;
        return Err(errno.into());
    }
    live.pid.store(pid.as_raw(), SeqCst);
    // Only now it may go on.
    if let Some(mut line) = child.stdin.take() {
        line.write_all(b"\n")?;
    }
    let tracer = Tracer {
        pid,
        fault,
        live,
        calls: Vec::new(),
        writes: 0,
        locks: 0,
        was_hit: false,
        lost_talk: false,
        is_running: false,
        threads: HashMap::new(),
    };
    tracer.follow().map_err(io::Error::from)
}

/// What a thread is in the middle of.
#[derive(Default)]
struct Thread {
    /// To be done at the exit of its call.
    pending: Option<Pending>,
    /// Whether its call starts a child, as far as is known.
    forks: bool,
}

struct Pending {
    entry: Registers,
    then: Then,
}

enum Then {
    GoOn,
    Result(Errno),
    Die,
}

struct Tracer<'a> {
    pid: Pid,
    fault: Fault,
    live: &'a Live,
    calls: Vec<Call>,
    writes: usize,
    locks: usize,
    was_hit: bool,
    lost_talk: bool,
    /// Whether the shell has become the program.
    is_running: bool,
    threads: HashMap<Pid, Thread>,
}

impl Tracer<'_> {
    fn follow(mut self) -> nix::Result<Traced> {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            let status = match waitpid(None, Some(flags)) {
                Err(Errno::EINTR) => continue,
                status => status?,
            };
            match status {
                WaitStatus::Exited(pid, code) if pid == self.pid => {
                    return Ok(self.ended(End::Exited(code)));
                }
                WaitStatus::Signaled(pid, _, _) if pid == self.pid => {
                    return Ok(self.ended(End::Killed));
                }
                WaitStatus::PtraceEvent(pid, _, event) => self.event(pid, event)?,
                WaitStatus::PtraceSyscall(pid) => {
                    or_gone(self.stop(pid))?;
                    self.go_on(pid, None)?;
                }
                WaitStatus::Stopped(pid, signal) => self.go_on(pid, Some(signal))?,
                _ => {}
            }
        }
    }

    fn ended(self, end: End) -> Traced {
        Traced {
            end,
            calls: self.calls,
            was_hit: self.was_hit,
            lost_talk: self.lost_talk,
            had_child: self.live.had_child.load(SeqCst),
        }
    }

    fn go_on(&self, pid: Pid, signal: Option<Signal>) -> nix::Result<()> {
        or_gone(if self.is_running {
            ptrace::syscall(pid, signal)
        } else {
            ptrace::cont(pid, signal)
        })
    }

    fn event(&mut self, pid: Pid, event: i32) -> nix::Result<()> {
        match event {
            libc::PTRACE_EVENT_EXEC => self.is_running = true,
            libc::PTRACE_EVENT_CLONE => self.threads.entry(pid).or_default().forks = false,
            _ => {}
        }
        self.go_on(pid, None)
    }

    fn stop(&mut self, pid: Pid) -> nix::Result<()> {
        let info = ptrace::syscall_info(pid)?;
        if info.op == libc::PTRACE_SYSCALL_INFO_ENTRY {
            self.entry(pid)
        } else {
            self.exit(pid)
        }
    }

    fn entry(&mut self, pid: Pid) -> nix::Result<()> {
        let entry = Registers::of(pid)?;
        let call = Call::of(&entry);
        self.calls.push(call);
        self.writes += usize::from(call.writes);
        self.locks += usize::from(call.locks);
        self.threads.entry(pid).or_default().forks = call.forks;
        self.is_waiting(pid, call.may_block);
        let pending = match self.fault {
            Fault::Kill { call: at } if self.calls.len() == at => {
                self.was_hit = true;
                // Stopped at its entry, the call is left out.
                return kill(self.pid, Signal::SIGKILL);
            }
            Fault::Tear { write } if call.writes && self.writes == write => Then::Die,
            Fault::Short { write } if call.writes && self.writes == write => Then::GoOn,
            Fault::Fail { write, errno } if call.writes && self.writes == write => {
                Then::Result(errno)
            }
            // What people read is mostly not on the disk that is full.
            Fault::FailOnward { write, errno }
                if call.writes && !call.talks && self.writes >= write =>
            {
                Then::Result(errno)
            }
            Fault::FailLock { lock, errno } if call.locks && self.locks == lock => {
                Then::Result(errno)
            }
            _ => return Ok(()),
        };
        self.was_hit = true;
        self.lost_talk |= call.talks;
        let mut changed = entry;
        match pending {
            Then::Result(_) => changed.leave_out(),
            Then::GoOn | Then::Die => changed.set_third(entry.arguments()[2] / 2),
        }
        changed.put(pid)?;
        self.threads.entry(pid).or_default().pending = Some(Pending {
            entry,
            then: pending,
        });
        Ok(())
    }

    /// Its helper threads wait for other things.
    fn is_waiting(&self, pid: Pid, is_waiting: bool) {
        if pid == self.pid {
            self.live.is_waiting.store(is_waiting, SeqCst);
        }
    }

    fn exit(&mut self, pid: Pid) -> nix::Result<()> {
        self.is_waiting(pid, false);
        let thread = self.threads.entry(pid).or_default();
        if std::mem::take(&mut thread.forks) {
            self.live.had_child.store(true, SeqCst);
        }
        let Some(Pending { entry, then }) = thread.pending.take() else {
            return Ok(());
        };
        let mut registers = Registers::of(pid)?;
        registers.put_arguments_back(&entry);
        match then {
            Then::Die => return kill(self.pid, Signal::SIGKILL),
            Then::Result(errno) => registers.set_result(errno as i32),
            Then::GoOn => {}
        }
        registers.put(pid)
    }
}

/// A thread that was killed meanwhile is gone, which its end will say.
fn or_gone(result: nix::Result<()>) -> nix::Result<()> {
    match result {
        Err(Errno::ESRCH) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Runs a shell that writes a file; returns how it ended and what the file holds. Nothing where this
    /// machine does not let us trace.
    fn write_a_file(fault: Fault) -> Option<(Traced, Option<String>)> {
        let place = tempfile::tempdir().unwrap();
        let program = Program {
            words: ["/bin/sh", "-c", "echo word > file"]
                .map(OsString::from)
                .to_vec(),
            environment: Vec::new(),
            directory: place.path().into(),
            stdout: File::create(place.path().join("stdout")).unwrap(),
            stderr: File::create(place.path().join("stderr")).unwrap(),
        };
        let traced = match run(program, fault, &mut |_| {}) {
            Err(error) => {
                eprintln!("skipped: {error}");
                return None;
            }
            Ok(traced) => traced,
        };
        Some((traced, fs::read_to_string(place.path().join("file")).ok()))
    }

    #[test]
    fn every_kill_leaves_nothing_or_all() {
        let Some((whole, file)) = write_a_file(Fault::None) else {
            return;
        };
        assert_eq!(
            (whole.end, file.as_deref()),
            (End::Exited(0), Some("word\n"))
        );
        let mut seen = Vec::new();
        for call in 1..=whole.calls.len() {
            let (traced, file) = write_a_file(Fault::Kill { call }).unwrap();
            assert_eq!(
                (traced.end, traced.was_hit),
                (End::Killed, true),
                "call {call}"
            );
            assert_eq!(traced.calls.len(), call);
            seen.push(file);
        }
        seen.dedup();
        let expected = [None, Some(String::new()), Some("word\n".into())];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_write_can_fail_or_be_cut() {
        let write = 2;
        let errno = Errno::ENOSPC;
        let Some((failed, file)) = write_a_file(Fault::Fail { write, errno }) else {
            return;
        };
        assert!(failed.was_hit && failed.end != End::Exited(0));
        assert_eq!(file.as_deref(), Some(""));
        let (torn, file) = write_a_file(Fault::Tear { write }).unwrap();
        assert_eq!((torn.end, file.as_deref()), (End::Killed, Some("wo")));
    }
}
