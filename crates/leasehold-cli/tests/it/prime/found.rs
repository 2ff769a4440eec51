//! What is taken for guarded, and what is suggested where nothing is.

use super::{operations, told, write};
use crate::repo::Repo;
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;

fn text<'a>(operation: &'a Value, name: &str) -> &'a str {
    operation[name].as_str().unwrap_or_default()
}

/// Each operation as `NAMES: RUN, not RAW`.
fn found(repo: &Repo) -> Vec<String> {
    let line = |operation: &Value| {
        let names: Vec<&str> = operation["names"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_str().unwrap())
            .collect();
        let (run, raw) = (text(operation, "run"), text(operation, "instead_of"));
        format!("{}: {run}, not {raw}", names.join(" "))
    };
    operations(repo).iter().map(line).collect()
}

#[test]
fn scripts_are_run_as_they_can_be() {
    let repo = Repo::new();
    let line = "leasehold guard a -- b\n";
    write(&repo, "top.sh", format!("#!/bin/sh\n{line}"));
    write(&repo, "bin/tool", format!("#!/usr/bin/env bash\n{line}"));
    write(&repo, "bin/a b.sh", format!("#!/bin/sh\n{line}"));
    write(&repo, "plain.sh", line);
    write(&repo, "plain.bash", line);
    write(&repo, "sub/Makefile", format!("x:\n\t{line}"));
    write(
        &repo,
        "sub/package.json",
        r#"{"scripts": {"y": "leasehold guard a -- b"}}"#,
    );
    write(&repo, "justfile", format!("z:\n  {line}"));
    write(&repo, "sub/rules.mk", format!("included:\n\t{line}"));
    assert_eq!(
        found(&repo),
        [
            "a: 'bin/a b.sh', not b",
            "a: bin/tool, not b",
            "a: just z, not b",
            "a: bash plain.bash, not b",
            "a: sh plain.sh, not b",
            "a: make -C sub x, not b",
            "a: npm --prefix sub run y, not b",
            "a: make included, not b",
            "a: ./top.sh, not b",
        ]
    );
}

#[test]
fn only_what_a_shell_would_run_counts_and_once() {
    let repo = Repo::new();
    let script = "#!/bin/sh\n\
        # leasehold guard comment -- x\n\
        # so; leasehold guard comment -- x\n\
        true # && leasehold guard trailing -- x\n\
        echo \"run: leasehold guard quoted -- x\"\n\
        cat <<EOF\nleasehold guard document -- x\nEOF\n\
        USAGE='\nleasehold guard text -- x\n'\n\
        if lokt guard --ttl 5m yes \\\n  -- make \"a b\"; then :; fi\n\
        lokt guard --ttl 1m yes -- make \"a b\"\n\
        leasehold guard \"build-$1\" x --wait -- \"$@\"\n\
        leasehold guard self -- \"$0\" --inside\n";
    write(&repo, "s.sh", script);
    write(&repo, "page.md", "leasehold guard page -- x\n");
    write(&repo, "notes.txt", "leasehold guard notes -- x\n");
    write(&repo, "ci.yml", "run: leasehold guard ci -- x\n");
    write(
        &repo,
        ".husky/pre-push",
        "#!/bin/sh\nleasehold guard hook -- x\n",
    );
    write(
        &repo,
        "node_modules/m/x.sh",
        "leasehold guard module -- x\n",
    );
    write(
        &repo,
        "tool",
        "#!/usr/bin/env python3\nleasehold guard python -- x\n",
    );
    write(
        &repo,
        "package.json",
        r#"{"//": "leasehold guard json -- x"}"#,
    );
    assert_eq!(
        found(&repo),
        [
            "yes: ./s.sh, not make \"a b\"",
            "build-$1 x: ./s.sh COMMAND, not ",
            "self: ./s.sh, not ",
        ]
    );
}

#[test]
fn aliases_are_those_that_git_would_run() {
    let repo = Repo::new();
    let settings = repo.file("gitconfig");
    fs::write(
        &settings,
        "[alias]\np = !lokt guard mine -- a\nq = !lokt guard q -- b\n",
    )
    .unwrap();
    repo.git(&["config", "alias.p", "!lokt guard ours -- c"]);
    repo.git(&["config", "alias.st", "lokt guard none -- d"]);
    let call = repo
        .leasehold("prime --json")
        .env("GIT_CONFIG_GLOBAL", &settings);
    let told = call.run().exits(0).json();
    let runs: Vec<(&str, &str)> = told["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| (text(operation, "run"), text(operation, "file")))
        .collect();
    assert_eq!(
        runs,
        [("git p", ".git/config"), ("git q", "GIT_CONFIG_GLOBAL")]
    );
    // Those of the user's home.
    fs::copy(&settings, repo.top().with_file_name(".gitconfig")).unwrap();
    let call = repo.leasehold("prime --json").env("GIT_CONFIG_GLOBAL", "");
    let told = call.run().exits(0).json();
    assert_eq!(told["operations"][1]["file"], "~/.gitconfig");
}

#[test]
fn much_is_told_in_short() {
    let repo = Repo::new();
    for number in 0..20 {
        repo.lock(&format!("thing-{number}"), "ada");
    }
    let page = repo.leasehold("prime").owner("ada").run().exits(0).stdout;
    assert_eq!(page.matches("held     ada").count(), 12);
    assert!(
        page.contains("\nAnd 8 more. To look again: `leasehold status`.\n"),
        "{page}"
    );
}

#[test]
fn where_nothing_is_guarded_suggestions_are_made_that_run() {
    let repo = Repo::new();
    write(&repo, "Makefile", "build:\n\ttrue\nother:\n\ttrue\n");
    write(
        &repo,
        "package.json",
        r#"{"scripts": {"build": "x", "test": "x"}}"#,
    );
    write(&repo, "Cargo.toml", "");
    write(&repo, "db/migrate/1.sql", "");
    repo.git(&["remote", "add", "origin", "/nowhere"]);
    let told = told(&repo);
    assert_eq!(
        told["suggestions"],
        json!([
            {"run": "leasehold guard build --wait -- make build", "because": "a target of the Makefile"},
            {"run": "leasehold guard test --wait -- npm run test", "because": "a script of package.json"},
            {"run": "leasehold lock path:db/migrate --wait --ttl 30m",
             "because": "before you add one to db/migrate; unlock it when it is committed"},
            {"run": "leasehold guard git-push --wait -c 'git pull --rebase && git push'",
             "because": "there is a git remote"},
        ])
    );
    let lokts = repo
        .leasehold("lokt prime")
        .owner("ada")
        .run()
        .exits(0)
        .stdout;
    let suggestions: Vec<&str> = lokts.lines().filter(|line| line.ends_with(')')).collect();
    assert_snapshot!(suggestions.join("\n"));
    // The programs stand in for those that they are named after; the words of leasehold are real.
    let bin = repo.file("bin");
    fs::create_dir(&bin).unwrap();
    for program in ["make", "npm", "git"] {
        let path = bin.join(program);
        fs::write(
            &path,
            format!("#!/bin/sh\necho {program} \"$@\" >> \"$D/ran\"\n"),
        )
        .unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    for page in [
        told,
        repo.leasehold("prime --json --owner bob")
            .run()
            .exits(0)
            .json(),
    ] {
        for suggestion in page["suggestions"].as_array().unwrap() {
            let run = format!("PATH=\"$D/bin:$PATH\"; {}", text(suggestion, "run"));
            let call = repo.call(repo.program("sh"), vec!["-c".into(), run.into()]);
            call.owner("ada").run().exits(0);
        }
    }
    let ran = "make build\nnpm run test\ngit pull --rebase\ngit push\n";
    assert_eq!(fs::read_to_string(repo.file("ran")).unwrap(), ran.repeat(2));
    assert_eq!(repo.lease("path:db/migrate")["owner"], "ada");
}
