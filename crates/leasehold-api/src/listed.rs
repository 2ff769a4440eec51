//! The leases of an answer: a few, or all that there are.

use crate::event::Dates;
use crate::lease::LeaseInfo;
use leasehold_service::Clock;
use leasehold_store::Listing;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// The leases of an answer, as an array.
pub trait Leases: Serialize {
    /// Returns how many there are.
    fn len(&self) -> usize;

    /// Returns whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Leases for Vec<LeaseInfo> {
    fn len(&self) -> usize {
        self.len()
    }
}

impl<L: Leases> Leases for Option<L> {
    fn len(&self) -> usize {
        self.as_ref().map_or(0, Leases::len)
    }
}

/// All leases of a workspace by their tokens, described one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    listing: &'a Listing,
    clock: &'a Clock,
}

impl<'a> Listed<'a> {
    /// Describes what is in a listing.
    #[must_use]
    pub const fn new(listing: &'a Listing, clock: &'a Clock) -> Self {
        Self { listing, clock }
    }

    /// Returns one after the other.
    pub fn infos(&self) -> impl Iterator<Item = LeaseInfo<Cow<'a, str>>> + use<'a> {
        let (view, clock) = (self.listing.view(), self.clock);
        let info = |lease| LeaseInfo::of(lease, Some(view), clock);
        let mut others: Vec<LeaseInfo<_>> = view.leases().map(info).collect();
        others.sort_by_key(|lease| lease.token);
        let mut dates = Dates::new(clock);
        let standing = self.listing.standing();
        let mut standing = standing
            .map(move |lease| LeaseInfo::standing(&lease, &mut dates))
            .peekable();
        let mut others = others.into_iter().peekable();
        std::iter::from_fn(move || match (others.peek(), standing.peek()) {
            (Some(other), Some(next)) if next.token < other.token => standing.next(),
            (Some(_), _) => others.next(),
            (None, _) => standing.next(),
        })
    }
}

impl Serialize for Listed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.infos())
    }
}

impl Leases for Listed<'_> {
    fn len(&self) -> usize {
        self.listing.leases_len()
    }
}
