//! Proof of life, calls and sleep.

use super::Subject;
use super::support::{ask, beside, call, give_back, id, pass, take, whole_of};
use crate::{Access, Loaded, Part, Presence, Store, Watched, Woken};
use leasehold_core::command::Ask;
use leasehold_core::lease::Kind;
use leasehold_core::view::{Key, Life, Pulse};
use leasehold_core::{LeaseId, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a sleeper that should wake is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time to fall asleep. Without it a case checks less, and holds.
const NOD: Duration = Duration::from_millis(30);

fn life<S: Store>(store: &S, id: LeaseId) -> Life {
    let loaded = store.load(&[Key::Life(id)], Access::Read).unwrap();
    loaded.view().life(id).expect("a life that was loaded")
}

fn scoped(number: u64, name: &str, texts: &[&str]) -> Ask {
    Ask {
        kind: Kind::Scoped,
        ..ask(number, name, texts)
    }
}

/// Sleeps in a thread of its own, does something meanwhile, and returns why the sleeper woke.
fn sleep_while(
    presence: &mut dyn Presence,
    watch: Option<Watched>,
    until: Option<Timestamp>,
    act: impl FnOnce(),
) -> Woken {
    let (mut interrupt, interrupted) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        scope.spawn(move || {
            let woken = presence.sleep(watch, until, Some(interrupted.as_fd()));
            let _listening = tell.send(woken.unwrap());
        });
        thread::sleep(NOD);
        act();
        told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            // So that the thread ends.
            interrupt.write_all(&[0]).unwrap();
            panic!("the sleeper did not wake");
        })
    })
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(
        &mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)],
        Some(&now),
    )
    .unwrap()
        > 0
}

/// Sleeps without anything to come.
fn only_time_passes<S: Subject>(subject: &S, presence: &mut dyn Presence) {
    let now = whole_of(&subject.open()).now();
    let woken = sleep_while(presence, None, Some(now.plus_millis(100)), || {
        subject.advance(100);
    });
    assert_eq!(woken, Woken::Time);
}

pub(super) fn an_attended_holder_lives<S: Subject>(subject: &S) {
    let store = subject.open();
    let presence = store.attend(id(1)).unwrap();
    take(&store, scoped(1, "ada", &["build"]));
    assert_eq!(life(&subject.open(), id(1)).holder, Pulse::Alive);
    give_back(&store, 1);
    presence.end();
    let again = store.attend(id(2)).unwrap();
    take(&store, scoped(2, "bob", &["build"]));
    assert_eq!(life(&subject.open(), id(2)).holder, Pulse::Alive);
    give_back(&store, 2);
    again.end();
}

pub(super) fn a_dropped_presence_is_dead<S: Subject>(subject: &S) {
    if !subject.sees_deaths() {
        return;
    }
    let store = subject.open();
    let (dies, stays) = (store.attend(id(1)).unwrap(), store.attend(id(2)).unwrap());
    take(&store, scoped(1, "ada", &["build"]));
    take(&store, scoped(2, "bob", &["issue:1"]));
    drop(dies);
    let other = subject.open();
    let dead = Life {
        holder: Pulse::Dead,
        command: Pulse::Dead,
    };
    assert_eq!(life(&other, id(1)), dead);
    assert_eq!(life(&other, id(2)).holder, Pulse::Alive);
    // The next one gets what the dead had.
    let presence = other.attend(id(3)).unwrap();
    take(&other, scoped(3, "eve", &["build"]));
    presence.end();
    stays.end();
}

pub(super) fn calls_are_kept_from_listening_on<S: Subject>(subject: &S) {
    let (store, other) = (subject.open(), subject.open());
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    call(&other, &[id(1)]);
    call(&other, &[id(2), id(1)]);
    assert_eq!(
        sleep_while(&mut *presence, None, None, || {}),
        Woken::Called
    );
    presence.clear_calls();
    only_time_passes(subject, &mut *presence);
    // Not as the first of those who are called.
    call(&other, &[id(2), id(1)]);
    assert_eq!(
        sleep_while(&mut *presence, None, None, || {}),
        Woken::Called
    );
    presence.end();
}

pub(super) fn a_commit_calls_a_sleeper<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    for _ in 0..3 {
        let other = subject.open();
        let woken = sleep_while(&mut *presence, None, None, || call(&other, &[id(1)]));
        assert_eq!(woken, Woken::Called);
        presence.clear_calls();
    }
    presence.end();
}

pub(super) fn calls_are_only_for_whom_they_name<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    call(&store, &[id(2)]);
    call(&store, &[]);
    only_time_passes(subject, &mut *presence);
    presence.end();
}

pub(super) fn a_call_to_nobody_is_no_error<S: Subject>(subject: &S) {
    let store = subject.open();
    let attends = store.attend(id(2)).unwrap();
    let gone = store.attend(id(3)).unwrap();
    gone.end();
    drop(store.attend(id(4)).unwrap());
    // Nobody; one who does not listen; one who ended; one who died.
    call(&store, &[id(1), id(2), id(3), id(4)]);
    let whole = beside(&store);
    super::support::check_keys(&store, &whole, &[Key::All]);
    attends.end();
}

pub(super) fn an_interrupt_ends_sleep<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    let (mut write, read) = UnixStream::pair().unwrap();
    write.write_all(&[0]).unwrap();
    assert_eq!(
        presence.sleep(None, None, Some(read.as_fd())).unwrap(),
        Woken::Interrupt
    );
    assert!(
        is_readable(read.as_fd()),
        "the interrupt is somebody else's to read"
    );
    presence.end();
}

pub(super) fn time_ends_sleep<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    let start = whole_of(&store).now();
    let until = start.plus_millis(200);
    let woken = sleep_while(&mut *presence, None, Some(until), || {
        subject.advance(150);
        thread::sleep(NOD);
        subject.advance(50);
    });
    assert_eq!(woken, Woken::Time);
    assert!(whole_of(&store).now() >= until, "it woke too early");
    // A time that is over already.
    assert_eq!(
        sleep_while(&mut *presence, None, Some(start), || {}),
        Woken::Time
    );
    presence.end();
}

pub(super) fn the_end_of_the_watched_ends_sleep<S: Subject>(subject: &S) {
    let (store, other) = (subject.open(), subject.open());
    let watched = other.attend(id(1)).unwrap();
    take(&other, scoped(1, "ada", &["build"]));
    let mut presence = store.attend(id(2)).unwrap();
    presence.listen().unwrap();
    let watch = Some(Watched {
        id: id(1),
        part: Part::Holder,
    });
    let woken = sleep_while(&mut *presence, watch, None, || {
        give_back(&other, 1);
        watched.end();
    });
    assert_eq!(woken, Woken::Watch);
    // What is gone already has ended.
    assert_eq!(
        sleep_while(&mut *presence, watch, None, || {}),
        Woken::Watch
    );
    presence.end();
}

pub(super) fn the_death_of_the_watched_ends_sleep<S: Subject>(subject: &S) {
    if !subject.sees_deaths() {
        return;
    }
    let (store, other) = (subject.open(), subject.open());
    let dies = other.attend(id(1)).unwrap();
    take(&other, scoped(1, "ada", &["build"]));
    let mut presence = store.attend(id(2)).unwrap();
    presence.listen().unwrap();
    let watch = Some(Watched {
        id: id(1),
        part: Part::Holder,
    });
    let now = whole_of(&store).now();
    let woken = sleep_while(&mut *presence, watch, Some(now.plus_millis(100)), || {
        pass(subject, 100);
    });
    assert_eq!(woken, Woken::Time, "the watched lives");
    assert_eq!(
        sleep_while(&mut *presence, watch, None, || drop(dies)),
        Woken::Watch
    );
    assert_eq!(
        sleep_while(&mut *presence, watch, None, || {}),
        Woken::Watch
    );
    presence.end();
}

pub(super) fn the_call_descriptor_becomes_readable<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    if presence.call_fd().is_none() {
        return;
    }
    assert!(
        !presence.call_fd().is_some_and(is_readable),
        "nobody has called"
    );
    call(&subject.open(), &[id(1)]);
    assert!(
        presence.call_fd().is_some_and(is_readable),
        "somebody has called"
    );
    presence.clear_calls();
    assert!(
        !presence.call_fd().is_some_and(is_readable),
        "the calls are forgotten"
    );
    presence.end();
}
