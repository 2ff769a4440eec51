//! `audit`: what happened, in words and in JSON, over damage, and as it comes.

mod faults;

use crate::process::{PATIENCE, Running, eventually};
use crate::repo::Repo;
use crate::standing::check;
use insta::assert_snapshot;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

/// A repository in which something of everything happened.
fn lived() -> Repo {
    let repo = Repo::new();
    for (owner, words, code) in [
        ("ada", "lock deploy path:src/auth", 0),
        ("bob", "guard deploy -- true", 2),
        ("bob", "guard build --ttl 5m -- true", 0),
        ("eve", "freeze issue:7 --ttl 1h", 0),
        ("bob", "unlock deploy --force", 0),
        ("bob", "unfreeze issue:7 --force", 0),
    ] {
        repo.leasehold(words).owner(owner).run().exits(code);
    }
    repo
}

fn lines(repo: &Repo, words: &str) -> Vec<Value> {
    let ran = repo
        .leasehold(format!("audit --json {words}").trim_end())
        .run()
        .exits(0);
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn events(lines: &[Value]) -> String {
    let mut said = String::new();
    for line in lines {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        write!(said, "{} {}; ", text("event"), text("owner")).unwrap();
    }
    said
}

#[test]
fn what_happened_is_told_in_order() {
    let repo = lived();
    assert_snapshot!(check(
        &repo,
        &[
            ("", "audit", 0),
            ("", "audit --since 8h --name path:src", 0)
        ]
    ));
}

#[test]
fn each_question_has_its_answer() {
    let repo = lived();
    let all =
        "granted ada; refused bob; granted bob; released bob; frozen eve; forced ada; thawed eve; ";
    for (words, expected) in [
        ("", all),
        ("--since 1h", all),
        ("--since 1970-01-02", all),
        ("--until 0s", all),
        ("--since 0s", ""),
        ("--until 2020-01-01T00:00:00Z", ""),
        ("--name deploy", "granted ada; refused bob; forced ada; "),
        ("--name path:src/auth/x.rs", "granted ada; forced ada; "),
        (
            "--name build --name issue:7",
            "granted bob; released bob; frozen eve; thawed eve; ",
        ),
        // What bob did, also to others.
        (
            "--owner bob",
            "refused bob; granted bob; released bob; forced ada; thawed eve; ",
        ),
        ("--owner nobody", ""),
        (
            "--event granted,refused",
            "granted ada; refused bob; granted bob; ",
        ),
        ("--event thawed --event forced", "forced ada; thawed eve; "),
        ("--event granted --owner ada --name deploy", "granted ada; "),
    ] {
        assert_eq!(events(&lines(&repo, words.trim())), expected, "{words:?}");
    }
    let host = lines(&repo, "--owner bob")[0]["host"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(lines(&repo, &format!("--owner bob@{host}")).len(), 5);
}

#[test]
fn renewals_are_told_when_they_are_asked_for() {
    let repo = Repo::new();
    let id = repo.lock("a --ttl 1h", "ada");
    repo.leasehold(&format!("renew --lease {id}"))
        .run()
        .exits(0);
    assert_eq!(events(&lines(&repo, "--since 1h")), "granted ada; ");
    for words in ["--event renewed", "--renewals --event renewed"] {
        assert_eq!(events(&lines(&repo, words)), "renewed ada; ");
    }
    assert_eq!(
        events(&lines(&repo, "--renewals")),
        "granted ada; renewed ada; "
    );
}

#[test]
fn json_says_all_that_the_log_knows() {
    let repo = Repo::new();
    repo.leasehold("guard gpu --slots 2 --ttl 5m -- true")
        .owner("ada")
        .session("s-1")
        .run()
        .exits(0);
    let [granted, released] = &lines(&repo, "--since 1h")[..] else {
        panic!("not two events");
    };
    for event in [granted, released] {
        assert_eq!(event["schema"], 1);
        assert_eq!(event["about"], "lease");
        assert_eq!(
            (&event["owner"], &event["session"]),
            (&"ada".into(), &"s-1".into())
        );
        assert_eq!(event["resources"][0]["resource"], "gpu");
        assert_eq!(
            (&event["resources"][0]["slots"], &event["slots"][0]),
            (&2.into(), &0.into())
        );
        assert_eq!(
            (&event["kind"], &event["ttl_ms"]),
            (&"scoped".into(), &300_000.into())
        );
        assert_eq!(event["id"].as_str().unwrap().len(), 32);
        assert!(event["token"].as_u64().unwrap() > 1 << 32);
        assert!(event["at"].as_str().unwrap().ends_with('Z') && event["until"].is_string());
    }
    assert!(granted["held_ms"].is_null() && released["held_ms"].is_u64());
    assert_eq!(granted["command"], "true");
}

#[test]
fn a_wait_is_told_with_its_length() {
    let repo = Repo::new();
    let held = repo.hold("a");
    let waiter = repo.guard("a --wait", "true").owner("ada").start().waits();
    held.end().exits(0);
    waiter.end().exits(0);
    let told = lines(&repo, "--owner ada");
    assert_eq!(
        events(&told),
        "queued ada; granted ada; bound ada; released ada; "
    );
    assert!(told[1]["waited_ms"].is_u64(), "{}", told[1]);
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let repo = lived();
    assert_snapshot!(check(
        &repo,
        &[
            ("", "audit --since", 64),
            ("", "audit --since 5", 64),
            ("", "audit --since yesterday", 64),
            ("", "audit --since 2026-02-30", 64),
            ("", "audit --until 2026-11-21T10:00", 64),
            ("", "audit --since 1h --until 2h", 64),
            ("", "audit --follow --until 1h", 64),
            ("", "audit --event exploded", 64),
            ("", "audit --name a/b", 64),
            ("", "audit build", 64),
        ]
    ));
    repo.words(&["audit", "--owner", ""]).run().exits(64);
    let ran = repo.leasehold("audit --since 5 --json").run().exits(64);
    assert_eq!(ran.json()["code"], "usage");
}

#[test]
fn where_nothing_was_ever_leased_nothing_is_told_or_made() {
    let repo = Repo::new();
    assert_eq!(repo.leasehold("audit").run().exits(0).stdout, "");
    assert_snapshot!(check(&repo, &[("", "audit --follow", 3)]));
    assert!(!repo.root().exists());
}

#[test]
fn damage_is_said_and_counted_and_hides_nothing_else() {
    let repo = lived();
    let path = repo.root().join("audit/000001.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        log.replacen("\"owner\":\"bob\"", "\"owner\":\"b\u{1b}b\"", 1),
    )
    .unwrap();
    let ran = repo.leasehold("audit --json").run().exits(0);
    assert_eq!(ran.stdout.lines().count(), 6, "{ran}");
    assert_eq!(
        ran.stderr
            .matches("warning: audit/000001.jsonl, the line at offset")
            .count(),
        1
    );
    // Every line of it: some are named, all are counted.
    fs::write(&path, log.replace("\"at\":", "\"aT\":")).unwrap();
    let ran = repo.leasehold("audit").run().exits(0);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr.matches("the line at offset").count(), 5, "{ran}");
    assert!(
        ran.stderr.contains("warning: 7 places could not be read"),
        "{ran}"
    );
}

#[test]
fn names_of_others_are_shown_and_not_obeyed() {
    let repo = Repo::new();
    let command = "x\u{1b}]0;owned\u{7}\u{202e}y\nerror: no";
    repo.words(&["guard", "a", "-c", "true", "--", command])
        .owner("ada")
        .run()
        .exits(0);
    let ran = repo.leasehold("audit").run().exits(0);
    assert_eq!(ran.stdout.lines().count(), 2, "{ran}");
    assert!(ran.stdout.contains(r"\u{1b}]0;owned"), "{ran}");
    assert!(
        !ran.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{ran}"
    );
}

/// Waits until a follower has printed so many lines.
fn printed(follower: &Running, count: usize) -> Vec<Value> {
    eventually("the follower's lines", PATIENCE, || {
        let text = follower.stdout();
        let lines: Vec<&str> = text.lines().collect();
        (lines.len() >= count && text.ends_with('\n')).then(|| {
            lines
                .iter()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        })
    })
}

#[test]
fn what_comes_is_followed_until_it_is_interrupted() {
    let repo = lived();
    for words in [
        "audit --follow --json --since 1h",
        "audit --tail --json --since 1h",
    ] {
        let before = lines(&repo, "").len();
        let follower = repo.leasehold(words).start();
        printed(&follower, before);
        repo.leasehold("guard new -- true")
            .owner("zoe")
            .run()
            .exits(0);
        let told = printed(&follower, before + 2);
        assert_eq!(events(&told[before..]), "granted zoe; released zoe; ");
        // Over a new segment, and the old one dropped.
        repo.leasehold("gc --keep 0s").run().exits(0);
        repo.leasehold("guard newer -- true")
            .owner("kim")
            .run()
            .exits(0);
        let told = printed(&follower, before + 4);
        assert_eq!(events(&told[before + 2..]), "granted kim; released kim; ");
        follower.signal(rustix::process::Signal::INT);
        follower.end().exits(0);
    }
}

#[test]
fn following_alone_tells_only_what_comes() {
    let repo = lived();
    let follower = repo.leasehold("audit -f --json --event granted").start();
    // Whether it is there already cannot be seen: so it is given something until it tells of it.
    let told = eventually("a line", PATIENCE, || {
        repo.leasehold("guard new -- true")
            .owner("zoe")
            .run()
            .exits(0);
        let text = follower.stdout();
        text.ends_with('\n').then_some(text)
    });
    assert!(
        told.lines().all(|line| line.contains("\"owner\":\"zoe\"")),
        "{told}"
    );
    follower.signal(rustix::process::Signal::TERM);
    follower.end().exits(0);
}
