//! One holder after the other, through one handle or two.

use super::Subject;
use super::support::{answer, ask, check_state, counters_of, give_back, id, pass, put, release};
use super::support::{shown, take, transact, whole_of};
use crate::{Access, Committed, Loaded, Store};
use leasehold_core::View;
use leasehold_core::command::Command;
use leasehold_core::decide::decide;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::{Blocker, Refusal, Verdict};
use leasehold_core::view::Key;

pub(super) fn an_empty_store_has_nothing<S: Subject>(subject: &S) {
    let store = subject.open();
    let view = whole_of(&store);
    check_state(&store, &View::whole(view.now()));
    assert!(view.is_loaded(&Key::Lease(id(1))), "all includes it");
    assert!(!view.is_loaded(&Key::Life(id(1))), "all includes no lives");
    assert_eq!(answer(&store, &release(1)), Verdict::NotFound);
    assert_eq!(shown(&whole_of(&store)), shown(&view));
}

pub(super) fn grants_refuses_and_releases<S: Subject>(subject: &S) {
    let (one, two) = (subject.open(), subject.open());
    let held = take(&one, ask(1, "ada", &["build"]));
    let refused = answer(&two, &Command::Ask(ask(2, "bob", &["build"])));
    let Verdict::Refused(Refusal::Held(blockers)) = refused else {
        panic!("it is held: {refused:?}");
    };
    assert_eq!(blockers, [Blocker::Lease(held.into())]);
    give_back(&two, 1);
    take(&one, ask(3, "bob", &["build"]));
    assert_eq!(whole_of(&two).leases().count(), 1);
}

pub(super) fn a_dropped_load_changes_nothing<S: Subject>(subject: &S) {
    let store = subject.open();
    take(&store, ask(1, "ada", &["issue:1"]));
    let before = whole_of(&store);
    let command = Command::Ask(ask(2, "bob", &["build"]));
    let loaded = store.load(&command.footprint(), Access::Decide).unwrap();
    let decision = decide(loaded.view(), &command, &Policy::default()).unwrap();
    assert!(matches!(decision.verdict, Verdict::Granted(_)));
    drop(loaded);
    for store in [store, subject.open()] {
        assert_eq!(shown(&whole_of(&store)), shown(&before));
        assert_eq!(counters_of(&store), before.counters());
    }
}

pub(super) fn a_commit_without_events_changes_nothing<S: Subject>(subject: &S) {
    let store = subject.open();
    take(&store, ask(1, "ada", &["issue:1"]));
    let before = whole_of(&store);
    put(&store, &[]);
    assert_eq!(shown(&whole_of(&store)), shown(&before));
    assert_eq!(counters_of(&store), before.counters());
}

pub(super) fn a_repeated_request_happens_once<S: Subject>(subject: &S) {
    let (one, two) = (subject.open(), subject.open());
    let command = Command::Ask(ask(1, "ada", &["build", "path:src"]));
    let first = transact(&one, &command);
    let again = transact(&two, &command);
    assert_eq!(again.decision.verdict, first.decision.verdict);
    assert_eq!(again.decision.events, []);
    assert_eq!(whole_of(&one).leases().count(), 1);
    assert_eq!(answer(&one, &release(1)), Verdict::Done);
    assert_eq!(answer(&two, &release(1)), Verdict::NotFound);
}

pub(super) fn numbers_and_tokens_rise_over_reopening<S: Subject>(subject: &S) {
    let (mut last, mut before) = (None, counters_of(&subject.open()));
    for number in 1..20 {
        let store = subject.open();
        let lease = take(&store, ask(number, "ada", &["build"]));
        assert!(
            lease.token > before.token && lease.number > before.number,
            "{lease:?}"
        );
        assert!(Some(lease.token) > last, "{} after {last:?}", lease.token);
        last = Some(lease.token);
        give_back(&store, number);
        // Also with nothing held.
        before = counters_of(&subject.open());
        assert!(
            before.token >= lease.token && before.number >= lease.number,
            "{before:?}"
        );
    }
}

pub(super) fn handles_know_their_workspace<S: Subject>(subject: &S) {
    let (here, there) = (subject.open(), S::fresh());
    assert_eq!(here.workspace(), subject.open().workspace());
    let there = there.open();
    assert_ne!(here.workspace(), there.workspace());
    take(&here, ask(1, "ada", &["build"]));
    take(&there, ask(2, "bob", &["build"]));
}

pub(super) fn a_read_view_stays_of_one_version<S: Subject>(subject: &S) {
    let (one, two) = (subject.open(), subject.open());
    take(&one, ask(1, "ada", &["issue:1", "issue:2"]));
    let mut loaded = one.load(&[Key::Lease(id(1))], Access::Read).unwrap();
    assert_eq!(loaded.view().leases().count(), 1);
    // A view to read holds nobody off.
    give_back(&two, 1);
    take(&two, ask(2, "bob", &["issue:1", "issue:2"]));
    let key = Key::Overlap("issue:1".parse().unwrap());
    one.load_more(&mut loaded, std::slice::from_ref(&key))
        .unwrap();
    let leases: Vec<_> = loaded.view().leases().map(|lease| lease.id).collect();
    assert!(
        leases == [id(1)] || leases == [id(2)],
        "two versions in one view: {leases:?}"
    );
    assert!(loaded.view().is_loaded(&key) && loaded.view().is_loaded(&Key::Lease(id(1))));
    let events = transact(&two, &Command::Ask(ask(3, "eve", &["build"])))
        .decision
        .events;
    // It is not for committing; whatever a store says to that, nothing happens.
    let outcome = one.commit(loaded, &events, &[]);
    assert!(
        !matches!(outcome, Ok(Committed::Done)),
        "a view to read was committed on"
    );
}

pub(super) fn time_never_goes_back<S: Subject>(subject: &S) {
    let mut last = whole_of(&subject.open()).now();
    let start = last;
    for round in 0..50 {
        let store = subject.open();
        let access = if round % 2 == 0 {
            Access::Decide
        } else {
            Access::Read
        };
        let now = store
            .load(&[Key::Lease(id(round))], access)
            .unwrap()
            .view()
            .now();
        assert!(now >= last, "{now:?} after {last:?}");
        last = now;
        pass(subject, 1);
    }
    assert!(last > start, "time stands still");
}
