//! `leasehold renew`: letting a lease live longer.

use crate::cli::Renew;
use crate::context::{Context, Place};
use crate::error::CliError;
use crate::{answer, context, inherit, message, request};
use leasehold_api::code::Code;
use leasehold_api::duration::short;
use leasehold_api::outcome::Outcome;
use leasehold_core::LeaseId;
use leasehold_core::verdict::Verdict;
use leasehold_service::Answer;

const VERB: &str = "renew";

pub(crate) fn run(args: &Renew) -> Result<Outcome, CliError> {
    let ttl = args.ttl.as_deref().map(request::parse_ttl).transpose()?;
    let flag = args.lease.as_deref().map(inherit::flag).transpose()?;
    let (context, place) = context::open_to_look(&args.call.store)?;
    let lease = named_lease(flag, context.as_ref())?;
    let Some(context) = context else {
        return Ok(lost_nowhere(VERB, lease, &place));
    };
    let Answer { value, clock } = context.leasing.renew(lease, ttl)?;
    Ok(match value {
        Verdict::Renewed(lease) => {
            let what = message::resources(&lease.claims);
            let left = lease.expires.map(|at| short(at.millis_since(clock.now())));
            let text = match left {
                Some(left) => format!("renewed {what} for {left}"),
                None => format!("{what} has no TTL: there is nothing to renew"),
            };
            answer::granted(VERB, text, &lease, &clock)
        }
        _ => lost(VERB, lease),
    })
}

/// Returns the lease that a verb is about: the one said, else the one this runs inside of.
pub(crate) fn named_lease(
    flag: Option<LeaseId>,
    context: Option<&Context>,
) -> Result<LeaseId, CliError> {
    let workspace = context.map_or("", |context| context.leasing.workspace());
    let lease = match flag {
        Some(lease) => Some(lease),
        None => inherit::lease(workspace)?,
    };
    lease.ok_or_else(|| {
        CliError::usage("no lease is named")
            .hint("pass --lease ID, or run inside `leasehold guard`, which sets LEASEHOLD_LEASE")
    })
}

/// The same where nothing is remembered at all.
pub(crate) fn lost_nowhere(verb: &'static str, lease: LeaseId, place: &Place) -> Outcome {
    Outcome {
        notes: place.absent(),
        ..lost(verb, lease)
    }
}

/// The outcome for a lease that is not held any more.
pub(crate) fn lost(verb: &'static str, lease: LeaseId) -> Outcome {
    let text = format!("the lease {lease} is not held, or not any more");
    Outcome {
        hints: vec!["stop what relied on it, then ask for it again".into()],
        ..answer::outcome(verb, Code::Lost, text)
    }
}
