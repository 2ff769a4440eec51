//! Whether Lokt's own files lie beside, and still hold something: then nobody is kept apart from those who
//! use Lokt.

use super::stored::some;
use crate::commands::import;
use crate::error::CliError;
use crate::lokt::{files, place};
use leasehold_api::finding::FindingInfo;

/// What this is called among the findings.
pub(crate) const CHECK: &str = "lokt";

pub(super) fn look() -> Option<FindingInfo> {
    beside().unwrap_or_else(|error| {
        let hint = error.hints.into_iter().next().unwrap_or_default();
        Some(FindingInfo::warning(CHECK, error.message, hint))
    })
}

fn beside() -> Result<Option<FindingInfo>, CliError> {
    let root = place::root_of_lokt()?;
    let live = files::live(&root)?;
    if !live.is_empty() {
        let text = format!("Lokt itself holds in {}: {}", root.display(), some(&live));
        let hint = "nobody here sees that: make leases of it once, by: leasehold import lokt";
        return Ok(Some(FindingInfo::warning(CHECK, text, hint)));
    }
    Ok(import::lokt_was_imported(&root).then(|| {
        let text = "what Lokt held was taken over; it finds no directory to lock anything in";
        FindingInfo::ok(CHECK, text)
    }))
}
