//! One resource, with what is to be done with it.

use crate::{intent::Intent, resource::Resource};
use core::num::NonZeroU32;

/// What a lease or a ticket claims: a resource and an intent, or one slot of a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// What is claimed.
    pub resource: Resource,
    /// What will be done with it.
    pub intent: Intent,
    /// For a slot of a pool: how many slots the pool has. Flat kinds only.
    pub slots: Option<NonZeroU32>,
}

impl Claim {
    /// Claims a resource with an intent.
    #[must_use]
    pub const fn new(resource: Resource, intent: Intent) -> Self {
        Self {
            resource,
            intent,
            slots: None,
        }
    }

    /// Claims one slot of a pool of `size`.
    #[must_use]
    pub const fn slot(resource: Resource, size: NonZeroU32) -> Self {
        Self {
            resource,
            intent: Intent::Mutates,
            slots: Some(size),
        }
    }

    /// Returns whether two holders may not have both. Two slots of one pool do not conflict here: they
    /// exclude each other by count. Only where its sizes differ they do: a lease that lapsed can be
    /// renewed while somebody waits who took the pool for one of another size.
    #[must_use]
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let compatible = match (self.slots, other.slots) {
            (Some(own), Some(other)) => own == other,
            (Some(_), None) | (None, Some(_)) => false,
            (None, None) => !self.intent.conflicts_with(other.intent),
        };
        !compatible && self.resource.overlaps(&other.resource)
    }

    /// Returns whether it conflicts with every claim on its resource, a slot too.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.slots.is_none() && self.intent.is_exclusive()
    }

    /// Returns whether who holds this claim needs no other for `inner`.
    #[must_use]
    pub fn covers(&self, inner: &Self) -> bool {
        let strong = match (self.slots, inner.slots) {
            (Some(_), Some(_)) => true,
            (Some(_), None) => false,
            (None, Some(_)) => self.intent.covers(Intent::Mutates),
            (None, None) => self.intent.covers(inner.intent),
        };
        strong && self.resource.contains(&inner.resource)
    }

    /// Returns whether both are slots of one pool.
    #[must_use]
    pub fn same_pool(&self, other: &Self) -> bool {
        self.slots.is_some() && other.slots.is_some() && self.resource == other.resource
    }
}

/// Returns whether any claim of `a` conflicts with any of `b`, pools aside.
#[must_use]
pub fn any_conflict(a: &[Claim], b: &[Claim]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x.conflicts_with(y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str, intent: Intent) -> Claim {
        Claim::new(Resource::parse(text).unwrap(), intent)
    }

    fn slot(text: &str, size: u32) -> Claim {
        Claim::slot(
            Resource::parse(text).unwrap(),
            NonZeroU32::new(size).unwrap(),
        )
    }

    #[test]
    fn a_slot_conflicts_with_anything_but_a_slot() {
        assert!(slot("gpu", 2).conflicts_with(&claim("gpu", Intent::Consumes)));
        assert!(!slot("gpu", 2).conflicts_with(&slot("gpu", 2)));
        assert!(slot("gpu", 2).conflicts_with(&slot("gpu", 1)));
        assert!(!slot("gpu", 2).conflicts_with(&claim("cpu", Intent::Mutates)));
    }

    #[test]
    fn an_exclusive_claim_conflicts_with_every_other_on_its_resource() {
        for own in Intent::ALL {
            let claims = Intent::ALL.map(|other| claim("gpu", other));
            let own = claim("gpu", own);
            let with_all = claims.iter().all(|other| own.conflicts_with(other));
            assert_eq!(own.is_exclusive(), with_all, "{own:?}");
            assert!(own.conflicts_with(&slot("gpu", 2)));
        }
        assert!(!slot("gpu", 2).is_exclusive());
    }

    #[test]
    fn cover_needs_the_resource_and_the_strength() {
        let tree = claim("path:src", Intent::Mutates);
        assert!(tree.covers(&claim("path:src/a", Intent::Consumes)));
        assert!(!claim("path:src", Intent::Consumes).covers(&claim("path:src", Intent::Mutates)));
        assert!(!tree.covers(&claim("path:.", Intent::Consumes)));
        assert!(claim("gpu", Intent::Deletes).covers(&slot("gpu", 2)));
        assert!(!slot("gpu", 2).covers(&claim("gpu", Intent::Consumes)));
        assert!(slot("gpu", 2).covers(&slot("gpu", 2)));
    }
}
