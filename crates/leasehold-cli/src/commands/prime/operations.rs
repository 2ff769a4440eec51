//! What scripts of the repository guard, and what to run for it.

use super::recipes::{self, Alias};
use crate::scripts::guards::{Guarded, Reader};
use crate::scripts::{self, Kind, Script};
use crate::ui::quoted;
use leasehold_api::prime::OperationInfo;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// How many are told at all: nobody wrote more by hand.
const OPERATIONS_MAX: usize = 200;
/// Where git's hooks lie: git runs those, and nobody else should.
const HOOKS: [&str; 2] = [".husky/", ".githooks/"];

/// Finds them, first those of the scripts, then those of these aliases of git.
pub(super) fn find(top: Option<&Path>, aliases: Vec<Alias>) -> Vec<OperationInfo> {
    let (reader, mut found) = (Reader::new(), Vec::new());
    if let Some(top) = top {
        scripts::each(top, &mut |script| look_into(script, &reader, &mut found));
    }
    for Alias { name, file, line } in aliases {
        let run = format!("git {}", quoted(&name));
        add(&mut found, &reader, &line, &run, &file);
    }
    found
}

fn look_into(script: &Script, reader: &Reader, found: &mut Vec<OperationInfo>) {
    let file = &script.shown;
    let recipes = match script.kind {
        Kind::Shell if HOOKS.iter().any(|hooks| file.starts_with(hooks)) => return,
        Kind::Shell => return add(found, reader, &script.text, &run(script), file),
        Kind::Make => recipes::make(&script.text),
        Kind::Just => recipes::just(&script.text),
        Kind::Package => recipes::package(&script.text),
        Kind::Other => return,
    };
    for (name, line) in recipes {
        add(found, reader, &line, &recipes::run(script, &name), file);
    }
}

/// Adds what a text for a shell guards, once.
fn add(found: &mut Vec<OperationInfo>, reader: &Reader, text: &str, run: &str, file: &str) {
    for guard in reader.guards(text) {
        let operation = operation(guard, run, file);
        if found.len() < OPERATIONS_MAX && !found.contains(&operation) {
            found.push(operation);
        }
    }
}

fn operation(guard: Guarded, run: &str, file: &str) -> OperationInfo {
    let command = guard.command.trim();
    // A script around whatever it is given, or around itself, has no command of its own.
    let first = command.split_whitespace().next().unwrap_or_default();
    let first = first.trim_matches('"');
    let is_given = ["$@", "$*", "$1"].contains(&first);
    let (run, instead_of) = if is_given {
        (format!("{run} COMMAND"), None)
    } else if first == "$0" {
        (run.to_owned(), None)
    } else {
        (run.to_owned(), Some(command.to_owned()))
    };
    OperationInfo {
        names: guard.names,
        run,
        instead_of,
        file: file.to_owned(),
    }
}

/// How to run a script.
fn run(script: &Script) -> String {
    let path = quoted(&script.shown);
    let is_executable =
        fs::metadata(&script.path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0);
    if !is_executable {
        let ending = script.shown.rsplit_once('.').map(|(_, ending)| ending);
        let shell = scripts::interpreter(&script.text).or(match ending {
            Some("bash") => Some("bash"),
            Some("zsh") => Some("zsh"),
            _ => None,
        });
        return format!("{} {path}", shell.unwrap_or("sh"));
    }
    if script.shown.contains('/') {
        path
    } else {
        quoted(&format!("./{}", script.shown))
    }
}
