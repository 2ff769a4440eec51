//! The report, in Markdown.

use crate::machine::Machine;
use crate::sample::{Ratio, Sample, Statistic};
use std::fmt::Write as _;

/// In what a sample is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Nanoseconds,
}

/// What one row of the targets came out at.
#[derive(Debug, Default)]
pub(crate) struct Section {
    /// The number and the text of the row.
    pub(crate) title: String,
    lines: Vec<Line>,
    /// What does not fit into a table.
    pub(crate) notes: Vec<String>,
}

/// One line of the table.
#[derive(Debug)]
struct Line {
    what: String,
    ours: String,
    other: String,
    ratio: String,
    target: String,
    verdict: &'static str,
}

impl Section {
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Adds two samples, and whether ours is within `limit` times the other.
    pub(crate) fn compare(
        &mut self,
        what: &str,
        (ours, other): (&Sample, &Sample),
        (statistic, unit): (Statistic, Unit),
        limit: Option<f64>,
    ) {
        let ratio = Ratio::of(ours, other, statistic);
        self.lines.push(Line {
            what: what.into(),
            ours: spread(ours, statistic, unit),
            other: spread(other, statistic, unit),
            ratio: format!(
                "**{:.2}** ({:.2} to {:.2})",
                ratio.value, ratio.range.0, ratio.range.1
            ),
            target: limit.map_or(String::new(), |limit| format!("<= {limit} x")),
            verdict: limit.map_or("", |limit| verdict(ratio.value <= limit)),
        });
    }

    /// Adds a sample, and whether its median is within `limit`.
    pub(crate) fn bound(&mut self, what: &str, ours: &Sample, unit: Unit, limit: Option<f64>) {
        self.lines.push(Line {
            what: what.into(),
            ours: spread(ours, Statistic::Median, unit),
            other: String::new(),
            ratio: String::new(),
            target: limit.map_or(String::new(), |limit| format!("<= {}", figure(limit, unit))),
            verdict: limit.map_or("", |limit| {
                verdict(ours.statistic(Statistic::Median) <= limit)
            }),
        });
    }

    /// Adds two numbers of something.
    pub(crate) fn counts(&mut self, what: &str, ours: u64, other: Option<u64>) {
        self.lines.push(Line {
            what: what.into(),
            ours: ours.to_string(),
            other: other.map_or(String::new(), |other| other.to_string()),
            ratio: String::new(),
            target: String::new(),
            verdict: "",
        });
    }

    /// Adds two numbers of something, and whether ours is within `limit` times the other.
    pub(crate) fn counts_within(&mut self, what: &str, ours: u64, other: u64, limit: f64) {
        self.counts(what, ours, Some(other));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let ratio = ours as f64 / other as f64;
        if let Some(line) = self.lines.last_mut() {
            line.ratio = format!("**{ratio:.2}**");
            line.target = format!("<= {limit} x");
            line.verdict = verdict(ratio <= limit);
        }
    }

    /// Adds a number of something that must not happen at all.
    pub(crate) fn never(&mut self, what: &str, ours: u64, other: Option<u64>) {
        self.counts(what, ours, other);
        if let Some(line) = self.lines.last_mut() {
            line.target = "0".into();
            line.verdict = verdict(ours == 0);
        }
    }
}

/// Returns the whole report.
pub(crate) fn markdown(machine: &Machine, rounds: usize, sections: &[Section]) -> String {
    let mut text = String::from(HEAD);
    for (name, fact) in machine.describe() {
        let _ = writeln!(text, "| {name} | {fact} |");
    }
    let _ = writeln!(text, "| rounds | {rounds} |\n{KEY}");
    for section in sections {
        let _ = writeln!(text, "\n## {}\n", section.title);
        text.push_str(
            "| what | leasehold | other | ratio (rounds) | target | |\n|---|---|---|---|---|---|\n",
        );
        for line in &section.lines {
            let Line {
                what,
                ours,
                other,
                ratio,
                target,
                verdict,
            } = line;
            let _ = writeln!(
                text,
                "| {what} | {ours} | {other} | {ratio} | {target} | {verdict} |"
            );
        }
        for note in &section.notes {
            let _ = writeln!(text, "\n{note}");
        }
    }
    text
}

const HEAD: &str = "\
# Measurements

Written by `cargo run --release -p leasehold-bench`; do not edit. Rows are those of the targets in the
design. All sides of a row are measured in turns within one run; the rounds of a row are spread over
the whole run. On a machine that others use, compare within a row only.

| | |
|---|---|
";

const KEY: &str = "
A figure is the median with its first and third quartile, unless the line says mean or p99: then the
quartiles are those of the rounds. A ratio is of all figures together, in brackets the lowest and the
highest of the rounds. Commands run with an environment of PATH and HOME only.";

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

fn spread(sample: &Sample, statistic: Statistic, unit: Unit) -> String {
    let (low, high) = sample.quartiles(statistic);
    let middle = figure(sample.statistic(statistic), unit);
    let bare = |value: f64| match unit {
        Unit::Milliseconds => format!("{value:.2}"),
        Unit::Nanoseconds => format!("{value:.0}"),
    };
    format!(
        "{middle} ({} to {}), n = {}",
        bare(low),
        bare(high),
        sample.len()
    )
}

fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds => format!("{value:.2} ms"),
        Unit::Nanoseconds => format!("{value:.0} ns"),
    }
}
