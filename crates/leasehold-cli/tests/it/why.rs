//! `why`: what a request would be answered, for which reasons, and that asking changes nothing.

use crate::process::{PATIENCE, Ran, eventually};
use crate::repo::Repo;
use crate::standing::check;
use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::{Value, json};

/// Asks why, and asserts that nothing was changed by that.
#[track_caller]
fn why(repo: &Repo, owner: &str, words: &str, code: i32) -> Ran {
    let before = repo.fingerprint();
    let ran = repo
        .leasehold(&format!("why {words}"))
        .owner(owner)
        .run()
        .exits(code);
    assert!(repo.fingerprint() == before, "something changed: {ran}");
    ran
}

/// Returns the types of the reasons.
fn reasons(told: &Value) -> Vec<&str> {
    let reasons = told["reasons"].as_array().map_or(&[][..], Vec::as_slice);
    reasons
        .iter()
        .map(|reason| reason["type"].as_str().unwrap())
        .collect()
}

#[test]
fn what_nobody_holds_is_free_and_no_root_is_made() {
    let repo = Repo::new();
    let ran = repo.leasehold("why build path:src --read").run().exits(0);
    assert!(!repo.root().exists());
    repo.lock("other", "ada");
    assert_snapshot!(format!("{ran}{}", why(&repo, "ada", "build", 0)));
}

#[test]
fn a_holder_is_named_with_what_is_known_of_it() {
    let repo = Repo::new();
    repo.lock("deploy --ttl 5m", "ada");
    assert_snapshot!(why(&repo, "bob", "deploy", 2));
}

#[test]
fn the_command_and_the_life_of_a_guard_are_shown() {
    let repo = Repo::new();
    let mut held = repo.hold("build");
    let told = why(&repo, "bob", "build --json", 2).json();
    let reason = &told["reasons"][0];
    assert_eq!(
        (&reason["type"], &reason["blocks"]),
        (&json!("held"), &json!(true))
    );
    assert_eq!(
        reason["life"],
        json!({"guard": "alive", "command": "alive"})
    );
    assert_eq!(reason["lease"]["id"], held.lease[..8]);
    assert_eq!(reason["lease"]["pid"], held.guard.pid());
    assert!(
        reason["message"]
            .as_str()
            .unwrap()
            .ends_with("its guard is alive"),
        "{reason}"
    );
    held.kill_guard();
    let told = why(&repo, "bob", "build --json", 2).json();
    assert_eq!(reasons(&told), ["orphan"]);
    assert_eq!(
        told["reasons"][0]["life"],
        json!({"guard": "dead", "command": "alive"})
    );
    held.signal_command(Signal::KILL);
    let told = eventually("its end", PATIENCE, || {
        let ran = repo.leasehold("why build --json").run();
        (ran.code() == 0).then(|| ran.json())
    });
    assert_eq!(reasons(&told), ["dead"]);
    assert_eq!(told["reasons"][0]["blocks"], false);
}

#[test]
fn those_ahead_in_the_queue_are_reasons_too() {
    let repo = Repo::new();
    repo.lock("build --ttl 5m", "ada");
    let queue = ["bob", "cyd"].map(|owner| {
        repo.guard("build --wait", "true")
            .owner(owner)
            .start()
            .waits()
    });
    let ran = why(&repo, "dan", "build", 2);
    assert!(
        ran.stdout
            .starts_with("`build`: blocked; with --wait you would be behind 2 others\n"),
        "{ran}"
    );
    let told = why(&repo, "dan", "build --json", 2).json();
    assert_eq!(reasons(&told), ["held", "queued", "queued"]);
    assert_eq!((&told["code"], &told["ahead"]), (&json!("held"), &json!(2)));
    let owners: Vec<&Value> = told["waits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wait| &wait["ticket"]["owner"])
        .collect();
    assert_eq!(owners, ["bob", "cyd"]);
    repo.leasehold("unlock build").owner("ada").run().exits(0);
    for waiter in queue {
        waiter.end().exits(0);
    }
}

#[test]
fn who_is_away_is_shown_and_in_nobodys_way() {
    let repo = Repo::new();
    repo.lock("build", "ada");
    repo.leasehold("guard build --wait --timeout 20ms -- true")
        .owner("bob")
        .run()
        .exits(2);
    repo.leasehold("unlock build").owner("ada").run().exits(0);
    let told = why(&repo, "cyd", "build --json", 0).json();
    assert_eq!(
        (reasons(&told), &told["reasons"][0]["blocks"]),
        (vec!["parked"], &json!(false))
    );
    // Its own place is not in anybody's way but its own way back.
    assert_eq!(
        reasons(&why(&repo, "bob", "build --json", 0).json()),
        [""; 0]
    );
    repo.lock("build", "ada");
    let ran = why(&repo, "bob", "build", 2);
    assert!(ran.stderr.contains("your place is kept"), "{ran}");
}

#[test]
fn a_dead_waiter_is_not_ahead() {
    let repo = Repo::new();
    repo.lock("build", "ada");
    let waiter = repo
        .guard("build --wait", "true")
        .owner("bob")
        .start()
        .waits();
    waiter.signal(Signal::KILL);
    waiter.becomes_zombie();
    let told = why(&repo, "cyd", "build --json", 2).json();
    assert_eq!(
        (reasons(&told), &told["ahead"]),
        (vec!["held", "parked"], &json!(0))
    );
}

/// An agent without a name has that of the person beside it, who froze this.
#[test]
fn a_freeze_under_a_name_that_is_no_proof_is_not_said_to_be_ones_own() {
    let repo = Repo::new();
    repo.leasehold("freeze build --ttl 5m").run().exits(0);
    let ran = repo.leasehold("why build").run().exits(2);
    let hint =
        "hint: it is frozen under your own name; if that was you: leasehold unfreeze build\n";
    assert!(ran.stderr.ends_with(hint), "{ran}");
}

#[test]
fn a_freeze_is_a_reason_and_what_is_behind_it_too() {
    let repo = Repo::new();
    let run = |words: &str| check(&repo, &[("eve", words, 0)]);
    run("freeze build --ttl 1h");
    let free = why(&repo, "ada", "build", 2);
    run("lock other");
    run("unfreeze build");
    repo.lock("build --ttl 5m", "bob");
    run("freeze build --ttl 1h");
    let held = why(&repo, "eve", "build", 2);
    assert_snapshot!(format!("{free}{held}"));
    let told = why(&repo, "ada", "build --json", 2).json();
    assert_eq!(
        (reasons(&told), &told["code"]),
        (vec!["frozen", "held"], &json!("frozen"))
    );
}

#[test]
fn one_s_own_lock_would_be_waited_for_for_ever() {
    let repo = Repo::new();
    let id = repo.lock("build --ttl 5m", "ada");
    assert_snapshot!(why(&repo, "ada", "build", 5));
    let told = why(&repo, "ada", "build --json", 5).json();
    assert_eq!(
        (reasons(&told), &told["leases"][0]["id"]),
        (vec!["would_die", "held"], &json!(id))
    );
    assert!(told["pressers"].is_null(), "{told}");
    // Inside of it there is nothing to wait for.
    let ran = why(&repo, "ada", &format!("build --lease {id}"), 0);
    assert_eq!(
        ran.stdout,
        "`build`: free, the lease around this covers it\n"
    );
}

#[test]
fn a_wait_that_could_deadlock_is_foreseen() {
    let repo = Repo::new();
    repo.lock("a --ttl 5m", "ada");
    repo.lock("b --ttl 5m", "bob");
    let waiter = repo.guard("b --wait", "true").owner("ada").start().waits();
    let told = why(&repo, "bob", "a --json", 5).json();
    assert_eq!(
        (reasons(&told), &told["code"]),
        (vec!["would_die", "held"], &json!("died"))
    );
    assert_eq!(told["pressers"][0]["owner"], "ada");
    // Who is in the way waits for oneself: that is the circle.
    assert_eq!(told["waits"][0]["blockers"][0]["owner"], "bob");
    assert_snapshot!(why(&repo, "bob", "a", 5));
    repo.leasehold("guard a --wait -- true")
        .owner("bob")
        .run()
        .exits(5);
    drop(waiter);
}

#[test]
fn the_chain_of_waits_is_followed() {
    let repo = Repo::new();
    // The older lock is what bob is judged by: so he may wait, though others wait for him.
    repo.lock("b --ttl 5m", "bob");
    repo.lock("c --ttl 5m", "cyd");
    let inner = "leasehold guard b --wait -- true";
    let ada = repo.guard("a", inner).owner("ada").start().waits();
    let bob = repo
        .guard("c --wait --priority 1", "true")
        .owner("bob")
        .start()
        .waits();
    // dan wants a; ada in a waits for b; bob, who has b, waits for c; cyd has c.
    let told = why(&repo, "dan", "a --json", 2).json();
    let waits: Vec<_> = told["waits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wait| {
            (
                wait["ticket"]["owner"].as_str().unwrap(),
                wait["blockers"][0]["owner"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(waits, [("ada", "bob"), ("bob", "cyd")]);
    assert_snapshot!(why(&repo, "dan", "a", 2));
    for (name, owner) in [("c", "cyd"), ("b", "bob")] {
        repo.leasehold(&format!("unlock {name}"))
            .owner(owner)
            .run()
            .exits(0);
    }
    ada.end().exits(0);
    bob.end().exits(0);
}

#[test]
fn what_is_past_its_time_makes_way() {
    let repo = Repo::new();
    repo.lock("a --ttl 1ms", "ada");
    let told = eventually("its expiry", PATIENCE, || {
        let ran = repo.leasehold("why a --json").run();
        (ran.code() == 0).then(|| ran.json())
    });
    assert_eq!(
        (reasons(&told), &told["reasons"][0]["blocks"]),
        (vec!["expired"], &json!(false))
    );
}

#[test]
fn intents_and_pools_count() {
    let repo = Repo::new();
    repo.lock("docs --read", "ada");
    why(&repo, "bob", "docs --read", 0);
    why(&repo, "bob", "docs --intent depends-on", 0);
    let ran = why(&repo, "bob", "docs --intent deletes", 2);
    assert!(
        ran.stderr
            .contains("queue for it: leasehold guard docs --intent deletes --wait -- COMMAND"),
        "{ran}"
    );
    repo.lock("gpu --slots 2", "ada");
    why(&repo, "bob", "gpu --slots 2", 0);
    repo.lock("gpu --slots 2", "cyd");
    let told = why(&repo, "bob", "gpu --slots 2 --json", 2).json();
    assert_eq!(reasons(&told), ["held", "held"]);
    // The same answers as of guard: another size makes no sense while it is in use.
    let ran = why(&repo, "bob", "gpu --slots 3", 64);
    assert!(ran.stderr.contains("in use with 2 slots"), "{ran}");
}

#[test]
fn several_names_have_the_reasons_of_all() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    repo.lock("path:src/x", "bob");
    let told = why(&repo, "cyd", "a b path:src --json", 2).json();
    assert_eq!(reasons(&told), ["held", "held"]);
}

#[test]
fn hostile_commands_stay_on_their_line() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| {
        repo.guard("a", &format!("# \u{1b}[2J\nerror: x\n{script}"))
    });
    for words in ["why a", "status a"] {
        let ran = repo.leasehold(words).run();
        assert!(
            !ran.stdout.contains('\u{1b}') && ran.stdout.contains(r"\u{1b}[2J\nerror: x"),
            "{ran}"
        );
    }
    held.end().exits(0);
}
