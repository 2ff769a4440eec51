//! One file has one name, from wherever it is seen: other work trees, hooks, links.

use crate::process::Ran;
use crate::repo::Repo;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// Asks from a directory whether what overlaps a name is held.
#[track_caller]
fn check(repo: &Repo, directory: &Path, name: &str, is_held: bool) {
    let words = ["exists", name];
    let ran = repo.words(&words).dir(directory).run();
    let code = if is_held { 0 } else { 3 };
    assert_eq!(ran.code(), code, "{name} in {}: {ran}", directory.display());
}

fn commit(repo: &Repo) {
    repo.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
}

#[test]
fn a_link_to_nothing_is_what_comes_into_being_there() {
    let repo = Repo::new();
    symlink("real.txt", repo.top().join("link.txt")).unwrap();
    symlink("build/out", repo.top().join("out")).unwrap();
    for (held, others) in [
        ("path:real.txt", ["path:link.txt", "path:link.txt/x"]),
        ("path:link.txt", ["path:real.txt", "path:real*"]),
        ("path:build/out/x", ["path:out/x", "path:out"]),
        ("path:out/x", ["path:build/out/x", "path:build"]),
        ("path:out/*.o", ["path:build/out/a.o", "path:out"]),
    ] {
        let guard = repo.hold(held);
        for name in others {
            check(&repo, &repo.top(), name, true);
        }
        check(&repo, &repo.top(), "path:other", false);
        guard.end().exits(0);
    }
    // And so it is: what is written through the link is there.
    let script = "mkdir -p build/out && echo x > out/x && echo y > link.txt";
    repo.guard("path:out/x path:link.txt", script)
        .run()
        .exits(0);
    assert!(repo.top().join("build/out/x").is_file() && repo.top().join("real.txt").is_file());
}

#[test]
fn parents_of_links_are_those_of_their_targets() {
    let repo = Repo::new();
    fs::create_dir_all(repo.top().join("a/deep")).unwrap();
    symlink("a/deep", repo.top().join("link")).unwrap();
    let held = repo.hold("path:link/../x");
    check(&repo, &repo.top(), "path:a/x", true);
    check(&repo, &repo.top(), "path:x", false);
    check(&repo, &repo.top().join("link"), "path:../x", true);
    held.end().exits(0);
    // Also where what it leads to is not there yet.
    symlink("build/out", repo.top().join("out")).unwrap();
    let held = repo.hold("path:out/../x");
    check(&repo, &repo.top(), "path:build/x", true);
    check(&repo, &repo.top(), "path:x", false);
    held.end().exits(0);
}

#[test]
fn a_circle_of_links_is_refused_and_named() {
    let repo = Repo::new();
    symlink("there", repo.top().join("here")).unwrap();
    symlink("here", repo.top().join("there")).unwrap();
    for name in ["path:here", "path:here/x", "path:src/../there/*"] {
        let ran = repo.words(&["lock", name]).run().exits(64);
        assert!(
            ran.stderr.contains(&format!("{name:?} cannot be resolved")),
            "{ran}"
        );
        assert!(ran.stderr.contains("symbolic links"), "{ran}");
    }
    assert!(!repo.root().join("leases").exists() || repo.log().is_empty());
}

#[test]
fn a_file_of_another_work_tree_has_the_name_it_has_there() {
    let repo = Repo::new();
    commit(&repo);
    let linked = repo.file("linked");
    repo.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
    fs::create_dir_all(repo.top().join("src")).unwrap();
    let absolute = format!("path:{}/src/a", repo.top().display());
    let (main, files) = (repo.top(), repo.file(""));
    let held = repo.hold("path:src/a");
    for name in [
        "path:src/a",
        &absolute,
        "path:../../repo/src/a",
        "path:../../repo",
        &format!("path:{}", main.display()),
        &format!("path:{}/*/a", main.display()),
    ] {
        check(&repo, &linked, name, true);
    }
    check(&repo, &linked, "path:../../repo/src/b", false);
    check(&repo, &main, "path:../files/linked/src/a", true);
    check(&repo, &main, "path:../files/linked/src/b", false);
    check(&repo, &main, &format!("path:{}", files.display()), true);
    check(
        &repo,
        &main,
        &format!("path:{}/*/src/a", files.display()),
        true,
    );
    check(
        &repo,
        &main,
        &format!("path:{}/*/src/b", files.display()),
        false,
    );
    held.end().exits(0);
    // A worktree that was moved by hand is found by its `.git`.
    let moved = repo.file("moved");
    fs::rename(&linked, &moved).unwrap();
    let held = repo.hold("path:../files/moved/src/a");
    check(&repo, &moved, "path:src/a", true);
    check(&repo, &main, "path:src/a", true);
    held.end().exits(0);
}

#[test]
fn a_work_tree_inside_another_has_its_own_names() {
    let repo = Repo::new();
    commit(&repo);
    repo.git(&["worktree", "add", "-q", ".trees/one"]);
    let (main, inside) = (repo.top(), repo.top().join(".trees/one"));
    let held = repo.hold("path:.trees/one/f");
    check(&repo, &inside, "path:f", true);
    check(&repo, &inside, "path:./f", true);
    check(&repo, &main, "path:f", true);
    held.end().exits(0);
    let held = repo.hold_call("w", |script| repo.guard("path:f", script).dir(&inside));
    for (name, is_held) in [
        ("path:.trees/one/f", true),
        ("path:.trees/one/g", false),
        ("path:.trees/one", true),
        ("path:.trees", true),
        ("path:.trees/two", false),
        ("path:.trees/*/f", true),
        ("path:.trees/*/g", false),
        ("path:.trees/t*/f", false),
        ("path:*/one", true),
        ("path:other", false),
    ] {
        check(&repo, &main, name, is_held);
    }
    // And the other way round, from inside.
    check(&repo, &inside, "path:../../f", true);
    check(&repo, &inside, "path:../../g", false);
    held.end().exits(0);
    // A freeze reaches as far.
    repo.leasehold("freeze path:.trees --ttl 1h").run().exits(0);
    assert_eq!(repo.guard("path:g", "true").dir(&inside).run().code(), 2);
    repo.leasehold("unfreeze path:.trees").run().exits(0);
    assert_eq!(repo.guard("path:g", "true").dir(&inside).run().code(), 0);
    // Without its `.git` it is a directory like any other.
    fs::remove_dir_all(&inside).unwrap();
    let held = repo.hold("path:.trees/one/f");
    check(&repo, &main, "path:f", false);
    held.end().exits(0);
}

/// Runs `git commit` with a hook that goes down and asks by `./a`.
fn commit_with_hook(repo: &Repo, hooks: &Path, top: &Path) -> Ran {
    let hook = hooks.join("pre-commit");
    fs::create_dir_all(hooks).unwrap();
    fs::write(
        &hook,
        "#!/bin/sh\ncd dir && leasehold exists path:./a; echo $? > $D/code\n",
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let words = "-c user.name=t -c user.email=t@t commit -q --allow-empty -m x";
    let mut git = repo.program("git");
    git.current_dir(top);
    let words = words.split(' ').map(Into::into).collect();
    let ran = repo.call(git, words).dir(top).run();
    assert_eq!(ran.code(), 0, "{ran}");
    ran
}

#[test]
fn a_hook_names_files_as_everybody_does() {
    let repo = Repo::new();
    commit(&repo);
    let main = repo.top();
    let linked = repo.file("linked");
    repo.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
    let source = main.join(".git");
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
    ];
    repo.git(&[&add[..], &[source.to_str().unwrap(), "sub"]].concat());
    let (sub, module) = (main.join("sub"), main.join(".git/modules/sub"));
    for (top, hooks) in [
        (&main, main.join(".git/hooks")),
        (&linked, main.join(".git/hooks")),
        (&sub, module.join("hooks")),
    ] {
        fs::create_dir_all(top.join("dir")).unwrap();
        for (held, code) in [("path:dir/a", "0"), ("path:a", "3")] {
            let held = repo.hold_call("s", |script| repo.guard(held, script).dir(top));
            let ran = commit_with_hook(&repo, &hooks, top);
            let said = repo.line("code");
            assert_eq!(said.as_deref(), Some(code), "in {}: {ran}", top.display());
            held.end().exits(0);
        }
    }
}

#[test]
fn a_work_tree_that_the_settings_name_is_one() {
    let repo = Repo::new();
    let tree = repo.file("tree");
    fs::create_dir_all(tree.join("dir")).unwrap();
    repo.git(&["config", "core.worktree", tree.to_str().unwrap()]);
    let held = repo.hold("path:dir/a");
    check(
        &repo,
        &repo.top(),
        &format!("path:{}/dir/a", tree.display()),
        true,
    );
    check(
        &repo,
        &repo.top(),
        &format!("path:{}/dir/b", tree.display()),
        false,
    );
    let from_there = |directory: &str, name: &str| {
        let call = repo.words(&["exists", name]).dir(tree.join(directory));
        call.env("GIT_DIR", repo.top().join(".git")).run().code()
    };
    assert_eq!(from_there("dir", "path:./a"), 0);
    assert_eq!(from_there("dir", "path:./b"), 3);
    assert_eq!(from_there("", "path:a"), 3);
    held.end().exits(0);
}

#[test]
fn a_bare_repository_is_named_alike_by_its_hooks() {
    let repo = Repo::new();
    let bare = repo.file("bare.git");
    repo.git(&["init", "-q", "--bare", bare.to_str().unwrap()]);
    let held = repo.hold_call("b", |script| {
        repo.guard("path:config", script)
            .dir(&bare)
            .env("GIT_DIR", ".")
    });
    check(&repo, &bare, "path:config", true);
    check(
        &repo,
        &bare,
        &format!("path:{}/config", bare.display()),
        true,
    );
    check(&repo, &bare, "path:HEAD", false);
    held.end().exits(0);
}

/// The link is turned by the one ahead, while the other waits: it gets what the link leads to now.
#[test]
fn a_link_that_was_turned_during_the_wait_is_asked_for_anew() {
    for verb in ["guard", "lock"] {
        let repo = Repo::new();
        for name in ["old", "new"] {
            fs::create_dir(repo.top().join(name)).unwrap();
        }
        symlink("old", repo.top().join("link")).unwrap();
        let ahead = repo.hold("path:link");
        let there = repo.hold("path:new/x");
        let words = match verb {
            "guard" => "guard path:link/x --wait -- sh -c",
            _ => "lock path:link/x --wait",
        };
        let mut words: Vec<&str> = words.split(' ').collect();
        words.extend((verb == "guard").then_some("echo $LEASEHOLD_RESOURCE"));
        let waiter = repo.words(&words).owner("ada").start().waits();
        fs::remove_file(repo.top().join("link")).unwrap();
        symlink("new", repo.top().join("link")).unwrap();
        ahead.end().exits(0);
        waiter.says("note: `path:link/x` is `path:new/x` since this began to wait");
        // It waits on, for the new one alone.
        waiter.says("waiting for `path:new/x`");
        assert_eq!(repo.try_guard("path:old"), 0);
        there.end().exits(0);
        let ran = waiter.end().exits(0);
        assert!(ran.stdout.contains("path:new/x"), "{ran}");
        if verb == "lock" {
            check(&repo, &repo.top(), "path:new/x", true);
            check(&repo, &repo.top(), "path:old", false);
        }
    }
}

/// What cannot be resolved after the wait leaves no lease behind.
#[test]
fn a_link_that_became_a_circle_during_the_wait_ends_it() {
    let repo = Repo::new();
    fs::create_dir(repo.top().join("old")).unwrap();
    symlink("old", repo.top().join("link")).unwrap();
    let ahead = repo.hold("path:link");
    let words = ["guard", "path:link/x", "--wait", "--", "true"];
    let waiter = repo.words(&words).owner("ada").start().waits();
    fs::remove_file(repo.top().join("link")).unwrap();
    symlink("link", repo.top().join("link")).unwrap();
    ahead.end().exits(0);
    let ran = waiter.end().exits(64);
    assert!(
        ran.stderr.contains("\"path:link/x\" cannot be resolved"),
        "{ran}"
    );
    assert_eq!(repo.try_guard("path:old"), 0);
}

#[test]
fn a_command_uses_the_store_of_its_guard() {
    let repo = Repo::new();
    fs::create_dir(repo.top().join("dir")).unwrap();
    let elsewhere = repo.file("store");
    let flag = format!("--store file:{}", elsewhere.display());
    let inner =
        "cd dir && leasehold check && leasehold exists build && leasehold guard build -- true";
    let at_once = |words: &str| repo.guard(words, inner);
    at_once(&format!("{flag} build")).run().exits(0);
    // Said relative to where the guard stands, which the command leaves.
    at_once("--store file:locks build").run().exits(0);
    at_once("build")
        .env("LEASEHOLD_ROOT", "locks")
        .run()
        .exits(0);
    at_once("build")
        .env("LEASEHOLD_STORE", "file:locks")
        .run()
        .exits(0);
    at_once(&format!("{flag} build"))
        .env("LEASEHOLD_STORE", "file:locks")
        .run()
        .exits(0);
    at_once("--store file: build")
        .env("LEASEHOLD_STORE", "file:locks")
        .run()
        .exits(0);
    assert!(!repo.top().join("dir/locks").exists());
    // One that was found is found by the command again, wherever that goes.
    let show = "echo \"${LEASEHOLD_ROOT-none} ${LEASEHOLD_STORE-none}\"";
    let shown = |ran: Ran| ran.exits(0).stdout;
    assert_eq!(shown(repo.guard("build", show).run()), "none none\n");
    let said = repo.guard("build", show).env("LEASEHOLD_STORE", "file:");
    assert_eq!(shown(said.run()), "none file:\n");
    let root = repo.top().join("locks");
    let said = repo
        .guard("build", show)
        .env("LEASEHOLD_STORE", "file:locks");
    assert_eq!(shown(said.run()), format!("{} none\n", root.display()));
}
