//! Row 4: how soon a waiter runs after the holder was killed with its command.

use super::{Row, flock, guard, millis};
use crate::programs::Programs;
use crate::report::{Section, Unit};
use crate::sample::{Sample, Statistic};
use crate::scratch::Scratch;
use crate::{Fallible, process};
use rustix::process::Pid;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

const TITLE: &str = "4. Recovery after `kill -9` of the holder and its command";
/// Of `flock`.
const RATIO_MAX: f64 = 1.2;
/// How long the waiter has been waiting when the holder is killed: a waiter that looks again and again
/// would show in the difference.
const WAITS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1500)];
/// Per round, wait and side.
const KILLS: usize = 4;

/// One side of the comparison.
struct Side {
    holder: Command,
    waiter: Command,
    stamps: PathBuf,
    recovered: [Sample; 2],
}

impl Side {
    fn new(
        (programs, stamps): (&Programs, PathBuf),
        make: impl Fn() -> Fallible<Command>,
    ) -> Fallible<Self> {
        let (mut holder, mut waiter) = (make()?, make()?);
        // Of its own file: its stamps are not measured.
        holder
            .arg(&programs.stamp)
            .arg(stamps.with_extension("holder"))
            .arg("hold");
        holder
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        waiter.arg(&programs.stamp).arg(&stamps);
        Ok(Self {
            holder,
            waiter,
            stamps,
            recovered: Default::default(),
        })
    }

    /// Kills one holder and returns how long its waiter took.
    fn kill_one(&mut self, wait: Duration) -> Fallible<Duration> {
        fs::write(&self.stamps, "")?;
        let holder = Holder::start(&mut self.holder)?;
        let mut waiter = process::start(&mut self.waiter)?;
        // This time is what is asked for, not a guess: that the waiter waits is looked at after it.
        thread::sleep(wait);
        let waits = waiter.try_wait()?.is_none() && fs::read_to_string(&self.stamps)?.is_empty();
        let killed_ns = now_ns();
        drop(holder);
        let status = process::wait(&mut waiter)?;
        if !waits || !status.success() {
            return Err(format!("the waiter did not wait, or ended with {status}").into());
        }
        let text = fs::read_to_string(&self.stamps)?;
        let start = text.lines().find_map(|line| line.strip_prefix("S "));
        let start_ns: i64 = start.ok_or("the waiter left no stamp")?.parse()?;
        Ok(Duration::from_nanos(u64::try_from(start_ns - killed_ns)?))
    }
}

/// A holder with its command. Dropped, both are killed and the holder is reaped.
struct Holder {
    child: Child,
    guard: Pid,
    command: Pid,
}

impl Holder {
    fn start(command: &mut Command) -> Fallible<Self> {
        let mut child = process::start(command)?;
        let guard = process::pid(&child)?;
        match command_group(&mut child) {
            Ok(command) => Ok(Self {
                child,
                guard,
                command,
            }),
            Err(error) => {
                // Its command, if there is one, ends with its standard input.
                process::kill_group(guard)?;
                child.wait()?;
                Err(error)
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The holder first: it shall not see its command die and release in order. Often `guard` has
        // put the command into a group of its own; with `flock` both are in one.
        let _ = process::kill_group(self.guard);
        if self.command != self.guard {
            let _ = process::kill_group(self.command);
        }
        let _ = self.child.wait();
    }
}

/// Reads what the command says once it runs: its process and its group.
fn command_group(child: &mut Child) -> Fallible<Pid> {
    let stdout = child.stdout.take().ok_or("the holder has no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let group = line
        .split_whitespace()
        .nth(1)
        .ok_or("the holder's command did not run")?;
    Pid::from_raw(group.parse()?).ok_or_else(|| "a group without a number".into())
}

/// `guard` and `flock`.
pub(super) struct Recovery {
    /// Ours first.
    sides: [Side; 2],
    rounds: usize,
}

impl Recovery {
    pub(super) fn new(programs: &Rc<Programs>, scratch: &Rc<Scratch>) -> Fallible<Self> {
        let repository = scratch.repository("recovery")?;
        let stamps = |name: &str| scratch.path().join(format!("recovery-{name}"));
        let ours = Side::new((programs, stamps("guard")), || {
            guard(programs, scratch, &repository, &["--wait"])
        })?;
        let theirs = Side::new((programs, stamps("flock")), || {
            flock(programs, scratch, &repository)
        })?;
        Ok(Self {
            sides: [ours, theirs],
            rounds: 0,
        })
    }
}

impl Row for Recovery {
    fn round(&mut self) -> Fallible<()> {
        let samples = self.sides.iter_mut().flat_map(|side| &mut side.recovered);
        samples.for_each(Sample::begin_round);
        for kill in 0..KILLS {
            for (place, wait) in WAITS.into_iter().enumerate() {
                let first = (self.rounds + kill + place) % 2;
                for side in [first, 1 - first] {
                    let side = &mut self.sides[side];
                    let took = side.kill_one(wait)?;
                    side.recovered[place].add(millis(took));
                }
            }
        }
        self.rounds += 1;
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(TITLE);
        let [ours, theirs] = &self.sides;
        for (place, wait) in WAITS.into_iter().enumerate() {
            let what = format!(
                "from the kill to the waiter's command, killed after {} s",
                wait.as_secs_f64()
            );
            let samples = (&ours.recovered[place], &theirs.recovered[place]);
            let median = (Statistic::Median, Unit::Milliseconds);
            section.compare(&what, samples, median, Some(RATIO_MAX));
        }
        section.notes.push(
            "The holder's group is killed first, then its command's, where that has one of its own."
                .into(),
        );
        Ok(section)
    }
}

fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
