//! Row 5: what it costs to see everything that is held.

use super::{Row, millis};
use crate::programs::Programs;
use crate::report::{Section, Unit};
use crate::sample::{Sample, Statistic};
use crate::scratch::Scratch;
use crate::{Fallible, leases, process};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

const TITLE: &str = "5. `status` with 10 000 standing leases";
const HELD: usize = 10_000;
/// Of opening and reading as many small files.
const RATIO_MAX: f64 = 0.5;
/// Per round and side.
const RUNS: usize = 15;

/// What is run: `status` in words and as JSON, and what only reads.
pub(super) struct Status {
    sides: [(Command, Sample); 3],
}

impl Status {
    pub(super) fn new(programs: &Rc<Programs>, scratch: &Rc<Scratch>) -> Fallible<Self> {
        let directory = scratch.repository("status")?;
        leases::fill(&directory.join(".git/leasehold"), HELD)?;
        let call = |program: &Path, words: &[&str]| -> Fallible<(Command, Sample)> {
            let mut command = Command::new(program);
            process::clean(&mut command).args(words);
            scratch.quiet(command.current_dir(&directory))?;
            // What is measured is the reading: the lines go where they cost nothing.
            command.stdout(File::options().write(true).open("/dev/null")?);
            Ok((command, Sample::default()))
        };
        let sides = [
            call(&programs.leasehold, &["status"])?,
            call(&programs.leasehold, &["status", "--json"])?,
            // The records of the same leases, one file each.
            call(&programs.read, &[".git/leasehold/records/name"])?,
        ];
        Ok(Self { sides })
    }
}

impl Row for Status {
    fn round(&mut self) -> Fallible<()> {
        for (command, sample) in &mut self.sides {
            sample.begin_round();
            // Not counted: fills the page cache.
            process::run(command)?;
        }
        for run in 0..RUNS {
            for place in 0..self.sides.len() {
                let (command, sample) = &mut self.sides[(run + place) % 3];
                sample.add(millis(process::measure(command)?.cpu));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(TITLE);
        let [words, json, read] = &self.sides;
        for (what, side) in [("in words", words), ("as JSON", json)] {
            section.compare(
                &format!("{what}: CPU, other = opening and reading {HELD} files"),
                (&side.1, &read.1),
                (Statistic::Median, Unit::Milliseconds),
                Some(RATIO_MAX),
            );
        }
        section.notes.push(format!(
            "The files are the records of the {HELD} leases: at most 1 kB each, in one directory, in the \
             page cache; `leasehold-bench-read` opens and reads each, and does nothing with it."
        ));
        Ok(section)
    }
}
