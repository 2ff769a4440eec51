//! Events of the audit, one JSON object on one line each.
//!
//! There may be a million of them, so what is stored as JSON already is copied and not taken apart.

use crate::lease::date;
use crate::outcome::SCHEMA;
use leasehold_core::Timestamp;
use leasehold_service::Clock;
use leasehold_store::format::{Brief, Party, Thing};
use std::time::SystemTime;

/// How long a date is.
const DATE_BYTES: usize = 24;
/// The second that no date is behind, as [`Clock::wall`] says: in it milliseconds are not as they were.
const LAST_S: i128 = 253_402_300_799;

/// Writes dates of the workspace's time line, the ones of one second quickly one after the other.
#[derive(Debug)]
pub struct Dates<'c> {
    clock: &'c Clock,
    /// What the wall clock is ahead of the time line.
    ahead_ms: i128,
    /// The second that was written last, and its text.
    second: u64,
    text: String,
}

impl<'c> Dates<'c> {
    /// Begins with no date.
    #[must_use]
    pub fn new(clock: &'c Clock) -> Self {
        let wall = clock
            .wall(clock.now())
            .duration_since(SystemTime::UNIX_EPOCH);
        let wall_ms = wall.unwrap_or_default().as_millis();
        let ahead_ms = i128::try_from(wall_ms).unwrap_or(0) - i128::from(clock.now().as_millis());
        Self {
            clock,
            ahead_ms,
            second: u64::MAX,
            text: String::new(),
        }
    }

    /// Returns the clock that they are dates of.
    #[must_use]
    pub const fn clock(&self) -> &'c Clock {
        self.clock
    }

    /// Returns a date, as [`date`] writes it.
    pub fn text(&mut self, at: Timestamp) -> String {
        let mut out = Vec::with_capacity(DATE_BYTES);
        self.push(&mut out, at);
        String::from_utf8(out).expect("a date has only digits and signs")
    }

    /// Appends a date, as [`date`] writes it.
    pub fn push(&mut self, out: &mut Vec<u8>, at: Timestamp) {
        let wall_ms = i128::from(at.as_millis()) + self.ahead_ms;
        if wall_ms >= LAST_S * 1_000 {
            out.extend_from_slice(date(self.clock, at).as_bytes());
            return;
        }
        let wall_ms = u64::try_from(wall_ms).unwrap_or(0);
        if self.second != wall_ms / 1_000 {
            self.second = wall_ms / 1_000;
            self.text = date(self.clock, at);
        }
        let ms = wall_ms % 1_000;
        let digits = [ms / 100, ms / 10 % 10, ms % 10];
        let digits = digits.map(|digit| b'0' + u8::try_from(digit).unwrap_or(0));
        // Up to the point behind the second.
        out.extend_from_slice(&self.text.as_bytes()[..self.text.len() - 4]);
        out.extend_from_slice(&digits);
        out.push(b'Z');
    }
}

/// Appends an event and the end of its line.
///
/// | member | meaning |
/// |---|---|
/// | `schema` | [`SCHEMA`] |
/// | `at`, `at_ms` | when: as a date, and in milliseconds of the workspace's own time |
/// | `event` | what happened |
/// | `about` | to what: `lease`, `request`, `ticket`, `freeze`, `card` |
/// | `id` | the id of the lease, request or freeze |
/// | `owner`, `host`, `session` | whose it is |
/// | `resources` | what is claimed or frozen: `resource`, `intent`, `slots` |
/// | `slots` | the slots that the lease has of its pools |
/// | `kind` | of a lease: `scoped` or `standing` |
/// | `token` | the fencing token |
/// | `ttl_ms` | the lifetime |
/// | `held_ms` | for how long it had been held, or been frozen |
/// | `waited_ms` | for how long its request waited |
/// | `until` | when it expires, or ends |
/// | `pid`, `command` | the process |
/// | `reason`, `by_id` | why a request was refused, and the lease or ticket in the way |
/// | `by` | who took it away: `owner`, `host`, `session` |
pub fn write_line(out: &mut Vec<u8>, at: Timestamp, brief: &Brief<'_>, dates: &mut Dates<'_>) {
    begin(out, at, brief, dates);
    put(out, b",\"id\":", brief.id);
    party(out, brief.who);
    if !brief.resource.is_empty() {
        out.extend_from_slice(b",\"resources\":[{\"resource\":");
        out.extend_from_slice(brief.resource);
        out.extend_from_slice(b"}]");
    }
    put(out, b",\"resources\":", brief.claims);
    put(out, b",\"slots\":", brief.slots);
    if brief.thing == Thing::Lease {
        let kind: &[u8] = if brief.standing {
            b"\"standing\""
        } else {
            b"\"scoped\""
        };
        put(out, b",\"kind\":", kind);
    }
    put(out, b",\"token\":", brief.token);
    put(out, b",\"ttl_ms\":", brief.ttl_ms);
    put_number(out, b",\"held_ms\":", held_ms(at, brief));
    put_number(out, b",\"waited_ms\":", waited_ms(at, brief));
    if let Some(until) = brief.until {
        out.extend_from_slice(b",\"until\":\"");
        dates.push(out, Timestamp::from_millis(until));
        out.push(b'"');
    }
    put(out, b",\"pid\":", brief.pid);
    put(out, b",\"command\":", brief.command);
    put(out, b",\"reason\":", brief.reason);
    put(out, b",\"by_id\":", brief.by_id);
    if !brief.by.owner.is_empty() {
        out.extend_from_slice(b",\"by\":{\"owner\":");
        out.extend_from_slice(brief.by.owner);
        put(out, b",\"host\":", brief.by.host);
        put(out, b",\"session\":", brief.by.session);
        out.push(b'}');
    }
    out.extend_from_slice(b"}\n");
}

/// Returns for how long something had been there when it ended: a lease was held, or a freeze on.
#[must_use]
pub fn held_ms(at: Timestamp, brief: &Brief<'_>) -> Option<u64> {
    let has_ended = matches!(
        brief.event,
        "released" | "forced" | "freed" | "lapsed" | "passed" | "thawed"
    );
    let since = brief.since.filter(|_| has_ended)?;
    Some(at.millis_since(Timestamp::from_millis(since)))
}

/// Returns for how long a request had waited: until its grant, or until its place was given up.
#[must_use]
pub fn waited_ms(at: Timestamp, brief: &Brief<'_>) -> Option<u64> {
    let since = match (brief.thing, brief.event) {
        (Thing::Lease, "granted") => brief.waited_since,
        (Thing::Ticket, "died" | "cancelled" | "parked") => brief.since,
        _ => None,
    };
    since.map(|since| at.millis_since(Timestamp::from_millis(since)))
}

fn begin(out: &mut Vec<u8>, at: Timestamp, brief: &Brief<'_>, dates: &mut Dates<'_>) {
    let about: &[u8] = match brief.thing {
        Thing::Request => b"request",
        Thing::Lease => b"lease",
        Thing::Ticket => b"ticket",
        Thing::Freeze => b"freeze",
        Thing::Card => b"card",
    };
    out.extend_from_slice(b"{\"schema\":");
    number(out, SCHEMA.into());
    out.extend_from_slice(b",\"at\":\"");
    dates.push(out, at);
    out.extend_from_slice(b"\",\"at_ms\":");
    number(out, at.as_millis());
    out.extend_from_slice(b",\"event\":\"");
    out.extend_from_slice(brief.event.as_bytes());
    out.extend_from_slice(b"\",\"about\":\"");
    out.extend_from_slice(about);
    out.push(b'"');
}

fn party(out: &mut Vec<u8>, who: Party<'_>) {
    put(out, b",\"owner\":", who.owner);
    put(out, b",\"host\":", who.host);
    put(out, b",\"session\":", who.session);
}

/// Appends a member, if it is there, behind its name. Of a known length, that is copied as one or two numbers.
#[inline(always)]
fn put<const N: usize>(out: &mut Vec<u8>, name: &[u8; N], json: &[u8]) {
    if !json.is_empty() {
        out.extend_from_slice(name);
        out.extend_from_slice(json);
    }
}

fn put_number<const N: usize>(out: &mut Vec<u8>, name: &[u8; N], value: Option<u64>) {
    if let Some(value) = value {
        out.extend_from_slice(name);
        number(out, value);
    }
}

/// Appends a number, without what formatting costs.
fn number(out: &mut Vec<u8>, number: u64) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, &number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_everywhere() {
        let clock = Clock::at(Timestamp::from_millis(1_795_249_815_250));
        let mut dates = Dates::new(&clock);
        for ms in [
            0,
            1,
            1_795_249_815_250,
            1_795_249_815_999,
            1_795_249_816_000,
            u64::MAX,
        ] {
            for at in [ms, ms.saturating_sub(1), ms / 2].map(Timestamp::from_millis) {
                let mut out = Vec::new();
                dates.push(&mut out, at);
                let expected = date(&clock, at);
                assert_eq!(dates.text(at), expected);
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
        }
    }
}
