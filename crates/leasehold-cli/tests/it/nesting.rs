//! Guards inside guards: joined, waited for, or told to release.

use crate::process::{Ran, Running};
use crate::repo::Repo;
use insta::assert_snapshot;

#[test]
fn a_guard_inside_its_own_lease_joins_it() {
    let repo = Repo::new();
    let show = "echo $LEASEHOLD_LEASE $LEASEHOLD_TOKEN";
    let inner = format!(
        "{show}; leasehold guard a -- sh -c '{show}'; leasehold guard a --wait -- sh -c '{show}'"
    );
    let ran = repo.guard("a b", &inner).run().exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines.len() == 3 && lines.iter().all(|line| *line == lines[0]),
        "{ran}"
    );
    assert_eq!(crate::log::events(&repo, "granted").len(), 1);
}

#[test]
fn a_guard_inside_another_lease_has_its_own() {
    let repo = Repo::new();
    let show = "echo $LEASEHOLD_TOKEN";
    let inner =
        format!("{show}; leasehold guard b -- sh -c '{show}; leasehold guard a -- true'; {show}");
    let ran = repo.guard("a", &inner).run().exits(0);
    let tokens: Vec<u64> = ran
        .stdout
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    assert!(
        tokens.len() == 3 && tokens[1] > tokens[0] && tokens[2] == tokens[0],
        "{ran}"
    );
    repo.leasehold("exists b").run().exits(3);
}

#[test]
fn a_lease_given_by_flag_is_as_good_as_inherited() {
    let repo = Repo::new();
    let held = repo.hold("a");
    assert_eq!(repo.try_guard("a"), 2);
    assert_eq!(repo.try_guard(&format!("a --lease {}", held.lease)), 0);
    held.end().exits(0);
}

#[test]
fn a_read_lease_is_no_cover_for_writing() {
    let repo = Repo::new();
    let reader = repo.hold("a --read");
    // An upgrade: the other reader is in the way, the own one is not.
    let inner = "leasehold guard a -- true";
    repo.guard("a --read", inner).run().exits(2);
    reader.end().exits(0);
    repo.guard("a --read", inner).run().exits(0);
}

#[test]
fn what_is_widened_is_not_covered() {
    let repo = Repo::new();
    let other = repo.hold("path:a/y");
    repo.guard("path:a/x", "leasehold guard path:a -- true")
        .run()
        .exits(2);
    other.end().exits(0);
    repo.guard(
        "path:a/x",
        "leasehold guard path:a -- leasehold guard path:a/z -- true",
    )
    .run()
    .exits(0);
}

#[test]
fn a_lock_inside_a_guard_outlives_it() {
    let repo = Repo::new();
    repo.guard("a", "leasehold lock a --ttl 5m > /dev/null")
        .owner("ada")
        .run()
        .exits(0);
    assert_eq!(repo.lease("a")["kind"], "standing");
    assert_eq!(repo.try_guard("a"), 2);
    repo.leasehold("unlock a").owner("ada").run().exits(0);
    assert_eq!(repo.try_guard("a"), 0);
}

#[test]
fn children_of_one_guard_exclude_each_other_beside_it() {
    let repo = Repo::new();
    let script = r#"
        leasehold guard b -- sh -c 'echo up > "$D/up"; read _ < "$D/go"' & child=$!
        until [ -e "$D/up" ]; do sleep 0.01; done
        leasehold guard b -- true; echo $?
        echo go > "$D/go"; wait $child; echo $?"#;
    let _gate = repo.gate("go");
    assert_eq!(repo.guard("a", script).run().exits(0).stdout, "2\n0\n");
}

/// A guard of one name with a guard of another inside it. With `meet` it waits in between until the
/// other side has got as far.
fn crossing(repo: &Repo, outer: &str, inner: &str, meet: bool) -> Running {
    let meeting = format!(r#"echo up > "$D/{outer}.up"; read _ < "$D/{outer}.go"; "#);
    let meeting = if meet { meeting } else { String::new() };
    let script = format!(
        r#"{meeting}leasehold guard {inner} --wait --timeout 25s -- sh -c 'echo {outer} >> "$D/done"'"#
    );
    let guard = repo.guard(&format!("{outer} --wait --timeout 25s"), &script);
    guard.owner(&format!("agent-{outer}")).start()
}

/// Lets two crossing guards meet; one has to die, both finish. Returns what the dead one said.
fn check_crossing(repo: &Repo) -> String {
    let gates = ["a", "b"].map(|name| repo.gate(&format!("{name}.go")));
    let first = crossing(repo, "a", "b", true);
    let second = crossing(repo, "b", "a", true);
    for name in ["a", "b"] {
        repo.appears(&format!("{name}.up"));
    }
    gates.iter().for_each(crate::repo::Gate::open);
    let ended: [Ran; 2] = [first, second].map(Running::end);
    let codes = [ended[0].code(), ended[1].code()];
    assert!(
        [[0, 5], [5, 0]].contains(&codes),
        "{}{}",
        ended[0],
        ended[1]
    );
    let (dead, outer, inner) = if codes[0] == 5 {
        (0, "a", "b")
    } else {
        (1, "b", "a")
    };
    crossing(repo, outer, inner, false).end().exits(0);
    let mut done: Vec<char> = repo.appears("done").replace('\n', "").chars().collect();
    done.sort_unstable();
    assert_eq!(done, ['a', 'b']);
    // The same whoever it was. Whether its guard was told in time of the other's wait is a race.
    let said = ended[dead].stderr.split_once("error: ").unwrap().1;
    let lines = said.split_inclusive('\n');
    let lines = lines.filter(|line| !line.starts_with("note: 1 other waits"));
    let said = lines
        .collect::<String>()
        .replace(&format!("`{inner}`"), "[wanted]")
        .replace(&format!("`{outer}`"), "[held]");
    // The holder's command is the script of this test.
    let (before, rest) = said.split_once("(pid").unwrap();
    let (_, after) = rest.split_once("(lease").unwrap();
    format!("{before}(…) (lease{after}").replace(&format!("agent-{inner}"), "[other]")
}

#[test]
fn of_two_crossing_guards_one_dies_and_both_finish() {
    for _ in 0..10 {
        let repo = Repo::new();
        let said = check_crossing(&repo);
        assert_snapshot!("crossing", said);
    }
}

#[test]
fn three_in_a_ring_finish() {
    let repo = Repo::new();
    let ring = [("a", "b"), ("b", "c"), ("c", "a")];
    let gates = ring.map(|(outer, _)| repo.gate(&format!("{outer}.go")));
    let guards = ring.map(|(outer, inner)| crossing(&repo, outer, inner, true));
    ring.iter()
        .for_each(|(outer, _)| drop(repo.appears(&format!("{outer}.up"))));
    gates.iter().for_each(crate::repo::Gate::open);
    let ended = guards.map(Running::end);
    let mut retries = 0;
    for (ran, (outer, inner)) in ended.into_iter().zip(ring) {
        if ran.code() == 5 {
            retries += 1;
            crossing(&repo, outer, inner, false).end().exits(0);
        } else {
            ran.exits(0);
        }
    }
    assert!((1..=2).contains(&retries), "{retries} died");
}

#[test]
fn strangers_under_one_user_stay_strangers() {
    let repo = Repo::new();
    // In one agent's guard a lock is taken; in another's it is asked for.
    repo.guard("a", "leasehold lock c --ttl 5m > /dev/null")
        .run()
        .exits(0);
    let again = "leasehold lock c --ttl 5m; echo $?";
    assert_eq!(repo.guard("b", again).run().exits(0).stdout, "2\n");
    // A stranger's lock may be waited for; one's own would never end.
    let wait = "leasehold guard c --wait --timeout 100ms -- true";
    let ran = repo.guard("b", wait).run().exits(2);
    assert!(ran.stderr.contains("timed out"), "{ran}");
}

#[test]
fn an_agent_with_a_name_is_the_same_in_all_its_guards() {
    let repo = Repo::new();
    repo.guard("a", "leasehold lock c --ttl 5m > /dev/null")
        .owner("ada")
        .run()
        .exits(0);
    let again = "leasehold lock c --ttl 5m > /dev/null";
    repo.guard("b", again).owner("ada").run().exits(0);
    // It would wait for itself.
    let ran = repo
        .guard("d", "leasehold guard c --wait -- true")
        .owner("ada")
        .run()
        .exits(5);
    assert_snapshot!(ran.stderr);
}

#[test]
fn a_cover_that_is_lost_takes_what_joined_it_along() {
    let repo = Repo::new();
    let script = r#"leasehold guard a -- sh -c 'echo $$ > "$D/up"; read _ < "$D/go"'"#;
    let _gate = repo.gate("go");
    let outer = repo.guard("a", script).owner("ada").start();
    repo.appears("up");
    repo.leasehold("unlock a --force")
        .owner("bob")
        .run()
        .exits(0);
    outer.end().exits(6);
}

#[test]
fn of_two_leases_that_a_command_runs_under_the_lost_one_is_named() {
    let repo = Repo::new();
    let lock = "lock a --ttl 5m";
    repo.leasehold(lock).owner("ada").run().exits(0);
    let lease = repo.lease("a")["id"].as_str().unwrap().to_owned();
    let _gate = repo.gate("go");
    let script = r#"echo $$ > "$D/up"; read _ < "$D/go""#;
    let own = format!("b a --lease {lease}");
    let running = repo.guard(&own, script).owner("ada").start();
    repo.appears("up");
    repo.leasehold("unlock a").owner("ada").run().exits(0);
    let ran = running.end().exits(6);
    assert!(
        ran.stderr.contains("error: the lease on `a` was lost"),
        "{ran}"
    );
}
