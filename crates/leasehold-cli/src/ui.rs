//! The only place that prints: data on standard output, talk on standard error.

use crate::answer::Told;
use crate::exit;
use leasehold_api::outcome::Outcome;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints one line of talk.
pub(crate) fn talk(line: &str) {
    // Nobody left to talk to is no reason to fail: the exit code says the same.
    let _ = writeln!(io::stderr().lock(), "{}", one_line(line));
}

/// Prints one line of data.
pub(crate) fn data(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{}", one_line(line));
}

/// Prints whole text as data and returns the exit code.
pub(crate) fn text(text: &[u8]) -> u8 {
    match io::stdout().lock().write_all(text) {
        Ok(()) => exit::OK,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::OK,
        Err(error) => {
            talk(&format!("error: standard output: {error}"));
            exit::ERROR
        }
    }
}

/// Prints the outcome of a verb: as JSON on standard output, else in words.
pub(crate) fn outcome(outcome: &Outcome, json: bool) {
    if json {
        let _ = writeln!(io::stdout().lock(), "{}", to_json(outcome));
    } else if outcome.ok {
        data(&outcome.message);
        hints(&outcome.hints);
    } else {
        refusal(outcome);
    }
}

/// Prints what a verb tells: as JSON, else line by line where it has lines.
pub(crate) fn told(told: &Told, json: bool) {
    if json || told.lines.is_empty() {
        outcome(&told.outcome, json);
    } else {
        told.lines.iter().for_each(|line| data(line));
        hints(&told.outcome.hints);
    }
}

/// Prints a refusal or failure in words.
pub(crate) fn refusal(outcome: &Outcome) {
    talk(&format!("error: {}", outcome.message));
    hints(&outcome.hints);
}

fn hints(hints: &[String]) {
    hints.iter().for_each(|hint| talk(&format!("hint: {hint}")));
}

/// Writes an outcome as one line of JSON.
pub(crate) fn to_json(outcome: &Outcome) -> String {
    serde_json::to_string(outcome).expect("an outcome has only strings for keys")
}

/// Prints what the argument parser says and returns the exit code: help goes to standard output.
pub(crate) fn usage_error(error: &clap::Error) -> u8 {
    let help = !error.use_stderr();
    let text = error.render().to_string();
    let _ = if help {
        write!(io::stdout(), "{text}")
    } else {
        write!(io::stderr(), "{text}")
    };
    let mut words = std::env::args_os().skip(1);
    let guard = words.next().is_some_and(|verb| verb == "guard");
    if !help && guard && !words.any(|word| word == "--") {
        talk("hint: write `--` before the command: leasehold guard NAME -- COMMAND");
    }
    if help { exit::OK } else { exit::USAGE }
}

/// Makes text from files and other people's environments harmless on a terminal: control characters
/// and those that turn the direction of writing are shown as escapes.
pub(crate) fn harmless(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || turns(c) {
            let _ = write!(clean, "{}", c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// The same on one line: a command with a line break in it must not look like an answer of ours.
fn one_line(text: &str) -> String {
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
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted("make"), "make");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
