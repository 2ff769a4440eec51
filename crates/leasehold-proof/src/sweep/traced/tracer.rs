//! One traced run with one fault: counts the calls of the program, and puts the fault into the one that
//! it is meant for.

use super::fault::Fault;
use crate::tracer::call::Call;
use crate::tracer::{self, Caller, Deed, Follow, Program, Watcher};
use nix::sys::signal::Signal;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
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
    /// By a signal that we did not send.
    Signaled(Signal),
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
    /// Whether its main thread is inside a call that may sleep.
    pub(super) is_waiting: AtomicBool,
    /// Whether it has started a child.
    pub(super) had_child: AtomicBool,
}

/// Runs a program with a fault in it. `meanwhile` is called again and again until it has ended, with
/// what is known of it. Its children are not followed: the guarded command is not ours to disturb.
pub(super) fn run(
    program: Program,
    fault: Fault,
    meanwhile: &mut dyn FnMut(&Live),
) -> io::Result<Traced> {
    let live = Arc::new(Live::default());
    let injector = Injector {
        fault,
        live: Arc::clone(&live),
        calls: Vec::new(),
        writes: 0,
        locks: 0,
        was_hit: false,
        lost_talk: false,
    };
    let mut running = tracer::start(program, Follow::Threads, injector)?;
    let (begin, mut hung) = (Instant::now(), false);
    let end = loop {
        if let Some(end) = running.wait(LOOK_EVERY)? {
            break end;
        }
        meanwhile(&live);
        if begin.elapsed() > RUN_MAX && !hung {
            hung = true;
            running.kill();
        }
    };
    let injector = running.join()?;
    Ok(Traced {
        end: match end {
            _ if hung => End::Hung,
            tracer::End::Exited(code) => End::Exited(code),
            tracer::End::Signaled(Signal::SIGKILL) => End::Killed,
            tracer::End::Signaled(signal) => End::Signaled(signal),
        },
        calls: injector.calls,
        was_hit: injector.was_hit,
        lost_talk: injector.lost_talk,
        had_child: live.had_child.load(SeqCst),
    })
}

struct Injector {
    fault: Fault,
    live: Arc<Live>,
    calls: Vec<Call>,
    writes: usize,
    locks: usize,
    was_hit: bool,
    lost_talk: bool,
}

impl Injector {
    /// What the fault does to the call that was counted last.
    fn deed(&self, call: &Call) -> Deed {
        match self.fault {
            Fault::Kill { call: at } if self.calls.len() == at => Deed::Kill,
            Fault::Tear { write } if call.writes && self.writes == write => Deed::HalveAndKill,
            Fault::Short { write } if call.writes && self.writes == write => Deed::Halve,
            Fault::Fail { write, errno } if call.writes && self.writes == write => {
                Deed::Fail(errno)
            }
            // What people read is mostly not on the disk that is full.
            Fault::FailOnward { write, errno }
                if call.writes && !call.talks && self.writes >= write =>
            {
                Deed::Fail(errno)
            }
            Fault::FailLock { lock, errno } if call.locks && self.locks == lock => {
                Deed::Fail(errno)
            }
            _ => Deed::Pass,
        }
    }

    /// Its helper threads wait for other things.
    fn is_waiting(&self, caller: Caller, is_waiting: bool) {
        if caller.is_main() {
            self.live.is_waiting.store(is_waiting, SeqCst);
        }
    }
}

impl Watcher for Injector {
    fn enters(&mut self, caller: Caller, call: &Call) -> Deed {
        self.calls.push(*call);
        self.writes += usize::from(call.writes);
        self.locks += usize::from(call.locks);
        self.is_waiting(caller, call.may_block);
        let deed = self.deed(call);
        if deed != Deed::Pass {
            self.was_hit = true;
            self.lost_talk |= call.talks && deed != Deed::Kill;
        }
        deed
    }

    fn leaves(&mut self, caller: Caller, call: &Call) {
        self.is_waiting(caller, false);
        if call.forks {
            self.live.had_child.store(true, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;
    use std::ffi::OsString;
    use std::fs::{self, File};

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
