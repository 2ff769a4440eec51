//! Tests with real processes. A guard is this test binary run again (see [`guard_process`]), so
//! that it can be signalled, stopped and killed; everything is synchronised by files and FIFOs.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process};

use super::*;

mod terminal;

/// What the re-run test binary does instead of testing: `program\x1farg\x1f…`.
const RUN: &str = "LEASEHOLD_TEST_RUN";
/// A FIFO: a byte in it says that the lease is lost (`L`) or asks to look (anything else).
const WAKE: &str = "LEASEHOLD_TEST_WAKE";
/// Milliseconds until the lease is lost by deadline.
const LOST_AFTER_MS: &str = "LEASEHOLD_TEST_LOST_AFTER_MS";
/// A file to lock and hand down.
const INHERIT: &str = "LEASEHOLD_TEST_INHERIT";
/// The exit code for a lost lease.
const LOST: i32 = 6;
/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Not a test: the guard process of the tests below.
#[test]
fn guard_process() {
    if let Some(words) = std::env::var_os(RUN) {
        std::process::exit(guard(words.to_str().unwrap()));
    }
}

fn guard(words: &str) -> i32 {
    let mut words = words.split('\x1f').map(std::ffi::OsString::from);
    let signals = Signals::install().unwrap();
    let mut command = GuardedCommand::new(words.next().unwrap(), words.collect());
    if let Some(path) = std::env::var_os(INHERIT) {
        let file = File::create(path).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        let copy = fcntl_dupfd_cloexec(&file, 64).unwrap();
        fcntl_setfd(&copy, FdFlags::empty()).unwrap();
        command = command.inherit(copy);
    }
    let running = match command.env("LEASEHOLD_TOKEN", "42").spawn(&signals) {
        Ok(running) => running,
        Err(error) => return error.exit_code().into(),
    };
    let open = |path| File::options().read(true).write(true).open(path).unwrap();
    let lost_after = std::env::var(LOST_AFTER_MS)
        .ok()
        .map(|ms| ms.parse().unwrap());
    let mut watch = Fifo {
        wake: std::env::var_os(WAKE).map(open),
        lost_at: lost_after.map(|ms| Instant::now() + Duration::from_millis(ms)),
    };
    let rule = StopRule {
        grace: Duration::from_millis(200),
        ..StopRule::default()
    };
    let ended = supervise(running, &signals, &mut watch, rule).unwrap();
    if ended.lost {
        LOST
    } else {
        ended.status.code().into()
    }
}

struct Fifo {
    wake: Option<File>,
    lost_at: Option<Instant>,
}

impl Watch for Fifo {
    fn deadline(&self) -> Option<Duration> {
        self.lost_at
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(AsFd::as_fd)
    }

    fn on_tick(&mut self) -> Tick {
        if self.deadline() == Some(Duration::ZERO) {
            return Tick::Lost;
        }
        let mut byte = [0];
        rustix::io::read(self.wake.as_ref().unwrap(), &mut byte).unwrap();
        if byte == *b"L" {
            Tick::Lost
        } else {
            Tick::Continue
        }
    }
}

/// A place for the files of one test, and guards that know it as `$D`.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn fifo(&self, name: &str) -> PathBuf {
        let made = Command::new("mkfifo")
            .arg(self.path(name))
            .status()
            .unwrap();
        assert!(made.success() && self.path(name).metadata().unwrap().file_type().is_fifo());
        self.path(name)
    }

    /// Returns the guard of `words`, not started yet.
    fn guard(&self, words: &[&str]) -> Command {
        // Tests may be run where signals are ignored, as a shell's background jobs ignore INT.
        let mut command = Command::new("env");
        command
            .arg("--default-signal")
            .arg(std::env::current_exe().unwrap());
        self.as_guard(&mut command, words);
        command.args(guard_arguments());
        command
    }

    fn as_guard(&self, command: &mut Command, words: &[&str]) {
        command.env(RUN, words.join("\x1f")).env("D", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
    }

    fn sh(&self, script: &str) -> Command {
        self.guard(&["sh", "-c", script])
    }

    fn bash(&self, script: &str) -> Command {
        self.guard(&["bash", "-c", script])
    }

    fn wait_for(&self, name: &str) {
        wait_until(|| self.path(name).exists());
    }
}

/// One test thread: libtest then runs it on the main thread, so the guard has one thread only.
fn guard_arguments() -> [String; 4] {
    let (_, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::guard_process");
    [
        name,
        "--exact".into(),
        "--nocapture".into(),
        "--test-threads=1".into(),
    ]
}

fn wait_until(mut met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !met() {
        assert!(start.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn send(guard: &Child, signal: Signal) {
    kill_process(Pid::from_child(guard), signal).unwrap();
}

fn code(guard: &mut Child) -> Option<i32> {
    wait_until(|| guard.try_wait().unwrap().is_some());
    guard.wait().unwrap().code()
}

/// Returns the hexadecimal signal mask `field` out of a copy of `/proc/<pid>/status`.
fn mask(status: &str, field: &str) -> u64 {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .unwrap();
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
}

fn has(mask: u64, signal: Signal) -> bool {
    mask & (1 << (signal.as_raw() - 1)) != 0
}

fn state(pid: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn is_gone(pid: &str) -> bool {
    matches!(state(pid), None | Some('Z' | 'X'))
}

#[test]
fn codes_pass_through() {
    let check = |script: &str, expected: i32| {
        assert_eq!(
            code(&mut Place::new().sh(script).spawn().unwrap()),
            Some(expected),
            "{script}"
        );
    };
    check("exit 0", 0);
    check("exit 7", 7);
    check("exit 255", 255);
    check("kill -KILL $$", 137);
    check("kill -TERM $$", 143);
    check("test \"$LEASEHOLD_TOKEN\" = 42", 0);
    check("yes | head -n 1 >/dev/null", 0);
}

#[test]
fn a_script_without_interpreter_line_is_run_by_sh() {
    let place = Place::new();
    std::fs::write(place.path("script"), "exit \"$1\"\n").unwrap();
    std::fs::set_permissions(place.path("script"), PermissionsExt::from_mode(0o755)).unwrap();
    let script = place.path("script");
    let mut guard = place
        .guard(&[script.to_str().unwrap(), "9"])
        .spawn()
        .unwrap();
    assert_eq!(code(&mut guard), Some(9));
}

#[test]
fn term_reaches_the_whole_group_and_the_commands_own_code_counts() {
    let place = Place::new();
    let mut guard = place
        .sh("trap 'echo > $D/parent; wait; exit 3' TERM
             (trap 'echo > $D/child; exit 0' TERM; sleep 60 & echo > $D/ready; wait) &
             wait")
        .spawn()
        .unwrap();
    place.wait_for("ready");
    send(&guard, Signal::TERM);
    assert_eq!(code(&mut guard), Some(3));
    assert!(place.path("parent").exists() && place.path("child").exists());
}

#[test]
fn every_interrupt_is_passed_on() {
    let place = Place::new();
    let mut guard = place
        .sh(
            "trap 'n=$((n+1)); echo > $D/$n; test $n = 3 && { kill $!; exit 9; }' INT
             sleep 60 & echo > $D/ready; while :; do wait; done",
        )
        .spawn()
        .unwrap();
    for seen in ["ready", "1", "2"] {
        place.wait_for(seen);
        send(&guard, Signal::INT);
    }
    assert_eq!(code(&mut guard), Some(9));
}

#[test]
fn a_signal_ignored_at_the_start_stays_ignored() {
    let place = Place::new();
    place.fifo("go");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap());
    shell.args(guard_arguments());
    let script = "cat /proc/self/status > $D/status; echo > $D/ready; read line < $D/go; exit 4";
    place.as_guard(&mut shell, &["sh", "-c", script]);
    let mut guard = shell.spawn().unwrap();
    place.wait_for("ready");
    send(&guard, Signal::HUP);
    let ours = std::fs::read_to_string(format!("/proc/{}/status", guard.id())).unwrap();
    assert!(has(mask(&ours, "SigIgn"), Signal::HUP) && !has(mask(&ours, "SigCgt"), Signal::HUP));
    assert!(has(mask(&place.read("status"), "SigIgn"), Signal::HUP));
    std::fs::write(place.path("go"), "\n").unwrap();
    assert_eq!(code(&mut guard), Some(4));
}

#[test]
fn the_command_gets_default_dispositions_and_an_empty_mask() {
    let place = Place::new();
    // Started by a program that blocks everything, SIGCHLD included.
    let start = "import os, signal, sys
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
os.execv(sys.argv[1], sys.argv[1:])";
    let mut python = Command::new("python3");
    python
        .args(["-c", start])
        .arg(std::env::current_exe().unwrap())
        .args(guard_arguments());
    // Not by way of python's own handling: `cat` shows what it was given.
    let status = place.path("status");
    let copy = format!("exec cat /proc/self/status > {}", status.display());
    place.as_guard(&mut python, &["sh", "-c", &copy]);
    assert_eq!(code(&mut python.spawn().unwrap()), Some(0));
    let status = place.read("status");
    assert_eq!(mask(&status, "SigBlk"), 0);
    assert!(!has(mask(&status, "SigIgn"), Signal::PIPE));
    assert!(!has(mask(&status, "SigIgn"), Signal::INT));
}

#[test]
fn the_proof_of_life_outlives_the_guard_and_closed_descriptors() {
    let place = Place::new();
    place.fifo("go");
    let proof = place.path("proof");
    let mut guard = place
        .sh("exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
             ls -l /proc/$$/fd > $D/fds; echo > $D/ready; read line < $D/go")
        .env(INHERIT, &proof)
        .spawn()
        .unwrap();
    place.wait_for("ready");
    let listing = place.read("fds");
    let line = listing
        .lines()
        .find(|line| line.ends_with("/proof"))
        .expect("handed down");
    let number = line
        .split_whitespace()
        .rev()
        .nth(2)
        .unwrap()
        .parse::<i32>()
        .unwrap();
    assert!(number >= 64, "{line}");
    // The guard itself keeps no copy, so nothing else it starts can get one. The command may be this far
    // before its guard has closed what it handed down.
    wait_until(|| {
        let ours = std::fs::read_dir(format!("/proc/{}/fd", guard.id())).unwrap();
        let mut links = ours.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        links.all(|link| link != proof)
    });
    guard.kill().unwrap();
    guard.wait().unwrap();
    let probe = File::open(&proof).unwrap();
    assert!(flock(&probe, FlockOperation::NonBlockingLockExclusive).is_err());
    std::fs::write(place.path("go"), "\n").unwrap();
    wait_until(|| flock(&probe, FlockOperation::NonBlockingLockExclusive).is_ok());
}

#[test]
fn a_lost_lease_ends_nested_groups_too() {
    let place = Place::new();
    let wake = place.fifo("wake");
    let mut guard = place
        .bash(
            "set -m
               (trap 'echo > $D/nested; exit 0' TERM; sleep 60 & echo > $D/ready; wait) &
               wait",
        )
        .env(WAKE, &wake)
        .spawn()
        .unwrap();
    place.wait_for("ready");
    // A wake alone ends nothing; the second byte does.
    std::fs::write(&wake, "wL").unwrap();
    assert_eq!(code(&mut guard), Some(LOST));
    assert!(place.path("nested").exists());
}

#[test]
fn who_ignores_term_is_killed_after_the_grace_nested_groups_too() {
    let place = Place::new();
    let wake = place.fifo("wake");
    let mut guard = place
        .bash("set -m
               (trap '' TERM; echo $BASHPID > $D/pid; echo > $D/ready; while :; do sleep 0.05; done) &
               wait")
        .env(WAKE, &wake)
        .spawn()
        .unwrap();
    place.wait_for("ready");
    let start = Instant::now();
    std::fs::write(&wake, "L").unwrap();
    assert_eq!(code(&mut guard), Some(LOST));
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert!(is_gone(&place.read("pid")));
}

#[test]
fn the_deadline_of_the_lease_is_kept() {
    let place = Place::new();
    let script = "trap '' TERM; while :; do sleep 0.05; done";
    let start = Instant::now();
    let mut guard = place.sh(script).env(LOST_AFTER_MS, "100").spawn().unwrap();
    assert_eq!(code(&mut guard), Some(LOST));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_stopped_command_is_continued_to_end_itself() {
    let place = Place::new();
    let wake = place.fifo("wake");
    let mut guard = place
        .sh("trap 'echo > $D/acted; exit 0' TERM
             echo $$ > $D/pid; echo > $D/ready; kill -STOP $$; sleep 60 & wait")
        .env(WAKE, &wake)
        .spawn()
        .unwrap();
    place.wait_for("ready");
    wait_until(|| state(&place.read("pid")) == Some('T'));
    std::fs::write(&wake, "L").unwrap();
    assert_eq!(code(&mut guard), Some(LOST));
    assert!(place.path("acted").exists());
}

#[test]
fn a_stopped_guard_stops_its_command_and_continues_it() {
    let place = Place::new();
    place.fifo("go");
    // In a group of its own with its parent outside: the kernel stops no orphaned group.
    let mut guard = place
        .sh("echo $$ > $D/pid; echo > $D/ready; read line < $D/go; exit 5")
        .process_group(0)
        .spawn()
        .unwrap();
    place.wait_for("ready");
    send(&guard, Signal::TSTP);
    let own = guard.id().to_string();
    wait_until(|| state(&place.read("pid")) == Some('T'));
    wait_until(|| state(&own) == Some('T'));
    send(&guard, Signal::CONT);
    wait_until(|| state(&place.read("pid")) != Some('T'));
    std::fs::write(place.path("go"), "\n").unwrap();
    assert_eq!(code(&mut guard), Some(5));
}
