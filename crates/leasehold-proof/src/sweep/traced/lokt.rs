//! What Lokt holds beside, and whether it is held here by now.

use leasehold_core::{Resource, View};
use std::fs;
use std::io;
use std::path::Path;

/// Two locks, and a freeze.
pub(super) const NAMES: &[&str] = &["of-lokt", "of-lokt-too", "frozen-by-lokt"];

/// Where the file of a name is.
fn place(name: &str) -> &'static str {
    if name.starts_with("frozen") {
        "freezes"
    } else {
        "locks"
    }
}

/// Writes the files, as Lokt does.
pub(super) fn furnish(root: &Path) -> io::Result<()> {
    for (number, name) in (1..).zip(NAMES) {
        let text = format!(
            "{{\"version\": 1, \"name\": \"{name}\", \"lock_id\": \"{number:032x}\", \"owner\": \"lou\", \
             \"host\": \"elsewhere\", \"pid\": 7, \"acquired_ts\": \"2026-01-01T00:00:00Z\", \
             \"expires_at\": \"2090-01-01T00:00:00Z\"}}"
        );
        let directory = root.join(place(name));
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(format!("{name}.json")), text)?;
    }
    Ok(())
}

/// Whether Lokt, or an import that was killed, still has it.
pub(super) fn is_there(root: &Path, name: &str) -> bool {
    let file = format!("{}/{name}.json", place(name));
    [root.join(&file), root.join("importing").join(file)]
        .iter()
        .any(|path| path.exists())
}

/// Whether it is held or frozen here.
pub(super) fn is_taken(view: &View, name: &str) -> bool {
    let Ok(resource) = Resource::parse(name) else {
        return false;
    };
    let mut claims = view.leases().flat_map(|lease| &lease.claims);
    let mut freezes = view.freezes();
    claims.any(|claim| claim.resource == resource)
        || freezes.any(|freeze| freeze.resource == resource)
}

/// Whether no Lokt can lock anything there any more.
pub(super) fn is_closed(root: &Path) -> bool {
    ["locks", "freezes"]
        .iter()
        .all(|name| root.join(name).is_file())
}
