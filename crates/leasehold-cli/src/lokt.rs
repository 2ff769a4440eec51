//! Lokt's front: its commands, flags, variables, messages, JSON and exit codes, over the same leases as
//! every other verb. Entered as `lokt` (a link to this program) or `leasehold lokt …`.
//!
//! * `flags`, `duration`: the command line as Lokt reads it, and flags behind names too, as its
//!   documents write it.
//! * `place`: its variables, and a root of its own that still has locks in it; `files` reads that.
//! * `record`: a lease as Lokt shows one; `reply`: refusals in its words, and its exit codes.
//! * `guard`, `lock`, `unlock`, `status`, `exists`, `freeze`, `why`, `audit`, `doctor`, `prime`,
//!   `help`: its commands.
//!
//! What is as Lokt has it, what is not and why: `docs/moving/lokt.md`.

mod audit;
mod doctor;
mod duration;
mod exists;
pub(crate) mod files;
mod flags;
mod freeze;
mod guard;
mod help;
mod lock;
pub(crate) mod name;
pub(crate) mod place;
mod prime;
mod record;
mod reply;
mod status;
mod unlock;
mod why;

use crate::cli::Cli;
use crate::error::CliError;
use crate::{commands, exit, message, ui, usage};
use clap::Parser as _;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The name of the program that this stands in for.
const NAME: &str = "lokt";

/// Returns whether the program was called by that name.
pub(crate) fn is_called(program: Option<&OsStr>) -> bool {
    program.and_then(|path| Path::new(path).file_name()) == Some(OsStr::new(NAME))
}

/// Does what the words after the name say, and returns the exit code.
pub(crate) fn run(words: impl IntoIterator<Item = OsString>) -> u8 {
    let mut words = words.into_iter();
    let Some(command) = words.next() else {
        help::all();
        return exit::USAGE;
    };
    let command = command.to_string_lossy().into_owned();
    let words: Vec<OsString> = words.collect();
    if flags::asks_for_help(&words)
        && let Some(usage) = help::usage(&command)
    {
        usage.iter().for_each(|line| say(line));
        return exit::OK;
    }
    match carry_out(&command, words) {
        Ok(code) => code,
        Err(error) => {
            let code = reply::failure(&error);
            if code == exit::USAGE {
                let usage = help::usage(&command).unwrap_or_default();
                usage.iter().for_each(|line| ui::talk(line));
            }
            code
        }
    }
}

fn carry_out(command: &str, words: Vec<OsString>) -> Result<u8, CliError> {
    match command {
        "guard" => guard::run(words),
        "lock" => lock::run(words),
        "unlock" => unlock::run(words),
        "status" => status::run(words),
        "exists" => exists::run(words),
        "freeze" => freeze::freeze(words),
        "unfreeze" => freeze::unfreeze(words),
        "why" => why::run(words),
        "audit" => audit::run(words),
        "doctor" => doctor::run(words),
        "prime" => prime::run(words),
        // The same here and there.
        "demo" => Ok(pass_on(&[command], words)),
        // Not Lokt's: for whoever has no other name of this program at hand.
        "import" => Ok(pass_on(&["import", NAME], words)),
        "version" | "--version" => {
            say(&format!("{NAME} {} (leasehold)", env!("CARGO_PKG_VERSION")));
            Ok(exit::OK)
        }
        "help" | "-h" | "--help" => {
            help::all();
            Ok(exit::OK)
        }
        other => {
            let other = message::abridged(other, usage::TYPED_SHOWN);
            ui::talk(&format!("unknown command: {other}"));
            help::all();
            Ok(exit::USAGE)
        }
    }
}

/// Prints one line of data.
pub(crate) fn say(line: &str) {
    if let Err(error) = ui::line(line) {
        ui::talk(&format!("error: standard output: {error}"));
    }
}

/// Carries out one of leasehold's own verbs.
fn pass_on(verb: &[&str], words: Vec<OsString>) -> u8 {
    let program = ["leasehold"].iter().chain(verb).map(OsString::from);
    let words: Vec<OsString> = program.chain(words).collect();
    match Cli::try_parse_from(&words) {
        Ok(arguments) => commands::run(arguments.verb),
        Err(error) => usage::parser_says(&error, &words[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_link_is_what_counts() {
        for (program, expected) in [
            ("lokt", true),
            ("/usr/local/bin/lokt", true),
            ("./lokt", true),
            ("leasehold", false),
            ("/opt/lokt/leasehold", false),
            ("lokt-old", false),
            ("", false),
        ] {
            assert_eq!(is_called(Some(OsStr::new(program))), expected, "{program}");
        }
        assert!(!is_called(None));
    }
}
