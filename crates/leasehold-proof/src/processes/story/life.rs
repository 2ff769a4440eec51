//! The lives of leases, from the audit.

use super::Commit;
use leasehold_core::Lease;
use leasehold_core::event::{Change, Event};
use std::sync::Arc;

/// The life of a lease.
#[derive(Debug)]
pub(in crate::processes) struct Life {
    /// As it was granted.
    pub(in crate::processes) lease: Arc<Lease>,
    /// The guard that asked for it.
    pub(in crate::processes) op: Option<u64>,
    pub(in crate::processes) granted: u64,
    pub(in crate::processes) bound: Option<u64>,
    pub(in crate::processes) dropped: Option<(u64, Way)>,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::processes) enum Way {
    Released,
    Freed,
    Lapsed,
    Forced,
    Passed,
}

pub(super) fn all(commits: &[Commit]) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    for Commit { at, events, .. } in commits {
        for event in events {
            match event {
                Event::Granted { lease, .. } => {
                    let life = Life {
                        lease: Arc::clone(lease),
                        op: None,
                        granted: *at,
                        bound: lease.is_bound().then_some(*at),
                        dropped: None,
                    };
                    lives.push(life);
                }
                Event::Bound { lease } => {
                    let life = lives.iter_mut().rfind(|life| life.lease.id == lease.id);
                    life.into_iter()
                        .for_each(|life| _ = life.bound.get_or_insert(*at));
                }
                _ => {}
            }
            event.for_each_change(|change| {
                if let (Change::DropLease(lease), Some(way)) = (change, way(event)) {
                    let life = lives.iter_mut().rfind(|life| life.lease.id == lease.id);
                    life.into_iter()
                        .for_each(|life| life.dropped = Some((*at, way)));
                }
            });
        }
    }
    lives
}

fn way(event: &Event) -> Option<Way> {
    match event {
        Event::Released { .. } => Some(Way::Released),
        Event::Freed { .. } => Some(Way::Freed),
        Event::Lapsed { .. } => Some(Way::Lapsed),
        Event::Forced { .. } => Some(Way::Forced),
        Event::Passed { .. } => Some(Way::Passed),
        _ => None,
    }
}
