//! `leasehold exists`: an answer for scripts, by the exit code alone unless they want more.

use crate::cli::Exists;
use crate::error::CliError;
use crate::{answer, context, message, ui};
use leasehold_api::code::Code;
use leasehold_api::lease::LeaseInfo;
use leasehold_api::outcome::Outcome;
use leasehold_core::Lease;
use leasehold_core::view::Key;

const VERB: &str = "exists";

pub(crate) fn run(args: &Exists) -> u8 {
    let found = exists(args);
    match found {
        Ok(outcome) if !args.call.json => {
            ui::notes(&outcome.notes);
            outcome.exit
        }
        found => super::tell(VERB, args.call.json, found),
    }
}

fn exists(args: &Exists) -> Result<Outcome, CliError> {
    let (context, place) = context::open_to_look(&args.call.store)?;
    let named = place.base().named(&args.name)?;
    let resource = named.resource.clone();
    let free = || answer::outcome(VERB, Code::NotFound, format!("nothing holds `{resource}`"));
    let Some(context) = context else {
        return Ok(Outcome {
            notes: place.absent(),
            ..free()
        });
    };
    let keys: Vec<Key> = named.all().map(Key::Overlap).collect();
    let answer = context.leasing.look(&keys)?;
    let (view, clock) = (&answer.value, &answer.clock);
    let info = |lease: &Lease| LeaseInfo::new(lease, Some(view), clock);
    let holds = |lease: &&Lease| !info(lease).state.is_over();
    let mut held: Vec<&Lease> = view.leases().filter(holds).collect();
    held.sort_by_key(|lease| lease.token);
    let Some(first) = held.first() else {
        return Ok(free());
    };
    let text = message::held_by(first, clock);
    Ok(Outcome {
        leases: held.iter().map(|lease| info(lease).in_brief()).collect(),
        ..answer::outcome(VERB, Code::Ok, text)
    })
}
