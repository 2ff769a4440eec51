//! Texts that nobody meant well: they break no table, no file and no terminal.

use super::{operations, write};
use crate::repo::{Repo, make_pipe};
use insta::assert_snapshot;
use serde_json::Value;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

#[test]
fn hostile_text_breaks_no_table_and_no_terminal() {
    let repo = Repo::new();
    let long = "x".repeat(10_000);
    let mut script = b"#!/bin/sh\n".to_vec();
    for line in [
        "leasehold guard 'a|b' -- c \\| d '|' e\n",
        "leasehold guard 'a`b' -- c '```' d\n",
        "leasehold guard 'a\nb' -- 'c\n| d | e |\n\n# f' g\n",
        "leasehold guard 'a\u{1b}[2J' -- c\u{202e}d\u{7}\n",
        &format!("leasehold guard {long} -- {long}\n"),
        "leasehold guard '\"; rm -rf / #' -- \"a: 'b' # c\"\n",
    ] {
        script.extend(line.as_bytes());
    }
    script
        .extend(b"leasehold guard bytes -- a\xff\xfeb\n# \xff\nlokt guard 'open -- never closed\n");
    write(&repo, "scripts/a|b.sh", &script);
    let odd = std::ffi::OsStr::from_bytes(b"scripts/\xff.sh");
    fs::write(
        repo.top().join(Path::new(odd)),
        "leasehold guard hidden -- x\n",
    )
    .unwrap();
    assert_eq!(operations(&repo).len(), 8);
    for format in [
        "",
        " --format claude-md",
        " --format windsurfrules",
        " --format aider",
    ] {
        let page = repo
            .leasehold(&format!("prime{format}"))
            .owner("ada")
            .run()
            .exits(0)
            .stdout;
        let is_hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!page.contains(is_hostile), "{page:?}");
        for line in page.lines() {
            assert!(line.chars().count() < 600, "{line}");
            let cells = line.replace(r"\|", "").matches('|').count();
            assert!(!line.starts_with('|') || cells == 4, "{line}");
            assert!(
                !format.ends_with("aider") || line.starts_with("# ") || line == "auto-lint: true",
                "{line}"
            );
        }
        assert!(page.contains(r"a\u{1b}[2J"), "{page}");
    }
    let told = repo.leasehold("prime --format claude-md").run().exits(0);
    let rows: Vec<&str> = told
        .stdout
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_snapshot!(rows.join("\n").replace(&"x".repeat(59), "[59 x]"));
}

/// Nobody waits for its writer.
#[test]
fn a_pipe_is_no_script() {
    let repo = Repo::new();
    for name in ["Makefile", "package.json", "build.sh"] {
        make_pipe(&repo.top().join(name));
    }
    let told = repo.leasehold("prime --json").run().exits(0).json();
    assert_eq!(told["operations"], Value::Null, "{told}");
    let because = "an example: nothing here tells more";
    assert_eq!(told["suggestions"][0]["because"], because, "{told}");
}

#[test]
fn hostile_leases_are_shown_harmlessly() {
    let repo = Repo::new();
    repo.words(&["lock", "name:a`b```c|d", "--owner", "e`v\u{202e}e"])
        .run()
        .exits(0);
    let ran = repo
        .leasehold("prime")
        .env("LEASEHOLD_SESSION", "s`1|")
        .owner("a``b")
        .run()
        .exits(0);
    assert!(ran.stdout.contains("You are ```a``b@"), "{ran}");
    assert!(ran.stdout.contains("in session ``s`1|``"), "{ran}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let begin = lines.iter().position(|line| *line == "````text").unwrap();
    assert!(lines[begin + 1].starts_with("a`b```c|d"), "{ran}");
    assert_eq!(lines[begin + 2], "````", "{ran}");
    assert!(!ran.stdout.contains('\u{202e}'), "{ran}");
}
