//! Imports of what is not as it should be, that were killed, or that others are at too.

use super::files::{File, held};
use crate::lokt::Home;
use serde_json::Value;
use std::fs;

/// One lease cannot be two: the second would be nobody's.
#[test]
fn a_copy_of_a_lock_is_not_taken_for_a_second_one() {
    let home = Home::new();
    home.holds("locks", &File::new("build"));
    let copy = File::new("build").text().replace("\"build\"", "\"deploy\"");
    let path = home.writes("locks/deploy.json", &copy);
    home.refuses(
        1,
        &[
            path.to_str().unwrap(),
            "it has the id of `build`",
            "nothing was changed",
        ],
    );
    // Also as a freeze.
    fs::remove_file(path).unwrap();
    let path = home.writes("freezes/deploy.json", &copy);
    home.refuses(1, &["it has the id of"]);
    fs::remove_file(path).unwrap();
    home.import().exits(0);
    assert_eq!(held(&home.repo), ["build ada"]);
}

#[test]
fn the_id_of_another_lease_is_not_that_of_a_lock() {
    let home = Home::new();
    let own = home.repo.lock("other", "bob");
    let text = File::new("build").text();
    let id = "6275696c646164610000000000000000";
    assert!(text.contains(id));
    for directory in ["locks", "freezes"] {
        let path = home.writes(&format!("{directory}/build.json"), &text.replace(id, &own));
        home.refuses(2, &["`other` is held here already by bob@"]);
        fs::remove_file(path).unwrap();
    }
    home.repo
        .leasehold("unlock other")
        .owner("bob")
        .run()
        .exits(0);
    home.repo
        .leasehold("freeze other --ttl 5m")
        .owner("bob")
        .run()
        .exits(0);
    let audit = home
        .repo
        .leasehold("audit --event frozen --json")
        .run()
        .exits(0);
    let freeze: Value = serde_json::from_str(&audit.stdout).unwrap();
    let own = freeze["id"].as_str().unwrap().to_owned();
    home.writes("freezes/build.json", &text.replace(id, &own));
    home.refuses(2, &["`other` is frozen until"]);
    assert_eq!(held(&home.repo), ["other bob"]);
}

#[test]
fn a_directory_that_is_a_link_is_not_followed() {
    let home = Home::new();
    let real = home.repo.file("real");
    fs::create_dir_all(&real).unwrap();
    fs::write(real.join("build.json"), File::new("build").text()).unwrap();
    fs::create_dir_all(home.lokt_root()).unwrap();
    std::os::unix::fs::symlink(&real, home.lokt_root().join("locks")).unwrap();
    home.refuses(1, &["locks is a link, and is not followed"]);
}

/// Killed when it had moved something, and had not looked whether that is what it had read.
#[test]
fn an_import_that_was_killed_while_it_moved_is_looked_at_anew() {
    for (moved, noted) in [(1, false), (1, true), (2, false), (2, true)] {
        let home = Home::new();
        home.holds("locks", &File::new("build"));
        home.holds("freezes", &File::new("deploy"));
        let under_way = home.lokt_root().join("importing");
        fs::create_dir(&under_way).unwrap();
        for (index, name) in ["locks", "freezes"].iter().take(moved).enumerate() {
            let old = home.lokt_root().join(name);
            fs::rename(&old, under_way.join(name)).unwrap();
            if noted || index + 1 < moved {
                fs::write(old, "a note").unwrap();
            }
        }
        // A lock that Lokt took at the last moment, which no lease is there for.
        let late = home.writes("importing/locks/late.json", &File::new("late").text());
        let ran = home.lokt("bob", "guard late -- true").run().exits(1);
        assert!(ran.stderr.contains("by: lokt import"), "{ran}");
        home.import().exits(0);
        assert_eq!(held(&home.repo), ["build ada", "deploy ada", "late ada"]);
        assert!(!late.exists() && !under_way.exists());
        for name in ["locks", "freezes"] {
            assert!(home.lokt_root().join(name).is_file(), "{name}");
        }
        home.lokt("bob", "guard late -- true").run().exits(2);
    }
}

/// A Lokt made the directory anew while it was moved: what is in both is taken over, and nothing that is in
/// both in different words.
#[test]
fn what_a_lokt_made_meanwhile_is_taken_over_too() {
    let home = Home::new();
    home.holds("locks", &File::new("new"));
    let moved = home.writes("importing/locks/build.json", &File::new("build").text());
    let again = home.holds(
        "locks",
        &File {
            owner: "eve",
            ..File::new("build")
        },
    );
    home.refuses(
        1,
        &[
            "importing/locks/build.json",
            "are both there",
            "then import again",
        ],
    );
    assert!(moved.exists());
    fs::remove_file(again).unwrap();
    home.import().exits(0);
    assert_eq!(held(&home.repo), ["build ada", "new ada"]);
    assert!(!home.lokt_root().join("importing").exists());
}

#[test]
fn one_import_keeps_the_other_out() {
    let home = Home::new();
    home.holds("locks", &File::new("build"));
    let other = fs::File::open(home.lokt_root()).unwrap();
    other.lock().unwrap();
    home.refuses(2, &["another import of", "is at work"]);
    drop(other);
    home.import().exits(0);
}

/// Several at once: one takes everything over, the rest find it done, or that one at work.
#[test]
fn imports_at_once_lose_nothing() {
    let home = Home::new();
    let names: [&'static str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for name in names {
        home.holds("locks", &File::new(name));
    }
    let all: Vec<_> = (0..6)
        .map(|_| home.repo.leasehold("import lokt").start())
        .collect();
    let codes: Vec<i32> = all.into_iter().map(|one| one.end().code()).collect();
    assert_eq!(
        codes.iter().filter(|code| **code == 0).count(),
        1,
        "{codes:?}"
    );
    assert!(
        codes.iter().all(|code| [0, 2, 3].contains(code)),
        "{codes:?}"
    );
    assert_eq!(held(&home.repo), names.map(|name| format!("{name} ada")));
}

#[test]
fn a_store_that_is_none_is_refused_where_there_is_nothing_to_take_over() {
    let home = Home::new();
    home.repo
        .leasehold("import lokt --store bogus:")
        .run()
        .exits(64);
}

/// What doctor says of Lokt.
fn findings(home: &Home) -> Vec<(String, String)> {
    let told = home
        .repo
        .leasehold("doctor --json")
        .owner("bob")
        .run()
        .exits(0)
        .json();
    let of_lokt = told["findings"].as_array().unwrap().clone();
    let of_lokt = of_lokt
        .into_iter()
        .filter(|finding| finding["check"] == "lokt");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_lokt
        .map(|finding| {
            let said = format!("{} {}", text(&finding["message"]), text(&finding["hint"]));
            (text(&finding["grade"]), said)
        })
        .collect()
}

#[test]
fn doctor_says_what_lokt_itself_still_holds() {
    let home = Home::new();
    home.repo.leasehold("guard a -- true").run().exits(0);
    assert_eq!(findings(&home), []);
    home.holds("locks", &File::new("build"));
    home.holds("freezes", &File::new("deploy"));
    let [(grade, said)] = &findings(&home)[..] else {
        panic!("{:?}", findings(&home));
    };
    assert_eq!(grade, "warning");
    for part in [
        "`build` held by ada@",
        "`deploy` frozen by ada@",
        "leasehold import lokt",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Lokt's own commands are stopped by it, so there it is a failure, as before.
    let ran = home.lokt("bob", "doctor").run().exits(1);
    assert_eq!(ran.stdout.matches("lokt_files").count(), 1, "{ran}");
    home.import().exits(0);
    let [(grade, said)] = &findings(&home)[..] else {
        panic!("{:?}", findings(&home));
    };
    assert_eq!(grade, "ok", "{said}");
    home.lokt("bob", "doctor").run().exits(0);
    // Past their time they are nothing to anybody.
    let home = Home::new();
    home.holds(
        "locks",
        &File {
            age: 2 * super::files::HOUR,
            ..File::new("over")
        },
    );
    assert_eq!(findings(&home), []);
}

#[test]
fn doctor_says_what_an_import_left_that_was_killed() {
    let home = Home::new();
    home.writes("importing/locks/build.json", &File::new("build").text());
    let found = findings(&home);
    assert!(found[0].1.contains("leasehold import lokt"), "{found:?}");
    home.writes("locks/half.json", "");
    let found = findings(&home);
    assert!(found[0].1.contains("`half`, unreadable"), "{found:?}");
}
