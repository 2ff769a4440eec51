//! One round, in a process of its own: it may have mounts of its own, it is the parent of all that is
//! left behind, and nothing of it outlives it.

use super::check;
use super::drive::Driver;
use super::history::{self, Deed, What};
use super::launch;
use super::machine::{self, BOOT_ID, SHIFTED};
use super::setting::{ROUNDS, Setting};
use super::story::Story;
use super::tree;
use crate::Random;
use rustix::process::{Signal, set_child_subreaper};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a round found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) operations: u64,
    pub(super) faults: u64,
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
    /// Whether it may have others in namespaces of their own.
    pub(super) processes: bool,
    pub(super) times: bool,
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
    let order: Order = serde_json::from_slice(&fs::read(directory.join("order.json"))?)?;
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
    round.report.faults += round.driver.nemesis.deeds;
    Ok(round.report)
}

impl Round {
    fn furnish(&mut self) -> io::Result<()> {
        let directory = &self.directory;
        for name in ["bin", "out", "plan", "witness", "register", "repo"] {
            fs::create_dir(directory.join(name))?;
        }
        symlink(
            fs::canonicalize(&self.order.binary)?,
            directory.join("bin/leasehold"),
        )?;
        symlink(std::env::current_exe()?, directory.join("bin/w"))?;
        let repository = launch::repository(directory);
        if self.setting.has_small_disk {
            machine::mount_small_disk(&repository).map_err(io::Error::other)?;
        }
        if self.setting.boots > 1 {
            self.boot(1)?;
            let file = directory.join("boot_id").display().to_string();
            machine::run(&["mount", "--bind", &file, BOOT_ID]).map_err(io::Error::other)?;
        }
        let repository = repository.display().to_string();
        machine::run(&["git", "init", "--quiet", &repository]).map_err(io::Error::other)?;
        let mut prefixes = Vec::new();
        if self.setting.has_namespaces && self.order.processes {
            prefixes.push(self.other_processes()?);
        }
        if self.setting.has_namespaces && self.order.times {
            prefixes.push(SHIFTED.map(String::from).to_vec());
        }
        self.driver.set_prefixes(prefixes);
        Ok(())
    }

    /// Begins a PID namespace, and returns how to enter it.
    fn other_processes(&self) -> io::Result<Vec<String>> {
        let mut first = Command::new("unshare");
        first.args(["--pid", "--fork", "--kill-child", "--", "sleep", "600"]);
        let around = first
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?
            .id();
        for _ in 0..1_000 {
            let processes = tree::all()?;
            let is_first =
                |p: &&tree::Process| p.parent.as_raw_nonzero().get().cast_unsigned() == around;
            if let Some(first) = processes.iter().find(is_first) {
                let target = first.pid.as_raw_nonzero().to_string();
                let words = ["nsenter", "--target", &target, "--pid", "--"];
                return Ok(words.map(String::from).to_vec());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(io::Error::other("a PID namespace does not begin"))
    }

    fn boot(&self, number: u32) -> io::Result<()> {
        let id = format!(
            "{number:08x}-0000-4000-8000-{:012x}\n",
            self.order.seed & 0xffff_ffff
        );
        fs::write(self.directory.join("boot_id"), id)
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
            self.report.faults += 1;
        }
        self.driver.work(length / self.setting.boots)?;
        self.driver.drain()?;
        Ok(())
    }

    fn go_on_small_disk(&mut self, length: Duration) -> io::Result<()> {
        for _ in 0..2 {
            self.driver.work(length / 6)?;
            self.deed(Deed::FillDisk)?;
            self.fill()?;
            self.driver.work(length / 6)?;
            self.deed(Deed::FreeDisk)?;
            fs::remove_file(self.ballast())?;
        }
        self.driver.work(length / 6)?;
        if !self.driver.drain()? {
            return Ok(());
        }
        self.deed(Deed::ReadOnly)?;
        let repository = launch::repository(&self.directory);
        match machine::remount(&repository, "ro") {
            Ok(()) => {
                self.look_at_read_only()?;
                machine::remount(&repository, "rw").map_err(io::Error::other)?;
            }
            Err(why) => self
                .report
                .skipped
                .push(format!("processes: a read-only disk: {why}")),
        }
        self.deed(Deed::Writable)?;
        self.driver.work(length / 6)?;
        self.driver.drain()?;
        Ok(())
    }

    fn deed(&mut self, deed: Deed) -> io::Result<()> {
        self.report.faults += 1;
        history::append(&self.directory, 0, What::Deed { deed })
    }

    fn ballast(&self) -> PathBuf {
        launch::repository(&self.directory).join("ballast")
    }

    /// Fills the disk to the last byte.
    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(self.ballast())?;
        for size in [65_536, 4_096, 512, 1] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
        Ok(())
    }

    /// On a disk that cannot be written to, asking fails clearly and looking works.
    fn look_at_read_only(&mut self) -> io::Result<()> {
        for (line, code) in [
            ("guard build -- true", 1),
            ("lock build", 1),
            ("status", 0),
            ("exists nothing", 3),
        ] {
            let found = self.run(line)?;
            if found != Some(code) {
                let text = format!("on a read-only disk `{line}` ends with {found:?}, not {code}");
                self.report.violations.push(text);
            }
        }
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
        let mut said = check::end::settle(&self.directory, |line| self.run(line));
        self.report.violations.append(&mut said);
        let story = Story::read(&self.directory, self.setting, self.driver.stall)?;
        self.report.violations.extend(check::all(&story));
        self.report.operations += story.ended();
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
