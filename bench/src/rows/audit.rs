//! Row 6: what it costs to ask what happened, of a million events.

use super::{Row, millis};
use crate::leases;
use crate::programs::Programs;
use crate::report::{Section, Unit};
use crate::sample::{Sample, Statistic};
use crate::scratch::Scratch;
use crate::{Fallible, process};
use leasehold_core::command::Ask;
use leasehold_core::lease::Holder;
use leasehold_core::limits::Policy;
use leasehold_service::Coordinator;
use leasehold_store::conformance::sample::Draw;
use leasehold_store_file::{FileStore, Options};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

const TITLE: &str = "6. `audit` on 1 000 000 events";
/// Half of them grants, half of them releases.
const EVENTS: usize = 1_000_000;
/// How many resources they are about, in turns.
const NAMES: usize = 100;
/// Of `leasehold version`, where nothing matches.
const RATIO_MAX: f64 = 3.0;
/// Of the lines in the log that match.
const BYTES_PER_CPU_SECOND: u64 = 300_000_000;
/// Per round.
const SHORT_RUNS: usize = 100;
const LONG_RUNS: usize = 3;

/// The questions, and what each costs.
pub(super) struct Audit {
    nothing: (Command, Sample),
    version: (Command, Sample),
    /// All that there is: as JSON, and in words.
    all: [(Command, Sample); 2],
    log_bytes: u64,
    segments: usize,
}

impl Audit {
    pub(super) fn new(programs: &Rc<Programs>, scratch: &Rc<Scratch>) -> Fallible<Self> {
        let directory = scratch.repository("audit")?;
        let root = directory.join(".git/leasehold");
        write_log(&root)?;
        let (mut log_bytes, mut segments) = (0, 0);
        for entry in fs::read_dir(root.join("audit"))? {
            log_bytes += entry?.metadata()?.len();
            segments += 1;
        }
        let call = |words: &[&str]| -> Fallible<(Command, Sample)> {
            let mut command = Command::new(&programs.leasehold);
            process::clean(&mut command).args(words);
            scratch.quiet(command.current_dir(&directory))?;
            // What is measured is the reading: the lines go where they cost nothing.
            command.stdout(File::options().write(true).open("/dev/null")?);
            Ok((command, Sample::default()))
        };
        Ok(Self {
            nothing: call(&["audit", "--since", "0s"])?,
            version: call(&["version"])?,
            all: [
                call(&["audit", "--since", "30d", "--json"])?,
                call(&["audit", "--since", "30d"])?,
            ],
            log_bytes,
            segments,
        })
    }
}

/// Acquires and releases, one after the other, as `guard` does.
fn write_log(root: &Path) -> Fallible<()> {
    let store = FileStore::open(root, Options::default())?;
    let coordinator = Coordinator::new(store, Policy::default());
    let mut ids = Draw::new(6);
    for number in 0..EVENTS / 2 {
        let claim = leases::flat(&format!("name-{}", number % NAMES))?;
        let who = leases::agent(&format!("agent-{}", number % 8));
        let holder = Holder {
            pid: 4242,
            command: "cargo build --release --locked".into(),
        };
        let ask = Ask {
            holder,
            ..Ask::new(ids.id(), who, vec![claim])
        };
        let _released = leases::granted(&coordinator, ask)?.release(&coordinator)?;
    }
    Ok(())
}

impl Row for Audit {
    fn round(&mut self) -> Fallible<()> {
        let short = [&mut self.nothing, &mut self.version];
        let all = short.into_iter().chain(&mut self.all);
        all.for_each(|(_, sample)| sample.begin_round());
        for _ in 0..SHORT_RUNS {
            for (command, sample) in [&mut self.nothing, &mut self.version] {
                sample.add(millis(process::measure(command)?.cpu));
            }
        }
        for _ in 0..LONG_RUNS {
            for (command, sample) in &mut self.all {
                sample.add(millis(process::measure(command)?.cpu));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Fallible<Section> {
        let mut section = Section::new(TITLE);
        section.compare(
            "nothing matches: CPU, other = `leasehold version`",
            (&self.nothing.1, &self.version.1),
            (Statistic::Median, Unit::Milliseconds),
            Some(RATIO_MAX),
        );
        let megabytes = self.log_bytes / 1_000_000;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
        let limit = self.log_bytes as f64 / BYTES_PER_CPU_SECOND as f64 * 1e3;
        for ((_, sample), how) in self.all.iter().zip(["as JSON", "in words"]) {
            let what = format!("all {EVENTS} match, {megabytes} MB, {how}: CPU");
            section.bound(&what, sample, Unit::Milliseconds, Some(limit));
        }
        section.notes.push(format!(
            "The events lie in {} segments; the target is {} MB of their lines per CPU second. The \
             lines go to /dev/null.",
            self.segments,
            BYTES_PER_CPU_SECOND / 1_000_000
        ));
        Ok(section)
    }
}
