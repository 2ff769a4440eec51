//! What must be so when all is over: records equal the log, nothing is held or in the way of anybody, and
//! nothing is left in the directory but what is documented.

use crate::processes::launch;
use crate::processes::names::NAMES;
use leasehold_core::view::Key;
use leasehold_core::{LeaseId, View};
use leasehold_store::{Access, Loaded as _, Store as _, StoreError};
use leasehold_store_file::{FileStore, Options};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// What stands in the directory of a workspace (docs/file-store.md).
const DOCUMENTED: [&str; 8] = [
    "README", "agents", "audit", "epoch", "leases", "mutex", "places", "records",
];

/// Settles and looks. `run` carries out a verb of somebody who took no part.
pub(in crate::processes) fn settle(
    directory: &Path,
    run: impl Fn(&str) -> io::Result<Option<i32>>,
) -> Vec<String> {
    let mut said = Vec::new();
    if let Err(error) = look(directory, &run, &mut said) {
        said.push(format!("at the end: {error}"));
    }
    said
}

fn look(
    directory: &Path,
    run: &dyn Fn(&str) -> io::Result<Option<i32>>,
    said: &mut Vec<String>,
) -> io::Result<()> {
    let store = FileStore::open(&launch::root(directory), Options::default());
    let store = store.map_err(io::Error::other)?;
    said.extend(differences(&store, "when all had ended")?);
    let mut must = |line: &str, code: i32| -> io::Result<()> {
        let found = run(line)?;
        if found != Some(code) {
            let text = fs::read_to_string(directory.join("last.err")).unwrap_or_default();
            said.push(format!(
                "at the end `{line}` ends with {found:?}: {}",
                text.trim()
            ));
        }
        Ok(())
    };
    let standing = view(&store, |view| {
        let leases = view
            .leases()
            .filter(|lease| lease.kind == leasehold_core::lease::Kind::Standing);
        leases.map(|lease| lease.id).collect::<Vec<_>>()
    })?;
    for id in standing {
        must(&format!("unlock --lease {id}"), 0)?;
    }
    // A freeze outlives whoever set it. It may be over by itself meanwhile, so the code says nothing.
    let frozen = view(&store, |view| {
        let freezes = view.freezes().map(|freeze| freeze.resource.to_string());
        freezes.collect::<BTreeSet<_>>()
    })?;
    for name in frozen {
        run(&format!("unfreeze {name} --force"))?;
    }
    // Everybody is dead: nobody may be in the way, not even for a moment.
    for name in NAMES {
        must(&format!("guard {} -- true", name.text), 0)?;
    }
    must("status", 0)?;
    said.extend(differences(&store, "at the end")?);
    let (leases, waiting, known) = view(&store, |view| {
        let leases: Vec<LeaseId> = view.leases().map(|lease| lease.id).collect();
        let waiting = view.tickets().filter(|ticket| ticket.is_waiting());
        // A parked place stands with its request and with those that it was asked inside of.
        let ids = view
            .tickets()
            .flat_map(|t| t.inside.iter().chain([&t.request]));
        let known: BTreeSet<String> = ids.map(ToString::to_string).collect();
        (leases, waiting.count(), known)
    })?;
    if !leases.is_empty() || waiting > 0 {
        said.push(format!("at the end {leases:?} are held and {waiting} wait"));
    }
    store.sweep().map_err(io::Error::other)?;
    said.extend(leftovers(store.root(), &known)?);
    Ok(())
}

fn differences(store: &FileStore, when: &str) -> io::Result<Vec<String>> {
    // Whatever a killed one left half done is brought in by whoever decides next.
    view(store, |_| ())?;
    let found = store.verify().map_err(io::Error::other)?;
    Ok(found
        .into_iter()
        .map(|what| format!("{when}: {what}"))
        .collect())
}

fn view<T>(store: &FileStore, look: impl FnOnce(&View) -> T) -> io::Result<T> {
    let loaded: Result<_, StoreError> = store.load(&[Key::All], Access::Decide);
    Ok(look(loaded.map_err(io::Error::other)?.view()))
}

/// Names that no document knows, and the files of requests that nobody knows.
fn leftovers(root: &Path, known: &BTreeSet<String>) -> io::Result<Vec<String>> {
    let names = |path: &Path| -> io::Result<Vec<String>> {
        let entries = fs::read_dir(path)?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let mut said = Vec::new();
    for name in names(root)? {
        if !DOCUMENTED.contains(&name.as_str()) {
            said.push(format!("{name} is left in the directory"));
        }
    }
    for name in names(&root.join("leases"))? {
        let id = name.split('.').next().unwrap_or(&name);
        if !known.contains(id) {
            said.push(format!("leases/{name} is left"));
        }
    }
    Ok(said)
}
