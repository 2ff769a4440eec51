//! Command lines that make no sense: what the parser says of them, and what it does not know to say.
//!
//! Whoever asked for JSON gets these refusals as JSON too.

mod advice;
mod misread;

pub(crate) use misread::misread;

use crate::cli::Verb;
use crate::commands::untold;
use crate::error::CliError;
use crate::ui::quoted;
use crate::{answer, message, ui};
use clap::error::{ContextValue, ErrorKind};
use leasehold_api::outcome::Outcome;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

/// Stands for the verb where there is none.
const NO_VERB: &str = "leasehold";

/// Ends the flags and names; what follows is a command.
const DASHES: &str = "--";

/// Stands for a command: what follows it is a script.
const SCRIPT: &str = "-c";

/// How many characters of a word the parser's messages repeat.
pub(crate) const TYPED_SHOWN: usize = 200;

/// Refuses a command after a verb that runs none. To the parser its words would be names.
pub(crate) fn stray_command(words: &[OsString]) -> Option<(&'static str, CliError)> {
    let verb = Verb::named(words.first()?.to_str()?)?;
    let at = words.iter().position(|word| word == DASHES)?;
    if runs_a_command(verb) {
        return None;
    }
    let (before, command) = (words.get(1..at)?, words.get(at..)?);
    let line = if verb == "lock" && command.len() > 1 {
        let before = before.iter().filter(|word| *word != "--json");
        joined(before.chain(command))
    } else {
        "NAME -- COMMAND".into()
    };
    let error = CliError::usage(format!(
        "{verb} runs no command, so nothing stands after `--`"
    ))
    .hint(format!("to run one under a lease: leasehold guard {line}"));
    Some((verb, error))
}

fn runs_a_command(verb: &str) -> bool {
    let runs = |word: &clap::Arg| word.is_last_set() || word.is_trailing_var_arg_set();
    Verb::arguments(verb).is_some_and(|arguments| arguments.get_positionals().any(runs))
}

/// Prints a refusal of ours, in the form that was asked for, and returns the exit code.
pub(crate) fn refuse(verb: &'static str, error: CliError, words: &[OsString]) -> u8 {
    let outcome = answer::failed(verb, error);
    say(&outcome, words, ui::refusal)
}

/// Prints what the parser says, and returns the exit code: help goes to standard output.
pub(crate) fn parser_says(error: &clap::Error, words: &[OsString]) -> u8 {
    if !error.use_stderr() {
        return ui::text(error.render().to_string().as_bytes());
    }
    let verb = words.first().and_then(|word| word.to_str());
    let verb = verb.and_then(Verb::named).unwrap_or(NO_VERB);
    if error.kind() == ErrorKind::InvalidUtf8
        && let Some(error) = no_text(words)
    {
        return refuse(verb, error, words);
    }
    let hint = advice::advice(verb, error, words);
    let is_unknown = matches!(
        error.kind(),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand
    );
    let kept = without_tips(&error.render().to_string(), hint.is_some() && is_unknown);
    let text = harmless(error, kept);
    let in_words = |_: &Outcome| {
        ui::parser(&text);
        hint.iter()
            .for_each(|hint| ui::talk(&format!("hint: {hint}")));
    };
    say(&outcome(verb, &text, hint.clone()), words, in_words)
}

/// Names the word that is no text, and the flag that it follows.
fn no_text(words: &[OsString]) -> Option<CliError> {
    let at = words.iter().position(|word| word.to_str().is_none())?;
    let before = at
        .checked_sub(1)
        .map(|before| words[before].to_string_lossy());
    let flag = before.filter(|word| word.starts_with('-') && !word.contains('='));
    let flag = flag.map_or_else(String::new, |flag| format!("{flag} "));
    let word = &words[at];
    Some(CliError::usage(format!(
        "{flag}{word:?} is not valid UTF-8"
    )))
}

/// The parser repeats what was typed as it is. On a terminal it is not obeyed, and looks like no line of
/// the parser's own.
fn harmless(error: &clap::Error, mut text: String) -> String {
    for (_, value) in error.context() {
        if let ContextValue::String(typed) = value {
            let shown = message::abridged(&ui::one_line(typed), TYPED_SHOWN);
            text = text.replace(typed, &shown);
        }
    }
    ui::harmless(&text)
}

/// Returns whether a word is a flag.
fn is_flag(word: &OsString) -> bool {
    word.len() > 1 && word.as_encoded_bytes().starts_with(b"-")
}

/// Returns whether a word is a flag of `guard` whose value is the next word.
fn has_value(word: &str) -> bool {
    let is_it = |flag: &&clap::Arg| match word.strip_prefix("--") {
        Some(long) => flag.get_long() == Some(long),
        None => flag
            .get_short()
            .is_some_and(|short| word == format!("-{short}")),
    };
    let guard = Verb::arguments("guard");
    let flag = guard
        .iter()
        .flat_map(clap::Command::get_arguments)
        .find(is_it);
    flag.is_some_and(|flag| flag.get_action().takes_values())
}

fn text(word: &OsString) -> Option<&str> {
    word.to_str()
}

/// Writes words as a line for a shell.
fn joined<'a>(words: impl IntoIterator<Item = &'a OsString>) -> String {
    let words = words
        .into_iter()
        .map(|word| quoted(&word.to_string_lossy()));
    words.collect::<Vec<String>>().join(" ")
}

/// Takes out the advice to write a word behind `--`, where it would be a command, or refused; and where
/// we know better, the words that are similar.
fn without_tips(text: &str, knows_better: bool) -> String {
    let is_such = |line: &str| {
        line.starts_with("  tip: to pass") && line.contains("use '-- ")
            || knows_better && line.starts_with("  tip: ") && line.contains(" similar ")
            // It shows the similar flag, too.
            || knows_better && line.starts_with("Usage: ")
    };
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if !is_such(line) {
            kept.push_str(line);
        } else if kept.ends_with("\n\n") {
            // With the empty line after it.
            lines.next_if(|line| line.trim().is_empty());
        }
    }
    kept
}

/// What the parser says as an outcome: its first paragraph, and its tips and usage as hints.
fn outcome(verb: &'static str, text: &str, hint: Option<String>) -> Outcome {
    let paragraph = text.lines().take_while(|line| !line.is_empty());
    let message = paragraph.map(str::trim).collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let lines = text.lines().map(str::trim);
    let besides = lines.filter_map(|line| match line.strip_prefix("tip: ") {
        Some(tip) => Some(tip.to_owned()),
        None => line.starts_with("Usage: ").then(|| line.to_owned()),
    });
    let error = CliError::usage(message);
    let error = besides.chain(hint).fold(error, CliError::hint);
    answer::failed(verb, error)
}

/// Prints an outcome in the form that was asked for.
fn say(outcome: &Outcome, words: &[OsString], in_words: impl Fn(&Outcome)) -> u8 {
    let end = words.iter().position(|word| word == DASHES);
    let words = &words[..end.unwrap_or(words.len())];
    let json = ui::to_json(outcome) + "\n";
    // Under `guard` standard output is the command's.
    if outcome.verb != "guard" && words.iter().any(|word| word == "--json") {
        return ui::data(json.as_bytes())
            .map_or_else(|error| untold(outcome.exit, &error), |()| outcome.exit);
    }
    in_words(outcome);
    if let Some(path) = report(words)
        && let Err(error) = fs::write(path, json)
    {
        ui::talk(&format!("warning: --json-file {}: {error}", path.display()));
    }
    outcome.exit
}

/// Returns where the outcome is to be written, as far as the words tell.
fn report(words: &[OsString]) -> Option<&Path> {
    const FLAG: &str = "--json-file";
    let is_flag = |word: &OsString| word == FLAG;
    let next = words
        .iter()
        .position(is_flag)
        .and_then(|at| words.get(at + 1));
    let joined = || {
        let words = words.iter().filter_map(|word| word.to_str());
        words
            .filter_map(|word| word.strip_prefix(FLAG)?.strip_prefix('='))
            .next()
    };
    let path = next
        .map(OsString::as_os_str)
        .or_else(|| joined().map(OsStr::new));
    path.filter(|path| !path.is_empty()).map(Path::new)
}
