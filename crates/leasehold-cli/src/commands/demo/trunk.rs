//! The trunk: agents pull, build, change, commit and push in one clone, and what arrives in the remote
//! repository is judged.

mod repository;
mod verdict;

use self::repository::Repository;
use super::crew::{Crew, Input};
use super::{Shown, Stage, Stop};
use crate::cli::Demo;
use crate::commands::doctor::counted;
use crate::ui;
use leasehold_api::demo::{SceneInfo, TrunkInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("agent.sh");
const STEP: &str = include_str!("step.sh");
/// What agents are called, before their number.
const AGENT: &str = "agent-";
/// How often it is said how far they are.
const LINE: Duration = Duration::from_millis(500);

/// What the agents said.
#[derive(Default)]
struct Heard {
    /// Who has read the list that all change.
    looked: BTreeSet<String>,
    /// The changes that were made and pushed, if all went well.
    done: Vec<String>,
    /// The steps that failed, and how many times each.
    failures: BTreeMap<String, usize>,
}

pub(super) fn run(args: &Demo, stage: &Stage<'_>) -> Result<Shown, Stop> {
    let number = |given: Option<u32>, usual| given.unwrap_or(usual) as usize;
    let (agents, cycles) = (number(args.agents, 3), number(args.cycles, 4));
    let repository = Repository::make(stage.place)?;
    stage.place.write("step.sh", STEP)?;
    let begun = Instant::now();
    let input = match args.no_lock {
        true => Input::Later,
        false => Input::File("/dev/null"),
    };
    let leasehold = match args.no_lock {
        true => OsString::new(),
        false => stage.program.clone().into(),
    };
    let words = [
        OsString::from("agent"),
        cycles.to_string().into(),
        leasehold,
    ];
    let names: Vec<String> = (0..agents)
        .map(|number| format!("{AGENT}{number}"))
        .collect();
    let jobs = names.iter().map(|name| (name.clone(), words.to_vec()));
    let mut crew = Crew::start(stage, input, SCRIPT, jobs)?;
    let (mut heard, mut told, mut last) = (Heard::default(), 0, Instant::now());
    while let Some(lines) = crew.hear()? {
        lines.iter().for_each(|line| heard.add(line));
        // All have read the list before the first of them writes it: so without leases a change is lost,
        // by construction and not by luck.
        let has_looked = |(number, name)| heard.looked.contains(name) || crew.is_gone(number);
        if args.no_lock && names.iter().enumerate().all(has_looked) {
            crew.give(|_| 0)?;
        }
        let (done, of) = (heard.done.len(), agents * cycles);
        if done > told && last.elapsed() >= LINE {
            (told, last) = (done, Instant::now());
            ui::talk(&format!("note: {done} of {of} changes are made"));
        }
    }
    let elapsed = begun.elapsed();
    let end = crew.end()?;
    let judged = verdict::judge(&repository, &heard.done)?;
    let landed = counted(judged.landed, "change");
    let info = TrunkInfo {
        agents,
        cycles,
        landed: judged.landed,
        failures: heard.failures,
        faults: judged.faults.clone(),
    };
    Ok(Shown {
        lines: Vec::new(),
        figures: figures(&info, elapsed),
        faults: judged.faults,
        praise: format!("all of {landed} arrived, once and whole, and what arrived builds"),
        scene: SceneInfo::Trunk(info),
        elapsed,
        turns_killed: 0,
        end,
    })
}

impl Heard {
    fn add(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("looked", agent)) => drop(self.looked.insert(agent.into())),
            Some(("done", change)) => self.done.push(change.into()),
            Some(("failed", step)) => *self.failures.entry(step.into()).or_default() += 1,
            _ => {}
        }
    }
}

fn figures(info: &TrunkInfo, elapsed: Duration) -> String {
    let failures = info.failures.iter();
    let failed: Vec<String> = failures
        .map(|(step, count)| format!("{count} {step}"))
        .collect();
    let failed = match failed.as_slice() {
        [] => "no step failed".to_owned(),
        failed => format!("steps that failed: {}", failed.join(", ")),
    };
    format!(
        "{} by {} in one clone in {:.1}s; {failed}",
        counted(info.agents * info.cycles, "change"),
        counted(info.agents, "agent"),
        elapsed.as_secs_f64(),
    )
}
