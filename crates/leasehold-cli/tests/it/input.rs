//! What makes no sense is refused, named as it was typed, and changes nothing.

use crate::process::{Call, Ran};
use crate::repo::Repo;
use insta::assert_snapshot;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// A repository in which something happened already, and what is said in it.
struct Refusals {
    repo: Repo,
    said: String,
}

impl Refusals {
    fn new() -> Self {
        let repo = Repo::new();
        repo.lock("issue:1", "ada");
        Self {
            repo,
            said: String::new(),
        }
    }

    /// Runs what must be refused.
    fn check(&mut self, code: i32, call: impl FnOnce(&Repo) -> Call) -> Ran {
        let before = self.repo.fingerprint();
        let ran = call(&self.repo).owner("ada").run().exits(code);
        assert_eq!(ran.stdout, "", "{ran}");
        assert!(!self.repo.file("ran").exists(), "the command ran: {ran}");
        assert!(
            self.repo.fingerprint() == before,
            "something changed: {ran}"
        );
        write!(self.said, "{ran}").unwrap();
        ran
    }

    /// Runs `guard` with these words, which must be refused as usage.
    fn guard(&mut self, words: &[&str]) -> Ran {
        self.check(64, |repo| {
            let path = repo.file("ran");
            let all = ["guard"]
                .iter()
                .chain(words)
                .chain(&["--", "touch"])
                .copied();
            repo.words(&all.chain([path.to_str().unwrap()]).collect::<Vec<_>>())
        })
    }

    fn leasehold(&mut self, code: i32, words: &str) -> Ran {
        self.check(code, |repo| repo.leasehold(words))
    }
}

/// Shortens what is long for its own sake.
fn shortened(text: &str) -> String {
    text.replace(&"x".repeat(2_000), "[2000 x]")
        .replace(&"y".repeat(201), "[201 y]")
}

#[test]
fn names_that_are_none_are_refused_as_typed() {
    let mut refusals = Refusals::new();
    let long = "x".repeat(2_000);
    for name in [
        "",
        " ",
        "a\tb",
        "a\u{202e}b",
        "Foo:x",
        ":x",
        "foo:",
        "a/b",
        "a/b:c",
        "path:",
        &long,
    ] {
        let ran = refusals.guard(&[name]);
        assert!(ran.stderr.contains(&format!("{name:?}")), "{ran}");
    }
    for path in [
        "path:a**b",
        "path:{a,b}",
        "path:*/../x",
        "path: a",
        r"path:a\",
    ] {
        refusals.guard(&[path]);
    }
    for verb in ["lock", "unlock", "status", "exists"] {
        refusals.leasehold(64, &format!("{verb} Foo:x"));
    }
    assert_snapshot!(shortened(&refusals.said));
}

#[test]
fn more_names_than_the_limit_are_refused() {
    let mut refusals = Refusals::new();
    let names: Vec<String> = (0..65).map(|number| format!("n{number}")).collect();
    let ran = refusals.guard(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_snapshot!(ran.stderr, @r"
    error: 65 resources in one request: more than 64
    hint: ask for a tree that has them, such as path:src
    ");
}

#[test]
fn lifetimes_that_are_none_are_refused() {
    let mut refusals = Refusals::new();
    let wrong = [
        "", "5", "1h30", "0s", "0", "-5s", "1.5h", "5x", "m", "3651d", "5s1m",
    ];
    for ttl in wrong
        .into_iter()
        .chain(["99999999999999999999s", "18446744073709551615ms"])
    {
        refusals.guard(&["build", &format!("--ttl={ttl}")]);
    }
    refusals.leasehold(64, "lock build --ttl=5");
    refusals.leasehold(64, &format!("renew --lease {} --ttl=0s", "0".repeat(32)));
    assert_snapshot!(refusals.said);
}

#[test]
fn limits_of_a_wait_that_are_none_are_refused() {
    let mut refusals = Refusals::new();
    refusals.guard(&["build", "--timeout", "5s"]);
    for timeout in ["5", "0s", "", "99999999999999999999d"] {
        refusals.guard(&["build", "--wait", &format!("--timeout={timeout}")]);
    }
    refusals.guard(&["build", "--stop-grace", "5"]);
    refusals.guard(&["build", "--stop-signal", "BOGUS"]);
    refusals.guard(&["build", "--priority", "low"]);
    assert_snapshot!(refusals.said);
}

#[test]
fn intents_that_contradict_are_refused() {
    let mut refusals = Refusals::new();
    refusals.guard(&["build", "--read", "--intent", "mutates"]);
    refusals.guard(&["build", "--intent", "guesses"]);
    refusals.guard(&["path:a", "--intent", "renames"]);
    refusals.guard(&["build", "--read", "--slots", "2"]);
    refusals.guard(&["build", "--intent", "mutates", "--slots", "2"]);
    assert_snapshot!(refusals.said);
}

#[test]
fn pools_that_contradict_are_refused() {
    let mut refusals = Refusals::new();
    for slots in [
        "0",
        "-1",
        "x",
        "",
        "99999999999",
        "65537",
        "gpu=0",
        "gpu=",
        "tpu=2",
    ] {
        refusals.guard(&["gpu", &format!("--slots={slots}")]);
    }
    refusals.guard(&["gpu", "tpu", "--slots", "2"]);
    refusals.guard(&["gpu", "tpu", "--slots", "2", "--slots", "tpu=2"]);
    refusals.guard(&["path:gpu", "--slots", "2"]);
    for twice in ["gpu=3", "name:gpu=2"] {
        refusals.guard(&["gpu", "--slots", "gpu=2", "--slots", twice]);
    }
    assert_snapshot!(refusals.said);
}

#[test]
fn verbs_and_flags_that_are_none_are_refused() {
    let mut refusals = Refusals::new();
    refusals.leasehold(64, "grab build");
    refusals.leasehold(64, "guard build --forever -- true");
    refusals.leasehold(64, "guard build");
    refusals.leasehold(64, "guard build --");
    refusals.leasehold(64, "guard -- true");
    refusals.leasehold(64, "lock");
    refusals.leasehold(64, "unlock");
    refusals.leasehold(64, "unlock build --lease 00000000000000000000000000000000");
    refusals.leasehold(64, "check");
    refusals.leasehold(64, "renew");
    refusals.check(64, |repo| repo.words(&[]));
    assert_snapshot!(refusals.said);
}

#[test]
fn a_command_after_a_verb_that_runs_none_is_refused() {
    let mut refusals = Refusals::new();
    for words in [
        "lock build -- make build",
        "lock build --wait --ttl 5m -- make",
        "lock build --",
        "unlock build -- make",
        "renew -- make",
        "status build -- make",
        "why build -- make",
        "exists build -- make",
        "freeze build --ttl 5m -- make",
        "unfreeze build -- make",
        "check -- make",
        "version -- make",
    ] {
        let ran = refusals.leasehold(64, words);
        assert!(ran.stderr.contains("runs no command"), "{ran}");
    }
    assert_snapshot!(refusals.said);
}

/// A script is a command: nobody is told to write one behind `--`.
#[test]
fn a_script_is_not_asked_for_twice() {
    let mut refusals = Refusals::new();
    for words in [
        "guard build -c x -c y",
        "guard build -c x --bogus",
        "guard build --ttl 5 -c x",
    ] {
        let ran = refusals.leasehold(64, words);
        assert!(!ran.stderr.contains("before the command"), "{ran}");
    }
}

/// A dash begins a flag for the parser, and here most likely a wrong number.
#[test]
fn values_with_a_dash_are_refused_by_what_is_wrong_with_them() {
    let mut refusals = Refusals::new();
    for words in [
        ["build", "--ttl", "-5m"],
        ["build", "--ttl", "--wait"],
        ["build", "--priority", "-1"],
        ["build", "--priority", "high"],
        ["build", "--slots", "-2"],
        ["build", "-E", "-1"],
        ["build", "-E", "x"],
        ["build", "--stop-grace", "-1s"],
        ["build", "--stop-signal", "-9"],
        ["build", "--intent", "-r"],
        ["build", "--lease", "-1"],
        ["build", "--store", "--wait"],
    ] {
        let ran = refusals.guard(&words);
        assert!(ran.stderr.contains(words[1]), "{ran}");
        assert!(ran.stderr.contains(words[2]), "{ran}");
    }
    for words in ["audit --since -5m", "audit --until -1h", "gc --keep -1d"] {
        refusals.leasehold(64, words);
    }
    refusals.guard(&["build", "--wait", "--timeout", "-1s"]);
    refusals.leasehold(64, "lock build --ttl -5m");
    refusals.leasehold(64, "freeze build --ttl -5m");
    refusals.leasehold(64, "renew build");
    assert_snapshot!(refusals.said);
}

#[test]
fn words_that_are_no_text_are_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let repo = Repo::new();
    let word = |text: &[u8]| std::ffi::OsString::from_vec(text.to_vec());
    let said = |words: Vec<std::ffi::OsString>| {
        let program = repo.program(env!("CARGO_BIN_EXE_leasehold"));
        repo.call(program, words).run().exits(64).stderr
    };
    assert_eq!(
        said(vec!["lock".into(), word(b"a\xffb")]),
        "error: \"a\\xFFb\" is not valid UTF-8\n"
    );
    assert_eq!(
        said(vec![
            "lock".into(),
            "a".into(),
            "--ttl".into(),
            word(b"\xff")
        ]),
        "error: --ttl \"\\xFF\" is not valid UTF-8\n"
    );
    assert_eq!(
        said(vec!["lock".into(), "a".into(), word(b"--ttl=\xff")]),
        "error: \"--ttl=\\xFF\" is not valid UTF-8\n"
    );
}

/// What is typed may come from a file: it is repeated, and neither obeyed nor taken for an answer.
#[test]
fn what_is_typed_is_shown_and_not_obeyed() {
    let mut refusals = Refusals::new();
    let hostile = "\u{1b}]52;c;cm0=\u{7}\u{202e}\nerror: all is well";
    for flag in [
        "--priority",
        "--intent",
        "--stop-signal",
        "-E",
        "--ttl",
        "--lease",
        "--store",
    ] {
        let ran = refusals.guard(&["build", flag, hostile]);
        assert!(ran.stderr.contains(flag), "{ran}");
    }
    let flag = format!("--{hostile}");
    refusals.check(64, |repo| repo.words(&[hostile]));
    refusals.check(64, |repo| repo.words(&["status", &flag]));
    refusals.check(64, |repo| repo.words(&["import", hostile]));
    refusals.check(64, |repo| repo.words(&["completions", hostile]));
    refusals.check(64, |repo| repo.words(&["audit", "--event", hostile]));
    refusals.check(64, |repo| repo.words(&["gc", "--keep", hostile]));
    assert!(
        !refusals.said.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{}",
        refusals.said
    );
    assert!(
        !refusals.said.contains("2> error: all"),
        "{}",
        refusals.said
    );
}

/// What is wrong with it is said in a few lines, however long it is.
#[test]
fn what_is_very_long_is_repeated_in_part() {
    let mut refusals = Refusals::new();
    let long = "x".repeat(100_000);
    let slash = "x/".repeat(50_000);
    for flag in [
        "--ttl",
        "--slots",
        "--priority",
        "--intent",
        "--stop-grace",
        "--lease",
        "--store",
        "--owner",
    ] {
        let ran = refusals.guard(&["build", flag, &long]);
        assert!(ran.stderr.contains(flag), "{ran}");
        assert!(
            ran.stderr.len() < 10_000,
            "{flag}: {} bytes",
            ran.stderr.len()
        );
    }
    for name in [&long, &slash] {
        let ran = refusals.guard(&[name]);
        assert!(ran.stderr.len() < 20_000, "{} bytes", ran.stderr.len());
    }
    let told = refusals
        .repo
        .words(&["lock", &slash, "--json"])
        .run()
        .exits(64);
    assert!(told.stdout.len() < 20_000, "{} bytes", told.stdout.len());
}

#[test]
fn a_name_that_is_also_a_file_is_doubted() {
    let repo = Repo::new();
    fs::create_dir(repo.top().join("src")).unwrap();
    for file in ["Makefile", "src/main.c"] {
        fs::write(repo.top().join(file), "").unwrap();
    }
    let mut said = String::new();
    for name in [
        "Makefile",
        "file:Makefile",
        "file:src/main.c",
        "build*",
        "src?",
        "30m",
    ] {
        let ran = repo.words(&["guard", name, "--", "true"]).run().exits(0);
        assert!(ran.stderr.starts_with("note: "), "{ran}");
        said += &ran.to_string();
    }
    // What is asked for on purpose, directories, and what is no file are not.
    for name in [
        "name:Makefile",
        "src",
        "build",
        "path:Makefile",
        "issue:1",
        "name:b*",
        "name:30m",
        "30",
    ] {
        let ran = repo.words(&["guard", name, "--", "true"]).run().exits(0);
        assert_eq!(ran.stderr, "", "{ran}");
    }
    let inside = |words: &[&str], code: i32| {
        let call = repo.words(words).owner("ada").dir(repo.top().join("src"));
        call.run().exits(code)
    };
    said += &inside(&["guard", "main.c", "--", "true"], 0).to_string();
    let told = inside(&["lock", "main.c", "--json"], 0).json();
    assert!(
        told["notes"][0].as_str().unwrap().contains("path:./main.c"),
        "{told}"
    );
    inside(&["unlock", "main.c"], 0);
    // Who looks for the name of a file that is held is told how that is called.
    inside(&["lock", "path:src/main.c"], 0);
    said += &inside(&["unlock", "main.c"], 3).to_string();
    assert_snapshot!(said);
    let ran = repo.leasehold("lock PATH:src").run().exits(64);
    assert!(ran.stderr.contains("write `path:src`, or"), "{ran}");
}

#[test]
fn freezes_that_make_no_sense_are_refused() {
    let mut refusals = Refusals::new();
    refusals.leasehold(64, "freeze build");
    refusals.leasehold(64, "freeze --ttl 5m");
    refusals.leasehold(64, "freeze build deploy --ttl 5m");
    refusals.leasehold(64, "freeze build --ttl");
    for ttl in ["", "5", "0s", "-5s", "none", "3651d"] {
        let ran = refusals.leasehold(64, &format!("freeze build --ttl={ttl}"));
        assert!(ran.stderr.contains(&format!("--ttl {ttl:?}")), "{ran}");
    }
    refusals.leasehold(64, "freeze build --ttl 5m --force");
    refusals.leasehold(64, "freeze build --ttl 5m --owner=");
    refusals.leasehold(64, "freeze Foo:x --ttl 5m");
    refusals.leasehold(64, "freeze build --ttl 5m --store bogus:");
    refusals.leasehold(64, "unfreeze");
    refusals.leasehold(64, "unfreeze build --ttl 5m");
    refusals.leasehold(64, "unfreeze build --owner=");
    refusals.leasehold(64, "unfreeze Foo:x");
    refusals.leasehold(3, "unfreeze build");
    assert_snapshot!(refusals.said);
}

#[test]
fn unlocking_many_has_one_meaning() {
    let mut refusals = Refusals::new();
    let id = "0".repeat(32);
    for words in [
        "--all build",
        "--all --owner ada",
        "--all --stale",
        "--stale --force",
        "--stale --owner ada",
        "--owner=",
        "--owner",
        "--all=yes",
    ] {
        refusals.leasehold(64, &format!("unlock {words}"));
    }
    refusals.leasehold(64, &format!("unlock --all --lease {id}"));
    refusals.leasehold(64, &format!("unlock --stale --lease {id}"));
    refusals.leasehold(64, "unlock --force");
    refusals.leasehold(64, "unlock Foo:x --stale");
    refusals.leasehold(64, "status Foo:x --prune-expired");
    refusals.leasehold(64, "status --prune-expired=yes");
    assert_snapshot!(refusals.said);
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let mut refusals = Refusals::new();
    for words in [
        "",
        " Foo:x",
        " build --read --intent mutates",
        " build --read --slots 2",
        " build --intent guesses",
        " path:a --intent renames",
        " gpu --slots=0",
        " gpu tpu --slots 2",
        " gpu --slots tpu=2",
        " build --wait",
        " build --ttl 5m",
        " build --lease 3f9c",
        " build --owner=",
        " build --store bogus:",
    ] {
        refusals.leasehold(64, &format!("why{words}"));
    }
    refusals.leasehold(6, &format!("why build --lease {}", "0".repeat(32)));
    assert_snapshot!(refusals.said);
}

#[test]
fn codes_that_are_none_are_refused() {
    let mut refusals = Refusals::new();
    for code in ["256", "-1", "x", ""] {
        refusals.guard(&["build", &format!("-E={code}")]);
    }
    refusals.guard(&["build", "-E", "1", "-E", "2"]);
    refusals.leasehold(64, "lock build -E 3");
    assert_snapshot!(refusals.said);
}

#[test]
fn owners_that_are_none_are_refused() {
    let mut refusals = Refusals::new();
    let long = "y".repeat(201);
    for owner in ["", "a\nb", &long] {
        refusals.guard(&["build", &format!("--owner={owner}")]);
    }
    refusals.check(64, |repo| repo.leasehold("lock build").session("a\tb"));
    assert_snapshot!(shortened(&refusals.said));
}

#[test]
fn proofs_that_are_none_are_refused() {
    let mut refusals = Refusals::new();
    for lease in ["3f9c", "", "3F9C0A1B5D7E42C8A6B09F1E2D3C4B5A"] {
        refusals.guard(&["build", &format!("--lease={lease}")]);
        refusals.check(64, |repo| repo.words(&["unlock", "--lease", lease]));
    }
    refusals.check(64, |repo| {
        repo.leasehold("lock build").env("LEASEHOLD_LEASE", "3f9c")
    });
    let stale = "0123456789abcdef0123456789abcdef";
    refusals.leasehold(64, &format!("check --lease {stale} --token first"));
    refusals.leasehold(64, &format!("check --lease {stale} --token -1"));
    refusals.leasehold(6, &format!("check --lease {stale}"));
    refusals.leasehold(6, &format!("renew --lease {stale}"));
    refusals.leasehold(3, &format!("unlock --lease {stale}"));
    assert_snapshot!(refusals.said);
}

#[test]
fn a_stale_lease_around_a_request_is_said() {
    let mut refusals = Refusals::new();
    let stale = "0123456789abcdef0123456789abcdef";
    let run = format!(
        "guard build -- touch {}",
        refusals.repo.file("ran").display()
    );
    refusals.check(6, |repo| repo.leasehold(&run).env("LEASEHOLD_LEASE", stale));
    refusals.check(6, |repo| {
        repo.leasehold("lock build").env("LEASEHOLD_LEASE", stale)
    });
    refusals.leasehold(6, &format!("lock build --lease {stale}"));
    assert_snapshot!(refusals.said);
}

#[test]
fn a_command_that_does_not_start_leaves_nothing_held() {
    let repo = Repo::new();
    let mut said = String::new();
    let mut check = |code: i32, command: &str| {
        let ran = repo
            .leasehold(&format!("guard build -- {command}"))
            .run()
            .exits(code);
        assert_eq!(ran.stdout, "", "{ran}");
        repo.leasehold("exists build").run().exits(3);
        write!(said, "{ran}").unwrap();
    };
    let script = |name: &str, text: &str, mode: u32| {
        let path = repo.file(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    check(127, "no-such-program");
    check(127, "./absent");
    check(126, &script("plain", "#!/bin/sh\n", 0o644));
    check(126, &script("odd", "#!/no/such/interpreter\n", 0o755));
    check(126, "/");
    assert_snapshot!(said);
}

#[test]
fn a_root_that_cannot_be_made_is_named() {
    let repo = Repo::new();
    fs::write(repo.file("plain"), "").unwrap();
    let root = repo.file("plain/root");
    let check = |words: &str| {
        let ran = repo
            .leasehold(words)
            .env("LEASEHOLD_ROOT", &root)
            .run()
            .exits(1);
        assert_eq!(ran.stdout, "", "{ran}");
        assert!(ran.stderr.contains(root.to_str().unwrap()), "{ran}");
        ran.to_string()
    };
    let said = check("guard build -- touch ran") + &check("lock build") + &check("status");
    assert!(!repo.top().join("ran").exists());
    assert_snapshot!(said);
}

#[test]
fn a_root_that_cannot_be_written_is_named() {
    let repo = Repo::new();
    repo.lock("issue:1", "ada");
    let before = repo.fingerprint();
    let check = |code: i32, words: &str| {
        let script = format!(
            "mount --bind \"$R\" \"$R\" && mount -o remount,ro,bind \"$R\" || exit 99; exec leasehold {words}"
        );
        let mut unshare = repo.program("unshare");
        unshare.env("R", repo.root()).env("LEASEHOLD_OWNER", "ada");
        let ran = repo
            .call(
                unshare,
                ["-m", "sh", "-c", &script].map(Into::into).to_vec(),
            )
            .run();
        if [1, 99].contains(&ran.code()) && !ran.stderr.contains("error:") {
            eprintln!("SKIPPED a_root_that_cannot_be_written_is_named: no mounts here: {ran}");
            return String::new();
        }
        let (code_is, said) = (ran.code(), format!("{}{}", ran.stdout, ran.stderr));
        assert_eq!(code_is, code, "{words}: {said}");
        format!("$ leasehold {words}\n{said}exit {code_is}\n")
    };
    let mut said = check(1, "guard build -- touch ran");
    if said.is_empty() {
        return;
    }
    said += &check(1, "lock build");
    said += &check(1, "unlock issue:1");
    // Whoever may only read may still look.
    said += &check(0, "exists issue:1");
    assert!(repo.fingerprint() == before && !repo.top().join("ran").exists());
    assert_snapshot!(said);
}

/// Asserts that these verbs refuse what a newer version wrote, and leave it alone.
fn check_newer(snapshot: &str, file: &str, (from, to): (&str, &str), verbs: &[&str]) {
    let repo = Repo::new();
    let lease = repo.lock("issue:1", "ada");
    let path = repo.root().join(file);
    let old = fs::read_to_string(&path).unwrap();
    assert!(old.contains(from), "{file}: {old}");
    fs::write(&path, old.replace(from, to)).unwrap();
    let before = repo.fingerprint();
    let mut said = String::new();
    for words in verbs {
        let ran = repo
            .leasehold(&words.replace("ID", &lease))
            .owner("ada")
            .run()
            .exits(1);
        assert_eq!(ran.stdout, "", "{ran}");
        write!(said, "{ran}").unwrap();
    }
    assert!(!repo.top().join("ran").exists());
    assert!(repo.fingerprint() == before);
    assert_snapshot!(snapshot, said);
}

/// What reads the record of `issue:1`.
const BY_NAME: [&str; 4] = [
    "guard issue:1 -- touch ran",
    "lock issue:1",
    "unlock issue:1",
    "exists issue:1",
];
/// What does not.
const BY_ID: [&str; 4] = [
    "unlock --lease ID --force",
    "renew --lease ID",
    "check --lease ID",
    "status",
];

#[test]
fn a_newer_root_is_left_alone() {
    let versions = ("leasehold 1 ", "leasehold 2 ");
    check_newer("newer_root", "mutex", versions, &[BY_NAME, BY_ID].concat());
}

#[test]
fn a_newer_record_is_left_alone() {
    check_newer(
        "newer_record",
        "records/issue/1",
        ("\"v\":2", "\"v\":3"),
        &BY_NAME,
    );
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_runs() {
    let mut refusals = Refusals::new();
    let report = refusals.repo.file("absent/report.json");
    let ran = refusals.repo.file("ran");
    let words = format!(
        "guard build --json-file {} -- touch {}",
        report.display(),
        ran.display()
    );
    refusals.leasehold(1, &words);
    assert_snapshot!(refusals.said);
}

#[test]
fn stores_that_are_none_are_refused() {
    let mut refusals = Refusals::new();
    refusals.guard(&["build", "--store", "bogus:"]);
    refusals.guard(&["build", "--store", ""]);
    refusals.check(64, |repo| {
        repo.leasehold("status").env("LEASEHOLD_STORE", "bogus:x")
    });
    assert_snapshot!(refusals.said);
}

#[test]
fn a_broken_repository_is_no_reason_to_go_elsewhere() {
    let repo = Repo::new();
    let inner = repo.top().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join(".git"), "gitdir: /no/such/place\n").unwrap();
    let ran = repo
        .leasehold("guard build -- touch ran")
        .dir(&inner)
        .run()
        .exits(1);
    assert!(!inner.join("ran").exists() && !repo.root().exists());
    assert_snapshot!(ran);
}

#[test]
fn a_new_root_outside_of_git_is_announced() {
    let repo = Repo::new();
    let check = || {
        repo.leasehold("guard build -- true")
            .dir(repo.file(""))
            .run()
            .exits(0)
    };
    let first = check();
    let again = check();
    assert!(repo.file(".leasehold").is_dir());
    assert_snapshot!(format!("{first}{again}"));
}

#[test]
fn a_path_outside_of_the_repository_is_a_tree_of_its_own() {
    let repo = Repo::new();
    let outside = repo.file("");
    let outside = outside.to_str().unwrap().trim_end_matches('/');
    let words = format!("path:{outside}/a");
    let held = repo.hold_call("h", |script| repo.guard(&words, script).owner("ada"));
    let check = |name: &str, code| repo.leasehold(&format!("exists {name}")).run().exits(code);
    check(&format!("path:{outside}"), 0);
    check(&format!("path:{outside}/a/b"), 0);
    check("path:../files/a", 0);
    check(&format!("path:{outside}/b"), 3);
    check("path:a", 3);
    check("path:.", 3);
    // Through a link, too, wherever it is.
    symlink(outside, repo.top().join("link")).unwrap();
    check("path:link/a", 0);
    let ran = repo
        .leasehold("lock path:link/a/x")
        .owner("bob")
        .run()
        .exits(2);
    assert_snapshot!(ran.stderr);
    drop(held);
}

/// What people type that know other programs, or forgot a word. The advice can be pasted as it stands.
#[test]
fn what_was_meant_is_said() {
    let mut refusals = Refusals::new();
    for words in [
        "guard build make build",
        "guard build --wait --ttl 5m cargo test --release",
        "guard build -c",
        "guard build -c make build",
        "guard build --wait 30s -- make",
        "guard build --ttl -- make build",
        "guard build --timeout 30s -- make",
        "guard build --force -- make",
        "guard build --json -- make",
        "guard --wait -- make build",
        "build --wait -- make build",
        "gaurd build -- make",
        "acquire build",
        "acquire build -- make",
        "release build",
        "list",
        "init",
        "lock build --since 8h",
        "lock build --wait 30s",
        "unlock a b",
        "check issue:4",
        "audit build",
        "audit 8h",
        "prime agents-md",
        "import",
        "lock build --ttl 0",
        "guard build --ttl 0s -- make",
        "guard build --lease 3f9c0a1b -- make",
        "freeze build",
        "freeze build 30m",
    ] {
        refusals.leasehold(64, words);
    }
    refusals.check(64, |repo| repo.words(&["guard", "a b", "make it && ls"]));
    assert_snapshot!(refusals.said);
}

#[test]
fn a_command_that_only_a_shell_knows_is_told_how_to_run() {
    let repo = Repo::new();
    for (words, line) in [
        (&["make build && ls"][..], "-c 'make build && ls'"),
        (&["cd", "src"], "-c 'cd src'"),
        (
            &["CC=clang", "make", "a b"],
            r"-c 'CC=clang make '\''a b'\'''",
        ),
    ] {
        let all = ["guard", "a b", "--ttl", "5m", "--"];
        let all: Vec<&str> = all.iter().chain(words).copied().collect();
        let ran = repo.words(&all).run().exits(127);
        let hint =
            format!("hint: only a shell knows that: leasehold guard 'a b' --ttl 5m {line}\n");
        assert!(ran.stderr.ends_with(&hint), "{ran}");
    }
    let words = "guard build cargo test -- --nocapture";
    let ran = repo.leasehold(words).run().exits(127);
    let hint = "hint: write `--` before all of the command: what stands before it is names\n";
    assert!(ran.stderr.ends_with(hint), "{ran}");
    let ran = repo
        .leasehold("guard build -- no-such-program")
        .run()
        .exits(127);
    assert!(!ran.stderr.contains("hint:"), "{ran}");
}
