//! One case: a verb with a fault in it, and all that must be true afterwards.

mod run;

use super::fault::Fault;
use super::scenario::{Scenario, Verb};
use super::settle;
use super::stage::Stage;
use super::template::Template;
use super::tracer;
use crate::tracer::call::Call;
use std::io;

pub(super) use run::Run;

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
            let program = stage.program(before, self.template, "first")?;
            let traced = tracer::run(program, fault, &mut |_| {})?;
            let is_out = |stage: &Stage| {
                let witness = super::witness::read(&stage.witness());
                stage.is_up(&first_gate) && !witness.is_occupied
            };
            // What it guards may have nothing to do with what comes now.
            if traced.had_child && !stage.eventually(is_out) {
                return Err(io::Error::other("the first command does not end"));
            }
        }
        let mut run = Run::prepare(self, &stage)?;
        let log_before = stage.log();
        let program = stage.program(self.scenario, self.template, "verb")?;
        let mut failed = None;
        let traced = tracer::run(program, self.fault, &mut |live| {
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
