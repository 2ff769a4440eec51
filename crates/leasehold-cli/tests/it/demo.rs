//! `demo`: whole with leases, broken without, and nothing of it left over.
//!
//! Workers know nothing of the test's own environment, so they are found by the directory that they work
//! in.

use crate::process::{Call, PATIENCE, Ran, eventually};
use crate::repo::Repo;
use crate::standing::check;
use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than the largest of these demonstrations takes on a loaded machine.
const PLAYED: Duration = Duration::from_secs(120);

/// A demonstration with a directory for temporary files of its own.
fn demo(repo: &Repo, words: &str) -> Call {
    let temporary = repo.file("tmp");
    fs::create_dir_all(&temporary).unwrap();
    repo.leasehold(format!("demo {words}").trim_end())
        .env("TMPDIR", temporary)
}

/// Plays it, and returns what `--json` says of it.
#[track_caller]
fn played(repo: &Repo, words: &str) -> Value {
    let ran = demo(repo, &format!("{words} --json"))
        .start()
        .end_within(PLAYED)
        .exits(0);
    assert_eq!(left(repo), Vec::<PathBuf>::new(), "{ran}");
    let outcome = ran.json();
    assert_eq!(outcome["ok"], true, "{outcome}");
    outcome["demo"].clone()
}

/// Returns what is left of temporary files.
fn left(repo: &Repo) -> Vec<PathBuf> {
    let entries = fs::read_dir(repo.file("tmp")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Returns the processes that have a text in their environment, zombies left out.
fn processes(text: &str) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let has_it = |path: PathBuf| {
        let environ = fs::read(path.join("environ")).unwrap_or_default();
        environ
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    let found = entries.filter(|entry| has_it(entry.path()));
    found
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

fn number(value: &Value, name: &str) -> usize {
    let number = value[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {name}: {value}"));
    usize::try_from(number).unwrap()
}

fn bricks(shown: &Value) -> usize {
    let bricks = shown["bricks"].as_array().unwrap().iter();
    bricks
        .map(|count| usize::try_from(count.as_u64().unwrap()).unwrap())
        .sum()
}

/// Reads a wall, and holds it against the pattern, which is written down here a second time.
fn assert_uniform(directory: &Path, rows: usize, cols: usize) {
    let wall = fs::read_to_string(directory.join("wall")).unwrap();
    let mut lines = wall.lines();
    assert_eq!(
        lines.next(),
        Some(format!("hexwall {rows} {cols}").as_str())
    );
    for row in 0..rows {
        let pattern = if row % 2 == 0 { "o##" } else { "#o#" };
        let kinds: String = lines.next().unwrap().chars().step_by(2).collect();
        assert_eq!(kinds, pattern.repeat(cols)[..cols], "row {row} of\n{wall}");
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn with_leases_a_wall_is_complete_and_uniform() {
    let repo = Repo::new();
    for (rows, cols, workers) in [(1, 1, 1), (1, 1, 5), (3, 4, 1), (2, 7, 3), (6, 8, 8)] {
        let directory = repo.file(&format!("{rows}-{cols}-{workers}"));
        let size = format!("--rows {rows} --cols {cols} --workers {workers}");
        let shown = played(&repo, &format!("{size} --dir {}", directory.display()));
        assert_eq!(shown["verdict"], "clean", "{shown}");
        for fault in [
            "empty",
            "wrong",
            "doubled",
            "lost",
            "overtaken",
            "workers_killed",
        ] {
            assert_eq!(number(&shown, fault), 0, "{fault}: {shown}");
        }
        assert_eq!(bricks(&shown), rows * cols, "{shown}");
        assert_eq!(shown["bricks"].as_array().unwrap().len(), workers);
        assert_uniform(&directory, rows, cols);
        // Each brick was laid under a lease: one turn for each, and one in which a worker sees that no
        // place is left.
        let store = format!(
            "audit --json --event granted --store file:{}/leases",
            directory.display()
        );
        let turns = repo.leasehold(&store).run().exits(0).stdout.lines().count();
        assert_eq!(turns, rows * cols + workers);
    }
}

/// Not by chance: the first bricks are handed out when all workers have looked at the empty wall, and
/// each then lays its own on the first place. So of `workers` bricks all but one are lost, at least.
#[test]
fn without_leases_a_wall_is_broken_every_time() {
    let repo = Repo::new();
    for (rows, cols, workers) in [
        (1, 2, 2),
        (1, 3, 3),
        (2, 2, 2),
        (4, 4, 8),
        (6, 8, 8),
        (3, 5, 36),
    ] {
        let size = format!("--rows {rows} --cols {cols} --workers {workers} --no-lock");
        let shown = played(&repo, &size);
        assert_eq!(shown["verdict"], "broken", "{shown}");
        assert_eq!(shown["leases"], false);
        assert_eq!(bricks(&shown), rows * cols, "{shown}");
        let at_once = workers.min(rows * cols);
        assert!(number(&shown, "lost") >= at_once - 1, "{shown}");
        assert_eq!(number(&shown, "empty"), number(&shown, "lost"), "{shown}");
        assert!(number(&shown, "doubled") >= 1, "{shown}");
    }
}

#[test]
fn alone_nobody_needs_a_lease() {
    let repo = Repo::new();
    let shown = played(&repo, "--rows 3 --cols 3 --workers 1 --no-lock");
    assert_eq!(shown["verdict"], "clean", "{shown}");
    let shown = played(&repo, "trunk --agents 1 --cycles 2 --no-lock");
    assert_eq!(shown["verdict"], "clean", "{shown}");
}

#[test]
fn what_is_to_be_kept_is_left_and_named() {
    let repo = Repo::new();
    let ran = demo(&repo, "--rows 1 --cols 3 --workers 1 --keep")
        .run()
        .exits(0);
    let [directory] = left(&repo).try_into().unwrap();
    assert_uniform(&directory, 1, 3);
    let lines: Vec<&str> = ran.stdout.lines().rev().take(2).collect();
    assert_eq!(lines[1], format!("kept in {}", directory.display()));
    assert!(lines[0].starts_with("verdict: CLEAN"), "{ran}");
}

#[test]
fn the_wall_and_the_verdict_are_shown() {
    let repo = Repo::new();
    let show = |words: &str| -> String {
        let ran = demo(&repo, words).run().exits(0);
        // Without how long it took, and how many a second that makes.
        let (before, rest) = ran.stdout.split_once(" in ").unwrap();
        let (_, after) = rest.split_once(" a second").unwrap();
        format!("{before} in [time]{after}")
    };
    assert_snapshot!(show("--rows 4 --cols 12 --workers 1"));
    // Two bricks, and both on the first place.
    assert_snapshot!(show("--rows 1 --cols 2 --workers 2 --no-lock"));
}

/// Makes the shells of a demonstration go through a script.
fn with_shell(repo: &Repo, call: Call, script: &str) -> Call {
    let programs = repo.file("programs");
    fs::create_dir(&programs).unwrap();
    let shell = programs.join("sh");
    fs::write(
        &shell,
        format!("#!/bin/sh\n{script}\nexec /bin/sh \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    call.env("PATH", format!("{}:{path}", programs.display()))
}

/// The damage does not depend on how fast workers start: a worker that finds nobody beside it waits for the
/// others before it lays its first brick. This one would otherwise have a third of a second to finish alone.
#[test]
fn without_leases_workers_wait_for_each_other_once() {
    let repo = Repo::new();
    let late = "[ \"$LEASEHOLD_OWNER\" != worker-1 ] || sleep 0.3";
    let call = demo(&repo, "--rows 1 --cols 2 --workers 2 --no-lock --json");
    let ran = with_shell(&repo, call, late)
        .start()
        .end_within(PLAYED)
        .exits(0);
    let shown = &ran.json()["demo"];
    assert_eq!(
        (number(shown, "doubled"), number(shown, "lost")),
        (1, 1),
        "{ran}"
    );
}

#[test]
fn a_worker_killed_with_the_lease_in_its_hands_does_no_harm() {
    let repo = Repo::new();
    // One worker finds no brick when it has its turn, and waits for it with the lease held.
    let _gate = repo.gate("bricks");
    let wait = format!(
        "[ \"$LEASEHOLD_OWNER\" != worker-1 ] || exec < {}",
        repo.file("bricks").display()
    );
    let directory = repo.file("wall");
    let words = format!(
        "--rows 5 --cols 6 --workers 3 --json --dir {}",
        directory.display()
    );
    let running = with_shell(&repo, demo(&repo, &words), &wait).start();
    let status = format!("status --json --store file:{}/leases", directory.display());
    eventually("worker-1 with the lease", PATIENCE, || {
        let status = repo.leasehold(&status).run().json();
        let holder = status["leases"][0]["owner"].as_str();
        (holder == Some("worker-1")).then_some(())
    });
    // The worker, its guard and what that runs. The guard may not have started it yet.
    let root = format!("LEASEHOLD_ROOT={}", directory.display());
    let mine = || {
        let of_worker = processes("LEASEHOLD_OWNER=worker-1\0");
        let here = processes(&root);
        of_worker
            .into_iter()
            .filter(|pid| here.contains(pid))
            .collect::<Vec<_>>()
    };
    eventually("all of worker-1 gone", PATIENCE, || {
        let left = mine();
        for pid in &left {
            let _ = kill_process(*pid, Signal::KILL);
        }
        left.is_empty().then_some(())
    });
    let ran = running.end_within(PLAYED).exits(0);
    let shown = &ran.json()["demo"];
    assert_eq!(shown["verdict"], "clean", "{ran}");
    assert_eq!(shown["workers_killed"], 1, "{ran}");
    assert_eq!(shown["bricks"][1], 0, "{ran}");
    assert!(ran.stdout.contains("worker-1 was killed"), "{ran}");
    assert_uniform(&directory, 5, 6);
}

#[test]
fn a_turn_that_is_killed_is_taken_again() {
    let repo = Repo::new();
    // The first turn of one worker ends as that of a killed program does.
    let once = repo.file("once");
    let script = format!(
        "if [ \"$LEASEHOLD_OWNER\" = worker-0 ] && mkdir {}; then\n\
         script=$2; shift 3; guard=$1; shift\n\
         exec /bin/sh -c \"$script\" worker \"$guard\" guard demo:hexwall --wait -- \
         sh -c '[ -e {}/done ] || {{ mkdir {}/done; kill -9 $$; }}; exec \"$@\"' sh \"$guard\" demo brick\nfi",
        once.display(),
        once.display(),
        once.display(),
    );
    let call = demo(&repo, "--rows 2 --cols 3 --workers 2 --json");
    let ran = with_shell(&repo, call, &script)
        .start()
        .end_within(PLAYED)
        .exits(0);
    let shown = &ran.json()["demo"];
    assert_eq!(shown["verdict"], "clean", "{ran}");
    assert_eq!(shown["turns_killed"], 1, "{ran}");
    assert_eq!(bricks(shown), 6, "{ran}");
}

#[test]
fn interrupted_it_leaves_no_process_and_no_file() {
    let repo = Repo::new();
    let scenes = [
        "--rows 100 --cols 100",
        "--rows 100 --cols 100 --no-lock",
        "trunk --cycles 100",
    ];
    for scene in scenes {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
            let running = demo(&repo, scene).start();
            let root = repo.file("tmp").display().to_string();
            let workers = format!("LEASEHOLD_ROOT={root}");
            eventually("workers at work", PATIENCE, || {
                (processes(&workers).len() > 3).then_some(())
            });
            running.signal(signal);
            let ran = running.end().exits(code);
            assert!(ran.stderr.contains("interrupted"), "{ran}");
            assert_eq!(processes(&workers), [], "{ran}");
            assert_eq!(left(&repo), Vec::<PathBuf>::new(), "{ran}");
        }
    }
}

/// Killed, it can clear nothing away; but its workers end by themselves.
#[test]
fn its_workers_do_not_outlive_it() {
    let repo = Repo::new();
    for scene in [
        "--rows 100 --cols 100",
        "--rows 100 --cols 100 --no-lock",
        "trunk --cycles 100",
    ] {
        let running = demo(&repo, scene).start();
        let workers = format!("LEASEHOLD_ROOT={}", repo.file("tmp").display());
        eventually("workers at work", PATIENCE, || {
            (processes(&workers).len() > 3).then_some(())
        });
        running.signal(Signal::KILL);
        running.end().exits(-9);
        eventually("the workers' end", PATIENCE, || {
            processes(&workers).is_empty().then_some(())
        });
    }
}

#[test]
fn with_leases_a_trunk_is_clean() {
    let repo = Repo::new();
    for (agents, cycles) in [(1, 1), (3, 2)] {
        let shown = played(&repo, &format!("trunk --agents {agents} --cycles {cycles}"));
        assert_eq!(shown["verdict"], "clean", "{shown}");
        assert_eq!(number(&shown, "landed"), agents * cycles, "{shown}");
        assert_eq!(shown["failures"], serde_json::json!({}), "{shown}");
        assert_eq!(shown["faults"], serde_json::json!([]), "{shown}");
    }
}

/// Not by chance: all agents have read the list of parts before the first of them writes it anew.
#[test]
fn without_leases_a_trunk_is_broken_every_time() {
    let repo = Repo::new();
    for (agents, cycles) in [(2, 1), (3, 2)] {
        let shown = played(
            &repo,
            &format!("trunk --agents {agents} --cycles {cycles} --no-lock"),
        );
        assert_eq!(shown["verdict"], "broken", "{shown}");
        assert!(!shown["faults"].as_array().unwrap().is_empty(), "{shown}");
        assert!(number(&shown, "landed") < agents * cycles, "{shown}");
    }
}

#[test]
fn called_as_lokt_it_is_the_same() {
    let repo = Repo::new();
    let ran = demo(&repo, "hexwall --rows 2 --cols 3 --no-lock --workers 1");
    let own = ran.run().exits(0);
    let front = repo.leasehold("lokt demo hexwall --rows 2 --cols 3 --no-lock --workers 1");
    let front = front.env("TMPDIR", repo.file("tmp")).run().exits(0);
    let last = |ran: &Ran| ran.stdout.lines().last().map(str::to_owned);
    assert_eq!(last(&own), last(&front));
    // What its generated script had, and this has not.
    let front = repo.leasehold("lokt demo --lock-name mine").run().exits(64);
    assert!(front.stderr.contains("--lock-name"), "{front}");
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let repo = Repo::new();
    let file = repo.file("file");
    fs::write(&file, "").unwrap();
    let full = repo.file("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine"), "mine").unwrap();
    let (full, file) = (full.display(), file.display());
    assert_snapshot!(check(
        &repo,
        &[
            ("", "demo mosaic", 64),
            ("", "demo --workers 0", 64),
            ("", "demo --workers 37", 64),
            ("", "demo --rows x", 64),
            ("", "demo --cols -1", 64),
            ("", "demo --cols 4294967296", 64),
            ("", "demo trunk --cycles x", 64),
            ("", "demo trunk --agents 0 --json", 64),
            ("", "demo --cycles 3", 64),
            ("", "demo trunk --rows 3", 64),
            ("", "demo --workers", 64),
            ("", "demo -- true", 64),
            ("ada", "demo brick", 64),
            ("", &format!("demo --dir {full}"), 1),
            ("", &format!("demo --dir {file}"), 1),
            ("", &format!("demo --dir {full}/a/b --json"), 1),
        ]
    ));
    assert_eq!(fs::read_to_string(repo.file("full/mine")).unwrap(), "mine");
    assert!(!repo.root().exists());
}

#[test]
fn where_it_cannot_write_it_says_so() {
    let repo = Repo::new();
    let ran = repo
        .leasehold("demo")
        .env("TMPDIR", repo.file("absent"))
        .run()
        .exits(1);
    let said = format!(
        "error: TMPDIR: {}",
        repo.file("absent/leasehold-demo-").display()
    );
    assert!(ran.stderr.starts_with(&said), "{ran}");
    assert!(ran.stderr.contains("hint: "), "{ran}");
    // A full disk, as far as a test can have one: no file may have a single byte.
    let mut shell = repo.program("sh");
    shell
        .args(["-c", "ulimit -f 0; exec leasehold demo"])
        .env("TMPDIR", repo.file(""));
    let said = output(&mut shell);
    assert!(said.contains("/wall: File too large"), "{said}");
    // Workers that cannot work, as on a disk that fills up meanwhile.
    let call = demo(&repo, "--workers 3");
    let ran = with_shell(&repo, call, "echo 'error: no room' >&2; exit 1")
        .run()
        .exits(1);
    assert_eq!(ran.stderr, "error: 3 workers gave up: no room\n", "{ran}");
    // No git, and nothing but a shell.
    fs::remove_file(repo.file("programs/sh")).unwrap();
    for program in ["/bin/sh", "/usr/bin/env"] {
        let name = Path::new(program).file_name().unwrap();
        symlink(program, repo.file("programs").join(name)).unwrap();
    }
    let ran = demo(&repo, "trunk")
        .env("PATH", repo.file("programs"))
        .run()
        .exits(1);
    assert_eq!(
        ran.stderr.lines().next(),
        Some("error: git: command not found"),
        "{ran}"
    );
    assert_eq!(left(&repo), Vec::<PathBuf>::new());
}

fn output(command: &mut std::process::Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// Returns what each file below a directory has in it.
fn contents(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            contents(&path, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
}

/// Called in a repository with leases, settings and hooks, from inside a lease, by an agent with a name:
/// none of these is touched, and none has any say.
#[test]
fn nothing_of_the_users_is_touched() {
    let repo = Repo::new();
    repo.lock("demo:hexwall build git-push --ttl none", "ada");
    let hook = "#!/bin/sh\nexit 1\n";
    for name in ["pre-commit", "pre-push"] {
        let path = repo.file(name);
        fs::write(&path, hook).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let settings = format!(
        "[core]\nhooksPath = {}\n[commit]\ngpgSign = true\n[init]\ndefaultBranch = trunk\n",
        repo.file("").display()
    );
    fs::write(repo.file("settings"), settings).unwrap();
    let fingerprint = || {
        let mut found = BTreeMap::new();
        contents(&repo.top(), &mut found);
        found
    };
    let before = fingerprint();
    for scene in [
        "--rows 2 --cols 3 --workers 2",
        "trunk --agents 2 --cycles 1",
    ] {
        let call = demo(&repo, &format!("{scene} --json"))
            .owner("ada")
            .session("s-1");
        let call = call.env("GIT_CONFIG_GLOBAL", repo.file("settings"));
        let call = call.env("GIT_DIR", repo.top().join(".git"));
        let call = call
            .env("LEASEHOLD_ROOT", repo.root())
            .env("LEASEHOLD_LEASE", "0".repeat(32));
        let ran: Ran = call.start().end_within(PLAYED).exits(0);
        assert_eq!(ran.json()["demo"]["verdict"], "clean", "{ran}");
    }
    assert!(
        fingerprint() == before,
        "something in the repository has changed"
    );
    assert_eq!(left(&repo), Vec::<PathBuf>::new());
}

/// What a terminal gets to see of a demonstration, by Python's pseudo-terminal.
fn on_a_terminal(
    repo: &Repo,
    size: &str,
    variables: &[(&str, &str)],
    words: &str,
    signal: bool,
) -> String {
    const SHOW: &str = "
import fcntl, os, pty, signal, struct, sys, termios
rows, cols, interrupt = map(int, sys.argv[1].split())
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))
    os.execvp('leasehold', ['leasehold', 'demo'] + sys.argv[2:])
seen = b''
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    seen += piece
    if interrupt and b'[?25l' in seen:
        interrupt = 0
        os.write(terminal, b'\\x03')
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))";
    let mut python = repo.program("timeout");
    python.args([&PLAYED.as_secs().to_string(), "python3"]);
    fs::create_dir_all(repo.file("tmp")).unwrap();
    python
        .env("TERM", "xterm")
        .env("TMPDIR", repo.file("tmp"))
        .envs(variables.iter().copied());
    python
        .args(["-c", SHOW, &format!("{size} {}", u8::from(signal))])
        .args(words.split(' '));
    let output = python.output().unwrap();
    // The terminal shows a typed `^C` wherever it is, in the middle of a character too.
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(if signal { 130 } else { 0 }),
        "{seen}"
    );
    seen
}

#[test]
fn on_a_terminal_the_wall_grows_in_place() {
    const HIDE: &str = "\u{1b}[?25l";
    const SHOW: &str = "\u{1b}[?25h";
    let repo = Repo::new();
    let small = "--rows 3 --cols 4 --workers 2";
    let seen = on_a_terminal(&repo, "24 80", &[], small, false);
    assert!(
        seen.starts_with(HIDE) && seen.contains(SHOW) && seen.contains("\u{1b}[31m"),
        "{seen}"
    );
    let seen = on_a_terminal(&repo, "24 80", &[("NO_COLOR", "1")], small, false);
    assert!(
        seen.contains(HIDE) && seen.contains(SHOW) && !seen.contains("\u{1b}[31m"),
        "{seen}"
    );
    // On what can only print lines, and where there is no room.
    for (size, term) in [("24 80", "dumb"), ("6 80", "xterm"), ("24 7", "xterm")] {
        let seen = on_a_terminal(&repo, size, &[("TERM", term)], small, false);
        assert!(
            !seen.contains('\u{1b}') && seen.contains("⬡ ⬢ ⬢ ⬡"),
            "{size} {term}: {seen}"
        );
    }
    let seen = on_a_terminal(&repo, "200 250", &[], "--rows 100 --cols 100", true);
    assert_eq!(
        (seen.matches(HIDE).count(), seen.matches(SHOW).count()),
        (1, 1)
    );
    assert!(seen.find(SHOW) > seen.find(HIDE), "the cursor is back");
    assert_eq!(left(&repo), Vec::<PathBuf>::new());
}
