//! Aider's `.aider.conf.yml`: what it runs by itself as settings, all else as comments.

use super::markdown::{RAW_SHOWN, RUN_SHOWN, clean};
use super::{Front, Guarded, formats};
use crate::cli::FormatArg;
use leasehold_api::prime::OperationInfo;
use std::fmt::Write as _;

pub(super) fn lines(guarded: &Guarded, front: Front) -> Vec<String> {
    let program = front.program;
    let mut lines = vec![
        format!("# {}", formats::origin(FormatArg::Aider, front)),
        "# Several agents work in this repository at once. What must not overlap runs under a lease.".into(),
    ];
    let settings = [
        ("lint-cmd", is_lint as fn(&str) -> bool),
        ("test-cmd", is_test),
    ];
    let mut taken: Vec<&OperationInfo> = Vec::new();
    for (key, is_about) in settings {
        let found = guarded.operations.iter().find(|operation| {
            operation.instead_of.is_some() && operation.names.iter().any(|name| is_about(name))
        });
        if let Some(operation) = found {
            lines.push(format!("{key}: {}", scalar(&command(key, &operation.run))));
            taken.push(operation);
        }
    }
    if taken.is_empty() {
        lines.push(
            "# Aider refuses a file with nothing but comments. This is so without it:".into(),
        );
        lines.push("auto-lint: true".into());
    }
    lines.extend(others(guarded, &taken));
    lines.push(format!(
        "# What is held now: `{program} status`; why: `{program} why NAME`; all of it: `{program} prime`."
    ));
    lines.push(format!(
        "# The model itself sees no comments. For it: `{program} prime --format agents-md >> AGENTS.md`, and here:"
    ));
    lines.push("# read: AGENTS.md".into());
    lines
}

fn others(guarded: &Guarded, taken: &[&OperationInfo]) -> Vec<String> {
    let others = guarded.operations.iter();
    let others = others.filter(|operation| !taken.contains(operation));
    let mut lines: Vec<String> = others
        .map(|operation| {
            let (names, run) = (operation.names.join(" "), &operation.run);
            let raw = operation.instead_of.as_deref();
            let raw = raw.map_or_else(String::new, |raw| {
                format!(", and not: {}", clean(raw, RAW_SHOWN))
            });
            let (names, run) = (clean(&names, RAW_SHOWN), clean(run, RUN_SHOWN));
            format!("# {names}: run {run}{raw}")
        })
        .take(super::rules::SHOWN)
        .collect();
    let suggestions = guarded.suggestions.iter();
    lines.extend(suggestions.map(|suggestion| {
        let (run, because) = (clean(&suggestion.run, RUN_SHOWN), &suggestion.because);
        format!("# Suggestion: {run} ({because})")
    }));
    lines
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric())
}

fn is_lint(name: &str) -> bool {
    words(name).any(|word| word.ends_with("lint") || word.ends_with("fmt") || word == "format")
}

/// `latest` is none.
fn is_test(name: &str) -> bool {
    words(name).any(|word| word.starts_with("test") || word.ends_with("tests"))
}

/// Aider puts the name of a file behind what it lints with: to `make` and `just` that would be a target.
fn command(key: &str, run: &str) -> String {
    let takes_targets = ["make ", "just "]
        .iter()
        .any(|program| run.starts_with(program));
    if key == "lint-cmd" && takes_targets {
        format!("sh -c {} lint", crate::ui::quoted(run))
    } else {
        run.to_owned()
    }
}

/// Writes a text as YAML does between double quotes. What could be a control character or turn the
/// direction of writing is an escape of YAML's.
fn scalar(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            c if c.is_alphanumeric() => quoted.push(c),
            // Writing to memory cannot fail.
            c if u32::from(c) <= 0xffff => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_is_about_is_told_by_its_words() {
        for name in ["lint", "golangci-lint", "rustfmt", "issue:format"] {
            assert!(is_lint(name), "{name}");
        }
        for name in ["test", "unit-tests", "testdata", "name:test"] {
            assert!(is_test(name), "{name}");
        }
        for name in ["latest", "build", "splinter", "contest", ""] {
            assert!(!is_lint(name) && !is_test(name), "{name}");
        }
    }

    #[test]
    fn a_scalar_keeps_its_text_and_nothing_turns() {
        assert_eq!(
            scalar("a \"b\" \\ é\n\u{202e}\u{1f600}: #"),
            "\"a \\\"b\\\" \\\\ é\\u000a\\u202e\\U0001f600: #\""
        );
    }

    #[test]
    fn a_linter_is_given_files() {
        assert_eq!(command("lint-cmd", "make lint"), "sh -c 'make lint' lint");
        assert_eq!(command("lint-cmd", "./lint.sh"), "./lint.sh");
        assert_eq!(command("test-cmd", "make test"), "make test");
    }
}
