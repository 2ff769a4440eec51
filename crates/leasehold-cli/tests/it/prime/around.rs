//! `prime` by who runs it, and where: inside of a guard, without a root, without a repository, beside a broken one.

use super::{project, write};
use crate::process::Ran;
use crate::repo::Repo;
use serde_json::json;
use std::fs;

#[test]
fn who_one_is_depends_on_what_is_set() {
    let repo = Repo::new();
    let line = |ran: Ran| ran.exits(0).stdout.lines().nth(4).unwrap().to_owned();
    let nameless = line(repo.leasehold("prime").run());
    assert!(nameless.contains("Set LEASEHOLD_SESSION"), "{nameless}");
    let named = line(repo.leasehold("prime --owner ada").run());
    assert!(
        named.starts_with("You are `ada@") && named.contains("known by that name"),
        "{named}"
    );
    let of_lokt = line(repo.leasehold("lokt prime").run());
    assert!(
        of_lokt.contains("Set LOKT_AGENT_ID (or LOKT_OWNER)"),
        "{of_lokt}"
    );
    let call = repo
        .leasehold("prime")
        .env("CLAUDE_CODE_SESSION_ID", "1b9d6bcd-7")
        .run();
    assert!(call.stdout.contains("queues, here for 1m40s"), "{call}");
    let session = line(call);
    assert!(
        session.starts_with("You are `claude-1b9d6bcd@"),
        "{session}"
    );
    assert!(session.contains("in session `1b9d6bcd-7`"), "{session}");
    repo.leasehold("prime")
        .env("LEASEHOLD_OWNER", "a\u{1b}b")
        .run()
        .exits(64);
}

#[test]
fn inside_a_guard_it_says_so() {
    let repo = Repo::new();
    let ran = repo
        .leasehold("guard build --owner ada -- leasehold prime")
        .run()
        .exits(0);
    let (_, rest) = ran
        .stdout
        .split_once("You run inside of a lease (")
        .unwrap();
    assert!(repo.log().contains(&rest[..8]), "{ran}");
    assert!(ran.stdout.contains("build                 held"), "{ran}");
    let stale = repo
        .leasehold("prime")
        .env("LEASEHOLD_LEASE", "0".repeat(31) + "1")
        .run()
        .exits(0);
    assert!(
        stale.stderr.contains("hint: unset LEASEHOLD_LEASE"),
        "{stale}"
    );
    assert!(!stale.stdout.contains("inside of a lease"), "{stale}");
}

#[test]
fn no_root_is_needed_and_none_is_made() {
    let repo = Repo::new();
    let held = "Nothing is held, waited for or frozen.";
    for words in [
        "prime",
        "prime --format claude-md",
        "prime --json",
        "lokt prime",
    ] {
        repo.leasehold(words).run().exits(0);
    }
    assert!(!repo.root().exists());
    let ran = repo
        .leasehold("prime --store file:/nowhere/leases")
        .run()
        .exits(0);
    assert_eq!(
        ran.stderr,
        "note: there is no lease directory at /nowhere/leases\n"
    );
    // Outside of git.
    let place = repo.file("outside");
    fs::create_dir(&place).unwrap();
    let ran = repo.leasehold("prime").dir(&place).run().exits(0);
    assert!(ran.stdout.contains(held), "{ran}");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
    // What was locked there is not forgotten when a repository is made around it.
    repo.leasehold("lock deploy").dir(&place).run().exits(0);
    let init = repo.call(repo.program("git"), ["init", "-q"].map(Into::into).to_vec());
    init.dir(&place).run().exits(0);
    let ran = repo.leasehold("prime").dir(&place).run().exits(0);
    assert!(
        ran.stderr.starts_with("warning: 1 lease is held in "),
        "{ran}"
    );
    assert!(ran.stdout.contains(held), "{ran}");
    // In a repository without a work tree.
    let bare = repo.file("bare");
    repo.git(&["init", "-q", "--bare", bare.to_str().unwrap()]);
    let ran = repo.leasehold("prime").dir(&bare).run().exits(0);
    assert!(ran.stdout.contains("Suggestions"), "{ran}");
}

#[test]
fn leases_that_cannot_be_read_are_said_and_the_rest_is_printed() {
    let repo = project();
    write(&repo, "root", "no directory");
    let root = repo.top().join("root");
    let prime = |words: &str| {
        repo.leasehold(words)
            .owner("ada")
            .env("LEASEHOLD_ROOT", &root)
            .run()
    };
    let ran = prime("prime").exits(1);
    assert!(ran.stderr.starts_with("error: LEASEHOLD_ROOT: "), "{ran}");
    assert!(ran.stdout.contains("What is held cannot be read"), "{ran}");
    assert!(ran.stdout.contains("| `build` | `make build` |"), "{ran}");
    assert!(ran.stdout.contains("## Never"), "{ran}");
    let told = prime("prime --json").exits(1).json();
    assert_eq!(
        (&told["code"], told["ok"].as_bool()),
        (&json!("error"), Some(false))
    );
    assert_eq!(told["operations"].as_array().unwrap().len(), 5);
    // What is in the file of a harness is not about leases that are held.
    prime("prime --format claude-md").exits(0);
    // A broken repository is one more reason.
    let place = repo.file("broken");
    fs::create_dir(&place).unwrap();
    fs::write(place.join(".git"), "gitdir: /nowhere\n").unwrap();
    let ran = repo.leasehold("prime").dir(&place).run().exits(1);
    assert!(ran.stderr.contains("/nowhere"), "{ran}");
    assert!(ran.stdout.contains("## After a no"), "{ran}");
}
