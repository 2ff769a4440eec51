//! `gc`: the old audit goes, what is held stays.

use crate::process::{PATIENCE, eventually};
use crate::repo::Repo;
use crate::standing::check;
use insta::assert_snapshot;

#[test]
fn what_is_old_is_dropped_and_what_is_held_stays() {
    let repo = Repo::new();
    assert_snapshot!(check(&repo, &[("", "gc", 0), ("ada", "gc --keep 1d", 0)]));
    assert!(!repo.root().exists(), "looking leaves no trace");
    repo.lock("deploy", "ada");
    let token = repo.lease("deploy")["token"].as_u64().unwrap();
    let held = repo.hold("build");
    let waiter = repo
        .guard("build --wait", "true")
        .owner("bob")
        .start()
        .waits();
    let status = |repo: &Repo| {
        let status = repo.status("");
        let ids = |list: &str| {
            let all = status[list].as_array().cloned().unwrap_or_default();
            all.iter()
                .map(|one| one["owner"].clone())
                .collect::<Vec<_>>()
        };
        (ids("leases"), ids("queue"))
    };
    let before = status(&repo);
    assert_eq!(
        repo.leasehold("gc").run().exits(0).stdout,
        "there is nothing to drop\n"
    );
    let ran = repo.leasehold("gc --keep 0s --json").run().exits(0);
    let told = ran.json();
    assert_eq!(told["collected"]["checkpoint"], true);
    assert_eq!(told["collected"]["dropped"], 1);
    assert!(told["collected"]["bytes"].as_u64().unwrap() > 500, "{told}");
    assert_eq!(status(&repo), before);
    assert_eq!(repo.leasehold("audit").run().exits(0).stdout, "");
    held.end().exits(0);
    waiter.end().exits(0);
    let later = repo.hold("gpu");
    assert!(later.token.parse::<u64>().unwrap() > token);
    later.end().exits(0);
}

#[test]
fn what_the_dead_left_is_removed() {
    let repo = Repo::new();
    let mut held = repo.hold("build");
    let mut waiter = repo.guard("build --wait", "true").start().waits();
    waiter.signal(rustix::process::Signal::KILL);
    eventually("its end", PATIENCE, || waiter.has_ended().then_some(()));
    held.kill_guard();
    held.open();
    // The command ends by itself; then nobody is alive.
    eventually("a free resource", PATIENCE, || {
        (repo.try_guard("build") == 0).then_some(())
    });
    std::fs::write(repo.root().join("audit/000009.new"), "half").unwrap();
    let told = repo.leasehold("gc --json --keep 0s").run().exits(0).json();
    assert!(
        told["collected"]["leftovers"].as_u64().unwrap() >= 2,
        "{told}"
    );
    let left: Vec<_> = std::fs::read_dir(repo.root().join("leases"))
        .unwrap()
        .collect();
    // The killed waiter's place is kept: its request is in the state.
    assert!(left.len() <= 2, "{left:?}");
    assert!(!repo.root().join("audit/000009.new").exists());
}

#[test]
fn times_that_are_none_are_refused() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    let before = repo.fingerprint();
    assert_snapshot!(check(
        &repo,
        &[
            ("", "gc --keep 5", 64),
            ("", "gc --keep none", 64),
            ("", "gc --keep -1d", 64),
            ("", "gc build", 64),
        ]
    ));
    assert!(repo.fingerprint() == before);
}

#[test]
fn a_damaged_log_is_kept() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    repo.lock("b", "ada");
    let path = repo.root().join("audit/000001.jsonl");
    let log = std::fs::read_to_string(&path).unwrap();
    let damaged = log.replacen("ada", "eve", 1);
    std::fs::write(&path, &damaged).unwrap();
    let ran = repo.leasehold("gc --keep 0s").run().exits(1);
    assert!(
        ran.stderr.contains("is damaged: the line at offset"),
        "{ran}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
}
