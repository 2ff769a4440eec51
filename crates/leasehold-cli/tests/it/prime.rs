//! `prime`: what an agent is told, and that every command in it is one.
//!
//! * `around`: who asks, and where. `formats`: the files of harnesses. `found`: what is guarded in scripts of all kinds.
//! * `hostile`: what is shown of texts that nobody meant well.

mod around;
mod formats;
mod found;
mod hostile;

use crate::repo::Repo;
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;

/// Makes a file of the repository; one that begins with `#!` can be run.
fn write(repo: &Repo, path: &str, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    let path = repo.top().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    if text.starts_with(b"#!") {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// A repository in which some things are guarded, each in its own way.
fn project() -> Repo {
    let repo = Repo::new();
    write(
        &repo,
        "scripts/deploy.sh",
        "#!/bin/sh\n# leasehold guard old -- ./old.sh\nleasehold guard deploy --wait --ttl 5m -- echo deployed\n",
    );
    write(
        &repo,
        "Makefile",
        "build:\n\t@lokt guard build -- echo built\n\nlint: build\n\t@leasehold guard lint -c 'echo a | cat && echo b'\n",
    );
    write(
        &repo,
        "package.json",
        r#"{"scripts": {"test": "leasehold guard test db:main --wait -- echo tested"}}"#,
    );
    write(
        &repo,
        "docs/how.md",
        "Run `leasehold guard page -- x`:\n\n    leasehold guard page -- y\n",
    );
    let push = "!leasehold guard git-push --wait -c 'echo pull && echo push'";
    repo.git(&["config", "alias.safe-push", push]);
    repo
}

/// What `prime` tells ada.
fn told(repo: &Repo) -> Value {
    let call = repo.leasehold("prime --json").owner("ada");
    call.run().exits(0).json()
}

fn operations(repo: &Repo) -> Vec<Value> {
    told(repo)["operations"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// Returns the code in a page that begins with the name of the program, in the order of the page.
fn commands(page: &str, program: &str) -> Vec<String> {
    let code = page.split('`').skip(1).step_by(2);
    let code = code.filter(|code| code.starts_with(&format!("{program} ")));
    code.map(|code| code.replace("NAME", "thing").replace("COMMAND", "true"))
        .collect()
}

/// Runs them in a shell, as an agent would, and asserts that each does what it is for.
fn try_all(repo: &Repo, commands: &[String]) {
    let mut locked: Vec<&str> = Vec::new();
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        let named = |verb| {
            let at = words.iter().position(|word| *word == verb)?;
            words.get(at + 1).copied()
        };
        let asked = named("unlock").or(named("status"));
        let is_there = asked.is_none_or(|name| locked.contains(&name));
        locked.extend(named("lock"));
        locked.retain(|name| named("unlock") != Some(name));
        let call = repo.call(repo.program("sh"), vec!["-c".into(), command.into()]);
        let ran = call.owner("ada").session("s1").run();
        assert_eq!(ran.code(), if is_there { 0 } else { 3 }, "{command}: {ran}");
    }
}

#[test]
fn an_agent_is_told_who_it_is_what_is_held_and_what_to_run() {
    let repo = project();
    repo.lock("deploy issue:7 --ttl 1h", "bob");
    repo.leasehold("freeze path:db --ttl 1h")
        .owner("eve")
        .run()
        .exits(0);
    let waiter = repo
        .guard("deploy --wait", "true")
        .owner("cy")
        .start()
        .waits();
    let before = repo.fingerprint();
    let ran = repo
        .leasehold("prime")
        .owner("ada")
        .session("s1")
        .run()
        .exits(0);
    assert_snapshot!(ran.stdout);
    assert!(
        ran.stdout.lines().count() < 60,
        "an agent's context is dear"
    );
    assert_eq!(ran.stderr, "");
    assert!(repo.fingerprint() == before, "it changes nothing");
    drop(waiter);
}

#[test]
fn every_command_in_it_does_what_it_says() {
    let repo = Repo::new();
    for program in ["leasehold", "leasehold lokt"] {
        let words = program.replacen("leasehold", "", 1) + " prime";
        let page = repo
            .leasehold(words.trim_start())
            .owner("ada")
            .run()
            .exits(0)
            .stdout;
        let commands = commands(&page, program);
        assert!(commands.len() > 7, "{commands:?}");
        try_all(&repo, &commands);
    }
}

#[test]
fn what_is_to_be_run_can_be_run() {
    let repo = project();
    fs::create_dir(repo.file("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_leasehold"), repo.file("bin/lokt")).unwrap();
    let shell = |line: String| {
        let line = format!("PATH=\"$D/bin:$PATH\"; {line}");
        let call = repo.call(repo.program("sh"), vec!["-c".into(), line.into()]);
        call.owner("ada").run()
    };
    let mut printed = String::new();
    for operation in operations(&repo) {
        let run = operation["run"].as_str().unwrap();
        let program = run.split(' ').next().unwrap();
        // `make` and `npm` need not be on a machine that builds this.
        if shell(format!("command -v {program}")).code() == 0 {
            printed += &shell(run.into()).exits(0).stdout;
        }
    }
    assert!(printed.contains("deployed\npull\npush\n"), "{printed}");
    let log = repo.log();
    for name in ["deploy", "git-push"] {
        assert!(
            log.contains(&format!("\"{name}\"")),
            "{name} was guarded: {log}"
        );
    }
}

#[test]
fn a_no_through_make_is_known_by_its_lines() {
    let repo = Repo::new();
    write(
        &repo,
        "Makefile",
        "build:\n\t@leasehold guard build -E 75 -- true\n",
    );
    repo.lock("build", "bob");
    let make = |words: &str| {
        let words = words.split(' ').map(Into::into).collect();
        repo.call(repo.program("env"), words).owner("ada").run()
    };
    if make("make --version").code() == 127 {
        eprintln!("SKIPPED a_no_through_make_is_known_by_its_lines: there is no make");
        return;
    }
    let ran = make("make build").exits(2);
    assert!(
        ran.stderr.contains("error: `build` is held by bob@"),
        "{ran}"
    );
    assert!(ran.stderr.contains("\nhint: "), "{ran}");
}

#[test]
fn the_same_as_json() {
    let repo = project();
    let id = repo.lock("deploy", "bob");
    let told = repo
        .leasehold("prime --json")
        .owner("ada")
        .session("s1")
        .run()
        .exits(0)
        .json();
    assert_eq!(told["message"], "1 held, 0 waiting, 0 frozen");
    assert_eq!(told["leases"][0]["resources"][0]["resource"], "deploy");
    // The rest of it is the proof.
    assert_eq!(told["leases"][0]["id"], id[..8]);
    let identity = &told["identity"];
    assert_eq!(
        (&identity["owner"], &identity["session"]),
        (&json!("ada"), &json!("s1"))
    );
    assert_eq!(
        (&identity["nameless"], &identity["wait_ms"]),
        (&json!(false), &json!(600_000))
    );
    assert_eq!(
        told["operations"],
        json!([
            {"names": ["build"], "run": "make build", "instead_of": "echo built", "file": "Makefile"},
            {"names": ["lint"], "run": "make lint", "instead_of": "echo a | cat && echo b", "file": "Makefile"},
            {"names": ["test", "db:main"], "run": "npm run test", "instead_of": "echo tested", "file": "package.json"},
            {"names": ["deploy"], "run": "scripts/deploy.sh", "instead_of": "echo deployed", "file": "scripts/deploy.sh"},
            {"names": ["git-push"], "run": "git safe-push", "instead_of": "echo pull && echo push", "file": ".git/config"},
        ])
    );
    assert_eq!(told.get("suggestions"), None);
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let repo = Repo::new();
    assert_snapshot!(crate::standing::check(
        &repo,
        &[
            ("", "prime --format vim", 64),
            ("", "prime --format", 64),
            ("", "prime --format aider --json", 64),
            ("", "prime --format aider --owner ada", 64),
            ("", "prime --store ftp:x", 64),
            ("", "prime --format aider --store ftp:x", 64),
            ("", "prime build", 64),
            ("", "lokt prime --format=vim", 64),
            ("", "lokt prime --format", 64),
            ("", "lokt prime build", 64),
        ]
    ));
}
