//! Waiting: in order of arrival, with a limit, and with a place that is kept.

use crate::process::{Call, PATIENCE, Running, eventually};
use crate::repo::Repo;
use insta::assert_snapshot;
use rustix::process::Signal;
use std::fs;

/// A request that waits and then notes its name.
fn note(repo: &Repo, name: &str, words: &str) -> Call {
    let script = format!(r#"echo {name} >> "$D/order""#);
    repo.guard(format!("build --wait {words}").trim_end(), &script)
        .owner(name)
}

/// Returns the names in the order in which they were noted.
fn order(repo: &Repo) -> Vec<String> {
    fs::read_to_string(repo.file("order"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn waiters_are_served_in_order_of_arrival() {
    let repo = Repo::new();
    let held = repo.hold("build");
    let names = ["ada", "bob", "cyd", "dan", "eve"];
    let waiters = names.map(|name| note(&repo, name, "").start().waits());
    let queue = repo.status("build")["queue"].clone();
    let queue: Vec<&serde_json::Value> = queue.as_array().unwrap().iter().collect();
    assert_eq!(
        queue
            .iter()
            .map(|t| t["owner"].as_str().unwrap())
            .collect::<Vec<_>>(),
        names
    );
    assert!(queue.iter().all(|ticket| ticket["state"] == "waiting"));
    // Whoever does not wait does not overtake.
    held.open();
    for waiter in waiters {
        waiter.end().exits(0);
    }
    assert_eq!(order(&repo), names);
    held.guard.end().exits(0);
}

#[test]
fn eight_builds_at_once_are_served_in_order_of_arrival() {
    let repo = Repo::new();
    let makefile = "build:\n\t@test ! -e busy && touch busy\n\t@echo $$LEASEHOLD_OWNER >> order\n\
                    \t@read _ < $$D/$$LEASEHOLD_OWNER.go; rm busy\n";
    fs::write(repo.top().join("Makefile"), makefile).unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("agent-{number}")).collect();
    let gates: Vec<_> = names
        .iter()
        .map(|name| repo.gate(&format!("{name}.go")))
        .collect();
    let make = |name: &String| {
        let ttl = if name.ends_with(['1', '3']) {
            " --ttl 5m"
        } else {
            ""
        };
        let call = repo
            .leasehold(&format!("guard build{ttl} --wait -- make build"))
            .owner(name);
        let running = call.start();
        // The first builds at once, the others queue up behind it.
        let state = if *name == names[0] { "leases" } else { "queue" };
        eventually("its place", PATIENCE, || {
            let status = repo.status("");
            let places = status[state].as_array().into_iter().flatten();
            places
                .filter(|place| place["owner"] == **name)
                .count()
                .eq(&1)
                .then_some(())
        });
        running
    };
    let builds: Vec<Running> = names.iter().map(make).collect();
    gates.iter().for_each(crate::repo::Gate::open);
    let ended: Vec<_> = builds.into_iter().map(Running::end).collect();
    assert!(ended.iter().all(|ran| ran.code() == 0), "{}", ended[0]);
    let order = fs::read_to_string(repo.top().join("order")).unwrap();
    assert_eq!(order.lines().collect::<Vec<_>>(), names);
    // Whether it was told in time of those behind it is a race.
    let said = ended[2].to_string();
    let lines = said.split_inclusive('\n');
    let said: String = lines
        .filter(|line| !line.starts_with("2> note: "))
        .collect();
    assert_snapshot!(said, @r"
    $ leasehold guard build --wait -- make build
    2> waiting for `build`, behind 1 other, for up to [time]: `build` is held by agent-0@[host] (pid [pid], `make build`) for [time] (lease [id])
    exit 0
    ");
}

#[test]
fn whoever_does_not_wait_overtakes_nobody() {
    let repo = Repo::new();
    let reader = repo.hold("build --read");
    let writer = repo
        .guard("build --wait", "true")
        .owner("ada")
        .start()
        .waits();
    let ran = repo
        .guard("build --read", "true")
        .owner("bob")
        .run()
        .exits(2);
    assert_snapshot!(ran.stderr);
    reader.end().exits(0);
    writer.end().exits(0);
}

#[test]
fn a_wait_has_a_limit_and_its_place_is_kept() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| repo.guard("build", script).owner("eve"));
    let ran = note(&repo, "ada", "--timeout 300ms").run().exits(2);
    assert_snapshot!(ran);
    let later = note(&repo, "bob", "").start().waits();
    let again = note(&repo, "ada", "").start().waits();
    assert!(
        again.stderr().contains("next in line"),
        "{}",
        again.stderr()
    );
    held.end().exits(0);
    again.end().exits(0);
    later.end().exits(0);
    assert_eq!(order(&repo), ["ada", "bob"]);
}

#[test]
fn a_parked_place_holds_nobody_up() {
    let repo = Repo::new();
    let held = repo.hold("build");
    note(&repo, "ada", "--timeout 50ms").run().exits(2);
    assert_eq!(repo.status("build")["queue"][0]["state"], "parked");
    held.end().exits(0);
    note(&repo, "bob", "").run().exits(0);
    assert_eq!(repo.try_guard("build"), 0);
}

/// A signal ends a wait with its own exit code, and the place is kept.
fn check_interrupted(signal: Signal, code: i32) {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| repo.guard("build", script).owner("eve"));
    let waiter = note(&repo, "ada", "").start().waits();
    waiter.signal(signal);
    let ran = waiter.end().exits(code);
    assert!(ran.stderr.contains("your place is kept"), "{ran}");
    let later = note(&repo, "bob", "").start().waits();
    let again = note(&repo, "ada", "").start().waits();
    held.end().exits(0);
    again.end().exits(0);
    later.end().exits(0);
    assert_eq!(order(&repo), ["ada", "bob"]);
}

#[test]
fn an_interrupted_wait_keeps_its_place() {
    check_interrupted(Signal::INT, 130);
}

#[test]
fn a_terminated_wait_keeps_its_place() {
    check_interrupted(Signal::TERM, 143);
}

#[test]
fn a_wait_goes_on_when_a_child_ends() {
    // A program that became `guard` may have children; so may the first process of a container.
    let repo = Repo::new();
    let held = repo.hold("build");
    let waiter = note(&repo, "ada", "").start().waits();
    for signal in [Signal::CHILD, Signal::CONT, Signal::WINCH] {
        waiter.signal(signal);
    }
    held.end().exits(0);
    waiter.end().exits(0);
}

#[test]
fn a_killed_waiter_keeps_its_place_and_holds_nobody_up() {
    let repo = Repo::new();
    let held = repo.hold("build");
    let first = note(&repo, "ada", "").start().waits();
    let second = note(&repo, "bob", "").start().waits();
    first.signal(Signal::KILL);
    first.end().exits(-9);
    let third = note(&repo, "cyd", "").start().waits();
    let again = note(&repo, "ada", "").start().waits();
    held.end().exits(0);
    for waiter in [again, second, third] {
        waiter.end().exits(0);
    }
    assert_eq!(order(&repo), ["ada", "bob", "cyd"]);
}

#[test]
fn a_standing_lock_is_waited_for_until_its_unlock() {
    let repo = Repo::new();
    let lease = repo.lock("build", "eve");
    let waiter = note(&repo, "ada", "").start().waits();
    repo.leasehold(&format!("unlock --lease {lease}"))
        .run()
        .exits(0);
    waiter.end().exits(0);
}

#[test]
fn a_standing_lock_is_waited_for_until_its_ttl() {
    let repo = Repo::new();
    repo.lock("build --ttl 500ms", "eve");
    note(&repo, "ada", "--timeout 20s").run().exits(0);
    assert_eq!(crate::log::events(&repo, "lapsed").len(), 1);
}

#[test]
fn a_lock_waits_as_well() {
    let repo = Repo::new();
    let held = repo.hold("build");
    let waiter = repo
        .leasehold("lock build --wait --ttl 5m --json")
        .owner("ada")
        .start()
        .waits();
    held.end().exits(0);
    let locked = waiter.end().exits(0).json();
    assert_eq!(repo.lease("build")["id"], locked["leases"][0]["id"]);
}

#[test]
fn a_killed_wait_keeps_its_place() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| repo.guard("build", script).owner("eve"));
    let waiter = note(&repo, "ada", "").start().waits();
    waiter.signal(Signal::KILL);
    let _killed = waiter.end();
    let later = note(&repo, "bob", "").start().waits();
    let again = note(&repo, "ada", "").start().waits();
    held.end().exits(0);
    again.end().exits(0);
    later.end().exits(0);
    assert_eq!(order(&repo), ["ada", "bob"]);
}

/// The call of a program that an agent makes is cut off after two minutes.
#[test]
fn an_agent_s_wait_ends_before_its_harness_ends_it() {
    let repo = Repo::new();
    let _held = repo.hold("build");
    for (variable, value, limit) in [
        ("CLAUDECODE", "1", "1m40s"),
        ("CODEX_THREAD_ID", "7d3f", "1m40s"),
        ("AI_AGENT", "any", "1m40s"),
        ("AI_AGENT", "", "10m"),
    ] {
        let waiter = note(&repo, "ada", "").env(variable, value).start().waits();
        let expected = format!("for up to {limit}:");
        assert!(waiter.stderr().contains(&expected), "{}", waiter.stderr());
        waiter.signal(Signal::TERM);
        let ran = waiter.end().exits(143);
        let hint = "run it again: leasehold guard build --wait -- sh -c ";
        assert!(ran.stderr.contains(hint), "{ran}");
    }
    let said = note(&repo, "ada", "--timeout 5m").env("CLAUDECODE", "1");
    let said = said.start().waits();
    assert!(said.stderr().contains("for up to 5m:"), "{}", said.stderr());
}

#[test]
fn a_holder_is_told_of_those_who_wait() {
    let repo = Repo::new();
    let held = repo.hold("build");
    let waiters = ["ada", "bob"].map(|name| note(&repo, name, "").start().waits());
    // It may look in between the two.
    let told = "note: 2 others wait for `build`: ada, bob\n";
    eventually("it is told", PATIENCE, || {
        held.guard.stderr().ends_with(told).then_some(())
    });
    held.open();
    held.guard.end().exits(0);
    let _ran = waiters.map(|waiter| waiter.end().exits(0));
}
