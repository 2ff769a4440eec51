//! What must be true after a verb that is made of steps, a commit each: leases given back, names frozen.

use super::must;
use crate::sweep::traced::case::Run;
use crate::sweep::traced::fault::Fault;
use crate::sweep::traced::scenario::{Scenario, Verb};
use crate::sweep::traced::template::{OVER, Template, is_on};
use crate::sweep::traced::tracer::{End, Traced};
use leasehold_core::{Lease, Resource, View};
use std::io;

/// One of the steps.
#[derive(Debug)]
struct Step {
    /// Whether it has become the new state.
    is_done: bool,
    /// The names of which nobody may get any now, separated by blanks.
    taken: Option<String>,
    /// Whether it is neither in the old state nor in the new one.
    is_odd: bool,
}

/// Checks that what was not done is as it was, that what was done came in order, and that the verb said
/// truly whether all was; then finishes it.
pub(super) fn after(run: &mut Run<'_>, traced: &Traced) -> io::Result<()> {
    let steps = steps(run);
    check_order(run, &steps);
    check_said(run, traced, &steps);
    for taken in steps.iter().filter_map(|step| step.taken.as_deref()) {
        run.must_be_refused(taken, "that was not undone")?;
    }
    match run.case.scenario.verb {
        Verb::Freeze => {
            // The end of a link's freeze is the end of that of its target, too.
            for name in steps.iter().rev().filter_map(|step| step.taken.as_deref()) {
                must(run, &format!("unfreeze {name} --force --owner ada"))?;
            }
        }
        _ if steps.iter().all(|step| step.is_done) => {}
        _ => finish(run)?,
    }
    Ok(())
}

/// The same once more does what is left.
fn finish(run: &mut Run<'_>) -> io::Result<()> {
    let scenario = run.case.scenario;
    let line = scenario.words(run.case.template, "verb");
    let said = run.stage.run_by(scenario.owner, &line)?;
    if said.code != Some(0) {
        run.problem(format!("then `{}` fails: {said}", line.join(" ")));
    }
    let steps = steps(run);
    if !steps.iter().all(|step| step.is_done) {
        run.problem(format!("once more does not do the rest: {steps:?}"));
    }
    Ok(())
}

/// Looks how far it has come.
fn steps(run: &mut Run<'_>) -> Vec<Step> {
    let (scenario, template) = (run.case.scenario, run.case.template);
    let steps = run.stage.look(|view| match scenario.verb {
        Verb::Freeze => freezes(scenario, template, view),
        Verb::Thaw => thaws(scenario, view),
        _ => releases(scenario, template, view),
    });
    steps.unwrap_or_else(|error| {
        run.problem(format!("it cannot be read how far it has come: {error}"));
        Vec::new()
    })
}

fn releases(scenario: &Scenario, template: &Template, view: &View) -> Vec<Step> {
    let meant = |lease: &&Lease| is_on(lease, scenario.targets);
    let meant = template.leases.iter().filter(meant);
    let step = |before: &Lease| {
        let found = view.lease(before.id);
        Step {
            is_done: found.is_none(),
            // What is over is in nobody's way.
            taken: found
                .filter(|_| !is_on(before, OVER))
                .map(|_| names(before)),
            is_odd: found.is_some_and(|found| **found != *before),
        }
    };
    meant.map(step).collect()
}

fn names(lease: &Lease) -> String {
    let claims = lease.claims.iter();
    let names: Vec<String> = claims.map(|claim| claim.resource.to_string()).collect();
    names.join(" ")
}

fn freezes(scenario: &Scenario, template: &Template, view: &View) -> Vec<Step> {
    let step = |name: &&str| {
        let found: Vec<_> = on(view, name).collect();
        Step {
            is_done: found
                .iter()
                .any(|freeze| !template.freezes.iter().any(|old| *old == **freeze)),
            taken: (!found.is_empty()).then(|| (*name).to_owned()),
            // To freeze again takes the place of what was there.
            is_odd: found.len() > 1,
        }
    };
    scenario.targets.iter().map(step).collect()
}

fn thaws(scenario: &Scenario, view: &View) -> Vec<Step> {
    let step = |name: &&str| {
        let is_frozen = on(view, name).next().is_some();
        Step {
            is_done: !is_frozen,
            taken: is_frozen.then(|| (*name).to_owned()),
            is_odd: false,
        }
    };
    scenario.targets.iter().map(step).collect()
}

/// The freezes of exactly this name.
fn on<'a>(
    view: &'a View,
    name: &str,
) -> impl Iterator<Item = &'a leasehold_core::freeze::Freeze> + use<'a> {
    let name = Resource::parse(name).ok();
    view.freezes()
        .filter(move |freeze| Some(&freeze.resource) == name.as_ref())
}

/// Old or new, and no step before the one ahead of it; by one commit all or none.
fn check_order(run: &mut Run<'_>, steps: &[Step]) {
    // What was killed before did what it wanted.
    if run.case.after.is_some() {
        return;
    }
    let is_done = |step: &Step| step.is_done;
    let is_in_order = steps.is_sorted_by_key(|step| !step.is_done);
    let is_whole = steps.iter().all(is_done) || !steps.iter().any(is_done);
    let is_one_commit = run.case.scenario.verb == Verb::Clear && !takes_dead_for_living(run);
    if !is_in_order || (is_one_commit && !is_whole) || steps.iter().any(|step| step.is_odd) {
        run.problem(format!("it is neither old nor new: {steps:?}"));
    }
}

/// Whether it may have found alive who is dead: a lock that cannot be tried counts as taken.
const fn takes_dead_for_living(run: &Run<'_>) -> bool {
    matches!(run.case.fault, Fault::FailLock { .. })
}

/// Success is the new state, an error not all of it.
fn check_said(run: &mut Run<'_>, traced: &Traced, steps: &[Step]) {
    let is_done = steps.iter().all(|step| step.is_done);
    // After the leases that are over, a last commit drops the places and freezes that are.
    let has_more = run.case.scenario.verb == Verb::Clear;
    let is_plain = run.case.after.is_none() && !has_more;
    match traced.end {
        End::Exited(0) if !is_done && !takes_dead_for_living(run) => {
            run.problem(format!("it said that it was done: {steps:?}"));
        }
        End::Exited(1) if is_done && is_plain && !traced.lost_talk => {
            let said = run.stage.said();
            run.problem(format!("it failed, and is done all the same: {said}"));
        }
        _ => {}
    }
}
