//! The `leasehold` binary.
//!
//! # Layout
//!
//! * `start`: before anything else; `cli`: the command line, `plain` its usual shape, `usage`: what is
//!   none; `commands`: one file per verb.
//! * `context`: what a verb works in: the store, who asks, and from inside of which lease; `harness`:
//!   whose agent that is.
//! * `names`: resources as people type them; `request`: what they ask for; `acquire`: asking for it.
//! * `answer`, `message`: verdicts as outcomes; `usual`: when something is free again as a rule; `ui`: the
//!   only place that prints.
//! * `scripts`: what the scripts of a repository guard, for `doctor` and `prime`.
//! * `lokt`: the front that stands in for Lokt.
//! * `exit`: the exit codes, declared once; `error`: the one error of this crate.
//! * `process`: running and stopping a guarded command.

#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

mod acquire;
mod answer;
mod cli;
mod commands;
mod context;
mod error;
mod exit;
mod harness;
mod identity;
mod inherit;
mod lokt;
mod message;
mod names;
mod plain;
mod process;
mod request;
mod scripts;
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
mod start;
mod ui;
mod usage;
mod usual;

use clap::Parser as _;
use cli::Verb;
use std::ffi::OsString;

/// Where the standard library's start is good enough.
#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    run().into()
}

/// Does what the command line says and returns the exit code.
fn run() -> u8 {
    #[cfg(feature = "planted")]
    if let Some(name) = std::env::var_os("LEASEHOLD_PLANTED")
        && !leasehold_core::planted::plant(&name.to_string_lossy())
    {
        ui::talk(&format!("error: there is no bug {name:?} to plant"));
        return exit::ERROR;
    }
    let _ = process::survive_file_limits();
    if commands::completions::answer() {
        return exit::OK;
    }
    let mut words = std::env::args_os();
    if lokt::is_called(words.next().as_deref()) {
        return lokt::run(words);
    }
    if let Some(guard) = plain::guard(words) {
        return commands::run(Verb::Guard(guard));
    }
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((verb, error)) = usage::stray_command(&words).or_else(|| usage::misread(&words)) {
        return usage::refuse(verb, error, &words);
    }
    match cli::Cli::try_parse() {
        Ok(arguments) => commands::run(arguments.verb),
        Err(error) => usage::parser_says(&error, &words),
    }
}
