//! The only place that prints: data on standard output, talk on standard error.

mod output;

pub(crate) use output::{Output, end_json, end_line};

use crate::answer::Told;
use crate::commands::untold;
use crate::exit;
use leasehold_api::listed::Leases;
use leasehold_api::outcome::Outcome;
use output::Json;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints one line of talk.
pub(crate) fn talk(line: &str) {
    // Nobody left to talk to is no reason to fail: the exit code says the same.
    let _ = writeln!(io::stderr().lock(), "{}", one_line(line));
}

/// Prints text on standard output. A reader that has gone away has read all that it wanted.
pub(crate) fn data(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text).and_then(|()| out.flush());
    written.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

/// Prints one line of data.
pub(crate) fn line(line: &str) -> io::Result<()> {
    data((one_line(line) + "\n").as_bytes())
}

/// Prints whole text as data and returns the exit code.
pub(crate) fn text(text: &[u8]) -> u8 {
    data(text).map_or_else(|error| untold(exit::OK, &error), |()| exit::OK)
}

/// Prints what a verb tells: as JSON, else in words, line by line where it has lines.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn told(told: &Told, json: bool) -> io::Result<()> {
    let outcome = &told.outcome;
    if json {
        return self::json(outcome);
    }
    let written = match told.lines.as_slice() {
        [] if outcome.ok => line(&outcome.message),
        [] => {
            refusal(outcome);
            return Ok(());
        }
        told => lines(told.iter()),
    };
    besides(outcome);
    written
}

/// Prints an answer as JSON.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn json<L: Leases>(outcome: &Outcome<L>) -> io::Result<()> {
    let mut out = Json::default();
    // What fails is the writing, which is said at the end.
    let _ = serde_json::to_writer(&mut out, outcome);
    out.finish()
}

/// Prints lines of data.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn lines(mut lines: impl Iterator<Item: AsRef<str>>) -> io::Result<()> {
    let mut out = Output::default();
    let _read = lines.all(|text| {
        out.add(|buffer| {
            let begin = buffer.len();
            buffer.extend_from_slice(text.as_ref().as_bytes());
            end_line(buffer, begin);
        })
    });
    out.finish()
}

/// Prints a refusal or failure in words.
pub(crate) fn refusal<L>(outcome: &Outcome<L>) {
    talk(&format!("error: {}", outcome.message));
    besides(outcome);
}

/// Prints what goes with an answer.
pub(crate) fn besides<L>(outcome: &Outcome<L>) {
    notes(&outcome.notes);
    outcome
        .hints
        .iter()
        .for_each(|hint| talk(&format!("hint: {hint}")));
}

/// Prints what is worth knowing once.
pub(crate) fn notes(notes: &[String]) {
    notes.iter().for_each(|note| talk(&format!("note: {note}")));
}

/// Writes an outcome as one line of JSON.
pub(crate) fn to_json(outcome: &Outcome) -> String {
    harmless_json(serde_json::to_string(outcome).expect("an outcome has only strings for keys"))
}

/// Prints data as JSON on several lines, as programs do that a front stands in for.
pub(crate) fn pretty(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).expect("records have only strings for keys");
    let _ = writeln!(io::stdout().lock(), "{}", harmless_json(text));
}

/// Makes JSON harmless on a terminal. It means the same afterwards: what is escaped can only stand in its
/// strings.
fn harmless_json(json: String) -> String {
    if !json.contains(acts) {
        return json;
    }
    let mut clean = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) {
            // All of them are in the first plane.
            let _ = write!(clean, "\\u{:04x}", u32::from(c));
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Prints what the parser of the command line says, as it says it.
pub(crate) fn parser(text: &str) {
    let _ = write!(io::stderr(), "{text}");
}

/// Makes text from files and other people's environments harmless on a terminal: control characters
/// and those that turn the direction of writing are shown as escapes.
pub(crate) fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            let _ = write!(clean, "{}", c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Returns whether a terminal may do something else with a character than to show it.
fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    turns || (c.is_control() && c != '\n')
}

/// The same on one line: a command with a line break in it must not look like an answer of ours.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text).replace('\n', r"\n")
}

/// Quotes a word for a shell where it needs it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_and_not_obeyed() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\rc\u{202e}d"),
            r"a\u{1b}[2Jb\u{d}c\u{202e}d"
        );
        assert_eq!(harmless("plain ünïcode\n"), "plain ünïcode\n");
        assert_eq!(one_line("make\nerror: no"), r"make\nerror: no");
    }

    #[test]
    fn json_is_harmless_and_means_the_same() {
        let text = "a\u{1b}[2J\u{9b}0m\u{202e}\u{7f}\u{feff} ünï \"\\\n";
        let json = serde_json::to_string(text).unwrap();
        let clean = harmless_json(json.clone());
        assert!(!clean.contains(acts), "{clean}");
        assert_eq!(serde_json::from_str::<String>(&clean).unwrap(), text);
        let mut line = json.into_bytes();
        line.push(b'\n');
        end_json(&mut line, 0);
        assert_eq!(String::from_utf8(line).unwrap(), clean + "\n");
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted("make"), "make");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
