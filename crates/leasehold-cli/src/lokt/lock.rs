//! `lokt lock`.

use super::flags::{self, Flag};
use super::record::{Record, is_zero, to_the_second};
use super::{guard, place, reply};
use crate::answer;
use crate::cli::Lock;
use crate::commands;
use crate::error::CliError;
use crate::ui;
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;
use serde::Serialize;
use std::ffi::OsString;

const FLAGS: [Flag; 4] = [
    Flag::Value("ttl"),
    Flag::Switch("wait"),
    Flag::Value("timeout"),
    Flag::Switch("json"),
];

/// What `--json` prints when the lock is had.
#[derive(Serialize)]
struct Acquired<'a> {
    status: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// What it prints when not. As with Lokt, a member that is zero, false or empty is left out.
#[derive(Default, Serialize)]
struct Blocked<'a> {
    status: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    holder_owner: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    holder_host: String,
    #[serde(skip_serializing_if = "is_none")]
    holder_pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_agent_id: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    holder_age_sec: u64,
    #[serde(skip_serializing_if = "is_zero")]
    holder_ttl_sec: u64,
    #[serde(skip_serializing_if = "is_zero")]
    holder_remaining_sec: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    holder_expired: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    holder_pid_status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    holder_acquired_ts: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen_until: Option<String>,
}

fn is_none(pid: &u32) -> bool {
    *pid == 0
}

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&FLAGS, words)?;
    // A lock stays until it is unlocked, unless it says otherwise.
    let mut request = guard::request(&words, Some("none"))?;
    let name = words.name()?;
    request.store = place::enter()?;
    let lock = Lock {
        request,
        json: false,
    };
    let outcome = commands::lock::run(&lock);
    let outcome = outcome.unwrap_or_else(|error| answer::failed("lock", error));
    let json = words.has("json");
    if outcome.ok {
        if json {
            ui::pretty(&acquired(name, &outcome));
        } else {
            crate::lokt::say(&format!("acquired lock \"{name}\""));
        }
        return Ok(outcome.exit);
    }
    let has_json = matches!(
        outcome.code,
        Code::Held | Code::Frozen | Code::TimedOut | Code::Died
    );
    if json && has_json {
        ui::pretty(&blocked(name, &outcome));
        return Ok(reply::exit_code(&outcome));
    }
    Ok(reply::refusal(name, &outcome))
}

fn acquired<'a>(name: &'a str, outcome: &'a Outcome) -> Acquired<'a> {
    let lease = outcome.leases.first();
    Acquired {
        status: "acquired",
        name,
        lock_id: lease.map(|lease| lease.id.as_str()),
        token: lease.map(|lease| lease.token),
        expires_at: lease.and_then(|lease| lease.expires_at.as_deref().map(to_the_second)),
    }
}

fn blocked<'a>(name: &'a str, outcome: &Outcome) -> Blocked<'a> {
    let until = outcome
        .freezes
        .iter()
        .filter_map(|freeze| freeze.until.as_deref());
    let nothing = Blocked {
        status: "blocked",
        name,
        frozen_until: until.max().map(to_the_second),
        ..Blocked::default()
    };
    match reply::holder(name, &outcome.blockers) {
        None => nothing,
        Some(holder) => of_holder(nothing, holder),
    }
}

fn of_holder(blocked: Blocked<'_>, holder: Record) -> Blocked<'_> {
    Blocked {
        holder_owner: holder.owner,
        holder_host: holder.host,
        holder_pid: holder.pid,
        holder_agent_id: holder.agent_id,
        holder_age_sec: holder.age_sec,
        holder_ttl_sec: holder.ttl_sec,
        holder_remaining_sec: holder.remaining_ms.unwrap_or(0) / 1_000,
        holder_expired: holder.expired,
        holder_pid_status: holder.pid_status,
        holder_acquired_ts: holder.acquired_ts,
        holder_expires_at: holder.expires_at,
        ..blocked
    }
}
