//! `doctor`: what is found, what is mended, and that looking changes nothing.

use crate::repo::Repo;
use crate::standing::check;
use insta::assert_snapshot;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn findings(repo: &Repo, words: &str, code: i32) -> Vec<(String, String)> {
    let call = repo.leasehold(format!("doctor --json {words}").trim_end());
    let told = call.owner("ada").run().exits(code).json();
    assert_eq!(
        (&told["verb"], told["exit"].as_i64()),
        (&"doctor".into(), Some(code.into()))
    );
    let all = told["findings"].as_array().unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    for finding in all.iter().filter(|finding| finding["grade"] != "ok") {
        assert!(
            !text(finding, "hint").is_empty(),
            "{finding}: what is there to do?"
        );
    }
    all.iter()
        .map(|f| (text(f, "check"), text(f, "grade")))
        .collect()
}

fn not_ok(repo: &Repo, words: &str, code: i32) -> Vec<(String, String)> {
    let mut found = findings(repo, words, code);
    // Where the tests run may be in memory.
    found.retain(|(check, grade)| grade != "ok" && check != "file system");
    found
}

fn pairs(found: &[(&str, &str)]) -> Vec<(String, String)> {
    found
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

/// The lines for people, but for those on the machine.
fn said(repo: &Repo, words: &str, code: i32) -> String {
    let ran = repo.leasehold(words).owner("ada").run().exits(code);
    // What depends on the machine, the umask and the length of the host's name is left out.
    let varies = ["file system", "clocks", "tmpfs", "  rights  ", "  log  "];
    let stays = |line: &&str| varies.iter().all(|word| !line.contains(word));
    ran.stdout
        .lines()
        .filter(stays)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn what_is_well_is_said_and_nothing_is_changed() {
    let repo = Repo::new();
    assert_eq!(not_ok(&repo, "", 0), []);
    assert!(!repo.root().exists(), "looking leaves no trace");
    repo.lock("deploy", "ada");
    let before = repo.fingerprint();
    assert_snapshot!(said(&repo, "doctor --verify", 0));
    assert_eq!(not_ok(&repo, "--verify", 0), []);
    assert!(repo.fingerprint() == before);
}

#[test]
fn damaged_records_are_found_and_made_again() {
    let repo = Repo::new();
    repo.lock("deploy build", "ada");
    fs::write(repo.root().join("records/name/deploy"), "junk\n").unwrap();
    fs::remove_file(repo.root().join("records/name/build")).unwrap();
    assert_eq!(
        not_ok(&repo, "--verify", 1),
        pairs(&[("verify", "failure")])
    );
    assert_snapshot!(said(&repo, "doctor --repair", 0));
    assert_eq!(not_ok(&repo, "--verify", 0), []);
    assert_eq!(repo.try_guard("build"), 2, "it is held still");
}

#[test]
fn a_damaged_log_is_begun_anew_where_the_records_are_whole() {
    let repo = Repo::new();
    let token = repo.lock("deploy", "ada");
    let path = repo.root().join("audit/000001.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    fs::write(&path, log.replacen("ada", "eve", 1)).unwrap();
    // Who asks is judged by the records; what needs the log says no.
    repo.leasehold("status").run().exits(1);
    assert_eq!(repo.try_guard("deploy"), 2);
    assert_eq!(
        not_ok(&repo, "--verify", 1),
        pairs(&[("verify", "failure"), ("leases", "failure")])
    );
    assert_eq!(
        not_ok(&repo, "--repair", 0),
        pairs(&[("verify", "warning")])
    );
    assert_eq!(repo.lease("deploy")["id"], token);
    assert_eq!(repo.try_guard("deploy"), 2);
    assert_eq!(repo.try_guard("other"), 0);
}

#[test]
fn what_cannot_be_mended_is_left_and_said() {
    let repo = Repo::new();
    repo.lock("deploy", "ada");
    let path = repo.root().join("audit/000001.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    fs::write(&path, log.replacen("ada", "eve", 1)).unwrap();
    fs::write(repo.root().join("records/name/deploy"), "junk\n").unwrap();
    let before = repo.fingerprint();
    let found = not_ok(&repo, "--repair", 1);
    assert!(
        found.contains(&("repair".into(), "failure".into())),
        "{found:?}"
    );
    assert!(repo.fingerprint() == before);
    repo.leasehold("guard deploy -- true").run().exits(1);
}

#[test]
fn scripts_that_guard_half_are_named() {
    let repo = Repo::new();
    fs::create_dir_all(repo.top().join("scripts")).unwrap();
    fs::create_dir_all(repo.top().join("node_modules/x")).unwrap();
    let line = "leasehold guard git-push -- git pull --rebase && git push\n";
    fs::write(
        repo.top().join("scripts/push.sh"),
        format!("#!/bin/sh\n{line}"),
    )
    .unwrap();
    fs::write(
        repo.top().join("AGENTS.md"),
        format!("Run `{}` to push.\n", line.trim()),
    )
    .unwrap();
    fs::write(
        repo.top().join("Makefile"),
        "push:\n\tleasehold guard p -c 'a && b'\n",
    )
    .unwrap();
    fs::write(repo.top().join("node_modules/x/y.sh"), line).unwrap();
    fs::write(repo.top().join("data.bin"), line).unwrap();
    assert_snapshot!(said(&repo, "doctor", 0));
}

#[test]
fn the_nameless_are_told_what_to_set() {
    let repo = Repo::new();
    let told = repo.leasehold("doctor --json").run().exits(0).json();
    let all = told["findings"].as_array().unwrap();
    let who = all
        .iter()
        .find(|finding| finding["check"] == "identity")
        .unwrap();
    assert_eq!(who["grade"], "warning");
    assert!(
        who["hint"].as_str().unwrap().contains("LEASEHOLD_SESSION"),
        "{who}"
    );
}

#[test]
fn a_lease_in_the_environment_that_is_gone_is_a_failure() {
    let repo = Repo::new();
    let id = repo.lock("a", "ada");
    repo.leasehold("unlock a").owner("ada").run().exits(0);
    let call = repo.leasehold("doctor --json").env("LEASEHOLD_LEASE", &id);
    let told = call.run().exits(1).json();
    let all = told["findings"].as_array().unwrap();
    assert!(
        all.iter()
            .any(|f| f["check"] == "environment" && f["grade"] == "failure"),
        "{told}"
    );
}

#[test]
fn orphans_and_the_dead_are_told() {
    let repo = Repo::new();
    let mut held = repo.hold("build");
    held.kill_guard();
    assert_eq!(not_ok(&repo, "", 0), pairs(&[("leases", "warning")]));
    let said = said(&repo, "doctor", 0);
    assert!(
        said.contains("1 lease whose guard is dead, whose command still runs: `build`"),
        "{said}"
    );
    held.open();
}

#[test]
fn a_root_that_all_may_write_to_or_none_is_told() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    fs::set_permissions(repo.root(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(not_ok(&repo, "", 0), pairs(&[("rights", "warning")]));
    fs::set_permissions(repo.root(), fs::Permissions::from_mode(0o755)).unwrap();
    // A file in its place.
    fs::write(repo.file("root"), "x").unwrap();
    let call = repo
        .leasehold("doctor --json")
        .env("LEASEHOLD_ROOT", repo.file("root/below"));
    let told = call.run().exits(1).json();
    assert_eq!(told["findings"][1]["grade"], "failure", "{told}");
}

#[test]
fn flags_that_are_none_are_refused() {
    let repo = Repo::new();
    assert_snapshot!(check(
        &repo,
        &[("", "doctor --mend", 64), ("", "doctor build", 64)]
    ));
}
