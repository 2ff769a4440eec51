//! `lokt audit`: the audit as Lokt's events, behind what Lokt itself wrote before.

mod old;

use super::flags::{self, Flag};
use super::{duration, name, place};
use crate::context::{self, Context};
use crate::error::CliError;
use crate::exit;
use crate::process::Signals;
use crate::ui::{self, Output};
use leasehold_api::code::Code;
use leasehold_api::lease::date;
use leasehold_api::moment;
use leasehold_core::Timestamp;
use leasehold_service::Clock;
use leasehold_service::audit::{Follow, Query, Told};
use leasehold_store::Span;
use leasehold_store::format::{Brief, Party};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::time::{Duration, SystemTime};

const FLAGS: [Flag; 3] = [
    Flag::Value("since"),
    Flag::Value("name"),
    Flag::Switch("tail"),
];

/// One event, as Lokt writes it.
#[derive(Serialize)]
struct Event<'a> {
    ts: String,
    event: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_id: Option<String>,
    owner: String,
    host: String,
    pid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_sec: Option<u64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    extra: Map<String, Value>,
}

pub(super) fn run(words: Vec<OsString>) -> Result<u8, CliError> {
    let words = flags::read_names(&FLAGS, words)?;
    if let Some(stray) = words.names.first() {
        return Err(CliError::usage(format!("{stray:?} is no flag"))
            .hint(format!("of one lock only: --name {stray}")));
    }
    let only = words.value("name").map(name::check).transpose()?;
    match (words.value("since"), words.has("tail")) {
        (Some(_), true) => Err(CliError::usage("--since and --tail are mutually exclusive")),
        (None, false) => Err(CliError::usage("either --since or --tail is needed")),
        (Some(since), false) => history(parse_since(since)?, only),
        (None, true) => tail(only),
    }
}

/// Reads how long ago, else a date.
fn parse_since(text: &str) -> Result<SystemTime, CliError> {
    let now = SystemTime::now();
    if !text.contains('T') {
        let ago = duration::read("since", text)
            .map_err(|error| error.hint("or as a date, such as 2026-01-27T10:00:00Z"))?;
        return Ok(now
            .checked_sub(Duration::from_millis(ago))
            .unwrap_or(SystemTime::UNIX_EPOCH));
    }
    moment::parse(text, now).map_err(|error| CliError::usage(format!("--since {text:?}: {error}")))
}

fn history(since: SystemTime, only: Option<&str>) -> Result<u8, CliError> {
    let mut output = Output::default();
    old::tell(
        &place::root_of_lokt()?.join(super::files::AUDIT),
        since,
        only,
        &mut output,
    )?;
    if let Some(context) = context::open_to_look(&place::store()?)?.0 {
        let clock = context.leasing.look(&[])?.clock;
        let span = Span {
            since: clock.at_wall(since),
            ..Span::ALL
        };
        tell(&context, span, only, Follow::No, &mut output, &clock)?;
    }
    finish(output)
}

/// Tells what comes, until it is interrupted.
fn tail(only: Option<&str>) -> Result<u8, CliError> {
    let signals = Signals::install()
        .map_err(|error| CliError::new(Code::Error, format!("signals: {error}")))?;
    let context = context::open(&place::store()?)?;
    let clock = context.leasing.look(&[])?.clock;
    let span = Span {
        since: clock.now().plus_millis(1),
        ..Span::ALL
    };
    let mut output = Output::default();
    let follow = Follow::Until(signals.fd());
    tell(&context, span, only, follow, &mut output, &clock)?;
    finish(output)
}

fn finish(output: Output) -> Result<u8, CliError> {
    output
        .finish()
        .map_err(|error| CliError::new(Code::Error, format!("standard output: {error}")))?;
    Ok(exit::OK)
}

fn tell(
    context: &Context,
    span: Span,
    only: Option<&str>,
    follow: Follow<'_>,
    output: &mut Output,
    clock: &Clock,
) -> Result<(), CliError> {
    let query = Query {
        names: only
            .map(|name| context.base.parse(name))
            .transpose()?
            .into_iter()
            .collect(),
        // Lokt shows them too.
        renewals: true,
        ..Query::all(span)
    };
    context
        .leasing
        .audit(&query, follow, &mut |told| match told {
            Told::Event(at, brief) => {
                let names = brief
                    .resources()
                    .map(|resource| super::record::lock_name(&resource));
                let names: Vec<String> = names.collect();
                let wanted = names
                    .iter()
                    .filter(|name| only.is_none_or(|only| only == *name));
                let mut events = wanted.filter_map(|name| event(at, brief, name, clock));
                events.all(|event| output.add(|out| write(out, &event)))
            }
            Told::Damaged(place, detail) => {
                ui::talk(&format!("warning: {place}: {detail}"));
                true
            }
            Told::Pause => output.flush(),
        })?;
    Ok(())
}

fn write(out: &mut Vec<u8>, event: &Event<'_>) {
    let begin = out.len();
    // Writing to memory cannot fail, and all keys are strings.
    serde_json::to_writer(&mut *out, event).expect("an event has only strings for keys");
    out.push(b'\n');
    ui::end_json(out, begin);
}

/// Makes Lokt's event of one of ours; nothing of what Lokt has no word for: places in the queue.
fn event<'a>(at: Timestamp, brief: &Brief<'_>, name: &'a str, clock: &Clock) -> Option<Event<'a>> {
    let reason = Brief::text(brief.reason).unwrap_or_default();
    let was_others = brief.by.owner != brief.who.owner || brief.by.host != brief.who.host;
    let (event, who) = match brief.event {
        "granted" => ("acquire", brief.who),
        "refused" if reason == "frozen" => ("freeze-deny", brief.who),
        "refused" | "died" => ("deny", brief.who),
        "released" => ("release", brief.who),
        "forced" => ("force-break", brief.by),
        "freed" | "lapsed" => ("stale-break", brief.who),
        "renewed" => ("renew", brief.who),
        "frozen" => ("freeze", brief.who),
        "thawed" if was_others => ("force-unfreeze", brief.by),
        "thawed" => ("unfreeze", brief.by),
        _ => return None,
    };
    Some(Event {
        ts: date(clock, at),
        event,
        name,
        lock_id: Brief::text(brief.id).map(Into::into),
        owner: text(who.owner),
        host: text(who.host),
        pid: number(brief.pid).unwrap_or(0),
        agent_id: Brief::text(who.session).map(Into::into),
        ttl_sec: number(brief.ttl_ms).map(|millis| millis.div_ceil(1_000)),
        extra: extra(brief),
    })
}

/// What Lokt puts into `extra`, as far as it is known.
fn extra(brief: &Brief<'_>) -> Map<String, Value> {
    let mut extra = Map::new();
    let mut put = |name: &str, value: Value| {
        extra.insert(name.into(), value);
    };
    match brief.event {
        "forced" => holder(brief.who, brief, &mut put),
        "freed" => put("reason", json!("dead_pid")),
        "lapsed" => put("reason", json!("expired")),
        "refused" => {
            if let Some(id) = Brief::text(brief.by_id) {
                put("holder_lock_id", json!(id));
            }
        }
        "died" => put("reason", json!("deadlock")),
        _ => {}
    }
    extra
}

fn holder(who: Party<'_>, brief: &Brief<'_>, put: &mut impl FnMut(&str, Value)) {
    put("holder_owner", json!(text(who.owner)));
    put("holder_host", json!(text(who.host)));
    put("holder_pid", json!(number(brief.pid).unwrap_or(0)));
}

fn text(stored: &[u8]) -> String {
    Brief::text(stored).unwrap_or_default().into()
}

fn number(stored: &[u8]) -> Option<u64> {
    std::str::from_utf8(stored).ok()?.parse().ok()
}
