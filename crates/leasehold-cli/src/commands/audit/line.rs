//! One event as one line for people: when, what, which resources, whose, and what else there is to say.

use crate::{message, ui};
use leasehold_api::duration::short;
use leasehold_api::event::{Dates, held_ms, waited_ms};
use leasehold_api::lease::BRIEF;
use leasehold_core::Timestamp;
use leasehold_store::format::{Brief, Party};

/// How wide the columns are.
const EVENT_WIDTH: usize = 9;
const NAMES_WIDTH: usize = 20;
const WHO_WIDTH: usize = 20;

/// Appends the line of an event. There may be a million of them, so nothing is made apart from it.
pub(super) fn write(out: &mut Vec<u8>, at: Timestamp, brief: &Brief<'_>, dates: &mut Dates<'_>) {
    let begin = out.len();
    dates.push(out, at);
    column(out, EVENT_WIDTH, |out| push(out, brief.event));
    column(out, NAMES_WIDTH, |out| {
        for (index, name) in brief.resources().enumerate() {
            push(out, if index > 0 { " " } else { "" });
            push(out, &name);
        }
    });
    column(out, WHO_WIDTH, |out| party(out, brief.who));
    details(out, at, brief, dates);
    while out.last() == Some(&b' ') {
        out.pop();
    }
    ui::end_line(out, begin);
}

fn details(out: &mut Vec<u8>, at: Timestamp, brief: &Brief<'_>, dates: &mut Dates<'_>) {
    // Refusals name what was in the way by the same digits.
    let (what, id) = match brief.event {
        "granted" => ("  lease ", Brief::text(brief.id)),
        "frozen" => ("  freeze ", Brief::text(brief.id)),
        _ => ("", None),
    };
    if let Some(id) = id {
        push(out, what);
        push(out, id.get(..BRIEF).unwrap_or(&id));
    }
    if brief.event == "granted" && !brief.token.is_empty() {
        push(out, "  token ");
        out.extend_from_slice(brief.token);
    }
    if let Some(reason) = Brief::text(brief.reason) {
        push(out, "  ");
        push(out, &reason);
    }
    if let Some(by) = Brief::text(brief.by_id) {
        push(out, "  by ");
        push(out, by.get(..BRIEF).unwrap_or(&by));
    }
    if !brief.by.owner.is_empty() {
        push(out, "  by ");
        party(out, brief.by);
    }
    for (word, millis) in [
        ("  waited ", waited_ms(at, brief)),
        ("  after ", held_ms(at, brief)),
    ] {
        if let Some(millis) = millis {
            push(out, word);
            push(out, &short(millis));
        }
    }
    if let Some(until) = brief.until.filter(|_| brief.event == "frozen") {
        push(out, "  until ");
        dates.push(out, Timestamp::from_millis(until));
    }
    if let Some(command) = Brief::text(brief.command).filter(|command| !command.is_empty()) {
        push(out, "  ");
        // What has few bytes has few characters.
        if command.len() <= message::COMMAND_SHOWN {
            push(out, &command);
        } else {
            push(out, &message::abridged(&command, message::COMMAND_SHOWN));
        }
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a column, filled with blanks to its width.
fn column(out: &mut Vec<u8>, width: usize, write: impl FnOnce(&mut Vec<u8>)) {
    push(out, "  ");
    let begin = out.len();
    write(out);
    let characters = out[begin..]
        .iter()
        .filter(|byte| (**byte & 0xc0) != 0x80)
        .count();
    out.resize(out.len() + width.saturating_sub(characters), b' ');
}

fn party(out: &mut Vec<u8>, who: Party<'_>) {
    let text = |json| Brief::text(json).unwrap_or_default();
    if !who.owner.is_empty() {
        push(out, &text(who.owner));
        push(out, "@");
        push(out, &text(who.host));
    }
}
