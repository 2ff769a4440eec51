//! Several at once, each with a handle of its own.

use super::Subject;
use super::sample::Draw;
use super::support::{answer, ask, give_back, put, resource, transact, whole_of};
use crate::{Access, Committed, Loaded, Store};
use leasehold_core::command::Command;
use leasehold_core::decide::decide;
use leasehold_core::event::Event;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Claim, FencingToken, Intent, Lease};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Acquisitions of each thread.
const ROUNDS: u64 = 25;
const THREADS: u64 = 4;

pub(super) fn several_resources_come_and_go_together<S: Subject>(subject: &S) {
    let resources = ["issue:1", "path:src/a", "path:docs/*.md", "build"].map(resource);
    let keys = resources.clone().map(Key::Overlap);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (store, mut draw) = (subject.open(), Draw::new(3));
            for _ in 0..ROUNDS * 4 {
                let mut counters = whole_of(&store).counters();
                let leases = resources.clone().map(|resource| {
                    counters.number += 1;
                    counters.token = counters.token.next().unwrap();
                    let drawn = draw.lease(counters.number, counters.token);
                    let claims = vec![Claim::new(resource, Intent::Mutates)];
                    Arc::new(Lease {
                        claims,
                        slots: Vec::new(),
                        ..drawn
                    })
                });
                let come = |lease| Event::Granted {
                    lease,
                    from: None,
                    spent: Vec::new(),
                };
                put(&store, &leases.clone().map(come));
                put(&store, &leases.map(|lease| Event::Released { lease }));
            }
        });
        let store = subject.open();
        while !writer.is_finished() {
            let loaded = store.load(&keys, Access::Read).unwrap();
            let found = loaded.view().leases().count();
            assert!(
                found == 0 || found == resources.len(),
                "{found} of {} are there",
                resources.len()
            );
        }
    });
}

pub(super) fn holders_never_overlap<S: Subject>(subject: &S) {
    let (inside, overlaps) = (AtomicBool::new(false), AtomicU64::new(0));
    let tokens = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (inside, overlaps, tokens) = (&inside, &overlaps, &tokens);
            scope.spawn(move || hold(subject, thread, inside, overlaps, tokens));
        }
    });
    // Told at the end: a holder that panicked would keep the others waiting.
    assert_eq!(overlaps.into_inner(), 0, "two holders at once");
    let tokens: Vec<FencingToken> = tokens.into_inner().unwrap();
    assert_eq!(tokens.len() as u64, THREADS * ROUNDS);
    assert!(
        tokens.is_sorted_by(|a, b| a < b),
        "tokens do not rise: {tokens:?}"
    );
    assert_eq!(whole_of(&subject.open()).leases().count(), 0);
}

fn hold<S: Subject>(
    subject: &S,
    thread: u64,
    inside: &AtomicBool,
    overlaps: &AtomicU64,
    tokens: &Mutex<Vec<FencingToken>>,
) {
    let store = subject.open();
    // Two different paths that overlap, and one lease over both.
    let texts: &[&str] = match thread % 3 {
        0 => &["path:src"],
        1 => &["path:src/a", "build"],
        _ => &["path:src/*/x", "path:src/a/x"],
    };
    for round in 0..ROUNDS {
        let number = 1_000 * (thread + 1) + round;
        let token = loop {
            match answer(
                &store,
                &Command::Ask(ask(number, &format!("agent-{thread}"), texts)),
            ) {
                Verdict::Granted(lease) => break lease.token,
                Verdict::Refused(_) => thread::yield_now(),
                other => panic!("neither granted nor refused: {other:?}"),
            }
        };
        if inside.swap(true, Ordering::SeqCst) {
            overlaps.fetch_add(1, Ordering::SeqCst);
        }
        tokens.lock().unwrap().push(token);
        thread::yield_now();
        inside.store(false, Ordering::SeqCst);
        give_back(&store, number);
    }
}

/// One decides on a view; before it commits another one comes. It has to wait, or one of the two
/// meets a conflict; never are both granted.
pub(super) fn one_of_two_deciders_wins<S: Subject>(subject: &S) {
    for round in 0..5 {
        let (first, second) = (2 * round + 1, 2 * round + 2);
        let command = Command::Ask(ask(first, "ada", &["path:src", "build"]));
        let store = subject.open();
        let loaded = store.load(&command.footprint(), Access::Decide).unwrap();
        let decision = decide(loaded.view(), &command, &Policy::default()).unwrap();
        let (mine, theirs) = thread::scope(|scope| {
            let other = scope.spawn(|| {
                let store = subject.open();
                let other = Command::Ask(ask(second, "bob", &["path:src/a"]));
                transact(&store, &other).decision.verdict
            });
            // Time for the other one to come in between. Without it the case checks less, and holds.
            thread::sleep(Duration::from_millis(20));
            let mine = match store
                .commit(loaded, &decision.events, &decision.wakes)
                .unwrap()
            {
                Committed::Done => decision.verdict,
                Committed::Conflict | Committed::Unknown => answer(&store, &command),
            };
            (mine, other.join().unwrap())
        });
        let granted = |verdict: &Verdict| matches!(verdict, Verdict::Granted(_));
        assert!(
            granted(&mine) != granted(&theirs),
            "{mine:?} and {theirs:?}"
        );
        assert_eq!(whole_of(&store).leases().count(), 1);
        give_back(&store, if granted(&mine) { first } else { second });
    }
}
