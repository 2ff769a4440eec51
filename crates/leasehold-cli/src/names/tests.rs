use super::*;
use std::fs;
use std::os::unix::fs::symlink;

/// A repository with `src/auth`, a link `link` to `src` and a link `out` that leads outside.
fn repository() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap().join("repo");
    fs::create_dir_all(top.join("src/auth")).unwrap();
    symlink("src", top.join("link")).unwrap();
    symlink("/etc", top.join("out")).unwrap();
    (dir, top)
}

fn check(directory: &str, text: &str, expected: &str) {
    let (_dir, top) = repository();
    let base = Base::new(top.join(directory), Some(top), None);
    assert_eq!(
        base.parse(text).unwrap().to_string(),
        expected,
        "{text} in {directory:?}"
    );
}

#[track_caller]
fn check_also(base: &Base, text: &str, expected: &[&str]) {
    let also = base.named(text).unwrap().also;
    let also: Vec<String> = also.iter().map(ToString::to_string).collect();
    assert_eq!(also, expected, "{text}");
}

#[test]
fn paths_are_seen_from_the_top() {
    check("", "path:src/auth", "path:src/auth");
    check("src", "path:src/auth", "path:src/auth");
    check("src", "path:./auth", "path:src/auth");
    check("src/auth", "path:../../README.md", "path:README.md");
    check("src", "path:./", "path:src");
    check("src", "path:.", "path:.");
    check("src", "path:..", "path:.");
    check("", "path:src//auth/./", "path:src/auth");
    check("", "path:not/there/../yet", "path:not/yet");
}

#[test]
fn links_of_parents_are_resolved_and_the_last_name_is_kept() {
    check("", "path:link/auth", "path:src/auth");
    check("", "path:link", "path:link");
    check("", "path:link/*.rs", "path:src/*.rs");
    check("", "path:out/passwd", "path:/etc/passwd");
}

#[test]
fn what_is_outside_is_a_tree_of_its_own() {
    check("", "path:/etc/hosts", "path:/etc/hosts");
    check("", "path:/", "path:/");
}

#[test]
fn a_link_is_also_what_it_leads_to() {
    let (_dir, top) = repository();
    let base = Base::new(top.clone(), Some(top), None);
    check_also(&base, "path:link", &["path:src"]);
    check_also(&base, "path:link/", &["path:src"]);
    check_also(&base, "path:out", &["path:/etc"]);
    check_also(&base, "path:src", &[]);
}

#[test]
fn what_is_above_the_repository_covers_it() {
    let (_dir, top) = repository();
    let base = Base::new(top.join("src"), Some(top.clone()), None);
    for text in [
        "path:/",
        "path:../..",
        "path:/**",
        &format!("path:{}", top.parent().unwrap().display()),
    ] {
        check_also(&base, text, &["path:."]);
    }
    check_also(&base, "path:/**/x", &["path:**/x"]);
    for text in ["path:src", "path:/etc", "path:.", "name:/", "path:**/x"] {
        check_also(&base, text, &[]);
    }
    // Also where a link leads up.
    symlink("../..", top.join("src/up")).unwrap();
    let above = format!("path:{}", top.parent().unwrap().display());
    check_also(&base, "path:src/up", &[&above, "path:."]);
}

#[test]
fn a_link_to_nothing_is_also_what_comes_into_being_there() {
    let (_dir, top) = repository();
    symlink("real.txt", top.join("link.txt")).unwrap();
    symlink("build/out", top.join("dir")).unwrap();
    let base = Base::new(top.clone(), Some(top), None);
    check_also(&base, "path:link.txt", &["path:real.txt"]);
    check_also(&base, "path:dir", &["path:build/out"]);
    check_also(&base, "path:dir/x", &[]);
    assert_eq!(
        base.parse("path:dir/x").unwrap().to_string(),
        "path:build/out/x"
    );
}

#[test]
fn a_circle_of_links_is_named() {
    let (_dir, top) = repository();
    symlink("there", top.join("here")).unwrap();
    symlink("here", top.join("there")).unwrap();
    let base = Base::new(top.clone(), Some(top), None);
    for text in ["path:here", "path:here/x", "path:there/**"] {
        let message = base.named(text).unwrap_err().message;
        assert!(message.contains("cannot be resolved"), "{message}");
        assert!(message.contains("/repo/"), "{message}");
    }
}

#[test]
fn patterns_are_kept_and_their_heads_resolved() {
    check("src", "path:**/*.rs", "path:**/*.rs");
    check("src", "path:./**/*.rs", "path:src/**/*.rs");
    check("src", "path:../docs/*", "path:docs/*");
    check("", "path:*", "path:*");
    check("", r"path:a\*b", r"path:a\*b");
    check("", "path:app/[id]/page.tsx", "path:app/[id]/page.tsx");
}

#[test]
fn mistakes_are_named_as_typed() {
    let (_dir, top) = repository();
    let base = Base::new(top.clone(), Some(top), None);
    for (text, part) in [
        ("src/auth", "names no resource"),
        ("path:a**b", "names no resource"),
        ("path:*/../x", "after a wildcard"),
        ("path:", "needs"),
        ("", "needs"),
    ] {
        let error = base.parse(text).unwrap_err();
        assert!(error.message.contains(part), "{text}: {}", error.message);
    }
}

#[test]
fn a_path_that_is_only_here_is_doubted() {
    let (_dir, top) = repository();
    fs::write(top.join("src/my file"), "").unwrap();
    let doubt = |directory: &str, text: &str| {
        Base::new(top.join(directory), Some(top.clone()), None).doubt(text)
    };
    let said = |text: &str, here: &str| {
        Some(format!(
            "`{text}` starts at the top of the repository, where there is none: for the one here say {here}"
        ))
    };
    assert_eq!(doubt("src", "path:auth"), said("path:auth", "path:./auth"));
    assert_eq!(
        doubt("src", "path:auth/*.rs"),
        said("path:auth/*.rs", "'path:./auth/*.rs'")
    );
    assert_eq!(
        doubt("src", "path:my file"),
        said("path:my file", "'path:./my file'")
    );
    for (directory, text) in [
        ("", "path:auth"),
        ("src", "path:src"),
        ("src", "path:./auth"),
        ("src", "path:../src"),
        ("src", "path:absent"),
        ("src", "path:*.rs"),
        ("src", "path:."),
        ("src", "path:/etc"),
    ] {
        assert_eq!(doubt(directory, text), None, "{text} in {directory:?}");
    }
}
