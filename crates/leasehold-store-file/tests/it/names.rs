//! Names of every kind in real files: what was granted under one is held, found and released.

use crate::harness::*;
use leasehold_core::command::Ask;
use leasehold_core::identity::{Agent, Owner};
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Claim, Identity, Intent, Resource};
use leasehold_store::{Access, Loaded, Store};
use leasehold_store_file::FileStore;
use proptest::prelude::*;

/// What is special in a path, in an escaped name, and in the names that the store itself makes.
const SPECIAL: &[&str] = &[
    ".", "..", "~", "@", "%", "^", " ", "A", "é", "a", "/", "%2e",
];

/// Names about as long as a piece is when they are escaped (200 bytes, each capital two and each byte of
/// an `é` three), and as long as a name may be.
fn name() -> impl Strategy<Value = String> {
    let ends = || prop::collection::vec(prop::sample::select(SPECIAL), 0..4);
    let length = (
        prop::sample::select(&[0_usize, 60, 96, 130, 196][..]),
        0..8_usize,
    );
    (ends(), "[aAé.]", length, ends()).prop_map(|(head, filler, (length, more), tail)| {
        let mut name = head.concat() + &filler.repeat((length + more) / filler.len());
        while name.len() + tail.concat().len() > 200 {
            name.pop();
        }
        format!("x{name}{}", tail.concat())[usize::from(!name.is_empty())..].into()
    })
}

/// Resources with such names in all their parts. What is no resource is left out.
fn resources() -> impl Strategy<Value = Vec<Resource>> {
    (name(), name(), name()).prop_map(|(first, second, third)| {
        let flat = Resource::parse(&format!("issue:{first}"));
        let paths = [
            first.clone(),
            format!("{first}/{second}"),
            format!("d/{first}/{third}"),
            format!("/{second}/{first}"),
        ];
        let literal = paths.iter().map(|path| Resource::literal_path(path));
        let glob = Resource::parse(&format!("path:{second}/*"));
        literal.chain([flat, glob]).flatten().collect()
    })
}

fn identity() -> impl Strategy<Value = Identity> {
    (name(), name(), prop::option::of(name())).prop_map(|(owner, host, session)| {
        let who = Identity::named(&owner, &host);
        match session {
            Some(session) => who.in_session(&session),
            None => who,
        }
    })
}

fn standing_on(number: u128, who: &Identity, resource: &Resource) -> Ask {
    Ask {
        kind: Kind::Standing,
        ..Ask::new(
            id(number),
            who.clone(),
            vec![Claim::new(resource.clone(), Intent::Mutates)],
        )
    }
}

fn leases_at(store: &FileStore, key: Key) -> Vec<leasehold_core::LeaseId> {
    let loaded = store.load(&[key], Access::Read).unwrap();
    loaded.view().leases().map(|lease| lease.id).collect()
}

fn check(place: &Place, resource: &Resource, who: &Identity) {
    let store = place.open();
    hold(&store, standing_on(1, who, resource));
    hold(&store, ask(2, &["name:other"]));
    // What is on disk says so, to somebody who comes anew.
    let store = place.open();
    check_whole(&store);
    for key in [
        Key::Overlap(resource.clone()),
        Key::Lease(id(1)),
        Key::Agent(who.agent().unwrap()),
    ] {
        assert!(leases_at(&store, key).contains(&id(1)));
    }
    let stranger = Identity::nameless("ben", "host");
    let refused = acquire(&store, standing_on(3, &stranger, resource));
    assert!(matches!(refused, Verdict::Refused(_)), "{refused:?}");
    release(&store, 1);
    release(&store, 2);
    check_whole(&store);
    assert_eq!(leases_at(&store, Key::Overlap(resource.clone())), []);
    assert_eq!(leases_at(&store, Key::All), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_was_granted_is_held_and_released(resources in resources(), who in identity()) {
        let place = Place::new();
        for resource in &resources {
            check(&place, resource, &who);
        }
    }
}

/// The names that stopped a workspace.
#[test]
fn names_that_end_in_dots_behind_a_full_piece() {
    let place = Place::new();
    let who = Identity::named("ada", "host").in_session(&format!("{}.", "A".repeat(100)));
    let capitals = "A".repeat(100);
    for dots in [".", ".."] {
        for text in [
            format!("issue:{capitals}{dots}"),
            format!("path:{capitals}{dots}"),
            format!("path:d/{}{dots}", "a".repeat(200)),
        ] {
            check(&place, &Resource::parse(&text).unwrap(), &who);
        }
    }
}

#[test]
fn a_long_owner_on_a_long_host() {
    let place = Place::new();
    let owner = Owner {
        name: format!("agent-{}", "я".repeat(31)).into(),
        host: "h".repeat(61).into(),
    };
    let who = Identity::named(&owner.name, &owner.host);
    assert_eq!(who.agent(), Some(Agent::Owner(owner)));
    check(&place, &Resource::parse("foo").unwrap(), &who);
}
