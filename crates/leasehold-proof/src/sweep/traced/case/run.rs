//! A case on its way: who else is there, what they do meanwhile, and what the verb says in the end.

use super::Case;
use crate::sweep::traced::fault::Fault;
use crate::sweep::traced::scenario::Around;
use crate::sweep::traced::stage::{self, Gate, PATIENCE, Stage, words};
use crate::sweep::traced::template::is_on;
use crate::sweep::traced::tracer::{End, Live, Traced};
use crate::sweep::traced::witness;
use leasehold_core::View;
use std::io;
use std::process::Child;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// How long a renewal is waited for that may never come, because its writes fail.
const RENEWAL_MAX: Duration = Duration::from_secs(1);

/// A case on its way.
pub(in super::super) struct Run<'a> {
    pub(in super::super) case: &'a Case<'a>,
    pub(in super::super) stage: &'a Stage,
    /// Of the command of the verb itself.
    pub(in super::super) gate: Gate,
    /// Of the command of whoever holds the target.
    pub(in super::super) other_gate: Gate,
    /// Whoever holds the target or waits for it.
    pub(in super::super) other: Option<Child>,
    /// How long the log was before the verb.
    log_bytes: usize,
    /// Since when its command is known to run.
    up_since: Option<Instant>,
    /// Whether it was tried to get between a living guard and its command.
    is_probed: bool,
    /// Since when somebody has taken the lease away.
    pub(in super::super) robbed_since: Option<Instant>,
    pub(in super::super) problems: Vec<String>,
}

impl<'a> Run<'a> {
    /// Puts those in their places who are there before.
    pub(super) fn prepare(case: &'a Case<'a>, stage: &'a Stage) -> io::Result<Self> {
        let mut run = Run {
            case,
            stage,
            gate: stage.gate("verb")?,
            other_gate: stage.gate("other")?,
            other: None,
            log_bytes: 0,
            up_since: None,
            is_probed: false,
            robbed_since: None,
            problems: Vec::new(),
        };
        run.prepare_others()?;
        run.log_bytes = stage.log().len();
        Ok(run)
    }

    pub(in super::super) fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    pub(in super::super) fn targets(&self) -> String {
        self.case.scenario.targets.join(" ")
    }

    fn prepare_others(&mut self) -> io::Result<()> {
        match self.case.scenario.around {
            Around::Holder | Around::Keeper => {
                let holder = self.start_holder(&self.targets())?;
                self.other = Some(holder);
            }
            Around::Orphan => self.start_orphan()?,
            Around::Waiter => self.start_waiter()?,
            Around::Nobody | Around::LateWaiter | Around::Robber => {}
        }
        Ok(())
    }

    /// Starts somebody who holds this.
    fn start_holder(&self, what: &str) -> io::Result<Child> {
        let holder = self.stage.start(&stage::guard("bob", what, "other"))?;
        let gate = &self.other_gate;
        if self.stage.eventually(|stage| stage.is_up(gate)) {
            return Ok(holder);
        }
        Err(io::Error::other("the holder does not hold"))
    }

    /// Leaves a command that holds the targets without its guard, past its TTL.
    fn start_orphan(&self) -> io::Result<()> {
        let mut guard = self.start_holder(&format!("{} --ttl 100ms", self.targets()))?;
        guard.kill()?;
        guard.wait()?;
        let targets = self.case.scenario.targets;
        let is_over = |view: &View| {
            let mut leases = view.leases().filter(|lease| is_on(lease, targets));
            leases.any(|lease| lease.expires.is_some_and(|at| at <= view.now()))
        };
        if self
            .stage
            .eventually(|stage| stage.look(is_over).unwrap_or(false))
        {
            return Ok(());
        }
        Err(io::Error::other("the orphan's TTL does not end"))
    }

    fn start_waiter(&mut self) -> io::Result<()> {
        let seen = self.stage.log().len();
        let what = format!("{} --wait --timeout 25s", self.targets());
        self.other = Some(self.stage.start(&stage::passing_guard("cyd", &what))?);
        if self
            .stage
            .eventually(|stage| stage.has_logged(seen, "\"event\":\"queued\""))
        {
            return Ok(());
        }
        Err(io::Error::other("the waiter does not wait"))
    }

    /// Called while the verb runs: lets others act where it waits for them.
    pub(super) fn meanwhile(&mut self, live: &Live) -> io::Result<()> {
        let scenario = self.case.scenario;
        if !live.is_waiting.load(SeqCst) {
            return Ok(());
        }
        if scenario.around == Around::Holder && !self.other_gate.is_open {
            if self
                .stage
                .has_logged(self.log_bytes, "\"event\":\"queued\"")
            {
                self.other_gate.open()?;
            }
            return Ok(());
        }
        let is_here = live.had_child.load(SeqCst) && self.stage.is_up(&self.gate);
        if !scenario.has_command() || self.gate.is_open || !is_here {
            return Ok(());
        }
        if scenario.around == Around::Robber {
            return self.rob();
        }
        if scenario.around == Around::LateWaiter && self.other.is_none() {
            self.start_waiter()?;
        } else if !self.is_probed && !matches!(self.case.fault, Fault::Kill { .. }) {
            self.is_probed = true;
            self.must_be_held("its guard lives")?;
        }
        let since = *self.up_since.get_or_insert_with(Instant::now);
        if self.stage.has_logged(0, scenario.ends_after) || since.elapsed() > RENEWAL_MAX {
            self.gate.open()?;
        }
        Ok(())
    }

    /// Takes the lease away while its command runs. The command is stopped, and needs no way on.
    fn rob(&mut self) -> io::Result<()> {
        let Some(since) = self.robbed_since else {
            let line = format!("unlock {} --force --owner eve", self.targets());
            let said = self.stage.run(&words(&line))?;
            if said.code != Some(0) {
                self.problem(format!("`{line}` fails: {said}"));
            }
            self.robbed_since = Some(Instant::now());
            return Ok(());
        };
        if since.elapsed() > PATIENCE {
            self.problem("its lease is lost, and its command was not stopped".into());
            self.gate.open()?;
        }
        Ok(())
    }

    /// Nobody else may get the targets now.
    pub(in super::super) fn must_be_held(&mut self, why: &str) -> io::Result<()> {
        self.must_be_refused(&self.targets(), why)
    }

    /// Nobody else may get these names, separated by blanks.
    pub(in super::super) fn must_be_refused(&mut self, names: &str, why: &str) -> io::Result<()> {
        let said = self.stage.run(&stage::passing_guard("zoe", names))?;
        if said.code != Some(2) {
            self.problem(format!("{names} was not refused although {why}: {said}"));
        }
        Ok(())
    }

    /// How the verb itself ended.
    pub(super) fn check_end(&mut self, traced: &Traced) {
        let (fault, said) = (self.case.fault, self.stage.said());
        let is_killed = fault.kills() && traced.was_hit;
        match traced.end {
            End::Killed if is_killed => {}
            End::Exited(code) if !is_killed && self.may_exit(code) => {
                let ran = witness::read(&self.stage.witness());
                self.check_code(code, &said, ran.runs, traced.lost_talk);
            }
            end => self.problem(format!("it ended as {end:?}: {said}")),
        }
    }

    /// The contract of exit codes.
    fn may_exit(&self, code: i32) -> bool {
        let good = self.case.scenario.code;
        let is_uncertain = self.case.after.is_some();
        match self.case.fault {
            _ if code == good => true,
            // What was killed before may have got it, or given it back.
            _ if is_uncertain && matches!(code, 0 | 2..=4 | 6) => true,
            Fault::None | Fault::Kill { .. } | Fault::Tear { .. } | Fault::Short { .. } => false,
            Fault::Fail { .. } | Fault::FailOnward { .. } => code == 1,
            // A lock that cannot be tried counts as taken, and its holder as alive: then nothing is over.
            Fault::FailLock { .. } => matches!(code, 1..=3),
        }
    }

    fn check_code(&mut self, code: i32, said: &str, runs: usize, lost_talk: bool) {
        // `doctor` lists what is wrong, each line with its grade.
        let says_error =
            said.contains("error:") || said.lines().any(|line| line.starts_with("FAILURE "));
        if code == 1 && !lost_talk && !says_error {
            self.problem(format!("it failed without an error message: {said}"));
        }
        if said.contains("panicked") {
            self.problem(format!("it panicked: {said}"));
        }
        let is_orphaned = self.case.scenario.around == Around::Orphan;
        let is_alone = self.case.after.is_none() && self.other.is_none() && !is_orphaned;
        let has_run = code == 0 || (code == 6 && self.robbed_since.is_some());
        if is_alone && self.case.scenario.has_command() && runs != usize::from(has_run) {
            self.problem(format!(
                "exit code {code}, and its command ran {runs} times: {said}"
            ));
        }
    }
}
