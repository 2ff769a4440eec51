//! `lokt guard`.

use super::flags::{self, Flag, Words};
use super::{duration, name, place, reply};
use crate::answer;
use crate::cli::{RequestArgs, StoreArgs};
use crate::commands;
use crate::error::CliError;
use crate::{exit, plain};
use leasehold_api::code::Code;
use leasehold_api::duration::exact;
use std::ffi::OsString;

const FLAGS: [Flag; 5] = [
    Flag::Value("ttl"),
    Flag::Switch("wait"),
    Flag::Value("timeout"),
    // These two are leasehold's.
    Flag::Value("c"),
    Flag::Value("E"),
];

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let mut words = flags::read(&FLAGS, words)?;
    let held_exit = words.value("E").map(held_exit).transpose()?;
    let script = words.value("c").map(OsString::from);
    let command = words.command.take().unwrap_or_default();
    if command.is_empty() && script.is_none() {
        return Err(CliError::usage(
            "the command is missing: write it behind --",
        ));
    }
    let request = request(&words, None)?;
    let name = words.name()?;
    let mut guard = plain::bare(request, command);
    guard.script = script;
    guard.request.store = place::enter()?;
    let outcome = commands::guard::guard(&guard);
    let outcome = outcome.unwrap_or_else(|error| answer::failed("guard", error));
    if outcome.ok {
        return Ok(outcome.exit);
    }
    let code = reply::refusal(name, &outcome);
    let is_held = matches!(
        outcome.code,
        Code::Held | Code::Frozen | Code::TimedOut | Code::Died
    );
    Ok(held_exit
        .filter(|_| is_held && code == exit::HELD)
        .unwrap_or(code))
}

fn held_exit(text: &str) -> Result<u8, CliError> {
    text.parse()
        .map_err(|_| CliError::usage(format!("-E {text:?}: it is a number from 0 to 255")))
}

/// Makes the request of a `guard` or `lock`. `without_ttl` is what stands in for a TTL that is not given,
/// or zero.
pub(super) fn request(words: &Words, without_ttl: Option<&str>) -> Result<RequestArgs, CliError> {
    let millis = |flag| {
        words
            .value(flag)
            .map(|text| duration::read(flag, text))
            .transpose()
    };
    // Zero is the same as nothing, as Lokt has it.
    let ttl = millis("ttl")?.filter(|ttl| *ttl > 0);
    let timeout = millis("timeout")?.filter(|timeout| *timeout > 0);
    if timeout.is_some() && !words.has("wait") {
        return Err(CliError::usage("--timeout requires --wait"));
    }
    let mut request = plain::bare_request();
    request
        .claims
        .names
        .push(name::check(words.name()?)?.into());
    request.wait = words.has("wait");
    request.timeout = timeout.map(exact);
    request.ttl = ttl.map(exact).or_else(|| without_ttl.map(Into::into));
    request.store = StoreArgs { store: None };
    Ok(request)
}
