//! `lokt audit` and `lokt doctor`: the blocks of the documents, and the shape of what they print.

use super::{Home, block};
use crate::process::{PATIENCE, Ran, eventually};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

const README: &str = include_str!("documents/readme.txt");
const QUICKSTART: &str = include_str!("documents/quickstart.txt");

/// Returns what was told: Lokt's events, one on each line.
fn events(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn names(ran: &Ran) -> Vec<String> {
    let names = events(ran)
        .into_iter()
        .map(|event| event["event"].as_str().unwrap().to_owned());
    names.collect()
}

/// Does everything that Lokt has an event for.
fn a_day(home: &Home) {
    for (agent, words, code) in [
        ("ada", "lock build --ttl 5m", 0),
        ("bob", "lock build", 2),
        ("ada", "lock build --ttl 10m", 0),
        ("ada", "unlock build", 0),
        ("ada", "lock build", 0),
        ("bob", "unlock build --force", 0),
        ("ada", "freeze build --ttl 5m", 0),
        ("bob", "guard build -- true", 2),
        ("ada", "unfreeze build", 0),
        ("ada", "freeze build --ttl 5m", 0),
        ("bob", "unfreeze build --force", 0),
        ("ada", "guard deploy -- true", 0),
    ] {
        home.lokt(agent, words).run().exits(code);
    }
    home.lokt("ada", "lock old --ttl 1ms").run().exits(0);
    // Whoever asks next gets what is over.
    eventually("its end", PATIENCE, || {
        (home.lokt("bob", "lock old").run().code() == 0).then_some(())
    });
}

const DAY: [&str; 12] = [
    "acquire",
    "deny",
    "renew",
    "release",
    "acquire",
    "force-break",
    "freeze",
    "freeze-deny",
    "unfreeze",
    "freeze",
    "force-unfreeze",
    "acquire",
];

#[test]
fn the_audit_tells_what_happened_in_the_words_of_lokt() {
    let home = Home::new();
    a_day(&home);
    let blocks = [block(README, "audit"), block(QUICKSTART, "audit")];
    for line in blocks
        .into_iter()
        .flat_map(str::lines)
        .filter(|line| line.starts_with("lokt"))
    {
        let ran = home.shell("carl", line).run().exits(0);
        let told = names(&ran);
        let own = if line.contains("--name") {
            DAY.len() - 1
        } else {
            DAY.len()
        };
        assert_eq!(told[..own], DAY[..own], "{line}");
        assert_eq!(
            line.contains("--name"),
            !told.contains(&"stale-break".to_owned()),
            "{line}"
        );
    }
    // All that the introduction promises is there.
    let ran = home.lokt("carl", "audit --since 1h").run().exits(0);
    let told = names(&ran);
    for event in block(QUICKSTART, "events").trim_end().split(", ") {
        assert!(told.contains(&event.to_owned()), "{event}");
    }
}

#[test]
fn an_event_has_the_members_of_lokt() {
    let home = Home::new();
    home.lokt("ada", "lock build --ttl 1500ms")
        .env("LOKT_AGENT_ID", "a-7")
        .run()
        .exits(0);
    home.lokt("bob", "unlock build --force").run().exits(0);
    let ran = home
        .lokt("carl", "audit --since 1h --name build")
        .run()
        .exits(0);
    let told = events(&ran);
    let [acquire, broken] = told.as_slice() else {
        panic!("{ran}");
    };
    let keys: Vec<&String> = acquire.as_object().unwrap().keys().collect();
    let all = [
        "agent_id", "event", "host", "lock_id", "name", "owner", "pid", "ts", "ttl_sec",
    ];
    assert!(
        keys.iter().all(|key| all.contains(&key.as_str())),
        "{keys:?}"
    );
    assert_eq!(acquire["owner"], "ada");
    assert_eq!(acquire["agent_id"], "a-7");
    assert_eq!(acquire["ttl_sec"], 2);
    assert_eq!(acquire["lock_id"].as_str().unwrap().len(), 32);
    assert_eq!(
        (&broken["owner"], &broken["extra"]["holder_owner"]),
        (&"bob".into(), &"ada".into())
    );
}

#[test]
fn the_audit_can_be_followed() {
    let home = Home::new();
    home.lokt("ada", "lock before").run().exits(0);
    let follow = home.shell("carl", block(QUICKSTART, "tail")).start();
    let mut number = 0;
    // From whenever it is there: what happened before is not told.
    eventually("an event", PATIENCE, || {
        number += 1;
        home.lokt("ada", &format!("guard after-{number} -- true"))
            .run()
            .exits(0);
        follow.stdout().contains("\"acquire\"").then_some(())
    });
    follow.signal(Signal::TERM);
    let ran = follow.end().exits(0);
    assert!(!ran.stdout.contains("before"), "{ran}");
    assert!(
        events(&ran)
            .iter()
            .all(|event| event["name"].as_str().unwrap().starts_with("after-"))
    );
}

#[test]
fn what_lokt_itself_wrote_comes_first_and_damage_is_said() {
    let home = Home::new();
    let lokt = home.repo.top().join(".git/lokt");
    fs::create_dir(&lokt).unwrap();
    let line = |ts: &str, name: &str| {
        format!(
            r#"{{"ts":"{ts}","event":"acquire","name":"{name}","owner":"ada","host":"h","pid":1}}"#
        )
    };
    let old = [
        line("2026-01-27T10:00:00.123456789Z", "early"),
        "{\"ts\":".into(),
        line("2026-01-27T13:00:00+01:00", "build"),
        line("2026-01-27T12:30:00Z", "deploy"),
    ];
    fs::write(lokt.join("audit.log"), old.join("\n")).unwrap();
    home.lokt("bob", "lock build").run().exits(0);
    let ran = home
        .lokt("carl", "audit --since 2026-01-27T11:59:59Z")
        .run()
        .exits(0);
    let told: Vec<Value> = events(&ran);
    let names: Vec<&str> = told
        .iter()
        .map(|event| event["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["build", "deploy", "build"]);
    assert_eq!(ran.stdout.lines().next(), Some(old[2].as_str()));
    assert!(
        ran.stderr.contains("1 lines of") && ran.stderr.contains("could not be read"),
        "{ran}"
    );
    let ran = home
        .lokt("carl", "audit --since 2026-01-27T00:00:00Z --name build")
        .run()
        .exits(0);
    assert_eq!(events(&ran).len(), 2);
    let ran = home
        .lokt("carl", "audit --name early --since 1h")
        .run()
        .exits(0);
    assert_eq!(ran.stdout, "");
}

#[test]
fn the_setup_is_validated() {
    let home = Home::new();
    let ran = home
        .shell("ada", block(QUICKSTART, "doctor"))
        .run()
        .exits(0);
    assert!(
        ran.stdout
            .starts_with("lokt doctor\n\nRoot:        leasehold (via git common dir)\nPath: "),
        "{ran}"
    );
    assert!(
        ran.stdout.contains("\nChecks:\n") && ran.stdout.contains("[OK]"),
        "{ran}"
    );
    assert!(ran.stdout.contains("\nResult: PASS"), "{ran}");
    home.lokt("ada", "lock build").run().exits(0);
    let ran = home.lokt("ada", "doctor --json").run().exits(0);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["protocol_version"], 1);
    assert_eq!(report["root_method"], "git");
    assert_eq!(report["root_path"], home.repo.root().to_str().unwrap());
    let checks = report["checks"].as_array().unwrap();
    for name in ["writable", "clock"] {
        let check = checks.iter().find(|check| check["name"] == name);
        assert_eq!(
            check.map(|check| &check["status"]),
            Some(&"ok".into()),
            "{name}: {ran}"
        );
    }
    let elsewhere = home.repo.file("root");
    let ran = home
        .lokt("ada", "doctor --json")
        .env("LOKT_ROOT", &elsewhere)
        .run()
        .exits(0);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&report["root_method"], &report["root_path"]),
        (
            &"env".into(),
            &elsewhere.join("leasehold").to_str().unwrap().into()
        )
    );
}
