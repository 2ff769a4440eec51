//! Small histories of commands, one after the other and not.

use super::*;
use crate::processes::check::sample::{Sample, lease};
use leasehold_core::event::Event;

fn problems(sample: Sample) -> usize {
    let story = sample.story();
    holds_exclude(&story).len() + registers_agree(&story).len()
}

#[test]
fn one_after_the_other_passes() {
    let mut sample = Sample::default();
    sample
        .guard(1, "path:src", 10..20)
        .guard(2, "path:src/a/x", 30..40);
    sample.guard(3, "path:src/a/y", 31..39);
    assert_eq!(problems(sample), 0);
}

#[test]
fn two_at_once_are_refused() {
    let mut sample = Sample::default();
    sample
        .guard(1, "path:src", 10..20)
        .guard(2, "path:src/a/x", 15..40);
    assert_eq!(problems(sample), 1);
}

#[test]
fn two_at_once_after_a_lapse_pass() {
    let mut sample = Sample::default();
    sample.guard(1, "build", 10..40).guard(2, "build", 22..30);
    let lost = lease(1, "build", 9).into();
    sample.commits.retain(|commit| commit.at_ms != 41);
    sample.commit(20, vec![Event::Lapsed { lease: lost }]);
    assert_eq!(problems(sample), 0);
}

#[test]
fn three_in_a_pool_of_two_are_refused() {
    let mut sample = Sample::default();
    sample.guard(1, "gpu", 10..40).guard(2, "gpu", 12..40);
    sample.guard(3, "gpu", 14..40);
    assert_eq!(problems(sample), 1);
}

#[test]
fn a_command_after_its_release_is_refused() {
    let mut sample = Sample::default();
    sample.guard(1, "build", 10..20);
    sample.commits[1].at -= 10_000_000;
    assert_eq!(problems(sample), 1);
}

#[test]
fn a_higher_token_is_refused() {
    let mut sample = Sample::default();
    let (atom, token, by) = ("build".into(), 9, 9);
    sample.guard(1, "build", 10..20);
    sample.record(12, 1, What::Fenced { atom, token, by });
    assert_eq!(problems(sample), 1);
}

#[test]
fn a_witness_lock_in_use_is_refused() {
    let mut sample = Sample::default();
    let (atom, other, check) = ("build".into(), None, None);
    sample.guard(1, "build", 10..20);
    sample.record(12, 1, What::Met { atom, other, check });
    assert_eq!(problems(sample), 1);
}
