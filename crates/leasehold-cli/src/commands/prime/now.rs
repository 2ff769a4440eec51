//! Who asks, and what is held at this moment.

use super::{Front, VERB, markdown, rules};
use crate::answer;
use crate::commands::status;
use crate::context::Place;
use crate::error::CliError;
use crate::{inherit, request};
use leasehold_api::code::Code;
use leasehold_api::lease::{BRIEF, LeaseInfo, Party};
use leasehold_api::outcome::Outcome;
use leasehold_api::prime::IdentityInfo;
use leasehold_core::Identity;
use std::mem;

/// How many lines of it are shown: an agent's context is dear.
const SHOWN: usize = 12;

/// What was found out.
pub(super) struct Now {
    pub(super) identity: IdentityInfo,
    pub(super) outcome: Outcome,
}

/// Looks. Leases that cannot be read are an outcome too.
pub(super) fn look(place: Result<&Place, &CliError>, who: &Identity) -> Now {
    let failed = |error: &CliError| Outcome {
        hints: error.hints.clone(),
        ..answer::outcome(VERB, Code::Error, error.message.clone())
    };
    let (outcome, inside) = match place {
        Err(error) => (failed(error), None),
        Ok(place) => held(place).unwrap_or_else(|error| (failed(&error), None)),
    };
    let wait_ms = request::wait_default().as_millis();
    let identity = IdentityInfo {
        who: Party::from(who),
        nameless: who.session.is_none() && !who.explicit,
        inside,
        wait_ms: u64::try_from(wait_ms).unwrap_or(u64::MAX),
    };
    Now { identity, outcome }
}

/// Returns what is held, and the lease that this runs inside of.
fn held(place: &Place) -> Result<(Outcome, Option<String>), CliError> {
    let empty = answer::outcome(VERB, Code::Ok, "");
    let Some(context) = place.open_existing()? else {
        let message = status::summary(&empty);
        return Ok((Outcome { message, ..empty }, None));
    };
    let seen = status::look(&context, Vec::new())?;
    let mut outcome = Outcome {
        message: status::summary(&seen),
        leases: seen.leases,
        queue: seen.queue,
        freezes: seen.freezes,
        ..empty
    };
    let inside = inherit::lease(context.leasing.workspace())?;
    let inside = inside.map(|id| id.to_string());
    let is_held = |id: &String| outcome.leases.iter().any(|lease| lease.id == *id);
    let is_stale = inside.as_ref().is_some_and(|id| !is_held(id));
    // What an agent reads is no place for the proofs of others.
    let leases = mem::take(&mut outcome.leases).into_iter();
    outcome.leases = leases.map(LeaseInfo::in_brief).collect();
    if is_stale {
        let hint = "unset LEASEHOLD_LEASE and LEASEHOLD_HELD";
        let note = "LEASEHOLD_LEASE names a lease that is not held any more: every request exits 6";
        outcome.notes.push(note.into());
        outcome.hints.push(hint.into());
        return Ok((outcome, None));
    }
    Ok((outcome, inside.map(|id| id[..BRIEF].to_owned())))
}

/// Says it.
pub(super) fn lines(outcome: &Outcome, front: Front) -> Vec<String> {
    let mut lines = vec![
        "# Working here beside other agents".into(),
        String::new(),
        rules::introduction(front),
        String::new(),
    ];
    lines.extend(outcome.identity.as_ref().map(|who| identity(who, front)));
    lines.extend([String::new(), "## Now".into(), String::new()]);
    lines.extend(now(outcome, front.program));
    lines
}

fn identity(identity: &IdentityInfo, front: Front) -> String {
    let who = &identity.who;
    let name = markdown::code(&format!("{}@{}", who.owner, who.host), 300);
    let known = match (&who.session, identity.nameless) {
        (Some(session), _) => {
            let session = markdown::code(session, 300);
            format!(
                "You are {name}, in session {session}: what you lock and wait for is known as yours in all your \
                 commands."
            )
        }
        (None, false) => {
            format!("You are {name}, and known by that name in all your commands.")
        }
        (None, true) => {
            let (session, owner) = if front.is_lokt {
                ("LOKT_AGENT_ID", "LOKT_OWNER")
            } else {
                ("LEASEHOLD_SESSION", "LEASEHOLD_OWNER")
            };
            format!(
                "You are {name}, which is only your user's name: each of your commands is a stranger to the others, \
                 and your own lock refuses you. Set {session} (or {owner}) to something that no other agent has, \
                 for all your commands."
            )
        }
    };
    match &identity.inside {
        Some(id) => format!(
            "{known} You run inside of a lease ({id}): what it covers, commands here may take again at once."
        ),
        None => known,
    }
}

fn now(outcome: &Outcome, program: &str) -> Vec<String> {
    if !outcome.ok {
        return vec!["What is held cannot be read: see the error.".into()];
    }
    let mut shown = status::lines(outcome);
    if shown.is_empty() {
        return vec![format!(
            "Nothing is held, waited for or frozen. To look again: `{program} status`."
        )];
    }
    let more = shown.len().saturating_sub(SHOWN);
    shown.truncate(SHOWN);
    let mut lines = markdown::block(&shown);
    let again = format!("To look again: `{program} status`.");
    lines.push(match more {
        0 => again,
        more => format!("And {more} more. {again}"),
    });
    lines
}
