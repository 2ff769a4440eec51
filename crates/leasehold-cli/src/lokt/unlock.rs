//! `lokt unlock`.

use super::flags::{self, Flag, Words};
use super::record::Record;
use super::{name, place, reply, status};
use crate::cli::{StoreArgs, Unlock};
use crate::commands;
use crate::error::CliError;
use crate::{exit, identity, ui};
use leasehold_api::code::Code;
use leasehold_api::lease::LeaseInfo;
use leasehold_api::outcome::Outcome;
use serde::Serialize;
use std::ffi::OsString;

const FLAGS: [Flag; 5] = [
    Flag::Switch("force"),
    Flag::Switch("break-stale"),
    Flag::Value("owner"),
    Flag::Switch("all"),
    Flag::Switch("json"),
];

/// What `--json` prints of many.
#[derive(Serialize)]
struct Released {
    released: Vec<String>,
    count: usize,
}

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&FLAGS, words)?;
    let many = words.value("owner").is_some() || words.has("all");
    let name = words.at_most_one_name()?;
    if many {
        if name.is_some() {
            return Err(CliError::usage(
                "--owner/--all cannot be combined with a lock name",
            ));
        }
        if words.has("break-stale") {
            return Err(CliError::usage(
                "--break-stale cannot be combined with --owner/--all",
            ));
        }
        if words.value("owner").is_some() && words.has("all") {
            return Err(CliError::usage("--owner and --all are mutually exclusive"));
        }
        return several(&words);
    }
    let name = name::check(words.name()?)?;
    let store = place::enter()?;
    if words.has("break-stale") && !words.has("force") {
        break_stale(name, &store)
    } else {
        one(name, words.has("force"), store)
    }
}

fn args(store: StoreArgs) -> Unlock {
    Unlock {
        name: None,
        lease: None,
        all: false,
        stale: false,
        force: false,
        json: false,
        owner: None,
        store,
    }
}

fn several(words: &Words) -> Result<u8, CliError> {
    let args = Unlock {
        owner: words.value("owner").map(Into::into),
        all: words.has("all"),
        force: words.has("force"),
        ..args(place::enter()?)
    };
    let outcome = commands::unlock::run(&args)?.outcome;
    if !matches!(outcome.code, Code::Ok | Code::NotFound) {
        ui::refusal(&outcome);
        return Ok(reply::exit_code(&outcome));
    }
    let released = outcome.leases.iter().flat_map(Record::all_of);
    let released: Vec<String> = released.map(|record| record.name).collect();
    let count = released.len();
    if words.has("json") {
        ui::pretty(&Released { released, count });
    } else if count == 0 {
        crate::lokt::say("no locks matched");
    } else {
        crate::lokt::say(&format!("released {count} lock(s)"));
    }
    Ok(exit::OK)
}

fn one(name: &str, force: bool, store: StoreArgs) -> Result<u8, CliError> {
    let args = Unlock {
        name: Some(name.into()),
        force,
        ..args(store)
    };
    let outcome = commands::unlock::run(&args)?.outcome;
    match (outcome.code, outcome.leases.first()) {
        (Code::Ok, _) => Ok(released(name)),
        (Code::NotFound, _) => Ok(not_found(name)),
        // Lokt would have swept it away first.
        (Code::NotYours, Some(lease)) if lease.state.is_over() => Ok(not_found(name)),
        (Code::NotYours, Some(lease)) => {
            ui::talk(&format!("error: {}", not_yours(name, lease)?));
            reply::hints(&outcome.hints);
            Ok(exit::NOT_YOURS)
        }
        _ => Ok(refused(&outcome)),
    }
}

fn released(name: &str) -> u8 {
    crate::lokt::say(&format!("released lock \"{name}\""));
    exit::OK
}

fn not_found(name: &str) -> u8 {
    ui::talk(&format!("error: lock \"{name}\" not found"));
    exit::NOT_FOUND
}

fn refused(outcome: &Outcome) -> u8 {
    ui::refusal(outcome);
    reply::exit_code(outcome)
}

fn not_yours(name: &str, lease: &LeaseInfo) -> Result<String, CliError> {
    let own = identity::find(None)?.owner;
    let theirs = format!("{}@{}", lease.who.owner, lease.who.host);
    Ok(match lease.pid {
        Some(pid) if theirs == own.to_string() => {
            format!("lock \"{name}\" is held by your own guard, which runs still (pid {pid})")
        }
        _ => format!("lock \"{name}\" owned by {theirs}, not {own}"),
    })
}

/// Ends what is over, and nothing else.
fn break_stale(name: &str, store: &StoreArgs) -> Result<u8, CliError> {
    let stale = Unlock {
        name: Some(name.into()),
        stale: true,
        ..args(StoreArgs {
            store: store.store.clone(),
        })
    };
    let outcome = commands::unlock::run(&stale)?.outcome;
    if outcome.ok {
        return Ok(released(name));
    }
    if outcome.code != Code::NotFound {
        return Ok(refused(&outcome));
    }
    let found = status::look(store, Some(name))?;
    let Some(record) = found.locks.first() else {
        return Ok(not_found(name));
    };
    ui::talk(&format!("error: lock \"{name}\" {}", record.not_stale()));
    Ok(exit::ERROR)
}
