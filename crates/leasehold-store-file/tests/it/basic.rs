//! Acquire, release, wait, wake.

use crate::harness::*;
use leasehold_core::command::Command;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_store::{Access, Loaded, Part, Store, Watched, Woken};
use std::fs;
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

/// What could not be removed is found by the record of its id, so that goes last.
#[test]
fn no_fifo_is_left_without_its_record() {
    let place = Place::new();
    let store = place.open();
    let path = |name: &str| place.path(&format!("leases/{}{name}", id(1)));
    let mut presence = store.attend(id(1)).unwrap();
    presence.listen().unwrap();
    fs::remove_file(path(".wake")).unwrap();
    fs::create_dir(path(".wake")).unwrap();
    presence.end();
    assert!(path("").exists());
    fs::remove_dir(path(".wake")).unwrap();
    store.sweep().unwrap();
    assert!(!path("").exists());
}

/// Nobody knows of a FIFO whose maker could not open it.
#[test]
fn a_fifo_that_cannot_be_opened_is_removed() {
    let place = Place::new();
    let store = place.open();
    let wake = place.path(&format!("leases/{}.wake", id(1)));
    let mut presence = store.attend(id(1)).unwrap();
    std::os::unix::fs::symlink("nowhere", &wake).unwrap();
    assert!(presence.listen().is_err());
    assert!(fs::symlink_metadata(&wake).is_err());
    presence.end();
}

/// Nor of one whose lock somebody else keeps.
#[test]
fn a_fifo_that_cannot_be_locked_is_removed() {
    let place = Place::new();
    let store = place.open();
    let command = place.path(&format!("leases/{}.command", id(1)));
    let mut presence = store.attend(id(1)).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &command, rustix::fs::Mode::RWXU).unwrap();
    let theirs = fs::File::options()
        .read(true)
        .write(true)
        .open(&command)
        .unwrap();
    theirs.lock().unwrap();
    assert!(presence.command_proof().is_err());
    assert!(!command.exists());
    presence.end();
}

#[test]
fn a_fifo_that_outlived_its_record_is_swept() {
    let place = Place::new();
    let store = place.open();
    store.attend(id(2)).unwrap().end();
    let fifo = place.path(&format!("leases/{}.wake", id(1)));
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    store.sweep().unwrap();
    assert_eq!(fs::read_dir(place.path("leases")).unwrap().count(), 0);
}
