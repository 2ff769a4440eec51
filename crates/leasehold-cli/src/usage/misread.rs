//! Command lines that the parser would take, for something else than was meant: a word that becomes one
//! more name leases a thing of that name, and nothing else tells.

use super::{DASHES, SCRIPT, has_value, is_flag, joined, text};
use crate::cli::Verb;
use crate::error::CliError;
use leasehold_api::duration;
use std::ffi::OsString;

/// Flags whose value is a duration.
const TIMES: [&str; 3] = ["--ttl", "--timeout", "--stop-grace"];

/// Refuses such a line, under the name of its verb.
pub(crate) fn misread(words: &[OsString]) -> Option<(&'static str, CliError)> {
    let verb = Verb::named(text(words.first()?)?)?;
    if !matches!(verb, "guard" | "lock") {
        return None;
    }
    let end = words.iter().position(|word| word == DASHES);
    let before = &words[1..end.unwrap_or(words.len())];
    let error = time_of_a_wait(before)
        .or_else(|| end.and_then(|_| dashes_as_a_value(before)))
        .or_else(|| script_in_pieces(verb, before))?;
    Some((verb, error))
}

/// `--wait 30s`: the wait has no value, so that would be a name.
fn time_of_a_wait(before: &[OsString]) -> Option<CliError> {
    let mut pairs = before.windows(2).filter(|pair| pair[0] == "--wait");
    let time =
        pairs.find_map(|pair| text(&pair[1]).filter(|word| duration::parse(word).is_ok()))?;
    let error = format!("--wait is followed by {time:?}, which would be a name to lease");
    Some(CliError::usage(error).hint(format!(
        "for a wait of so long say --wait --timeout {time}; for the name, name:{time}"
    )))
}

/// `--ttl -- make`: the dashes would be the duration, and `make` a name.
fn dashes_as_a_value(before: &[OsString]) -> Option<CliError> {
    let flag = text(before.last()?)?;
    TIMES.contains(&flag).then(|| {
        CliError::usage(format!("{flag} needs a duration, and \"--\" follows"))
            .hint("write it like 90s, 5m or 1h30m")
    })
}

/// `guard push -c git push`: the script would be `git`, and `push` one more name.
fn script_in_pieces(verb: &str, before: &[OsString]) -> Option<CliError> {
    before.first().filter(|name| !is_flag(name))?;
    let at = before.iter().position(|word| word == SCRIPT)?;
    let script = text(before.get(at + 1)?)?;
    let next = before.get(at + 2).filter(|word| !is_flag(word))?;
    let is_a_value = || text(&before[at - 1]).is_some_and(has_value);
    if verb != "guard" || script.contains(char::is_whitespace) || is_a_value() {
        return None;
    }
    let error = format!("-c takes {script:?} alone, and {next:?} would be a name to lease");
    Some(CliError::usage(error).hint(format!("quote all of it: {}", quoted_script(before, at))))
}

/// Writes the line with all that stands behind `-c` as one word.
fn quoted_script(before: &[OsString], at: usize) -> String {
    let (head, tail) = before.split_at(at + 1);
    let words = tail.iter().map(|word| word.to_string_lossy());
    let script = OsString::from(words.collect::<Vec<_>>().join(" "));
    let words = [OsString::from("leasehold"), "guard".into()];
    joined(words.iter().chain(head).chain([&script]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &[&str]) -> Option<String> {
        let words: Vec<OsString> = line.iter().map(OsString::from).collect();
        misread(&words).map(|(_, error)| format!("{}; {}", error.message, error.hints.join("; ")))
    }

    #[test]
    fn what_would_lease_something_else_is_refused() {
        for (line, expected) in [
            (
                vec!["guard", "build", "--wait", "30s", "--", "make"],
                "--wait is followed by \"30s\", which would be a name to lease; for a wait of so \
                 long say --wait --timeout 30s; for the name, name:30s",
            ),
            (
                vec!["lock", "--wait", "5m", "build"],
                "--wait is followed by \"5m\", which would be a name to lease; for a wait of so \
                 long say --wait --timeout 5m; for the name, name:5m",
            ),
            (
                vec!["guard", "build", "--ttl", "--", "make", "build"],
                "--ttl needs a duration, and \"--\" follows; write it like 90s, 5m or 1h30m",
            ),
            (
                vec!["guard", "push", "--wait", "-c", "git", "push", "a b"],
                "-c takes \"git\" alone, and \"push\" would be a name to lease; quote all of it: \
                 leasehold guard push --wait -c 'git push a b'",
            ),
        ] {
            assert_eq!(said(&line).as_deref(), Some(expected), "{line:?}");
        }
    }

    #[test]
    fn what_says_what_it_means_is_not() {
        for line in [
            vec!["guard", "build", "--wait", "name:30s", "--", "make"],
            vec!["guard", "30s", "--wait", "--", "sleep", "--wait", "30s"],
            vec!["guard", "build", "--wait", "--timeout", "30s", "--", "make"],
            vec!["guard", "build", "--", "sh", "-c", "make", "build"],
            vec!["guard", "-c", "make build", "build"],
            vec!["guard", "-c", "make", "build"],
            vec!["guard", "a", "-c", "make && ls", "b"],
            vec!["guard", "a", "-c", "make", "--wait"],
            vec!["guard", "a", "-c", "make", "--", "b"],
            vec!["status", "--wait", "30s"],
        ] {
            assert_eq!(said(&line), None, "{line:?}");
        }
    }
}
