//! What a round needs before anybody begins: programs, disks, a boot, namespaces, clocks.

use super::Round;
use crate::Random;
use crate::processes::clock::Clocks;
use crate::processes::drive::Prefix;
use crate::processes::machine::{self, BOOT_ID, SHIFTED};
use crate::processes::{launch, tally, tree};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often it is looked whether a namespace has begun, and for how long: it takes milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(2);
const BEGIN_MAX: Duration = Duration::from_secs(30);

impl Round {
    pub(super) fn furnish(&mut self) -> io::Result<()> {
        let directory = &self.directory;
        for name in ["bin", "out", "plan", "witness", "register", "repo"] {
            fs::create_dir(directory.join(name))?;
        }
        symlink(
            fs::canonicalize(&self.order.binary)?,
            directory.join("bin/leasehold"),
        )?;
        for name in ["w", launch::TRACER] {
            symlink(std::env::current_exe()?, directory.join("bin").join(name))?;
        }
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
            prefixes.push(Prefix {
                name: tally::OTHER_PROCESSES,
                words: self.other_processes()?,
            });
        }
        if self.setting.has_namespaces && self.order.times {
            prefixes.push(Prefix {
                name: tally::OTHER_TIMES,
                words: SHIFTED.map(String::from).to_vec(),
            });
        }
        self.driver.set_prefixes(prefixes);
        if let Some(library) = &self.order.library {
            let random = Random::new(self.order.seed);
            let clocks = Clocks::new(directory, library, random, self.setting.jump_every_ms)?;
            // Where nothing jumps nothing is tested.
            self.report.violations.extend(clocks.prove()?);
            self.driver.clocks = Some(clocks);
        }
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
        let begin = Instant::now();
        while begin.elapsed() < BEGIN_MAX {
            let processes = tree::all()?;
            let is_first =
                |p: &&tree::Process| p.parent.as_raw_nonzero().get().cast_unsigned() == around;
            if let Some(first) = processes.iter().find(is_first) {
                let target = first.pid.as_raw_nonzero().to_string();
                let words = ["nsenter", "--target", &target, "--pid", "--"];
                return Ok(words.map(String::from).to_vec());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(io::Error::other("a PID namespace does not begin"))
    }

    pub(super) fn boot(&self, number: u32) -> io::Result<()> {
        let id = format!(
            "{number:08x}-0000-4000-8000-{:012x}\n",
            self.order.seed & 0xffff_ffff
        );
        fs::write(self.directory.join("boot_id"), id)
    }
}
