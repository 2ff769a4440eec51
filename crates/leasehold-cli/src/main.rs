//! The `leasehold` binary.
//!
//! # Layout
//!
//! * `cli`: the command line; `commands`: one file per verb.
//! * `context`: what a verb works in: the store, who asks, and from inside of which lease.
//! * `names`: resources as people type them; `request`: what they ask for.
//! * `answer`, `message`: verdicts as outcomes; `ui`: the only place that prints.
//! * `exit`: the exit codes, declared once; `error`: the one error of this crate.
//! * `process`: running and stopping a guarded command.

mod answer;
mod cli;
mod commands;
mod context;
mod error;
mod exit;
mod identity;
mod inherit;
mod message;
mod names;
mod process;
mod request;
mod ui;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match cli::Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return ExitCode::from(ui::usage_error(&error)),
    };
    ExitCode::from(commands::run(arguments))
}
