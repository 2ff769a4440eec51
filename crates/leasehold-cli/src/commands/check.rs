//! `leasehold check`: whether a lease still holds, asked right before what must not go wrong.

use crate::cli::Check;
use crate::commands::renew::{lost, lost_nowhere, named_lease};
use crate::context::Context;
use crate::error::CliError;
use crate::{answer, context, inherit, message};
use leasehold_api::outcome::Outcome;
use leasehold_core::view::Key;
use leasehold_core::{FencingToken, Lease};
use leasehold_service::Answer;
use std::sync::Arc;

const VERB: &str = "check";

pub(crate) fn run(args: &Check) -> Result<Outcome, CliError> {
    let flag = args.lease.as_deref().map(inherit::flag).transpose()?;
    let said = args
        .token
        .as_deref()
        .map(|text| parse_token("--token", text))
        .transpose()?;
    let (context, place) = context::open_to_look(&args.call.store)?;
    let id = named_lease(flag, context.as_ref())?;
    let Some(context) = context else {
        return Ok(lost_nowhere(VERB, id, &place));
    };
    // The token in the environment belongs to the lease in the environment, or to one around that.
    let token = match (said, flag) {
        (Some(token), _) => Some(token),
        (None, Some(_)) => None,
        (None, None) => match inherit::token()? {
            Some(text) => Some(parse_token("LEASEHOLD_TOKEN", &text)?),
            None => None,
        },
    };
    if flag.is_none() && said.is_none() {
        // A guard that has only part of its names under a lease of its own relies on those around it.
        for outer in inherit::cover()? {
            if !context.leasing.is_current(outer)? {
                return Ok(lost(VERB, outer));
            }
        }
    }
    let Answer { value: view, clock } = context.leasing.look(&[Key::Lease(id)])?;
    let current = context.leasing.is_current(id)?;
    let lease = view.lease(id).filter(|_| current);
    let cover = match (lease, token) {
        (Some(lease), Some(token)) if flag.is_none() && said.is_none() => {
            covering(&context, lease, token)?
        }
        _ => None,
    };
    Ok(match cover.as_ref().or(lease) {
        None => lost(VERB, id),
        Some(lease) if token.is_some_and(|token| token != lease.token) => {
            let mut outcome = lost(VERB, id);
            outcome.message = format!(
                "the token of lease {id} is {}, not the one given",
                lease.token
            );
            outcome
        }
        Some(lease) => {
            let what = message::resources(&lease.claims);
            let text = format!("{what} is yours (lease {id}, token {})", lease.token);
            answer::granted(VERB, text, lease, &clock)
        }
    })
}

/// Returns the lease around `innermost` whose token this is. What runs under a join has the token of the
/// lease that covers it, which need not be the innermost one.
fn covering(
    context: &Context,
    innermost: &Lease,
    token: FencingToken,
) -> Result<Option<Arc<Lease>>, CliError> {
    if innermost.token == token {
        return Ok(None);
    }
    let keys: Vec<Key> = innermost.inside.iter().copied().map(Key::Lease).collect();
    let view = context.leasing.look(&keys)?.value;
    for id in &innermost.inside {
        if let Some(lease) = view.lease(*id).filter(|lease| lease.token == token)
            && context.leasing.is_current(*id)?
        {
            return Ok(Some(Arc::clone(lease)));
        }
    }
    Ok(None)
}

fn parse_token(source: &str, text: &str) -> Result<FencingToken, CliError> {
    let token = text.parse().ok().and_then(FencingToken::new);
    token.ok_or_else(|| CliError::usage(format!("{source} {text:?} is not a fencing token")))
}
