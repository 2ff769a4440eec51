//! Working inside leases that others keep.

use super::keeper::CoverKeeper;
use crate::error::CliError;
use leasehold_core::view::Key;
use leasehold_core::{Claim, Lease, lease::Kind};
use leasehold_service::{Leasing, ServiceError};
use leasehold_store::{Join, Joined, StoreError};
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Leases around a request that it relies on, with a share in each that a guard keeps.
pub(super) struct Cover {
    pub(super) leases: Vec<Arc<Lease>>,
    shares: Vec<Box<dyn Joined>>,
}

impl Cover {
    /// Takes part in these leases; nothing where one of them is not held any more.
    pub(super) fn enter(
        leasing: &dyn Leasing,
        leases: Vec<Arc<Lease>>,
    ) -> Result<Option<Self>, CliError> {
        let mut shares = Vec::new();
        for lease in leases.iter().filter(|lease| lease.kind == Kind::Scoped) {
            match leasing.join(lease.id)? {
                Join::Inside(share) => shares.extend(share),
                Join::Over => return Ok(None),
            }
        }
        for lease in &leases {
            if !leasing.is_current(lease.id)? {
                return Ok(None);
            }
        }
        Ok(Some(Self { leases, shares }))
    }

    /// What a command has to inherit that relies on them.
    pub(super) fn proofs(&self) -> Result<Vec<OwnedFd>, StoreError> {
        self.shares
            .iter()
            .map(|share| share.command_proof())
            .collect()
    }

    /// Passes a result on. With an error the command may still be running: then the shares are left to it, and
    /// not given back as they are when this is dropped.
    pub(super) fn or_leave<T>(&mut self, result: Result<T, CliError>) -> Result<T, CliError> {
        if result.is_err() {
            mem::forget(mem::take(&mut self.shares));
        }
        result
    }

    pub(super) fn keeper<'a>(&self, leasing: &'a dyn Leasing) -> CoverKeeper<'a> {
        CoverKeeper::new(leasing, self.leases.clone())
    }
}

/// Returns the leases around a lease that cover what was asked for and is not in it; nothing where some of
/// that is not covered any more.
pub(super) fn around(
    leasing: &dyn Leasing,
    asked: &[Claim],
    lease: &Lease,
) -> Result<Option<Vec<Arc<Lease>>>, ServiceError> {
    let own = |claim: &&Claim| {
        !lease
            .claims
            .iter()
            .any(|own| own.resource == claim.resource)
    };
    let rest: Vec<&Claim> = asked.iter().filter(own).collect();
    if rest.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let keys: Vec<Key> = lease.inside.iter().map(|id| Key::Lease(*id)).collect();
    let view = leasing.look(&keys)?.value;
    let outer = lease.inside.iter().filter_map(|id| view.lease(*id));
    let outer: Vec<&Arc<Lease>> = outer.collect();
    let covers = |lease: &Lease, claim: &Claim| lease.claims.iter().any(|own| own.covers(claim));
    let all = rest
        .iter()
        .all(|claim| outer.iter().any(|lease| covers(lease, claim)));
    let relied = outer.into_iter();
    let relied = relied.filter(|lease| rest.iter().any(|claim| covers(lease, claim)));
    Ok(all.then(|| relied.cloned().collect()))
}
