//! Small histories with their answers.

use super::*;
use crate::processes::check::sample::{Sample, lease};

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
