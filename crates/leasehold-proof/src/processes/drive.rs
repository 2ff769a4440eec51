//! The driver: agents that do one thing after the other, and the nemesis among them.
//!
//! What is asked for follows from the seed alone. When it happens, and so what a deed meets, is up to
//! the machine: a seed repeats the pressure, not the interleaving.

pub(super) mod agent;
mod quiet;

use self::agent::{Agent, Busy, identity, locked};

use super::TRACED;
use super::clock::Clocks;
use super::history::{self, What};
use super::launch;
use super::nemesis::{Known, Nemesis};
use super::plan::{Plan, Verb};
use super::planner::Planner;
use super::round::upkeep::Upkeep;
use super::setting::Setting;
use super::story::Story;
use super::tally;
use crate::Random;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often it looks around: more often than the nemesis strikes, so that an agent whose operation has
/// ended does not idle for long. Nothing is judged by it.
const TICK: Duration = Duration::from_millis(3);
/// The longest that any operation may take: three guards inside each other that wait for 15 s each, the
/// time to pick up a grant, and time for a busy machine.
const OPERATION_MAX: Duration = Duration::from_secs(90);

/// What an operation is started through.
#[derive(Debug)]
pub(super) struct Prefix {
    /// The word for it in a tally.
    pub(super) name: &'static str,
    pub(super) words: Vec<String>,
}

/// A run of one round.
#[derive(Debug)]
pub(super) struct Driver {
    directory: PathBuf,
    setting: Setting,
    agents: Vec<Agent>,
    planners: Vec<Planner>,
    random: Random,
    pub(super) nemesis: Nemesis,
    /// How to enter other namespaces, where there are some.
    prefixes: Vec<Prefix>,
    /// How often they were entered.
    entered: BTreeMap<&'static str, u64>,
    /// Clocks that jump, where there are some.
    pub(super) clocks: Option<Clocks>,
    /// Who looks after the workspace meanwhile, where somebody does.
    pub(super) upkeep: Option<Upkeep>,
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
            Planner::new(own, setting, at as u64 * 1_000_000, agent::sweeps(at))
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
            setting,
            agents: agents.collect(),
            planners,
            nemesis,
            random,
            prefixes: Vec::new(),
            entered: BTreeMap::new(),
            clocks: None,
            upkeep: setting.has_upkeep.then(|| Upkeep::new(directory)),
            ttl_ms: BTreeMap::new(),
            problems: Vec::new(),
            stall: Duration::ZERO,
        }
    }

    /// From now on some operations go through these.
    pub(super) fn set_prefixes(&mut self, prefixes: Vec<Prefix>) {
        self.prefixes = prefixes;
    }

    /// How often the nemesis did what: signals as they were sent, the rest as it was written down.
    pub(super) fn deeds(&self, story: &Story) -> BTreeMap<String, u64> {
        let mut deeds: BTreeMap<&str, u64> = BTreeMap::new();
        for deed in story.all_deeds() {
            *deeds.entry(deed.name()).or_default() += 1;
        }
        for (name, count) in self.entered.iter().chain(&self.nemesis.done) {
            deeds.insert(name, *count);
        }
        if let Some(upkeep) = &self.upkeep {
            deeds.insert(tally::UPKEEP, upkeep.done);
        }
        let named = deeds.into_iter().map(|(name, count)| (name.into(), count));
        named.collect()
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

    fn begin(&mut self, at: usize) -> io::Result<()> {
        let agent = &self.agents[at];
        let plan = self.planners[agent.planner_at].next(agent.standing.as_ref());
        let prefix = self.prefix(&plan);
        self.note_ttls(&plan);
        let who = self.agents[at].who.clone();
        let mut command = launch::command(&self.directory, &plan, &prefix)?;
        launch::environment(&mut command, &self.directory, &who);
        let clocks = self.clocks.iter();
        clocks.for_each(|clocks| clocks.put_into(&mut command, at));
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

    /// What an operation is started through: another namespace, or the tracer.
    fn prefix(&mut self, plan: &Plan) -> Vec<String> {
        let is_guard = matches!(plan.verb, Verb::Guard { .. });
        if is_guard && !self.prefixes.is_empty() && !self.random.one_in(3) {
            let prefix = self.random.pick(&self.prefixes);
            *self.entered.entry(prefix.name).or_default() += 1;
            return prefix.words.clone();
        }
        let is_leasehold = !matches!(plan.verb, Verb::Work { .. });
        if is_leasehold && self.setting.has_bad_calls && self.random.one_in(2) {
            let tracer = self.directory.join("bin").join(launch::TRACER);
            let op = plan.op.to_string();
            return vec![tracer.display().to_string(), TRACED.into(), op];
        }
        Vec::new()
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
            self.clocks.iter_mut().try_for_each(Clocks::tend)?;
            self.upkeep.iter_mut().try_for_each(Upkeep::tend)?;
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
        let upkeep = self.upkeep.iter_mut();
        upkeep.for_each(|upkeep| upkeep.ended(pid, status.exit_status()));
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
