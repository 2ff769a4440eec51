//! What is written into the files of harnesses.

use super::{commands, project, try_all, write};
use crate::repo::Repo;
use insta::assert_snapshot;
use serde_json::{Value, json};

const FORMATS: [&str; 7] = [
    "claude-md",
    "agents-md",
    "cursorrules",
    "windsurfrules",
    "copilot",
    "clinerules",
    "aider",
];

fn text(repo: &Repo, format: &str) -> String {
    let words = format!("prime --format {format}");
    repo.leasehold(&words).owner("ada").run().exits(0).stdout
}

/// The setting of a line of YAML, its value read as JSON: what is between double quotes is the same there.
fn setting(line: &str) -> Option<(&str, Value)> {
    if line.starts_with("# ") {
        return None;
    }
    let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
    Some((key, serde_json::from_str(value).unwrap()))
}

#[test]
fn each_format_has_its_own_form() {
    let repo = project();
    for format in ["claude-md", "cursorrules", "windsurfrules", "aider"] {
        assert_snapshot!(format!("format_{format}"), text(&repo, format));
    }
    let page = text(&repo, "claude-md");
    for format in ["agents-md", "copilot", "clinerules"] {
        assert_eq!(
            text(&repo, format),
            page.replace("claude-md", format),
            "{format}"
        );
    }
    let lokts = repo
        .leasehold("lokt prime --format=claude-md")
        .run()
        .exits(0);
    assert_snapshot!("format_claude-md_of_lokt", lokts.stdout);
}

#[test]
fn nothing_in_claudes_file_takes_another_file_in() {
    let repo = Repo::new();
    write(&repo, "@x.sh", "#!/bin/sh\nlokt guard @a/b -- @c `d` @e\n");
    let page = text(&repo, "claude-md");
    assert!(page.contains("@a/b"), "{page}");
    for line in page.lines() {
        // Between the backticks of code there is nothing else: what has them itself is between two.
        let outside: String = line.replace("``", "`").split('`').step_by(2).collect();
        assert!(!outside.contains('@'), "{line}");
    }
}

#[test]
fn nothing_in_it_is_about_this_moment_this_agent_or_this_clone() {
    let repo = project();
    let before: Vec<String> = FORMATS.iter().map(|format| text(&repo, format)).collect();
    repo.lock("deploy", "bob");
    for (format, before) in FORMATS.iter().zip(before) {
        let call = repo.leasehold(&format!("prime --format {format}"));
        let now = call
            .env("CLAUDE_CODE_SESSION_ID", "s")
            .run()
            .exits(0)
            .stdout;
        assert_eq!(now, before, "{format}");
        for word in ["ada", "bob", "safe-push"] {
            assert!(!now.contains(word), "{word} in {now}");
        }
        for live in ["leasehold prime`", "leasehold status`"] {
            assert!(now.contains(live), "it says how to look: {now}");
        }
    }
}

#[test]
fn every_command_in_them_is_one() {
    let repo = Repo::new();
    for format in FORMATS {
        let commands = commands(&text(&repo, format), "leasehold");
        assert!(commands.len() > 3, "{commands:?}");
        try_all(&repo, &commands);
    }
}

#[test]
fn only_cursors_file_has_front_matter() {
    let repo = project();
    let page = text(&repo, "cursorrules");
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!((lines[0], lines[4], lines[5]), ("---", "---", ""));
    let (key, description) = lines[1].split_once(": ").unwrap();
    assert_eq!(key, "description");
    assert!(
        !description.contains([':', '#', '"', '\'']),
        "plain YAML: {description}"
    );
    assert_eq!(lines[2..4], ["globs:", "alwaysApply: true"]);
    for format in FORMATS.iter().filter(|format| **format != "cursorrules") {
        assert!(!text(&repo, format).contains("---\n"), "{format}");
    }
}

#[test]
fn aiders_file_is_yaml_with_settings_that_aider_has() {
    let repo = project();
    let page = text(&repo, "aider");
    let settings: Vec<_> = page.lines().filter_map(setting).collect();
    assert_eq!(
        settings,
        [
            ("lint-cmd", json!("sh -c 'make lint' lint")),
            ("test-cmd", json!("npm run test"))
        ]
    );
    // A second one of a kind would be a key twice.
    write(
        &repo,
        "tests.sh",
        "#!/bin/sh\nlokt guard more-tests -- x\nlokt guard lint -- y\n",
    );
    assert_eq!(text(&repo, "aider").lines().filter_map(setting).count(), 2);
    // With nothing but comments it would be refused.
    let page = text(&Repo::new(), "aider");
    let settings: Vec<_> = page.lines().filter_map(setting).collect();
    assert_eq!(settings, [("auto-lint", json!(true))]);
    let odd = "scripts/a \"b\" \\ é\u{202e}.sh";
    let repo = Repo::new();
    write(&repo, odd, "#!/bin/sh\nlokt guard test -- x\n");
    let page = text(&repo, "aider");
    let settings: Vec<_> = page.lines().filter_map(setting).collect();
    assert_eq!(settings, [("test-cmd", json!(format!("'{odd}'")))]);
}

#[test]
fn windsurfs_file_is_as_long_as_windsurf_reads() {
    let repo = Repo::new();
    let guard = |number| {
        format!(
            "leasehold guard name-{number} --wait -- {}\n",
            "é".repeat(80)
        )
    };
    let lines: String = (0..300).map(guard).collect();
    write(&repo, "all.sh", format!("#!/bin/sh\n{lines}"));
    let page = text(&repo, "windsurfrules");
    let length = page.chars().count();
    assert!((5_800..=6_000).contains(&length), "{length}");
    assert!(
        page.contains("- more operations: `leasehold prime`\n"),
        "{page}"
    );
    assert!(page.contains("- never "), "rules come before operations");
    // The others are cut by how many there are.
    let page = text(&repo, "claude-md");
    assert!(
        page.contains("And 170 more: `leasehold prime --json`"),
        "{page}"
    );
}

#[test]
fn what_it_writes_is_well_to_doctor_and_found_nowhere() {
    let repo = project();
    let before = super::operations(&repo);
    for format in FORMATS {
        let ending = if format == "aider" { "yml" } else { "md" };
        write(&repo, &format!("{format}.{ending}"), text(&repo, format));
    }
    let told = repo
        .leasehold("doctor --json")
        .owner("ada")
        .run()
        .exits(0)
        .json();
    let findings = told["findings"].as_array().unwrap();
    assert!(
        !findings.iter().any(|finding| finding["check"] == "scripts"),
        "{told}"
    );
    assert_eq!(super::operations(&repo), before);
}

/// The shell opens the file before `prime` looks: what `>` has emptied has nothing in it, what `>>` adds to has.
#[test]
fn what_is_there_already_is_said() {
    let repo = project();
    let note = "note: AGENTS.md has this already";
    let text = repo.leasehold("prime --format agents-md").run().exits(0);
    assert!(!text.stderr.contains(note), "{text}");
    for (before, expected) in [("", false), ("# Ours\n", false), (&*text.stdout, true)] {
        write(&repo, "AGENTS.md", before);
        let ran = repo.leasehold("prime --format agents-md").run().exits(0);
        assert_eq!(ran.stderr.contains(note), expected, "{ran}");
        assert_eq!(ran.stdout, text.stdout);
    }
    // It is the text of another format's file.
    let ran = repo.leasehold("prime --format claude-md").run().exits(0);
    assert_eq!(ran.stderr, "");
}
