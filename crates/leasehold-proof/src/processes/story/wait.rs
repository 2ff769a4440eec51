//! The waits of a round, from the audit.

use super::Commit;
use leasehold_core::Ticket;
use leasehold_core::event::Change;
use std::sync::Arc;

/// Somebody's place in a queue, waiting or kept.
#[derive(Debug)]
pub(in crate::processes) struct Wait {
    pub(in crate::processes) ticket: Arc<Ticket>,
    pub(in crate::processes) since: u64,
    pub(in crate::processes) until: u64,
}

pub(super) fn all(commits: &[Commit]) -> Vec<Wait> {
    let mut waits: Vec<Wait> = Vec::new();
    for Commit { at, events, .. } in commits {
        for event in events {
            event.for_each_change(|change| {
                let (ticket, is_put) = match change {
                    Change::PutTicket(ticket) => (ticket, true),
                    Change::DropTicket(ticket) => (ticket, false),
                    _ => return,
                };
                let is_same = |wait: &&mut Wait| {
                    wait.until == u64::MAX && wait.ticket.request == ticket.request
                };
                let before = waits.iter_mut().rfind(is_same);
                before.into_iter().for_each(|wait| wait.until = *at);
                if is_put {
                    waits.push(Wait {
                        ticket: Arc::clone(ticket),
                        since: *at,
                        until: u64::MAX,
                    });
                }
            });
        }
    }
    waits
}
