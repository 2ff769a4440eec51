//! Small logs, legal and not.

use super::*;
use crate::processes::check::sample::{Sample, lease};

fn grant(op: u64, name: &str, at: u64) -> Event {
    Event::Granted {
        lease: lease(op, name, at).into(),
        from: None,
        spent: Vec::new(),
    }
}

fn release(op: u64, name: &str) -> Event {
    let lease = lease(op, name, 0).into();
    Event::Released { lease }
}

fn problems(commits: Vec<Event>) -> Vec<String> {
    let mut sample = Sample::default();
    for (at, event) in commits.into_iter().enumerate() {
        sample.commit(at as u64, vec![event]);
    }
    legal(&sample.story())
}

#[test]
fn one_after_the_other_is_legal() {
    let log = vec![
        grant(1, "build", 0),
        release(1, "build"),
        grant(2, "build", 2),
    ];
    assert_eq!(problems(log), Vec::<String>::new());
}

#[test]
fn two_holders_are_not() {
    assert_eq!(
        problems(vec![grant(1, "path:src", 0), grant(2, "path:src/a/x", 1)]).len(),
        1
    );
}

#[test]
fn a_third_holder_of_two_slots_is_not() {
    let log = vec![grant(1, "gpu", 0), grant(2, "gpu", 1), grant(3, "gpu", 2)];
    assert_eq!(problems(log).len(), 1);
}

#[test]
fn a_token_that_comes_again_is_not() {
    let log = vec![
        grant(2, "build", 0),
        release(2, "build"),
        grant(1, "build", 2),
    ];
    assert_eq!(problems(log).len(), 1);
}

#[test]
fn a_lapse_before_its_time_is_not() {
    let lapsed = Event::Lapsed {
        lease: lease(1, "build", 0).into(),
    };
    assert_eq!(problems(vec![grant(1, "build", 0), lapsed]).len(), 1);
}

#[test]
fn freeing_what_lives_is_not() {
    let mut sample = Sample::default();
    sample.guard(1, "build", 10..20);
    let lease = lease(1, "build", 0).into();
    sample.commits[1].events = vec![Event::Freed { lease }];
    assert_eq!(legal(&sample.story()).len(), 1);
}

#[test]
fn a_refusal_without_a_reason_is_not() {
    let by_nobody = Event::Refused {
        id: LeaseId::new(9),
        who: lease(9, "build", 0).who,
        claims: lease(9, "build", 0).claims,
        reason: RefusedFor::Held,
        by: None,
    };
    assert_eq!(problems(vec![by_nobody.clone()]).len(), 1);
    assert_eq!(problems(vec![grant(1, "build", 0), by_nobody]).len(), 0);
}

fn freeze(name: &str, until: u64) -> Event {
    let resource = leasehold_core::Resource::parse(name).unwrap();
    let (id, who) = (LeaseId::new(77), lease(77, "build", 0).who);
    let (since, until) = (Timestamp::from_millis(0), Timestamp::from_millis(until));
    let until = Some(until);
    Event::Frozen {
        freeze: Freeze {
            id,
            resource,
            until,
            since,
            who,
        }
        .into(),
    }
}

#[test]
fn a_grant_of_what_is_frozen_is_not() {
    let at = |until, name| problems(vec![freeze("path:src", until), grant(1, name, 1)]).len();
    assert_eq!(at(100, "path:src/a/x"), 1);
    assert_eq!(at(100, "build"), 0);
    // Its time is over.
    assert_eq!(at(1, "path:src/a/x"), 0);
}

#[test]
fn a_freeze_is_told_only_where_there_is_one() {
    let refused = |by| Event::Refused {
        id: LeaseId::new(9),
        who: lease(9, "build", 0).who,
        claims: lease(9, "build", 0).claims,
        reason: RefusedFor::Frozen,
        by: Some(LeaseId::new(by)),
    };
    assert_eq!(problems(vec![freeze("build", 100), refused(77)]).len(), 0);
    assert_eq!(problems(vec![freeze("deploy", 100), refused(77)]).len(), 1);
    assert_eq!(problems(vec![freeze("build", 100), refused(78)]).len(), 1);
}

#[test]
fn clearing_away_what_is_not_over_is_not() {
    let swept = |expires| {
        let mut held = lease(1, "build", 0);
        held.kind = Kind::Standing;
        held.expires = Some(Timestamp::from_millis(expires));
        held.ttl = leasehold_core::Ttl::from_millis(expires).ok();
        let mut by = held.who.clone();
        by.session = Some("session-2".into());
        let lease: std::sync::Arc<Lease> = held.into();
        let granted = Event::Granted {
            lease: std::sync::Arc::clone(&lease),
            from: None,
            spent: Vec::new(),
        };
        problems(vec![granted, Event::Forced { lease, by }]).len()
    };
    assert_eq!((swept(1), swept(2)), (0, 1));
}

#[test]
fn a_grant_for_longer_than_its_ttl_is_not() {
    let granted = |expires| {
        let mut held = lease(1, "build", 0);
        held.ttl = leasehold_core::Ttl::from_millis(50).ok();
        held.expires = Some(Timestamp::from_millis(expires));
        let lease = held.into();
        problems(vec![Event::Granted {
            lease,
            from: None,
            spent: Vec::new(),
        }])
        .len()
    };
    assert_eq!((granted(50), granted(51)), (0, 1));
}
