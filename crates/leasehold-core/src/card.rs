//! A card: the age of an attempt that died, for its next try.

use crate::{
    claim::Claim, id::LeaseId, identity::Identity, lease::Kind, seniority::Birth, time::Timestamp,
};
use alloc::vec::Vec;

/// What died, so that its success can make the cards of its unit good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// The request that died.
    pub request: LeaseId,
    /// What it asked for.
    pub claims: Vec<Claim>,
    /// How its lease would have ended.
    pub kind: Kind,
}

/// Gives the same request of the same agent the birth it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Whose it is.
    pub who: Identity,
    /// Which request takes it.
    pub claims: Vec<Claim>,
    /// Which kind of lease that request asks for.
    pub kind: Kind,
    /// The birth it gives.
    pub birth: Birth,
    /// The number that the births of the unit which died begin with.
    pub unit: u64,
    /// What died.
    pub dead: Dead,
    /// When it runs out.
    pub until: Timestamp,
}

impl Card {
    /// Returns whether it is meant for this request.
    #[must_use]
    pub fn fits(&self, who: &Identity, claims: &[Claim], kind: Kind) -> bool {
        self.kind == kind && self.who.same_place(who) && self.claims == claims
    }

    /// Returns whether two cards are meant for one request: the newer takes the other's place.
    #[must_use]
    pub fn same_request(&self, other: &Self) -> bool {
        self.fits(&other.who, &other.claims, other.kind)
    }
}
