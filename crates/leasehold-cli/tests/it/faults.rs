//! Killed, stopped and forgotten processes: what is protected stays so, what is dead is free.

use crate::log::events;
use crate::process::{PATIENCE, Running, eventually};
use crate::repo::{Hold, Repo, script_to_hold};
use insta::assert_snapshot;
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::symlink;

/// A guard of `build` whose command runs, by ada.
fn hold(repo: &Repo, flags: &str) -> Hold {
    let words = format!("build {flags}");
    repo.hold_call("h", |script| {
        repo.guard(words.trim_end(), script).owner("ada")
    })
}

/// Somebody who waits for `build`.
fn waiter(repo: &Repo, owner: &str) -> Running {
    repo.guard("build --wait", "true")
        .owner(owner)
        .start()
        .waits()
}

/// Asserts that somebody else does not get `build`, and returns what is said.
fn refused(repo: &Repo) -> String {
    repo.leasehold("guard build -- true")
        .owner("bob")
        .run()
        .exits(2)
        .stderr
}

#[test]
fn a_killed_guard_leaves_its_command_protected() {
    let repo = Repo::new();
    let mut held = hold(&repo, "");
    held.kill_guard();
    let said = refused(&repo);
    assert!(
        said.contains("its guard is dead, its command still runs"),
        "{said}"
    );
    let status = repo.leasehold("status").run().exits(0).stdout;
    assert!(
        status.contains("[ORPHAN: guard dead, command alive]"),
        "{status}"
    );
    let waiter = waiter(&repo, "cyd");
    repo.leasehold(&format!("check --lease {}", held.lease))
        .run()
        .exits(0);
    held.open();
    waiter.end().exits(0);
    assert_eq!(
        (
            events(&repo, "orphaned").len(),
            events(&repo, "freed").len()
        ),
        (1, 1)
    );
}

/// A command without its guard, past the TTL of its lease.
fn orphan(repo: &Repo) -> Hold {
    let mut held = hold(repo, "--ttl 200ms");
    held.kill_guard();
    eventually("its expiry", PATIENCE, || {
        (repo.lease("build")["expires_in_ms"] == 0).then_some(())
    });
    held
}

/// Asserts that `build` is an orphan's, and free once that ends.
fn is_protected(repo: &Repo, held: &mut Hold) {
    assert_eq!(repo.lease("build")["state"], "orphan");
    refused(repo);
    held.open();
    eventually("its end", PATIENCE, || {
        (repo.try_guard("build") == 0).then_some(())
    });
}

#[test]
fn an_orphan_is_protected_past_its_ttl() {
    let repo = Repo::new();
    let mut held = orphan(&repo);
    is_protected(&repo, &mut held);
}

/// Found by real processes whose calls were made to fail: whoever had no descriptor left to look with took
/// the TTL of an orphan for its end, and there were two holders.
#[test]
fn an_orphan_that_cannot_be_looked_at_is_protected_past_its_ttl() {
    let repo = Repo::new();
    let mut held = orphan(&repo);
    let proof = repo.root().join("leases").join(&held.lease);
    let aside = repo.file("aside");
    fs::rename(&proof, &aside).unwrap();
    // It can be opened by nobody.
    symlink(&proof, &proof).unwrap();
    refused(&repo);
    assert_eq!(repo.lease("build")["state"], "held");
    let why = repo.leasehold("why build").run().exits(2).stdout;
    assert!(
        why.contains("whether its guard lives cannot be seen"),
        "{why}"
    );
    fs::remove_file(&proof).unwrap();
    fs::rename(&aside, &proof).unwrap();
    is_protected(&repo, &mut held);
}

#[test]
fn a_killed_command_ends_its_guard() {
    let repo = Repo::new();
    let held = hold(&repo, "");
    held.signal_command(Signal::KILL);
    held.guard.end().exits(137);
    assert_eq!(events(&repo, "released").len(), 1);
    assert_eq!(repo.try_guard("build"), 0);
}

#[test]
fn when_both_are_killed_the_next_has_it_at_once() {
    let repo = Repo::new();
    let mut held = hold(&repo, "");
    let waiter = waiter(&repo, "bob");
    held.signal_command(Signal::STOP);
    held.kill_guard();
    held.signal_command(Signal::KILL);
    waiter.end().exits(0);
    assert_eq!(events(&repo, "freed").len(), 1);
}

#[test]
fn when_both_are_killed_it_is_free_without_a_waiter() {
    let repo = Repo::new();
    let mut held = hold(&repo, "");
    held.kill_guard();
    held.signal_command(Signal::KILL);
    eventually("its end", PATIENCE, || {
        (repo.try_guard("build") == 0).then_some(())
    });
}

/// Nobody has asked for it since, so it is there still; that makes it no lease.
#[test]
fn what_the_dead_held_cannot_be_renewed() {
    let repo = Repo::new();
    let mut held = hold(&repo, "--ttl 1h");
    let renew = format!("renew --ttl 2h --lease {}", held.lease);
    held.kill_guard();
    repo.leasehold(&renew).run().exits(0);
    assert_eq!(repo.lease("build")["state"], "orphan");
    held.signal_command(Signal::KILL);
    eventually("its end", PATIENCE, || {
        (repo.lease("build")["state"] == "dead").then_some(())
    });
    let ran = repo.leasehold(&renew).run().exits(6);
    assert!(ran.stderr.contains("is not held, or not any more"), "{ran}");
    repo.leasehold("status build").run().exits(3);
    assert_eq!(events(&repo, "freed").len(), 1);
}

#[test]
fn a_zombie_holds_nothing() {
    let repo = Repo::new();
    let held = hold(&repo, "");
    held.signal_command(Signal::STOP);
    held.guard.signal(Signal::KILL);
    held.guard.becomes_zombie();
    held.signal_command(Signal::KILL);
    eventually("its end", PATIENCE, || {
        (repo.try_guard("build") == 0).then_some(())
    });
    held.guard.becomes_zombie();
}

#[test]
fn a_waiter_killed_at_its_grant_is_passed_over() {
    let repo = Repo::new();
    let held = hold(&repo, "");
    let [first, second] = ["bob", "cyd"].map(|owner| waiter(&repo, owner));
    first.signal(Signal::STOP);
    held.end().exits(0);
    assert_eq!(repo.lease("build")["state"], "granted");
    assert_eq!(repo.lease("build")["owner"], "bob");
    first.signal(Signal::KILL);
    first.end().exits(-9);
    second.end().exits(0);
    let passed = events(&repo, "passed");
    assert_eq!(
        (passed.len(), &passed[0]["lease"]["who"]["owner"]),
        (1, &"bob".into())
    );
}

#[test]
fn a_waiter_stopped_at_its_grant_is_passed_over_in_time_and_served_later() {
    let repo = Repo::new();
    let held = hold(&repo, "");
    let [first, second] = ["bob", "cyd"].map(|owner| waiter(&repo, owner));
    first.signal(Signal::STOP);
    held.end().exits(0);
    assert_eq!(repo.lease("build")["state"], "granted");
    // The pick-up time is 10 s.
    second.end().exits(0);
    assert_eq!(events(&repo, "passed").len(), 1);
    first.signal(Signal::CONT);
    first.end().exits(0);
    // With the place that it had.
    let (queued, granted) = (events(&repo, "queued"), events(&repo, "granted"));
    assert_eq!(
        granted.last().unwrap()["lease"]["number"],
        queued[0]["ticket"]["number"]
    );
}

#[test]
fn a_guard_stopped_past_its_ttl_finds_its_lease_lost() {
    let repo = Repo::new();
    let held = hold(&repo, "--ttl 1s");
    held.guard.signal(Signal::STOP);
    let next = repo.hold_call("n", |script| {
        repo.guard("build --wait --timeout 20s", script)
            .owner("bob")
    });
    let check = |hold: &Hold, code| {
        let words = format!("check --lease {} --token {}", hold.lease, hold.token);
        repo.leasehold(&words).run().exits(code);
    };
    check(&held, 6);
    check(&next, 0);
    assert!(next.token.parse::<u64>().unwrap() > held.token.parse::<u64>().unwrap());
    held.guard.signal(Signal::CONT);
    let ran = held.guard.end().exits(6);
    assert_snapshot!(ran.stderr, @r"
    error: the lease on `build` was lost while the command ran
    hint: the command was stopped; check what it did, others may have run meanwhile
    ");
    check(&next, 0);
    next.end().exits(0);
    assert_eq!(events(&repo, "lapsed").len(), 1);
}

#[test]
fn a_guard_stopped_past_its_ttl_goes_on_when_nobody_wanted_it() {
    let repo = Repo::new();
    let held = hold(&repo, "--ttl 300ms");
    held.guard.signal(Signal::STOP);
    eventually("its expiry", PATIENCE, || {
        (repo.lease("build")["state"] == "expired").then_some(())
    });
    let renewals = events(&repo, "renewed").len();
    held.guard.signal(Signal::CONT);
    eventually("a renewal", PATIENCE, || {
        (events(&repo, "renewed").len() > renewals).then_some(())
    });
    held.end().exits(0);
}

#[test]
fn a_guard_that_keeps_its_lease_while_it_lives_may_be_stopped_past_its_ttl() {
    let repo = Repo::new();
    repo.guard("build --keep-while-alive", "true")
        .run()
        .exits(64);
    let held = hold(&repo, "--ttl 300ms --keep-while-alive");
    held.guard.signal(Signal::STOP);
    eventually("its expiry", PATIENCE, || {
        (repo.lease("build")["expires_in_ms"] == 0).then_some(())
    });
    assert_eq!(repo.try_guard("build"), 2);
    held.guard.signal(Signal::CONT);
    held.end().exits(0);
}

#[test]
fn a_daemon_left_behind_keeps_nothing() {
    let repo = Repo::new();
    let daemon = r#"setsid sh -c 'echo up > "$D/up"; sleep 600' > /dev/null 2>&1 &
        until [ -e "$D/up" ]; do sleep 0.01; done"#;
    repo.guard("build", daemon).run().exits(0);
    assert_eq!(repo.try_guard("build"), 0);
    assert!(!repo.processes().is_empty(), "the daemon is gone");
}

#[test]
fn a_script_that_closes_its_descriptors_is_still_protected() {
    let repo = Repo::new();
    let mut held = repo.hold_call("h", |script| {
        let close = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
        repo.guard("build", &format!("{close}; {script}"))
            .owner("ada")
    });
    held.kill_guard();
    refused(&repo);
    // What it starts counts as well.
    held.open();
    eventually("its end", PATIENCE, || {
        (repo.try_guard("build") == 0).then_some(())
    });
}

#[test]
fn what_the_command_started_is_protected_when_both_are_killed() {
    let repo = Repo::new();
    let _gate = repo.gate("child.go");
    let mut held = repo.hold_call("h", |script| {
        let child = script_to_hold("child");
        repo.guard("build", &format!("sh -c '{child}' & {script}"))
            .owner("ada")
    });
    repo.appears("child.up");
    held.kill_guard();
    held.signal_command(Signal::KILL);
    // The child goes on: nobody has said that the work is over.
    refused(&repo);
    _gate.open();
    eventually("its end", PATIENCE, || {
        (repo.try_guard("build") == 0).then_some(())
    });
}

#[test]
fn a_lease_taken_away_stops_its_command() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| {
        let script = format!(r#"trap 'echo stopped > "$D/stopped"; exit 0' TERM; {script}"#);
        repo.guard("build", &script).owner("ada")
    });
    repo.leasehold("unlock build --force")
        .owner("bob")
        .run()
        .exits(0);
    let ran = held.guard.end().exits(6);
    assert_eq!(repo.appears("stopped"), "stopped");
    assert!(ran.stderr.contains("lost while the command ran"), "{ran}");
}

#[test]
fn a_lost_command_that_does_not_listen_is_killed() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| {
        let script = format!("trap '' TERM; {script}");
        repo.guard("build --stop-grace 100ms", &script).owner("ada")
    });
    repo.leasehold("unlock build --force")
        .owner("bob")
        .run()
        .exits(0);
    held.guard.end().exits(6);
    assert!(rustix::process::test_kill_process(pid(held.command)).is_err());
}

fn pid(number: i32) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(number).unwrap()
}

/// A signal to a guard reaches all of the command's group.
fn check_passed_on(signal: Signal, code: i32) {
    let repo = Repo::new();
    let _gate = repo.gate("child.go");
    let held = repo.hold_call("h", |script| {
        let child = script_to_hold("child");
        repo.guard("build", &format!("sh -c '{child}' & {script}"))
            .owner("ada")
    });
    let up = repo.appears("child.up");
    let child = pid(up.split(' ').next().unwrap().parse().unwrap());
    held.guard.signal(signal);
    held.guard.end().exits(code);
    eventually("the child's end", PATIENCE, || {
        rustix::process::test_kill_process(child).err()
    });
    assert_eq!(repo.try_guard("build"), 0);
}

#[test]
fn a_termination_reaches_the_whole_group() {
    check_passed_on(Signal::TERM, 143);
}

#[test]
fn a_hangup_reaches_the_whole_group() {
    check_passed_on(Signal::HUP, 129);
}

#[test]
fn a_command_may_answer_a_termination_with_a_code_of_its_own() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| {
        repo.guard("build", &format!("trap 'exit 3' TERM; {script}"))
    });
    held.guard.signal(Signal::TERM);
    held.guard.end().exits(3);
    assert_eq!(repo.try_guard("build"), 0);
}

#[test]
fn a_process_stopped_inside_the_store_is_named() {
    let repo = Repo::new();
    repo.lock("issue:1", "ada");
    // As a process that was stopped at the worst moment: it has the mutex and does not move.
    let mutex = std::fs::File::options()
        .read(true)
        .write(true)
        .open(repo.root().join("mutex"));
    let mutex = mutex.unwrap();
    rustix::fs::flock(&mutex, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let ran = repo.leasehold("lock build").owner("ada").run().exits(1);
    assert!(ran.stderr.contains("is busy"), "{ran}");
    // Whoever only looks need not go inside.
    repo.leasehold("exists issue:1").run().exits(0);
    drop(mutex);
    repo.leasehold("lock build").owner("ada").run().exits(0);
}

/// It asks again for as long as the wait may take, but not past a signal.
#[test]
fn a_waiter_is_ended_by_a_signal_also_while_the_store_is_busy() {
    let repo = Repo::new();
    let held = repo.hold("build");
    let waiter = repo
        .guard("build --wait", "true")
        .owner("ada")
        .start()
        .waits();
    let mutex = std::fs::File::open(repo.root().join("mutex")).unwrap();
    rustix::fs::flock(&mutex, rustix::fs::FlockOperation::LockExclusive).unwrap();
    waiter.signal(Signal::TERM);
    waiter.end().exits(143);
    drop(mutex);
    held.end().exits(0);
}

/// Waits until a guard can be called.
fn listens(repo: &Repo, hold: &Hold) {
    let place = repo.root().join(format!("leases/{}.wake", hold.lease));
    eventually("a place to be called at", PATIENCE, || {
        place.exists().then_some(())
    });
}

#[test]
fn a_lease_given_back_by_its_id_stops_its_command() {
    let repo = Repo::new();
    let held = repo.hold("build");
    listens(&repo, &held);
    let ran = repo
        .leasehold(&format!("unlock --lease {}", held.lease))
        .run()
        .exits(0);
    assert!(ran.stderr.contains("its command is being stopped"), "{ran}");
    held.guard.end().exits(6);
}

#[test]
fn a_guard_renews_at_the_pace_that_others_set() {
    let repo = Repo::new();
    let held = repo.hold("build");
    listens(&repo, &held);
    repo.leasehold(&format!("renew --ttl 1s --lease {}", held.lease))
        .run()
        .exits(0);
    eventually("renewals by the guard", PATIENCE, || {
        (events(&repo, "renewed").len() > 2).then_some(())
    });
    held.end().exits(0);
}

#[test]
fn a_release_that_fails_leaves_nothing_held() {
    let repo = Repo::new();
    let held = repo.hold_call("w", |script| {
        repo.guard("build", &format!("sleep 60 > /dev/null 2>&1 & {script}"))
    });
    let mutex = std::fs::File::options()
        .read(true)
        .write(true)
        .open(repo.root().join("mutex"));
    let mutex = mutex.unwrap();
    rustix::fs::flock(&mutex, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let ran = held.end().exits(0);
    assert!(ran.stderr.contains("could not release"), "{ran}");
    drop(mutex);
    // The daemon still has the descriptor, but its lock was given back.
    assert_eq!(repo.try_guard("build"), 0);
}

/// In a PID namespace that it was put into, a guard may be in a process group without a number, and /proc
/// may show the numbers of another namespace.
#[test]
fn a_guard_in_another_pid_namespace_stops_its_command() {
    let repo = Repo::new();
    let unshare = |command: &str| {
        let script = format!("unshare --map-root-user --pid --fork {command}");
        repo.guard("outside", &script)
    };
    if unshare("true").run().code() != 0 {
        eprintln!("skipped: this machine lets nobody make PID namespaces");
        return;
    }
    let guard = unshare("leasehold guard build --stop-grace 1s -- sleep 60").start();
    eventually("build is held", PATIENCE, || {
        let exists = repo.leasehold("exists build").run();
        (exists.code() == 0).then_some(())
    });
    repo.leasehold("unlock build --force").run().exits(0);
    guard.end().exits(6);
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_here_and_a_signal_there() {
    let repo = Repo::new();
    repo.guard("build", "true").run().exits(0);
    let under = |limit: u32, command: &str| {
        let script = format!("ulimit -f {limit}; exec \"$0\" guard build -- sh -c '{command}'");
        let mut shell = repo.program("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_leasehold")]);
        shell.output().unwrap()
    };
    let none = under(0, "true");
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert_eq!(none.status.code(), Some(1), "{said}");
    assert!(
        said.contains("File too large") && said.contains("ulimit"),
        "{said}"
    );
    let command = under(2_000, "head -c 4000000 /dev/zero > $D/large");
    assert_eq!(command.status.code(), Some(128 + 25), "{command:?}");
    assert_eq!(repo.try_guard("build"), 0);
}

/// A copy of a repository has the names of its leases, and none of their holders.
#[test]
fn a_copy_of_the_repository_is_another_workspace() {
    let repo = Repo::new();
    let script = "cp -r . $D/copy && cd $D/copy && leasehold guard build -- leasehold check";
    repo.guard("build", script).run().exits(0);
    repo.guard("build", "leasehold guard build -- leasehold check")
        .run()
        .exits(0);
}
