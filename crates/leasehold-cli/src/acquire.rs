//! Asking for what names mean, and asking anew where they mean something else after the wait.
//!
//! A link that is turned while a request waits would leave it with a lease on what the link led to
//! before. What it leads to now is another resource with a queue of its own, so there is no place to
//! keep. A link that is turned later is out of sight.

use crate::context::Context;
use crate::error::CliError;
use crate::names::Base;
use crate::request::{self, Checked};
use crate::{cli::RequestArgs, ui};
use leasehold_core::command::{Ask, Wait};
use leasehold_core::{Claim, Resource};
use leasehold_service::{Acquired, Waiting};
use std::cell::Cell;
use std::time::Instant;

/// Asks, and waits as far as the request says so. Returns what was asked for in the end, too.
pub(crate) fn acquire(
    context: &Context,
    args: &RequestArgs,
    checked: &Checked,
    mut ask: Ask,
    waiting: &mut Waiting<'_>,
) -> Result<(Acquired, Vec<Claim>), CliError> {
    let (begun, wait) = (Instant::now(), ask.wait);
    loop {
        let has_waited = Cell::new(false);
        let mut watched = Waiting {
            interrupt: waiting.interrupt,
            is_interrupted: &mut *waiting.is_interrupted,
            on_place: &mut |place, clock, expected| {
                has_waited.set(true);
                (waiting.on_place)(place, clock, expected);
            },
            estimates: waiting.estimates,
        };
        let acquired = context.leasing.acquire(ask.clone(), &mut watched)?;
        let Acquired::Held(held, clock) = acquired else {
            return Ok((acquired, ask.claims));
        };
        // Others may have changed what is there, so everything is looked at afresh.
        let base = context.base.afresh();
        let moved = match has_waited.get() {
            true => moved(&base, &args.claims.names, &ask.claims),
            false => Ok(None),
        };
        if matches!(moved, Ok(None)) {
            return Ok((Acquired::Held(held, clock), ask.claims));
        }
        let _given_back = held.release(&*context.leasing)?;
        if let Some((name, resource)) = moved? {
            ui::talk(&format!(
                "note: `{name}` is `{resource}` since this began to wait: gave the lease back, asking anew"
            ));
        }
        ask = Ask {
            id: request::draw_id()?,
            claims: request::claims(&base, &args.claims, &checked.slots)?,
            wait: left_of(wait, begun),
            ..ask
        };
    }
}

/// Returns the first name that means something which was not claimed.
fn moved<'a>(
    base: &Base,
    names: &'a [String],
    claims: &[Claim],
) -> Result<Option<(&'a str, Resource)>, CliError> {
    let is_claimed = |resource: &Resource| {
        let mut claimed = claims.iter().map(|claim| &claim.resource);
        claimed.any(|claimed| claimed.contains(resource))
    };
    for name in names {
        if let Some(other) = base
            .named(name)?
            .all()
            .find(|resource| !is_claimed(resource))
        {
            return Ok(Some((name, other)));
        }
    }
    Ok(None)
}

/// Returns what is left of a wait. One that is over looks once more.
fn left_of(wait: Wait, begun: Instant) -> Wait {
    let Wait::Millis(whole) = wait else {
        return wait;
    };
    let spent = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Wait::Millis(whole.saturating_sub(spent).max(1))
}
