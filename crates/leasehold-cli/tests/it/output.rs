//! What becomes of an answer that cannot be given, and in which form a refusal is.

use crate::repo::Repo;
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;

/// Runs a line of a shell.
fn shell(repo: &Repo, line: &str) -> crate::process::Ran {
    let mut sh = repo.program("sh");
    sh.env("LEASEHOLD_OWNER", "ada");
    repo.call(sh, vec!["-c".into(), line.into()]).run()
}

#[test]
fn an_answer_that_is_lost_is_said_on_standard_error() {
    let repo = Repo::new();
    let mut said = String::new();
    let mut full = |words: &str, code: i32| {
        let ran = shell(&repo, &format!("leasehold {words} >/dev/full")).exits(code);
        said += &format!("$ leasehold {words}\n{}exit {code}\n", ran.stderr);
        ran.stderr
    };
    // What was done stays done.
    let warned = full("lock q --json --ttl 5m", 0);
    let id = repo.lease("q")["id"].as_str().unwrap().to_owned();
    assert!(warned.contains(&id), "{warned}");
    full("lock p --ttl 5m", 0);
    full("freeze f --ttl 1h", 0);
    full("unfreeze f", 0);
    full(&format!("renew --lease {id}"), 0);
    full("unlock p", 0);
    full("status --prune-expired", 0);
    // Who only asks has no answer.
    for words in [
        "status",
        "status --json",
        "version",
        "exists q --json",
        "why r",
        "--help",
    ] {
        full(words, 1);
    }
    full(&format!("check --lease {id}"), 1);
    // One that says no says it by its code.
    full("why p q", 5);
    full("status nothing --json", 3);
    full("exists q", 0);
    assert_snapshot!(said);
}

#[test]
fn a_reader_that_went_away_has_read_enough() {
    let repo = Repo::new();
    repo.lock("q", "ada");
    for words in ["status", "status --json", "lock q", "--help", "version"] {
        // The gate opens when the other end is closed for good.
        let gate = repo.gate(&format!("gate-{}", words.replace([' ', '-'], "")));
        let name = format!("gate-{}", words.replace([' ', '-'], ""));
        let line = format!(
            "{{ read _ < \"$D/{name}\"; leasehold {words}; echo $? > \"$D/{name}.code\"; }} | \
             {{ exec 0<&-; echo > \"$D/{name}\"; }}"
        );
        let ran = shell(&repo, &line);
        drop(gate);
        assert_eq!(repo.appears(&format!("{name}.code")), "0", "{words}: {ran}");
        assert!(!ran.stderr.contains("standard output"), "{words}: {ran}");
    }
}

/// Runs what is refused as usage, and returns the JSON.
fn refused(repo: &Repo, words: &[&str]) -> Value {
    let ran = repo.words(words).owner("ada").run().exits(64);
    assert_eq!(ran.stderr, "", "{ran}");
    let told = ran.json();
    assert_eq!(
        (&told["ok"], &told["code"], &told["exit"]),
        (&json!(false), &json!("usage"), &json!(64)),
        "{told}"
    );
    told
}

#[test]
fn usage_is_told_in_json_too() {
    let repo = Repo::new();
    let told = refused(&repo, &["lock", "--json"]);
    assert_eq!(told["verb"], "lock");
    assert_eq!(
        told["message"],
        "the following required arguments were not provided: <NAME>..."
    );
    assert_eq!(
        told["hints"],
        json!(["Usage: leasehold lock --json <NAME>..."])
    );
    let told = refused(&repo, &["grab", "--json"]);
    assert_eq!(told["verb"], "leasehold");
    assert_eq!(told["message"], "unrecognized subcommand 'grab'");
    assert_eq!(
        refused(&repo, &["lock", "a", "--json", "--", "make"])["verb"],
        "lock"
    );
    assert_eq!(refused(&repo, &["unlock", "--json"])["verb"], "unlock");
    assert_eq!(
        refused(&repo, &["status", "--json", "Foo:x"])["verb"],
        "status"
    );
    assert_eq!(refused(&repo, &["exists", "--json"])["verb"], "exists");
}

#[test]
fn usage_is_reported_where_a_guard_reports() {
    let repo = Repo::new();
    let report = repo.file("report.json");
    let path = report.to_str().unwrap();
    let joined = format!("--json-file={path}");
    for words in [
        vec![
            "guard",
            "build",
            "--json-file",
            path,
            "--forever",
            "--",
            "true",
        ],
        vec!["guard", "build", &joined, "--slots", "x", "--", "true"],
        vec!["guard", &joined, "--", "true"],
    ] {
        let ran = repo.words(&words).run().exits(64);
        assert!(
            ran.stdout.is_empty() && ran.stderr.starts_with("error: "),
            "{ran}"
        );
        let told: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
        assert_eq!(
            (&told["verb"], &told["code"]),
            (&json!("guard"), &json!("usage"))
        );
        fs::remove_file(&report).unwrap();
    }
    // What is behind `--` is the command's.
    let ran = repo.words(&["guard", "--", "x", "--json-file", path]).run();
    assert!(!report.exists(), "{ran}");
}

#[test]
fn exists_tells_more_in_json() {
    let repo = Repo::new();
    let exists = |code| repo.leasehold("exists a --json").run().exits(code).json();
    assert_eq!(exists(3)["code"], "not_found");
    repo.lock("a", "ada");
    let told = exists(0);
    assert_eq!(
        (&told["ok"], &told["verb"]),
        (&json!(true), &json!("exists"))
    );
    assert_eq!(told["leases"][0]["owner"], "ada");
    assert_eq!(told["leases"][0]["id"].as_str().unwrap().len(), 8);
}

/// Places of those who are away are not waited at.
#[test]
fn a_parked_place_is_shown_as_one() {
    let repo = Repo::new();
    repo.lock("a --ttl none", "ada");
    let wait = repo.leasehold("lock a --wait --timeout 1ms").owner("bob");
    wait.run().exits(2);
    let told = repo.status("");
    assert_eq!(told["message"], "1 held, 0 waiting, 1 parked, 0 frozen");
    let place = &told["queue"][0];
    assert_eq!(place["state"], "parked");
    assert!(place["kept_ms"].as_u64().unwrap() > 500_000, "{place}");
    let shown = repo.leasehold("status").run().exits(0);
    let line = shown.stdout.lines().nth(1).unwrap().to_owned();
    assert!(
        line.contains("parked") && line.contains("kept 9m"),
        "{line}"
    );
    assert!(!line.contains("pid"), "{line}");
    let why = repo.leasehold("why a").owner("cyd").run().exits(2);
    assert!(why.stdout.contains("a place is kept for bob@"), "{why}");
}
