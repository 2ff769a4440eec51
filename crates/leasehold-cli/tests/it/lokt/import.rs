//! `leasehold import lokt`: repositories in which Lokt itself was at work.

mod faults;
mod files;

use self::files::{File, HOUR, held};
use super::Home;
use crate::process::Running;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A process with a number of its own for as long as the test wants.
fn somebody(home: &Home) -> Running {
    home.call("sleep", &["1000"]).start()
}

#[test]
fn live_locks_of_lokt_stop_every_command_until_they_are_taken_over() {
    let home = Home::new();
    home.holds("locks", &File::new("build"));
    home.holds("freezes", &File::new("deploy"));
    for words in [
        "guard other -- true",
        "lock other",
        "unlock build --force",
        "unlock --all",
        "status",
        "exists build",
        "freeze other --ttl 5m",
        "unfreeze deploy",
        "why build",
    ] {
        let ran = home.lokt("bob", words).run().exits(1);
        let said = "error: 2 locks of Lokt's own in ";
        assert!(ran.stderr.starts_with(said), "{ran}");
        assert!(
            ran.stderr.contains("`build` held by ada@")
                && ran.stderr.contains("`deploy` frozen by ada@"),
            "{ran}"
        );
        assert!(ran.stderr.ends_with("by: lokt import\n"), "{ran}");
    }
    assert!(!home.repo.root().exists(), "nothing was begun");
    let report = home.lokt("bob", "doctor").run().exits(1);
    assert!(report.stdout.contains("lokt_files"), "{report}");
    home.import().exits(0);
    home.lokt("bob", "guard other -- true").run().exits(0);
}

/// Somebody who moves may try `leasehold guard` first, while Lokt is at work.
#[test]
fn leasehold_warns_of_live_locks_of_lokt_until_they_are_taken_over() {
    let home = Home::new();
    home.holds("locks", &File::new("build"));
    let warned = |words: &str| {
        let ran = home.repo.leasehold(words).run().exits(0);
        let (warning, by) = (
            "warning: a lock of Lokt's own in ",
            "by: leasehold import lokt",
        );
        let held = ran.stderr.starts_with(warning) && ran.stderr.contains("`build` held by ada@");
        assert_eq!(held, ran.stderr.contains(by), "{ran}");
        held
    };
    for (words, expected) in [
        ("status", true),
        ("why build", true),
        ("prime", true),
        ("prime --format agents-md", false),
        ("guard build -- true", true),
        // The lease directory is there now.
        ("guard build -- true", false),
        ("status", true),
    ] {
        assert_eq!(warned(words), expected, "{words}");
    }
    let lokt = home.lokt("bob", "prime").run().exits(0);
    assert_eq!(lokt.stderr.matches("warning: ").count(), 1, "{lokt}");
    let import = home.import().exits(0);
    assert!(!import.stderr.contains("warning: "), "{import}");
    assert!(!warned("status"));
}

#[test]
fn locks_and_freezes_become_leases_with_owner_and_end() {
    let home = Home::new();
    home.holds("locks", &File::new("build"));
    home.holds(
        "locks",
        &File {
            ttl: None,
            owner: "bob",
            ..File::new("forever")
        },
    );
    home.holds(
        "locks",
        &File {
            age: 2 * HOUR,
            ..File::new("over")
        },
    );
    home.holds("freezes", &File::new("deploy"));
    home.holds(
        "freezes",
        &File {
            age: 2 * HOUR,
            ..File::new("thawed")
        },
    );
    home.writes("locks/.lock-123.tmp", "{");
    home.writes(
        "audit.log",
        "{\"ts\":\"2026-01-27T10:00:00Z\",\"event\":\"acquire\",\"name\":\"build\"}\n",
    );
    let before = home.files();
    let ran = home.import().exits(0);
    assert!(
        ran.stdout
            .starts_with("took over 2 locks and 1 freeze of Lokt's"),
        "{ran}"
    );
    assert!(ran.stderr.contains("`forever` has no TTL"), "{ran}");
    assert_eq!(held(&home.repo), ["build ada", "deploy ada", "forever bob"]);
    let build = home.repo.lease("build");
    assert_eq!(build["id"], "6275696c646164610000000000000000");
    let left = build["expires_in_ms"].as_u64().unwrap();
    // It lives for what was left of its time, from its grant on: a little later than Lokt would have had it.
    assert!(left.abs_diff(3_600_000) < 600_000, "{left}");
    assert_eq!(home.repo.lease("forever")["expires_at"], Value::Null);
    // They are what they were: theirs to release, in everybody else's way.
    home.lokt("carl", "guard build -- true").run().exits(2);
    home.lokt("carl", "guard deploy -- true").run().exits(2);
    home.lokt("carl", "unlock build").run().exits(4);
    home.lokt("ada", "lock build --ttl 5m").run().exits(0);
    home.lokt("ada", "unlock build").run().exits(0);
    home.lokt("ada", "unfreeze deploy").run().exits(0);
    // Nothing of Lokt's was lost, and its log is where it was.
    let after = home.files();
    for (path, text) in &before {
        let place = path.strip_prefix(home.lokt_root()).unwrap();
        let kept = if place.starts_with("audit.log") {
            place.into()
        } else {
            Path::new("imported").join(place)
        };
        assert_eq!(
            after.get(&home.lokt_root().join(kept)),
            Some(text),
            "{place:?}"
        );
    }
    let audit = home
        .lokt("ada", "audit --name build --since 2026-01-01T00:00:00Z")
        .run()
        .exits(0);
    assert!(
        audit.stdout.starts_with("{\"ts\":\"2026-01-27T10:00:00Z\""),
        "{audit}"
    );
    // A Lokt that is still around finds no directory to lock anything in.
    for name in ["locks", "freezes"] {
        assert!(home.lokt_root().join(name).is_file());
    }
    let again = home.import().exits(3);
    assert!(again.stderr.contains("taken over before"), "{again}");
}

#[test]
fn what_is_not_clear_is_named_and_nothing_is_changed() {
    let good = File::new("build").text();
    for (file, text, words) in [
        ("locks/half.json", "", "half-way"),
        ("locks/half.json", &good[..good.len() / 2], "no JSON"),
        ("locks/other.json", &good, "it is a lock of \"build\""),
        (
            "locks/newer.json",
            &good.replace("\"version\": 1", "\"version\": 2"),
            "newer",
        ),
        (
            "locks/nobody.json",
            "{\"version\":1,\"name\":\"nobody\"}",
            "names no owner",
        ),
        ("freezes/half.json", "{\"version\":1,", "no JSON"),
        (
            "freezes/hostile.json",
            &good
                .replace("ada", "\\u001b[2J")
                .replace("build", "hostile"),
            "control character",
        ),
    ] {
        let home = Home::new();
        home.holds("locks", &File::new("build"));
        let path = home.writes(file, text);
        home.refuses(
            1,
            &[
                path.to_str().unwrap(),
                words,
                "nothing was changed",
                "import again",
            ],
        );
        fs::remove_file(path).unwrap();
        home.import().exits(0);
        assert_eq!(held(&home.repo), ["build ada"]);
    }
}

#[test]
fn a_freeze_without_an_end_is_not_taken_over() {
    let home = Home::new();
    let path = home.holds(
        "locks",
        &File {
            ttl: None,
            ..File::new("freeze-deploy")
        },
    );
    home.refuses(1, &[path.to_str().unwrap(), "a freeze has to end"]);
    home.holds("locks", &File::new("freeze-deploy"));
    home.import().exits(0);
    assert_eq!(held(&home.repo), ["deploy ada"]);
    home.lokt("bob", "guard deploy -- true").run().exits(2);
}

#[test]
fn a_guard_of_lokt_that_runs_is_waited_for() {
    let home = Home::new();
    let running = somebody(&home);
    home.holds(
        "locks",
        &File {
            pid: running.pid(),
            ..File::new("build")
        },
    );
    let said = format!("runs still (pid {})", running.pid());
    home.refuses(
        2,
        &[
            "`build` is held by a guard of ada@",
            &said,
            "wait for it to end",
        ],
    );
    // Past its time it is in the way of Lokt's as long as it runs.
    home.holds(
        "locks",
        &File {
            pid: running.pid(),
            age: 2 * HOUR,
            ..File::new("build")
        },
    );
    home.refuses(2, &[&said]);
    running.signal(Signal::KILL);
    let _ = running.end();
    home.lokt("bob", "guard build -- true").run().exits(0);
}

#[test]
fn the_number_of_another_process_is_not_that_of_the_holder() {
    let home = Home::new();
    let running = somebody(&home);
    let more = ",\n  \"pid_start_ns\": 1";
    home.holds(
        "locks",
        &File {
            pid: running.pid(),
            more,
            ..File::new("build")
        },
    );
    home.import().exits(0);
    assert_eq!(held(&home.repo), ["build ada"]);
}

#[test]
fn what_is_held_here_already_is_not_taken_over() {
    let home = Home::new();
    home.holds("locks", &File::new("a"));
    home.holds("locks", &File::new("b"));
    let own = home.repo.lock("b", "bob");
    home.refuses(
        2,
        &["`b` is held here already by bob@", "nothing was changed"],
    );
    home.repo
        .leasehold(&format!("unlock --lease {own}"))
        .run()
        .exits(0);
    home.repo
        .leasehold("freeze a --ttl 5m")
        .owner("bob")
        .run()
        .exits(0);
    home.refuses(2, &["`a` is frozen", "nothing was changed"]);
    home.repo
        .leasehold("unfreeze a")
        .owner("bob")
        .run()
        .exits(0);
    home.import().exits(0);
    assert_eq!(held(&home.repo), ["a ada", "b ada"]);
}

/// Where the directories cannot be moved, what was taken is given back.
#[test]
fn an_import_that_fails_at_its_end_gives_everything_back() {
    let home = Home::new();
    home.holds("locks", &File::new("build"));
    home.holds("freezes", &File::new("deploy"));
    // A thousand imports before this one leave no name for what is moved aside.
    for number in 1..=1_000 {
        let name = if number == 1 {
            "imported".into()
        } else {
            format!("imported-{number}")
        };
        fs::create_dir(home.lokt_root().join(name)).unwrap();
    }
    home.refuses(1, &["has 1000 imports in it", "remove some"]);
    fs::remove_dir(home.lokt_root().join("imported-7")).unwrap();
    home.import().exits(0);
    assert_eq!(held(&home.repo), ["build ada", "deploy ada"]);
}

/// Killed after it took the leases and before it moved the files: it is run again.
#[test]
fn an_import_that_was_killed_is_run_again() {
    let home = Home::new();
    let lock = home.holds("locks", &File::new("build"));
    home.holds("freezes", &File::new("deploy"));
    let texts = home.files();
    home.import().exits(0);
    let first = home.repo.status("");
    for name in ["locks", "freezes"] {
        fs::remove_file(home.lokt_root().join(name)).unwrap();
    }
    for (path, text) in texts {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    assert!(lock.exists());
    home.import().exits(0);
    let second = home.repo.status("");
    let lease = |status: &Value| {
        (
            status["leases"][0]["id"].clone(),
            status["leases"][0]["token"].clone(),
        )
    };
    assert_eq!(lease(&first), lease(&second));
    assert_eq!(held(&home.repo), ["build ada", "deploy ada"]);
    assert!(
        home.lokt_root()
            .join("imported-2/locks/build.json")
            .exists()
    );
}

#[test]
fn a_root_by_name_is_taken_over_where_it_is() {
    let home = Home::new();
    let root = home.repo.file("shared");
    fs::create_dir_all(root.join("locks")).unwrap();
    fs::write(root.join("locks/build.json"), File::new("build").text()).unwrap();
    let there = |words: &str| home.lokt("bob", words).env("LOKT_ROOT", &root).run();
    there("guard build -- true").exits(1);
    home.lokt("bob", "guard build -- true").run().exits(0);
    there("import").exits(0);
    there("guard build -- true").exits(2);
    home.lokt("bob", "guard build -- true").run().exits(0);
    // By the flag: into the repository's own leases.
    let other = home.repo.file("other");
    fs::create_dir_all(other.join("locks")).unwrap();
    fs::write(other.join("locks/build.json"), File::new("build").text()).unwrap();
    let from = format!("import lokt --json --from {}", other.display());
    let ran = home.repo.leasehold(&from).run().exits(0);
    assert_eq!(ran.json()["leases"][0]["resources"][0]["resource"], "build");
    assert_eq!(held(&home.repo), ["build ada"]);
}

#[test]
fn where_nothing_is_there_is_nothing_to_take_over() {
    let home = Home::new();
    let ran = home.import().exits(3);
    assert!(
        ran.stderr.contains("there are no locks of Lokt in"),
        "{ran}"
    );
    home.repo.leasehold("import").run().exits(64);
    home.repo.leasehold("import flock").run().exits(64);
}
