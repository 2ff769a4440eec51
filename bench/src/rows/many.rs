//! Row 2: whether leases that others hold elsewhere make a lease dearer.

use super::{Row, guard, millis};
use crate::calls::{self, Whose};
use crate::programs::Programs;
use crate::report::{Section, Unit};
use crate::sample::{Sample, Statistic};
use crate::scratch::Scratch;
use crate::{Fallible, leases, process};
use std::process::Command;
use std::rc::Rc;

const TITLE: &str = "2. `guard x -- true` with 10 000 other standing leases held";
const HELD: usize = 10_000;
/// Of with none, wall.
const RATIO_MAX: f64 = 1.05;
/// Per round and side. The target is close, so these are many.
const RUNS: usize = 400;
const WARM_UP_RUNS: usize = 10;

/// The same command in two repositories.
pub(super) struct Many {
    programs: Rc<Programs>,
    scratch: Rc<Scratch>,
    /// With the leases, and without.
    commands: [Command; 2],
    wall: [Sample; 2],
    cpu: [Sample; 2],
}

impl Many {
    pub(super) fn new(programs: &Rc<Programs>, scratch: &Rc<Scratch>) -> Fallible<Self> {
        let (full, empty) = (
            scratch.repository("many-full")?,
            scratch.repository("many-empty")?,
        );
        let mut commands = [
            guard(programs, scratch, &full, &[])?,
            guard(programs, scratch, &empty, &[])?,
        ];
        for command in &mut commands {
            // Makes the store.
            process::run(command.arg("true"))?;
        }
        leases::fill(&full.join(".git/leasehold"), HELD)?;
        let (programs, scratch) = (Rc::clone(programs), Rc::clone(scratch));
        Ok(Self {
            programs,
            scratch,
            commands,
            wall: Default::default(),
            cpu: Default::default(),
        })
    }

    fn run(&mut self, side: usize) -> Fallible<()> {
        let spent = process::measure(&mut self.commands[side])?;
        self.wall[side].add(millis(spent.wall));
        self.cpu[side].add(millis(spent.cpu));
        Ok(())
    }
}

impl Row for Many {
    fn round(&mut self) -> Fallible<()> {
        self.wall
            .iter_mut()
            .chain(&mut self.cpu)
            .for_each(Sample::begin_round);
        for command in &mut self.commands {
            for _ in 0..WARM_UP_RUNS {
                process::run(command)?;
            }
        }
        for run in 0..RUNS {
            self.run(run % 2)?;
            self.run((run + 1) % 2)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(TITLE);
        let median = (Statistic::Median, Unit::Milliseconds);
        let [with, without] = &self.wall;
        section.compare(
            "wall, other = with none held",
            (with, without),
            median,
            Some(RATIO_MAX),
        );
        let [with, without] = &self.cpu;
        section.compare("CPU with the command", (with, without), median, None);
        if let Some(strace) = &self.programs.strace {
            let count = |command| calls::count(strace, &self.scratch, command, Whose::Own);
            let [with, without] = &self.commands;
            let (with, without) = (count(with)?.total(), count(without)?.total());
            section.counts("system calls, its own", with, Some(without));
        }
        Ok(section)
    }
}
