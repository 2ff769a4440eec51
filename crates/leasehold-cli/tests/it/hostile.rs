//! Names, owners and commands from hostile files: whatever prints them, no terminal obeys them, no line of
//! theirs looks like one of ours, and they mean in JSON what they were.

use crate::lokt::Home;
use crate::process::Ran;
use crate::repo::Hold;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

/// Clears the screen, in two ways; writes to the clipboard; links; turns the writing; begins a line.
const HOSTILE: &str = "\u{1b}[2J\u{9b}2J\u{1b}]52;c;cm0=\u{7}\u{1b}]8;;http://x\u{1b}\\\u{202e}\u{feff}\r\nerror: forged\n";
/// What an owner may be called: without control characters, which are refused.
const OWNER: &str = "ad\u{202e}a\u{2066} \u{200f}$(x)";

/// A guard of `build` by that owner, whose command says all of that, 10 kB more, and bytes that are no text.
fn hold(home: &Home) -> Hold {
    home.repo.hold_call("h", |script| {
        let mut text = format!("{script}; exit # {HOSTILE}{}", "x".repeat(10_000)).into_bytes();
        text.extend(b"\xff\xfe\xc3");
        let words = ["guard", "build", "path:a'b $(y)", "--", "sh", "-c"];
        let words = words.iter().map(OsString::from);
        let words = words.chain([OsString::from_vec(text)]).collect();
        let program = home.repo.program(env!("CARGO_BIN_EXE_leasehold"));
        home.repo.call(program, words).owner(OWNER)
    })
}

/// Asserts that a terminal only shows what was printed.
#[track_caller]
fn is_harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let acts = |c: char| {
            (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200f}\u{feff}".contains(c)
        };
        let found: String = text.chars().filter(|c| acts(*c)).collect();
        assert!(found.is_empty(), "{found:?} in {text}");
        assert!(!text.contains("\nerror: forged"), "{text}");
        assert!(text.len() < 40_000, "{} bytes", text.len());
    }
}

#[test]
fn every_verb_shows_what_is_hostile_and_none_obeys_it() {
    let home = Home::new();
    let held = hold(&home);
    let repo = &home.repo;
    repo.words(&["freeze", "cold", "--ttl", "1h"])
        .owner(OWNER)
        .run()
        .exits(0);
    repo.words(&["lock", "still"]).owner(OWNER).run().exits(0);
    let lease = held.lease.clone();
    for (code, words) in [
        (0, "status"),
        (0, "status --json"),
        (0, "status build"),
        (2, "why build"),
        (2, "why build --json"),
        (2, "why cold"),
        (2, "why path:."),
        (0, "audit"),
        (0, "audit --json"),
        (0, "audit --renewals --name build"),
        (0, "doctor"),
        (0, "doctor --verify --json"),
        (0, "exists build --json"),
        (2, "guard build -- true"),
        (2, "lock still --json"),
        (2, "lock build --wait --timeout 1ms"),
        (2, "guard build --wait --timeout 1ms -- true"),
        (2, "guard cold -- true"),
        (4, "unlock build"),
        (4, "unlock still --json"),
        (4, "unfreeze cold"),
        (4, "unfreeze cold --json"),
        (0, "freeze build --ttl 1h"),
        (0, "unfreeze build --json"),
        (0, "renew --json --lease LEASE"),
        (0, "check --json --lease LEASE"),
        (0, "gc --json"),
        (0, "unlock --force still"),
    ] {
        let ran = repo
            .leasehold(&words.replace("LEASE", &lease))
            .owner("bob")
            .run();
        is_harmless(&ran);
        if words.contains("--json") && !words.starts_with("audit") {
            ran.json();
        }
        ran.exits(code);
    }
    for (code, words) in [
        (0, "status"),
        (0, "status --json"),
        (2, "why build"),
        (2, "why build --json"),
        (2, "lock build --json"),
        (2, "guard build -- true"),
        (2, "guard cold -- true"),
        (4, "unlock build"),
        (4, "unfreeze cold"),
        (0, "audit --since 1h"),
        (0, "doctor"),
        (0, "doctor --json"),
    ] {
        let ran = home.lokt("bob", words).run();
        is_harmless(&ran);
        ran.exits(code);
    }
    assert_eq!(
        repo.lease("build")["owner"],
        OWNER,
        "in JSON it is what it is"
    );
    let shown = repo.lease("build")["command"].as_str().unwrap().to_owned();
    assert!(shown.contains(HOSTILE), "{shown:?}");
    held.end().exits(0);
}

/// What a killed guard and its killed waiter leave is shown as well.
#[test]
fn what_the_dead_left_is_shown_and_not_obeyed() {
    let home = Home::new();
    let mut held = hold(&home);
    held.kill_guard();
    for words in [
        "status",
        "why build",
        "doctor",
        "guard build -- true",
        "unlock build --force",
    ] {
        is_harmless(&home.repo.leasehold(words).owner("bob").run());
    }
}

#[test]
fn an_import_shows_what_is_hostile_and_does_not_obey_it() {
    let home = Home::new();
    let locks = home.repo.top().join(".git/lokt/locks");
    fs::create_dir_all(&locks).unwrap();
    for name in ["\u{1b}[2J\u{202e}", "a\nerror: forged\n", "$(x)"] {
        fs::write(
            locks.join(format!("{name}.json")),
            format!("{{\"version\":1,\"name\":\"{HOSTILE}\"}}"),
        )
        .unwrap();
    }
    let raw = OsString::from_vec(b"\xff\x1b]0;x\x07.json".to_vec());
    fs::write(locks.join(raw), b"\xff\xfe\x1b[2J").unwrap();
    let ran = home.repo.leasehold("import lokt").run();
    is_harmless(&ran);
    ran.exits(1);
    let ran = home.lokt("bob", "guard build -- true").run();
    is_harmless(&ran);
    ran.exits(1);
    is_harmless(&home.lokt("bob", "doctor").run());
    is_harmless(&home.repo.leasehold("doctor").run());
}

/// A shell puts a completed name on the line as it is.
#[test]
fn a_name_that_a_shell_would_carry_out_is_not_completed() {
    let home = Home::new();
    for name in [
        "name:$(touch pwned)",
        "name:`x`",
        "name:a;b",
        "name:a b",
        "name:'q'",
        "name:plain",
        "path:src/*.rs",
    ] {
        home.repo.words(&["lock", name]).owner("eve").run().exits(0);
    }
    let names = crate::pages::completed(&home.repo, "leasehold unlock ");
    let names: Vec<&String> = names.iter().filter(|name| !name.starts_with('-')).collect();
    assert_eq!(names, ["path:src/*.rs", "plain"]);
}
