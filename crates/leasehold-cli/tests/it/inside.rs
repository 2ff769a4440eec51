//! Guards that rely on leases which others keep: whatever ends first, what runs is protected or stopped.

use crate::process::{PATIENCE, Running, eventually};
use crate::repo::{Gate, Repo, script_to_hold};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use std::fs;

/// A guard whose command has ended, and a guard inside it whose command has not.
struct Left {
    outer: Running,
    inner_guard: Pid,
    gate: Gate,
}

/// Runs `outer` with a guard for `inner` inside, left behind in the background.
fn leave(repo: &Repo, outer: &str, inner: &str) -> Left {
    let gate = repo.gate("in.go");
    let script = format!("echo $PPID > \"$D/guard\"\n{}", script_to_hold("in"));
    fs::write(repo.file("inner.sh"), script).unwrap();
    let script = format!(
        r#"leasehold guard {inner} -- sh "$D/inner.sh" & until [ -s "$D/in.up" ]; do sleep 0.01; done"#
    );
    let outer = repo.guard(outer, &script).start();
    let told = "stays held: a guard inside it runs still";
    eventually("it waits for who is inside", PATIENCE, || {
        outer.stderr().contains(told).then_some(())
    });
    let pid = repo.line("guard").unwrap().parse().unwrap();
    Left {
        outer,
        inner_guard: Pid::from_raw(pid).unwrap(),
        gate,
    }
}

#[test]
fn a_lease_stays_while_a_guard_inside_runs() {
    for inner in ["a", "a b"] {
        let repo = Repo::new();
        let left = leave(&repo, "a", inner);
        assert_eq!(repo.try_guard("a"), 2);
        left.gate.open();
        left.outer.end().exits(0);
        assert_eq!(repo.try_guard("a b"), 0);
    }
}

#[test]
fn a_lease_stays_while_the_command_of_a_killed_guard_inside_runs() {
    let repo = Repo::new();
    let left = leave(&repo, "a", "a");
    kill_process(left.inner_guard, Signal::KILL).unwrap();
    assert_eq!(repo.try_guard("a"), 2);
    left.gate.open();
    left.outer.end().exits(0);
    assert_eq!(repo.try_guard("a"), 0);
}

#[test]
fn a_lease_outlives_its_killed_guard_while_a_guard_inside_runs() {
    let repo = Repo::new();
    let left = leave(&repo, "a", "a");
    left.outer.signal(Signal::KILL);
    let _killed = left.outer.end();
    assert_eq!(repo.try_guard("a"), 2);
    assert_eq!(repo.lease("a")["state"], "orphan");
    left.gate.open();
    eventually("it is free", PATIENCE, || {
        (repo.try_guard("a") == 0).then_some(())
    });
}

/// What it is seen by cannot be opened where, say, the system has no descriptors left; here it is a link
/// to itself.
#[test]
fn a_lease_stays_where_it_cannot_be_seen_who_is_inside() {
    let repo = Repo::new();
    let (inner, outer) = (repo.gate("in.go"), repo.gate("out.go"));
    fs::write(repo.file("inner.sh"), script_to_hold("in")).unwrap();
    let script = r#"leasehold guard a -- sh "$D/inner.sh" & read _ < "$D/out.go""#;
    let guard = repo.guard("a", script).start();
    repo.appears("in.up");
    let id = repo.lease("a")["id"].as_str().unwrap().to_owned();
    let joined = repo.root().join(format!("leases/{id}.joined"));
    let aside = repo.file("joined");
    fs::rename(&joined, &aside).unwrap();
    std::os::unix::fs::symlink(&joined, &joined).unwrap();
    outer.open();
    let ran = guard.end().exits(0);
    assert!(ran.stderr.contains("could not release"), "{ran}");
    assert_eq!(repo.try_guard("a"), 2);
    fs::rename(&aside, &joined).unwrap();
    assert_eq!(repo.try_guard("a"), 2);
    inner.open();
    eventually("it is free", PATIENCE, || {
        (repo.try_guard("a") == 0).then_some(())
    });
}

/// The kernel refuses to poll more descriptors than a process may have.
#[test]
#[cfg(target_os = "linux")]
fn a_lease_stays_while_the_command_of_a_guard_inside_runs_that_could_not_wait_for_it() {
    for inner in ["a", "a b"] {
        let repo = Repo::new();
        let mut left = leave(&repo, "a", inner);
        // So that nothing but the share keeps the outer lease.
        left.outer.signal(Signal::KILL);
        eventually("the outer guard's end", PATIENCE, || {
            left.outer.has_ended().then_some(())
        });
        let none = Rlimit {
            current: Some(0),
            ..getrlimit(Resource::Nofile)
        };
        prlimit(Some(left.inner_guard), Resource::Nofile, none).unwrap();
        left.outer.says("cannot wait for the command");
        for name in inner.split(' ') {
            assert_eq!(repo.try_guard(name), 2, "{name} of {inner}");
        }
        left.gate.open();
        eventually("it is free", PATIENCE, || {
            (repo.try_guard("a b") == 0).then_some(())
        });
    }
}

#[test]
fn a_daemon_left_behind_inside_keeps_nothing() {
    let repo = Repo::new();
    let daemon = r#"setsid sleep 600 > /dev/null 2>&1 & echo up > "$D/up""#;
    fs::write(repo.file("daemon.sh"), daemon).unwrap();
    let script = r#"leasehold guard a -- sh "$D/daemon.sh""#;
    repo.guard("a", script).run().exits(0);
    assert_eq!(repo.try_guard("a"), 0);
    assert!(!repo.processes().is_empty(), "the daemon is gone");
}

#[test]
fn a_guard_that_was_told_to_end_does_not_wait_for_who_is_inside() {
    let repo = Repo::new();
    let left = leave(&repo, "a", "a");
    left.outer.signal(Signal::TERM);
    left.outer.end().exits(0);
    // It finds out that its cover is gone.
    eventually("the end of who was inside", PATIENCE, || {
        kill_process(left.inner_guard, Signal::CONT)
            .is_err()
            .then_some(())
    });
}

/// A lease that others keep is part of what it asked for.
#[test]
fn a_guard_is_stopped_when_the_lease_around_it_is_gone_that_has_part_of_its_names() {
    let repo = Repo::new();
    let lock = repo.lock("a", "ada");
    let held = repo.hold_call("h", |script| {
        repo.guard(&format!("--lease {lock} a b"), script)
    });
    let check = |code| {
        let call = repo.leasehold("check");
        let call = call
            .env("LEASEHOLD_LEASE", &held.lease)
            .env("LEASEHOLD_TOKEN", &held.token);
        call.env("LEASEHOLD_COVER", &lock).run().exits(code)
    };
    check(0);
    repo.leasehold(&format!("unlock --lease {lock}"))
        .run()
        .exits(0);
    check(6);
    held.guard.end().exits(6);
    assert_eq!(repo.try_guard("a b"), 0);
}
