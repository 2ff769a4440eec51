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
    let (mut line, mut overtaken) = (Vec::new(), 0);
    leasing.audit(&Query::all(Span::ALL), Follow::No, &mut |told| {
        if let Told::Event(_, event) = told {
            let place = line.iter().position(|id: &Vec<u8>| id == event.id);
            match event.event {
                "queued" => line.push(event.id.to_vec()),
                // Somebody who never waited has overtaken all who do.
                "granted" if place.unwrap_or(line.len()) > 0 => overtaken += 1,
                _ => {}
            }
            // Who went away while waiting is overtaken by right.
            if let ("granted" | "parked" | "died" | "cancelled", Some(place)) = (event.event, place)
            {
                line.remove(place);
            }
        }
        true
    })?;
    Ok(overtaken)
}
