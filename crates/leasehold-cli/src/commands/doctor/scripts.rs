//! Scripts that guard less than they seem to: in `guard x -- a && b` the shell runs `b` after the guard.

use crate::names::Base;
use crate::ui;
use leasehold_api::finding::FindingInfo;
use std::fs;
use std::path::Path;

const CHECK: &str = "scripts";
/// How many files are looked at.
const FILES_MAX: usize = 5_000;
/// How deep: scripts and instructions for agents lie near the top.
const DEPTH_MAX: usize = 4;
/// Longer ones were not written by hand.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// How many lines are named.
const NAMED: usize = 10;
/// Directories that are not the repository's own.
const SKIPPED: [&str; 6] = ["node_modules", "target", "vendor", "dist", "build", "venv"];
/// What commands stand in, besides files that begin with `#!`.
const ENDINGS: [&str; 12] = [
    "sh", "bash", "zsh", "md", "mdc", "yml", "yaml", "toml", "json", "mk", "just", "txt",
];
const NAMES: [&str; 5] = [
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
];

pub(super) fn look(base: &Base) -> Vec<FindingInfo> {
    let Some(top) = &base.top else {
        return Vec::new();
    };
    let (mut found, mut files) = (Vec::new(), 0);
    walk(top, top, 0, &mut files, &mut found);
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    let mut findings: Vec<FindingInfo> = found;
    if more > 0 {
        findings.push(FindingInfo::warning(
            CHECK,
            format!("{more} more lines of this kind"),
            "mend the first ones, then run doctor again",
        ));
    }
    findings
}

fn walk(
    top: &Path,
    directory: &Path,
    depth: usize,
    files: &mut usize,
    found: &mut Vec<FindingInfo>,
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
            let is_own =
                !SKIPPED.contains(&name) && (!name.starts_with('.') || is_configuration(name));
            if is_own && depth < DEPTH_MAX {
                walk(top, &path, depth + 1, files, found);
            }
        } else if kind.is_file() && *files < FILES_MAX {
            *files += 1;
            look_into(top, &path, name, found);
        }
    }
}

/// Directories with a dot in front that say how to work here.
fn is_configuration(name: &str) -> bool {
    [".github", ".claude", ".cursor", ".husky", ".githooks"].contains(&name)
}

fn look_into(top: &Path, path: &Path, name: &str, found: &mut Vec<FindingInfo>) {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let may_have = ENDINGS.contains(&ending) || NAMES.contains(&name) || !name.contains('.');
    let is_short = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= FILE_BYTES_MAX);
    if !may_have || !is_short {
        return;
    }
    let Ok(text) = fs::read_to_string(path) else {
        return;
    };
    if !NAMES.contains(&name) && ending.is_empty() && !text.starts_with("#!") {
        return;
    }
    let shown = path.strip_prefix(top).unwrap_or(path).display();
    for (number, line) in joined(&text) {
        if let Some((guarded, rest)) = unguarded(&line) {
            let both = ui::quoted(&format!("{guarded} && {rest}"));
            found.push(FindingInfo::warning(
                CHECK,
                format!("{shown}:{number}: `{rest}` runs outside the lease"),
                format!("guard both: in place of `-- {guarded} && …` write -c {both}"),
            ));
        }
    }
}

/// Returns the lines with their numbers, those that go on behind a `\` as one.
fn joined(text: &str) -> Vec<(usize, String)> {
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

/// Returns a guarded command and what comes behind the `&&` that ends it, if that is not guarded itself.
fn unguarded(line: &str) -> Option<(&str, &str)> {
    let guard = ["leasehold guard ", "lokt guard "];
    let (begin, word) = guard
        .iter()
        .filter_map(|word| Some((line.find(word)?, word)))
        .min()?;
    let after = begin + word.len();
    let end = top_level_and(&line[after..])? + after;
    // The script of `-c`, and what stands before `--`, are not the guarded command.
    let (_, guarded) = line[after..end].split_once(" -- ")?;
    // In a page for people the code may end in the middle of a line.
    let is_in_page = line[..begin].matches('`').count() % 2 == 1;
    let rest = line[end + 2..].trim();
    let rest = if is_in_page {
        rest.split('`').next().unwrap_or_default()
    } else {
        rest
    };
    let rest = rest.trim_end_matches(['"', '\'', ',']).trim();
    let is_guarded = rest.is_empty() || guard.iter().any(|word| rest.starts_with(word));
    if is_guarded {
        return unguarded(rest);
    }
    Some((guarded.trim(), rest))
}

/// Returns where the first `&&` outside of quotes is.
fn top_level_and(text: &str) -> Option<usize> {
    let (mut quote, bytes) = (None, text.as_bytes());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], quote) {
            (b'\\', None | Some(b'"')) => at += 1,
            (byte, Some(open)) if byte == open => quote = None,
            (byte @ (b'"' | b'\''), None) => quote = Some(byte),
            // A comment, the next command, or the end of code in a page: another one begins.
            (b';' | b'`' | b'#', None) => return None,
            (b'&', None) if bytes.get(at + 1) == Some(&b'&') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        assert_eq!(unguarded(line).map(|(_, rest)| rest), expected, "{line}");
    }

    #[test]
    fn what_runs_outside_the_lease_is_found() {
        check(
            "leasehold guard push -- git pull --rebase && git push",
            Some("git push"),
        );
        check(
            "  lokt guard git-push --ttl 2m -- git pull && git push # x",
            Some("git push # x"),
        );
        check(
            "Run `leasehold guard a -- make && make test` first",
            Some("make test"),
        );
        check(
            "leasehold guard a -- x && leasehold guard b -- y && z",
            Some("z"),
        );
        check("test -f x && leasehold guard a -- y && z", Some("z"));
        check("leasehold guard a -- sh -c 'x && y' && z", Some("z"));
    }

    #[test]
    fn what_is_guarded_or_was_meant_so_is_not() {
        check("leasehold guard a -- sh -c 'x && y'", None);
        check("leasehold guard a -c 'x && y'", None);
        check("leasehold guard a -c \"x && y\" -- z", None);
        check("leasehold guard a -- x; y && z", None);
        check("leasehold guard a -- x || y", None);
        check("leasehold guard a -- x \\&\\& y", None);
        check("leasehold guard a -- x && leasehold guard b -- y", None);
        check("make && leasehold guard a -- x", None);
        check("leasehold guard a && x", None);
        check("a `leasehold guard a -- x` b && c", None);
        check("leasehold guard a -- é && ", None);
    }

    #[test]
    fn lines_that_go_on_are_one() {
        let lines = joined("a\nleasehold guard b -- c \\\n  && d\ne");
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].0, 2);
        assert_eq!(unguarded(&lines[1].1), Some(("c", "d")));
    }
}
