//! Paths overlap their parents and children, patterns what they can match, wherever one stands.

use crate::repo::Repo;
use std::fs;

/// Asserts which of these names are free beside a held one.
fn check(held: &str, taken: &[&str], free: &[&str]) {
    let repo = Repo::new();
    fs::create_dir_all(repo.top().join("src/auth")).unwrap();
    let guard = repo.hold(held);
    for (names, code) in [(taken, 2), (free, 0)] {
        for name in names {
            assert_eq!(repo.try_guard(name), code, "{name} beside {held}");
        }
    }
    guard.end().exits(0);
    for name in taken {
        assert_eq!(repo.try_guard(name), 0, "{name} after {held}");
    }
}

#[test]
fn a_path_overlaps_what_is_above_and_below_it() {
    check(
        "path:src/auth",
        &[
            "path:src/auth",
            "path:src/auth/",
            "path:src",
            "path:.",
            "path:src/auth/x/y.rs",
        ],
        &[
            "path:src/author",
            "path:src/api",
            "path:docs",
            "src",
            "name:src",
            "issue:src",
        ],
    );
}

#[test]
fn a_pattern_overlaps_what_it_can_match() {
    check(
        "path:src/*.rs",
        &[
            "path:src/a.rs",
            "path:src",
            "path:**/a.rs",
            "path:src/a*",
            "path:src/a.rs/deep",
        ],
        &[
            "path:src/a.py",
            "path:src/auth/a.txt",
            "path:docs/*.rs",
            "path:src/*.md",
        ],
    );
}

#[test]
fn flat_names_overlap_when_they_are_equal() {
    check(
        "issue:7",
        &["issue:7"],
        &["issue:70", "issue:8", "7", "repo:7"],
    );
    check(
        "build",
        &["build", "name:build"],
        &["Build", "build2", "path:build"],
    );
}

#[test]
fn a_path_is_seen_from_where_one_stands() {
    let repo = Repo::new();
    fs::create_dir_all(repo.top().join("src/auth")).unwrap();
    let held = repo.hold("path:src/auth");
    let check = |directory: &str, name: &str, code| {
        let call = repo.guard(name, "true").dir(repo.top().join(directory));
        assert_eq!(call.run().code(), code, "{name} in {directory}");
    };
    check("src", "path:./auth", 2);
    check("src/auth", "path:./x", 2);
    check("src/auth", "path:../../src", 2);
    check("src/auth", "path:../api", 0);
    check("src", "path:src/auth", 2);
    check("src", "path:auth", 0);
    // What is above the repository covers it.
    check("", "path:..", 2);
    check("", "path:/", 2);
    check("", "path:/**/auth", 2);
    check("", "path:/etc", 0);
    held.end().exits(0);
}

#[test]
fn a_link_is_also_the_tree_it_leads_to() {
    let repo = Repo::new();
    fs::create_dir_all(repo.top().join("src")).unwrap();
    std::os::unix::fs::symlink("src", repo.top().join("link")).unwrap();
    let held = repo.hold("path:src");
    for name in ["path:link", "path:link/", "path:link/x"] {
        assert_eq!(repo.try_guard(name), 2, "{name}");
    }
    held.end().exits(0);
    let held = repo.hold("path:link");
    assert_eq!(repo.try_guard("path:src/x"), 2);
    held.end().exits(0);
}

#[test]
fn all_worktrees_share_one_space() {
    let repo = Repo::new();
    repo.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    let linked = repo.file("linked");
    repo.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
    fs::create_dir_all(linked.join("src")).unwrap();
    let held = repo.hold("build path:src/auth");
    let check = |directory: &str, name: &str, code| {
        let call = repo.guard(name, "true").dir(linked.join(directory));
        assert_eq!(call.run().code(), code, "{name} in {directory:?}");
    };
    check("", "build", 2);
    check("", "path:src/auth/a.rs", 2);
    check("src", "path:./auth", 2);
    check("src", "path:./api", 0);
    held.end().exits(0);
    let there = repo.hold_call("w", |script| repo.guard("path:src", script).dir(&linked));
    assert_eq!(repo.try_guard("path:src/x"), 2);
    there.end().exits(0);
}

#[test]
fn a_rename_takes_both_paths() {
    check(
        "path:old.rs path:new.rs --intent renames",
        &["path:old.rs", "path:new.rs --read", "path:."],
        &["path:other.rs"],
    );
}
