//! The driver: agents that do one thing after the other, and the nemesis among them.
//!
//! What is asked for follows from the seed alone. When it happens, and so what a deed meets, is up to
//! the machine: a seed repeats the pressure, not the interleaving.

use super::history::{self, Deed, What, Who};
use super::launch;
use super::nemesis::{Known, Nemesis};
use super::plan::{Plan, Verb};
use super::planner::{Planner, Standing};
use super::setting::Setting;
use super::tree;
use crate::Random;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, wait};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often it looks around.
const TICK: Duration = Duration::from_millis(3);
/// The longest that any operation may take: three guards inside each other that wait for 15 s each, the
/// time to pick up a grant, and time for a busy machine.
const OPERATION_MAX: Duration = Duration::from_secs(90);

/// What one after the other does.
#[derive(Debug)]
struct Agent {
    who: Who,
    planner_at: usize,
    standing: Option<Standing>,
    busy: Option<Busy>,
}

#[derive(Debug)]
struct Busy {
    plan: Plan,
    pid: Pid,
    since: Instant,
}

/// A run of one round.
#[derive(Debug)]
pub(super) struct Driver {
    directory: PathBuf,
    agents: Vec<Agent>,
    planners: Vec<Planner>,
    random: Random,
    pub(super) nemesis: Nemesis,
    /// How to enter other namespaces, where there are some.
    prefixes: Vec<Vec<String>>,
    /// The TTL of every guard that has one.
    ttl_ms: BTreeMap<u64, u64>,
    pub(super) problems: Vec<String>,
    /// The longest that the driver itself did not run: what a busy machine does to a holder as well.
    pub(super) stall: Duration,
}

impl Driver {
    pub(super) fn new(directory: &Path, setting: Setting, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let planners = (0..setting.agents).map(|at| {
            let own = Random::new(random.number());
            Planner::new(own, setting, at as u64 * 1_000_000)
        });
        let planners = planners.collect();
        let agents = (0..setting.agents).map(|at| Agent {
            who: identity(at),
            planner_at: at,
            standing: None,
            busy: None,
        });
        let nemesis = Nemesis::new(directory.into(), setting, Random::new(random.number()));
        Self {
            directory: directory.into(),
            agents: agents.collect(),
            planners,
            nemesis,
            random,
            prefixes: Vec::new(),
            ttl_ms: BTreeMap::new(),
            problems: Vec::new(),
            stall: Duration::ZERO,
        }
    }

    /// From now on some operations go through these.
    pub(super) fn set_prefixes(&mut self, prefixes: Vec<Vec<String>>) {
        self.prefixes = prefixes;
    }

    /// Begins work for a while.
    pub(super) fn work(&mut self, length: Duration) -> io::Result<()> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            for at in 0..self.agents.len() {
                if self.agents[at].busy.is_none() {
                    self.begin(at)?;
                }
            }
            self.tick(true)?;
        }
        Ok(())
    }

    /// Begins nothing more and waits until all have come to their end. Returns whether they did.
    pub(super) fn drain(&mut self) -> io::Result<bool> {
        self.nemesis.wake_all()?;
        while self.agents.iter().any(|agent| agent.busy.is_some()) {
            self.tick(false)?;
            if !self.problems.is_empty() {
                return Ok(false);
            }
        }
        let begin = Instant::now();
        while self.strangers()? > 0 {
            if begin.elapsed() > OPERATION_MAX {
                self.problems
                    .push("commands without a guard do not end".into());
                return Ok(false);
            }
            self.tick(false)?;
        }
        Ok(true)
    }

    /// The processes of this run that are left.
    fn strangers(&self) -> io::Result<usize> {
        let processes = tree::all()?;
        Ok(processes.iter().filter(|p| p.op != 0).count())
    }

    /// Kills everything at once, as a power failure does. Returns when all are gone.
    pub(super) fn kill_all(&mut self) -> io::Result<()> {
        history::append(&self.directory, 0, What::Deed { deed: Deed::Boot })?;
        let begin = Instant::now();
        loop {
            let processes = tree::all()?;
            let ours: Vec<_> = processes
                .iter()
                .filter(|p| p.op != 0 || self.is_busy(p.pid))
                .collect();
            if ours.is_empty() || begin.elapsed() > OPERATION_MAX {
                return Ok(());
            }
            for process in ours {
                if let Some(handle) = process.handle() {
                    handle.send(Signal::KILL);
                }
            }
            self.reap()?;
            sleep(TICK);
        }
    }

    fn is_busy(&self, pid: Pid) -> bool {
        let mut busy = self.agents.iter().filter_map(|agent| agent.busy.as_ref());
        busy.any(|busy| busy.pid == pid)
    }

    fn begin(&mut self, at: usize) -> io::Result<()> {
        let agent = &self.agents[at];
        let plan = self.planners[agent.planner_at].next(agent.standing.as_ref());
        let is_guard = matches!(plan.verb, Verb::Guard { .. });
        let no_prefix = Vec::new();
        let prefix = match self.prefixes.is_empty() || !is_guard {
            false if !self.random.one_in(3) => self.random.pick(&self.prefixes).clone(),
            _ => no_prefix,
        };
        self.note_ttls(&plan);
        let who = self.agents[at].who.clone();
        let mut command = launch::command(&self.directory, &plan, &prefix)?;
        launch::environment(&mut command, &self.directory, &who);
        if let Verb::Work { lease, token, .. } = &plan.verb {
            command
                .env("LEASEHOLD_LEASE", lease)
                .env("LEASEHOLD_TOKEN", token.to_string());
        }
        let what = What::Invoke {
            plan: plan.clone(),
            who,
            inside: None,
        };
        history::append(&self.directory, plan.op, what)?;
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let pid = pid.ok_or_else(|| io::Error::other("a child without a number"))?;
        let since = Instant::now();
        // It is reaped with all others, by `reap`.
        self.agents[at].busy = Some(Busy { plan, pid, since });
        Ok(())
    }

    fn note_ttls(&mut self, plan: &Plan) {
        if let Verb::Guard { ask, work } = &plan.verb {
            if let Some(ttl_ms) = ask.ttl_ms {
                self.ttl_ms.insert(plan.op, ttl_ms);
            }
            if let Some(inner) = &work.inner {
                self.note_ttls(inner);
            }
        }
    }

    fn tick(&mut self, is_evil: bool) -> io::Result<()> {
        self.reap()?;
        if is_evil {
            let busy = self.agents.iter().filter_map(|agent| agent.busy.as_ref());
            self.nemesis.tend(&Known {
                ttl_ms: &self.ttl_ms,
                ops: busy.map(|busy| (busy.pid, busy.plan.op)).collect(),
            })?;
        }
        let hung = self.agents.iter().find_map(|agent| {
            let busy = agent.busy.as_ref()?;
            (busy.since.elapsed() > OPERATION_MAX).then_some(busy)
        });
        if let Some(busy) = hung {
            let text = format!("operation {} hangs: {:?}", busy.plan.op, busy.plan.verb);
            self.problems.push(text);
        }
        let begin = Instant::now();
        sleep(TICK);
        self.stall = self.stall.max(begin.elapsed().saturating_sub(TICK));
        Ok(())
    }

    /// Takes the ends of all who have ended.
    fn reap(&mut self) -> io::Result<()> {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.end(pid, status)?,
                Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn end(&mut self, pid: Pid, status: WaitStatus) -> io::Result<()> {
        let is_its = |agent: &&mut Agent| agent.busy.as_ref().is_some_and(|busy| busy.pid == pid);
        // Else it was left behind by somebody who was killed.
        let Some(agent) = self.agents.iter_mut().find(is_its) else {
            return Ok(());
        };
        let Some(busy) = agent.busy.take() else {
            return Ok(());
        };
        let code = status.exit_status();
        let standing = locked(&self.directory, &busy.plan, code);
        let lease = standing.as_ref().map(|standing| standing.lease.clone());
        match (&busy.plan.verb, code) {
            (Verb::Lock { .. }, _) => agent.standing = standing,
            (Verb::UnlockLease { .. }, _) => agent.standing = None,
            // Lost, or given back by another verb.
            (Verb::Renew { .. } | Verb::Check { .. }, Some(6)) => agent.standing = None,
            (Verb::Guard { ask, .. }, Some(6)) if ask.lease.is_some() => agent.standing = None,
            _ => {}
        }
        let signal = status.terminating_signal();
        let end = What::End {
            code,
            signal,
            lease,
        };
        history::append(&self.directory, busy.plan.op, end)
    }
}

/// Reads what `lock --json` said.
fn locked(directory: &Path, plan: &Plan, code: Option<i32>) -> Option<Standing> {
    let Verb::Lock { ask } = &plan.verb else {
        return None;
    };
    let text = fs::read_to_string(directory.join(format!("out/{}", plan.op))).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    let lease = &value["leases"][0];
    (code == Some(0)).then_some(Standing {
        lease: lease["id"].as_str()?.into(),
        token: lease["token"].as_u64()?,
        claims: ask.claims.clone(),
    })
}

/// Agents of one name, of names of their own, in sessions, and nameless ones.
fn identity(at: usize) -> Who {
    let owner = |name: &str| Some(name.to_owned());
    let (owner, session) = match at % 5 {
        0 => (owner("ada"), None),
        1 => (owner(&format!("agent-{at}")), None),
        2 => (None, Some(format!("session-{at}"))),
        3 => (owner("ada"), Some("shared".to_owned())),
        _ => (None, None),
    };
    Who { owner, session }
}
