//! Leases that are there while something is measured.

use crate::Fallible;
use leasehold_core::claim::Claim;
use leasehold_core::command::Ask;
use leasehold_core::intent::Intent;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::{Identity, Resource};
use leasehold_service::{Acquired, Coordinator, Leasing, Waiting};
use leasehold_store::conformance::sample::Draw;
use leasehold_store_file::{FileStore, Options};
use std::path::Path;

/// How many agents hold them, in turns.
const AGENTS: u128 = 1000;

/// What one lease is on.
pub(crate) type Wanted = Result<Claim, String>;

/// A word, to be changed.
pub(crate) fn flat(name: &str) -> Wanted {
    claim(name, Intent::Mutates)
}

/// A resource with an intent.
pub(crate) fn claim(text: &str, intent: Intent) -> Wanted {
    let resource = Resource::parse(text).map_err(|error| format!("{text}: {error:?}"))?;
    Ok(Claim::new(resource, intent))
}

/// Takes a standing lease on each of these, without a TTL.
pub(crate) fn hold(leasing: &dyn Leasing, wanted: impl Iterator<Item = Wanted>) -> Fallible<()> {
    let mut ids = Draw::new(1);
    for claim in wanted {
        let id = ids.id();
        let who = agent(&format!("holder-{}", id.bits() % AGENTS));
        let ask = Ask {
            kind: Kind::Standing,
            ..Ask::new(id, who, vec![claim?])
        };
        // A standing lease stays when what is returned is dropped.
        let _held = granted(leasing, ask)?;
    }
    Ok(())
}

/// Fills a workspace in a directory with standing leases on that many words.
pub(crate) fn fill(root: &Path, count: usize) -> Fallible<()> {
    let store = FileStore::open(root, Options::default())?;
    let coordinator = Coordinator::new(store, Policy::default());
    hold(
        &coordinator,
        (0..count).map(|n| flat(&format!("other-{n}"))),
    )
}

/// Asks for what nobody else holds.
pub(crate) fn granted(leasing: &dyn Leasing, ask: Ask) -> Fallible<leasehold_service::Held> {
    let mut waiting = Waiting {
        interrupt: None,
        is_interrupted: &mut || false,
        on_place: &mut |_, _, _| {},
        estimates: false,
    };
    match leasing.acquire(ask, &mut waiting)? {
        Acquired::Held(held, _) => Ok(held),
        Acquired::Refused(refusal, _) => Err(format!("refused: {refusal:?}").into()),
        _ => Err("not granted".into()),
    }
}

/// An agent with a session of its own.
pub(crate) fn agent(session: &str) -> Identity {
    Identity::nameless("bench", "localhost").in_session(session)
}
