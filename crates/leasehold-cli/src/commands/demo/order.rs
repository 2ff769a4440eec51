//! Whether anybody was overtaken, by the audit of the leases.

use crate::error::CliError;
use leasehold_core::limits::Policy;
use leasehold_service::audit::{Follow, Query, Told};
use leasehold_service::{Coordinator, Leasing as _};
use leasehold_store::Span;
use leasehold_store_file::{FileStore, Options};
use std::path::Path;

/// Returns how many leases went to somebody while another one had waited for longer. All leases here are
/// on the same resource.
pub(super) fn overtaken(root: &Path) -> Result<usize, CliError> {
    let Some(store) = FileStore::open_existing(root, Options::default())? else {
        return Ok(0);
    };
    let leasing = Coordinator::new(store, Policy::default());
    let mut line = Line::default();
    leasing.audit(&Query::all(Span::ALL), Follow::No, &mut |told| {
        if let Told::Event(_, event) = told {
            line.add(event.event, event.id);
        }
        true
    })?;
    Ok(line.overtaken)
}

/// Those who wait, the first one first.
#[derive(Default)]
struct Line {
    waiting: Vec<Vec<u8>>,
    overtaken: usize,
}

impl Line {
    fn add(&mut self, event: &str, id: &[u8]) {
        let place = self.waiting.iter().position(|own| own == id);
        match event {
            "queued" => self.waiting.push(id.to_vec()),
            // Somebody who never waited has overtaken all who do.
            "granted" if place.unwrap_or(self.waiting.len()) > 0 => self.overtaken += 1,
            _ => {}
        }
        // Who went away while waiting is overtaken by right.
        if let ("granted" | "parked" | "died" | "cancelled", Some(place)) = (event, place) {
            self.waiting.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(events: &str, overtaken: usize) {
        let mut line = Line::default();
        for event in events.split(", ") {
            let (id, event) = event.split_once(' ').unwrap();
            line.add(event, id.as_bytes());
        }
        assert_eq!(line.overtaken, overtaken, "{events}");
    }

    #[test]
    fn who_waits_is_served_in_order() {
        check(
            "a granted, b queued, c queued, a released, b granted, c granted",
            0,
        );
        check("b queued, c queued, c granted, b granted", 1);
        check("b queued, c queued, d granted, b granted", 1);
        check(
            "b queued, c queued, b parked, c granted, b resumed, b granted",
            0,
        );
    }
}
