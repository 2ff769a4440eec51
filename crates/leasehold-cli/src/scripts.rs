//! The scripts of a repository, and what they guard: the files that commands stand in (here), their lines,
//! the words of a shell (`shell`), and the guards in them (`guards`).

pub(crate) mod guards;
pub(crate) mod shell;

use std::fs;
use std::path::{Path, PathBuf};

/// How many files are looked at.
const FILES_MAX: usize = 5_000;
/// How deep: scripts and instructions for agents lie near the top.
const DEPTH_MAX: usize = 4;
/// Longer ones were not written by hand.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Directories that are not the repository's own.
const SKIPPED: [&str; 6] = ["node_modules", "target", "vendor", "dist", "build", "venv"];
/// Directories with a dot in front that say how to work here.
const CONFIGURATION: [&str; 5] = [".github", ".claude", ".cursor", ".husky", ".githooks"];
/// What commands stand in, besides files that begin with `#!`.
const ENDINGS: [&str; 12] = [
    "sh", "bash", "zsh", "md", "mdc", "yml", "yaml", "toml", "json", "mk", "just", "txt",
];
/// The files that `make` and `just` take by themselves.
const MAKE: [&str; 3] = ["Makefile", "makefile", "GNUmakefile"];
const JUST: [&str; 2] = ["justfile", "Justfile"];

/// What a guard begins with.
pub(crate) const GUARDS: [&str; 2] = ["leasehold guard ", "lokt guard "];

/// A file that commands stand in.
pub(crate) struct Script {
    pub(crate) path: PathBuf,
    /// Its path from the top of the repository.
    pub(crate) shown: String,
    pub(crate) kind: Kind,
    /// What is no UTF-8 in it is replaced.
    pub(crate) text: String,
}

/// What reads the commands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A shell, the whole file.
    Shell,
    /// `make`.
    Make,
    /// `just`.
    Just,
    /// `npm run`.
    Package,
    /// Something else, or people and agents.
    Other,
}

/// Goes through the files below a directory, in the order of their names.
pub(crate) fn each(top: &Path, look: &mut impl FnMut(&Script)) {
    walk(top, top, 0, &mut 0, look);
}

fn walk(
    top: &Path,
    directory: &Path,
    depth: usize,
    files: &mut usize,
    look: &mut impl FnMut(&Script),
) {
    // What cannot be read has no scripts for anybody here.
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let (Ok(kind), Some(name)) = (entry.file_type(), name.to_str()) else {
            continue;
        };
        if kind.is_dir() {
            let is_own = !name.starts_with('.') || CONFIGURATION.contains(&name);
            if is_own && !SKIPPED.contains(&name) && depth < DEPTH_MAX {
                walk(top, &path, depth + 1, files, look);
            }
        } else if kind.is_file() && *files < FILES_MAX {
            *files += 1;
            if let Some(script) = read(top, path, name) {
                look(&script);
            }
        }
    }
}

fn read(top: &Path, path: PathBuf, name: &str) -> Option<Script> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_named = MAKE.contains(&name) || JUST.contains(&name);
    let may_have = ENDINGS.contains(&ending) || is_named || !name.contains('.');
    if !may_have {
        return None;
    }
    let text = text(&path)?;
    if !is_named && ending.is_empty() && !text.starts_with("#!") {
        return None;
    }
    let kind = match ending {
        _ if MAKE.contains(&name) => Kind::Make,
        _ if JUST.contains(&name) => Kind::Just,
        "mk" => Kind::Make,
        "just" => Kind::Just,
        "sh" | "bash" | "zsh" => Kind::Shell,
        "" if interpreter(&text).is_some() => Kind::Shell,
        _ if name == "package.json" => Kind::Package,
        _ => Kind::Other,
    };
    let shown = path.strip_prefix(top).unwrap_or(&path).display();
    let shown = shown.to_string();
    Some(Script {
        path,
        shown,
        kind,
        text,
    })
}

/// Returns the text of a file that may have been written by hand. Not of a pipe: to open one would be to
/// wait for a writer.
pub(crate) fn text(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the shell that the first line of a script names, if it is one.
pub(crate) fn interpreter(text: &str) -> Option<&'static str> {
    let line = text.lines().next()?.strip_prefix("#!")?;
    let mut words = line.split_whitespace().map(base);
    let program = words.find(|word| *word != "env" && !word.starts_with('-'))?;
    ["sh", "bash", "zsh", "dash", "ksh"]
        .into_iter()
        .find(|shell| *shell == program)
}

/// Returns the last part of a path.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns the lines with their numbers, those that go on behind a `\` as one.
pub(crate) fn joined(text: &str) -> Vec<(usize, String)> {
    let (mut lines, mut open): (Vec<(usize, String)>, bool) = (Vec::new(), false);
    for (index, line) in text.lines().enumerate() {
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some((_, before)) => before.push_str(part),
            None => lines.push((index + 1, part.into())),
        }
        open = goes_on;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_go_on_are_one() {
        let lines = joined("a\nleasehold guard b -- c \\\n  && d\ne");
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1], (2, "leasehold guard b -- c   && d".into()));
    }

    #[test]
    fn the_first_line_names_the_shell() {
        for (line, expected) in [
            ("#!/bin/sh", Some("sh")),
            ("#! /usr/bin/env bash", Some("bash")),
            ("#!/usr/bin/env -S zsh -e", Some("zsh")),
            ("#!/usr/bin/env python3", None),
            ("sh", None),
            ("#!", None),
        ] {
            assert_eq!(interpreter(line), expected, "{line}");
        }
    }
}
