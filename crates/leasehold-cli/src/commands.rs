//! The verbs, one file each.

mod check;
pub(crate) mod completions;
mod exists;
mod freeze;
mod guard;
mod lock;
mod man;
mod renew;
mod status;
mod unfreeze;
mod unlock;
mod version;
mod why;

use crate::answer::{self, Told};
use crate::cli::Verb;
use crate::error::CliError;
use crate::ui;

/// Carries out the verb and returns the exit code.
pub(crate) fn run(verb: Verb) -> u8 {
    match verb {
        Verb::Guard(args) => guard::run(&args),
        Verb::Lock(args) => finish("lock", args.json, lock::run(&args)),
        Verb::Unlock(args) => finish("unlock", args.json, unlock::run(&args)),
        Verb::Renew(args) => finish("renew", args.json, renew::run(&args)),
        Verb::Status(args) => finish("status", args.json, status::run(&args)),
        Verb::Why(args) => finish("why", args.json, why::run(&args)),
        Verb::Exists(args) => exists::run(&args),
        Verb::Freeze(args) => finish("freeze", args.json, freeze::run(&args)),
        Verb::Unfreeze(args) => finish("unfreeze", args.json, unfreeze::run(&args)),
        Verb::Check(args) => finish("check", args.json, check::run(&args)),
        Verb::Completions(args) => completions::run(args.shell),
        Verb::Man(args) => man::run(&args),
        Verb::Version(args) => finish("version", args.json, Ok::<_, CliError>(version::run())),
    }
}

/// Prints what a verb tells and returns its exit code.
fn finish(verb: &'static str, json: bool, result: Result<impl Into<Told>, CliError>) -> u8 {
    let told = match result {
        Ok(told) => told.into(),
        Err(error) => answer::failed(verb, error).into(),
    };
    ui::told(&told, json);
    told.outcome.exit
}
