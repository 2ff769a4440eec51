//! What an event is about.

use leasehold_core::event::Event;
use leasehold_core::{Lease, Ticket};

/// The lease or ticket that an event changes.
pub(crate) enum Subject<'a> {
    Lease(&'a Lease),
    Ticket(&'a Ticket),
    /// A refusal, a freeze or a thaw, or what has run out.
    Other,
}

impl<'a> Subject<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        match event {
            Event::Queued { ticket, .. }
            | Event::Parked { ticket }
            | Event::Resumed { ticket }
            | Event::Died { ticket, .. }
            | Event::Cancelled { ticket } => Self::Ticket(ticket),
            Event::Granted { lease, .. }
            | Event::Bound { lease }
            | Event::Passed { lease, .. }
            | Event::Renewed { lease }
            | Event::Released { lease }
            | Event::Forced { lease, .. }
            | Event::Freed { lease }
            | Event::Orphaned { lease }
            | Event::Lapsed { lease } => Self::Lease(lease),
            Event::Refused { .. }
            | Event::Frozen { .. }
            | Event::Thawed { .. }
            | Event::Dropped { .. } => Self::Other,
        }
    }
}
