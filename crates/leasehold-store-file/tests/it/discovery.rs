//! Finding the root, in repositories that git itself made.

use leasehold_store::StoreError;
use leasehold_store_file::discover::{By, Environment, discover, work_tree_around, work_trees};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_"))
    {
        command.env_remove(name);
    }
    let identity = [
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@x",
        "-c",
        "protocol.file.allow=always",
    ];
    let output = command
        .args(identity)
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

struct World {
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self {
            directory: TempDir::new().unwrap(),
        };
        let main = world.path("main");
        fs::create_dir_all(main.join("sub/deep")).unwrap();
        git(&main, &["init", "-q"]);
        git(&main, &["commit", "-q", "--allow-empty", "-m", "x"]);
        git(&main, &["worktree", "add", "-q", "../linked"]);
        git(&world.path(""), &["init", "-q", "--bare", "bare.git"]);
        git(&main, &["submodule", "--quiet", "add", "./.git", "module"]);
        fs::create_dir_all(world.path("linked/sub")).unwrap();
        fs::create_dir_all(world.path("plain/a/b")).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        let base = self.directory.path().canonicalize().unwrap();
        if name.is_empty() {
            base
        } else {
            base.join(name)
        }
    }

    #[track_caller]
    fn check(&self, here: &str, root: &str, by: By, top: Option<&str>) {
        self.check_with(here, &Environment::default(), root, by, top);
    }

    #[track_caller]
    fn check_with(
        &self,
        here: &str,
        environment: &Environment<'_>,
        root: &str,
        by: By,
        top: Option<&str>,
    ) {
        let found = discover(&self.path(here), environment).unwrap();
        assert_eq!(found.root, self.path(root), "root from {here}");
        assert_eq!(found.by, by, "from {here}");
        assert_eq!(found.top, top.map(|top| self.path(top)), "top from {here}");
    }
}

#[test]
fn the_root_is_where_all_worktrees_find_it() {
    let world = World::new();
    let root = "main/.git/leasehold";
    world.check("main", root, By::Git, Some("main"));
    world.check("main/sub/deep", root, By::Git, Some("main"));
    world.check("linked", root, By::Git, Some("linked"));
    world.check("linked/sub", root, By::Git, Some("linked"));
    world.check("main/.git", root, By::Git, Some("main"));
    world.check("main/.git/refs", root, By::Git, Some("main"));
    world.check("main/.git/worktrees/linked", root, By::Git, Some("linked"));
    world.check(
        "main/module",
        "main/.git/modules/module/leasehold",
        By::Git,
        Some("main/module"),
    );
    world.check("bare.git", "bare.git/leasehold", By::Git, None);
    world.check("bare.git/refs", "bare.git/leasehold", By::Git, None);
}

#[test]
fn outside_git_it_is_the_nearest_marker_or_a_new_one() {
    let world = World::new();
    world.check(
        "plain/a/b",
        "plain/a/b/.leasehold",
        By::New,
        Some("plain/a/b"),
    );
    fs::create_dir(world.path("plain/.leasehold")).unwrap();
    world.check("plain/a/b", "plain/.leasehold", By::Marker, Some("plain"));
    // git goes first, also from further up.
    fs::create_dir(world.path("main/sub/.leasehold")).unwrap();
    world.check(
        "main/sub/deep",
        "main/.git/leasehold",
        By::Git,
        Some("main"),
    );
    // An empty `.git` directory is no repository to git either.
    fs::create_dir(world.path("plain/a/.git")).unwrap();
    world.check("plain/a/b", "plain/.leasehold", By::Marker, Some("plain"));
}

#[test]
fn variables_go_before_what_is_there() {
    let world = World::new();
    let text = |name: &str| world.path(name).into_os_string();
    let elsewhere = text("elsewhere");
    let root = Environment {
        root: Some(&elsewhere),
        ..Environment::default()
    };
    world.check_with("main/sub", &root, "elsewhere", By::Variable, Some("main"));
    world.check_with("plain", &root, "elsewhere", By::Variable, None);
    let relative = Environment {
        root: Some(OsStr::new("../x")),
        ..Environment::default()
    };
    let found = discover(&world.path("plain/a"), &relative).unwrap();
    assert_eq!(
        found.root,
        world.path("plain/a/../x"),
        "it need not be there yet"
    );

    let git_dir = text("main/.git/worktrees/linked");
    let hook = Environment {
        git_dir: Some(&git_dir),
        ..Environment::default()
    };
    world.check_with(
        "linked/sub",
        &hook,
        "main/.git/leasehold",
        By::Git,
        Some("linked"),
    );
    let relative = Environment {
        git_dir: Some(OsStr::new(".git")),
        ..Environment::default()
    };
    world.check_with(
        "main",
        &relative,
        "main/.git/leasehold",
        By::Git,
        Some("main"),
    );
    let (bare, tree) = (text("bare.git"), text("plain"));
    let split = Environment {
        git_dir: Some(&bare),
        git_work_tree: Some(&tree),
        ..Environment::default()
    };
    world.check_with(
        "plain/a",
        &split,
        "bare.git/leasehold",
        By::Git,
        Some("plain"),
    );
    let common = text("main/.git");
    let named = Environment {
        git_dir: Some(&git_dir),
        git_common_dir: Some(&common),
        ..Environment::default()
    };
    world.check_with(
        "linked",
        &named,
        "main/.git/leasehold",
        By::Git,
        Some("linked"),
    );
}

/// What a hook sees: git says which repository, and the hook may go down from the top.
#[test]
fn a_hook_has_the_top_that_everybody_has() {
    let world = World::new();
    let check = |here: &str, git_dir: &str, root: &str, top: Option<&str>| {
        let git_dir = match git_dir {
            "." => git_dir.into(),
            name => world.path(name).into_os_string(),
        };
        let hook = Environment {
            git_dir: Some(&git_dir),
            ..Environment::default()
        };
        world.check_with(here, &hook, root, By::Git, top);
    };
    let main = "main/.git/leasehold";
    check("main/sub/deep", "main/.git", main, Some("main"));
    // A submodule, which says by its settings where it is.
    let module = "main/.git/modules/module";
    fs::create_dir_all(world.path("main/module/dir")).unwrap();
    let root = format!("{module}/leasehold");
    check("main/module", module, &root, Some("main/module"));
    check("main/module/dir", module, &root, Some("main/module"));
    // The same with the settings of each worktree in a file of its own.
    let config = ["config", "extensions.worktreeConfig", "true"];
    git(&world.path("main/module"), &config);
    let settings = world.path(&format!("{module}/config"));
    git(
        &world.path(module),
        &["config", "--worktree", "core.worktree", "../../../module"],
    );
    let text = fs::read_to_string(&settings).unwrap();
    let (first, second): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| !line.contains("worktree ="));
    assert_eq!(second.len(), 1, "{text}");
    fs::write(&settings, first.join("\n")).unwrap();
    check("main/module/dir", module, &root, Some("main/module"));
    // A work tree elsewhere, by the settings.
    let tree = world.path("plain/a");
    git(
        &world.path("main"),
        &["config", "core.worktree", tree.to_str().unwrap()],
    );
    check("plain/a/b", "main/.git", main, Some("plain/a"));
    check("main/sub", "main/.git", main, Some("plain/a"));
    // A git directory apart from its work tree, which only the `.git` file there tells.
    fs::create_dir(world.path("apart")).unwrap();
    git(
        &world.path("apart"),
        &["init", "-q", "--separate-git-dir", "../apart.dir"],
    );
    fs::create_dir(world.path("apart/in")).unwrap();
    check(
        "apart/in",
        "apart.dir",
        "apart.dir/leasehold",
        Some("apart"),
    );
    check("apart.dir", "apart.dir", "apart.dir/leasehold", None);
    // Nothing tells: the current directory, as for git.
    check(
        "plain/a/b",
        "apart.dir",
        "apart.dir/leasehold",
        Some("plain/a/b"),
    );
}

#[test]
fn a_bare_repository_has_no_top_for_anybody() {
    let world = World::new();
    for (here, git_dir) in [
        ("bare.git", "."),
        ("bare.git/refs", ".."),
        ("plain", "../bare.git"),
    ] {
        let receiving = Environment {
            git_dir: Some(OsStr::new(git_dir)),
            ..Environment::default()
        };
        world.check_with(here, &receiving, "bare.git/leasehold", By::Git, None);
    }
}

#[test]
fn a_repository_knows_its_work_trees() {
    let world = World::new();
    let check = |common: &str, expected: &[&str]| {
        let mut found = work_trees(&world.path(common)).unwrap();
        found.sort();
        let expected: Vec<PathBuf> = expected.iter().map(|name| world.path(name)).collect();
        assert_eq!(found, expected, "{common}");
    };
    check("main/.git", &["linked", "main"]);
    git(
        &world.path("main"),
        &["worktree", "add", "-q", "--detach", "sub/inside"],
    );
    check("main/.git", &["linked", "main", "main/sub/inside"]);
    check("main/.git/modules/module", &["main/module"]);
    check("bare.git", &[]);
    git(
        &world.path("main"),
        &["push", "-q", "../bare.git", "HEAD:master"],
    );
    git(
        &world.path("bare.git"),
        &["worktree", "add", "-q", "../of-bare", "master"],
    );
    check("bare.git", &["of-bare"]);
    // Removed by hand, and not yet forgotten by git.
    fs::remove_dir_all(world.path("linked")).unwrap();
    check("main/.git", &["main", "main/sub/inside"]);
}

#[test]
fn a_path_is_in_the_work_tree_of_its_repository() {
    let world = World::new();
    let common = world.path("main/.git");
    let check = |path: &str, top: Option<&str>| {
        let path = world.path(path);
        let found = work_tree_around(&path, &common).unwrap();
        assert_eq!(found, top.map(|top| world.path(top)).as_deref(), "{path:?}");
    };
    check("main/sub/not/yet", Some("main"));
    check("main", Some("main"));
    check("linked/sub", Some("linked"));
    check("plain/a", None);
    // A submodule is a repository of its own, in a directory of this one.
    check("main/module/x", Some("main"));
    let module = world.path("main/module/x");
    let top = work_tree_around(&module, &world.path("main/.git/modules/module"));
    assert_eq!(top.unwrap(), module.parent());
}

/// What cannot be read just now may be the work tree's own `.git`: without it the file would go by another
/// name.
#[test]
#[cfg(target_os = "linux")]
fn a_work_tree_is_not_passed_by_for_a_failure_that_passes() {
    let world = World::new();
    let common = world.path("main/.git");
    let top = world.path("plain");
    let check = |target: &str, is_error: bool| {
        std::os::unix::fs::symlink(target, top.join(".git")).unwrap();
        let path = top.join("a");
        let found = work_tree_around(&path, &common);
        fs::remove_file(top.join(".git")).unwrap();
        assert_eq!(found.is_err(), is_error, "{target}: {found:?}");
        assert_eq!(found.ok().flatten(), None, "{target}");
    };
    // Its beginning cannot be read: an error of the device.
    check("/proc/self/mem", true);
    check(".git", false);
    check("/dev/null", false);
    check("nowhere", false);
}

#[test]
fn a_broken_repository_is_an_error() {
    let world = World::new();
    #[track_caller]
    fn check(world: &World, here: &str, environment: &Environment<'_>) {
        let found = discover(&world.path(here), environment);
        assert!(
            matches!(
                found,
                Err(StoreError::Repository { .. } | StoreError::Io { .. })
            ),
            "{found:?}"
        );
    }
    for text in ["", "nonsense", "gitdir:", "gitdir: ../nowhere"] {
        fs::write(world.path("plain/.git"), text).unwrap();
        check(&world, "plain/a/b", &Environment::default());
    }
    let nowhere = Environment {
        git_dir: Some(OsStr::new("/nowhere")),
        ..Environment::default()
    };
    check(&world, "main", &nowhere);
    let empty = Environment {
        root: Some(OsStr::new("")),
        ..Environment::default()
    };
    check(&world, "main", &empty);
    fs::write(
        world.path("main/.git/worktrees/linked/commondir"),
        "../nowhere",
    )
    .unwrap();
    check(&world, "linked", &Environment::default());
    // A loop of links cannot be looked at by anybody.
    fs::remove_file(world.path("plain/.git")).unwrap();
    std::os::unix::fs::symlink(world.path("plain/.git"), world.path("plain/.git")).unwrap();
    check(&world, "plain/a", &Environment::default());
}

#[test]
fn a_shared_repository_shares_its_root() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    git(
        &world.path("main"),
        &["config", "core.sharedRepository", "group"],
    );
    let root = discover(&world.path("main"), &Environment::default())
        .unwrap()
        .root;
    let store =
        leasehold_store_file::FileStore::open(&root, leasehold_store_file::Options::default());
    let store = store.unwrap();
    use leasehold_store::Store;
    let presence = store.attend(leasehold_core::LeaseId::new(1)).unwrap();
    let mode = |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("") & 0o2770, 0o2770);
    assert_eq!(mode("leases") & 0o2770, 0o2770);
    for file in [
        "mutex",
        "audit/000001.jsonl",
        "leases/00000000000000000000000000000001",
    ] {
        assert_eq!(mode(file) & 0o660, 0o660, "{file}");
    }
    presence.end();
}
