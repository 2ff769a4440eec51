//! The thread that follows: waits for stops, asks the watcher, lets go on.

use super::call::Call;
use super::registers::Registers;
use super::{Caller, Deed, End, Follow, Program, Watcher};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::process::ChildStdin;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

/// How often others are looked after while a call is delayed.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// Starts and seizes a program; a line into what is returned lets it go on.
pub(super) fn seize(program: Program, follow: Follow) -> io::Result<(Pid, Option<ChildStdin>)> {
    let mut child = program.start()?;
    let process = Pid::from_raw(child.id().cast_signed());
    let mut options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_EXITKILL;
    if follow == Follow::Children {
        options |= Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
    }
    if let Err(errno) = ptrace::seize(process, options) {
        child.kill()?;
        child.wait()?;
        return Err(errno.into());
    }
    Ok((process, child.stdin.take()))
}

/// Follows a seized program until all have ended that are followed.
pub(super) fn follow<W: Watcher>(
    program: Pid,
    go: Option<ChildStdin>,
    follow: Follow,
    watcher: W,
    ended: &Sender<End>,
) -> nix::Result<W> {
    // A shell that was killed meanwhile does not read it; its end will be seen.
    let _ = go.map(|mut line| line.write_all(b"\n"));
    let mut follower = Follower {
        program,
        follow,
        watcher,
        is_running: false,
        threads: HashMap::new(),
        delayed: Vec::new(),
    };
    loop {
        let status = match follower.next_stop() {
            // Nobody is left.
            Err(Errno::ECHILD) => return Ok(follower.watcher),
            status => status?,
        };
        let end = match status {
            WaitStatus::Exited(pid, code) => (pid, End::Exited(code)),
            WaitStatus::Signaled(pid, signal, _) => (pid, End::Signaled(signal)),
            status => {
                follower.stopped(status)?;
                continue;
            }
        };
        follower.threads.remove(&end.0);
        if end.0 == program {
            // Nobody may want to know any more.
            let _ = ended.send(end.1);
            if follow == Follow::Threads {
                return Ok(follower.watcher);
            }
        }
    }
}

/// One thread of those that are followed.
struct Thread {
    process: Pid,
    /// The call that it is in.
    call: Option<Call>,
    /// To be done at the exit of its call.
    pending: Option<Pending>,
}

struct Pending {
    entry: Registers,
    deed: Deed,
}

struct Follower<W> {
    program: Pid,
    follow: Follow,
    watcher: W,
    /// Whether the shell has become the program.
    is_running: bool,
    threads: HashMap<Pid, Thread>,
    /// Who is stopped at the entry of a call that is to be made later.
    delayed: Vec<(Instant, Pid)>,
}

impl<W: Watcher> Follower<W> {
    /// Waits for the next stop or end; meanwhile lets go on whose time has come.
    fn next_stop(&mut self) -> nix::Result<WaitStatus> {
        loop {
            let now = Instant::now();
            let due = self.delayed.extract_if(.., |(until, _)| *until <= now);
            for (_, pid) in due.collect::<Vec<_>>() {
                self.go_on(pid, None)?;
            }
            let mut flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
            if !self.delayed.is_empty() {
                flags |= WaitPidFlag::WNOHANG;
            }
            match waitpid(None, Some(flags)) {
                Err(Errno::EINTR) => {}
                Ok(WaitStatus::StillAlive) => thread::sleep(LOOK_EVERY),
                status => return status,
            }
        }
    }

    fn stopped(&mut self, status: WaitStatus) -> nix::Result<()> {
        match status {
            WaitStatus::PtraceEvent(pid, _, event) => {
                match event {
                    libc::PTRACE_EVENT_EXEC => self.becomes(pid),
                    libc::PTRACE_EVENT_CLONE => self.has_made_a_thread(pid),
                    _ => {}
                }
                self.go_on(pid, None)
            }
            WaitStatus::PtraceSyscall(pid) => match self.call(pid) {
                Ok(Deed::Delay(time)) => {
                    self.delayed.push((Instant::now() + time, pid));
                    Ok(())
                }
                Ok(_) | Err(Errno::ESRCH) => self.go_on(pid, None),
                Err(errno) => Err(errno),
            },
            WaitStatus::Stopped(pid, signal) => self.go_on(pid, Some(signal)),
            _ => Ok(()),
        }
    }

    fn becomes(&mut self, process: Pid) {
        self.is_running = true;
        let program = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
        self.watcher.becomes(process, &program);
    }

    fn has_made_a_thread(&mut self, pid: Pid) {
        if let Some(call) = &mut self.thread(pid).call {
            call.forks = false;
        }
    }

    fn go_on(&self, pid: Pid, signal: Option<Signal>) -> nix::Result<()> {
        let went_on = if self.is_running {
            ptrace::syscall(pid, signal)
        } else {
            ptrace::cont(pid, signal)
        };
        match went_on {
            // A thread that was killed meanwhile is gone, which its end will say.
            Err(Errno::ESRCH) => Ok(()),
            result => result,
        }
    }

    /// The entry or the exit of a call; returns what is left to be done.
    fn call(&mut self, pid: Pid) -> nix::Result<Deed> {
        let info = ptrace::syscall_info(pid)?;
        if info.op == libc::PTRACE_SYSCALL_INFO_ENTRY {
            self.entry(pid)
        } else {
            self.exit(pid)?;
            Ok(Deed::Pass)
        }
    }

    fn thread(&mut self, pid: Pid) -> &mut Thread {
        let (program, follow) = (self.program, self.follow);
        self.threads.entry(pid).or_insert_with(|| Thread {
            process: match follow {
                Follow::Threads => program,
                Follow::Children => process_of(pid),
            },
            call: None,
            pending: None,
        })
    }

    fn entry(&mut self, pid: Pid) -> nix::Result<Deed> {
        let entry = Registers::of(pid)?;
        let call = Call::of(&entry);
        let thread = self.thread(pid);
        thread.call = Some(call);
        let caller = Caller {
            process: thread.process,
            thread: pid,
        };
        let deed = self.watcher.enters(caller, &call);
        let mut changed = entry;
        match deed {
            Deed::Pass | Deed::Delay(_) => return Ok(deed),
            // Stopped at its entry, the call is left out.
            Deed::Kill => {
                kill(caller.process, Signal::SIGKILL)?;
                return Ok(deed);
            }
            Deed::Fail(_) => changed.leave_out(),
            Deed::Halve | Deed::HalveAndKill => changed.set_third(entry.arguments()[2] / 2),
        }
        changed.put(pid)?;
        self.thread(pid).pending = Some(Pending { entry, deed });
        Ok(deed)
    }

    fn exit(&mut self, pid: Pid) -> nix::Result<()> {
        let thread = self.thread(pid);
        let caller = Caller {
            process: thread.process,
            thread: pid,
        };
        let (call, pending) = (thread.call.take(), thread.pending.take());
        if let Some(call) = call {
            self.watcher.leaves(caller, &call);
        }
        let Some(Pending { entry, deed }) = pending else {
            return Ok(());
        };
        let mut registers = Registers::of(pid)?;
        registers.put_arguments_back(&entry);
        match deed {
            Deed::HalveAndKill => return kill(caller.process, Signal::SIGKILL),
            Deed::Fail(errno) => registers.set_result(errno as i32),
            Deed::Pass | Deed::Kill | Deed::Halve | Deed::Delay(_) => {}
        }
        registers.put(pid)
    }
}

/// The process of a thread. One that is gone is its own.
fn process_of(thread: Pid) -> Pid {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    let process = line.and_then(|number| number.trim().parse().ok());
    process.map_or(thread, Pid::from_raw)
}
