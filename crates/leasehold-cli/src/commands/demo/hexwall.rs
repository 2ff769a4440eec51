//! The wall: workers lay brick after brick on one wall, and the wall is judged brick by brick.

mod verdict;

use super::crew::{Crew, Input};
use super::place::{Place, failure};
use super::screen::Screen;
use super::wall::{FILE, Wall};
use super::{Shown, Stage, Stop, order};
use crate::cli::Demo;
use crate::commands::doctor::counted;
use crate::error::CliError;
use leasehold_api::demo::{HexwallInfo, SceneInfo};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::time::{Duration, Instant};

/// What workers are called, before their number.
pub(super) const WORKER: &str = "worker-";
/// What they hold while they lay a brick.
const LEASE: &str = "demo:hexwall";
const SCRIPT: &str = include_str!("worker.sh");

/// What the workers said.
#[derive(Default)]
struct Heard {
    /// Who has looked at the wall.
    looked: BTreeSet<usize>,
    /// Who laid a brick where, the first one first.
    laid: Vec<(usize, usize)>,
    /// How many turns were cut short.
    again: usize,
}

pub(super) fn run(args: &Demo, stage: &Stage<'_>) -> Result<Shown, Stop> {
    let size = |given: Option<u32>, usual| given.unwrap_or(usual) as usize;
    let wall = Wall::new(size(args.rows, 16), size(args.cols, 32));
    let workers = size(args.workers, 8);
    stage.place.write(FILE, &wall.text())?;
    let mut screen = Screen::new(&wall, args.json);
    let begun = Instant::now();
    // With leases there are bricks without end. Without, as many as there are places: one that is lost
    // leaves a hole.
    let input = match args.no_lock {
        true => Input::Later,
        false => Input::File("/dev/zero"),
    };
    let jobs = (0..workers).map(|number| (format!("{WORKER}{number}"), turn(args, stage)));
    let mut crew = Crew::start(stage, input, SCRIPT, jobs)?;
    let mut heard = Heard::default();
    while let Some(lines) = crew.hear()? {
        lines.iter().for_each(|line| heard.add(line));
        // The first bricks are handed out when everybody has seen the empty wall. So without leases all
        // lay their first brick on the same place: by construction, not by luck.
        if args.no_lock && (0..workers).all(|n| heard.looked.contains(&n) || crew.is_gone(n)) {
            let places = wall.places.len();
            crew.give(|number| (places + number) / workers)?;
        }
        screen.show(heard.laid.len(), wall.places.len(), || {
            read(stage.place).ok()
        });
    }
    let elapsed = begun.elapsed();
    let end = crew.end()?;
    let wall = read(stage.place)?;
    let (info, marked) = verdict::judge(&wall, &heard.laid);
    let per_worker = |worker| heard.laid.iter().filter(|laid| laid.0 == worker).count();
    let overtaken = (!args.no_lock).then(|| order::overtaken(&stage.place.root()));
    let info = HexwallInfo {
        bricks: (0..workers).map(per_worker).collect(),
        handoffs_per_second: (heard.laid.len() as f64 / elapsed.as_secs_f64()) as u64,
        overtaken: overtaken.transpose()?,
        ..info
    };
    let places = wall.places.len();
    Ok(Shown {
        lines: screen.finish(&wall, &marked),
        figures: figures(&info, elapsed),
        faults: verdict::faults(&info),
        praise: format!("all {places} places have the brick that belongs there, laid once"),
        scene: SceneInfo::Hexwall(info),
        elapsed,
        turns_killed: heard.again,
        end,
    })
}

impl Heard {
    fn add(&mut self, line: &str) {
        let mut words = line.split(' ');
        let what = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse().ok());
        match (what, number(), number()) {
            ("looked", Some(worker), _) => drop(self.looked.insert(worker)),
            ("laid", Some(worker), Some(place)) => self.laid.push((worker, place)),
            ("again", ..) => self.again += 1,
            _ => {}
        }
    }
}

/// The words of one worker: its `$0`, then what it does at each turn.
fn turn(args: &Demo, stage: &Stage<'_>) -> Vec<OsString> {
    let program = stage.program.as_os_str();
    let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    let mut turn = words("worker");
    if !args.no_lock {
        turn.push(program.into());
        turn.extend(words(&format!("guard {LEASE} --wait --")));
    }
    turn.push(program.into());
    turn.extend(words("demo brick"));
    turn
}

fn read(place: &Place) -> Result<Wall, CliError> {
    let path = place.path().join(FILE);
    let text = fs::read_to_string(&path).map_err(|error| failure(path.display(), &error))?;
    // Only torn, which no single write of the workers leaves.
    Wall::parse(&text)
        .ok_or_else(|| failure(path.display(), &std::io::ErrorKind::InvalidData.into()))
}

fn figures(info: &HexwallInfo, elapsed: Duration) -> String {
    let total: usize = info.bricks.iter().sum();
    let (least, most) = (info.bricks.iter().min(), info.bricks.iter().max());
    let overtaken = match info.overtaken {
        None => "without leases",
        Some(0) => "nobody was overtaken",
        Some(_) => "some were overtaken",
    };
    format!(
        "{total} bricks by {} in {:.2}s: {} a second, {} to {} by each; {overtaken}",
        counted(info.bricks.len(), "worker"),
        elapsed.as_secs_f64(),
        info.handoffs_per_second,
        least.unwrap_or(&0),
        most.unwrap_or(&0),
    )
}
