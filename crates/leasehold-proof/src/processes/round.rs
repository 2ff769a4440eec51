//! One round, in a process of its own: it may have mounts of its own, it is the parent of all that is
//! left behind, and nothing of it outlives it.

mod disk;
mod furnish;
pub(super) mod upkeep;

use super::check;
use super::drive::Driver;
use super::history::{self, Deed, What};
use super::launch;
use super::machine;
use super::setting::{ROUNDS, Setting};
use super::story::Story;
use super::tree;
use crate::Random;
use rustix::process::{Signal, set_child_subreaper};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a round found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) operations: u64,
    /// How often the nemesis did what.
    pub(super) deeds: BTreeMap<String, u64>,
    pub(super) violations: Vec<String>,
    pub(super) skipped: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// What a round is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) binary: PathBuf,
    /// The library that moves wall clocks, where they are to be moved.
    pub(super) library: Option<PathBuf>,
    /// Whether it may have others in namespaces of their own.
    pub(super) processes: bool,
    pub(super) times: bool,
}

impl Order {
    /// Reads the order of the round in a directory.
    pub(super) fn read(directory: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(
            directory.join("order.json"),
        )?)?)
    }
}

/// Runs the round that a directory has the order for, and leaves the report there.
pub(super) fn run(directory: &str) -> u8 {
    let directory = Path::new(directory);
    match round(directory).and_then(|report| {
        let text = serde_json::to_vec(&report)?;
        fs::write(directory.join("report.json"), text)
    }) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

struct Round {
    directory: PathBuf,
    setting: Setting,
    order: Order,
    driver: Driver,
    report: Report,
}

fn round(directory: &Path) -> io::Result<Report> {
    let order = Order::read(directory)?;
    let setting = ROUNDS.into_iter().find(|round| round.name == order.name);
    let setting = setting.ok_or_else(|| io::Error::other("there is no such round"))?;
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let driver = Driver::new(directory, setting, order.seed);
    let mut round = Round {
        directory: directory.into(),
        setting,
        order,
        driver,
        report: Report::default(),
    };
    round.furnish()?;
    let ran = round.go();
    let judged = ran.and_then(|()| round.judge());
    round.keep_nothing()?;
    judged?;
    Ok(round.report)
}

impl Round {
    fn deed(&mut self, deed: Deed) -> io::Result<()> {
        history::append(&self.directory, 0, What::Deed { deed })
    }

    fn go(&mut self) -> io::Result<()> {
        let length = self.setting.length;
        if self.setting.has_small_disk {
            return self.go_on_small_disk(length);
        }
        for number in 1..self.setting.boots {
            self.driver.work(length / self.setting.boots)?;
            self.driver.kill_all()?;
            self.boot(number + 1)?;
        }
        self.driver.work(length / self.setting.boots)?;
        self.driver.drain()?;
        Ok(())
    }

    /// Runs a verb of somebody who takes no part.
    fn run(&self, line: &str) -> io::Result<Option<i32>> {
        let binary = self.directory.join("bin/leasehold");
        let mut command = Command::new(binary);
        let who = history::Who {
            owner: Some("zoe".into()),
            session: None,
        };
        launch::environment(&mut command, &self.directory, &who);
        let clocks = self.driver.clocks.iter();
        clocks.for_each(|clocks| clocks.put_into(&mut command, 0));
        command
            .args(line.split(' '))
            .current_dir(launch::repository(&self.directory))
            .stdin(Stdio::null())
            .stdout(File::create(self.directory.join("last.out"))?)
            .stderr(File::create(self.directory.join("last.err"))?);
        Ok(command.spawn()?.wait()?.code())
    }

    fn judge(&mut self) -> io::Result<()> {
        if !self.driver.problems.is_empty() {
            self.report.violations.append(&mut self.driver.problems);
            self.run("status")?;
            let state = fs::read_to_string(self.directory.join("last.out"))?;
            self.report
                .violations
                .push(format!("the state then: {state}"));
            self.driver.kill_all()?;
        }
        if let Some(upkeep) = &mut self.driver.upkeep {
            self.report.violations.append(&mut upkeep.problems);
            upkeep.put_back()?;
        }
        let mut said = check::end::settle(&self.directory, |line| self.run(line));
        self.report.violations.append(&mut said);
        let story = Story::read(&self.directory, self.setting, self.driver.stall)?;
        self.report.violations.extend(check::all(&story));
        self.report.operations += story.ended();
        self.report.deeds = self.driver.deeds(&story);
        self.report
            .notes
            .push(format!("{}: {}", self.setting.name, story.summary()));
        Ok(())
    }

    /// Ends whatever this round has left, and saves what would be gone with its mounts.
    fn keep_nothing(&mut self) -> io::Result<()> {
        if !self.report.violations.is_empty() && self.setting.has_small_disk {
            let (from, to) = (launch::root(&self.directory), self.directory.join("saved"));
            machine::run(&[
                "cp",
                "-r",
                &from.display().to_string(),
                &to.display().to_string(),
            ])
            .map_err(io::Error::other)?;
        }
        for process in tree::all()? {
            if let Some(handle) = process.handle() {
                handle.send(Signal::KILL);
            }
        }
        Ok(())
    }
}

/// The seed of a round, from that of the run.
pub(super) fn seed_of(seed: u64, round: usize) -> u64 {
    let mut random = Random::new(seed);
    (0..=round).fold(0, |_, _| random.number())
}
