//! `leasehold prime`: what an agent should know before it works here.
//!
//! * `now`: who it is, and what is held; `operations`: what scripts guard, with `recipes` (`make`, `just`, `npm`,
//!   git) and `suggestions` where they guard nothing; `rules`: what to do, and what never to do.
//! * `formats`: what stays true of it, for the file of each harness, and `aider`'s; `markdown`: text in that.

mod aider;
mod formats;
mod markdown;
mod now;
mod operations;
mod recipes;
mod rules;
mod suggestions;

use crate::answer::{self, Told};
use crate::cli::{FormatArg, OwnerArgs, Prime, StoreArgs};
use crate::context::{self, Place};
use crate::error::CliError;
use crate::ui;
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;
use leasehold_api::prime::{OperationInfo, SuggestionInfo};

const VERB: &str = "prime";

/// In whose words commands are written.
#[derive(Clone, Copy)]
pub(crate) struct Front {
    pub(crate) program: &'static str,
    /// Lokt's front has fewer flags and exit codes.
    pub(crate) is_lokt: bool,
}

/// What of the repository has to do with leases.
struct Guarded {
    operations: Vec<OperationInfo>,
    suggestions: Vec<SuggestionInfo>,
}

/// Prints it and returns the exit code.
pub(crate) fn run(args: &Prime) -> u8 {
    let own = Front {
        program: "leasehold",
        is_lokt: false,
    };
    match args.format {
        Some(format) => finish(false, file(format, &args.call.store, own)),
        None => finish(
            args.call.json,
            live(&args.call.owner, &args.call.store, own),
        ),
    }
}

/// Prints a result. Who asked in words gets the text also where the leases cannot be read.
pub(crate) fn finish(json: bool, result: Result<Told, CliError>) -> u8 {
    if let (Ok(told), false) = (&result, json)
        && !told.outcome.ok
    {
        ui::talk(&format!("error: {}", told.outcome.message));
    }
    super::tell(VERB, json, result)
}

/// The text for an agent that begins now.
pub(crate) fn live(owner: &OwnerArgs, store: &StoreArgs, front: Front) -> Result<Told, CliError> {
    let who = context::who(owner)?;
    let place = find(store)?;
    let mut now = now::look(place.as_ref(), &who);
    if let Ok(place) = &place {
        place.warn_of_leftovers();
        // Lokt's front says it in its own words.
        if !front.is_lokt {
            place.warn_of_lokt();
        }
        let notes = place.absent().into_iter();
        now.outcome.notes.extend(notes.chain(place.unwritable()));
    }
    let guarded = guarded(place.as_ref().ok(), true, front);
    let outcome = Outcome {
        identity: Some(now.identity),
        operations: guarded.operations,
        suggestions: guarded.suggestions,
        ..now.outcome
    };
    let mut lines = now::lines(&outcome, front);
    lines.extend(rules::operations(
        "##",
        &outcome.operations,
        &outcome.suggestions,
        front,
    ));
    let wait_ms = outcome.identity.as_ref().map(|who| who.wait_ms);
    lines.extend(rules::all("##", wait_ms, front));
    Ok(Told { outcome, lines })
}

/// The text for the file of a harness.
pub(crate) fn file(format: FormatArg, store: &StoreArgs, front: Front) -> Result<Told, CliError> {
    let place = find(store)?;
    let guarded = guarded(place.as_ref().ok(), false, front);
    let lines = formats::lines(format, &guarded, front);
    let top = place
        .as_ref()
        .ok()
        .and_then(|place| place.found.top.as_deref());
    let file = top.and_then(|top| formats::made_before(format, top, front));
    let note = |file| {
        format!("{file} has this already, of an earlier time: take that out where you add this one")
    };
    Ok(Told {
        outcome: Outcome {
            notes: file.map(note).into_iter().collect(),
            ..answer::outcome(VERB, Code::Ok, "")
        },
        lines,
    })
}

/// Finds the store and the repository. Only what was typed wrong ends it here: what else is wrong with them
/// has nothing to do with the rest of the text.
fn find(store: &StoreArgs) -> Result<Result<Place, CliError>, CliError> {
    match context::find(store) {
        Err(error) if error.code == Code::Usage => Err(error),
        place => Ok(place),
    }
}

fn guarded(place: Option<&Place>, with_own: bool, front: Front) -> Guarded {
    let top = place.and_then(|place| place.found.top.as_deref());
    let common = place.and_then(|place| place.found.common.as_deref());
    let aliases = match with_own {
        true => recipes::aliases(common),
        false => Vec::new(),
    };
    let operations = operations::find(top, aliases);
    let suggestions = if operations.is_empty() {
        suggestions::of(top, common, front)
    } else {
        Vec::new()
    };
    Guarded {
        operations,
        suggestions,
    }
}
