//! `freeze` and `unfreeze`: a timed no to every new lease, that holders and waiters live through.

use crate::process::{PATIENCE, eventually};
use crate::repo::Repo;
use crate::standing::check;
use insta::assert_snapshot;
use serde_json::json;

#[test]
fn a_freeze_refuses_until_it_is_over_and_says_so() {
    let repo = Repo::new();
    assert_snapshot!(check(
        &repo,
        &[
            ("eve", "freeze deploy --ttl 30m", 0),
            ("ada", "guard deploy -- true", 2),
            ("ada", "lock deploy", 2),
            ("eve", "guard deploy -- true", 2),
            ("ada", "guard other -- true", 0),
            ("ada", "status", 0),
            ("ada", "unfreeze deploy", 4),
            ("eve", "unfreeze deploy", 0),
            ("ada", "guard deploy -- true", 0),
            ("eve", "unfreeze deploy", 3),
        ]
    ));
}

#[test]
fn a_freeze_ends_by_itself() {
    let repo = Repo::new();
    repo.leasehold("freeze a --ttl 50ms").run().exits(0);
    eventually("its end", PATIENCE, || {
        (repo.try_guard("a") == 0).then_some(())
    });
    repo.leasehold("unfreeze a").run().exits(3);
}

/// An agent goes by the name of the person whose user it has.
#[test]
fn an_agent_that_ends_a_persons_freeze_is_told_so() {
    let repo = Repo::new();
    let unfreeze = |session: &str| {
        repo.leasehold("freeze a --ttl 1h").run().exits(0);
        let call = repo.leasehold("unfreeze a");
        match session {
            "" => call.run(),
            session => call.session(session).run(),
        }
        .exits(0)
        .stderr
    };
    assert_eq!(unfreeze(""), "");
    let said = unfreeze("s1");
    assert!(said.contains("may have been somebody else's"), "{said}");
}

#[test]
fn to_freeze_again_sets_the_end_anew() {
    let repo = Repo::new();
    let left = || {
        let status = repo.status("a");
        let [freeze] = status["freezes"].as_array().unwrap().as_slice() else {
            panic!("not one freeze: {status}");
        };
        freeze["remaining_ms"].as_u64().unwrap()
    };
    let said = check(
        &repo,
        &[
            ("eve", "freeze a --ttl 1h", 0),
            ("eve", "freeze a --ttl 2h", 0),
        ],
    );
    assert!((7_100_000..=7_200_000).contains(&left()), "{}", left());
    let sooner = check(&repo, &[("eve", "freeze a --ttl 5m", 0)]);
    assert!((200_000..=300_000).contains(&left()), "{}", left());
    assert_snapshot!(said + &sooner);
    repo.leasehold("unfreeze a").owner("eve").run().exits(0);
    assert_eq!(repo.try_guard("a"), 0);
}

#[test]
fn two_may_freeze_the_same_and_each_ends_its_own() {
    let repo = Repo::new();
    assert_snapshot!(check(
        &repo,
        &[
            ("eve", "freeze a --ttl 1h", 0),
            ("dan", "freeze a --ttl 2h", 0),
            ("ada", "unfreeze a", 4),
            ("eve", "unfreeze a", 0),
            ("eve", "unfreeze a", 4),
            ("ada", "guard a -- true", 2),
            ("dan", "unfreeze a", 0),
            ("ada", "guard a -- true", 0),
            ("eve", "freeze a --ttl 1h", 0),
            ("dan", "freeze a --ttl 2h", 0),
            ("ada", "unfreeze a --force", 0),
            ("ada", "guard a -- true", 0),
        ]
    ));
    let thawed = crate::log::events(&repo, "thawed");
    let by: Vec<&str> = thawed
        .iter()
        .map(|event| event["by"]["owner"].as_str().unwrap())
        .collect();
    assert_eq!(by, ["eve", "dan", "ada", "ada"]);
}

#[test]
fn paths_patterns_and_pools_freeze_what_overlaps_them() {
    let repo = Repo::new();
    let freeze = |name: &str| {
        let call = repo.words(&["freeze", name, "--ttl", "1h"]);
        call.owner("eve").run().exits(0)
    };
    let thaw = |name: &str| repo.words(&["unfreeze", name]).owner("eve").run().exits(0);
    freeze("path:src/auth");
    for (name, code) in [("path:src", 2), ("path:src/auth/x", 2), ("path:docs", 0)] {
        assert_eq!(repo.try_guard(name), code, "{name}");
    }
    // Frozen by one name it is not unfrozen by another, and it is said what is frozen.
    let ran = repo
        .leasehold("unfreeze path:src")
        .owner("eve")
        .run()
        .exits(3);
    assert!(
        ran.stderr.contains("`path:src/auth` is frozen until"),
        "{ran}"
    );
    thaw("path:src/auth");
    freeze("path:src/*.rs");
    for (name, code) in [("path:src/a.rs", 2), ("path:src/a.py", 0)] {
        assert_eq!(repo.try_guard(name), code, "{name}");
    }
    thaw("path:src/*.rs");
    freeze("gpu");
    assert_eq!(repo.try_guard("gpu --slots 2"), 2);
    thaw("gpu");
    assert_eq!(repo.try_guard("gpu --slots 2"), 0);
}

#[test]
fn a_link_is_frozen_with_what_it_leads_to() {
    let repo = Repo::new();
    std::fs::create_dir(repo.top().join("real")).unwrap();
    std::os::unix::fs::symlink("real", repo.top().join("link")).unwrap();
    let ran = repo.leasehold("freeze path:link --ttl 1h").run().exits(0);
    assert!(ran.stdout.contains("; froze `path:real` until"), "{ran}");
    assert_eq!(repo.try_guard("path:real/x"), 2);
    let ran = repo.leasehold("unfreeze path:link").run().exits(0);
    assert_eq!(ran.stdout, "unfroze `path:link`; unfroze `path:real`\n");
    assert_eq!(repo.try_guard("path:real/x"), 0);
}

#[test]
fn holders_go_on_and_waiters_wait_through_it() {
    let repo = Repo::new();
    let held = repo.hold("a");
    let waiter = repo.guard("a --wait", "true").owner("ada").start().waits();
    let ran = repo
        .leasehold("freeze a --ttl 1h")
        .owner("eve")
        .run()
        .exits(0);
    assert!(
        ran.stderr
            .contains("it goes on, only new leases are refused"),
        "{ran}"
    );
    held.end().exits(0);
    waiter.says("`a` is frozen until");
    assert_eq!(repo.status("a")["queue"][0]["state"], "waiting");
    repo.leasehold("unfreeze a").owner("eve").run().exits(0);
    waiter.end().exits(0);
}

#[test]
fn freezes_are_told_in_json() {
    let repo = Repo::new();
    let json = |words: &str, code| repo.leasehold(words).owner("eve").run().exits(code).json();
    let set = json("freeze a --ttl 1h --json", 0);
    let freeze = &set["freezes"][0];
    assert_eq!(
        (&freeze["resource"], &freeze["owner"]),
        (&json!("a"), &json!("eve"))
    );
    assert_eq!(freeze["remaining_ms"], 3_600_000);
    assert!(freeze["until"].as_str().unwrap().ends_with('Z'), "{freeze}");
    assert_eq!(json("status --json", 0)["freezes"][0]["resource"], "a");
    let refused = json("lock a --json", 2);
    assert_eq!(
        (&refused["code"], &refused["freezes"][0]["owner"]),
        (&json!("frozen"), &json!("eve"))
    );
    let ran = repo
        .leasehold("unfreeze a --json")
        .owner("bob")
        .run()
        .exits(4);
    assert_eq!(ran.json()["code"], "not_yours");
    assert_eq!(json("unfreeze a --json", 0)["freezes"][0]["resource"], "a");
    assert_eq!(json("unfreeze a --json", 3)["code"], "not_found");
}
