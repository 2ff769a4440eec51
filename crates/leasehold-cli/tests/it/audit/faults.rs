//! `audit` over all kinds of damage, while others write, rotate and drop, and with nobody left to read it.

use crate::process::{PATIENCE, eventually};
use crate::repo::{Repo, make_pipe};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

fn segment(repo: &Repo, number: u32) -> PathBuf {
    repo.root().join(format!("audit/{number:06}.jsonl"))
}

/// 64 long names: a guard of them writes 30 kB.
fn wide() -> Vec<String> {
    (0..64).map(|number| format!("{number:x>200}")).collect()
}

/// A guard of long names, so often that the log is worth a new segment.
fn fill(repo: &Repo, guards: u32) {
    let names = wide();
    for _ in 0..guards {
        let mut words = vec!["guard"];
        words.extend(names.iter().map(String::as_str));
        words.extend(["--", "true"]);
        repo.words(&words).run().exits(0);
    }
}

/// Two segments, with `first` in the one that nobody writes to any more, and `last` behind it.
fn two_segments() -> Repo {
    let repo = Repo::new();
    repo.leasehold("guard first -- true").run().exits(0);
    repo.leasehold("guard second -- true").run().exits(0);
    fill(&repo, 36);
    repo.leasehold("gc").run().exits(0);
    assert!(segment(&repo, 2).exists());
    repo.leasehold("guard last -- true").run().exits(0);
    repo
}

/// What was granted, by name.
fn granted(repo: &Repo) -> (Vec<String>, String) {
    let ran = repo
        .leasehold("audit --json --event granted")
        .run()
        .exits(0);
    let name = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["resources"][0]["resource"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let names = ran.stdout.lines().map(name);
    let mut names: Vec<String> = names.filter(|name| !name.contains('x')).collect();
    names.dedup();
    (names, ran.stderr)
}

#[test]
fn every_kind_of_damage_is_said_and_hides_nothing_else() {
    let repo = two_segments();
    let path = segment(&repo, 1);
    let log = fs::read(&path).unwrap();
    let second_line = log.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let with = |line: &[u8]| [&log[..second_line], line, &log[second_line..]].concat();
    let whole = String::from_utf8(log[second_line..].to_vec()).unwrap();
    let whole = whole.lines().next().unwrap();
    for (what, damaged) in [
        (
            "zeros",
            with(&[b"\0".repeat(300).as_slice(), b"\n"].concat()),
        ),
        ("an empty line", with(b"\n")),
        (
            "half a line",
            with(&[&whole.as_bytes()[..99], b"\n"].concat()),
        ),
        ("no text", with(b"\xff\xfe\x80\x1b[2J\n")),
        ("CRLF", with(&[whole.as_bytes(), b"\r\n"].concat())),
        (
            "a wrong checksum",
            with(format!("{}\n", whole.replace("first", "fists")).as_bytes()),
        ),
        (
            "a long line",
            with(&[b"x".repeat(20_000_000).as_slice(), b"\n"].concat()),
        ),
        ("no end", [log.as_slice(), b"{\"v\":1,\"at\":17"].concat()),
    ] {
        fs::write(&path, damaged).unwrap();
        let (names, said) = granted(&repo);
        assert_eq!(names, ["first", "second", "last"], "{what}: {said}");
        let line = "warning: audit/000001.jsonl, the line at offset";
        assert_eq!(said.matches(line).count(), 1, "{what}: {said}");
        assert!(said.contains("leasehold doctor --verify"), "{what}: {said}");
        // What holds now does not depend on it.
        repo.leasehold("lock last").owner("ada").run().exits(0);
        repo.leasehold("unlock last").owner("ada").run().exits(0);
        let ran = repo.leasehold("doctor --verify").run().exits(0);
        assert!(
            ran.stdout
                .contains("the audit is damaged, what holds now is not"),
            "{what}: {ran}"
        );
    }
}

/// What happened is wanted just when nothing works any more.
#[test]
fn what_is_written_to_may_be_damaged_too() {
    let repo = two_segments();
    let path = segment(&repo, 2);
    let log = fs::read_to_string(&path).unwrap();
    let (head, rest) = log.split_once('\n').unwrap();
    fs::write(&path, format!("{head}\nno line of the log\n{rest}")).unwrap();
    repo.leasehold("status").run().exits(1);
    let (names, said) = granted(&repo);
    assert_eq!(names, ["first", "second", "last"], "{said}");
    assert!(
        said.contains("warning: audit/000002.jsonl, the line at offset"),
        "{said}"
    );
    // Nothing but its name is left.
    fs::remove_file(&path).unwrap();
    let (names, said) = granted(&repo);
    assert_eq!(names, ["first", "second"], "{said}");
    assert!(
        said.contains("audit/000002.jsonl: it is not there any more"),
        "{said}"
    );
    fs::create_dir(&path).unwrap();
    let (names, said) = granted(&repo);
    assert_eq!(names, ["first", "second"], "{said}");
    assert!(said.contains("audit/000002.jsonl: it is no file"), "{said}");
}

#[test]
fn a_pipe_in_the_place_of_a_segment_is_not_waited_at() {
    let repo = two_segments();
    let path = segment(&repo, 1);
    fs::remove_file(&path).unwrap();
    make_pipe(&path);
    let (names, said) = granted(&repo);
    assert_eq!(names, ["last"], "{said}");
    assert!(said.contains("audit/000001.jsonl: it is no file"), "{said}");
    let ran = repo.leasehold("doctor --verify").run().exits(0);
    let damaged = "the audit is damaged, what holds now is not";
    assert!(ran.stdout.contains(damaged), "{ran}");
    repo.leasehold("gc --keep 0s").run().exits(0);
    assert!(!path.exists());
}

#[test]
fn who_is_refused_for_damage_is_told_where_to_look() {
    let repo = Repo::new();
    repo.leasehold("guard a -- true").run().exits(0);
    fs::write(segment(&repo, 1), "no log\n".repeat(200)).unwrap();
    let ran = repo.leasehold("guard a -- true").run().exits(1);
    assert!(
        ran.stderr
            .contains("hint: see what is wrong and what can be mended: leasehold doctor"),
        "{ran}"
    );
}

/// Eight write while segments begin and go: no line is lost or told twice, and the order is that of the log.
#[test]
fn a_follower_misses_nothing_while_others_write_and_collect() {
    const WRITERS: usize = 8;
    const EACH: usize = 12;
    let repo = two_segments();
    let follower = repo
        .leasehold("audit --follow --json --event granted")
        .start();
    // Whoever is told of this one is told of all that comes.
    let told = || {
        follower
            .stdout()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    eventually("the follower", PATIENCE, || {
        repo.leasehold("guard begin -- true").run().exits(0);
        told()
            .iter()
            .any(|line| line.contains("begin"))
            .then_some(())
    });
    let script = r#"for i in $(seq 12); do leasehold guard "w$1-$i" -- true || exit 1; done"#;
    let writer = |number: usize| {
        let words = ["-c", script, "sh", &number.to_string()].map(Into::into);
        repo.call(repo.program("sh"), words.to_vec()).start()
    };
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    for _ in 0..4 {
        // Long enough for new segments, and none is dropped that was not read: that is said otherwise.
        fill(&repo, 10);
        repo.leasehold("gc --keep 1h").run().exits(0);
    }
    for writer in writers {
        writer.end().exits(0);
    }
    repo.leasehold("guard end -- true").run().exits(0);
    eventually("the last line", PATIENCE, || {
        told()
            .iter()
            .any(|line| line.contains("\"end\""))
            .then_some(())
    });
    follower.signal(Signal::INT);
    let ran = follower.end().exits(0);
    assert_eq!(ran.stderr, "");
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let mut tokens = Vec::new();
    for line in ran.stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let name = event["resources"][0]["resource"].as_str().unwrap();
        tokens.push(event["token"].as_u64().unwrap());
        if name.starts_with('w') {
            *times.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(times.len(), WRITERS * EACH);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert!(
        tokens.windows(2).all(|pair| pair[0] < pair[1]),
        "{tokens:?}"
    );
    assert!(segment(&repo, 3).exists(), "no segment began");
}

/// What was dropped before it was read is named; what comes behind it is told.
#[test]
fn a_follower_goes_on_where_all_was_dropped() {
    let repo = two_segments();
    let follower = repo
        .leasehold("audit --follow --since 1h --event granted")
        .start();
    eventually("what was", PATIENCE, || {
        follower.stdout().contains(" last ").then_some(())
    });
    follower.signal(Signal::STOP);
    fill(&repo, 2);
    repo.leasehold("gc --keep 0s").run().exits(0);
    repo.leasehold("guard behind -- true").run().exits(0);
    follower.signal(Signal::CONT);
    eventually("what comes", PATIENCE, || {
        follower.stdout().contains(" behind ").then_some(())
    });
    follower.signal(Signal::TERM);
    let ran = follower.end().exits(0);
    assert_eq!(ran.stdout.matches(" behind ").count(), 1, "{ran}");
}

/// A follower holds nothing: killed, stopped or without a reader it is in nobody's way.
#[test]
fn a_follower_that_nobody_reads_ends_quietly() {
    let repo = two_segments();
    let mut command = repo.program(env!("CARGO_BIN_EXE_leasehold"));
    command.args(["audit", "--follow", "--json", "--since", "1h"]);
    let mut follower = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(follower.stdout.take());
    // It notices at the latest with the next thing that it has to tell.
    let status = eventually("its end", PATIENCE, || {
        repo.leasehold("guard more -- true").run().exits(0);
        follower.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
    let said = std::io::read_to_string(follower.stderr.take().unwrap()).unwrap();
    assert_eq!(said, "");
    // Killed.
    let follower = repo.leasehold("audit --follow").start();
    follower.signal(Signal::KILL);
    assert_eq!(follower.end().code(), -9);
    repo.leasehold("gc --keep 0s").run().exits(0);
    repo.leasehold("guard more -- true").run().exits(0);
}
