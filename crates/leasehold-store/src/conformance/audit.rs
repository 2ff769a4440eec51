//! The audit is the state.

use super::Subject;
use super::support::{ask, beside, check_keys, give_back, id, transact};
use crate::{Entry, Span, Store, format};
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::event::Event;
use leasehold_core::view::Key;
use leasehold_core::{Timestamp, View};

fn commits<S: Store>(store: &S) -> Vec<(Timestamp, Vec<Event>)> {
    let mut commits = Vec::new();
    let keep = &mut |commit: crate::Commit<'_>| {
        commits.push((commit.at, commit.events.to_vec()));
        true
    };
    store.audit(keep).unwrap();
    commits
}

/// Does a few things, and returns what was committed.
fn act<S: Subject>(subject: &S) -> Vec<Vec<Event>> {
    let waiting = |ask| Ask {
        wait: Wait::Forever,
        ..ask
    };
    let commands = [
        Command::Ask(ask(1, "ada", &["build", "path:src/a"])),
        Command::Ask(ask(2, "bob", &["path:src"])),
        Command::Ask(waiting(ask(3, "bob", &["path:src"]))),
        Command::Renew {
            lease: id(1),
            ttl: None,
        },
        super::support::release(1),
        Command::Bind(id(3)),
        Command::Ask(waiting(ask(4, "eve", &["path:src/b", "issue:ä%/:"]))),
        Command::Timeout(id(4)),
        Command::Ask(ask(5, "joe", &["issue:5"])),
    ];
    let presences: Vec<_> = (1..6)
        .map(|number| subject.open().attend(id(number)).unwrap())
        .collect();
    let events = commands
        .iter()
        .map(|c| transact(&subject.open(), c).decision.events);
    let events = events.filter(|events| !events.is_empty()).collect();
    presences.into_iter().for_each(crate::Presence::end);
    events
}

pub(super) fn the_audit_has_all_commits_in_order<S: Subject>(subject: &S) {
    assert_eq!(commits(&subject.open()).len(), 0);
    let start = super::support::whole_of(&subject.open()).now();
    let events = act(subject);
    let end = super::support::whole_of(&subject.open()).now();
    let audit = commits(&subject.open());
    // A store may put several of the commits into one of its own, in order.
    let flat = |all: Vec<Vec<Event>>| all.into_iter().flatten().collect::<Vec<Event>>();
    let times: Vec<Timestamp> = audit.iter().map(|(at, _)| *at).collect();
    assert_eq!(
        flat(audit.into_iter().map(|(_, events)| events).collect()),
        flat(events)
    );
    assert!(times.is_sorted(), "times go back: {times:?}");
    assert!(
        times.iter().all(|at| start <= *at && *at <= end),
        "{start:?} {times:?} {end:?}"
    );
}

pub(super) fn replaying_the_audit_gives_the_state<S: Subject>(subject: &S) {
    let mut whole: View = beside(&subject.open());
    act(subject);
    for (_, events) in commits(&subject.open()) {
        whole.apply_all(&events);
    }
    check_keys(&subject.open(), &whole, &[Key::All]);
    assert!(
        whole.leases().count() > 1 && whole.tickets().count() > 0,
        "the case says too little"
    );
    let counters = super::support::counters_of(&subject.open());
    assert!(counters.number >= whole.counters().number && counters.token >= whole.counters().token);
    give_back(&subject.open(), 5);
}

pub(super) fn the_audit_stops_when_told<S: Subject>(subject: &S) {
    act(subject);
    let mut seen = 0;
    let two = &mut |_: crate::Commit<'_>| {
        seen += 1;
        seen < 2
    };
    subject.open().audit(two).unwrap();
    assert_eq!(seen, 2);
}

/// Returns the commits that a span is told to have.
fn told<S: Store>(store: &S, span: &Span) -> Vec<(Timestamp, Vec<u8>)> {
    let mut commits = Vec::new();
    let keep = &mut |entry: Entry<'_>| {
        match entry {
            Entry::Commit { at, events } => commits.push((at, events.to_vec())),
            Entry::Damaged { place, detail } => panic!("{place}: {detail}"),
            Entry::Pause => panic!("nothing is waited for"),
        }
        true
    };
    store.read_audit(span, keep).unwrap();
    commits
}

pub(super) fn a_span_is_told_as_it_is_stored<S: Subject>(subject: &S) {
    act(subject);
    let store = subject.open();
    let stored = |(at, events): &(Timestamp, Vec<Event>)| (*at, format::events_json(events));
    let all: Vec<_> = commits(&store).iter().map(stored).collect();
    assert_eq!(told(&store, &Span::ALL), all);
    for (since, _) in &all {
        for (until, _) in &all {
            let span = Span {
                since: *since,
                until: *until,
            };
            let within = all.iter().filter(|(at, _)| since <= at && at <= until);
            assert_eq!(told(&store, &span), within.cloned().collect::<Vec<_>>());
        }
    }
    let mut seen = 0;
    let two = &mut |_: Entry<'_>| {
        seen += 1;
        seen < 2
    };
    store.read_audit(&Span::ALL, two).unwrap();
    assert_eq!(seen, 2);
}

pub(super) fn a_follower_is_told_what_comes_until_it_has_enough<S: Subject>(subject: &S) {
    act(subject);
    let before = commits(&subject.open()).len();
    let (mut seen, mut pauses) = (0, 0);
    let each = &mut |entry: Entry<'_>| {
        match entry {
            Entry::Commit { .. } => seen += 1,
            Entry::Damaged { place, detail } => panic!("{place}: {detail}"),
            Entry::Pause => {
                assert!(seen >= before, "it pauses with all told");
                pauses += 1;
                if pauses == 1 {
                    give_back(&subject.open(), 5);
                }
            }
        }
        seen <= before
    };
    subject.open().follow_audit(&Span::ALL, None, each).unwrap();
    assert_eq!(seen, before + 1);
}

pub(super) fn a_collection_changes_nothing_but_the_audit<S: Subject>(subject: &S) {
    act(subject);
    let store = subject.open();
    let counters = super::support::counters_of(&store);
    let held = |store: &S::Store| {
        let view = super::support::whole_of(store);
        let leases: Vec<_> = view.leases().cloned().collect();
        let tickets: Vec<_> = view.tickets().cloned().collect();
        (leases, tickets)
    };
    let (before, all) = (held(&store), commits(&store));
    store.collect(u64::MAX).unwrap();
    assert_eq!(commits(&store), all, "nothing is that old");
    let collected = store.collect(0).unwrap();
    for store in [&store, &subject.open()] {
        assert_eq!(held(store), before);
        assert_eq!(super::support::counters_of(store), counters);
        assert!(all.ends_with(&commits(store)), "the end is kept");
        assert_eq!(commits(store).is_empty(), collected.dropped > 0);
    }
    give_back(&subject.open(), 5);
    assert!(!commits(&subject.open()).is_empty());
}
