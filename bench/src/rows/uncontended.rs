//! Row 1: a lease that nobody else wants.

use super::{Row, flock, guard, millis};
use crate::calls::{self, Whose};
use crate::programs::Programs;
use crate::report::{Section, Unit};
use crate::sample::{Sample, Statistic};
use crate::scratch::Scratch;
use crate::{Fallible, process};
use std::process::Command;
use std::rc::Rc;

const TITLE: &str = "1. `guard x -- true`, file store, in a git repository";
/// Of `flock f true`, wall.
const RATIO_MAX: f64 = 1.1;
/// Per round and side.
const RUNS: usize = 200;
/// Before each round, not counted: page cache, and the processor's clock.
const WARM_UP_RUNS: usize = 10;

/// One command in the comparison.
struct Side {
    command: Command,
    wall: Sample,
    cpu: Sample,
}

impl Side {
    fn new(command: Command) -> Self {
        Self {
            command,
            wall: Sample::default(),
            cpu: Sample::default(),
        }
    }

    fn run(&mut self) -> Fallible<()> {
        let spent = process::measure(&mut self.command)?;
        self.wall.add(millis(spent.wall));
        self.cpu.add(millis(spent.cpu));
        Ok(())
    }
}

/// `guard`, `flock` and the command alone.
pub(super) struct Uncontended {
    programs: Rc<Programs>,
    scratch: Rc<Scratch>,
    sides: [Side; 3],
}

impl Uncontended {
    pub(super) fn new(programs: &Rc<Programs>, scratch: &Rc<Scratch>) -> Fallible<Self> {
        let repository = scratch.repository("uncontended")?;
        let mut guard = guard(programs, scratch, &repository, &[])?;
        let mut flock = flock(programs, scratch, &repository)?;
        let mut bare = Command::new(&programs.bare);
        scratch.quiet(process::clean(&mut bare).current_dir(&repository))?;
        guard.arg("true");
        flock.arg("true");
        let sides = [guard, flock, bare].map(Side::new);
        let (programs, scratch) = (Rc::clone(programs), Rc::clone(scratch));
        Ok(Self {
            programs,
            scratch,
            sides,
        })
    }

    fn calls(&self, section: &mut Section) -> Fallible<()> {
        let Some(strace) = &self.programs.strace else {
            section
                .notes
                .push("System calls were not counted: strace is not installed.".into());
            return Ok(());
        };
        let [guard, flock, _] = &self.sides;
        let count = |side: &Side, whose| calls::count(strace, &self.scratch, &side.command, whose);
        let own = count(guard, Whose::Own)?;
        let flock_own = count(flock, Whose::Own)?;
        let both = (
            count(guard, Whose::All)?.total(),
            count(flock, Whose::All)?.total(),
        );
        section.counts(
            "system calls, its own",
            own.total(),
            Some(flock_own.total()),
        );
        section.counts(
            "system calls, with those of the command",
            both.0,
            Some(both.1),
        );
        section.notes.push(format!(
            "System calls of one uncontended `guard`, its own: {}.",
            own.list()
        ));
        section
            .notes
            .push(format!("The same of `flock`: {}.", flock_own.list()));
        Ok(())
    }
}

impl Row for Uncontended {
    fn round(&mut self) -> Fallible<()> {
        for side in &mut self.sides {
            side.wall.begin_round();
            side.cpu.begin_round();
            for _ in 0..WARM_UP_RUNS {
                process::run(&mut side.command)?;
            }
        }
        for run in 0..RUNS {
            // Who goes first changes, so that nobody always runs after the same other.
            for place in 0..self.sides.len() {
                self.sides[(run + place) % 3].run()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(TITLE);
        let [guard, flock, bare] = &self.sides;
        let median = (Statistic::Median, Unit::Milliseconds);
        section.compare(
            "wall, other = `flock f true`",
            (&guard.wall, &flock.wall),
            median,
            Some(RATIO_MAX),
        );
        section.compare(
            "wall, other = `true`",
            (&guard.wall, &bare.wall),
            median,
            None,
        );
        section.compare(
            "CPU with the command, other = `flock f true`",
            (&guard.cpu, &flock.cpu),
            median,
            None,
        );
        self.calls(&mut section)?;
        Ok(section)
    }
}
