//! `leasehold freeze`: a timed refusal of new leases, set by a person.

use crate::cli::Freeze as Arguments;
use crate::context::Context;
use crate::error::CliError;
use crate::{answer, context, message, request};
use leasehold_api::code::Code;
use leasehold_api::lease::{FreezeInfo, LeaseInfo};
use leasehold_api::outcome::Outcome;
use leasehold_core::command::Command;
use leasehold_core::freeze::Freeze;
use leasehold_core::verdict::Verdict;
use leasehold_core::{Identity, Lease, Resource, Ttl, View};
use leasehold_service::{Answer, Clock};

const VERB: &str = "freeze";

pub(crate) fn run(args: &Arguments) -> Result<Outcome, CliError> {
    if args.ttl == "none" {
        return Err(CliError::usage("--ttl \"none\": a freeze has to end")
            .hint("write it like 30m or 2h; to freeze again sets its end anew"));
    }
    let ttl = request::parse_ttl(&args.ttl)?;
    let context = context::open(&args.call.store)?;
    let by = context::who(&args.call.owner)?;
    let named = context.base.named(&args.name)?;
    let mut outcome = freeze(&context, &named.resource, &by, ttl)?;
    if !outcome.ok {
        return Ok(outcome);
    }
    for also in &named.also {
        let also = freeze(&context, also, &by, ttl)?;
        if !also.ok {
            return Ok(also);
        }
        outcome.message = format!("{}; {}", outcome.message, also.message);
        outcome.freezes.extend(also.freezes);
        outcome.notes.extend(also.notes);
    }
    Ok(outcome)
}

fn freeze(
    context: &Context,
    resource: &Resource,
    by: &Identity,
    ttl: Ttl,
) -> Result<Outcome, CliError> {
    let Answer { value: view, clock } = context.leasing.look_at(resource)?;
    let own = own(&view, resource, by);
    let freeze = Freeze {
        // The same id: it takes the place of the one that is there.
        id: own.map_or_else(request::draw_id, |freeze| Ok(freeze.id))?,
        resource: resource.clone(),
        until: Some(clock.now().plus(ttl)),
        since: clock.now(),
        who: by.clone(),
    };
    let answer = context.leasing.execute(&Command::Freeze(freeze.clone()))?;
    if answer.value != Verdict::Done {
        let text = format!("the freeze of `{resource}` would be over by now");
        return Ok(Outcome {
            hints: vec!["give it a longer --ttl".into()],
            ..answer::outcome(VERB, Code::Error, text)
        });
    }
    Ok(told(&freeze, own, &view, &clock))
}

/// Returns the freeze of exactly this resource that the same owner has set already.
fn own<'a>(view: &'a View, resource: &Resource, by: &Identity) -> Option<&'a Freeze> {
    let mut freezes = view.freezes().filter(|freeze| freeze.is_on(view.now()));
    freezes.find(|freeze| freeze.resource == *resource && freeze.who.owner == by.owner)
}

fn told(freeze: &Freeze, before: Option<&Freeze>, view: &View, clock: &Clock) -> Outcome {
    let done = match before {
        None => "froze",
        Some(_) => "froze anew",
    };
    let text = format!(
        "{done} `{}` {}",
        freeze.resource,
        message::until(freeze.until, clock)
    );
    let info = |lease| LeaseInfo::new(lease, Some(view), clock);
    let mut going_on: Vec<&Lease> = view
        .leases()
        .filter(|lease| !info(lease).state.is_over())
        .collect();
    going_on.sort_by_key(|lease| lease.token);
    let others = view.freezes().filter(|other| {
        other.id != freeze.id && other.resource == freeze.resource && other.is_on(view.now())
    });
    let others: Vec<Freeze> = others.cloned().collect();
    let mut notes: Vec<String> = others
        .iter()
        .map(|other| {
            let also = message::frozen(std::slice::from_ref(other), clock);
            format!("{also} as well: it stays so until both have ended")
        })
        .collect();
    notes.extend(message::listed(&going_on, |lease: &&Lease| {
        let held = message::held_by(lease, clock);
        format!("{held}: it goes on, only new leases are refused")
    }));
    Outcome {
        notes,
        leases: going_on
            .iter()
            .map(|lease| info(lease).in_brief())
            .collect(),
        freezes: [freeze]
            .into_iter()
            .chain(&others)
            .map(|freeze| FreezeInfo::new(freeze, clock))
            .collect(),
        ..answer::outcome(VERB, Code::Ok, text)
    }
}
