//! `leasehold exists`: an answer for scripts, by the exit code alone.

use crate::cli::Exists;
use crate::error::CliError;
use crate::{answer, context, exit, ui};
use leasehold_api::lease::LeaseInfo;
use leasehold_core::view::Key;

pub(crate) fn run(args: &Exists) -> u8 {
    match exists(args) {
        Ok(true) => exit::OK,
        Ok(false) => exit::NOT_FOUND,
        Err(error) => {
            let outcome = answer::failed("exists", error);
            ui::refusal(&outcome);
            outcome.exit
        }
    }
}

fn exists(args: &Exists) -> Result<bool, CliError> {
    let (context, base) = context::open_to_look(&args.store)?;
    let resource = base.parse(&args.name)?;
    let Some(context) = context else {
        return Ok(false);
    };
    let also = base.also(&resource);
    let keys: Vec<Key> = [Some(resource), also]
        .into_iter()
        .flatten()
        .map(Key::Overlap)
        .collect();
    let answer = context.leasing.look(&keys)?;
    let (view, clock) = (&answer.value, &answer.clock);
    let holds = |lease| !LeaseInfo::new(lease, Some(view), clock).state.is_over();
    Ok(view.leases().any(holds))
}
