//! Mending what can be mended: records from the log, and the log's own checkpoint from the records.
//!
//! Each is written twice, so one is made good from the other where that other is whole. Where both are
//! damaged nothing is mended: a guess could grant what somebody holds.

use crate::session::Session;
use crate::shared::Shared;
use crate::state::State;
use crate::verify;
use crate::{gc, leftovers};
use leasehold_core::planted::Bug;
use leasehold_store::StoreError;

/// What was mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// The records that were made again, by what was wrong with them.
    pub records: Vec<String>,
    /// Why the log was begun anew, where it was: the damaged part stays for the audit.
    pub log: Option<String>,
    /// How many things that nobody needs were removed.
    pub leftovers: u64,
}

pub(crate) fn repair(shared: &Shared) -> Result<Repaired, StoreError> {
    let mut repaired = Repaired::default();
    // Whoever goes inside cuts what was torn, and finds a lost header again.
    let mut session = Session::enter(shared)?;
    match session.fold_from(State::default()) {
        Ok(state) => {
            repaired.records = verify::differences(shared, &state)?;
            if !repaired.records.is_empty() {
                session.rebuild_from(State::default())?;
            }
            drop(session);
        }
        Err(error @ StoreError::Damaged { .. }) => {
            let state = from_records(shared, &session, &error)?;
            repaired.log = Some(error.to_string());
            session.rotate_to(&state)?;
        }
        Err(error) => return Err(error),
    }
    repaired.leftovers = leftovers::remove(shared, gc::KEEP_MS)?;
    Ok(repaired)
}

/// Returns the state that the records say, if they all say the same.
///
/// It is what every request is judged by while the log is damaged, so to go on from it grants nothing
/// that would not be granted anyway. Each entity stands in several records, and all have to be there:
/// one that is torn or lost would be missed.
fn from_records(
    shared: &Shared,
    session: &Session<'_>,
    damage: &StoreError,
) -> Result<State, StoreError> {
    let give_up = |why: String| {
        let path = shared.root.join("records");
        StoreError::Damaged {
            path,
            detail: format!("{damage}, and it cannot be mended from the records: {why}"),
        }
    };
    if !session.is_whole() {
        return Err(give_up("they are behind it".into()));
    }
    let mut state = State::begin_at(&session.header, session.segment.number());
    for (path, found) in verify::read_records(shared)? {
        match found {
            Ok((_, content)) => state.add(content),
            Err(_) if Bug::GuessAtRepair.is_planted() => {}
            Err(unreadable) => {
                return Err(give_up(format!("{path} cannot be read: {unreadable}")));
            }
        }
    }
    match verify::differences(shared, &state)?.first() {
        None => Ok(state),
        Some(_) if Bug::GuessAtRepair.is_planted() => Ok(state),
        Some(path) => Err(give_up(format!("they contradict each other: {path}"))),
    }
}
