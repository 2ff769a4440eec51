//! What Lokt's commands print as JSON: its members in its order, then what leasehold adds.

use super::Home;
use crate::process::{PATIENCE, eventually};
use serde_json::{Value, json};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns the keys as they are printed, at two blanks.
fn keys(text: &str, indent: &str) -> Vec<String> {
    let prefix = format!("{indent}\"");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&prefix));
    lines
        .map(|line| line.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn lock_answers_in_json() {
    let home = Home::new();
    let ran = home
        .lokt("ada", "lock a --ttl 10m --json")
        .env("LOKT_AGENT_ID", "a-7")
        .run()
        .exits(0);
    assert_eq!(
        keys(&ran.stdout, "  "),
        ["status", "name", "lock_id", "token", "expires_at"]
    );
    assert_eq!(parsed(&ran.stdout)["status"], "acquired");
    // An age of zero is left out, as Lokt does.
    let ran = eventually("an age", PATIENCE, || {
        let ran = home.lokt("bob", "lock a --json").run().exits(2);
        ran.stdout.contains("holder_age_sec").then_some(ran)
    });
    assert_eq!(ran.stderr, "");
    let expected = [
        "status",
        "name",
        "holder_owner",
        "holder_host",
        "holder_pid",
        "holder_agent_id",
        "holder_age_sec",
        "holder_ttl_sec",
        "holder_remaining_sec",
        "holder_pid_status",
        "holder_acquired_ts",
        "holder_expires_at",
    ];
    assert_eq!(keys(&ran.stdout, "  "), expected);
    let answer = parsed(&ran.stdout);
    assert_eq!(answer["status"], "blocked");
    assert_eq!(
        (&answer["holder_owner"], &answer["holder_agent_id"]),
        (&"ada".into(), &"a-7".into())
    );
    assert_eq!(answer["holder_ttl_sec"], 600);
    home.lokt("ada", "freeze f --ttl 5m").run().exits(0);
    let ran = home.lokt("bob", "lock f --json").run().exits(2);
    assert_eq!(keys(&ran.stdout, "  "), ["status", "name", "frozen_until"]);
    // Other errors are never JSON, as with Lokt.
    let ran = home.lokt("bob", "lock a/b --json").run().exits(1);
    assert_eq!(ran.stdout, "");
}

#[test]
fn status_answers_in_json() {
    let home = Home::new();
    let empty = home.lokt("ada", "status --json").run().exits(0);
    assert_eq!(empty.stdout, "[]\n");
    let busy = home.busy("make", home.lokt("ada", "guard b --ttl 5m -- make"));
    home.lokt("ada", "lock a").run().exits(0);
    home.lokt("ada", "freeze c --ttl 5m").run().exits(0);
    let ran = home.lokt("bob", "status --json").run().exits(0);
    let all = parsed(&ran.stdout);
    let names: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    let of_guard = [
        "version",
        "name",
        "owner",
        "host",
        "pid",
        "acquired_ts",
        "ttl_sec",
        "expires_at",
        "age_sec",
        "expired",
        "pid_status",
        "lock_id",
        "token",
    ];
    let ran = home.lokt("bob", "status b --json").run().exits(0);
    assert_eq!(keys(&ran.stdout, "  "), of_guard);
    let guard = parsed(&ran.stdout);
    // Times go on, and dates are made of two clocks: each may come to lie in another second.
    let lasting = |lock: &Value| {
        let mut lock = lock.clone();
        let members = lock.as_object_mut().unwrap();
        members.retain(|name, _| !["acquired_ts", "expires_at", "age_sec"].contains(&&**name));
        lock
    };
    assert_eq!(
        lasting(&guard),
        lasting(&all[1]),
        "one alone is as in the list"
    );
    assert_eq!(
        (&guard["version"], &guard["ttl_sec"]),
        (&json!(1), &json!(300))
    );
    assert_eq!(
        (&guard["pid_status"], &guard["expired"]),
        (&"alive".into(), &false.into())
    );
    // A lock by hand needs no process; Lokt calls it dead.
    assert_eq!(all[0]["pid_status"], "unknown");
    assert_eq!(
        (&all[2]["freeze"], &all[2]["ttl_sec"]),
        (&true.into(), &json!(300))
    );
    assert_eq!(all[1].get("freeze"), None);
    busy.end().exits(0);
}

#[test]
fn why_answers_in_json() {
    let home = Home::new();
    let ran = home.lokt("bob", "why a --json").run().exits(0);
    let free = json!({"name": "a", "status": "free", "reasons": [], "suggestions": []});
    assert_eq!(parsed(&ran.stdout), free);
    home.lokt("ada", "lock a --ttl 10m")
        .env("LOKT_AGENT_ID", "a-7")
        .run()
        .exits(0);
    home.lokt("ada", "freeze a --ttl 5m").run().exits(0);
    let ran = eventually("an age", PATIENCE, || {
        let ran = home.lokt("bob", "why a --json").run().exits(2);
        (ran.stdout.contains("freeze_age_sec") && ran.stdout.contains("holder_age_sec"))
            .then_some(ran)
    });
    assert_eq!(
        keys(&ran.stdout, "  "),
        ["name", "status", "reasons", "suggestions"]
    );
    let answer = parsed(&ran.stdout);
    assert_eq!(answer["status"], "blocked");
    let [frozen, held] = answer["reasons"].as_array().unwrap().as_slice() else {
        panic!("two reasons: {ran}");
    };
    let members = |reason: &Value| {
        reason
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut of_freeze = vec![
        "freeze_age_sec",
        "freeze_host",
        "freeze_owner",
        "freeze_remaining_sec",
    ];
    of_freeze.extend(["message", "type"]);
    assert_eq!(members(frozen), of_freeze);
    assert_eq!(
        (&frozen["type"], &frozen["freeze_owner"]),
        (&"frozen".into(), &"ada".into())
    );
    let of_holder = [
        "holder_age_sec",
        "holder_agent_id",
        "holder_host",
        "holder_owner",
        "holder_pid",
        "holder_pid_status",
        "holder_remaining_sec",
        "holder_ttl_sec",
        "message",
        "type",
    ];
    assert_eq!(members(held), of_holder);
    assert_eq!(
        (&held["type"], &held["holder_ttl_sec"]),
        (&"held".into(), &json!(600))
    );
    let suggestions = answer["suggestions"].as_array().unwrap();
    for part in [
        "Wait for freeze to expire",
        "lokt unfreeze a  (requires owner ada@",
        "lokt unlock a --force",
    ] {
        assert!(
            suggestions
                .iter()
                .any(|s| s.as_str().unwrap().contains(part)),
            "{part}: {ran}"
        );
    }
}
