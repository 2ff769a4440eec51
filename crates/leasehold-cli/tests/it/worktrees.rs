//! One file, one name, in all worktrees that git itself made.

use crate::repo::Repo;
use std::fs;
use std::path::{Path, PathBuf};

/// A repository with a commit, and worktrees beside it and inside it.
struct Trees {
    repo: Repo,
}

impl Trees {
    fn new() -> Self {
        let repo = Repo::new();
        fs::create_dir(repo.top().join("src")).unwrap();
        fs::write(repo.top().join("src/main.c"), "").unwrap();
        repo.git(&["add", "src"]);
        repo.git(&["commit", "-q", "-m", "x"]);
        repo.git(&["worktree", "add", "-q", "--detach", "../beside"]);
        repo.git(&["worktree", "add", "-q", "--detach", ".trees/inside"]);
        Self { repo }
    }

    fn beside(&self) -> PathBuf {
        self.repo.top().join("../beside").canonicalize().unwrap()
    }

    fn inside(&self) -> PathBuf {
        self.repo.top().join(".trees/inside")
    }

    /// Asserts that a name said in a directory is another one, by the lock that is taken.
    #[track_caller]
    fn check(&self, directory: &Path, name: &str, expected: &[&str]) {
        let said = format!("{name} in {}", directory.display());
        let lock = self.repo.words(&["lock", name, "--json"]).owner("ada");
        let told = lock.dir(directory).run().exits(0).json();
        let claims = told["leases"][0]["resources"].as_array().unwrap();
        let found: Vec<&str> = claims
            .iter()
            .map(|claim| claim["resource"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected, "{said}");
        self.repo
            .leasehold("unlock --all")
            .owner("ada")
            .run()
            .exits(0);
    }
}

#[test]
fn a_file_of_another_worktree_goes_by_the_name_it_has_there() {
    let trees = Trees::new();
    let (main, beside, inside) = (trees.repo.top(), trees.beside(), trees.inside());
    let named = |tree: &Path, rest: &str| format!("path:{}{rest}", tree.display());
    let file: &[&str] = &["path:src/main.c"];
    for tree in [&main, &beside, &inside] {
        for from in [&main, &beside, &inside] {
            trees.check(from, &named(tree, "/src/main.c"), file);
            trees.check(&from.join("src"), &named(tree, "/src/../src/main.c"), file);
            trees.check(from, &named(tree, "/src/*.c"), &["path:src/*.c"]);
            trees.check(from, &named(tree, "/not/yet"), &["path:not/yet"]);
            trees.check(from, &named(tree, ""), &["path:."]);
        }
    }
    trees.check(&beside, "path:../repo/src/main.c", file);
    trees.check(&main, "path:../beside/src/main.c", file);
    trees.check(&main, "path:.trees/inside/src/main.c", file);
    trees.check(&inside, "path:../../src/main.c", file);
    // What is in no worktree is itself; what has one in it is also the repository.
    let home = main.parent().unwrap();
    trees.check(&main, "path:.trees/x", &["path:.trees/x"]);
    trees.check(&main, &named(home, "/other/x"), &[&named(home, "/other/x")]);
    let above: &[&str] = &["path:.", &named(home, "")];
    trees.check(&beside, &named(home, ""), above);
    fs::create_dir(home.join("more")).unwrap();
    trees
        .repo
        .git(&["worktree", "add", "-q", "--detach", "../more/far"]);
    let more = named(home, "/more");
    trees.check(&beside, &more, &["path:.", &more]);
}

#[test]
fn two_worktrees_exclude_each_other_from_a_file() {
    let trees = Trees::new();
    trees.repo.lock("path:src/main.c", "ada");
    let absolute = format!("path:{}/src/main.c", trees.repo.top().display());
    for name in [&absolute, "path:../repo/src/main.c", "path:src/main.c"] {
        let guard = trees.repo.words(&["guard", name, "--", "true"]);
        guard.owner("bob").dir(trees.beside()).run().exits(2);
    }
}

#[test]
fn another_repository_has_names_of_its_own() {
    let trees = Trees::new();
    let other = trees.repo.file("other");
    trees.repo.git(&["init", "-q", other.to_str().unwrap()]);
    let name = format!("path:{}/src/main.c", other.display());
    trees.check(&trees.repo.top(), &name, &[&name]);
    // Also one inside: its files are seen from this one.
    let nested = trees.repo.top().join("nested");
    trees.repo.git(&["init", "-q", nested.to_str().unwrap()]);
    trees.check(&trees.repo.top(), "path:nested/x", &["path:nested/x"]);
    // A `.git` file that leads nowhere is none.
    let broken = trees.repo.top().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join(".git"), "gitdir: /no/such/place\n").unwrap();
    trees.check(&trees.repo.top(), "path:broken/x", &["path:broken/x"]);
}
