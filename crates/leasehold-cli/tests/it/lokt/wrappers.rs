//! The wrappers of Lokt's page of patterns: scripts with a guard in them, pushes, pools, maintenance.

use super::Home;
use super::patterns::patterns;
use crate::process::{PATIENCE, eventually};
use std::fs;

/// Two agents run a wrapper that knows of the lock, and they do not.
fn wrapped(path: &str, program: &str, words: &[&str], expected: &str) {
    let home = Home::new();
    home.script(path, patterns(path));
    if program.starts_with('_') {
        home.script_stands_in(&format!("scripts/{program}"));
    }
    let script = format!("./{path}");
    let agent = |name: &str| home.call(&script, words).env("LOKT_OWNER", name);
    let busy = home.busy(program, agent("agent-1"));
    agent("agent-2").run().exits(2);
    busy.end().exits(0);
    assert_eq!(home.ran(), [expected]);
    home.never_twice();
}

#[test]
fn wrappers_serialise_agents_that_know_nothing_of_locks() {
    // As they are called: patterns("scripts/deploy.sh"), patterns("scripts/migrate.sh"),
    // patterns("scripts/build.sh").
    let deploy = "_deploy-impl.sh to production";
    wrapped(
        "scripts/deploy.sh",
        "_deploy-impl.sh",
        &["to", "production"],
        deploy,
    );
    wrapped(
        "scripts/migrate.sh",
        "_migrate-impl.sh",
        &["up"],
        "_migrate-impl.sh up",
    );
    wrapped(
        "scripts/build.sh",
        "go",
        &[],
        "go build -o bin/app ./cmd/app",
    );
}

/// A clone for an agent, with a commit of its own.
fn clone(home: &Home, name: &str) {
    let directory = home.repo.file(name);
    home.repo
        .git(&["clone", "-q", "../remote.git", directory.to_str().unwrap()]);
    let commit = format!(
        "cd {} && git config user.name t && git config user.email t@t && \
         echo {name} > {name} && git add . && git commit -qm {name}",
        directory.display()
    );
    home.shell(name, &commit).run().exits(0);
}

#[test]
fn pushes_of_many_agents_all_arrive() {
    let home = Home::new();
    home.repo
        .git(&["init", "-q", "--bare", "-b", "main", "../remote.git"]);
    home.repo.git(&["checkout", "-q", "-b", "main"]);
    home.commit("base");
    home.repo.git(&["push", "-q", "../remote.git", "main"]);
    // The clones are repositories of their own, so they share a root by name.
    let root = home.repo.file("shared");
    home.script("scripts/safe-push.sh", patterns("scripts/safe-push.sh"));
    let script = home.repo.top().join("scripts/safe-push.sh");
    let names = ["a", "b", "c", "d"];
    names.iter().for_each(|name| clone(&home, name));
    let push = |name: &&str| {
        let again = format!("until {}; do test $? = 2 || exit 1; done", script.display());
        let call = home.shell(name, &again).dir(home.repo.file(name));
        call.env("LOKT_ROOT", &root).start()
    };
    for agent in names.iter().map(push).collect::<Vec<_>>() {
        agent.end().exits(0);
    }
    let log = "git --git-dir=../remote.git log --format=%s main";
    let log = home.shell("t", log).run().exits(0);
    let mut pushed: Vec<&str> = log.stdout.lines().collect();
    pushed.sort_unstable();
    assert_eq!(pushed, ["a", "b", "base", "c", "d"]);
}

#[test]
fn an_alias_of_git_guards_too() {
    let home = Home::new();
    let config = home.repo.file("gitconfig");
    fs::write(&config, patterns("git-alias")).unwrap();
    home.repo
        .git(&["init", "-q", "--bare", "-b", "main", "../remote.git"]);
    home.repo.git(&["checkout", "-q", "-b", "main"]);
    home.repo.git(&["remote", "add", "origin", "../remote.git"]);
    home.commit("base");
    home.repo.git(&["push", "-q", "-u", "origin", "main"]);
    let head = home.commit("more");
    let push = || {
        home.shell("agent-1", "git safe-push")
            .env("GIT_CONFIG_GLOBAL", &config)
    };
    home.lokt("agent-2", "lock git-push").run().exits(0);
    push().run().exits(2);
    home.lokt("agent-2", "unlock git-push").run().exits(0);
    push().run().exits(0);
    let remote = home.shell("t", "git ls-remote origin main").run().exits(0);
    assert!(remote.stdout.starts_with(&head), "{remote}");
}

#[test]
fn an_analysis_is_made_once_for_all() {
    let home = Home::new();
    home.commit("one");
    home.script("scripts/lint.sh", patterns("scripts/lint.sh"));
    let lint = |name: &str| home.call("./scripts/lint.sh", &[]).env("LOKT_OWNER", name);
    lint("agent-1").run().exits(0);
    let ran = lint("agent-2").run().exits(0);
    assert_eq!(ran.stdout, "Already linted\n");
    assert_eq!(home.ran(), ["golangci-lint run"]);
}

#[test]
fn maintenance_freezes_what_agents_do() {
    let home = Home::new();
    home.script("scripts/migrate.sh", patterns("scripts/migrate.sh"));
    home.script_stands_in("scripts/_migrate-impl.sh");
    let migrate = || {
        home.call("./scripts/migrate.sh", &[])
            .env("LOKT_OWNER", "agent")
    };
    home.shell("person", patterns("freeze")).run().exits(0);
    let ran = migrate().run().exits(2);
    assert!(
        ran.stderr
            .starts_with("error: lock \"db-migrate\" is frozen until "),
        "{ran}"
    );
    home.shell("person", patterns("unfreeze")).run().exits(0);
    migrate().run().exits(0);
}

#[test]
fn a_pool_of_two_serves_two_at_a_time() {
    let home = Home::new();
    home.script("scripts/call-api.sh", patterns("scripts/call-api.sh"));
    // The script's own wait ends when it is let go, and not after five seconds.
    home.stands_in(&home.bin().join("sleep"));
    let (curl, sleep) = (home.repo.gate("curl.go"), home.repo.gate("sleep.go"));
    // Two at once are what a pool is for: the witness is that a third one never comes.
    let calls = || {
        home.repo
            .line("curl.up")
            .map_or(0, |text| text.lines().count())
    };
    let text = super::STAND_IN.replace("mkdir \"$D/inside.$key\" || ", "false && ");
    home.program(&home.bin().join("curl"), &text.replace("rmdir", ": "));
    let call = |name: &str| {
        home.call("./scripts/call-api.sh", &[])
            .env("LOKT_OWNER", name)
    };
    let first = call("agent-1").start();
    let second = call("agent-2").start();
    eventually("two calls", PATIENCE, || (calls() == 2).then_some(()));
    let third = call("agent-3").start();
    home.repo.appears("sleep.up");
    assert_eq!(calls(), 2);
    curl.open();
    eventually("the end of one", PATIENCE, || {
        let left = home.lokt("t", "status").run().exits(0);
        (left.stdout.lines().count() == 1).then_some(())
    });
    sleep.open();
    eventually("the third call", PATIENCE, || (calls() == 3).then_some(()));
    curl.open();
    curl.open();
    for agent in [first, second] {
        agent.end().exits(0);
    }
    let ran = third.end().exits(0);
    assert!(
        ran.stdout.starts_with("All API slots busy, retrying...\n"),
        "{ran}"
    );
    let left = home.lokt("t", "status").run().exits(0);
    assert_eq!(left.stdout, "no locks\n");
}
