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
    let context = context::open(&args.store)?;
    let by = context::who(&args.owner)?;
    let resource = context.base.parse(&args.name)?;
    let mut outcome = thaw(&context, &resource, &by, args.force)?;
    // What `freeze` froze beside it: the target of a link, the repository below a directory.
    if let Some(also) = context.base.also(&resource).filter(|_| outcome.ok) {
        let also = thaw(&context, &also, &by, args.force)?;
        if also.code == Code::NotYours {
            return Ok(also);
        }
        if also.ok {
            outcome.message = format!("{}; {}", outcome.message, also.message);
            outcome.freezes.extend(also.freezes);
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
    let (resource, by) = (resource.clone(), by.clone());
    let command = Command::Thaw {
        resource: resource.clone(),
        by,
        force,
    };
    Ok(match context.leasing.execute(&command)?.value {
        Verdict::FreezeNotYours(freeze) => not_yours(&freeze, &clock),
        Verdict::NotFound => {
            let text = format!("`{resource}` is not frozen");
            Outcome {
                hints: others(&view, &resource, &clock),
                ..answer::outcome(VERB, Code::NotFound, text)
            }
        }
        _ => {
            let ended = view
                .freezes()
                .filter(|freeze| freeze.resource == resource && freeze.is_on(view.now()));
            Outcome {
                freezes: ended
                    .map(|freeze| FreezeInfo::new(freeze, &clock))
                    .collect(),
                hints: others(&view, &resource, &clock),
                ..answer::outcome(VERB, Code::Ok, format!("unfroze `{resource}`"))
            }
        }
    })
}

/// Says what else is frozen there.
fn others(view: &View, resource: &Resource, clock: &Clock) -> Vec<String> {
    let others = view
        .freezes()
        .filter(|freeze| freeze.resource != *resource && freeze.is_on(view.now()));
    let mut others: Vec<&Freeze> = others.collect();
    others.sort_by_key(|freeze| (freeze.since, freeze.id));
    message::listed(&others, |freeze: &&Freeze| {
        let frozen = message::frozen(std::slice::from_ref(*freeze), clock);
        format!("{frozen}, which overlaps it")
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
