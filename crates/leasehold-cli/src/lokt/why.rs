//! `lokt why`.

use super::flags::{self, Flag};
use super::record::{Record, is_zero};
use super::{duration, name, place, reply};
use crate::cli::{ClaimArgs, NamedCallArgs, Why};
use crate::commands;
use crate::error::CliError;
use crate::{exit, identity, ui};
use leasehold_api::code::Code;
use leasehold_api::lease::{FreezeInfo, LeaseInfo};
use leasehold_api::why::{PulseInfo, ReasonInfo, ReasonKind};
use serde::Serialize;
use std::ffi::OsString;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    status: &'static str,
    reasons: Vec<Reason>,
    suggestions: Vec<String>,
}

/// One reason. As with Lokt, a member that is zero, false or empty is left out.
#[derive(Default, Serialize)]
struct Reason {
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze_owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze_host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze_agent_id: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    freeze_age_sec: u64,
    #[serde(skip_serializing_if = "is_zero")]
    freeze_remaining_sec: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_agent_id: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    holder_age_sec: u64,
    #[serde(skip_serializing_if = "is_zero")]
    holder_ttl_sec: u64,
    #[serde(skip_serializing_if = "is_zero")]
    holder_remaining_sec: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    holder_pid_status: &'static str,
    /// The lines that show it to people.
    #[serde(skip)]
    lines: Vec<String>,
}

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&[Flag::Switch("json")], words)?;
    // Of all commands only this one calls a bad name wrong usage.
    let name = name::check(words.name()?).map_err(|error| CliError {
        code: Code::Usage,
        ..error
    })?;
    let args = Why {
        claims: ClaimArgs {
            names: vec![name.into()],
            read: false,
            intent: None,
            slots: Vec::new(),
        },
        lease: None,
        call: NamedCallArgs::of(place::enter()?),
    };
    let outcome = commands::why::run(&args)?.outcome;
    if !matches!(
        outcome.code,
        Code::Ok | Code::Held | Code::Frozen | Code::Died
    ) {
        ui::refusal(&outcome);
        return Ok(reply::exit_code(&outcome));
    }
    let blocking = outcome.reasons.iter().filter(|reason| reason.blocks);
    let reasons: Vec<Reason> = blocking
        .clone()
        .map(|reason| describe(name, reason))
        .collect();
    let mut suggestions: Vec<String> = Vec::new();
    for suggestion in blocking.flat_map(|reason| suggest(name, reason)) {
        if !suggestions.contains(&suggestion) {
            suggestions.push(suggestion);
        }
    }
    let status = if outcome.ok { "free" } else { "blocked" };
    let answer = Answer {
        name,
        status,
        reasons,
        suggestions,
    };
    if words.has("json") {
        ui::pretty(&answer);
    } else {
        tell(&answer, outcome.ok);
    }
    Ok(if outcome.ok { exit::OK } else { exit::HELD })
}

fn describe(name: &str, reason: &ReasonInfo) -> Reason {
    if let Some(freeze) = &reason.freeze {
        return frozen(freeze);
    }
    let message = reason.message.clone();
    match (&reason.lease, reason.kind) {
        (Some(lease), _) => {
            let guard = reason.life.map(|life| life.guard);
            held(&Record::new(lease, name.into()), guard)
        }
        (None, kind) => Reason {
            kind: if kind == ReasonKind::Queued {
                "queued"
            } else {
                "would_die"
            },
            lines: vec![message.clone()],
            message,
            ..Reason::default()
        },
    }
}

fn frozen(freeze: &FreezeInfo) -> Reason {
    let (age, left) = (freeze.frozen_ms, freeze.remaining_ms.unwrap_or(0));
    let (age_text, left_text) = (duration::seconds(age), duration::seconds(left));
    let who = reply::freezer(freeze);
    Reason {
        kind: "frozen",
        message: format!("Frozen by {who} for {age_text} ({left_text} remaining)"),
        freeze_owner: Some(freeze.who.owner.clone()),
        freeze_host: Some(freeze.who.host.clone()),
        freeze_agent_id: freeze.who.session.clone(),
        freeze_age_sec: age / 1_000,
        freeze_remaining_sec: left / 1_000,
        lines: vec![
            format!("FROZEN by {who}"),
            format!("  Age:       {age_text}"),
            format!("  Remaining: {left_text}"),
        ],
        ..Reason::default()
    }
}

fn held(holder: &Record, guard: Option<PulseInfo>) -> Reason {
    let pid_status = match guard {
        Some(PulseInfo::Alive) => "alive",
        Some(PulseInfo::Dead) => "dead",
        Some(PulseInfo::Unknown) => "unknown",
        None => holder.pid_status,
    };
    let Record {
        owner, host, pid, ..
    } = holder;
    let age = holder.age();
    let mut lines = vec![
        format!("HELD by {owner}@{host} (PID {pid}, {pid_status})"),
        format!("  Age: {age}"),
    ];
    if let Some(left) = holder.remaining_ms {
        let (ttl, left) = (
            duration::seconds(holder.ttl_sec * 1_000),
            duration::seconds(left),
        );
        lines.push(format!("  TTL: {ttl} ({left} remaining)"));
    }
    Reason {
        kind: "held",
        message: format!("Held by {owner}@{host} (PID {pid}, {pid_status}) for {age}"),
        holder_owner: Some(owner.clone()),
        holder_host: Some(host.clone()),
        holder_pid: Some(*pid),
        holder_agent_id: holder.agent_id.clone(),
        holder_age_sec: holder.age_sec,
        holder_ttl_sec: holder.ttl_sec,
        holder_remaining_sec: holder.remaining_ms.unwrap_or(0) / 1_000,
        holder_pid_status: pid_status,
        lines,
        ..Reason::default()
    }
}

fn suggest(name: &str, reason: &ReasonInfo) -> Vec<String> {
    let program = reply::program();
    if let Some(freeze) = &reason.freeze {
        return thaw(name, freeze, program);
    }
    let wait = format!("{program} guard {name} --wait -- COMMAND");
    match &reason.lease {
        Some(LeaseInfo { pid: None, .. }) => vec![
            wait,
            format!("{program} unlock {name}  (its owner)"),
            format!("{program} unlock {name} --force  (break-glass)"),
        ],
        Some(_) => vec![
            wait,
            format!("{program} unlock {name} --force  (break-glass)"),
        ],
        None if reason.kind == ReasonKind::WouldDie => {
            vec!["Release what you hold first; then ask again".into()]
        }
        None => vec![wait],
    }
}

fn thaw(name: &str, freeze: &FreezeInfo, program: &str) -> Vec<String> {
    let left = duration::seconds(freeze.remaining_ms.unwrap_or(0));
    let wait = format!("Wait for freeze to expire ({left} remaining)");
    let theirs = reply::freezer(freeze);
    let is_own = identity::find(None).is_ok_and(|own| own.owner.to_string() == theirs);
    let thaw = format!("{program} unfreeze {name}");
    if is_own {
        return vec![wait, thaw];
    }
    vec![
        wait,
        format!("{thaw}  (requires owner {theirs})"),
        format!("{thaw} --force  (break-glass)"),
    ]
}

fn tell(answer: &Answer<'_>, is_free: bool) {
    let name = answer.name;
    if is_free {
        crate::lokt::say(&format!(
            "Lock \"{name}\" is FREE — acquisition would succeed."
        ));
        return;
    }
    crate::lokt::say(&format!("Lock \"{name}\" is BLOCKED:"));
    for reason in &answer.reasons {
        crate::lokt::say("");
        reason
            .lines
            .iter()
            .for_each(|line| crate::lokt::say(&format!("  {line}")));
    }
    if !answer.suggestions.is_empty() {
        crate::lokt::say("");
        crate::lokt::say("Suggestions:");
        answer
            .suggestions
            .iter()
            .for_each(|line| crate::lokt::say(&format!("  - {line}")));
    }
}
