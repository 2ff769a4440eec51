//! What must be true after a fault, whatever it was.

mod mended;
mod steps;

use super::case::Run;
use super::scenario::Verb;
use super::stage::{self, Stage, words};
use super::template::{is_on, overlaps};
use super::tracer::{End, Traced};
use super::witness;
use crate::damage::history::History;
use leasehold_core::Lease;
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_store::StoreError;
use std::io;

/// Who has the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Free,
    /// A standing lease.
    Standing,
}

/// Checks that the old state or the new one holds, that records say what the log says, and that the
/// work goes on: orphans are protected until they end, the targets can be had again, waiters get them.
pub(super) fn settle(run: &mut Run<'_>, traced: &Traced) -> io::Result<()> {
    let is_orphaned = traced.end == End::Killed
        && traced.had_child
        && !run.gate.is_open
        && run.robbed_since.is_none();
    if is_orphaned {
        let gate = &run.gate;
        if run.stage.eventually(|stage| stage.is_up(gate)) {
            run.must_be_held("its command lives")?;
        } else {
            run.problem("its command was lost".into());
        }
    }
    run.gate.open()?;
    run.other_gate.open()?;
    if !run
        .stage
        .eventually(|stage| !witness::read(&stage.witness()).is_occupied)
    {
        run.problem("a command does not end".into());
    }
    if run.case.scenario.verb == Verb::GiveUp {
        return mended::nobody_comes_in(run);
    }
    if run.case.scenario.verb == Verb::Repair {
        mended::after_repair(run)?;
    }
    check_whole(run, "after the fault");
    let is_second = run.case.after.is_some();
    if is_second && run.case.scenario.verb == Verb::Lock {
        thaw_the_rest(run)?;
    }
    match run.case.scenario.verb {
        Verb::Guard | Verb::TimeOut => {}
        Verb::Lock => after_lock(run, traced)?,
        Verb::Unlock | Verb::Clear | Verb::Freeze | Verb::Thaw => steps::after(run, traced)?,
        Verb::Import => mended::after_import(run, traced)?,
        Verb::Keep | Verb::Repair | Verb::GiveUp | Verb::Look | Verb::Join | Verb::Refused => {
            after_keep(run)?;
        }
    }
    if is_second {
        unlock_the_rest(run)?;
        thaw_the_rest(run)?;
    }
    wait_for_other(run)?;
    check_free(run)?;
    let ran = witness::read(&run.stage.witness());
    if run.case.scenario.verb != Verb::Join {
        run.problems.extend(ran.problems);
    }
    check_whole(run, "at the end");
    check_bystanders(run);
    Ok(())
}

/// Records equal the log, and the log keeps the laws.
fn check_whole(run: &mut Run<'_>, when: &str) {
    let template = run.case.template;
    let check = |stage: &Stage| -> Result<Vec<String>, StoreError> {
        // Whatever a process left half done is brought in by whoever decides next.
        stage.look(|_| ())?;
        let store = stage.store()?;
        let mut problems = store.verify()?;
        problems.extend(store.verify_history()?);
        problems.extend(if stage.has_whole_log() {
            History::check(&store)?
        } else {
            History::check_from(&template.leases, &store)?
        });
        Ok(problems)
    };
    match check(run.stage) {
        Ok(problems) => run
            .problems
            .extend(problems.into_iter().map(|what| format!("{when}: {what}"))),
        Err(error) => run.problem(format!("{when}: {error}")),
    }
}

/// Who holds the targets now. A grant that nobody picked up holds nothing.
fn hold(run: &mut Run<'_>) -> Hold {
    let targets = run.case.scenario.targets;
    let held = run.stage.look(|view| {
        let mut leases = view.leases().filter(|lease| is_on(lease, targets));
        leases.any(|lease| lease.is_bound() && lease.kind == Kind::Standing)
    });
    match held {
        Ok(true) => Hold::Standing,
        Ok(false) => Hold::Free,
        Err(error) => {
            run.problem(format!("it cannot be read who holds it: {error}"));
            Hold::Free
        }
    }
}

/// What it said must be what became of it: success is the new state, an error the old one.
fn after_lock(run: &mut Run<'_>, traced: &Traced) -> io::Result<()> {
    let found = hold(run);
    let is_plain = run.case.after.is_none();
    match (traced.end, found) {
        (End::Exited(0), Hold::Free) => {
            run.problem("it said that it was locked, and it is not".into());
        }
        (End::Exited(1), Hold::Standing) if is_plain && !traced.lost_talk => {
            let said = run.stage.said();
            run.problem(format!("it failed, and it is locked all the same: {said}"));
        }
        _ => {}
    }
    if found == Hold::Standing {
        run.must_be_held("it is locked")?;
    }
    // The same agent can ask again, whatever became of it.
    let what = run.targets();
    must(
        run,
        &format!("lock {what} --owner ada --wait --timeout 15s --ttl none"),
    )?;
    let first = run.case.scenario.targets[0];
    must(run, &format!("unlock {first} --owner ada"))
}

fn after_keep(run: &mut Run<'_>) -> io::Result<()> {
    if hold(run) != Hold::Standing {
        // Unless the one killed before gave it back.
        if run.case.after.is_some() {
            return Ok(());
        }
        run.problem("the lease is gone".into());
        return Ok(());
    }
    run.must_be_held("it is locked")?;
    let first = run.case.scenario.targets[0];
    must(run, &format!("unlock {first} --owner ada"))
}

/// Gives back what the verb killed before has left on the targets.
fn unlock_the_rest(run: &mut Run<'_>) -> io::Result<()> {
    let targets = run.case.scenario.targets;
    let lines = run.stage.look(|view| {
        let is_left = |lease: &&Lease| {
            lease.is_bound() && lease.kind == Kind::Standing && is_on(lease, targets)
        };
        let unlock = |lease: &Lease| format!("unlock --lease {} --force", lease.id);
        view.leases().filter(is_left).map(unlock).collect()
    });
    must_all(run, lines)
}

/// Ends the freezes that the verb killed before has left on the targets.
fn thaw_the_rest(run: &mut Run<'_>) -> io::Result<()> {
    let targets = run.case.scenario.targets;
    let lines = run.stage.look(|view| {
        let is_left = |freeze: &&Freeze| overlaps(&freeze.resource, targets);
        let thaw = |freeze: &Freeze| format!("unfreeze {} --force --owner ada", freeze.resource);
        view.freezes().filter(is_left).map(thaw).collect()
    });
    must_all(run, lines)
}

fn must_all(run: &mut Run<'_>, lines: Result<Vec<String>, StoreError>) -> io::Result<()> {
    match lines {
        Ok(lines) => lines.iter().try_for_each(|line| must(run, line)),
        Err(error) => {
            run.problem(format!("it cannot be read what is left: {error}"));
            Ok(())
        }
    }
}

fn must(run: &mut Run<'_>, line: &str) -> io::Result<()> {
    let said = run.stage.run(&words(line))?;
    if said.code != Some(0) {
        run.problem(format!("then `{line}` fails: {said}"));
    }
    Ok(())
}

/// Whoever waited or held comes to its end.
fn wait_for_other(run: &mut Run<'_>) -> io::Result<()> {
    let Some(mut other) = run.other.take() else {
        return Ok(());
    };
    let mut ended = None;
    run.stage.eventually(|_| {
        ended = other.try_wait().ok().flatten();
        ended.is_some()
    });
    match ended {
        Some(status) if status.success() => {}
        Some(status) => run.problem(format!("the other ended with {status}")),
        None => {
            run.problem("the other does not come to its end".into());
            other.kill()?;
            other.wait()?;
        }
    }
    Ok(())
}

/// The targets can be had: at once, or as soon as the last process with a proof of life is gone, which
/// may be a moment after the command said that it is out.
fn check_free(run: &mut Run<'_>) -> io::Result<()> {
    let may_linger = run.case.scenario.has_command() || run.case.after.is_some();
    let patience = if may_linger {
        " --wait --timeout 15s"
    } else {
        ""
    };
    let what = format!("{}{patience}", run.targets());
    let said = run.stage.run(&stage::passing_guard("zoe", &what))?;
    if said.code != Some(0) {
        run.problem(format!("then {what} cannot be had: {said}"));
    }
    Ok(())
}

/// Nothing happened to what others hold and have frozen.
fn check_bystanders(run: &mut Run<'_>) {
    let template = run.case.template;
    let mut names = run.case.scenario.targets.to_vec();
    names.extend(run.case.after.iter().flat_map(|(first, _)| first.targets));
    let is_other = |freeze: &&Freeze| !overlaps(&freeze.resource, &names);
    let found = run.stage.look(|view| {
        let mut leases = template.leases.iter();
        let missing = leases.find(|lease| {
            !is_on(lease, &names) && view.lease(lease.id).map(AsRef::as_ref) != Some(*lease)
        });
        let before = template.freezes.iter().filter(is_other);
        let after = view.freezes().filter(is_other);
        (missing.map(|lease| lease.id), before.eq(after))
    });
    match found {
        Ok((None, true)) => {}
        Ok((Some(lease), _)) => run.problem(format!("another lease was touched: {lease}")),
        Ok((None, false)) => run.problem("another freeze was touched".into()),
        Err(error) => run.problem(format!("others cannot be read: {error}")),
    }
}
