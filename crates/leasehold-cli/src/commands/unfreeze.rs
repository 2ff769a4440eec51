//! `leasehold unfreeze`: the end of a freeze before its time.

use crate::cli::Unfreeze;
use crate::context::Context;
use crate::error::CliError;
use crate::{answer, context, message};
use leasehold_api::code::Code;
use leasehold_api::lease::FreezeInfo;
use leasehold_api::outcome::Outcome;
use leasehold_core::command::Command;
use leasehold_core::freeze::Freeze;
use leasehold_core::verdict::Verdict;
use leasehold_core::{Identity, Resource, View};
use leasehold_service::{Answer, Clock};

const VERB: &str = "unfreeze";

pub(crate) fn run(args: &Unfreeze) -> Result<Outcome, CliError> {
    let (context, place) = context::open_to_look(&args.call.store)?;
    let by = context::who(&args.call.owner)?;
    let named = place.base().named(&args.name)?;
    let Some(context) = context else {
        return Ok(Outcome {
            notes: place.absent(),
            ..not_frozen(&named.resource)
        });
    };
    let mut outcome = thaw(&context, &named.resource, &by, args.force)?;
    if !outcome.ok {
        return Ok(outcome);
    }
    // What `freeze` froze beside it: the target of a link, the repository below a directory.
    for also in &named.also {
        let also = thaw(&context, also, &by, args.force)?;
        if also.code == Code::NotYours {
            return Ok(also);
        }
        if also.ok {
            outcome.message = format!("{}; {}", outcome.message, also.message);
            outcome.freezes.extend(also.freezes);
            outcome.notes.extend(also.notes);
        }
    }
    Ok(outcome)
}

fn thaw(
    context: &Context,
    resource: &Resource,
    by: &Identity,
    force: bool,
) -> Result<Outcome, CliError> {
    let Answer { value: view, clock } = context.leasing.look_at(resource)?;
    let command = Command::Thaw {
        resource: resource.clone(),
        by: by.clone(),
        force,
    };
    let verdict = context.leasing.execute(&command)?.value;
    let after = context.leasing.look_at(resource)?.value;
    let mut outcome = match verdict {
        Verdict::FreezeNotYours(freeze) => return Ok(not_yours(&freeze, &clock)),
        Verdict::NotFound => not_frozen(resource),
        _ => {
            let ended = on(&view).filter(|freeze| after.freezes().all(|left| left.id != freeze.id));
            let ended: Vec<&Freeze> = ended
                .filter(|freeze| freeze.resource == *resource)
                .collect();
            let notes = ended.iter().filter_map(|freeze| anothers(freeze, by));
            let infos = ended.iter().map(|freeze| FreezeInfo::new(freeze, &clock));
            Outcome {
                notes: notes.collect(),
                freezes: infos.collect(),
                ..answer::outcome(VERB, Code::Ok, unfroze(resource, &ended, by))
            }
        }
    };
    outcome.notes.extend(left(&after, resource, &clock));
    Ok(outcome)
}

fn on(view: &View) -> impl Iterator<Item = &Freeze> {
    view.freezes().filter(|freeze| freeze.is_on(view.now()))
}

fn not_frozen(resource: &Resource) -> Outcome {
    let text = format!("`{resource}` is not frozen");
    answer::outcome(VERB, Code::NotFound, text)
}

/// Says what was ended, and whose it was where it was not the asker's own.
fn unfroze(resource: &Resource, ended: &[&Freeze], by: &Identity) -> String {
    let theirs = ended.iter().filter(|freeze| freeze.who.owner != by.owner);
    let theirs: Vec<String> = theirs.map(|freeze| freeze.who.owner.to_string()).collect();
    if theirs.is_empty() {
        return format!("unfroze `{resource}`");
    }
    format!(
        "unfroze `{resource}`, which {} had frozen",
        theirs.join(" and ")
    )
}

/// Says of a freeze under one's own name that it need not have been one's own: a harness's agent goes by the
/// name of the person whose user it has.
fn anothers(freeze: &Freeze, by: &Identity) -> Option<String> {
    let tells = by.agent().is_some() || freeze.who.agent().is_some();
    let may_be = freeze.who.owner == by.owner && !freeze.who.same_agent(by) && tells;
    let whose = || format!("it was frozen under the name of {}", freeze.who.owner);
    may_be.then(|| message::perhaps_anothers(&whose()))
}

/// Says what is frozen there still: the same by others, and what overlaps it.
fn left(view: &View, resource: &Resource, clock: &Clock) -> Vec<String> {
    let mut left: Vec<&Freeze> = on(view).collect();
    left.sort_by_key(|freeze| (freeze.since, freeze.id));
    message::listed(&left, |freeze: &&Freeze| {
        let frozen = message::frozen(std::slice::from_ref(*freeze), clock);
        let which = if freeze.resource == *resource {
            " still"
        } else {
            ", which overlaps it"
        };
        format!("{frozen}{which}")
    })
}

fn not_yours(freeze: &Freeze, clock: &Clock) -> Outcome {
    let text = format!(
        "{}, not by you",
        message::frozen(std::slice::from_ref(freeze), clock)
    );
    let hint = "to end it all the same, add --force: the audit keeps who did";
    Outcome {
        hints: vec![hint.into()],
        freezes: vec![FreezeInfo::new(freeze, clock)],
        ..answer::outcome(VERB, Code::NotYours, text)
    }
}
