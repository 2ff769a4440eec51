//! The commands of Lokt's first page and of its introduction.

use super::{Home, block, names, shape};
use crate::process::{PATIENCE, eventually};
use rustix::process::Signal;
use std::fs;

const README: &str = include_str!("documents/readme.txt");
const QUICKSTART: &str = include_str!("documents/quickstart.txt");

fn readme(name: &str) -> &'static str {
    block(README, name)
}

fn quickstart(name: &str) -> &'static str {
    block(QUICKSTART, name)
}

#[test]
fn every_block_is_run() {
    let source = [include_str!("documents.rs"), include_str!("audit.rs")].concat();
    for (document, text) in [("readme", README), ("quickstart", QUICKSTART)] {
        let constant = document.to_uppercase();
        for name in names(text) {
            let here = format!("{document}(\"{name}\")");
            let there = format!("block({constant}, \"{name}\")");
            assert!(
                source.contains(&here) || source.contains(&there),
                "{document}: {name}"
            );
        }
    }
}

/// One runs, the other is told who runs; then the other may.
fn one_at_a_time(first: &str, second: &str, denied: &str) {
    let home = Home::new();
    let busy = home.busy("make", home.shell("agent-1", first));
    let ran = home.shell("agent-2", second).run().exits(2);
    let line = ran.stderr.lines().next().unwrap();
    assert_eq!(shape(line), shape(denied.trim_end()));
    assert_eq!(ran.stdout, "");
    busy.end().exits(0);
    fs::remove_file(home.repo.file("make.go")).unwrap();
    home.shell("agent-2", second).run().exits(0);
    assert_eq!(home.ran(), ["make build", "make build"]);
    home.never_twice();
}

#[test]
fn one_agent_at_a_time_and_the_other_is_told_who() {
    one_at_a_time(readme("wrap"), readme("wrap"), readme("denied"));
    one_at_a_time(quickstart("wrap"), quickstart("wrap"), quickstart("denied"));
    one_at_a_time(quickstart("identity"), readme("wrap"), readme("denied"));
}

#[test]
fn a_crash_releases() {
    let home = Home::new();
    let busy = home.busy("make", home.shell("agent-1", readme("wrap")));
    busy.crash(&home);
    home.shell("agent-2", readme("wrap")).run().exits(0);
    home.never_twice();
}

/// Lokt lets the next one in beside the command that still runs.
#[test]
fn a_killed_guard_does_not_release_what_its_command_still_uses() {
    let home = Home::new();
    let busy = home.busy("make", home.shell("agent-1", readme("wrap")));
    busy.running.signal(Signal::KILL);
    home.shell("agent-2", readme("wrap")).run().exits(2);
    busy.gate.open();
    fs::remove_file(home.repo.file("make.go")).unwrap();
    eventually("the end of the command", PATIENCE, || {
        let ran = home.shell("agent-2", readme("wrap")).run();
        (ran.code() == 0).then_some(())
    });
    home.never_twice();
}

#[test]
fn a_script_with_a_guard_in_it_serialises_by_itself() {
    let home = Home::new();
    home.script("scripts/build.sh", readme("scripts/build.sh"));
    let busy = home.busy("make", home.shell("agent-1", "scripts/build.sh"));
    home.shell("agent-2", "./scripts/build.sh").run().exits(2);
    busy.end().exits(0);
    home.never_twice();
}

#[test]
fn the_push_of_the_first_page_runs() {
    let home = Home::new();
    home.repo.git(&["init", "-q", "--bare", "../remote.git"]);
    home.repo.git(&["remote", "add", "origin", "../remote.git"]);
    home.commit("one");
    home.repo.git(&["push", "-q", "-u", "origin", "HEAD"]);
    let head = home.commit("two");
    home.shell("agent-1", readme("push")).run().exits(0);
    let remote = home.shell("t", "git ls-remote origin HEAD").run().exits(0);
    assert!(remote.stdout.starts_with(&head), "{remote}");
}

#[test]
fn a_freeze_is_ended_again() {
    let home = Home::new();
    let ran = home.shell("ada", readme("freeze")).run().exits(0);
    assert_eq!(
        ran.stdout,
        "frozen \"deploy\" for 30m0s\nunfrozen \"deploy\"\n"
    );
    home.lokt("bob", "guard deploy -- true").run().exits(0);
}

#[test]
fn a_freeze_stops_everybody_until_it_is_over() {
    let home = Home::new();
    let ran = home.shell("ada", quickstart("freeze")).run().exits(0);
    assert_eq!(ran.stdout, "frozen \"deploy\" for 30m0s\n");
    for words in ["guard deploy -- true", "lock deploy"] {
        let ran = home.lokt("bob", words).run().exits(2);
        let line = ran.stderr.lines().next().unwrap();
        assert_eq!(shape(line), shape(quickstart("frozen").trim_end()));
    }
    let ran = home.shell("ada", quickstart("unfreeze")).run().exits(0);
    assert_eq!(ran.stdout, "unfrozen \"deploy\"\n");
    home.lokt("bob", "guard deploy -- true").run().exits(0);
}

#[test]
fn who_waits_comes_next() {
    let home = Home::new();
    let busy = home.busy("make", home.shell("agent-1", readme("wrap")));
    let waiting = home.shell("agent-2", quickstart("wait")).start().waits();
    busy.gate.open();
    // The second one waits at the same gate.
    busy.gate.open();
    busy.running.end().exits(0);
    waiting.end().exits(0);
    assert_eq!(home.ran(), ["make build", "make build"]);
    home.never_twice();
}

#[test]
fn what_is_stale_may_be_broken_and_nothing_else() {
    let home = Home::new();
    let busy = home.busy("make", home.shell("agent-1", readme("wrap")));
    let ran = home
        .shell("agent-2", quickstart("break-stale"))
        .run()
        .exits(1);
    let line = "error: lock \"build\" held by agent-1@HOST is not stale (owner PID # is alive)\n";
    assert_eq!(shape(&ran.stderr), line);
    busy.crash(&home);
    let ran = home
        .shell("agent-2", quickstart("break-stale"))
        .run()
        .exits(0);
    assert_eq!(ran.stdout, "released lock \"build\"\n");
    let ran = home
        .shell("agent-2", quickstart("break-stale"))
        .run()
        .exits(3);
    assert_eq!(ran.stderr, "error: lock \"build\" not found\n");
}

/// The command of a guard that lost its lock is stopped; Lokt let it go on beside the next.
#[test]
fn force_takes_a_lock_away() {
    let home = Home::new();
    let busy = home.busy("make", home.shell("agent-1", readme("wrap")));
    let ran = home.shell("agent-2", quickstart("force")).run().exits(0);
    assert_eq!(ran.stdout, "released lock \"build\"\n");
    let ran = busy.running.end().exits(1);
    assert!(
        ran.stderr.contains("the lease on `build` was lost"),
        "{ran}"
    );
}

#[test]
fn what_is_expired_is_pruned() {
    let home = Home::new();
    home.lokt("agent-1", "lock old --ttl 1ms").run().exits(0);
    home.lokt("agent-1", "lock new --ttl 1h").run().exits(0);
    let pruned = eventually("its end", PATIENCE, || {
        let ran = home.shell("agent-2", quickstart("prune")).run().exits(0);
        ran.stdout.contains("pruned").then_some(ran.stdout)
    });
    let expected = "pruned: old (expired)\nnew                   agent-1@HOST  #s\n\n\
                    pruned # expired lock(s)\n";
    assert_eq!(shape(&pruned), expected);
}

#[test]
fn a_lock_by_hand_lasts_from_one_command_to_the_other() {
    let home = Home::new();
    home.script_stands_in("scripts/migrate.sh");
    let busy = home.busy("migrate.sh", home.shell("agent-1", quickstart("manual")));
    home.lokt("agent-2", "exists db-migrate").run().exits(0);
    home.shell("agent-2", quickstart("manual").lines().nth(1).unwrap())
        .run()
        .exits(2);
    let ran = busy.end().exits(0);
    assert_eq!(
        ran.stdout,
        "acquired lock \"db-migrate\"\nreleased lock \"db-migrate\"\n"
    );
    home.lokt("agent-2", "exists db-migrate").run().exits(3);
}

#[test]
fn the_exit_code_tells_scripts_what_to_do() {
    let home = Home::new();
    let first = home.shell("agent-1", quickstart("case")).run().exits(0);
    assert!(
        first.stdout.ends_with("Lock acquired, proceeding...\n"),
        "{first}"
    );
    let second = home.shell("agent-2", quickstart("case")).run().exits(0);
    assert_eq!(second.stdout, "Build already running, skipping\n");
    let broken = home
        .shell("agent-3", quickstart("case"))
        .env("LOKT_ROOT", "/dev/null/x");
    let broken = broken.run().exits(1);
    assert_eq!(broken.stdout, "Unexpected error\n");
}

#[test]
fn status_and_why_tell_who_holds() {
    let home = Home::new();
    let ran = home.shell("ada", quickstart("status")).run().exits(0);
    assert_eq!(ran.stdout, "no locks\n[]\n");
    assert_eq!(ran.stderr, "lock \"build\" not found\n");
    let ran = home.shell("ada", quickstart("why")).run().exits(0);
    assert_eq!(
        ran.stdout,
        "Lock \"build\" is FREE — acquisition would succeed.\n"
    );
    let busy = home.busy("make", home.shell("agent-1", readme("wrap")));
    let ran = home.shell("ada", quickstart("status")).run().exits(0);
    let shown = shape(&ran.stdout);
    let list =
        "build                 agent-1@HOST  #s\nname:     build\nowner:    agent-#\nhost:     ";
    assert!(shown.starts_with(list), "{ran}");
    assert!(
        shown.contains(
            "\npid:      # (alive)\nage:      #s\nttl:      #s\nexpires:  #-#-#T#:#:#Z (in #m#s)\n["
        ),
        "{ran}"
    );
    let ran = home.shell("ada", quickstart("why")).run().exits(2);
    assert!(
        shape(&ran.stdout).contains(
            "  HELD by agent-1@HOST (PID #, alive)\n    Age: #s\n    TTL: #m#s (#m#s remaining)\n"
        ),
        "{ran}"
    );
    busy.end().exits(0);
}
