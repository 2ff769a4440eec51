//! `leasehold demo`: what goes wrong without leases, and that it does not with them, shown with real
//! processes of this very program.
//!
//! * `hexwall`, `trunk`: the scenes. Their workers are shell scripts beside them, as anybody would write
//!   them; `brick` is what a worker does to the `wall`.
//! * `crew`: workers as processes, and their end; `place`: the directory that all is done in.
//! * `order`: whether anybody was overtaken; `screen`: a wall that grows in place.

mod brick;
mod crew;
mod hexwall;
mod order;
mod place;
mod screen;
mod trunk;
mod wall;

use self::crew::End;
use self::place::{Place, failure};
use super::doctor;
use crate::answer::{self, Told};
use crate::cli::{Demo, Scene};
use crate::error::CliError;
use crate::message;
use crate::process::Signals;
use leasehold_api::code::Code;
use leasehold_api::demo::{DemoInfo, SceneInfo, Verdict};
use leasehold_api::outcome::Outcome;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

const VERB: &str = "demo";
/// How many complaints of workers are passed on.
const COMPLAINTS_TOLD: usize = 3;

/// What a scene is played on.
struct Stage<'a> {
    place: &'a Place,
    signals: &'a Signals,
    /// This program.
    program: PathBuf,
}

/// A scene that was played to its end.
struct Shown {
    scene: SceneInfo,
    /// What there is to see.
    lines: Vec<String>,
    /// How much of it, how fast.
    figures: String,
    /// What is wrong with what was made.
    faults: Vec<String>,
    /// What to say where nothing is.
    praise: String,
    elapsed: Duration,
    turns_killed: usize,
    end: End,
}

/// Why a scene was not played to its end.
enum Stop {
    /// A signal came; this is the exit code.
    Signal(u8),
    Error(CliError),
}

impl From<CliError> for Stop {
    fn from(error: CliError) -> Self {
        Self::Error(error)
    }
}

pub(crate) fn run(args: &Demo) -> u8 {
    if args.scene == Scene::Brick {
        return match brick::lay() {
            Ok(code) => code,
            Err(error) => super::tell(VERB, false, Err::<Told, _>(error)),
        };
    }
    super::tell(VERB, args.json, play(args))
}

fn play(args: &Demo) -> Result<Told, CliError> {
    check(args)?;
    let signals = Signals::install().map_err(|error| failure("cannot take signals", &error))?;
    let program = env::current_exe().map_err(|error| failure("this program", &error))?;
    let place = Place::make(args)?;
    let stage = Stage {
        place: &place,
        signals: &signals,
        program,
    };
    let shown = match args.scene {
        Scene::Trunk => trunk::run(args, &stage),
        Scene::Hexwall | Scene::Brick => hexwall::run(args, &stage),
    };
    match shown {
        // Nothing is said of leases by a wall that could not be built.
        Ok(shown) if !args.no_lock && !shown.faults.is_empty() && !shown.end.failed.is_empty() => {
            let number = doctor::counted(shown.end.failed.len(), "worker");
            let complaints = shown.end.complaints();
            let why = complaints.first().unwrap_or(&"nobody said why");
            let why = why.trim_start_matches("error: ");
            Err(CliError::new(
                Code::Error,
                format!("{number} gave up: {why}"),
            ))
        }
        Ok(shown) => Ok(told(args, &place, shown)),
        Err(Stop::Error(error)) => Err(error),
        Err(Stop::Signal(code)) => Ok(Told::from(Outcome {
            exit: code,
            ..answer::outcome(
                VERB,
                Code::Interrupted,
                "interrupted; all workers are stopped",
            )
        })),
    }
}

/// Refuses flags of the other scene.
fn check(args: &Demo) -> Result<(), CliError> {
    let wall = [
        ("--workers", args.workers),
        ("--rows", args.rows),
        ("--cols", args.cols),
    ];
    let trunk = [("--agents", args.agents), ("--cycles", args.cycles)];
    let (foreign, scene): (&[_], _) = match args.scene {
        Scene::Trunk => (&wall, "hexwall"),
        Scene::Hexwall | Scene::Brick => (&trunk, "trunk"),
    };
    match foreign
        .iter()
        .find_map(|(flag, value)| Some((flag, (*value)?)))
    {
        None => Ok(()),
        Some((flag, value)) => Err(CliError::usage(format!(
            "{flag} {value} is for {scene}: leasehold demo {scene} {flag} {value}"
        ))),
    }
}

/// Judges, and says so. With leases nothing may be wrong; without, whatever comes was asked for.
fn told(args: &Demo, place: &Place, shown: Shown) -> Told {
    let (verdict, code, text) = match (shown.faults.is_empty(), args.no_lock) {
        (true, false) => (Verdict::Clean, Code::Ok, format!("CLEAN: {}", shown.praise)),
        (true, true) => {
            let text = format!("CLEAN, though without leases: {}", shown.praise);
            (Verdict::Clean, Code::Ok, text)
        }
        (false, false) => {
            let text = format!("BROKEN: {}", shown.faults.join(", "));
            (Verdict::Broken, Code::Error, text)
        }
        (false, true) => {
            let faults = shown.faults.join(", ");
            let text = format!("BROKEN, as is to be expected without leases: {faults}");
            (Verdict::Broken, Code::Ok, text)
        }
    };
    let mut lines = shown.lines;
    lines.push(shown.figures);
    lines.extend(place.kept().map(|path| format!("kept in {path}")));
    lines.push(format!("verdict: {text}"));
    let (flag, other) = match args.no_lock {
        true => ("", "with leases"),
        false => (" --no-lock", "without leases"),
    };
    let scene = match args.scene {
        Scene::Trunk => " trunk",
        Scene::Hexwall | Scene::Brick => "",
    };
    let outcome = Outcome {
        hints: vec![format!(
            "see it {other}: {}{scene}{flag}",
            message::called("demo")
        )],
        notes: notes(&shown.end, shown.turns_killed, verdict),
        demo: Some(DemoInfo {
            leases: !args.no_lock,
            verdict,
            elapsed_ms: u64::try_from(shown.elapsed.as_millis()).unwrap_or(u64::MAX),
            workers_killed: shown.end.killed.len(),
            turns_killed: shown.turns_killed,
            directory: place.kept(),
            scene: shown.scene,
        }),
        ..answer::outcome(VERB, code, text)
    };
    Told { outcome, lines }
}

fn notes(end: &End, turns_killed: usize, verdict: Verdict) -> Vec<String> {
    let killed = end.killed.iter();
    let killed = killed.map(|name| format!("{name} was killed"));
    let failed = end.failed.iter().map(|name| format!("{name} gave up"));
    let turns = doctor::counted(turns_killed, "turn");
    let again = (turns_killed > 0).then(|| format!("killed: {turns}; the next did its work"));
    // Why it is broken, in the words of those who saw it break.
    let are_told = verdict == Verdict::Broken || !end.failed.is_empty();
    let complaints = end.complaints().into_iter().filter(|_| are_told);
    let complaints = complaints.map(|line| format!("a worker was told: {line}"));
    let notes = killed.chain(failed).chain(again);
    notes.chain(complaints.take(COMPLAINTS_TOLD)).collect()
}
