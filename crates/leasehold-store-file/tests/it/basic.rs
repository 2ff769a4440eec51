//! Acquire, release, wait, wake.

use crate::harness::*;
use leasehold_core::command::Command;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_store::{Access, Loaded, Part, Store, Watched, Woken};
use std::thread;
use std::time::Duration;

#[test]
fn a_lease_comes_and_goes() {
    let place = Place::new();
    let store = place.open();
    assert!(store.was_created());
    let presence = store.attend(id(1)).unwrap();
    let first = hold(&store, ask(1, &["build", "path:src/auth"]));
    let second = place.open();
    assert!(!second.was_created());
    assert_eq!(second.workspace(), store.workspace());
    assert!(matches!(
        acquire(&second, ask(2, &["build"])),
        Verdict::Refused(_)
    ));
    assert!(matches!(
        acquire(&second, ask(2, &["path:src"])),
        Verdict::Refused(_)
    ));
    assert!(matches!(
        acquire(&second, ask(2, &["path:src/auth/x/y"])),
        Verdict::Refused(_)
    ));
    assert!(matches!(
        acquire(&second, ask(2, &["path:**/auth"])),
        Verdict::Refused(_)
    ));
    check_whole(&store);
    release(&store, 1);
    presence.end();
    assert!(!place.path(&format!("leases/{}", id(1))).exists());
    let presence = second.attend(id(3)).unwrap();
    assert!(hold(&second, ask(3, &["path:src/**/*.rs", "build"])) > first);
    assert!(matches!(
        acquire(&store, ask(4, &["path:src/main.rs"])),
        Verdict::Refused(_)
    ));
    check_whole(&store);
    release(&second, 3);
    presence.end();
    check_whole(&store);
    assert!(!place.path("records/path/rel/src/auth").exists());
}

#[test]
fn a_waiter_is_called_by_the_release() {
    let place = Place::new();
    let (holder, waiter) = (place.open(), place.open());
    let presence = holder.attend(id(1)).unwrap();
    let first = hold(&holder, ask(1, &["build"]));
    let mut waits = waiter.attend(id(2)).unwrap();
    waits.listen().unwrap();
    assert!(matches!(
        acquire(&waiter, waiting(2, &["build"])),
        Verdict::Queued(_)
    ));
    check_whole(&holder);
    thread::scope(|scope| {
        let woken = scope.spawn(move || {
            let woken = waits.sleep(&[], None, None).unwrap();
            (woken, waits)
        });
        thread::sleep(Duration::from_millis(20));
        release(&holder, 1);
        presence.end();
        let (woken, waits) = woken.join().unwrap();
        assert_eq!(woken, Woken::Called);
        assert!(token(&run(&waiter, &Command::Bind(id(2)))) > first);
        check_whole(&holder);
        release(&waiter, 2);
        waits.end();
    });
    check_whole(&holder);
    assert_eq!(std::fs::read_dir(place.path("leases")).unwrap().count(), 0);
}

#[test]
fn a_death_wakes_who_watches_and_frees() {
    let place = Place::new();
    let (holder, waiter) = (place.open(), place.open());
    let presence = holder.attend(id(1)).unwrap();
    hold(&holder, ask(1, &["build"]));
    let mut waits = waiter.attend(id(2)).unwrap();
    waits.listen().unwrap();
    assert!(matches!(
        acquire(&waiter, waiting(2, &["build"])),
        Verdict::Queued(_)
    ));
    thread::scope(|scope| {
        let watched = Watched {
            id: id(1),
            part: Part::Holder,
        };
        let woken = scope.spawn(move || (waits.sleep(&[watched], None, None).unwrap(), waits));
        thread::sleep(Duration::from_millis(20));
        drop(presence);
        let (woken, waits) = woken.join().unwrap();
        assert_eq!(woken, Woken::Watch);
        assert_eq!(
            run(
                &waiter,
                &Command::Timer(vec![Key::Overlap(claim("build").resource)]),
            ),
            Verdict::Done
        );
        assert!(matches!(
            run(&waiter, &Command::Bind(id(2))),
            Verdict::Granted(_)
        ));
        assert!(!place.path(&format!("leases/{}", id(1))).exists());
        check_whole(&holder);
        release(&waiter, 2);
        waits.end();
    });
    check_whole(&holder);
}

#[test]
fn a_command_outlives_its_guard_and_a_daemon_does_not_keep_the_lease() {
    let place = Place::new();
    let (store, other) = (place.open(), place.open());
    let mut presence = store.attend(id(1)).unwrap();
    hold(&store, ask(1, &["build"]));
    let inherited = presence.command_proof().unwrap().unwrap();
    drop(presence);
    assert!(matches!(
        acquire(&other, ask(2, &["build"])),
        Verdict::Refused(_)
    ));
    let all = other.load(&[Key::All], Access::Read).unwrap();
    assert!(all.view().leases().all(|lease| lease.orphaned.is_some()));
    drop(inherited);
    let mut presence = other.attend(id(3)).unwrap();
    assert!(matches!(
        acquire(&other, ask(3, &["build"])),
        Verdict::Granted(_)
    ));
    let daemon = presence.command_proof().unwrap().unwrap();
    release(&other, 3);
    presence.end();
    assert!(matches!(
        acquire(&store, ask(4, &["build"])),
        Verdict::Granted(_)
    ));
    drop(daemon);
    check_whole(&store);
}
