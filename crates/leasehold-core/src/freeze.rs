//! A freeze: a timed refusal set by a person (law L11).

use crate::{id::LeaseId, identity::Identity, resource::Resource, time::Timestamp};

/// Stops every new grant on what it overlaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// The request that set it.
    pub id: LeaseId,
    /// What is frozen.
    pub resource: Resource,
    /// Until when; `None` where the store cannot read the freeze and so takes it for one without end.
    pub until: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
    /// Who set it.
    pub who: Identity,
}

impl Freeze {
    /// Returns whether it holds at `now`.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
