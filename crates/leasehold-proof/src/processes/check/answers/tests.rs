//! Small histories with their answers.

use super::*;
use crate::processes::check::sample::{Sample, claims, lease};
use crate::processes::history::Who;
use crate::processes::plan::{Plan, Whose};
use leasehold_core::Timestamp;
use leasehold_core::freeze::Freeze;

#[test]
fn a_guard_that_ran_in_order_is_explained() {
    let mut sample = Sample::default();
    sample.guard(1, "build", 10..20);
    assert_eq!(explained(&sample.story()), Vec::<String>::new());
}

#[test]
fn a_lease_that_is_not_given_back_is_not() {
    let mut sample = Sample::default();
    sample.guard(1, "build", 10..20);
    sample.commits.pop();
    assert_eq!(explained(&sample.story()).len(), 1);
}

#[test]
fn a_loss_that_is_not_told_is_not() {
    let mut sample = Sample::default();
    sample.guard(1, "build", 10..20);
    let lost = lease(1, "build", 9).into();
    sample.commits[1].events = vec![Event::Lapsed { lease: lost }];
    assert_eq!(explained(&sample.story()).len(), 1);
}

/// A guard that asks for two things inside of a lease on one of them, gets its own on the other, and says
/// at 32 ms that one is lost; the command of the outer one ends at that time.
fn lost_inside_of(outer_ends: u64) -> usize {
    let mut sample = Sample::default();
    sample.guard(1, "build", 5..outer_ends);
    sample.guard(2, "deploy", 20..30);
    let asks = sample.records.iter_mut().filter(|record| record.op == 2);
    let mut asks = asks.filter_map(|record| match &mut record.what {
        What::Invoke { plan, .. } => match &mut plan.verb {
            Verb::Guard { ask, .. } => Some(ask),
            _ => None,
        },
        _ => None,
    });
    let ask = asks.next().unwrap();
    ask.claims.names.extend(claims("build").names);
    ask.lease = Some(LeaseId::new(1).to_string());
    let end = sample.records.pop().unwrap();
    sample.end(end.op, 32, 6);
    looked(&mut sample);
    explained(&sample.story()).len()
}

#[test]
fn the_loss_of_a_lease_around_ones_own_is_a_loss() {
    assert_eq!(lost_inside_of(25), 0);
    assert_eq!(lost_inside_of(90), 1);
}

#[test]
fn a_refusal_needs_an_event() {
    let mut sample = Sample::default();
    sample.invoke(1, "build", 5).end(1, 8, 2);
    assert_eq!(explained(&sample.story()).len(), 1);
}

#[test]
fn a_code_that_nobody_knows_is_refused() {
    let mut sample = Sample::default();
    sample.invoke(1, "build", 5).end(1, 8, 3);
    assert_eq!(explained(&sample.story()).len(), 1);
}

/// Asks a verb at 50 ms, which is answered with that code at 60 ms.
fn answered(sample: &mut Sample, verb: Verb, code: i32) -> usize {
    let op = 9;
    let plan = Plan { op, verb };
    let who = Who {
        owner: Some("ada".into()),
        session: None,
    };
    let inside = None;
    sample
        .record(50, op, What::Invoke { plan, who, inside })
        .end(op, 60, code);
    explained(&std::mem::take(sample).story()).len()
}

/// What was committed before is state for sure where somebody looked afterwards.
fn looked(sample: &mut Sample) {
    sample.guard(3, "table:users", 20..30);
}

fn held() -> Sample {
    let mut sample = Sample::default();
    sample.guard(1, "build", 10..90).guard(2, "deploy", 10..90);
    looked(&mut sample);
    sample
}

fn frozen(until: u64) -> Sample {
    let mut sample = Sample::default();
    let freeze = Freeze {
        id: LeaseId::new(77),
        resource: leasehold_core::Resource::parse("build").unwrap(),
        until: Some(Timestamp::from_millis(until)),
        since: Timestamp::from_millis(10),
        who: lease(1, "build", 0).who,
    };
    let freeze = freeze.into();
    sample.commit(10, vec![Event::Frozen { freeze }]);
    looked(&mut sample);
    sample
}

#[test]
fn why_says_what_is_so() {
    let why = |name| Verb::Why {
        claims: claims(name),
        lease: None,
    };
    assert_eq!(answered(&mut held(), why("build"), 2), 0);
    assert_eq!(answered(&mut held(), why("build"), 0), 1);
    assert_eq!(answered(&mut held(), why("issue:7"), 0), 0);
    assert_eq!(answered(&mut held(), why("issue:7"), 2), 1);
    assert_eq!(answered(&mut frozen(100), why("build"), 2), 0);
    assert_eq!(answered(&mut frozen(100), why("build"), 0), 1);
    assert_eq!(answered(&mut frozen(40), why("build"), 2), 1);
}

#[test]
fn what_is_frozen_is_not_said_to_be_free_and_the_other_way_round() {
    let unfreeze = || Verb::Unfreeze {
        name: 0,
        force: false,
    };
    assert_eq!(answered(&mut frozen(100), unfreeze(), 3), 1);
    assert_eq!(answered(&mut frozen(40), unfreeze(), 3), 0);
    assert_eq!(answered(&mut frozen(40), unfreeze(), 4), 1);
    // Nothing ended it.
    assert_eq!(answered(&mut frozen(100), unfreeze(), 0), 1);
    let (name, ttl_ms) = (0, 500);
    let freeze = Verb::Freeze { name, ttl_ms };
    assert_eq!(answered(&mut held(), freeze, 0), 1);
}

#[test]
fn what_is_given_back_at_once_is_in_the_audit() {
    let all = |force| Verb::UnlockMany {
        whose: Whose::All,
        force,
    };
    assert_eq!(answered(&mut held(), all(false), 3), 0);
    assert_eq!(answered(&mut held(), all(false), 0), 1);
    // With force it would have found what the guards hold.
    assert_eq!(answered(&mut held(), all(true), 3), 1);
    let status = |name| Verb::Status {
        name: Some(name),
        prunes: false,
    };
    assert_eq!(answered(&mut held(), status(0), 0), 0);
    assert_eq!(answered(&mut held(), status(0), 3), 1);
    assert_eq!(answered(&mut held(), status(15), 0), 1);
}

#[test]
fn clearing_away_leaves_nothing_that_was_over() {
    let sweep = |expires, code| {
        let mut sample = held();
        let mut due = lease(5, "issue:7", 10);
        due.kind = leasehold_core::lease::Kind::Standing;
        due.expires = Some(Timestamp::from_millis(expires));
        due.ttl = leasehold_core::Ttl::from_millis(expires - 10).ok();
        let lease = due.into();
        let (from, spent) = (None, Vec::new());
        sample.commit(10, vec![Event::Granted { lease, from, spent }]);
        answered(&mut sample, Verb::Sweep { name: None }, code)
    };
    assert_eq!((sweep(30, 3), sweep(80, 3)), (1, 0));
    assert_eq!(sweep(80, 0), 1);
}
