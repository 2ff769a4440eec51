//! Pools: N at a time, each with a slot of its own.

use crate::repo::{Hold, Repo};
use insta::assert_snapshot;

/// Takes one of two slots, and says which.
fn take(repo: &Repo) -> (Hold, String) {
    let hold = repo.hold_call("slot", |script| {
        let script = format!(r#"echo "$LEASEHOLD_SLOT" > "$D/slot"; {script}"#);
        repo.guard("gpu --slots 2", &script).owner("ada")
    });
    (hold, repo.appears("slot"))
}

#[test]
fn as_many_as_there_are_slots() {
    let repo = Repo::new();
    let (first, slot) = take(&repo);
    assert_eq!(slot, "0");
    let (second, slot) = take(&repo);
    assert_eq!(slot, "1");
    let refused = repo
        .guard("gpu --slots 2", "true")
        .owner("bob")
        .run()
        .exits(2);
    let status = repo.leasehold("status gpu").run().exits(0).stdout;
    assert_snapshot!(format!("{refused}{status}"));
    // The slot given is the lowest that is free.
    first.end().exits(0);
    let (third, slot) = take(&repo);
    assert_eq!(slot, "0");
    for hold in [second, third] {
        hold.end().exits(0);
    }
    repo.leasehold("exists gpu").run().exits(3);
}

#[test]
fn a_pool_has_one_size_while_it_is_used() {
    let repo = Repo::new();
    let (hold, _) = take(&repo);
    let ran = repo
        .guard("gpu --slots 3", "true")
        .owner("bob")
        .run()
        .exits(64);
    assert_snapshot!(ran.stderr, @r"
    error: the pool `gpu` is in use with 2 slots
    hint: ask with --slots 2, or wait until nobody holds or waits
    ");
    // The whole of it is another matter: that is taken by nobody while a slot is.
    assert_eq!(repo.try_guard("gpu"), 2);
    hold.end().exits(0);
    assert_eq!(repo.try_guard("gpu --slots 3"), 0);
    let whole = repo.hold("gpu");
    assert_eq!(repo.try_guard("gpu --slots 2"), 2);
    whole.end().exits(0);
}

#[test]
fn a_waiter_gets_the_slot_that_becomes_free() {
    let repo = Repo::new();
    let (first, _) = take(&repo);
    let (second, _) = take(&repo);
    let waiter = repo
        .guard("gpu --slots 2 --wait", "echo $LEASEHOLD_SLOT")
        .start()
        .waits();
    second.end().exits(0);
    assert_eq!(waiter.end().exits(0).stdout, "1\n");
    first.end().exits(0);
}

#[test]
fn pools_go_with_other_names() {
    let repo = Repo::new();
    let show = "echo $LEASEHOLD_RESOURCE $LEASEHOLD_SLOT";
    let ran = repo.guard("db gpu --slots gpu=2", show).run().exits(0);
    assert_eq!(ran.stdout, "db gpu 0\n");
    let (hold, _) = take(&repo);
    assert_eq!(repo.try_guard("db gpu --slots gpu=2"), 0);
    let db = repo.hold("db");
    assert_eq!(repo.try_guard("db gpu --slots gpu=2"), 2);
    for hold in [hold, db] {
        hold.end().exits(0);
    }
}

/// Who does not know that it is a pool would wait for all of it.
#[test]
fn a_pool_that_is_asked_for_whole_is_said_to_be_one() {
    let repo = Repo::new();
    let (hold, _) = take(&repo);
    let hint = |flag: &str| {
        format!(
            "hint: `gpu` is used as a pool: --slots {flag} asks for one slot, this for all of them\n"
        )
    };
    for (words, flag) in [
        ("guard gpu -- true", "2"),
        ("lock db gpu", "gpu=2"),
        ("why gpu", "2"),
    ] {
        let ran = repo.leasehold(words).owner("bob").run().exits(2);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(&hint(flag)), "{ran}");
    }
    hold.end().exits(0);
}
