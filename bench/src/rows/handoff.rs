//! Row 3: a lease that eight workers want all the time.

use super::order::{self, Order};
use super::{RESOURCE, Row, flock, guard};
use crate::programs::Programs;
use crate::report::{Section, Unit};
use crate::sample::{Sample, Statistic};
use crate::scratch::Scratch;
use crate::{Fallible, process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const TITLE: &str = "3. Contended handoff, 8 workers in a loop";
/// Of `flock`, mean gap.
const MEAN_RATIO_MAX: f64 = 1.0;
/// Of `flock`, 99th of a hundred gaps.
const P99_RATIO_MAX: f64 = 1.1;
const WORKERS: usize = 8;
/// Commands in one contention. Long enough that nearly all of it is handoffs.
const COMMANDS: usize = 300;
/// Contentions per round and side.
const CONTENTIONS: usize = 2;
/// Gaps left out at both ends of a contention, where not everybody waits.
const EDGE: usize = WORKERS;

/// One side of the comparison.
struct Side {
    /// Makes a worker's command.
    workers: Vec<Command>,
    stamps: PathBuf,
    gaps: Sample,
    overlaps: u64,
}

/// Stamps of one command.
#[derive(Clone, Copy, Debug)]
struct Ran {
    start_ns: i64,
    end_ns: i64,
}

impl Side {
    fn new(stamps: PathBuf, make: impl Fn() -> Fallible<Command>) -> Fallible<Self> {
        let workers = (0..WORKERS)
            .map(|_| make())
            .collect::<Fallible<Vec<Command>>>()?;
        Ok(Self {
            workers,
            stamps,
            gaps: Sample::default(),
            overlaps: 0,
        })
    }

    /// Lets the workers contend, and takes down the gaps.
    fn contend(&mut self) -> Fallible<()> {
        fs::write(&self.stamps, "")?;
        let started = AtomicUsize::new(0);
        let results = thread::scope(|scope| {
            let started = &started;
            let work = |worker| scope.spawn(move || work(worker, started));
            let threads: Vec<_> = self.workers.iter_mut().map(work).collect();
            threads
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect::<Vec<_>>()
        });
        for result in results {
            result.map_err(|_| "a worker panicked")??;
        }
        let ran = read(&self.stamps)?;
        if ran.len() != COMMANDS {
            return Err(format!("{} of {COMMANDS} commands left their stamps", ran.len()).into());
        }
        for pair in ran.windows(2) {
            if pair[1].start_ns < pair[0].end_ns {
                self.overlaps += 1;
            }
        }
        for pair in ran.windows(2).skip(EDGE).take(COMMANDS - 1 - 2 * EDGE) {
            let gap_ns =
                u32::try_from(pair[1].start_ns.saturating_sub(pair[0].end_ns)).unwrap_or(0);
            self.gaps.add(f64::from(gap_ns) / 1e6);
        }
        Ok(())
    }
}

fn work(command: &mut Command, started: &AtomicUsize) -> Fallible<()> {
    while started.fetch_add(1, Ordering::Relaxed) < COMMANDS {
        process::run(command)?;
    }
    Ok(())
}

/// Reads the stamps, in the order of their starts. Where commands overlapped, ends are matched to
/// starts in order, which counts no overlap too few.
fn read(path: &Path) -> Fallible<Vec<Ran>> {
    let text = fs::read_to_string(path)?;
    let of = |letter: char| {
        let lines = text
            .lines()
            .filter_map(move |line| line.strip_prefix(letter));
        let mut times = lines
            .map(|time| time.trim().parse())
            .collect::<Result<Vec<i64>, _>>()?;
        times.sort_unstable();
        Fallible::Ok(times)
    };
    let (starts, ends) = (of('S')?, of('E')?);
    if starts.len() != ends.len() {
        return Err(format!("{} commands began and {} ended", starts.len(), ends.len()).into());
    }
    Ok(starts
        .into_iter()
        .zip(ends)
        .map(|(start_ns, end_ns)| Ran { start_ns, end_ns })
        .collect())
}

/// `guard` and `flock`.
pub(super) struct Handoff {
    repository: PathBuf,
    /// Ours first.
    sides: [Side; 2],
    rounds: usize,
}

impl Handoff {
    pub(super) fn new(programs: &Rc<Programs>, scratch: &Rc<Scratch>) -> Fallible<Self> {
        let repository = scratch.repository("handoff")?;
        let stamps = ["guard", "flock"].map(|name| scratch.path().join(format!("handoff-{name}")));
        let ours = Side::new(stamps[0].clone(), || {
            let mut command = guard(programs, scratch, &repository, &["--wait"])?;
            command.arg(&programs.stamp).arg(&stamps[0]);
            Ok(command)
        })?;
        let theirs = Side::new(stamps[1].clone(), || {
            let mut command = flock(programs, scratch, &repository)?;
            command.arg(&programs.stamp).arg(&stamps[1]);
            Ok(command)
        })?;
        Ok(Self {
            repository,
            sides: [ours, theirs],
            rounds: 0,
        })
    }
}

impl Row for Handoff {
    fn round(&mut self) -> Fallible<()> {
        self.sides
            .iter_mut()
            .for_each(|side| side.gaps.begin_round());
        for contention in 0..CONTENTIONS {
            let first = (self.rounds + contention) % 2;
            self.sides[first].contend()?;
            self.sides[1 - first].contend()?;
        }
        self.rounds += 1;
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(TITLE);
        let [ours, theirs] = &self.sides;
        let gaps = (&ours.gaps, &theirs.gaps);
        let unit = Unit::Milliseconds;
        section.compare(
            "gap, mean",
            gaps,
            (Statistic::Mean, unit),
            Some(MEAN_RATIO_MAX),
        );
        section.compare(
            "gap, p99",
            gaps,
            (Statistic::P99, unit),
            Some(P99_RATIO_MAX),
        );
        section.compare("gap, median", gaps, (Statistic::Median, unit), None);
        section.never(
            "commands that overlapped",
            ours.overlaps,
            Some(theirs.overlaps),
        );
        let Order {
            queued,
            direct,
            overtaken,
        } = order::read(&self.repository, RESOURCE)?;
        section.never("waiters overtaken, by the audit log", overtaken, None);
        section.notes.push(format!(
            "A gap is from the last stamp of one command to the first of the next, over the stamps of \
             {COMMANDS} commands in a row less the {EDGE} gaps at either end. By the audit log {queued} \
             grants were to waiters and {direct} at once."
        ));
        Ok(section)
    }
}
