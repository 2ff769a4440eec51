//! One case: a verb with a fault in it, and all that must be true afterwards.

use super::call::Call;
use super::fault::Fault;
use super::scenario::{Around, Scenario, Verb};
use super::settle;
use super::stage::{self, Gate, Stage, Template};
use super::tracer::{self, End, Live, Traced};
use std::io;
use std::process::Child;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// How long a renewal is waited for that may never come, because its writes fail.
const RENEWAL_MAX: Duration = Duration::from_secs(1);

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) template: &'a Template,
    pub(super) scenario: &'a Scenario,
    pub(super) fault: Fault,
    /// A verb that was killed before, at a call, and that nobody has looked after since.
    pub(super) after: Option<(&'a Scenario, Fault)>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) calls: Vec<Call>,
    pub(super) was_hit: bool,
    pub(super) problems: Vec<String>,
}

impl Case<'_> {
    /// Says which case it is, in the words that choose it on the command line.
    pub(super) fn name(&self) -> String {
        let Self {
            scenario, fault, ..
        } = self;
        match self.after {
            None => format!("{}, {fault}", scenario.name),
            Some((before, first)) => {
                format!("{}, {first}; then {}, {fault}", before.name, scenario.name)
            }
        }
    }

    /// Runs it.
    pub(super) fn run(&self) -> io::Result<Ran> {
        let stage = self.template.copy()?;
        // Kept to the end: a line in a pipe that nobody has open is lost.
        let mut first_gate = stage.gate("first")?;
        if let Some((before, fault)) = self.after {
            first_gate.open()?;
            let words = before.words(self.template, "first");
            let traced = tracer::run(stage.program(&words)?, fault, &mut |_| {})?;
            let is_out = |stage: &Stage| {
                let witness = super::witness::read(&stage.witness());
                stage.is_up(&first_gate) && !witness.is_occupied
            };
            // What it guards may have nothing to do with what comes now.
            if traced.had_child && !stage.eventually(is_out) {
                return Err(io::Error::other("the first command does not end"));
            }
        }
        let mut run = Run {
            case: self,
            stage: &stage,
            gate: stage.gate("verb")?,
            other_gate: stage.gate("other")?,
            other: None,
            log_bytes: 0,
            up_since: None,
            is_probed: false,
            problems: Vec::new(),
        };
        run.prepare()?;
        let log_before = stage.log();
        run.log_bytes = log_before.len();
        let words = self.scenario.words(self.template, "verb");
        let mut failed = None;
        let traced = tracer::run(stage.program(&words)?, self.fault, &mut |live| {
            failed = failed.take().or(run.meanwhile(live).err());
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        run.check_end(&traced);
        if self.scenario.verb == Verb::Look && stage.log() != log_before {
            run.problem("looking changed the log".into());
        }
        settle::settle(&mut run, &traced)?;
        Ok(Ran {
            calls: traced.calls,
            was_hit: traced.was_hit,
            problems: run.problems,
        })
    }
}

/// A case on its way.
pub(super) struct Run<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) stage: &'a Stage,
    /// Of the command of the verb itself.
    pub(super) gate: Gate,
    /// Of the command of whoever holds the target.
    pub(super) other_gate: Gate,
    /// Whoever holds the target or waits for it.
    pub(super) other: Option<Child>,
    /// How long the log was before the verb.
    log_bytes: usize,
    /// Since when its command is known to run.
    up_since: Option<Instant>,
    /// Whether it was tried to get between a living guard and its command.
    is_probed: bool,
    pub(super) problems: Vec<String>,
}

impl Run<'_> {
    pub(super) fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    pub(super) fn targets(&self) -> String {
        self.case.scenario.targets.join(" ")
    }

    /// Puts those in their places who are there before.
    fn prepare(&mut self) -> io::Result<()> {
        match self.case.scenario.around {
            Around::Holder | Around::Keeper => {
                let holder = stage::guard("bob", &self.targets(), "other");
                self.other = Some(self.stage.start(&holder)?);
                let gate = &self.other_gate;
                if !self.stage.eventually(|stage| stage.is_up(gate)) {
                    return Err(io::Error::other("the holder does not hold"));
                }
            }
            Around::Waiter => self.start_waiter()?,
            Around::Nobody | Around::LateWaiter => {}
        }
        Ok(())
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
    fn meanwhile(&mut self, live: &Live) -> io::Result<()> {
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

    /// Nobody else may get the targets now.
    pub(super) fn must_be_held(&mut self, why: &str) -> io::Result<()> {
        let said = self
            .stage
            .run(&stage::passing_guard("zoe", &self.targets()))?;
        if said.code != Some(2) {
            let targets = self.targets();
            self.problem(format!("{targets} was not refused although {why}: {said}"));
        }
        Ok(())
    }

    /// How the verb itself ended.
    fn check_end(&mut self, traced: &Traced) {
        let (fault, said) = (self.case.fault, self.stage.said());
        let is_killed = fault.kills() && traced.was_hit;
        match traced.end {
            End::Killed if is_killed => {}
            End::Exited(code) if !is_killed && self.may_exit(code) => {
                let ran = super::witness::read(&self.stage.witness());
                self.check_code(code, &said, ran.runs, traced.lost_talk);
            }
            end => self.problem(format!("it ended as {end:?}: {said}")),
        }
    }

    /// The contract of exit codes.
    fn may_exit(&self, code: i32) -> bool {
        let good = self.case.scenario.code();
        let is_uncertain = self.case.after.is_some();
        match self.case.fault {
            _ if code == good => true,
            // What was killed before may have got it, or given it back.
            _ if is_uncertain && matches!(code, 2..=4 | 6) => true,
            Fault::None | Fault::Kill { .. } | Fault::Tear { .. } | Fault::Short { .. } => false,
            Fault::Fail { .. } | Fault::FailOnward { .. } => code == 1,
            // A lock that cannot be tried counts as taken.
            Fault::FailLock { .. } => code == 1 || code == 2,
        }
    }

    fn check_code(&mut self, code: i32, said: &str, runs: usize, lost_talk: bool) {
        if code == 1 && !lost_talk && !said.contains("error:") {
            self.problem(format!("it failed without an error message: {said}"));
        }
        if said.contains("panicked") {
            self.problem(format!("it panicked: {said}"));
        }
        let is_alone = self.case.after.is_none() && self.other.is_none();
        if is_alone && self.case.scenario.has_command() && runs != usize::from(code == 0) {
            self.problem(format!(
                "exit code {code}, and its command ran {runs} times: {said}"
            ));
        }
    }
}
