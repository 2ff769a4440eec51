//! What a listing has to say: what a view of everything says.

use crate::Listing;
use crate::format::Standing;
use leasehold_core::{Lease, LeaseId, View, lease::Kind};
use std::fmt::Debug;

/// Checks that a listing has what a view of the whole workspace has; lives aside.
#[track_caller]
pub fn check_listing(listing: &Listing, whole: &View) {
    let mut listed = 0;
    let mut last = None;
    for standing in listing.standing() {
        let id: LeaseId = standing.id.parse().unwrap();
        check_standing(&standing, whole.lease(id).unwrap());
        assert!(last < Some(standing.token), "they come by their tokens");
        last = Some(standing.token);
        listed += 1;
    }
    for lease in listing.view().leases() {
        assert_eq!(whole.lease(lease.id).map(|other| &**other), Some(lease));
        listed += 1;
    }
    assert_eq!(listed, whole.leases().count());
    assert_eq!(listed, listing.leases_len());
    check_same(listing.view().tickets(), whole.tickets());
    check_same(listing.view().freezes(), whole.freezes());
    check_same(listing.view().cards(), whole.cards());
}

/// Checks that a lease as it is written is that one.
#[track_caller]
pub fn check_standing(standing: &Standing<&str>, lease: &Lease) {
    assert_eq!(standing.id, lease.id.to_string());
    assert_eq!(standing.owner, &*lease.who.owner.name);
    assert_eq!(standing.host, &*lease.who.owner.host);
    assert_eq!(standing.session, lease.who.session.as_deref());
    let claims: Vec<_> = standing
        .claims()
        .map(|(resource, intent)| (resource.to_owned(), intent, None))
        .collect();
    let claimed = lease
        .claims
        .iter()
        .map(|claim| (claim.resource.to_string(), claim.intent, claim.slots));
    assert_eq!(claims, claimed.collect::<Vec<_>>());
    assert_eq!(lease.kind, Kind::Standing);
    assert!(lease.is_bound() && lease.slots.is_empty() && lease.orphaned.is_none());
    assert_eq!(standing.token, lease.token);
    assert_eq!(standing.granted, lease.granted);
    assert_eq!(standing.ttl, lease.ttl);
    assert_eq!(standing.expires, lease.expires);
    assert_eq!(standing.keep_while_alive, lease.keep_while_alive);
    assert_eq!(standing.pid, lease.holder.pid);
    assert_eq!(standing.command, &*lease.holder.command);
}

#[track_caller]
fn check_same<T: Debug>(ours: impl Iterator<Item = T>, theirs: impl Iterator<Item = T>) {
    fn sorted<T: Debug>(items: impl Iterator<Item = T>) -> Vec<String> {
        let mut texts: Vec<String> = items.map(|item| format!("{item:?}")).collect();
        texts.sort();
        texts
    }
    assert_eq!(sorted(ours), sorted(theirs));
}
