//! What a run prints: each layer's findings as it ends, and a table of all at the end.

use crate::{Layer, Outcome};
use std::fmt::Write as _;
use std::time::Duration;

/// The layers that have run.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    layer: Layer,
    operations: u64,
    faults: u64,
    violations: usize,
    took: Duration,
}

impl Report {
    /// Takes a layer in; returns what is to be said of it.
    #[must_use]
    pub fn add(&mut self, layer: Layer, outcome: &Outcome, took: Duration) -> String {
        let mut text = format!(
            "{}: {} in {:.1} s\n",
            layer.name(),
            match outcome.violations.len() {
                0 => "no violation".to_owned(),
                count => format!("{count} VIOLATIONS"),
            },
            took.as_secs_f64()
        );
        for note in &outcome.notes {
            let _ = writeln!(text, "    {note}");
        }
        for skipped in &outcome.skipped {
            let _ = writeln!(text, "    SKIPPED: {skipped}");
        }
        for violation in &outcome.violations {
            let _ = writeln!(text, "    VIOLATION: {}", violation.what);
            let _ = writeln!(text, "    repeat with: {}", violation.repeat);
        }
        self.rows.push(Row {
            layer,
            operations: outcome.operations,
            faults: outcome.faults,
            violations: outcome.violations.len(),
            took,
        });
        text
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.violations == 0)
    }

    /// Returns the table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<12} {:>12} {:>10} {:>10} {:>15} {:>8}\n",
            "layer", "operations", "faults", "violations", "planted caught", "seconds"
        );
        for row in &self.rows {
            let caught = match row.layer {
                Layer::Planted => {
                    let missed = u64::try_from(row.violations).unwrap_or(u64::MAX);
                    format!("{} of {}", row.faults.saturating_sub(missed), row.faults)
                }
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                "{:<12} {:>12} {:>10} {:>10} {:>15} {:>8.1}",
                row.layer.name(),
                row.operations,
                row.faults,
                row.violations,
                caught,
                row.took.as_secs_f64()
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Violation;

    #[test]
    fn a_violation_is_said_and_counted() {
        let mut report = Report::default();
        let good = Outcome {
            operations: 5,
            faults: 2,
            ..Outcome::default()
        };
        let text = report.add(Layer::Fuzz, &good, Duration::from_secs(1));
        assert_eq!(text, "fuzz: no violation in 1.0 s\n");
        assert!(report.is_good());
        let survivor = Violation {
            what: "it survived".into(),
            repeat: "planted --seed 1".into(),
        };
        let bad = Outcome {
            violations: vec![survivor],
            ..good
        };
        let text = report.add(Layer::Planted, &bad, Duration::from_secs(1));
        assert!(text.contains("VIOLATION: it survived\n    repeat with: planted --seed 1"));
        assert!(!report.is_good());
        assert!(report.table().lines().last().unwrap().contains("1 of 2"));
    }
}
