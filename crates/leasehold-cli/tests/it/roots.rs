//! Lease directories that are none, are not there, or are not the one that was meant.

use crate::process::Ran;
use crate::repo::Repo;
use insta::assert_snapshot;
use std::fs;
use std::path::Path;

#[test]
fn a_directory_with_something_else_in_it_is_left_alone() {
    let repo = Repo::new();
    let documents = repo.file("documents");
    fs::create_dir(&documents).unwrap();
    fs::write(documents.join("mutexes.txt"), "mine").unwrap();
    let mut said = String::new();
    for words in [
        "guard build -- true",
        "lock build",
        "status",
        "unlock build",
    ] {
        let call = repo.leasehold(words).env("LEASEHOLD_ROOT", &documents);
        said += &call.run().exits(1).to_string();
        let store = format!("{words} --store file:{}", documents.display());
        if !words.contains("--") {
            said += &repo.leasehold(&store).run().exits(1).to_string();
        }
    }
    let entries = fs::read_dir(&documents).unwrap().count();
    assert_eq!(entries, 1, "something was made there");
    assert_snapshot!(said);
    // A README is a README.
    fs::rename(documents.join("mutexes.txt"), documents.join("README")).unwrap();
    let lock = || {
        repo.leasehold("lock build")
            .env("LEASEHOLD_ROOT", &documents)
            .run()
    };
    assert!(lock().exits(1).stderr.contains("there is \"README\" in it"));
    // An empty directory is as good as none.
    fs::remove_file(documents.join("README")).unwrap();
    lock().exits(0);
    // One of ours without its `mutex` is found again.
    fs::remove_file(documents.join("mutex")).unwrap();
    let ran = lock().exits(2);
    assert!(ran.stderr.contains("`build` is held by"), "{ran}");
}

#[test]
fn a_variable_that_names_no_directory_is_named() {
    let repo = Repo::new();
    let file = repo.file("plain");
    fs::write(&file, "").unwrap();
    let mut said = String::new();
    for (root, code) in [("", 64), (file.to_str().unwrap(), 1)] {
        for words in ["status", "lock build"] {
            let ran = repo.leasehold(words).env("LEASEHOLD_ROOT", root).run();
            said += &ran.exits(code).to_string();
        }
    }
    let git_dir = repo.leasehold("status").env("GIT_DIR", "/no/such/place");
    said += &git_dir.run().exits(1).to_string();
    assert_snapshot!(said);
    // What `--store` says goes before it.
    let store = repo.leasehold("lock build --store file:../files/r");
    store.env("LEASEHOLD_ROOT", "").run().exits(0);
}

#[test]
fn who_only_looks_or_gives_back_makes_no_directory() {
    let repo = Repo::new();
    let outside = repo.file("outside");
    fs::create_dir(&outside).unwrap();
    let id = "0".repeat(32);
    let run = |words: &str, code: i32| -> Ran {
        let ran = repo
            .leasehold(words)
            .owner("ada")
            .dir(&outside)
            .run()
            .exits(code);
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{ran}");
        ran
    };
    let lines = [
        ("unlock b", 3),
        ("unlock --all", 3),
        ("unlock --owner bob", 3),
        ("unlock --stale", 3),
        ("unlock b --stale", 3),
        ("status", 0),
        ("status b", 3),
        ("why b", 0),
        ("exists b", 3),
        ("unfreeze b", 3),
    ];
    for (words, code) in lines {
        let ran = run(words, code);
        assert!(!ran.stderr.contains("lease directory"), "{ran}");
        // One that was named, and is not there, is most likely mistyped.
        let ran = run(&format!("{words} --store file:nowhere"), code);
        let said = "note: there is no lease directory at ";
        assert!(ran.stderr.contains(said), "{ran}");
    }
    for (words, code) in [("renew", 6), ("check", 6), ("unlock", 3)] {
        let ran = run(&format!("{words} --lease {id} --store file:nowhere"), code);
        assert!(
            ran.stderr.contains("note: there is no lease directory"),
            "{ran}"
        );
    }
    let json = run("status --json --store file:nowhere", 0).json();
    let note = json["notes"][0].as_str().unwrap();
    assert!(note.ends_with("/outside/nowhere"), "{note}");
}

#[test]
fn leases_from_before_a_repository_was_made_are_not_forgotten() {
    let repo = Repo::new();
    let project = repo.file("project");
    fs::create_dir_all(project.join("src")).unwrap();
    let run = |words: &str, directory: &str, code: i32| {
        let call = repo.leasehold(words).owner("ada");
        call.dir(project.join(directory)).run().exits(code)
    };
    run("lock a", "", 0);
    run("lock b", "", 0);
    repo.git(&["init", "-q", project.to_str().unwrap()]);
    let warning = |ran: &Ran| ran.stderr.contains("warning: 2 leases are held in ");
    for (words, directory) in [("status", ""), ("status", "src"), ("why a", "")] {
        let ran = run(words, directory, 0);
        assert!(warning(&ran), "{ran}");
    }
    // Said where the other directory is made, and not each time.
    let first = run("lock a", "", 0);
    assert!(warning(&first), "{first}");
    assert_eq!(run("lock c --ttl 1h", "", 0).stderr, "");
    // What it says to run shows them, and when they are gone nothing is said.
    let line = first
        .stderr
        .lines()
        .find(|line| line.starts_with("warning"))
        .unwrap();
    let store = line.rsplit(' ').next().unwrap();
    let shown = run(&format!("status --store {store}"), "", 0);
    assert_eq!(shown.stdout.lines().count(), 2, "{shown}");
    run(&format!("unlock --all --store {store}"), "", 0);
    assert_eq!(run("status", "", 0).stderr, "");
}

/// Runs `why` and `prime` where the repository cannot be written to.
#[test]
fn why_and_prime_say_that_this_user_could_not_ask() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    let script = "mount --bind \"$R\" \"$R\" && mount -o remount,ro,bind \"$R\" || exit 99; \
                  leasehold prime >/dev/null && exec leasehold why b";
    let mut unshare = repo.program("unshare");
    unshare.env("R", repo.root()).env("LEASEHOLD_OWNER", "ada");
    let words = ["-m", "sh", "-c", script].map(Into::into).to_vec();
    let ran = repo.call(unshare, words).run();
    if [1, 99].contains(&ran.code()) && !ran.stderr.contains("note:") {
        eprintln!("SKIPPED why_and_prime_say_that_this_user_could_not_ask: no mounts here: {ran}");
        return;
    }
    let ran = ran.exits(0);
    let notes = ran.stderr.matches("note: this user cannot write to ");
    assert_eq!(notes.count(), 2, "{ran}");
    let ran = repo.leasehold("why b").run().exits(0);
    assert!(!ran.stderr.contains("cannot write"), "{ran}");
}

/// One file has one name, whether the lease directory was found or named, and wherever one stands.
#[test]
fn a_named_directory_names_files_as_a_found_one_does() {
    let repo = Repo::new();
    let plain = repo.file("plain");
    fs::create_dir_all(plain.join("src")).unwrap();
    for place in [&plain, &repo.top()] {
        let lock = repo.leasehold("lock path:src").owner("ada").dir(place);
        lock.run().exits(0);
    }
    let in_src = |top: &Path| format!("path:{}/src/x", top.display());
    let marker = plain.join(".leasehold");
    for (root, here, name) in [
        (&marker, plain.clone(), "path:src".to_owned()),
        (&marker, plain.join("src"), "path:src/x".into()),
        (&marker, plain.join("src"), "path:./x".into()),
        (&marker, "/".into(), in_src(&plain)),
        (&repo.root(), "/".into(), in_src(&repo.top())),
    ] {
        let ask = repo.words(&["guard", &name, "--", "true"]).owner("bob");
        let ran = ask.dir(&here).env("LEASEHOLD_ROOT", root).run();
        assert_eq!(ran.code(), 2, "{name} from {}: {ran}", here.display());
    }
}
