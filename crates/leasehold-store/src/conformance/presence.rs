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

/// A presence that listens, and sleeps in threads of its own.
struct Sleeper(Option<Box<dyn Presence>>);

impl Sleeper {
    fn new<S: Store>(store: &S, id: LeaseId) -> Self {
        let mut presence = store.attend(id).unwrap();
        presence.listen().unwrap();
        Self(Some(presence))
    }

    /// Sleeps, does something meanwhile, and returns why it woke. One who does not wake is left
    /// asleep.
    fn sleep_while(
        &mut self,
        watch: &[Watched],
        until: Option<Timestamp>,
        act: impl FnOnce(),
    ) -> Woken {
        self.sleep(watch, until, None, act)
    }

    fn sleep(
        &mut self,
        watch: &[Watched],
        until: Option<Timestamp>,
        interrupt: Option<UnixStream>,
        act: impl FnOnce(),
    ) -> Woken {
        let mut presence = self.0.take().unwrap();
        let watch = watch.to_vec();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let interrupt = interrupt.as_ref().map(AsFd::as_fd);
            let woken = presence.sleep(&watch, until, interrupt);
            // Where nobody is told any more the case has failed already.
            let _told = tell.send((woken, presence));
        });
        thread::sleep(NOD);
        act();
        let woken = told.recv_timeout(PATIENCE);
        let (woken, presence) = woken.unwrap_or_else(|_| panic!("the sleeper did not wake"));
        self.0 = Some(presence);
        woken.unwrap()
    }

    /// Sleeps without anything to come.
    fn sleep_through<S: Subject>(&mut self, subject: &S) {
        let now = whole_of(&subject.open()).now();
        let woken = self.sleep_while(&[], Some(now.plus_millis(100)), || {
            subject.advance(100);
        });
        assert_eq!(woken, Woken::Time);
    }

    fn clear_calls(&mut self) {
        self.0.as_mut().unwrap().clear_calls();
    }

    fn end(self) {
        self.0.unwrap().end();
    }
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
    let mut presence = Sleeper::new(&store, id(1));
    call(&other, &[id(1)]);
    call(&other, &[id(2), id(1)]);
    assert_eq!(presence.sleep_while(&[], None, || {}), Woken::Called);
    presence.clear_calls();
    presence.sleep_through(subject);
    // Not as the first of those who are called.
    call(&other, &[id(2), id(1)]);
    assert_eq!(presence.sleep_while(&[], None, || {}), Woken::Called);
    presence.end();
}

pub(super) fn a_commit_calls_a_sleeper<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = Sleeper::new(&store, id(1));
    for _ in 0..3 {
        let other = subject.open();
        let woken = presence.sleep_while(&[], None, || call(&other, &[id(1)]));
        assert_eq!(woken, Woken::Called);
        presence.clear_calls();
    }
    presence.end();
}

pub(super) fn calls_are_only_for_whom_they_name<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = Sleeper::new(&store, id(1));
    call(&store, &[id(2)]);
    call(&store, &[]);
    presence.sleep_through(subject);
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
    let mut presence = Sleeper::new(&store, id(1));
    let (mut write, read) = UnixStream::pair().unwrap();
    write.write_all(&[0]).unwrap();
    let interrupt = Some(read.try_clone().unwrap());
    let woken = presence.sleep(&[], None, interrupt, || {});
    assert_eq!(woken, Woken::Interrupt);
    assert!(
        is_readable(read.as_fd()),
        "the interrupt is somebody else's to read"
    );
    presence.end();
}

pub(super) fn time_ends_sleep<S: Subject>(subject: &S) {
    let store = subject.open();
    let mut presence = Sleeper::new(&store, id(1));
    let start = whole_of(&store).now();
    let until = start.plus_millis(200);
    let woken = presence.sleep_while(&[], Some(until), || {
        subject.advance(150);
        thread::sleep(NOD);
        subject.advance(50);
    });
    assert_eq!(woken, Woken::Time);
    assert!(whole_of(&store).now() >= until, "it woke too early");
    // A time that is over already.
    assert_eq!(presence.sleep_while(&[], Some(start), || {}), Woken::Time);
    presence.end();
}

pub(super) fn the_end_of_the_watched_ends_sleep<S: Subject>(subject: &S) {
    let (store, other) = (subject.open(), subject.open());
    let watched = other.attend(id(1)).unwrap();
    take(&other, scoped(1, "ada", &["build"]));
    let mut presence = Sleeper::new(&store, id(2));
    let watch = [holder(1)];
    let woken = presence.sleep_while(&watch, None, || {
        give_back(&other, 1);
        watched.end();
    });
    assert_eq!(woken, Woken::Watch);
    // What is gone already has ended.
    assert_eq!(presence.sleep_while(&watch, None, || {}), Woken::Watch);
    presence.end();
}

fn holder(number: u64) -> Watched {
    Watched {
        id: id(number),
        part: Part::Holder,
    }
}

pub(super) fn the_death_of_the_watched_ends_sleep<S: Subject>(subject: &S) {
    if !subject.sees_deaths() {
        return;
    }
    let (store, other) = (subject.open(), subject.open());
    let (dies, lives) = (other.attend(id(1)).unwrap(), other.attend(id(3)).unwrap());
    take(&other, scoped(1, "ada", &["build"]));
    take(&other, scoped(3, "ada", &["test"]));
    let mut presence = Sleeper::new(&store, id(2));
    let watch = [holder(1), holder(3)];
    let now = whole_of(&store).now();
    let woken = presence.sleep_while(&watch, Some(now.plus_millis(100)), || {
        pass(subject, 100);
    });
    assert_eq!(woken, Woken::Time, "the watched live");
    assert_eq!(
        presence.sleep_while(&watch, None, || drop(dies)),
        Woken::Watch
    );
    assert_eq!(presence.sleep_while(&watch, None, || {}), Woken::Watch);
    presence.end();
    lives.end();
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
