//! What must be true after a repair, and after an import.

use super::must;
use crate::sweep::traced::case::Run;
use crate::sweep::traced::lokt;
use crate::sweep::traced::stage::{self, words};
use crate::sweep::traced::tracer::{End, Traced};
use std::io;

/// What was held is held before it is mended and after it; and it can be mended, whatever the first try
/// has left.
pub(super) fn after_repair(run: &mut Run<'_>) -> io::Result<()> {
    run.must_be_held("it is only damaged")?;
    must(run, "doctor --repair")?;
    // The damaged part of the log stays for the audit until it is dropped.
    must(run, "gc --keep 0s")
}

/// Where log and records are both damaged nobody knows who holds it, so nobody gets it.
pub(super) fn nobody_comes_in(run: &mut Run<'_>) -> io::Result<()> {
    let what = run.targets();
    let said = run.stage.run(&stage::passing_guard("zoe", &what))?;
    if said.code == Some(0) {
        run.problem(format!("{what} was given away by a guess: {said}"));
    }
    Ok(())
}

/// At each moment Lokt holds it still, or we do; what the import said is what became of it; and another one
/// does the rest.
pub(super) fn after_import(run: &mut Run<'_>, traced: &Traced) -> io::Result<()> {
    let taken = taken(run);
    let root = run.stage.lokt_root();
    for (name, is_taken) in &taken {
        if !is_taken && !lokt::is_there(&root, name) {
            run.problem(format!("{name} is lost"));
        }
    }
    let is_done = taken.iter().all(|(_, is_taken)| *is_taken) && lokt::is_closed(&root);
    let is_whole = run.case.fault.is_once();
    match traced.end {
        End::Exited(0) if !is_done => run.problem("it said that it was done".into()),
        End::Exited(1) if is_done && is_whole && !traced.lost_talk => {
            let said = run.stage.said();
            run.problem(format!("it failed, and is done all the same: {said}"));
        }
        _ => {}
    }
    let said = run.stage.run(&words("import lokt"))?;
    if !matches!(said.code, Some(0 | 3)) {
        run.problem(format!("then it cannot be done: {said}"));
    }
    let taken = self::taken(run);
    if !taken.iter().all(|(_, is_taken)| *is_taken) || !lokt::is_closed(&root) {
        run.problem(format!("once more does not do the rest: {taken:?}"));
    }
    for name in lokt::NAMES {
        run.must_be_refused(name, "it was taken over")?;
    }
    for line in [
        "unlock of-lokt",
        "unlock of-lokt-too",
        "unfreeze frozen-by-lokt",
    ] {
        must(run, &format!("{line} --force --owner ada"))?;
    }
    Ok(())
}

/// What of it is held here.
fn taken(run: &mut Run<'_>) -> Vec<(&'static str, bool)> {
    let names = lokt::NAMES.iter();
    let taken = run.stage.look(|view| {
        let is_taken = |name: &&'static str| (*name, lokt::is_taken(view, name));
        names.map(is_taken).collect()
    });
    taken.unwrap_or_else(|error| {
        run.problem(format!("it cannot be read who holds it: {error}"));
        Vec::new()
    })
}
