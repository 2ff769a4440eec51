//! The verbs, one file each.

mod check;
mod exists;
mod guard;
mod lock;
mod renew;
mod status;
mod unlock;
mod version;

use crate::cli::Verb;
use crate::error::CliError;
use crate::{answer, ui};
use leasehold_api::outcome::Outcome;

/// Carries out the verb and returns the exit code.
pub(crate) fn run(verb: Verb) -> u8 {
    match verb {
        Verb::Guard(args) => guard::run(&args),
        Verb::Lock(args) => finish("lock", args.json, lock::run(&args)),
        Verb::Unlock(args) => finish("unlock", args.json, unlock::run(&args)),
        Verb::Renew(args) => finish("renew", args.json, renew::run(&args)),
        Verb::Status(args) => status::run(&args),
        Verb::Exists(args) => exists::run(&args),
        Verb::Check(args) => finish("check", args.json, check::run(&args)),
        Verb::Version(args) => finish("version", args.json, Ok(version::run())),
    }
}

/// Prints an outcome and returns its exit code.
fn finish(verb: &'static str, json: bool, result: Result<Outcome, CliError>) -> u8 {
    let outcome = result.unwrap_or_else(|error| answer::failed(verb, error));
    ui::outcome(&outcome, json);
    outcome.exit
}
