//! `lokt freeze` and `lokt unfreeze`.

use super::flags::{self, Flag};
use super::{duration, name, place, reply};
use crate::cli::{Freeze, NamedCallArgs, Unfreeze};
use crate::commands;
use crate::error::CliError;
use crate::{identity, ui};
use leasehold_api::code::Code;
use leasehold_api::duration::exact;
use std::ffi::OsString;

pub(super) fn freeze(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&[Flag::Value("ttl")], words)?;
    let name = name::check(words.name()?)?;
    let ttl = words
        .value("ttl")
        .map(|text| duration::read("ttl", text))
        .transpose()?;
    let ttl = ttl
        .filter(|ttl| *ttl > 0)
        .ok_or_else(|| CliError::usage("--ttl is required for freeze (e.g., --ttl 15m)"))?;
    let args = Freeze {
        name: name.into(),
        ttl: exact(ttl),
        call: NamedCallArgs::of(place::enter()?),
    };
    let outcome = commands::freeze::run(&args)?;
    if !outcome.ok {
        ui::refusal(&outcome);
        return Ok(reply::exit_code(&outcome));
    }
    crate::lokt::say(&format!("frozen \"{name}\" for {}", duration::write(ttl)));
    reply::hints(&outcome.hints);
    Ok(outcome.exit)
}

pub(super) fn unfreeze(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&[Flag::Switch("force")], words)?;
    let name = name::check(words.name()?)?;
    let args = Unfreeze {
        name: name.into(),
        force: words.has("force"),
        call: NamedCallArgs::of(place::enter()?),
    };
    let outcome = commands::unfreeze::run(&args)?;
    match (outcome.code, outcome.freezes.first()) {
        (Code::Ok, _) => crate::lokt::say(&format!("unfrozen \"{name}\"")),
        (Code::NotFound, _) => ui::talk(&format!("error: freeze \"{name}\" not found")),
        (Code::NotYours, Some(freeze)) => {
            let own = identity::find(None)?.owner;
            let theirs = reply::freezer(freeze);
            ui::talk(&format!(
                "error: lock \"{name}\" owned by {theirs}, not {own}"
            ));
        }
        _ => {
            ui::refusal(&outcome);
            return Ok(reply::exit_code(&outcome));
        }
    }
    reply::hints(&outcome.hints);
    Ok(reply::exit_code(&outcome))
}
