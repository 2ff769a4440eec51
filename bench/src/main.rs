//! Measures the targets of leasehold and writes them down.
//!
//! `cargo run --release -p leasehold-bench` builds what it measures, prints a report in Markdown and
//! writes it to `docs/bench/README.md`. It is a report and not a test: a target that is missed does
//! not fail it.
//!
//! # Layout
//!
//! * `arguments`: what to run and how often. `run`: the order of everything.
//! * `rows`: one file for each group of targets; a target is a constant beside what it is measured by.
//! * `programs`, `scratch`, `process`, `calls`, `leases`: what the rows measure with.
//! * `sample`, `report`, `machine`: what becomes of the figures.
//!
//! # Guarantees
//!
//! All that is compared is measured in turns, in one run. Whatever it starts ends with it, however it ends.
//!
//! # Limitations
//!
//! It measures on Linux. On a machine that others use, only ratios mean something.

mod arguments;
mod calls;
mod leases;
mod machine;
mod process;
mod programs;
mod report;
mod rows;
mod run;
mod sample;
mod scratch;

use std::process::ExitCode;

/// What goes wrong ends the run, and is for a person to read.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    match arguments::Arguments::parse(std::env::args().skip(1)).and_then(|a| run::run(&a)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
