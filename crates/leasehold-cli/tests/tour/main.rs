//! What the documents say, held against the program: their commands are run (`runner`), and the pages on
//! the command line compared with `--help` and `--json` (`command_line`).

#![expect(
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod command_line;
mod page;
mod runner;
mod sandbox;
mod steady;

use runner::{Part, check};

#[test]
fn the_tour_in_the_readme_is_true() {
    check("README.md", &Part::Section("## A tour in two minutes"));
}

#[test]
fn the_quickstart_is_true() {
    check("docs/quickstart.md", &Part::Whole);
}

#[test]
fn the_page_of_patterns_is_true() {
    check("docs/patterns.md", &Part::Whole);
}

#[test]
fn the_page_on_agents_is_true() {
    check("docs/agents.md", &Part::Whole);
}
