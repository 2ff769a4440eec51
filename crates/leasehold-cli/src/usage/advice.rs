//! What to write instead, where the parser only knows what is wrong.

use super::{DASHES, SCRIPT, TYPED_SHOWN, has_value, is_flag, joined, quoted, text};
use crate::cli::Cli;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _};
use std::ffi::OsString;

/// The same things under the names that other programs have for them.
const OTHER_NAMES: [(&str, &[&str]); 7] = [
    ("guard", &["run", "exec", "with", "wrap", "do"]),
    ("lock", &["acquire", "take", "claim", "hold"]),
    ("unlock", &["release", "free", "drop"]),
    ("renew", &["extend", "refresh", "heartbeat"]),
    ("status", &["list", "ls", "ps", "show", "who", "info"]),
    ("audit", &["log", "logs", "history", "events"]),
    ("prime", &["onboard", "instructions", "agents"]),
];

/// What a guard looks like.
const SHAPE: &str = "leasehold guard NAME -- COMMAND";

/// A flag that more verbs than these have tells nothing of what was meant.
const VERBS_MAX: usize = 3;

/// Says what to write. A similar word that the parser offers is then not what was meant.
pub(super) fn advice(verb: &str, error: &clap::Error, words: &[OsString]) -> Option<String> {
    let wrong = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let is_typing_error = error.get(ContextKind::SuggestedSubcommand).is_some();
            verb_of(
                wrong(ContextKind::InvalidSubcommand)?,
                is_typing_error,
                words,
            )
        }
        ErrorKind::UnknownArgument => {
            let word = wrong(ContextKind::InvalidArg)?;
            let dashed = || (verb == "guard").then(|| with_dashes(words)).flatten();
            dashed().or_else(|| match word.strip_prefix("--") {
                Some(flag) => owners(verb, flag.split('=').next()?),
                None if word.starts_with('-') => None,
                None => name_of(verb, word),
            })
        }
        _ if matches!(verb, "guard" | "lock") && times_no_wait(words) => {
            Some("write --wait as well: without it nothing is waited for".into())
        }
        _ if verb == "guard" => guard(words),
        ErrorKind::MissingRequiredArgument if verb == "import" => {
            Some("leasehold import lokt".into())
        }
        ErrorKind::MissingRequiredArgument if verb == "freeze" => {
            Some("a freeze has to end: leasehold freeze NAME --ttl 30m".into())
        }
        _ => None,
    }
}

/// What was meant by a verb that there is not.
fn verb_of(word: &str, is_typing_error: bool, words: &[OsString]) -> Option<String> {
    let has_command = words.iter().any(|word| word == DASHES);
    if let Some((verb, _)) = OTHER_NAMES.iter().find(|(_, names)| names.contains(&word)) {
        // Only a guard runs a command.
        let verb = if has_command { "guard" } else { verb };
        return Some(format!("that is `leasehold {verb}` here"));
    }
    if matches!(word, "init" | "setup" | "install" | "start" | "serve") {
        return Some(format!("nothing has to be set up or started: {SHAPE}"));
    }
    (has_command && !is_typing_error)
        .then(|| short(format!("leasehold guard {}", joined(words)), SHAPE))
        .map(|line| format!("the verb is missing: {line}"))
}

/// Which verbs a flag is of that this one does not have.
fn owners(verb: &str, flag: &str) -> Option<String> {
    if verb == "guard" && flag == "json" {
        return Some("standard output is the command's here: --json-file PATH".into());
    }
    let mut line = Cli::command();
    line.build();
    let has_it = |verb: &&Command| verb.get_arguments().any(|arg| arg.get_long() == Some(flag));
    let verbs = line.get_subcommands().filter(has_it);
    let verbs: Vec<String> = verbs.map(|verb| format!("`{}`", verb.get_name())).collect();
    match verbs.as_slice() {
        [] => None,
        more if more.len() > VERBS_MAX => None,
        [only] => Some(format!("--{flag} is a flag of {only}")),
        [all @ .., last] => Some(format!(
            "--{flag} is a flag of {} and {last}",
            all.join(", ")
        )),
    }
}

fn is_duration(word: &str) -> bool {
    leasehold_api::duration::parse(word).is_ok()
}

/// What to do with a name behind a verb that takes none, or no more than one.
fn name_of(verb: &str, word: &str) -> Option<String> {
    let name = quoted(word);
    let line = match verb {
        "renew" => {
            "a lock is renewed by its name when it is locked again: leasehold lock NAME; or pass \
                    --lease ID"
                .into()
        }
        "check" => format!(
            "it asks about a lease: --lease ID, or inside of a guard; who has a name: leasehold status \
             {name}"
        ),
        "unlock" => {
            "one name at a time; what was locked together is unlocked by any of its names".into()
        }
        "freeze" if is_duration(word) => {
            format!("for how long: leasehold freeze NAME --ttl {name}")
        }
        "freeze" | "unfreeze" | "status" | "exists" => "one name at a time".into(),
        "audit" if is_duration(word) => format!("since when: leasehold audit --since {name}"),
        "audit" => format!("of one name: leasehold audit --name {name}"),
        "prime" => format!("leasehold prime --format {name}"),
        _ => return None,
    };
    Some(short(line, "see --help"))
}

/// What is missing of a guard.
fn guard(words: &[OsString]) -> Option<String> {
    let end = words.iter().position(|word| word == DASHES);
    let Some(end) = end else {
        if words.last().is_some_and(|word| word == SCRIPT) {
            return Some(
                "write the script behind it: leasehold guard NAME -c 'COMMAND && COMMAND'".into(),
            );
        }
        // A script is a command: what is wrong is something else.
        if words.iter().any(|word| word == SCRIPT) {
            return None;
        }
        let line =
            with_dashes(words).unwrap_or_else(|| format!("write `--` before the command: {SHAPE}"));
        return Some(line);
    };
    let (before, command) = (&words[1..end], &words[end + 1..]);
    let line = |words: String| short(format!("leasehold guard {words}"), SHAPE);
    match (nth_word(words, 1), command) {
        (Some(_), []) => {
            let line = line(format!("{} -- COMMAND", joined(before)));
            Some(format!("the command is missing: {line}"))
        }
        (None, [_, ..]) => {
            let name = [OsString::from("NAME")];
            let line = line(joined(name.iter().chain(&words[1..])));
            Some(format!("the name is missing: {line}"))
        }
        _ => None,
    }
}

/// Returns whether there is a limit to a wait and no wait.
fn times_no_wait(words: &[OsString]) -> bool {
    let mut before = words.iter().take_while(|word| *word != DASHES);
    let is_it = |word: &OsString, flag: &str| text(word).is_some_and(|word| word.starts_with(flag));
    before.clone().any(|word| is_it(word, "--timeout")) && !before.any(|word| word == "--wait")
}

/// Writes a guard with the dashes that it was typed without: the first word is the name.
fn with_dashes(words: &[OsString]) -> Option<String> {
    if words.iter().any(|word| word == DASHES || word == SCRIPT) {
        return None;
    }
    let at = nth_word(words, 2)?;
    let (before, command) = words.split_at(at);
    let (what, mark) = match command {
        [only] if text(only)?.contains(char::is_whitespace) => ("`-c` before the script", "-c"),
        _ => ("`--` before the command", DASHES),
    };
    let line = format!("leasehold {} {mark} {}", joined(before), joined(command));
    Some(format!("write {what}: {}", short(line, SHAPE)))
}

/// Returns where the word number `wanted` is, not counting flags and their values, from the verb on.
fn nth_word(words: &[OsString], wanted: usize) -> Option<usize> {
    let mut found = 0;
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|word| *word != DASHES) {
        if !is_flag(word) {
            found += 1;
            if found == wanted {
                return Some(at);
            }
        }
        at += 1 + usize::from(text(word).is_some_and(has_value));
    }
    None
}

/// Returns the whole line, unless it is too long to be of use.
fn short(line: String, else_line: &str) -> String {
    if line.chars().count() > TYPED_SHOWN {
        else_line.into()
    } else {
        line
    }
}
