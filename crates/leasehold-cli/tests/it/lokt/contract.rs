//! Lokt's flags, exit codes and messages, one by one: what is as Lokt has it, and what is not
//! (`docs/moving/lokt.md` says why).

use super::{Home, shape};
use crate::process::{PATIENCE, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;

/// Commands one after the other: who runs it, the words, the exit code, and how the first line that it
/// prints begins: on standard output where it starts with `1>`, else on standard error.
fn check(steps: &[(&str, &str, i32, &str)]) {
    let home = Home::new();
    for (agent, words, code, line) in steps {
        let ran = home.lokt(agent, words).run().exits(*code);
        let (text, expected) = match line.strip_prefix("1> ") {
            Some(expected) => (&ran.stdout, expected),
            None => (&ran.stderr, *line),
        };
        let first = shape(text.lines().next().unwrap_or_default());
        if expected.is_empty() {
            assert_eq!(first, "", "{ran}");
        } else {
            assert!(
                first.starts_with(expected),
                "{first:?} should be {expected:?}\n{ran}"
            );
        }
    }
}

#[test]
fn flags_may_stand_before_and_behind_names() {
    check(&[
        ("ada", "lock --ttl 5m a", 0, "1> acquired lock \"a\""),
        ("ada", "lock b -ttl=5m", 0, "1> acquired lock \"b\""),
        (
            "ada",
            "lock c --json=false --ttl 5m",
            0,
            "1> acquired lock \"c\"",
        ),
        ("bob", "unlock --force a", 0, "1> released lock \"a\""),
        ("bob", "unlock b --force", 0, "1> released lock \"b\""),
        ("bob", "why c --json", 2, "1> {"),
        ("bob", "why --json c", 2, "1> {"),
        ("bob", "status c --json", 0, "1> {"),
        ("bob", "status --json c", 0, "1> {"),
        ("bob", "freeze --ttl 1m d", 0, "1> frozen \"d\" for #m#s"),
        ("ada", "unfreeze d --force", 0, "1> unfrozen \"d\""),
        ("ada", "guard --ttl 5m e -- true", 0, ""),
        ("ada", "guard e --ttl 5m -- true", 0, ""),
        ("ada", "guard e --wait --timeout 1s --ttl=5m -- true", 0, ""),
    ]);
}

#[test]
fn wrong_usage_is_64_and_named() {
    check(&[
        ("ada", "lock", 64, "error: the name of a lock is missing"),
        ("ada", "lock a b", 64, "error: more than one name: a b"),
        (
            "ada",
            "lock a --ttl 5",
            64,
            "error: --ttl \"#\": a number needs a unit",
        ),
        (
            "ada",
            "lock a --ttl -5m",
            64,
            "error: --ttl \"-#m\": it must be positive",
        ),
        ("ada", "lock a --ttl", 64, "error: --ttl needs a value"),
        ("ada", "lock a --bogus", 64, "error: unknown flag: --bogus"),
        (
            "ada",
            "lock a --timeout 5m",
            64,
            "error: --timeout requires --wait",
        ),
        ("ada", "guard a", 64, "error: the command is missing"),
        ("ada", "guard a --", 64, "error: the command is missing"),
        (
            "ada",
            "guard -- true",
            64,
            "error: the name of a lock is missing",
        ),
        (
            "ada",
            "guard a b -- true",
            64,
            "error: more than one name: a b",
        ),
        (
            "ada",
            "guard a --timeout 5m -- true",
            64,
            "error: --timeout requires --wait",
        ),
        (
            "ada",
            "guard a --json -- true",
            64,
            "error: unknown flag: --json",
        ),
        ("ada", "guard a -E x -- true", 64, "error: -E \"x\""),
        ("ada", "unlock", 64, "error: the name of a lock is missing"),
        (
            "ada",
            "unlock a --all",
            64,
            "error: --owner/--all cannot be combined with a lock name",
        ),
        (
            "ada",
            "unlock --owner ada --all",
            64,
            "error: --owner and --all are mutually exclusive",
        ),
        (
            "ada",
            "unlock --all --break-stale",
            64,
            "error: --break-stale cannot be combined",
        ),
        ("ada", "exists", 64, "error: the name of a lock is missing"),
        ("ada", "exists a b", 64, "error: more than one name"),
        ("ada", "exists a --json", 64, "error: unknown flag: --json"),
        ("ada", "freeze a", 64, "error: --ttl is required for freeze"),
        (
            "ada",
            "freeze a --ttl 0s",
            64,
            "error: --ttl is required for freeze",
        ),
        ("ada", "why a/b", 64, "error: invalid lock name \"a/b\""),
        (
            "ada",
            "audit",
            64,
            "error: either --since or --tail is needed",
        ),
        (
            "ada",
            "audit --since 1h --tail",
            64,
            "error: --since and --tail are mutually exclusive",
        ),
        ("ada", "audit --since soon", 64, "error: --since \"soon\""),
        (
            "ada",
            "audit --since 2026-01-27T10:00:00",
            64,
            "error: --since \"#-#-#T#:#:#\"",
        ),
        (
            "ada",
            "audit build --since 1h",
            64,
            "error: \"build\" is no flag",
        ),
        ("ada", "doctor build", 64, "error: \"build\" is no flag"),
        ("ada", "bogus", 64, "unknown command: bogus"),
        ("ada", "", 64, "1> lokt - "),
        ("ada", "help", 0, "1> lokt - "),
        ("ada", "--help", 0, "1> lokt - "),
        ("ada", "guard -h", 0, "1> usage: lokt guard <name>"),
        ("ada", "version", 0, "1> lokt #.#.# (leasehold)"),
        ("ada", "status", 0, "1> no locks"),
    ]);
}

#[test]
fn bad_names_are_general_errors() {
    let invalid = "error: invalid lock name";
    check(&[
        ("ada", "lock a/b", 1, invalid),
        ("ada", "lock ..", 1, invalid),
        ("ada", "guard path:src -- true", 1, invalid),
        ("ada", "unlock a/b", 1, invalid),
        ("ada", "exists ../../f", 1, invalid),
        ("ada", "freeze a/b --ttl 1m", 1, invalid),
        ("ada", "unfreeze a/b", 1, invalid),
        // Lokt reads, and removes, whatever file that is.
        ("ada", "status ../../f", 1, invalid),
        ("ada", "status --prune-expired ../../f", 1, invalid),
    ]);
}

#[test]
fn what_is_typed_is_shown_and_not_obeyed() {
    let home = Home::new();
    home.lokt("ada", "lock held").run().exits(0);
    let before = home.repo.fingerprint();
    let hostile = "\u{1b}]52;c;cm0=\u{7}\u{202e}\nerror: all is well";
    let long = "x".repeat(100_000);
    for (code, words) in [
        (1, &["lock", hostile][..]),
        (1, &["status", &long]),
        (1, &["unlock", hostile, "--force"]),
        (64, &["lock", "a", "--ttl", hostile]),
        (64, &["lock", "a", hostile]),
        (64, &["freeze", "a", "--ttl", &long]),
        (64, &["audit", "--since", hostile]),
        (64, &["guard", "a", "-E", hostile, "--", "true"]),
        (64, &["why", &format!("--{hostile}")]),
        (64, &[hostile]),
        (64, &[&long]),
    ] {
        let ran = home
            .call("lokt", words)
            .env("LOKT_OWNER", "ada")
            .run()
            .exits(code);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said}");
        assert!(!said.contains("\nerror: all"), "{said}");
        assert!(said.len() < 10_000, "{} bytes", said.len());
        assert!(
            home.repo.fingerprint() == before,
            "something changed: {said}"
        );
    }
}

#[test]
fn locks_are_held_found_and_given_back() {
    check(&[
        ("ada", "lock a --ttl 5m", 0, "1> acquired lock \"a\""),
        // The same agent again: with a name, it is known again.
        ("ada", "lock a --ttl 10m", 0, "1> acquired lock \"a\""),
        (
            "bob",
            "lock a",
            2,
            "error: lock \"a\" held by ada@HOST (pid #) for #s",
        ),
        (
            "bob",
            "guard a -- true",
            2,
            "error: lock \"a\" held by ada@HOST (pid #) for #s",
        ),
        ("bob", "lock a --wait --timeout 1ms", 2, "waiting for `a`"),
        (
            "bob",
            "unlock a",
            4,
            "error: lock \"a\" owned by ada@HOST, not bob@HOST",
        ),
        (
            "bob",
            "unlock a --break-stale",
            1,
            "error: lock \"a\" held by ada@HOST is not stale",
        ),
        ("bob", "exists a", 0, ""),
        ("bob", "status a", 0, "1> name:     a"),
        ("bob", "why a", 2, "1> Lock \"a\" is BLOCKED:"),
        ("ada", "unlock a", 0, "1> released lock \"a\""),
        ("ada", "unlock a", 3, "error: lock \"a\" not found"),
        ("ada", "unlock a --force", 3, "error: lock \"a\" not found"),
        (
            "ada",
            "unlock a --break-stale",
            3,
            "error: lock \"a\" not found",
        ),
        ("bob", "exists a", 3, ""),
        ("bob", "status a", 3, "lock \"a\" not found"),
        ("bob", "status a --prune-expired", 3, "lock \"a\" not found"),
        (
            "bob",
            "why a",
            0,
            "1> Lock \"a\" is FREE — acquisition would succeed.",
        ),
    ]);
}

#[test]
fn many_are_released_at_once() {
    check(&[
        ("ada", "lock a", 0, "1> acquired"),
        ("ada", "lock b", 0, "1> acquired"),
        ("bob", "lock c", 0, "1> acquired"),
        ("ada", "unlock --all", 0, "1> released # lock(s)"),
        ("ada", "unlock --all", 0, "1> no locks matched"),
        // Lokt lets anybody do that.
        (
            "ada",
            "unlock --owner bob",
            4,
            "error: # lease of `bob` is not yours",
        ),
        ("bob", "unlock --owner bob", 0, "1> released # lock(s)"),
        ("bob", "unlock --owner bob", 0, "1> no locks matched"),
        ("bob", "lock c", 0, "1> acquired"),
        ("ada", "unlock --owner bob --force --json", 0, "1> {"),
    ]);
    let home = Home::new();
    let json = |words: &str| {
        let ran = home.lokt("ada", words).run().exits(0);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    assert_eq!(
        json("unlock --all --json"),
        json!({"released": [], "count": 0})
    );
    for name in ["x", "y"] {
        home.lokt("ada", &format!("lock {name}")).run().exits(0);
    }
    assert_eq!(
        json("unlock --owner ada --json"),
        json!({"released": ["x", "y"], "count": 2})
    );
}

#[test]
fn freezes_are_set_and_ended() {
    check(&[
        ("ada", "freeze d --ttl 90s", 0, "1> frozen \"d\" for #m#s"),
        // Lokt says that it is held; here the end is set anew.
        ("ada", "freeze d --ttl 1h", 0, "1> frozen \"d\" for #h#m#s"),
        (
            "ada",
            "guard d -- true",
            2,
            "error: lock \"d\" is frozen until #-#-#T#:#:#Z",
        ),
        (
            "bob",
            "lock d",
            2,
            "error: lock \"d\" is frozen until #-#-#T#:#:#Z",
        ),
        ("bob", "why d", 2, "1> Lock \"d\" is BLOCKED:"),
        ("bob", "exists d", 3, ""),
        ("bob", "status d", 3, "lock \"d\" not found"),
        (
            "bob",
            "status",
            0,
            "1> d                     ada@HOST  #s [FROZEN]",
        ),
        (
            "bob",
            "unfreeze d",
            4,
            "error: lock \"d\" owned by ada@HOST, not bob@HOST",
        ),
        ("bob", "unfreeze d --force", 0, "1> unfrozen \"d\""),
        ("bob", "unfreeze d", 3, "error: freeze \"d\" not found"),
        ("ada", "lock freeze-d", 0, "1> acquired lock \"freeze-d\""),
        // A lock of that name is a freeze with Lokt.
        ("bob", "guard d -- true", 0, ""),
    ]);
}

#[test]
fn the_command_keeps_its_exit_code() {
    let home = Home::new();
    let code = |script: &str| home.shell("ada", &format!("lokt guard a {script}")).run();
    code("-- sh -c 'exit 7'").exits(7);
    code("-- sh -c 'exit 255'").exits(255);
    // Lokt: 255 for every signal, 1 for a command that is not there.
    code("-- sh -c 'kill -TERM $$'").exits(128 + 15);
    let ran = code("-- not-there").exits(127);
    assert!(
        ran.stderr.starts_with("error: failed to start `not-there`"),
        "{ran}"
    );
    home.lokt("ada", "exists a").run().exits(3);
    let ran = code("-c 'echo one && echo \"$0\"' -- two").exits(0);
    assert_eq!(ran.stdout, "one\ntwo\n");
    let ran = code("--ttl 5m -c 'echo one && false'").exits(1);
    assert_eq!(ran.stdout, "one\n");
    home.lokt("bob", "lock a").run().exits(0);
    code("-E 75 -- true").exits(75);
}

/// Agents of one user are not one holder: Lokt lets both in.
#[test]
fn the_same_name_does_not_let_two_in() {
    let home = Home::new();
    let busy = home.busy("make", home.lokt("ada", "guard build -- make"));
    home.lokt("ada", "guard build -- make").run().exits(2);
    let ran = home.lokt("ada", "unlock build").run().exits(4);
    assert!(
        ran.stderr
            .starts_with("error: lock \"build\" is held by your own guard"),
        "{ran}"
    );
    busy.end().exits(0);
    let nameless = || home.call("lokt", &["lock", "x"]);
    nameless().run().exits(0);
    nameless().run().exits(2);
    // Which of the user's agents locked it cannot be told.
    home.call("lokt", &["unlock", "--all"]).run().exits(4);
    // By its name it is given back, whoever of the user's agents that is.
    home.call("lokt", &["unlock", "x"]).run().exits(0);
    home.never_twice();
}

#[test]
fn a_wait_that_is_interrupted_says_so() {
    for (signal, code) in [(Signal::INT, 1), (Signal::TERM, 1), (Signal::HUP, 128 + 1)] {
        let home = Home::new();
        home.lokt("ada", "lock a").run().exits(0);
        let waiting = home.lokt("bob", "guard a --wait -- true").start().waits();
        waiting.signal(signal);
        let ran = waiting.end().exits(code);
        assert!(
            ran.stderr.lines().any(|line| line == "interrupted"),
            "{ran}"
        );
    }
}

#[test]
fn a_wait_that_takes_too_long_says_who_holds() {
    let home = Home::new();
    home.lokt("ada", "lock a").run().exits(0);
    let ran = home
        .lokt("bob", "guard a --wait --timeout 10ms -- true")
        .run()
        .exits(2);
    let line = ran
        .stderr
        .lines()
        .find(|line| line.starts_with("error:"))
        .unwrap();
    let expected = "error: timeout waiting for lock \"a\" held by ada@HOST (pid #) for #s";
    assert_eq!(shape(line), expected);
}

#[test]
fn a_ttl_is_kept_to_the_millisecond() {
    let home = Home::new();
    home.lokt("ada", "lock a --ttl 90500ms").run().exits(0);
    let left = home.repo.lease("a")["expires_in_ms"].as_u64().unwrap();
    assert!(left > 60_000 && left <= 90_500, "{left}");
    // Without one it stays until it is unlocked, and zero is the same.
    for words in ["lock b", "lock c --ttl 0"] {
        home.lokt("ada", words).run().exits(0);
    }
    for name in ["b", "c"] {
        assert_eq!(home.repo.lease(name)["expires_at"], Value::Null);
    }
}

#[test]
fn what_is_over_is_shown_only_where_lokt_is_told_to_leave_it() {
    let home = Home::new();
    home.lokt("ada", "lock a --ttl 1ms").run().exits(0);
    eventually("its end", PATIENCE, || {
        (home.lokt("bob", "status").run().stdout == "no locks\n").then_some(())
    });
    home.lokt("bob", "status a").run().exits(3);
    let ran = home
        .lokt("bob", "status")
        .env("LOKT_NO_SWEEP", "1")
        .run()
        .exits(0);
    assert_eq!(
        shape(&ran.stdout),
        "a                     ada@HOST  #s [EXPIRED]\n"
    );
    let ran = home
        .lokt("bob", "status a --json")
        .env("LOKT_NO_SWEEP", "1")
        .run()
        .exits(0);
    assert_eq!(
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["expired"],
        true
    );
    home.lokt("bob", "unlock a").run().exits(3);
    let ran = home.lokt("bob", "status a --prune-expired").run().exits(0);
    assert_eq!(ran.stdout, "pruned expired lock \"a\"\n");
    home.lokt("bob", "status a")
        .env("LOKT_NO_SWEEP", "1")
        .run()
        .exits(3);
    // With --json only JSON is printed.
    home.lokt("ada", "lock a --ttl 1ms").run().exits(0);
    let ran = home
        .lokt("bob", "status --prune-expired --json")
        .run()
        .exits(0);
    assert!(
        serde_json::from_str::<Value>(&ran.stdout)
            .unwrap()
            .is_array()
    );
}

#[test]
fn the_root_is_where_lokt_looked_for_it() {
    let home = Home::new();
    let elsewhere = home.repo.file("elsewhere");
    let there = |words: &str| home.lokt("bob", words).env("LOKT_ROOT", &elsewhere).run();
    home.lokt("ada", "lock a").run().exits(0);
    there("lock a").exits(0);
    assert!(elsewhere.join("leasehold/audit").is_dir());
    // The default by its name is the default.
    let default = home.repo.top().join(".git/lokt");
    for root in [default.as_path(), ".git/lokt".as_ref(), "".as_ref()] {
        home.lokt("bob", "lock a")
            .env("LOKT_ROOT", root)
            .run()
            .exits(2);
    }
    assert!(!default.exists());
    // And leasehold's own verbs see the same.
    home.repo.leasehold("exists a").run().exits(0);
    home.repo
        .leasehold("guard a -- true")
        .owner("bob")
        .run()
        .exits(2);
    let program = home
        .call("leasehold", &["lokt", "unlock", "a"])
        .env("LOKT_OWNER", "ada");
    program.run().exits(0);
    // In a directory below, and in another worktree.
    home.commit("one");
    home.repo.git(&["worktree", "add", "-q", "../tree"]);
    home.lokt("ada", "lock a").run().exits(0);
    fs::create_dir(home.repo.top().join("below")).unwrap();
    home.lokt("bob", "lock a")
        .dir(home.repo.top().join("below"))
        .run()
        .exits(2);
    home.lokt("bob", "lock a")
        .dir(home.repo.top().with_file_name("tree"))
        .run()
        .exits(2);
}

#[test]
fn names_of_owners_are_checked() {
    let home = Home::new();
    for (variable, value) in [("LOKT_OWNER", "a\nb"), ("LOKT_AGENT_ID", "\u{1b}[2J")] {
        let ran = home
            .lokt("ada", "lock a")
            .env(variable, value)
            .run()
            .exits(64);
        assert!(
            ran.stderr
                .starts_with(&format!("error: {variable} has a control character")),
            "{ran}"
        );
        assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    }
    home.lokt("ada", "exists a").run().exits(3);
    // Inside of a guard a name of one's own is one's own, also where it is that of the user.
    let inside = "lokt guard g -c 'LOKT_OWNER=$LEASEHOLD_OWNER lokt lock x; LOKT_OWNER=$LEASEHOLD_OWNER lokt lock x'";
    home.call("bash", &["-c", inside]).run().exits(0);
}

/// A lock by hand is nobody's by its name alone; whoever has its id may work inside it.
#[test]
fn a_guard_under_a_lock_by_hand_needs_its_proof() {
    let home = Home::new();
    let ran = home.lokt("ada", "lock a --json").run().exits(0);
    let lock: Value = serde_json::from_str(&ran.stdout).unwrap();
    let ran = home.lokt("ada", "guard a -- true").run().exits(2);
    let hint = "hint: it is locked under your own name; if that was you: lokt unlock a\n";
    assert!(ran.stderr.ends_with(hint), "{ran}");
    let ran = home.lokt("bob", "guard a -- true").run().exits(2);
    assert!(!ran.stderr.contains("your own name"), "{ran}");
    let inside = home.lokt("ada", "guard a -- true");
    inside
        .env("LEASEHOLD_LEASE", lock["lock_id"].as_str().unwrap())
        .run()
        .exits(0);
    home.lokt("bob", "exists a").run().exits(0);
}

#[test]
fn a_denial_says_when_it_is_free_as_a_rule() {
    let home = Home::new();
    home.lokt("ada", "guard build -- make").run().exits(0);
    let busy = home.busy("make", home.lokt("ada", "guard build -- make"));
    // What is held for less than a second is not said to be held for long.
    eventually("a denial that says what is usual", PATIENCE, || {
        let ran = home.lokt("bob", "guard build -- make").run().exits(2);
        let usual = ran.stderr.contains("the last time it was held for");
        usual.then_some(())
    });
    busy.end().exits(0);
}

/// With Lokt both wait until their time is over.
#[test]
fn of_two_that_wait_for_each_other_one_is_told_what_to_release() {
    let home = Home::new();
    home.lokt("ada", "lock a").run().exits(0);
    home.lokt("bob", "lock b").run().exits(0);
    let bob = home.lokt("bob", "guard a --wait -- true").start().waits();
    let ran = home.lokt("ada", "guard b --wait -- true").run().exits(2);
    let error = ran
        .stderr
        .lines()
        .find(|line| line.starts_with("error:"))
        .unwrap();
    let expected =
        "error: lock \"b\" held by bob@HOST (pid #) for #s: waiting for it would deadlock";
    assert_eq!(shape(error), expected);
    let hint = "hint: others wait for what you hold; release it first: lokt unlock a\n";
    assert!(ran.stderr.ends_with(hint), "{ran}");
    home.lokt("ada", "unlock a").run().exits(0);
    bob.end().exits(0);
}

#[test]
fn prime_speaks_as_lokt_does() {
    let home = Home::new();
    home.script("scripts/build.sh", "#!/bin/sh\nlokt guard build -- make\n");
    let ran = home.lokt("ada", "prime").run().exits(0);
    assert!(ran.stdout.contains("You are `ada@"), "{ran}");
    assert!(
        ran.stdout
            .contains("| `build` | `scripts/build.sh` | `make` |"),
        "{ran}"
    );
    assert!(
        ran.stdout.contains("`lokt guard NAME --wait -- COMMAND`"),
        "{ran}"
    );
    assert!(!ran.stdout.contains("leasehold"), "{ran}");
    // Lokt's own locks are no reason to be silent.
    let locks = home.repo.top().join(".git/lokt/locks");
    fs::create_dir_all(&locks).unwrap();
    fs::write(locks.join("deploy.json"), "{").unwrap();
    let ran = home.lokt("ada", "prime").run().exits(0);
    assert!(ran.stderr.starts_with("warning: "), "{ran}");
    assert!(ran.stdout.contains("## Never"), "{ran}");
    for format in ["--format=copilot", "-format clinerules", "--format aider"] {
        let ran = home.lokt("ada", &format!("prime {format}")).run().exits(0);
        assert!(!ran.stdout.contains("leasehold"), "{ran}");
    }
    home.lokt("ada", "prime --format vim").run().exits(64);
}

/// Who has only the name `lokt` can run what the advice says.
#[test]
fn advice_names_commands_and_variables_of_lokt() {
    let home = Home::new();
    let ran = home.call("lokt", &["doctor"]).run().exits(0);
    let hint = "set LOKT_AGENT_ID or LOKT_OWNER for each agent";
    assert!(ran.stdout.contains(hint), "{ran}");
    let words = "demo --workers 1 --rows 1 --cols 1";
    let ran = home.lokt("ada", words).run().exits(0);
    let hint = "hint: see it without leases: lokt demo --no-lock\n";
    assert!(ran.stderr.contains(hint), "{ran}");
}

#[test]
fn a_wait_through_a_freeze_that_takes_too_long_says_until_when() {
    let home = Home::new();
    home.lokt("ada", "freeze a --ttl 1h").run().exits(0);
    let words = "guard a --wait --timeout 10ms -- true";
    let ran = home.lokt("bob", words).run().exits(2);
    let said = "error: timeout waiting for lock \"a\" that is frozen until 2";
    assert!(
        ran.stderr.lines().any(|line| line.starts_with(said)),
        "{ran}"
    );
}
