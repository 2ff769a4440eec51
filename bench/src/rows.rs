//! The rows of the targets that are measured here.

mod audit;
mod handoff;
mod many;
mod memory;
mod order;
mod recovery;
mod release;
mod status;
mod uncontended;

use crate::programs::Programs;
use crate::report::Section;
use crate::scratch::Scratch;
use crate::{Fallible, process};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

/// The number of a row in the table of targets.
pub(crate) type RowNumber = u32;

/// The rows measured here.
pub(crate) const NUMBERS: [RowNumber; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/// What every command leases.
const RESOURCE: &str = "x";

/// One row: set up when it is made, measured in rounds.
pub(crate) trait Row {
    /// Measures both sides for a while.
    fn round(&mut self) -> Fallible<()>;

    /// Says what came out.
    fn finish(&mut self) -> Fallible<Section>;
}

/// Sets a row up.
pub(crate) fn make(
    number: RowNumber,
    programs: Option<&Rc<Programs>>,
    scratch: &Rc<Scratch>,
) -> Fallible<Box<dyn Row>> {
    Ok(match (number, programs) {
        (1, Some(programs)) => Box::new(uncontended::Uncontended::new(programs, scratch)?),
        (2, Some(programs)) => Box::new(many::Many::new(programs, scratch)?),
        (3, Some(programs)) => Box::new(handoff::Handoff::new(programs, scratch)?),
        (4, Some(programs)) => Box::new(recovery::Recovery::new(programs, scratch)?),
        (5, Some(programs)) => Box::new(status::Status::new(programs, scratch)?),
        (6, Some(programs)) => Box::new(audit::Audit::new(programs, scratch)?),
        (7, Some(programs)) => Box::new(release::Release::new(programs, scratch)?),
        (8, _) => Box::new(memory::Memory::flat()?),
        (9, _) => Box::new(memory::Memory::paths()?),
        _ => return Err(format!("row {number} is not measured here").into()),
    })
}

/// Returns these rows in groups, each of which is measured when the one before is done.
///
/// The hundreds of waiters of row 7 leave hundreds of deleted files. Some file systems look at each for
/// minutes whenever they make a file (ext4 without a journal: `recently_deleted` in `fs/ext4/ialloc.c`),
/// which would be counted against whoever is measured next. And the rows that hold much in memory come
/// last: starting a command from a large process can take many times as long as the command.
pub(crate) fn groups(rows: &[RowNumber]) -> Vec<Vec<RowNumber>> {
    let place = |row: RowNumber| match row {
        7 => 1,
        _ if needs_programs(row) => 0,
        _ => 2,
    };
    let group = |wanted| {
        rows.iter()
            .copied()
            .filter(|row| place(*row) == wanted)
            .collect()
    };
    (0..3).map(group).collect()
}

/// Returns whether a row needs the programs; the others run in this process.
pub(crate) const fn needs_programs(number: RowNumber) -> bool {
    number < 8
}

/// Returns `leasehold guard x -- …`, for the words of a command to be added.
fn guard(
    programs: &Programs,
    scratch: &Scratch,
    directory: &Path,
    flags: &[&str],
) -> Fallible<Command> {
    let mut command = Command::new(&programs.leasehold);
    process::clean(&mut command)
        .args(["guard", RESOURCE])
        .args(flags)
        .arg("--");
    scratch.quiet(command.current_dir(directory))?;
    Ok(command)
}

/// Returns `flock f …`, for the words of a command to be added.
fn flock(programs: &Programs, scratch: &Scratch, directory: &Path) -> Fallible<Command> {
    let mut command = Command::new(&programs.flock);
    process::clean(&mut command).arg("f");
    scratch.quiet(command.current_dir(directory))?;
    Ok(command)
}

/// Returns a duration as the reports give it.
fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
