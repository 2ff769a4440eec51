//! The verbs, one file each.

mod audit;
mod check;
pub(crate) mod completions;
mod demo;
pub(crate) mod doctor;
pub(crate) mod exists;
pub(crate) mod freeze;
mod gc;
pub(crate) mod guard;
mod import;
pub(crate) mod lock;
mod man;
pub(crate) mod prime;
mod renew;
mod status;
pub(crate) mod unfreeze;
pub(crate) mod unlock;
mod version;
pub(crate) mod why;

use crate::answer::{self, Told};
use crate::cli::Verb;
use crate::error::CliError;
use crate::{exit, lokt, ui};
use leasehold_api::outcome::Outcome;
use std::io;

/// What could not be written to.
const OUTPUT: &str = "standard output";

/// Carries out the verb and returns the exit code.
pub(crate) fn run(verb: Verb) -> u8 {
    match verb {
        Verb::Guard(args) => guard::run(&args),
        Verb::Lock(args) => finish("lock", args.json, lock::run(&args)),
        Verb::Unlock(args) => finish("unlock", args.json, unlock::run(&args)),
        Verb::Renew(args) => finish("renew", args.call.json, renew::run(&args)),
        Verb::Status(args) => status::run(&args),
        Verb::Why(args) => tell("why", args.call.json, why::run(&args)),
        Verb::Exists(args) => exists::run(&args),
        Verb::Freeze(args) => finish("freeze", args.call.json, freeze::run(&args)),
        Verb::Unfreeze(args) => finish("unfreeze", args.call.json, unfreeze::run(&args)),
        Verb::Audit(args) => audit::run(&args),
        Verb::Gc(args) => finish("gc", args.call.json, gc::run(&args)),
        Verb::Doctor(args) => doctor::print(&args, doctor::run(&args)),
        Verb::Prime(args) => prime::run(&args),
        Verb::Check(args) => tell("check", args.call.json, check::run(&args)),
        Verb::Demo(args) => demo::run(&args),
        Verb::Import(args) => tell("import", args.call.json, import::run(&args)),
        Verb::Lokt(args) => lokt::run(args.words),
        Verb::Completions(args) => completions::run(args.shell),
        Verb::Man(args) => man::run(&args),
        Verb::Version(args) => tell("version", args.json, Ok::<_, CliError>(version::run())),
    }
}

/// Prints what a verb has done, and returns its exit code. Where it cannot be said on standard output it
/// is done all the same: what nobody was told is said on standard error, the id of a lease above all.
fn finish(verb: &'static str, json: bool, result: Result<impl Into<Told>, CliError>) -> u8 {
    let told = told(verb, result);
    finished(&told.outcome, ui::told(&told, json))
}

/// The same for what was printed already, or could not be.
fn finished<L>(outcome: &Outcome<L>, printed: io::Result<()>) -> u8 {
    if let Err(error) = printed {
        let lost = &outcome.message;
        ui::talk(&format!(
            "warning: {OUTPUT}: {error}; what it should have said: {lost}"
        ));
    }
    outcome.exit
}

/// Prints what a verb found out and returns its exit code. Where nobody can be told it has failed.
fn tell(verb: &'static str, json: bool, result: Result<impl Into<Told>, CliError>) -> u8 {
    let told = told(verb, result);
    found(&told.outcome, ui::told(&told, json))
}

/// The same for what was printed already, or could not be.
fn found<L>(outcome: &Outcome<L>, printed: io::Result<()>) -> u8 {
    match printed {
        Ok(()) => outcome.exit,
        Err(error) => untold(outcome.exit, &error),
    }
}

/// Says that an answer could not be printed, and returns the exit code in place of its own. One that
/// says no stays.
pub(crate) fn untold(exit: u8, error: &io::Error) -> u8 {
    ui::talk(&format!("error: {OUTPUT}: {error}"));
    if exit == exit::OK { exit::ERROR } else { exit }
}

fn told(verb: &'static str, result: Result<impl Into<Told>, CliError>) -> Told {
    match result {
        Ok(told) => told.into(),
        Err(error) => answer::failed(verb, error).into(),
    }
}
