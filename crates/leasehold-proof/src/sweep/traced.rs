//! Which cases are run, and the runs of them on all processors.
//!
//! Each case has its own copy of a furnished repository. Afterwards other processes look at it, and try
//! to get what was asked for: see `settle`.

mod case;
mod fault;
mod full;
mod lokt;
mod pairs;
mod scenario;
mod settle;
mod stage;
mod template;
mod tracer;
mod witness;

use self::case::{Case, Ran};
use self::fault::Fault;
use self::scenario::Scenario;
use self::template::{Furniture, Template};
use crate::tracer::call::Call;
use crate::{Budget, Outcome, Random, Violation};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Of how many faults the short run tries one where another tells the same.
const LITTLE_TELLING_EVERY: u64 = 6;
/// Cases at once for each processor: some only wait, for a waiter that nobody called.
const CASES_PER_PROCESSOR: usize = 2;
/// How many are drawn at a time where there is time left.
const PAIRS_AT_ONCE: usize = 2_000;
/// A machine that breaks everything need not say so thousands of times.
const VIOLATIONS_MAX: usize = 40;

pub(crate) fn run(budget: &Budget) -> Outcome {
    let mut outcome = Outcome::default();
    match sweep(budget, &mut outcome) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let what = format!("before any fault: {error}");
            let repeat = repeat(budget);
            outcome.violations.push(Violation { what, repeat });
        }
        Err(error) => outcome.skipped.push(format!("sweep: {error}")),
    }
    outcome.operations = stage::OPERATIONS.load(Relaxed);
    outcome
}

/// The command that runs this layer again.
fn repeat(budget: &Budget) -> String {
    let binary = budget.binary.display();
    format!("cargo run --profile proof -p leasehold-proof -- sweep --binary {binary}")
}

/// The beginnings.
struct Templates(Vec<(Furniture, Template)>);

impl Templates {
    fn new(binary: &Path) -> io::Result<Self> {
        let all = Furniture::ALL.into_iter();
        let all = all.map(|furniture| Ok((furniture, Template::new(binary, furniture)?)));
        all.collect::<io::Result<_>>().map(Self)
    }

    fn of(&self, scenario: &Scenario) -> &Template {
        let mut all = self.0.iter();
        let found = all.find(|(furniture, _)| *furniture == scenario.furniture);
        &found.expect("there is one of each").1
    }
}

fn sweep(budget: &Budget, outcome: &mut Outcome) -> io::Result<()> {
    let binary = find(&budget.binary)?;
    full::run(budget, &binary, outcome);
    let templates = Templates::new(&binary)?;
    let sweeper = Sweeper {
        budget,
        templates: &templates,
    };
    let mut calls = BTreeMap::new();
    for scenario in scenario::ALL {
        let ran = sweeper.look(scenario, outcome)?;
        if budget.is_enough(outcome) {
            return Ok(());
        }
        calls.insert(scenario.name, ran.calls);
    }
    let mut random = Random::new(budget.seed);
    let deadline = budget
        .minutes
        .map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    // Where the time does not do for all, pairs are left out and not single faults.
    for (what, mut cases) in [
        ("single faults", sweeper.single(&calls)),
        ("named pairs", pairs::cases(&calls, budget)),
    ] {
        shuffle(&mut cases, &mut random);
        if budget.brief && budget.only.is_none() {
            cases = budget.sample(cases);
        }
        sweeper.run_all(what, &cases, deadline, outcome);
    }
    while deadline.is_some_and(|deadline| Instant::now() < deadline) {
        let draw = |_| pairs::random(&calls, &mut random);
        let cases: Vec<Planned> = (0..PAIRS_AT_ONCE).map(draw).collect();
        sweeper.run_all("random pairs", &cases, deadline, outcome);
    }
    Ok(())
}

/// Mixes them, so that those that wait long do not all come at once.
fn shuffle(cases: &mut [Planned], random: &mut Random) {
    for last in (1..cases.len()).rev() {
        let other = usize::try_from(random.below(last as u64 + 1)).unwrap_or(0);
        cases.swap(last, other);
    }
}

/// The binary as a path that holds from everywhere.
fn find(binary: &Path) -> io::Result<PathBuf> {
    if binary.components().count() > 1 {
        return binary.canonicalize();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|place| place.join(binary));
    let found = places.find(|file| file.is_file());
    found.ok_or_else(|| io::Error::other("there is no leasehold to be tried; see --binary"))
}

/// A case before its template is known: what was killed before, the verb, its fault.
type Planned = (Option<(&'static Scenario, Fault)>, &'static Scenario, Fault);

struct Sweeper<'a> {
    budget: &'a Budget,
    templates: &'a Templates,
}

impl<'a> Sweeper<'a> {
    fn case(&self, (after, scenario, fault): Planned) -> Case<'a> {
        Case {
            template: self.templates.of(scenario),
            scenario,
            fault,
            after,
        }
    }

    /// A run without a fault, which must be good, and tells the calls.
    fn look(&self, scenario: &'static Scenario, outcome: &mut Outcome) -> io::Result<Ran> {
        let case = self.case((None, scenario, Fault::None));
        let ran = case.run()?;
        self.note(&case, &ran.problems, outcome);
        Ok(ran)
    }

    /// The cases with one fault.
    fn single(&self, calls: &BTreeMap<&str, Vec<Call>>) -> Vec<Planned> {
        let of = |scenario: &'static Scenario| {
            let faults = self.faults(scenario, &calls[scenario.name]);
            faults.into_iter().map(move |fault| (None, scenario, fault))
        };
        scenario::ALL.iter().flat_map(of).collect()
    }

    /// Every fault of a verb. In the short run those that tell little, and those of verbs that change
    /// little, are tried once in a few times, from an offset of the seed.
    fn faults(&self, scenario: &Scenario, calls: &[Call]) -> Vec<Fault> {
        let is_whole = self.budget.minutes.is_some() || self.budget.only.is_some();
        let mut random = Random::new(self.budget.seed);
        let mut faults = fault::all(calls);
        faults.retain(|fault| {
            let telling = if fault::is_telling(*fault, calls) {
                1
            } else {
                LITTLE_TELLING_EVERY
            };
            is_whole || random.one_in(scenario.every() * telling)
        });
        faults
    }

    fn is_wanted(&self, planned: Planned) -> bool {
        let only = self.budget.only.as_deref();
        only.is_none_or(|only| self.case(planned).name().contains(only))
    }

    fn run_all(
        &self,
        what: &str,
        cases: &[Planned],
        deadline: Option<Instant>,
        outcome: &mut Outcome,
    ) {
        let wanted = cases
            .iter()
            .copied()
            .filter(|planned| self.is_wanted(*planned));
        let cases: Vec<Planned> = wanted.collect();
        let [next, missed, left] = [const { AtomicUsize::new(0) }; 3];
        let found = Mutex::new(outcome);
        let work = || {
            while let Some(planned) = cases.get(next.fetch_add(1, Relaxed)) {
                if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                    left.fetch_add(1, Relaxed);
                    continue;
                }
                let case = self.case(*planned);
                let ran = case.run();
                let mut outcome = found
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                outcome.faults += 1;
                match ran {
                    Ok(ran) => {
                        missed.fetch_add(usize::from(!ran.was_hit), Relaxed);
                        self.note(&case, &ran.problems, &mut outcome);
                        if self.budget.is_enough(&outcome) {
                            break;
                        }
                    }
                    Err(error) => outcome.skipped.push(format!("{}: {error}", case.name())),
                }
            }
        };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..processors * CASES_PER_PROCESSOR {
                scope.spawn(work);
            }
        });
        let outcome = found
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (missed, left) = (missed.into_inner(), left.into_inner());
        outcome.faults -= missed as u64;
        let count = cases.len() - left;
        outcome.notes.push(format!(
            "{count} {what}, {left} for another time; in {missed} the verb ended before the fault"
        ));
    }

    fn note(&self, case: &Case<'_>, problems: &[String], outcome: &mut Outcome) {
        if problems.is_empty() || outcome.violations.len() >= VIOLATIONS_MAX {
            return;
        }
        let name = case.name();
        let what = format!("{name}: {}", problems.join("; "));
        let repeat = format!("{} --only '{name}'", repeat(self.budget));
        outcome.violations.push(Violation { what, repeat });
    }
}
