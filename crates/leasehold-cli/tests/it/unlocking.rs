//! Many leases at once: `unlock --owner`, `--all` and `--stale`, and `status --prune-expired`.

use crate::process::{PATIENCE, eventually};
use crate::repo::Repo;
use crate::standing::check;
use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::{Value, json};

/// Returns the names of what is held, in the order of their tokens.
fn held(repo: &Repo) -> Vec<String> {
    names(&repo.status("")["leases"])
}

fn names(leases: &Value) -> Vec<String> {
    let leases = leases.as_array().map_or(&[][..], Vec::as_slice);
    let name = |lease: &Value| {
        lease["resources"][0]["resource"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    leases.iter().map(name).collect()
}

/// Locks for a millisecond, and waits until it is over.
fn expired(repo: &Repo, name: &str, owner: &str) -> String {
    let id = repo.lock(&format!("{name} --ttl 1ms"), owner);
    eventually("its expiry", PATIENCE, || {
        (repo.lease(name)["state"] == "expired").then_some(())
    });
    id
}

#[test]
fn all_is_what_the_agent_itself_locked() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    repo.lock("b c", "ada");
    repo.lock("d", "bob");
    let guard = repo.hold_call("h", |script| repo.guard("e", script).owner("ada"));
    assert_snapshot!(check(
        &repo,
        &[("ada", "unlock --all", 0), ("ada", "unlock --all", 3)]
    ));
    // Neither the locks of others nor one's own guards.
    assert_eq!(held(&repo), ["d", "e"]);
    guard.end().exits(0);
}

#[test]
fn a_session_unlocks_what_it_locked_and_no_other() {
    let repo = Repo::new();
    for (name, session) in [("a", "s1"), ("b", "s2")] {
        let call = repo.leasehold(&format!("lock {name}"));
        call.owner("ada").session(session).run().exits(0);
    }
    repo.leasehold("unlock --all").owner("ada").run().exits(3);
    // The session is the agent: the same name alone is not enough.
    let ran = repo
        .leasehold("unlock --owner ada")
        .owner("ada")
        .session("s1")
        .run()
        .exits(4);
    assert!(
        ran.stderr.contains("1 lease of `ada` is not yours"),
        "{ran}"
    );
    repo.leasehold("unlock --all")
        .owner("ada")
        .session("s1")
        .run()
        .exits(0);
    assert_eq!(held(&repo), ["b"]);
}

#[test]
fn a_nameless_agent_has_to_say_which() {
    let repo = Repo::new();
    repo.leasehold("lock a").run().exits(0);
    let ran = repo.leasehold("unlock --all").run().exits(4);
    assert!(ran.stderr.contains("not known to be yours"), "{ran}");
    assert!(
        ran.stderr
            .contains("set LEASEHOLD_SESSION or LEASEHOLD_OWNER"),
        "{ran}"
    );
    assert_eq!(held(&repo), ["a"]);
    repo.leasehold("unlock --all --force").run().exits(0);
    assert_eq!(held(&repo), [""; 0]);
}

#[test]
fn those_of_an_owner_need_force_where_they_are_not_yours() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    repo.lock("b", "ada");
    repo.lock("c", "bob");
    let said = check(
        &repo,
        &[
            ("bob", "unlock --owner ada", 4),
            ("bob", "unlock --owner nobody", 3),
            ("bob", "unlock --owner ada --force", 0),
            ("bob", "unlock --owner ada --force", 3),
            ("bob", "unlock --owner bob", 0),
        ],
    );
    assert_snapshot!(said);
    assert_eq!(held(&repo), [""; 0]);
    // What is one's own is given back, what is not is taken.
    let forced = crate::log::events(&repo, "forced");
    assert_eq!(forced.len(), 2);
    assert!(
        forced.iter().all(|event| event["by"]["owner"] == "bob"),
        "{forced:?}"
    );
    assert_eq!(crate::log::events(&repo, "released").len(), 1);
}

#[test]
fn an_owner_may_be_named_with_the_host() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    let host = repo.lease("a")["host"].as_str().unwrap().to_owned();
    repo.leasehold("unlock --owner ada@elsewhere")
        .owner("ada")
        .run()
        .exits(3);
    repo.leasehold(&format!("unlock --owner ada@{host}"))
        .owner("ada")
        .run()
        .exits(0);
}

#[test]
fn by_force_all_is_everything_and_guards_are_stopped() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    let guard = repo.hold_call("h", |script| repo.guard("b", script).owner("bob"));
    let ran = repo
        .leasehold("unlock --all --force")
        .owner("eve")
        .run()
        .exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let is_taken = |(line, from): (&&str, &str)| line.starts_with(from);
    let expected = ["took `a` away from ada@", "took `b` away from bob@"];
    assert!(
        lines.len() == 2 && lines.iter().zip(expected).all(is_taken),
        "{ran}"
    );
    assert!(ran.stderr.contains("its command is being stopped"), "{ran}");
    guard.guard.end().exits(6);
    repo.leasehold("unlock --all --force")
        .owner("eve")
        .run()
        .exits(3);
}

#[test]
fn stale_is_what_is_past_its_time_and_nothing_else() {
    let repo = Repo::new();
    let id = expired(&repo, "a", "ada");
    expired(&repo, "path:src/x", "ada");
    repo.lock("b", "ada");
    let guard = repo.hold("c");
    assert_snapshot!(check(
        &repo,
        &[
            ("bob", "unlock path:src --stale", 0),
            ("bob", "unlock b --stale", 3),
            ("bob", "unlock --stale", 0),
            ("bob", "unlock --stale", 3),
        ]
    ));
    assert_eq!(held(&repo), ["b", "c"]);
    repo.leasehold(&format!("renew --lease {id}"))
        .run()
        .exits(6);
    let by = crate::log::events(&repo, "forced");
    assert!(
        by.len() == 2 && by.iter().all(|event| event["by"]["owner"] == "bob"),
        "{by:?}"
    );
    guard.end().exits(0);
}

#[test]
fn stale_is_what_the_dead_held_and_not_what_an_orphan_holds() {
    let repo = Repo::new();
    let mut held = repo.hold("a");
    held.kill_guard();
    repo.leasehold("unlock --stale").run().exits(3);
    held.signal_command(Signal::KILL);
    let ran = eventually("its end", PATIENCE, || {
        let ran = repo.leasehold("unlock --stale").run();
        (ran.code() == 0).then_some(ran)
    });
    assert!(ran.stdout.starts_with("cleared `a`: held by "), "{ran}");
    assert!(ran.stdout.contains("its processes are dead"), "{ran}");
    assert_eq!(crate::log::events(&repo, "freed").len(), 1);
    assert_eq!(crate::log::events(&repo, "forced").len(), 0);
}

#[test]
fn what_is_stale_goes_to_whoever_waits() {
    let repo = Repo::new();
    repo.lock("a b --ttl 5m", "ada");
    let waiter = repo.guard("a --wait", "true").owner("bob").start().waits();
    repo.leasehold("unlock --all").owner("ada").run().exits(0);
    waiter.end().exits(0);
}

#[test]
fn status_clears_away_first_where_it_is_told_to() {
    let repo = Repo::new();
    expired(&repo, "a", "ada");
    expired(&repo, "b", "ada");
    repo.lock("c", "ada");
    assert_snapshot!(check(
        &repo,
        &[
            ("bob", "status b --prune-expired", 0),
            ("bob", "status b --prune-expired", 3),
            ("bob", "status --prune-expired", 0),
            ("bob", "status --prune-expired", 0),
        ]
    ));
    expired(&repo, "a", "ada");
    let told = repo
        .leasehold("status --prune-expired --json")
        .run()
        .exits(0)
        .json();
    assert_eq!(
        (names(&told["cleared"]), names(&told["leases"])),
        (vec!["a".into()], vec!["c".into()])
    );
    assert_eq!(told["cleared"][0]["state"], "expired");
}

#[test]
fn what_was_unlocked_is_listed_in_json() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    repo.lock("b", "ada");
    let json = |words: &str, owner: &str, code| {
        repo.leasehold(words).owner(owner).run().exits(code).json()
    };
    let refused = json("unlock --owner ada --json", "bob", 4);
    assert_eq!(
        (&refused["code"], names(&refused["leases"]).len()),
        (&json!("not_yours"), 2)
    );
    let done = json("unlock --all --json", "ada", 0);
    assert_eq!(
        (&done["message"], names(&done["leases"])),
        (&json!("unlocked 2 leases"), vec!["a".into(), "b".into()])
    );
    assert_eq!(json("unlock --all --json", "ada", 3)["code"], "not_found");
    expired(&repo, "a", "ada");
    let cleared = json("unlock --stale --json", "bob", 0);
    assert_eq!(
        (&cleared["message"], &cleared["leases"][0]["state"]),
        (&json!("cleared away 1 lease"), &json!("expired"))
    );
    assert_eq!(json("unlock --stale --json", "bob", 3)["code"], "not_found");
}

#[test]
fn several_things_are_held() {
    let repo = Repo::new();
    repo.leasehold("lock a b").owner("ada").run().exits(0);
    for (words, code) in [("guard b -- true", 2), ("why a", 2), ("unlock b", 4)] {
        let ran = repo.leasehold(words).owner("bob").run().exits(code);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("`a` and `b` are held by ada@"), "{ran}");
    }
}
