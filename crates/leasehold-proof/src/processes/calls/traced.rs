//! The tracer's side: which calls are bad, and how.

use crate::Random;
use crate::processes::history::{self, Deed, What};
use crate::processes::launch::DIRECTORY;
use crate::processes::round::Order;
use crate::tracer::call::Call;
use crate::tracer::{self, Caller, Deed as Done, End, Follow, Program, Watcher};
use nix::errno::Errno;
use nix::sys::signal::raise;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of so many calls that matter one is slow.
const SLOW_ONE_IN: u64 = 30;
/// The longest that one takes. Few do: the others wait meanwhile, and all together not as long as the
/// store is waited for.
const SLOW_MS_MAX: u64 = 300;
/// The longest that most of them take.
const SLOW_MS_USUAL: u64 = 15;
/// Of so many one fails.
const FAIL_ONE_IN: u64 = 50;
/// More failures than this would only show over and over that nothing works.
const FAILS_MAX: u32 = 2;
/// A verb ends long before; see `OPERATION_MAX` of the driver.
const LONG: Duration = Duration::from_secs(600);
/// What it exits with when it could not trace: no code of the contract, and of no plan.
const BROKEN: u8 = 98;

/// Runs a verb under bad calls; returns its exit code.
pub(in crate::processes) fn run(op: &str, words: impl Iterator<Item = String>) -> u8 {
    let op = op.parse().unwrap_or(0);
    match traced(op, words) {
        Ok(End::Exited(code)) => u8::try_from(code).unwrap_or(BROKEN),
        Ok(End::Signaled(signal)) => {
            // Whoever waits for this process learns how the verb ended.
            let _ = raise(signal);
            BROKEN
        }
        Err(error) => {
            eprintln!("tracer of {op}: {error}");
            BROKEN
        }
    }
}

fn traced(op: u64, words: impl Iterator<Item = String>) -> io::Result<End> {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap_or_default());
    let seed = Order::read(&directory)?.seed;
    let own = |stream: io::Result<std::os::fd::OwnedFd>| stream.map(File::from);
    let program = Program {
        words: words.map(Into::into).collect(),
        environment: std::env::vars_os().collect(),
        directory: std::env::current_dir()?,
        stdout: own(io::stdout().as_fd().try_clone_to_owned())?,
        stderr: own(io::stderr().as_fd().try_clone_to_owned())?,
    };
    let calls = BadCalls {
        directory,
        op,
        random: Random::new(seed ^ op),
        fails: 0,
    };
    let mut running = tracer::start(program, Follow::Threads, calls)?;
    let end = running.wait(LONG)?;
    end.ok_or_else(|| io::Error::other("the verb does not end"))
}

/// Whether this machine lets us trace.
pub(in crate::processes) fn probe(place: &Path) -> Result<(), String> {
    struct Nothing;
    impl Watcher for Nothing {
        fn enters(&mut self, _: Caller, _: &Call) -> Done {
            Done::Pass
        }
    }
    let try_it = || -> io::Result<Option<End>> {
        let talk = File::create(place.join("talk"))?;
        let program = Program {
            words: vec!["true".into()],
            environment: std::env::vars_os().collect(),
            directory: place.into(),
            stdout: talk.try_clone()?,
            stderr: talk,
        };
        tracer::start(program, Follow::Threads, Nothing)?.wait(LONG)
    };
    match try_it() {
        Ok(Some(End::Exited(0))) => Ok(()),
        Ok(end) => Err(format!("`true` under a tracer ends as {end:?}")),
        Err(error) => Err(format!("tracing: {error}")),
    }
}

struct BadCalls {
    directory: PathBuf,
    op: u64,
    random: Random,
    fails: u32,
}

impl Watcher for BadCalls {
    fn enters(&mut self, _: Caller, call: &Call) -> Done {
        let matters = call.writes || call.locks || call.opens || call.forks || call.may_block;
        if call.talks || !matters {
            return Done::Pass;
        }
        let done = self.draw(call);
        let deed = match done {
            Done::Delay(time) => Deed::Slow {
                ms: u64::try_from(time.as_millis()).unwrap_or(SLOW_MS_MAX),
            },
            Done::Fail(errno) => Deed::Fail {
                how: format!("{errno:?} at {}", name(call)),
            },
            Done::Halve => Deed::Fail {
                how: "half a write".into(),
            },
            Done::Pass | Done::Kill | Done::HalveAndKill => return done,
        };
        // What is not written down is not done.
        match history::append(&self.directory, self.op, What::Deed { deed }) {
            Ok(()) => done,
            Err(_) => Done::Pass,
        }
    }
}

impl BadCalls {
    fn draw(&mut self, call: &Call) -> Done {
        if self.random.one_in(SLOW_ONE_IN) {
            let usual = !self.random.one_in(6);
            let most = if usual { SLOW_MS_USUAL } else { SLOW_MS_MAX };
            return Done::Delay(Duration::from_millis(1 + self.random.below(most)));
        }
        let may_fail =
            call.opens || call.writes || call.locks || call.forks || call.is_interruptible;
        if !may_fail || self.fails == FAILS_MAX || !self.random.one_in(FAIL_ONE_IN) {
            return Done::Pass;
        }
        self.fails += 1;
        if call.is_divisible && self.random.one_in(3) {
            return Done::Halve;
        }
        Done::Fail(*self.random.pick(errors(call)))
    }
}

/// What a call may fail with: what its manual page has, of what a bad disk and a full machine do.
const fn errors(call: &Call) -> &'static [Errno] {
    if call.opens {
        &[
            Errno::EMFILE,
            Errno::ENOMEM,
            Errno::EIO,
            Errno::EINTR,
            Errno::ENOSPC,
        ]
    } else if call.writes {
        &[Errno::EIO, Errno::ENOSPC, Errno::EINTR]
    } else if call.locks {
        &[Errno::EINTR, Errno::ENOLCK]
    } else if call.forks {
        &[Errno::ENOMEM, Errno::EAGAIN]
    } else {
        &[Errno::EINTR]
    }
}

const fn name(call: &Call) -> &'static str {
    if call.opens {
        "an open"
    } else if call.writes {
        "a write"
    } else if call.locks {
        "a lock"
    } else if call.forks {
        "a fork"
    } else {
        "a wait"
    }
}
