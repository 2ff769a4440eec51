//! The commands of Lokt's page of patterns: sharding, caching, scripts. Its wrappers are in `wrappers`.

use super::{Home, block, names};
use crate::process::{PATIENCE, eventually};
use rustix::process::Signal;
use std::fs;

const PATTERNS: &str = include_str!("documents/patterns.txt");

pub(super) fn patterns(name: &str) -> &'static str {
    block(PATTERNS, name)
}

#[test]
fn every_block_is_run() {
    let source = [include_str!("patterns.rs"), include_str!("wrappers.rs")].concat();
    for name in names(PATTERNS) {
        assert!(source.contains(&format!("patterns(\"{name}\")")), "{name}");
    }
}

/// Returns the commands of the three agents.
fn shards() -> Vec<&'static str> {
    let lines = patterns("shards").lines();
    lines.filter(|line| line.starts_with("lokt ")).collect()
}

#[test]
fn shards_run_side_by_side_and_each_once() {
    let home = Home::new();
    let gate = home.repo.gate("go.go");
    let agents = shards()
        .into_iter()
        .map(|command| home.shell("agent", command).start());
    let agents: Vec<_> = agents.collect();
    eventually("all three at once", PATIENCE, || {
        (home.repo.line("go.up")?.lines().count() == 3).then_some(())
    });
    // An agent that is started again finds its shard taken.
    for command in shards() {
        home.shell("again", command).run().exits(2);
    }
    agents.iter().for_each(|_| gate.open());
    for agent in agents {
        agent.end().exits(0);
    }
    let mut ran = home.ran();
    ran.sort();
    assert_eq!(
        ran,
        [
            "go test ./cmd/...",
            "go test ./internal/...",
            "go test ./pkg/..."
        ]
    );
    home.never_twice();
}

#[test]
fn a_shard_whose_agent_crashed_is_run_by_another() {
    let home = Home::new();
    let command = shards()[0];
    let busy = home.busy("go", home.shell("agent-1", command));
    home.shell("agent-2", command).run().exits(2);
    busy.crash(&home);
    fs::remove_file(home.repo.file("go.go")).unwrap();
    home.shell("agent-2", command).run().exits(0);
    home.never_twice();
}

#[test]
fn the_codes_of_all_shards_come_together() {
    let home = Home::new();
    let ran = home.shell("ci", patterns("aggregation")).run().exits(0);
    assert_eq!(ran.stdout, "All shards passed\n");
    home.fails("go", 7);
    let ran = home.shell("ci", patterns("aggregation")).run().exits(1);
    assert_eq!(ran.stdout, "Failures: shard-1=7 shard-2=7 shard-3=7\n");
    home.lokt("other", "lock test-shard-2 --ttl 5m")
        .run()
        .exits(0);
    let ran = home.shell("ci", patterns("aggregation")).run().exits(1);
    assert_eq!(ran.stdout, "Failures: shard-1=7 shard-2=2 shard-3=7\n");
}

#[test]
fn shards_made_by_a_script_cover_everything_once() {
    let home = Home::new();
    home.script("test-shard.sh", patterns("dynamic-sharding"));
    let shards = (0..3).map(|shard| {
        let id = shard.to_string();
        home.call("./test-shard.sh", &[&id, "3"])
            .env("LOKT_OWNER", format!("agent-{id}"))
            .start()
    });
    for shard in shards.collect::<Vec<_>>() {
        shard.end().exits(0);
    }
    let mut ran = home.ran();
    ran.sort();
    assert_eq!(
        ran,
        [
            "go test app/a app/d",
            "go test app/b app/e",
            "go test app/c"
        ]
    );
}

#[test]
fn what_is_done_for_a_commit_is_not_done_again() {
    let home = Home::new();
    let commit = home.commit("one");
    home.shell("agent-1", patterns("cache")).run().exits(0);
    let ran = home.shell("agent-2", patterns("cache")).run().exits(0);
    assert_eq!(ran.stdout, format!("Tests already passed for {commit}\n"));
    assert_eq!(home.ran(), ["go test ./..."]);
    // Another commit is another thing.
    home.commit("two");
    home.shell("agent-2", patterns("cache")).run().exits(0);
    assert_eq!(home.ran().len(), 2);
}

#[test]
fn a_mark_whose_time_is_over_marks_nothing() {
    let home = Home::new();
    let commit = home.commit("one");
    let marked = format!("lint-passed-{commit}");
    let both: Vec<&str> = patterns("one-liner")
        .lines()
        .filter(|l| l.starts_with("lokt"))
        .collect();
    let [exists, status] = both.as_slice() else {
        panic!("two ways");
    };
    let check = |line: &str, code| {
        let call = home
            .shell("agent", &format!("{line}; exit 9"))
            .env("COMMIT", &commit);
        call.run().exits(code);
    };
    check(exists, 9);
    check(status, 9);
    home.lokt("agent", &format!("lock {marked} --ttl 1h"))
        .run()
        .exits(0);
    check(exists, 0);
    check(status, 0);
    home.lokt("agent", &format!("lock {marked} --ttl 1ms"))
        .run()
        .exits(0);
    eventually("its end", PATIENCE, || {
        let ran = home.lokt("agent", &format!("exists {marked}")).run();
        (ran.code() == 3).then_some(())
    });
    check(exists, 9);
    check(status, 9);
}

#[test]
fn each_operation_has_a_mark_of_its_own() {
    let home = Home::new();
    home.commit("one");
    home.fails("golangci-lint", 1);
    home.shell("agent", patterns("several-caches"))
        .run()
        .exits(0);
    home.fails("golangci-lint", 0);
    home.shell("agent", patterns("several-caches"))
        .run()
        .exits(0);
    home.shell("agent", patterns("several-caches"))
        .run()
        .exits(0);
    let expected = [
        "go fmt ./...",
        "golangci-lint run",
        "go test ./...",
        "golangci-lint run",
    ];
    assert_eq!(home.ran(), expected);
}

#[test]
fn marks_are_cleared() {
    let home = Home::new();
    for name in ["tests-passed-abc123", "tests-a", "tests-b", "lint-a"] {
        home.lokt("agent-1", &format!("lock {name} --ttl 24h"))
            .run()
            .exits(0);
    }
    let ran = home
        .shell("agent-2", patterns("invalidation"))
        .run()
        .exits(0);
    assert!(
        ran.stdout
            .starts_with("released lock \"tests-passed-abc123\"\n"),
        "{ran}"
    );
    let left = home.lokt("agent-2", "status").run().exits(0);
    assert!(
        left.stdout.starts_with("lint-a ") && left.stdout.lines().count() == 1,
        "{left}"
    );
}

#[test]
fn the_exit_code_tells_scripts_what_to_do() {
    let home = Home::new();
    let ran = home.shell("agent-1", patterns("case")).run().exits(0);
    assert!(
        ran.stdout.ends_with("Lock acquired, proceeding...\n"),
        "{ran}"
    );
    let ran = home.shell("agent-2", patterns("case")).run().exits(0);
    assert_eq!(ran.stdout, "Deploy in progress, exiting\n");
}

#[test]
fn a_trap_releases_however_the_script_ends() {
    let home = Home::new();
    home.script_stands_in("scripts/deploy.sh");
    home.script("trap.sh", patterns("trap"));
    let agent = |name: &str| home.call("./trap.sh", &[]).env("LOKT_OWNER", name);
    // Success and failure.
    agent("agent-1").run().exits(0);
    home.fails("deploy.sh", 5);
    agent("agent-1").run().exits(5);
    home.lokt("agent-1", "exists deploy").run().exits(3);
    // A signal; the shell acts on it when its command has ended.
    let busy = home.busy("deploy.sh", agent("agent-1"));
    agent("agent-2").run().exits(2);
    busy.running.signal(Signal::TERM);
    let ran = busy.end();
    assert!(ran.stdout.ends_with("released lock \"deploy\"\n"), "{ran}");
    home.lokt("agent-1", "exists deploy").run().exits(3);
    home.never_twice();
}

/// Where nothing can run a trap, the lock stays until its TTL: nobody can know that the work has ended.
#[test]
fn a_killed_script_leaves_its_lock_to_its_ttl() {
    let home = Home::new();
    home.script_stands_in("scripts/deploy.sh");
    home.script("trap.sh", patterns("trap"));
    let busy = home.busy(
        "deploy.sh",
        home.call("./trap.sh", &[]).env("LOKT_OWNER", "agent-1"),
    );
    busy.crash(&home);
    fs::remove_file(home.repo.file("deploy.sh.go")).unwrap();
    home.shell("agent-2", patterns("guard-for-trap"))
        .run()
        .exits(2);
    home.lokt("agent-2", "unlock deploy --break-stale")
        .run()
        .exits(1);
    home.lokt("agent-1", "unlock deploy").run().exits(0);
    home.shell("agent-2", patterns("guard-for-trap"))
        .run()
        .exits(0);
}

#[test]
fn a_guard_needs_no_trap() {
    let home = Home::new();
    home.script_stands_in("scripts/deploy.sh");
    let busy = home.busy(
        "deploy.sh",
        home.shell("agent-1", patterns("guard-for-trap")),
    );
    home.shell("agent-2", patterns("guard-for-trap"))
        .run()
        .exits(2);
    busy.crash(&home);
    fs::remove_file(home.repo.file("deploy.sh.go")).unwrap();
    home.shell("agent-2", patterns("guard-for-trap"))
        .run()
        .exits(0);
    home.never_twice();
}

#[test]
fn a_job_skips_while_another_deploys() {
    let home = Home::new();
    home.script_stands_in("scripts/do-deploy.sh");
    home.script(".github/scripts/deploy.sh", patterns("ci-skip"));
    let job = |name: &str| {
        home.call("./.github/scripts/deploy.sh", &[])
            .env("LOKT_OWNER", name)
    };
    let busy = home.busy("do-deploy.sh", job("job-1"));
    let ran = job("job-2").run().exits(0);
    assert_eq!(
        ran.stdout,
        "Another deployment running, skipping this job\n"
    );
    assert!(
        ran.stderr
            .starts_with("error: lock \"deploy\" held by job-1@"),
        "{ran}"
    );
    busy.end().exits(0);
    fs::remove_file(home.repo.file("do-deploy.sh.go")).unwrap();
    job("job-2").run().exits(0);
    assert_eq!(home.ran().len(), 2);
    home.never_twice();
}

#[test]
fn a_job_waits_while_another_deploys() {
    let home = Home::new();
    home.script_stands_in("scripts/deploy.sh");
    home.script("wait.sh", patterns("ci-wait"));
    let job = |name: &str| home.call("./wait.sh", &[]).env("LOKT_OWNER", name);
    let busy = home.busy("deploy.sh", job("job-1"));
    let waiting: Vec<_> = ["job-2", "job-3"]
        .map(|name| job(name).start().waits())
        .into();
    (0..3).for_each(|_| busy.gate.open());
    busy.running.end().exits(0);
    for job in waiting {
        job.end().exits(0);
    }
    assert_eq!(home.ran().len(), 3);
    home.never_twice();
}

#[test]
fn caching_and_sharding_go_together() {
    let home = Home::new();
    let commit = home.commit("one");
    home.script("ci.sh", patterns("combined"));
    let node = |index: &str| home.call("./ci.sh", &[]).env("CI_NODE_INDEX", index);
    node("1").run().exits(0);
    let ran = node("1").run().exits(0);
    assert_eq!(ran.stdout, format!("Shard 1 already passed for {commit}\n"));
    home.fails("go", 3);
    node("2").run().exits(3);
    node("2").run().exits(3);
    assert_eq!(home.ran().len(), 3);
}

#[test]
fn the_quick_reference_holds() {
    let home = Home::new();
    let filled = patterns("reference")
        .replace("<name>", "thing")
        .replace("<cmd>", "make it")
        .replace("<duration>", "5m");
    let [guard, exists, lock, trap] = filled.lines().collect::<Vec<_>>()[..] else {
        panic!("four lines");
    };
    home.shell("agent", guard).run().exits(0);
    assert_eq!(home.ran(), ["make it"]);
    let marked = format!("{lock}; ({exists}; exit 9)");
    home.shell("agent", &marked).run().exits(0);
    home.shell("agent", &format!("{trap}; true")).run().exits(0);
    home.shell("agent", &format!("({exists}; exit 9)"))
        .run()
        .exits(9);
}
