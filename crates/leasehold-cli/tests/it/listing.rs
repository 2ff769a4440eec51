//! All that there is, listed at once: what each name shows by itself, whatever its leases are like.

use crate::repo::Repo;
use serde_json::Value;

/// The leases of an answer, without what passes.
fn leases(repo: &Repo, words: &[&str]) -> Vec<Value> {
    let mut answer = repo.words(words).run().exits(0).json();
    let mut leases = answer["leases"].as_array_mut().unwrap().clone();
    for lease in &mut leases {
        let members = lease.as_object_mut().unwrap();
        members.retain(|name, _| {
            !["granted_at", "held_ms", "expires_at", "expires_in_ms"].contains(&&**name)
        });
    }
    leases
}

/// The lines of leases, without times.
fn lines(repo: &Repo, words: &[&str]) -> Vec<String> {
    let ran = repo.words(words).run().exits(0);
    let steady = |line: &str| {
        let parts = line.split("  ").map(str::trim);
        let is_time =
            |part: &str| part.starts_with("ttl ") || part.starts_with(|c: char| c.is_ascii_digit());
        let parts = parts.filter(|part| !part.is_empty() && !is_time(part));
        parts.collect::<Vec<_>>().join("|")
    };
    let held = ran.stdout.lines().filter(|line| line.contains("  held  "));
    held.map(steady).collect()
}

#[test]
fn what_is_listed_at_once_is_what_each_name_shows() {
    let repo = Repo::new();
    let lock = |owner: &str, words: &[&str]| {
        let words = [&["lock"], words].concat();
        repo.words(&words).owner(owner).run().exits(0);
    };
    lock("ada", &["build"]);
    lock("ad\u{e9} \"x\\y\" \u{202e}", &["hostile"]);
    lock(
        "ada",
        &["path:src/a b", "path:lib/**", "issue:7", "--ttl", "none"],
    );
    lock("bob", &["gpu", "--slots", "2"]);
    lock("bob", &["read", "--read"]);
    let held = repo.hold("scoped");
    lock("eve", &["path:docs", "--ttl", "2h"]);
    repo.leasehold("unlock read").owner("bob").run().exits(0);
    repo.leasehold("freeze cold --ttl 1h").run().exits(0);
    for collected in [false, true] {
        if collected {
            repo.leasehold("gc").run().exits(0);
        }
        let (all, all_lines) = (
            leases(&repo, &["status", "--json"]),
            lines(&repo, &["status"]),
        );
        assert_eq!((all.len(), all_lines.len()), (6, 6), "{all_lines:?}");
        for (lease, line) in all.iter().zip(&all_lines) {
            let name = lease["resources"][0]["resource"].as_str().unwrap();
            assert_eq!(
                leases(&repo, &["status", name, "--json"]),
                std::slice::from_ref(lease)
            );
            assert_eq!(lines(&repo, &["status", name]), std::slice::from_ref(line));
        }
        let tokens: Vec<_> = all.iter().map(|lease| lease["token"].as_u64()).collect();
        assert!(tokens.is_sorted(), "{tokens:?}");
        let ran = repo.leasehold("status --json").run().exits(0).json();
        assert_eq!(ran["message"], "6 held, 0 waiting, 1 frozen");
        assert_eq!(ran["freezes"][0]["resource"], "cold");
    }
    held.end().exits(0);
}

/// It is written in pieces of 64 kB, which end anywhere.
#[test]
fn a_long_answer_is_whole_and_harmless() {
    let repo = Repo::new();
    let name = |lock: u32, place: u32| {
        format!(
            "path:{}/{lock}-{place}",
            "\u{e9}".repeat(30 + lock as usize)
        )
    };
    for lock in 0..20 {
        let names: Vec<String> = (0..30).map(|place| name(lock, place)).collect();
        let mut words = vec!["lock"];
        words.extend(names.iter().map(String::as_str));
        let owner = format!("\u{202e}{lock}");
        repo.words(&words).owner(&owner).run().exits(0);
    }
    let ran = repo.leasehold("status --json").run();
    assert!(ran.stdout.len() > 66_000 && !ran.stdout.contains('\u{202e}'));
    let answer = ran.exits(0).json();
    let leases = answer["leases"].as_array().unwrap();
    assert_eq!(leases.len(), 20);
    for (lock, lease) in (0..).zip(leases) {
        assert_eq!(lease["owner"], format!("\u{202e}{lock}"));
        let resources = lease["resources"].as_array().unwrap();
        let names: Vec<String> = (0..30).map(|place| name(lock, place)).collect();
        let found = resources
            .iter()
            .map(|claim| claim["resource"].as_str().unwrap().to_owned());
        let (mut found, mut names) = (found.collect::<Vec<_>>(), names);
        found.sort();
        names.sort();
        assert_eq!(found, names);
    }
    let ran = repo.leasehold("status").run().exits(0);
    assert!(ran.stdout.len() > 30_000 && !ran.stdout.contains('\u{202e}'));
    assert_eq!(ran.stdout.lines().count(), 20);
}
