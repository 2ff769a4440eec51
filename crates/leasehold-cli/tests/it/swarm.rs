//! Many guards of one resource, and a nemesis that kills and stops them.
//!
//! The witness is a kernel file lock that leasehold knows nothing of: each command takes it for its
//! whole time, so two commands at once are seen whatever leasehold believes. It is taken by the
//! command's own process and not by flock(1), which leaves a child behind when it is killed: the lock
//! would outlive the command that leasehold watches.
//!
//! `LEASEHOLD_SWARM` says how many guards, `LEASEHOLD_SEED` repeats a run's choices.

use crate::log;
use crate::process::{PATIENCE, Running, eventually};
use crate::repo::Repo;
use leasehold_store::conformance::sample::Draw;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};
use std::{env, thread};

/// Set for the processes that are commands of the swarm: for how many milliseconds they work.
const WORK_MS: &str = "LEASEHOLD_TEST_WORK_MS";
const GUARDS: usize = 40;
/// Every so many guards have a TTL and work for longer than it: they are there to be stopped.
const LINGER_EVERY: usize = 10;
/// Of each kind of kill there are at most so many: one in eight guards.
const KILLED_OF: usize = 8;
const TTL: Duration = Duration::from_secs(1);
/// Some work for long enough that whoever were let in after the death of their guard would be seen.
const STEADY: Duration = Duration::from_millis(250);
const LINGER: Duration = Duration::from_millis(1_600);

/// Not a test: the command of the swarm's guards.
#[test]
fn witness_process() {
    if let Ok(work) = env::var(WORK_MS) {
        witness(Duration::from_millis(work.parse().unwrap()));
    }
}

fn witness(work: Duration) {
    let start = Instant::now();
    let directory = PathBuf::from(env::var_os("D").unwrap());
    let own = format!(
        "{} {}",
        env::var("LEASEHOLD_LEASE").unwrap(),
        env::var("LEASEHOLD_TOKEN").unwrap()
    );
    let path = directory.join("witness");
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .unwrap();
    let is_mine = || flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    if !is_mine() {
        let holder = fs::read_to_string(&path).unwrap();
        append(
            &directory.join("violations"),
            &format!("{own} {holder} {}\n", check(&holder)),
        );
        // The other one's time is over sooner or later; from then on this one is seen.
        while !is_mine() {
            if start.elapsed() > work {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
    // Of one length always, so that the new text covers the old.
    file.set_len(0).unwrap();
    (&file).write_all(own.as_bytes()).unwrap();
    // For the nemesis: who works now, and under which guard.
    let parent = rustix::process::getppid().map_or(1, |pid| pid.as_raw_nonzero().get());
    let now = directory.join(format!("now.{}", std::process::id()));
    fs::write(
        &now,
        format!("{} {parent} {}", std::process::id(), work.as_millis()),
    )
    .unwrap();
    fs::rename(now, directory.join("now")).unwrap();
    thread::sleep(work.saturating_sub(start.elapsed()));
}

/// Asks leasehold whether the lease of whoever has the witness still holds: the exit code.
fn check(holder: &str) -> String {
    let (lease, token) = holder.split_once(' ').unwrap_or(("none", "0"));
    let mut leasehold = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    let status = leasehold
        .args(["check", "--lease", lease, "--token", token])
        .output()
        .unwrap()
        .status;
    status
        .code()
        .map_or("killed".into(), |code| code.to_string())
}

fn append(path: &PathBuf, line: &str) {
    let file = File::options().append(true).create(true).open(path);
    file.unwrap().write_all(line.as_bytes()).unwrap();
}

/// One guard of the swarm.
struct Member {
    guard: Running,
    continue_at: Option<Instant>,
}

struct Swarm<'a> {
    repo: &'a Repo,
    size: usize,
    random: Draw,
    members: Vec<Member>,
    codes: BTreeMap<i32, usize>,
    did: BTreeMap<&'static str, usize>,
    start: Instant,
    /// What the nemesis did and when, shown when the test fails.
    deeds: Vec<String>,
}

impl Drop for Swarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("{}", self.deeds.join("\n"));
        }
    }
}

impl Swarm<'_> {
    fn start(&mut self, number: usize) {
        let lingers = number % LINGER_EVERY == LINGER_EVERY / 2;
        let work = match number % LINGER_EVERY {
            _ if lingers => LINGER,
            0 | 7 => STEADY,
            _ => Duration::from_millis(5 + self.random.below(40)),
        };
        let ttl = format!("{}s", TTL.as_secs());
        let mut words = vec!["guard", "hot", "--wait", "--timeout", "120s"];
        if lingers {
            words.extend(["--ttl", &ttl]);
        }
        let binary = env::current_exe().unwrap();
        words.extend([
            "--",
            binary.to_str().unwrap(),
            "swarm::witness_process",
            "--exact",
            "--nocapture",
        ]);
        let call = self
            .repo
            .words(&words)
            .env(WORK_MS, work.as_millis().to_string());
        // Of one owner, of many, in sessions, and nameless.
        let call = match number % 4 {
            0 => call.owner("ada"),
            1 => call.owner(&format!("agent-{number}")),
            2 => call.session(&format!("session-{}", number % 8)),
            _ => call,
        };
        self.members.push(Member {
            guard: call.start(),
            continue_at: None,
        });
    }

    /// One evil deed, of those that are possible now.
    fn strike(&mut self) {
        let now = fs::read_to_string(self.repo.file("now")).unwrap_or_default();
        let numbers: Vec<i32> = now
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let &[command, parent, work] = numbers.as_slice() else {
            return;
        };
        let holder = self
            .members
            .iter()
            .position(|member| member.guard.pid().cast_signed() == parent);
        let works_for = |time: Duration| u128::try_from(work) == Ok(time.as_millis());
        let (lingers, steady) = (works_for(LINGER), works_for(STEADY));
        let any = self.random.index(self.members.len());
        let short = Duration::from_millis(self.random.below(200));
        // Whoever is stopped stays so until its time, or none would come to its lapse.
        let is_stopped = |member: &Member| member.continue_at.is_some();
        let holder = holder.filter(|holder| !is_stopped(&self.members[*holder]));
        match (self.random.below(12), holder) {
            (4.., Some(holder)) if lingers => self.stop("stopped past the TTL", holder, LINGER * 2),
            (0, Some(holder)) => self.kill("guards killed", Some(holder), None),
            (6..=8, Some(holder)) if steady => self.kill("guards killed", Some(holder), None),
            (1, Some(_)) => self.kill("commands killed", None, Some(command)),
            (2, Some(holder)) => self.kill("both killed", Some(holder), Some(command)),
            (3, _) if Some(any) != holder && !is_stopped(&self.members[any]) => {
                self.kill("waiters killed", Some(any), None);
            }
            (4 | 5, _) => self.stop("stopped for a moment", any, short),
            _ => {}
        }
    }

    /// Kills, but not so many that few would be left to get the lease.
    fn kill(&mut self, what: &'static str, guard: Option<usize>, command: Option<i32>) {
        if self
            .did
            .get(what)
            .is_some_and(|kills| *kills >= self.size / KILLED_OF)
        {
            return;
        }
        // A number may be that of another process by now, but only of one of this test's.
        let command = command.and_then(Pid::from_raw);
        let repo = self.repo;
        let is_ours = |pid: &Pid| repo.processes().contains(pid);
        let command = command.filter(is_ours);
        if let Some(pid) = command {
            let _ = kill_process(pid, Signal::KILL);
        }
        let guard = guard.map(|guard| &mut self.members[guard].guard);
        let guard = guard.and_then(|guard| {
            let lives = !guard.has_ended();
            lives.then(|| guard.signal(Signal::KILL));
            lives.then(|| guard.pid())
        });
        if command.is_some() || guard.is_some() {
            self.note(what, format!("guard {guard:?}, command {command:?}"));
        }
    }

    fn note(&mut self, what: &'static str, whom: impl std::fmt::Display) {
        *self.did.entry(what).or_default() += 1;
        self.deeds.push(format!(
            "{:>6} ms: {what}: {whom}",
            self.start.elapsed().as_millis()
        ));
    }

    fn stop(&mut self, what: &'static str, member: usize, length: Duration) {
        let member = &mut self.members[member];
        if member.continue_at.is_none() && !member.guard.has_ended() {
            member.guard.signal(Signal::STOP);
            member.continue_at = Some(Instant::now() + length);
            let pid = member.guard.pid();
            self.note(what, format!("guard {pid}, for {length:?}"));
        }
    }

    /// Continues whose time has come, and takes the exit codes of who has ended.
    fn tend(&mut self) {
        for member in &mut self.members {
            if member.continue_at.is_some_and(|at| at <= Instant::now())
                && !member.guard.has_ended()
            {
                member.guard.signal(Signal::CONT);
                member.continue_at = None;
            }
        }
        for index in (0..self.members.len()).rev() {
            if self.members[index].guard.has_ended() {
                let ran = self.members.swap_remove(index).guard.end();
                *self.codes.entry(ran.code()).or_default() += 1;
                // Done, killed as a command or as a guard, or its lease lost.
                assert!([0, 137, -9, 6].contains(&ran.code()), "{ran}");
            }
        }
    }
}

#[test]
fn a_swarm_is_never_let_in_twice() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let seed = number("LEASEHOLD_SEED").unwrap_or(now.as_micros() as u64);
    let guards =
        number("LEASEHOLD_SWARM").map_or(GUARDS, |number| usize::try_from(number).unwrap());
    println!("swarm of {guards}: LEASEHOLD_SEED={seed}");
    let repo = Repo::new();
    let random = Draw::new(seed);
    let start = Instant::now();
    let mut swarm = Swarm {
        repo: &repo,
        size: guards,
        random,
        members: Vec::new(),
        codes: BTreeMap::new(),
        did: BTreeMap::new(),
        start,
        deeds: Vec::new(),
    };
    let limit = Duration::from_secs(if guards > GUARDS { 115 } else { 60 });
    let mut started = 0;
    while started < guards || !swarm.members.is_empty() {
        for _ in 0..2 {
            if started < guards {
                swarm.start(started);
                started += 1;
            }
        }
        if !swarm.members.is_empty() {
            swarm.strike();
        }
        swarm.tend();
        assert!(
            start.elapsed() < limit,
            "{} hang, seed {seed}",
            swarm.members.len()
        );
        thread::sleep(Duration::from_millis(10 + swarm.random.below(20)));
    }
    let took = start.elapsed();
    // Commands without a guard may still be at it.
    eventually("the last command's end", PATIENCE, || {
        repo.processes().is_empty().then_some(())
    });
    repo.leasehold("guard hot --wait -- true").run().exits(0);
    let grants = check_log(&repo);
    let allowed = check_violations(&repo);
    let (codes, did) = (&swarm.codes, &swarm.did);
    println!(
        "{grants} granted in {took:?}, exit codes {codes:?}, {did:?}, {} lapsed, {allowed} violations \
         allowed, seed {seed}",
        log::events(&repo, "lapsed").len(),
    );
}

/// Two commands at once are right only where the first one's lease had lapsed; its token is refused
/// from then on. Returns how many there were.
fn check_violations(repo: &Repo) -> usize {
    let lapsed = log::events(repo, "lapsed");
    let lapsed: BTreeSet<&str> = lapsed
        .iter()
        .map(|e| e["lease"]["id"].as_str().unwrap())
        .collect();
    let violations = fs::read_to_string(repo.file("violations")).unwrap_or_default();
    for line in violations.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [own, _, holder, _, check] = words.as_slice() else {
            panic!("not even a line: {line}");
        };
        assert!(
            lapsed.contains(holder),
            "VIOLATION: {own} ran beside {holder}, which had not lapsed"
        );
        assert_eq!(
            *check, "6",
            "VIOLATION: {holder} had lapsed and was told that it is current"
        );
    }
    violations.lines().count()
}

/// By the log: tokens rise, and nobody is granted what another one has. Returns the number of grants.
fn check_log(repo: &Repo) -> usize {
    let (mut last, mut holder, mut grants) = (0, None::<String>, 0);
    for event in log::all(repo) {
        let lease: &Value = &event["lease"];
        let id = lease["id"].as_str().map(str::to_owned);
        match event["event"].as_str().unwrap() {
            "granted" => {
                let token = lease["token"].as_u64().unwrap();
                assert!(token > last, "token {token} after {last}");
                assert_eq!(holder, None, "granted to {id:?} as well");
                (last, holder, grants) = (token, id, grants + 1);
            }
            // Only what has a TTL lapses, and never an orphan.
            "lapsed" => {
                assert!(
                    lease["expires"].is_u64() && lease["orphaned"].is_null(),
                    "{event}"
                );
                assert_eq!(holder.take(), id, "{event}");
            }
            "released" | "freed" | "passed" | "forced" => {
                assert_eq!(holder.take(), id, "{event}");
            }
            _ => {}
        }
    }
    assert_eq!(holder, None);
    grants
}
