//! What a command under `guard` inherits, and what `guard` reads back from it.
//!
//! `LEASEHOLD_LEASE` is the innermost lease. A program may run in several workspaces at once, so
//! `LEASEHOLD_HELD` lists the innermost lease of each: `WORKSPACE=LEASE,…`.

use crate::error::CliError;
use leasehold_api::lease::date;
use leasehold_core::{Lease, LeaseId};
use leasehold_service::Clock;
use std::env;
use std::sync::Arc;

const LEASE: &str = "LEASEHOLD_LEASE";
const HELD: &str = "LEASEHOLD_HELD";
/// Set where a command relies on leases around its own.
const COVER: &str = "LEASEHOLD_COVER";
const TOKEN: &str = "LEASEHOLD_TOKEN";

/// Reads a lease id given by a flag.
pub(crate) fn flag(text: &str) -> Result<LeaseId, CliError> {
    text.parse().map_err(|error| {
        let refused = CliError::usage(format!("--lease {text:?}: {error}"));
        match text.len() {
            leasehold_api::lease::BRIEF => refused.hint(
                "messages show its beginning only: `lock` printed all of it, a guard has it in \
                 LEASEHOLD_LEASE",
            ),
            _ => refused,
        }
    })
}

/// Returns the lease that this process runs in, in this workspace.
pub(crate) fn lease(workspace: &str) -> Result<Option<LeaseId>, CliError> {
    let Some(innermost) = variable(LEASE)? else {
        return Ok(None);
    };
    let id: LeaseId = innermost.parse().map_err(|error| {
        CliError::usage(format!("{LEASE} is {innermost:?}: {error}")).hint(format!("unset {LEASE}"))
    })?;
    let held = variable(HELD)?.unwrap_or_default();
    let mut entries = held.split(',').filter_map(|entry| entry.split_once('='));
    if !entries.clone().any(|(_, lease)| lease == innermost) {
        // Set by hand: meant for whatever workspace this is.
        return Ok(Some(id));
    }
    let here = entries
        .find(|(name, _)| *name == workspace)
        .map(|(_, lease)| lease);
    here.map(str::parse)
        .transpose()
        .map_err(|_| CliError::usage(format!("{HELD} is damaged")))
}

/// Returns the token that came with the lease this process runs in.
pub(crate) fn token() -> Result<Option<String>, CliError> {
    variable(TOKEN)
}

fn variable(name: &str) -> Result<Option<String>, CliError> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(CliError::usage(format!("{name} is not valid UTF-8")))
        }
    }
}

/// Returns the leases around that one that this process relies on besides it.
pub(crate) fn cover() -> Result<Vec<LeaseId>, CliError> {
    let ids = variable(COVER)?.unwrap_or_default();
    let ids = ids.split(' ').filter(|id| !id.is_empty()).map(str::parse);
    ids.collect::<Result<_, _>>()
        .map_err(|_| CliError::usage(format!("{COVER} is damaged")))
}

/// Returns the environment of a guarded command: variables to set, or with `None` to unset. `around` are
/// leases of others that it relies on besides its own.
pub(crate) fn environment(
    workspace: &str,
    innermost: LeaseId,
    lease: &Lease,
    around: &[Arc<Lease>],
    clock: &Clock,
) -> Vec<(&'static str, Option<String>)> {
    let id = innermost.to_string();
    let resources: Vec<String> = lease
        .claims
        .iter()
        .map(|c| c.resource.to_string())
        .collect();
    let cover: Vec<String> = around.iter().map(|lease| lease.id.to_string()).collect();
    let slots: Vec<String> = lease.slots.iter().map(u32::to_string).collect();
    let nameless = (!lease.who.explicit).then(|| lease.who.owner.name.to_string());
    vec![
        (HELD, Some(held(workspace, &id))),
        (LEASE, Some(id)),
        (COVER, (!cover.is_empty()).then(|| cover.join(" "))),
        (TOKEN, Some(lease.token.to_string())),
        ("LEASEHOLD_OWNER", Some(lease.who.owner.name.to_string())),
        (crate::identity::NAMELESS, nameless),
        ("LEASEHOLD_RESOURCE", Some(resources.join(" "))),
        (
            "LEASEHOLD_SLOT",
            (!slots.is_empty()).then(|| slots.join(" ")),
        ),
        ("LEASEHOLD_EXPIRES", lease.expires.map(|at| date(clock, at))),
    ]
}

/// Returns the list of innermost leases, with this workspace's replaced.
fn held(workspace: &str, id: &str) -> String {
    let old = env::var(HELD).unwrap_or_default();
    let others = old.split(',').filter(|entry| {
        entry
            .split_once('=')
            .is_some_and(|(name, _)| name != workspace)
    });
    let own = format!("{workspace}={id}");
    others
        .map(str::to_owned)
        .chain([own])
        .collect::<Vec<_>>()
        .join(",")
}
