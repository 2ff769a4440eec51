//! Whether anybody was overtaken, by the audit of the leases.

use crate::error::CliError;
use leasehold_core::limits::Policy;
use leasehold_service::audit::{Follow, Query, Told};
use leasehold_service::{Coordinator, Leasing as _};
use leasehold_store::Span;
use leasehold_store_file::{FileStore, Options};
use std::collections::BTreeMap;
use std::path::Path;

/// Returns how many leases went to somebody while another one had waited for longer, to the millisecond. All
/// leases here are on the same resource.
pub(super) fn overtaken(root: &Path) -> Result<usize, CliError> {
    let Some(store) = FileStore::open_existing(root, Options::default())? else {
        return Ok(0);
    };
    let leasing = Coordinator::new(store, Policy::default());
    let mut line = Line::default();
    leasing.audit(&Query::all(Span::ALL), Follow::No, &mut |told| {
        if let Told::Event(at, event) = told {
            let since = event.waited_since.or(event.since).unwrap_or(at.as_millis());
            line.add(event.event, event.who.owner, since);
        }
        true
    })?;
    Ok(line.overtaken)
}

/// Those who wait, and since when. A place that is kept for a killed waiter's next turn keeps that moment,
/// and nobody is overtaken while away.
#[derive(Default)]
struct Line {
    /// By owner: each asks for one thing at a time.
    waiting: BTreeMap<Vec<u8>, u64>,
    overtaken: usize,
}

impl Line {
    fn add(&mut self, event: &str, owner: &[u8], since: u64) {
        match event {
            "queued" | "resumed" => drop(self.waiting.insert(owner.to_vec(), since)),
            "granted" | "parked" | "died" | "cancelled" => drop(self.waiting.remove(owner)),
            _ => {}
        }
        let is_longer = |other: &u64| *other < since;
        if event == "granted" && self.waiting.values().any(is_longer) {
            self.overtaken += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each event with its owner, and since when that has waited.
    #[track_caller]
    fn check(events: &str, overtaken: usize) {
        let mut line = Line::default();
        for event in events.split(", ") {
            let words: Vec<&str> = event.split(' ').collect();
            line.add(words[1], words[0].as_bytes(), words[2].parse().unwrap());
        }
        assert_eq!(line.overtaken, overtaken, "{events}");
    }

    #[test]
    fn who_waits_is_served_in_order() {
        check(
            "a granted 1, b queued 2, c queued 3, b granted 2, c granted 3",
            0,
        );
        check("b queued 2, c queued 3, c granted 3, b granted 2", 1);
        // At once, beside those who wait.
        check("b queued 2, c queued 3, d granted 4, b granted 2", 1);
        // Away, and back at the old place.
        check(
            "b queued 2, c queued 3, b parked 2, c granted 3, b resumed 2",
            0,
        );
        check(
            "b queued 2, c queued 3, b parked 2, b resumed 2, b granted 2",
            0,
        );
        check(
            "b queued 2, c queued 3, b parked 2, b resumed 2, c granted 3",
            1,
        );
    }
}
