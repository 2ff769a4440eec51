//! Starting a round in a process of its own, and taking what it reports.

use super::ROUND;
use super::dynamic::Dynamic;
use super::machine::Machine;
use super::round::{Order, Report, seed_of};
use super::setting::Setting;
use crate::{Budget, Outcome, Violation};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// A round to be started.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) budget: &'a Budget,
    pub(super) machine: &'a Machine,
    pub(super) setting: Setting,
    pub(super) seed: u64,
    /// Its place among all rounds.
    pub(super) at: usize,
    pub(super) dynamic: Option<&'a Dynamic>,
}

/// What a round found, and how often the nemesis did what.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) outcome: Outcome,
    pub(super) deeds: BTreeMap<String, u64>,
}

impl Start<'_> {
    /// Runs it to its end.
    pub(super) fn run(&self) -> io::Result<Found> {
        let place = tempfile::Builder::new()
            .prefix("leasehold-proof-")
            .tempdir()?;
        let order = self.order()?;
        fs::write(place.path().join("order.json"), serde_json::to_vec(&order)?)?;
        let mut report = self.report(place.path())?;
        if !report.violations.is_empty() {
            let kept = place.keep();
            let kept = format!("the directory is kept: {}", kept.display());
            report.violations.push(kept);
        }
        let (name, seed) = (self.setting.name, self.seed);
        let violation = |what: String| Violation {
            what: format!("seed {seed}, round {name}: {what}"),
            repeat: repeat(self.budget, seed, Some(name)),
        };
        let outcome = Outcome {
            operations: report.operations,
            faults: report.deeds.values().sum(),
            violations: report.violations.into_iter().map(violation).collect(),
            skipped: report.skipped,
            notes: report.notes,
        };
        Ok(Found {
            outcome,
            deeds: report.deeds,
        })
    }

    fn order(&self) -> io::Result<Order> {
        let dynamic = self.dynamic.filter(|_| self.setting.jump_every_ms > 0);
        if dynamic.is_none() && self.setting.jump_every_ms > 0 {
            let why = "there is no program whose clock can jump";
            return Err(io::Error::other(why));
        }
        let binary = dynamic.map_or(&self.budget.binary, |dynamic| &dynamic.binary);
        Ok(Order {
            name: self.setting.name.into(),
            seed: seed_of(self.seed, self.at),
            binary: fs::canonicalize(binary)?,
            library: dynamic.map(|dynamic| dynamic.library.clone()),
            processes: self.machine.processes.is_ok(),
            times: self.machine.times.is_ok(),
        })
    }

    fn report(&self, place: &Path) -> io::Result<Report> {
        let setting = self.setting;
        let needs_mounts = setting.has_small_disk || setting.boots > 1 || setting.has_namespaces;
        let mut words: Vec<String> = match (&self.machine.mounts, needs_mounts) {
            (Ok(prefix), true) => prefix.clone(),
            _ => Vec::new(),
        };
        words.push(std::env::current_exe()?.display().to_string());
        words.extend([ROUND.into(), place.display().to_string()]);
        let output = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()?;
        let report = fs::read(place.join("report.json"));
        let report = report
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(report.unwrap_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            let status = output.status;
            let what = format!("the round did not come to its end ({status}): {said}");
            Report {
                violations: vec![what],
                ..Report::default()
            }
        }))
    }
}

/// The command that shows it again.
pub(super) fn repeat(budget: &Budget, seed: u64, only: Option<&str>) -> String {
    let binary = budget.binary.display();
    let only = only.map_or_else(String::new, |name| format!(" --only {name}"));
    format!(
        "cargo run --profile proof -p leasehold-proof -- processes --binary {binary} --seed {seed}{only}"
    )
}
