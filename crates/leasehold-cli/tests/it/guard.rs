//! `guard`: the command's exit code, environment and streams; who is let in and who is not.

use crate::process::Ran;
use crate::repo::Repo;
use insta::assert_snapshot;
use std::fs::{self, File};

/// Reads what `--json-file` wrote.
fn report(repo: &Repo, name: &str) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(repo.file(name)).unwrap()).unwrap()
}

#[test]
fn exit_codes_pass_through() {
    let repo = Repo::new();
    for code in [0, 1, 2, 5, 6, 7, 64, 255] {
        let ran = repo
            .guard("build", &format!("exit {code}"))
            .run()
            .exits(code);
        assert_eq!(
            (ran.stdout, ran.stderr),
            (String::new(), String::new()),
            "exit {code}"
        );
    }
    for (signal, number) in [("TERM", 15), ("KILL", 9), ("SEGV", 11)] {
        repo.guard("build", &format!("kill -{signal} $$"))
            .run()
            .exits(128 + number);
    }
    repo.leasehold("exists build").run().exits(3);
}

#[test]
fn the_outcome_is_reported_apart_from_the_command() {
    let repo = Repo::new();
    let check = |words: &str, script: &str, code: i32| {
        let words = format!("{words} --json-file {}", repo.file("report").display());
        let ran = repo.guard(&words, script).owner("ada").run().exits(code);
        let report = report(&repo, "report");
        assert_eq!(
            (&report["verb"], &report["exit"]),
            (&"guard".into(), &code.into()),
            "{ran}"
        );
        report
    };
    let done = check("build", "exit 7", 7);
    assert_eq!((&done["ok"], &done["code"]), (&true.into(), &"ok".into()));
    assert_eq!(done["command"]["exit"], 7);
    assert_eq!(done["leases"][0]["resources"][0]["resource"], "build");
    let killed = check("build", "kill -TERM $$", 143);
    assert_eq!(killed["command"]["signal"], 15);
    let held = repo.hold("build");
    let refused = check("build", "true", 2);
    assert_eq!(
        (&refused["ok"], &refused["code"]),
        (&false.into(), &"held".into())
    );
    // Enough of the id to tell leases apart; the whole of it would be the proof.
    assert_eq!(refused["blockers"][0]["id"], held.lease[..8]);
    assert_eq!(refused["blockers"][0]["pid"], held.guard.pid());
    assert!(refused["command"].is_null() && refused["leases"].is_null());
    let wrong = check("deploy --lease 0123456789abcdef0123456789abcdef", "true", 6);
    assert_eq!(wrong["code"], "lost");
}

#[test]
fn the_command_knows_its_lease() {
    let repo = Repo::new();
    let show = |words: &str, owner: Option<&str>| {
        let call = repo.guard(words, "env | grep ^LEASEHOLD_ | grep -v _TEST_ | sort");
        let call = if let Some(owner) = owner {
            call.owner(owner)
        } else {
            call
        };
        let shown = call.run().exits(0).stdout;
        let (_, held) = shown.split_once("LEASEHOLD_HELD=").unwrap();
        let lease = shown
            .split_once("LEASEHOLD_LEASE=")
            .unwrap()
            .1
            .lines()
            .next()
            .unwrap();
        assert!(
            held.lines().next().unwrap().ends_with(&format!("={lease}")),
            "{shown}"
        );
        shown
    };
    assert_snapshot!(show("build", Some("ada")), @r"
    LEASEHOLD_HELD=[id]=[id]
    LEASEHOLD_LEASE=[id]
    LEASEHOLD_OWNER=ada
    LEASEHOLD_RESOURCE=build
    LEASEHOLD_TOKEN=[token]
    ");
    assert_snapshot!(show("path:src/ issue:7 --ttl 5m", Some("ada")), @r"
    LEASEHOLD_EXPIRES=[date]
    LEASEHOLD_HELD=[id]=[id]
    LEASEHOLD_LEASE=[id]
    LEASEHOLD_OWNER=ada
    LEASEHOLD_RESOURCE=issue:7 path:src
    LEASEHOLD_TOKEN=[token]
    ");
    assert_snapshot!(show("gpu --slots 2", Some("ada")), @r"
    LEASEHOLD_HELD=[id]=[id]
    LEASEHOLD_LEASE=[id]
    LEASEHOLD_OWNER=ada
    LEASEHOLD_RESOURCE=gpu
    LEASEHOLD_SLOT=0
    LEASEHOLD_TOKEN=[token]
    ");
    // Whoever has no name of his own does not get one by being shown.
    let nameless = show("build", None);
    let owner = nameless
        .split_once("LEASEHOLD_OWNER=")
        .unwrap()
        .1
        .lines()
        .next()
        .unwrap();
    assert!(
        nameless.contains(&format!("LEASEHOLD_NAMELESS={owner}\n")),
        "{nameless}"
    );
    assert!(show("build --owner bob", Some("ada")).contains("LEASEHOLD_OWNER=bob\n"));
}

#[test]
fn streams_are_the_commands_own() {
    let repo = Repo::new();
    fs::write(repo.file("in"), "hello\n").unwrap();
    let call = repo
        .guard("build", "cat; echo talk >&2")
        .stdin(File::open(repo.file("in")).unwrap());
    let ran = call.run().exits(0);
    assert_eq!(
        (ran.stdout, ran.stderr),
        ("hello\n".into(), "talk\n".into())
    );
}

#[test]
fn a_second_guard_is_refused_and_told_what_to_do() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| repo.guard("build", script).owner("ada"));
    let ran = repo
        .leasehold("guard build -- make build")
        .owner("bob")
        .run()
        .exits(2);
    assert_snapshot!(
        ran.to_string()
            .replace(&held.guard.pid().to_string(), "[guard]")
    );
    held.end().exits(0);
    assert_eq!(repo.try_guard("build"), 0);
}

#[test]
fn one_owner_excludes_itself() {
    let repo = Repo::new();
    let held = repo.hold_call("h", |script| {
        repo.guard("build", script).owner("ada").session("s")
    });
    repo.guard("build", "true")
        .owner("ada")
        .session("s")
        .run()
        .exits(2);
    repo.guard("build --read", "true")
        .owner("ada")
        .run()
        .exits(2);
    held.end().exits(0);
}

#[test]
fn readers_share_and_writers_do_not() {
    let repo = Repo::new();
    let first = repo.hold("docs --read");
    let second = repo.hold("docs --intent depends-on");
    assert_eq!(repo.status("docs")["leases"].as_array().unwrap().len(), 2);
    assert_eq!(repo.try_guard("docs"), 2);
    first.end().exits(0);
    assert_eq!(repo.try_guard("docs"), 2);
    second.end().exits(0);
    let writer = repo.hold("docs");
    assert_eq!(repo.try_guard("docs --read"), 2);
    writer.end().exits(0);
}

#[test]
fn several_are_taken_all_or_none() {
    let repo = Repo::new();
    let held = repo.hold("b");
    let script = format!("touch {}", repo.file("ran").display());
    repo.guard("a b c", &script).run().exits(2);
    for free in ["a", "c"] {
        repo.leasehold(&format!("exists {free}")).run().exits(3);
    }
    assert!(!repo.file("ran").exists());
    held.end().exits(0);
    let all = repo.hold("a b c");
    for name in ["a", "b", "c"] {
        assert_eq!(repo.lease(name)["id"], *all.lease, "{name}");
        assert_eq!(repo.try_guard(name), 2, "{name}");
    }
    all.end().exits(0);
    assert_eq!(repo.try_guard("c b a"), 0);
}

#[test]
fn flags_stand_before_or_after_names() {
    let repo = Repo::new();
    let held = repo.hold("--ttl 5m --owner ada a --read b --priority 3");
    let lease = repo.lease("a");
    let intents = lease["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|claim| &claim["intent"]);
    assert_eq!(intents.collect::<Vec<_>>(), ["consumes", "consumes"]);
    assert_eq!(lease["owner"], "ada");
    assert!(
        lease["expires_in_ms"].as_u64().unwrap() > 290_000,
        "{lease}"
    );
    held.end().exits(0);
    // What follows `--` is the command's, whatever it looks like.
    let ran = repo.leasehold("guard a -- echo --read -- b").run().exits(0);
    assert_eq!(ran.stdout, "--read -- b\n");
}

#[test]
fn a_lease_is_renewed_while_its_command_runs() {
    let repo = Repo::new();
    let held = repo.hold("build --ttl 2s");
    let renewals = || crate::log::events(&repo, "renewed").len();
    // Each at half of the time: after the second the first lifetime is over.
    crate::process::eventually("two renewals", crate::process::PATIENCE, || {
        (renewals() >= 2).then_some(())
    });
    assert_eq!(repo.try_guard("build"), 2);
    let words = format!("check --lease {} --token {}", held.lease, held.token);
    repo.leasehold(&words).run().exits(0);
    held.end().exits(0);
}

#[test]
fn one_at_a_time_whatever_the_number() {
    let repo = Repo::new();
    // Reads, waits for a moment and writes: a lost update shows in the sum.
    let script = r#"read n < "$D/sum"; sleep 0.001; echo $((n + 1)) > "$D/sum""#;
    fs::write(repo.file("sum"), "0\n").unwrap();
    let start = |_| repo.guard("sum --wait", script).start();
    let guards: Vec<_> = (0..20).map(start).collect();
    let ended: Vec<Ran> = guards
        .into_iter()
        .map(crate::process::Running::end)
        .collect();
    assert!(ended.iter().all(|ran| ran.code() == 0));
    assert_eq!(repo.appears("sum"), "20");
}

#[test]
fn another_exit_code_than_2_may_stand_for_held() {
    let repo = Repo::new();
    repo.lock("a", "ada");
    let report = repo.file("report.json");
    let words = format!("a -E 75 --json-file {}", report.display());
    repo.guard(&words, "true").run().exits(75);
    let told: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!((&told["code"], &told["exit"]), (&"held".into(), &75.into()));
    assert_eq!(repo.try_guard("a -E 0 --wait --timeout 10ms"), 0);
    repo.leasehold("freeze b --ttl 1h").run().exits(0);
    assert_eq!(repo.try_guard("b -E 75"), 75);
    // The command's own 2 stays what it is, and so do our other codes.
    repo.guard("c -E 75", "exit 2").run().exits(2);
    assert_eq!(repo.try_guard("c -E 75 --ttl 5"), 64);
}
