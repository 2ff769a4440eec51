//! How often the nemesis did what.

use super::history::Deed;
use super::machine::Machine;
use std::collections::BTreeMap;

/// What is entered that no deed tells: how an operation was started.
pub(super) const OTHER_PROCESSES: &str = "start in another PID namespace";
pub(super) const OTHER_TIMES: &str = "start in another time namespace";

/// What looks after the workspace.
pub(super) const UPKEEP: &str = "gc and repair";

/// Counts by what was done.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(super) fn add(&mut self, deeds: &BTreeMap<String, u64>) {
        for (deed, count) in deeds {
            *self.0.entry(deed.clone()).or_default() += count;
        }
    }

    /// One line about all.
    pub(super) fn line(&self) -> String {
        let counts = self.0.iter().map(|(deed, count)| format!("{deed} {count}"));
        format!("nemesis: {}", counts.collect::<Vec<_>>().join(", "))
    }

    /// What should have been done on this machine, and was not once.
    pub(super) fn undone(&self, machine: &Machine, has_clocks: bool) -> Vec<&'static str> {
        let expected = [
            ("kill guard", true),
            ("kill command", true),
            ("stop guard", true),
            ("stop command", true),
            ("continue", true),
            (UPKEEP, true),
            ("fill disk", machine.small_disk.is_ok()),
            ("free disk", machine.small_disk.is_ok()),
            ("read-only disk", machine.small_disk.is_ok()),
            ("boot", machine.fake_boot.is_ok()),
            (OTHER_PROCESSES, machine.processes.is_ok()),
            (OTHER_TIMES, machine.times.is_ok()),
            ("jump of a wall clock", has_clocks),
            ("slow call", machine.tracing.is_ok()),
            ("failing call", machine.tracing.is_ok()),
        ];
        let is_undone = |(deed, is_possible): &(&str, bool)| {
            *is_possible && self.0.get(*deed).is_none_or(|count| *count == 0)
        };
        let undone = expected.into_iter().filter(is_undone);
        undone.map(|(deed, _)| deed).collect()
    }
}

impl Deed {
    /// The word for it in a tally.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::KillGuard => "kill guard",
            Self::KillCommand => "kill command",
            Self::StopGuard => "stop guard",
            Self::StopCommand => "stop command",
            Self::Continue => "continue",
            Self::FillDisk => "fill disk",
            Self::FreeDisk => "free disk",
            Self::ReadOnly => "read-only disk",
            Self::Writable => "writable disk",
            Self::Boot => "boot",
            Self::Jump { .. } => "jump of a wall clock",
            Self::Slow { .. } => "slow call",
            Self::Fail { .. } => "failing call",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(can: bool) -> Machine {
        let result = || if can { Ok(()) } else { Err(String::new()) };
        Machine {
            mounts: Ok(Vec::new()),
            small_disk: result(),
            fake_boot: result(),
            processes: result(),
            times: result(),
            tracing: result(),
        }
    }

    #[test]
    fn what_was_never_done_is_told_where_it_could_be_done() {
        let mut tally = Tally::default();
        let kills = [
            "kill guard",
            "kill command",
            "stop guard",
            "stop command",
            "continue",
            UPKEEP,
        ];
        tally.add(&kills.map(|deed| (deed.to_owned(), 1)).into());
        assert_eq!(tally.undone(&machine(false), false), [""; 0]);
        assert_eq!(
            tally.undone(&machine(false), true),
            ["jump of a wall clock"]
        );
        assert_eq!(tally.undone(&machine(true), false).len(), 8);
    }
}
