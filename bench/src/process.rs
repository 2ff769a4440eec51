//! Starting commands, waiting for them with a limit, and what they cost.

use crate::Fallible;
use nix::sys::resource::{UsageWho, getrusage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take. What is measured takes milliseconds, and a queue of it seconds; past
/// this it hangs.
const LIMIT_S: i64 = 60;

/// Set when the run is being ended by a signal.
static ENDING: AtomicBool = AtomicBool::new(false);

/// What one command cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// From the call that starts it to the one that has seen its end.
    pub(crate) wall: Duration,
    /// User and system time of it and all that it waited for.
    pub(crate) cpu: Duration,
}

/// Lets no command start any more.
pub(crate) fn start_nothing_more() {
    ENDING.store(true, Ordering::SeqCst);
}

/// Leaves a command only what finding programs needs: sessions of agents, locales and git's variables
/// would change what is measured, for one side more than for the other.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    command.env_clear();
    for variable in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(variable) {
            command.env(variable, value);
        }
    }
    command
}

pub(crate) fn start(command: &mut Command) -> Fallible<Child> {
    if ENDING.load(Ordering::SeqCst) {
        return Err("ended by a signal".into());
    }
    command
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()).into())
}

/// Runs a command and returns what it cost. Nothing else may be started meanwhile: the system counts
/// CPU time of all children together.
pub(crate) fn measure(command: &mut Command) -> Fallible<Spent> {
    let before = children_cpu()?;
    let begin = Instant::now();
    run(command)?;
    let wall = begin.elapsed();
    Ok(Spent {
        wall,
        cpu: children_cpu()?.saturating_sub(before),
    })
}

/// Runs a command that has to succeed.
pub(crate) fn run(command: &mut Command) -> Fallible<()> {
    let status = wait(&mut start(command)?)?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{command:?} ended with {status}").into())
}

/// Waits for a child. One that hangs is killed, which is an error.
pub(crate) fn wait(child: &mut Child) -> Fallible<ExitStatus> {
    let pid = pid(child)?;
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    let limit = Timespec {
        tv_sec: LIMIT_S,
        tv_nsec: 0,
    };
    let ready = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit));
    if matches!(ready, Ok(0)) {
        child.kill()?;
        child.wait()?;
        return Err(format!("a command did not end within {LIMIT_S} s").into());
    }
    Ok(child.wait()?)
}

/// Kills a process group that was started for this.
pub(crate) fn kill_group(group: Pid) -> Fallible<()> {
    Ok(kill_process_group(group, Signal::KILL)?)
}

pub(crate) fn pid(child: &Child) -> Fallible<Pid> {
    let raw = i32::try_from(child.id())?;
    Pid::from_raw(raw).ok_or_else(|| "a child without a number".into())
}

fn children_cpu() -> Fallible<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let (user, system) = (usage.user_time(), usage.system_time());
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    Ok(Duration::from_micros(u64::try_from(
        micros(user) + micros(system),
    )?))
}
