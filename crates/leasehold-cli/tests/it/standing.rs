//! `lock`, `unlock`, `renew`, `check`, `exists` and `status`, in words and in JSON.

use crate::process::{PATIENCE, Ran, eventually};
use crate::repo::Repo;
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Runs words in a row and shows them as a terminal would.
pub(crate) fn check(repo: &Repo, lines: &[(&str, &str, i32)]) -> String {
    let mut said = String::new();
    for (owner, words, code) in lines {
        let call = repo.leasehold(words);
        let call = if owner.is_empty() {
            call
        } else {
            call.owner(owner)
        };
        let ran = call.run().exits(*code);
        write!(said, "{owner}{ran}").unwrap();
    }
    said
}

/// Returns the names of an object's members.
fn members(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_lock_outlives_its_process_until_its_unlock() {
    let repo = Repo::new();
    assert_snapshot!(check(
        &repo,
        &[
            ("ada", "lock deploy", 0),
            ("ada", "status", 0),
            ("bob", "guard deploy -- true", 2),
            ("bob", "unlock deploy", 4),
            ("ada", "unlock deploy", 0),
            ("ada", "unlock deploy", 3),
            ("bob", "guard deploy -- true", 0),
            ("bob", "status", 0),
            ("bob", "status deploy", 3),
        ]
    ));
}

#[test]
fn a_lock_says_how_long_it_lives() {
    let repo = Repo::new();
    assert_snapshot!(check(
        &repo,
        &[
            ("ada", "lock a", 0),
            ("ada", "lock b --ttl 5m", 0),
            ("ada", "lock c --ttl none", 0),
            ("ada", "lock d e --read --ttl 24h", 0),
        ]
    ));
    assert!(repo.lease("c")["expires_at"].is_null());
    let left = repo.lease("a")["expires_in_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&left), "{left}");
}

#[test]
fn a_lock_again_renews_for_its_agent_alone() {
    let repo = Repo::new();
    let lock = |owner: Option<&str>, session: Option<&str>, code: i32| {
        let call = repo.leasehold("lock build --ttl 5m --json");
        let call = if let Some(owner) = owner {
            call.owner(owner)
        } else {
            call
        };
        let call = if let Some(session) = session {
            call.session(session)
        } else {
            call
        };
        call.run().exits(code).json()
    };
    let first = lock(Some("ada"), Some("s1"), 0);
    // The session is the agent, whatever it calls itself; the name alone is not.
    let again = lock(Some("bob"), Some("s1"), 0);
    assert_eq!(again["leases"][0]["id"], first["leases"][0]["id"]);
    assert_eq!(again["leases"][0]["token"], first["leases"][0]["token"]);
    assert!(
        again["message"].as_str().unwrap().starts_with("renewed"),
        "{again}"
    );
    lock(Some("ada"), Some("s2"), 2);
    lock(Some("ada"), None, 2);
    lock(None, None, 2);
}

#[test]
fn a_lock_again_by_a_nameless_agent_is_held() {
    let repo = Repo::new();
    repo.leasehold("lock build").run().exits(0);
    let ran = repo.leasehold("lock build").run().exits(2);
    assert!(
        ran.stderr
            .contains("if that is your own lock: leasehold unlock build"),
        "{ran}"
    );
    // The display name suffices to unlock by it.
    repo.leasehold("unlock build").run().exits(0);
}

#[test]
fn a_lock_by_name_is_known_again_without_a_session() {
    let repo = Repo::new();
    let first = repo.lock("build", "ada");
    assert_eq!(repo.lock("build", "ada"), first);
    // Other claims are another lock.
    repo.leasehold("lock build deploy")
        .owner("ada")
        .run()
        .exits(2);
}

#[test]
fn unlock_needs_the_owner_the_id_or_force() {
    let repo = Repo::new();
    let id = repo.lock("a", "ada");
    assert_snapshot!(check(
        &repo,
        &[
            ("bob", "unlock a", 4),
            ("bob", &format!("unlock --lease {id}"), 0),
            ("ada", "lock a", 0),
            ("bob", "unlock a --force", 0),
            ("bob", "unlock a --force", 3),
        ]
    ));
    let forced = crate::log::events(&repo, "forced");
    assert_eq!(forced.len(), 1);
    assert_eq!(
        (
            &forced[0]["lease"]["who"]["owner"],
            &forced[0]["by"]["owner"]
        ),
        (&json!("ada"), &json!("bob"))
    );
}

#[test]
fn unlock_of_a_guard_needs_its_id_or_force() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| repo.guard("a", script).owner("ada"));
    let ran = repo.leasehold("unlock a").owner("ada").run().exits(4);
    assert!(
        ran.stderr
            .contains("is held by a guard, not by a lock: ada@"),
        "{ran}"
    );
    assert!(ran.stderr.contains("it ends with its command"), "{ran}");
    let ran = repo.leasehold("unlock a").owner("bob").run().exits(4);
    assert!(ran.stderr.contains("not by you"), "{ran}");
    held.end().exits(0);
}

#[test]
fn what_the_dead_held_is_nobodys_to_give_back() {
    let repo = Repo::new();
    let mut held = repo.hold_call("h", |script| repo.guard("a", script).owner("ada"));
    held.kill_guard();
    let ran = repo.leasehold("unlock a").owner("ada").run().exits(4);
    assert!(
        ran.stderr.contains("ends with the command that still runs"),
        "{ran}"
    );
    held.signal_command(rustix::process::Signal::KILL);
    let ran = eventually("its end", PATIENCE, || {
        let ran = repo.leasehold("unlock a").owner("bob").run();
        (ran.code() == 3).then_some(ran)
    });
    assert!(
        ran.stderr
            .starts_with("error: nothing holds `a` any more: "),
        "{ran}"
    );
    let hint = "hint: whoever asks next gets it; to clear it away: leasehold unlock --stale a";
    assert!(ran.stderr.contains(hint), "{ran}");
    repo.leasehold("unlock --stale a").run().exits(0);
    repo.leasehold("unlock a").owner("bob").run().exits(3);
}

#[test]
fn an_expired_lock_of_another_is_cleared_away_without_force() {
    let repo = Repo::new();
    repo.lock("a --ttl 1ms", "ada");
    let ran = eventually("its expiry", PATIENCE, || {
        let ran = repo.leasehold("unlock a").owner("bob").run().exits(4);
        ran.stderr.contains("expired").then_some(ran)
    });
    let hint = "hint: whoever asks next gets it; to clear it away: leasehold unlock --stale a";
    assert!(ran.stderr.contains(hint), "{ran}");
    // Its own owner gives it back.
    repo.leasehold("unlock a").owner("ada").run().exits(0);
}

/// Runs words that are refused, and asserts that neither form of the answer has any of these ids.
fn refused_without(repo: &Repo, ids: &[String], owner: &str, words: &str, code: i32) -> String {
    let ran = repo.leasehold(words).owner(owner).run().exits(code);
    let json = repo.leasehold(&format!("{words} --json")).owner(owner);
    let json = json.run().exits(code).stdout;
    for id in ids {
        assert!(
            !ran.stderr.contains(id) && !json.contains(id),
            "{ran}{json}"
        );
        assert!(json.contains(&id[..8]), "{json}");
    }
    ran.to_string()
}

#[test]
fn a_stranger_is_not_told_the_ids_of_several() {
    let repo = Repo::new();
    let ids = ["ada", "bob"].map(|owner| repo.lock("gpu --slots 2", owner));
    let mut said = refused_without(&repo, &ids, "cyd", "unlock gpu", 4);
    said += &refused_without(&repo, &ids, "cyd", "unlock gpu --force", 1);
    assert_snapshot!(said);
    assert_eq!(repo.status("gpu")["leases"].as_array().unwrap().len(), 2);
    // Of several, one's own is meant.
    repo.leasehold("unlock gpu").owner("bob").run().exits(0);
    assert_eq!(repo.lease("gpu")["id"], *ids[0]);
}

#[test]
fn a_stranger_is_not_told_the_id_of_one() {
    let repo = Repo::new();
    let ids = [repo.lock("deploy", "ada")];
    refused_without(&repo, &ids, "bob", "unlock deploy", 4);
    refused_without(&repo, &ids, "bob", "unlock --owner ada", 4);
    refused_without(&repo, &ids, "bob", "lock deploy", 2);
    let exists = repo.leasehold("exists deploy --json").owner("bob").run();
    assert!(!exists.stdout.contains(&ids[0]), "{exists}");
}

#[test]
fn of_several_of_ones_own_it_is_asked_which() {
    let repo = Repo::new();
    let lock = |session: &str| {
        let call = repo.leasehold("lock docs --read --json").owner("ada");
        let ran = call.session(session).run().exits(0);
        ran.json()["leases"][0]["id"].as_str().unwrap().to_owned()
    };
    // The same session takes other claims as well: two locks that have one name.
    let first = lock("s1");
    let both = repo.leasehold("lock docs notes --read --json").owner("ada");
    let both = both.session("s1").run().exits(0).json()["leases"][0]["id"].clone();
    let others = lock("s2");
    let ran = repo
        .leasehold("unlock docs")
        .owner("ada")
        .session("s1")
        .run();
    let ran = ran.exits(1);
    assert!(ran.stderr.contains(&first), "{ran}");
    assert!(ran.stderr.contains(both.as_str().unwrap()), "{ran}");
    assert!(!ran.stderr.contains(&others), "{ran}");
    assert_snapshot!(ran);
}

#[test]
fn locks_of_one_name_that_is_nobodys_own_are_not_guessed_at() {
    let repo = Repo::new();
    for _ in 0..2 {
        repo.leasehold("lock gpu --slots 2").run().exits(0);
    }
    let ran = repo.leasehold("unlock gpu").run().exits(4);
    assert!(
        ran.stderr.contains("none of them known to be yours"),
        "{ran}"
    );
    assert!(
        ran.stderr
            .contains("set LEASEHOLD_SESSION or LEASEHOLD_OWNER"),
        "{ran}"
    );
}

/// The law lets the name suffice for a standing lock; whoever has none may have taken a stranger's.
#[test]
fn a_nameless_unlock_says_that_it_may_be_a_strangers() {
    let repo = Repo::new();
    repo.leasehold("lock build").run().exits(0);
    let ran = repo.leasehold("unlock build").run().exits(0);
    assert_eq!(ran.stdout, "unlocked `build`\n");
    assert!(
        ran.stderr.starts_with("note: it was a nameless lock of "),
        "{ran}"
    );
    repo.leasehold("lock build")
        .owner("ada")
        .session("s1")
        .run()
        .exits(0);
    let ran = repo
        .leasehold("unlock build")
        .owner("ada")
        .session("s2")
        .run()
        .exits(0);
    assert!(
        ran.stderr.contains("another agent that goes by ada@"),
        "{ran}"
    );
    repo.lock("build", "ada");
    let ran = repo.leasehold("unlock build").owner("ada").run().exits(0);
    assert_eq!(ran.stderr, "");
}

/// What commands took is not what a lock takes, and one's own is free when one gives it back.
#[test]
fn how_long_a_lock_is_held_as_a_rule_is_told_to_others_from_locks() {
    let repo = Repo::new();
    let done = |words: &str| repo.leasehold(words).owner("ada").run().exits(0);
    done("guard deploy -- true");
    repo.lock("deploy", "ada");
    done("unlock deploy");
    repo.lock("deploy", "ada");
    let refused = |owner: &str| {
        let call = repo.leasehold("guard deploy -- true");
        call.owner(owner).run().exits(2).stderr
    };
    // What is held for less than a second is not said to be held for long.
    eventually("a refusal that says what is usual", PATIENCE, || {
        let usual = "hint: it is held for longer than usual: the last time it was held for";
        refused("bob").contains(usual).then_some(())
    });
    assert!(!refused("ada").contains("the last time"));
}

#[test]
fn ones_own_lock_in_the_way_is_worked_in_or_given_back() {
    let repo = Repo::new();
    let id = repo.lock("deploy", "ada");
    let ran = repo
        .leasehold("guard deploy -- true")
        .owner("ada")
        .run()
        .exits(2);
    let hints: Vec<&str> = ran.stderr.lines().skip(1).collect();
    let own = format!(
        "hint: it is your own lock; to work inside it: leasehold guard --lease {id} deploy -- true"
    );
    let back = format!("hint: to give it back first: leasehold unlock --lease {id}");
    let see = "hint: see who holds and who waits: leasehold status deploy";
    assert_eq!(hints, [&own, &back, see]);
    let words = format!("guard --lease {id} deploy -- true");
    repo.leasehold(&words).owner("ada").run().exits(0);
    // Who asks from inside of a lease already is not told to do so.
    let other = repo.lock("other", "ada");
    let words = format!("guard --lease {other} deploy -- true");
    let ran = repo.leasehold(&words).owner("ada").run().exits(2);
    assert!(!ran.stderr.contains("work inside"), "{ran}");
}

#[test]
fn unlock_gives_the_whole_lease_back() {
    let repo = Repo::new();
    repo.lock("a b path:src", "ada");
    let ran = repo.leasehold("unlock b").owner("ada").run().exits(0);
    assert_eq!(ran.stdout, "unlocked `a`, `b` and `path:src`\n");
    for name in ["a", "b", "path:src"] {
        repo.leasehold(&format!("exists {name}")).run().exits(3);
    }
    // What only overlaps is not what was named.
    repo.lock("path:src", "ada");
    let ran = repo
        .leasehold("unlock path:src/x")
        .owner("ada")
        .run()
        .exits(3);
    assert!(ran.stderr.contains("`path:src` overlaps it"), "{ran}");
}

#[test]
fn renew_lets_a_lease_live_longer_while_it_is_there() {
    let repo = Repo::new();
    let id = repo.lock("a --ttl 5m", "ada");
    let endless = repo.lock("b --ttl none", "ada");
    let renew = |words: &str| format!("renew --lease {words}");
    let said = check(
        &repo,
        &[
            ("", &renew(&id), 0),
            ("", &renew(&format!("{id} --ttl 2h")), 0),
            ("", &renew(&endless), 0),
            ("ada", "unlock a", 0),
            ("", &renew(&id), 6),
        ],
    );
    assert_snapshot!(said);
}

#[test]
fn an_expired_lock_is_revived_until_somebody_took_it() {
    let repo = Repo::new();
    let lock = || repo.lock("a --ttl 1ms", "ada");
    let expired = || {
        eventually("its expiry", PATIENCE, || {
            (repo.lease("a")["state"] == "expired").then_some(())
        });
    };
    let id = lock();
    expired();
    repo.leasehold("exists a").run().exits(3);
    repo.leasehold(&format!("check --lease {id}"))
        .run()
        .exits(6);
    repo.leasehold(&format!("renew --lease {id} --ttl 5m"))
        .run()
        .exits(0);
    repo.leasehold(&format!("check --lease {id}"))
        .run()
        .exits(0);
    assert_eq!(repo.try_guard("a"), 2);
    repo.leasehold(&format!("renew --lease {id} --ttl 1ms"))
        .run()
        .exits(0);
    expired();
    assert_eq!(repo.try_guard("a"), 0);
    repo.leasehold(&format!("renew --lease {id} --ttl 5m"))
        .run()
        .exits(6);
}

#[test]
fn check_tells_whether_a_lease_still_holds() {
    let repo = Repo::new();
    let id = repo.lock("a --ttl 5m", "ada");
    let token = repo.lease("a")["token"].as_u64().unwrap();
    let wrong = token + 1;
    let said = check(
        &repo,
        &[
            ("", &format!("check --lease {id}"), 0),
            ("", &format!("check --lease {id} --token {token}"), 0),
            ("", &format!("check --lease {id} --token {wrong}"), 6),
            ("ada", "unlock a", 0),
            ("", &format!("check --lease {id} --token {token}"), 6),
        ],
    );
    assert_snapshot!(said);
}

#[test]
fn check_and_renew_inside_a_guard_need_no_flags() {
    let repo = Repo::new();
    let script = r#"leasehold check || exit 1; leasehold renew --ttl 5m || exit 2
        LEASEHOLD_TOKEN=$((LEASEHOLD_TOKEN + 1)) leasehold check; echo $?"#;
    let ran = repo.guard("a --ttl 1m", script).owner("ada").run().exits(0);
    assert_snapshot!(format!("{}{}", ran.stdout, ran.stderr));
}

/// The join has the token of `a`, and the innermost lease is that of `b`.
#[test]
fn check_inside_a_join_knows_the_token_of_the_lease_that_covers() {
    let repo = Repo::new();
    let script = "leasehold guard b -- leasehold guard a -- leasehold check";
    let ran = repo.guard("a", script).owner("ada").run().exits(0);
    assert!(ran.stdout.contains("`a` is yours"), "{ran}");
    let script =
        "leasehold guard b -- leasehold guard a -c 'leasehold unlock a --force; leasehold check'";
    repo.guard("a", script).owner("ada").run().exits(6);
}

#[test]
fn a_number_of_another_lease_is_no_token_of_this_one() {
    let repo = Repo::new();
    let first = repo.lock("a", "ada");
    repo.lock("b", "ada");
    let token = repo.lease("b")["token"].as_u64().unwrap();
    assert!(token > repo.lease("a")["token"].as_u64().unwrap());
    repo.leasehold(&format!("check --lease {first} --token {token}"))
        .run()
        .exits(6);
}

#[test]
fn exists_tells_by_its_exit_code_alone() {
    let repo = Repo::new();
    let check = |name: &str, code| {
        let ran = repo.leasehold(&format!("exists {name}")).run().exits(code);
        assert_eq!((ran.stdout, ran.stderr), (String::new(), String::new()));
    };
    check("a", 3);
    repo.lock("a path:src/x", "ada");
    check("a", 0);
    check("path:src", 0);
    check("path:src/x/y", 0);
    check("path:src/y", 3);
    check("b", 3);
}

#[test]
fn json_has_the_members_that_are_documented() {
    let repo = Repo::new();
    let json = |words: &str, code: i32| -> Value {
        let ran: Ran = repo
            .leasehold(words)
            .owner("ada")
            .session("s1")
            .run()
            .exits(code);
        assert_eq!(ran.stderr, "", "{ran}");
        let value = ran.json();
        assert_eq!(value["schema"], 1);
        assert_eq!(value["ok"], code == 0);
        assert_eq!(value["verb"], words.split(' ').next().unwrap());
        value
    };
    let locked = json("lock a path:src --json --ttl 5m", 0);
    let lease = &locked["leases"][0];
    let known = [
        "expires_at",
        "expires_in_ms",
        "granted_at",
        "held_ms",
        "host",
        "id",
        "kind",
        "owner",
        "resources",
        "session",
        "state",
        "token",
    ];
    assert_eq!(members(lease), known);
    assert_eq!(
        (&lease["kind"], &lease["state"]),
        (&json!("standing"), &json!("held"))
    );
    assert_eq!(
        (&lease["owner"], &lease["session"]),
        (&json!("ada"), &json!("s1"))
    );
    let resources = json!([
        {"resource": "a", "intent": "mutates"}, {"resource": "path:src", "intent": "mutates"},
    ]);
    assert_eq!(lease["resources"], resources);
    assert_eq!(lease["expires_in_ms"], 300_000);
    let id = lease["id"].as_str().unwrap();
    assert!(lease["token"].as_u64().unwrap() < 1 << 53);

    let held = json("lock a b --json", 2);
    assert_eq!(
        members(&held),
        [
            "blockers", "code", "exit", "hints", "message", "ok", "schema", "verb"
        ]
    );
    assert_eq!(
        (&held["code"], &held["blockers"][0]["type"]),
        (&json!("held"), &json!("lease"))
    );
    assert_eq!(held["blockers"][0]["id"], id[..8]);

    let status = json("status --json", 0);
    assert_eq!(
        members(&status),
        ["code", "exit", "leases", "message", "ok", "schema", "verb"]
    );
    assert_eq!(json("status a --json", 0)["leases"][0]["id"], id);
    assert_eq!(json("status b --json", 3)["code"], "not_found");
    assert_eq!(
        json(&format!("check --lease {id} --json"), 0)["leases"][0]["id"],
        id
    );
    assert_eq!(
        json(&format!("check --lease {id} --token 1 --json"), 6)["code"],
        "lost"
    );
    assert_eq!(
        json(&format!("renew --lease {id} --json"), 0)["leases"][0]["id"],
        id
    );
    assert_eq!(json("unlock c --json", 3)["code"], "not_found");
    assert_eq!(json("unlock a --json", 0)["leases"][0]["id"], id);
    assert_eq!(
        json(&format!("renew --lease {id} --json"), 6)["code"],
        "lost"
    );
    assert_eq!(json("lock Foo:x --json", 64)["code"], "usage");
    assert_eq!(json("version --json", 0)["code"], "ok");
}

#[test]
fn json_shows_who_waits() {
    let repo = Repo::new();
    let held = repo.hold("build");
    let waiter = repo
        .guard("build --wait", "true")
        .owner("ada")
        .start()
        .waits();
    let status = repo.status("");
    let (lease, ticket) = (&status["leases"][0], &status["queue"][0]);
    assert_eq!(
        (&lease["kind"], &lease["pid"]),
        (&json!("scoped"), &json!(held.guard.pid()))
    );
    assert!(
        lease["command"].as_str().unwrap().starts_with("sh -c "),
        "{lease}"
    );
    assert_eq!(ticket["state"], "waiting");
    assert_eq!(
        (&ticket["owner"], &ticket["pid"]),
        (&json!("ada"), &json!(waiter.pid()))
    );
    assert!(ticket["number"].is_u64() && ticket["waiting_ms"].is_u64());
    let line = repo.leasehold("status build").run().exits(0).stdout;
    assert!(
        line.lines().count() == 2 && line.contains("waiting"),
        "{line}"
    );
    held.end().exits(0);
    waiter.end().exits(0);
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| {
        repo.guard("a", &format!("# \u{1b}[2J\u{202e}\n{script}"))
    });
    let ran = repo.leasehold("status").run().exits(0);
    assert!(
        !ran.stdout.contains('\u{1b}') && ran.stdout.contains(r"\u{1b}[2J\u{202e}"),
        "{ran}"
    );
    held.end().exits(0);
}
