//! Boots, power loss and time.

use crate::harness::*;
use leasehold_core::Ttl;
use leasehold_core::command::{Ask, Command};
use leasehold_core::decide::decide;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_store::{Access, Committed, Loaded, Store, StoreError};
use std::fs;

#[test]
fn a_new_boot_raises_the_epoch_and_keeps_what_stands() {
    let place = Place::new();
    let store = place.open();
    let first = hold(&store, standing(1, "ada", &["issue:1"]));
    assert_eq!(first >> 32, 1);
    let presence = store.attend(id(2)).unwrap();
    hold(&store, ask(2, &["build"]));
    drop((presence, store));
    place.clock.reboot("boot2", 2_000_000);
    let store = place.open();
    assert!(matches!(
        acquire(&store, standing(3, "bob", &["issue:1"])),
        Verdict::Refused(_)
    ));
    let second = hold(&store, ask(4, &["build"]));
    assert_eq!(second >> 32, 2);
    let now = store
        .load(&[], Access::Read)
        .unwrap()
        .view()
        .now()
        .as_millis();
    assert_eq!(now, 2_000_000);
    check_whole(&store);
    let again = hold(&place.open(), ask(5, &["lint"]));
    assert_eq!(again >> 32, 2, "one epoch a boot");
}

#[test]
fn time_goes_by_the_boot_clock_and_never_back() {
    let place = Place::new();
    let store = place.open();
    let ttl = Some(Ttl::from_millis(1_000).unwrap());
    hold(
        &store,
        Ask {
            ttl,
            ..standing(1, "ada", &["issue:1"])
        },
    );
    place
        .clock
        .wall_ms
        .store(99_000_000, std::sync::atomic::Ordering::SeqCst);
    assert!(
        matches!(acquire(&store, ask(2, &["issue:1"])), Verdict::Refused(_)),
        "no jump"
    );
    place.clock.pass(999);
    assert!(matches!(
        acquire(&store, ask(2, &["issue:1"])),
        Verdict::Refused(_)
    ));
    place.clock.pass(1);
    hold(&store, ask(2, &["issue:1"]));
    let before = store.load(&[], Access::Read).unwrap().view().now();
    // The wall clock was set back while the machine was off.
    place.clock.reboot("boot2", 5);
    let after = place.open().load(&[], Access::Decide).unwrap().view().now();
    assert!(after >= before);
}

#[test]
fn power_loss_takes_the_end_of_the_log_and_no_token_twice() {
    let place = Place::new();
    let store = place.open();
    hold(&store, standing(1, "ada", &["issue:1"]));
    drop(store);
    place.clock.reboot("boot2", 2_000_000);
    // From here on issue:1 is on disk for good.
    let store = place.open();
    let kept = everything(&store);
    let synced = fs::read(place.log()).unwrap().len();
    hold(&store, standing(2, "ada", &["issue:2"]));
    let last = hold(&store, standing(3, "ada", &["issue:3"]));
    drop(store);
    let saved = Saved::of(&place.root());
    let log = saved.get(&place.log()).unwrap().clone();

    // The header and the records came to disk, the end of the log did not, or came as zeros.
    for (lost, is_aside) in [
        (log[..synced].to_vec(), false),
        (zeroed(&log, synced), true),
    ] {
        saved.put_back(&place.root());
        fs::write(place.log(), lost).unwrap();
        place.clock.reboot("boot3", 3_000_000);
        let store = place.open();
        assert_eq!(everything(&store), kept);
        check_whole(&store);
        assert!(hold(&store, ask(4, &["issue:3"])) > last);
        assert_eq!(
            place
                .path(&format!("audit/000001.cut-at-{synced}"))
                .exists(),
            is_aside
        );
    }

    // What was there for good is missing: that is no power loss.
    saved.put_back(&place.root());
    fs::write(place.log(), &log[..synced - 5]).unwrap();
    place.clock.reboot("boot4", 4_000_000);
    let loaded = place.open().load(&[Key::All], Access::Decide).map(drop);
    assert!(
        matches!(loaded, Err(StoreError::Damaged { .. })),
        "{loaded:?}"
    );
}

fn zeroed(log: &[u8], from: usize) -> Vec<u8> {
    let mut log = log.to_vec();
    log[from..].fill(0);
    // A later page came to disk.
    log.extend_from_slice(b"{\"v\":1}\n");
    log
}

#[test]
fn the_epochs_end_in_an_error() {
    let place = Place::new();
    drop(place.open());
    let epoch = place.path("epoch");
    let text = format!("leasehold 1 epoch={} boot=boot1 synced=0", (1 << 21) - 1);
    let crc = crc32fast::hash(text.as_bytes());
    fs::write(epoch, format!("{text} crc={crc:08x}\n")).unwrap();
    place.clock.reboot("boot2", 1);
    let loaded = place.open().load(&[], Access::Decide).map(drop);
    assert!(matches!(loaded, Err(StoreError::Limit { .. })));
}

/// A process that was stopped inside the mutex, between its decision and its commit.
#[test]
fn what_was_decided_long_ago_is_decided_again() {
    let place = Place::new();
    let store = place.open();
    let ttl = Some(Ttl::from_millis(2_000).unwrap());
    let asked = Command::Ask(Ask {
        ttl,
        ..standing(1, "ada", &["build"])
    });
    let commit_after = |millis| {
        let loaded = store.load(&asked.footprint(), Access::Decide).unwrap();
        let decision = decide(loaded.view(), &asked, &Policy::default()).unwrap();
        place.clock.pass(millis);
        store.commit(loaded, &decision.events, &[]).unwrap()
    };
    let log = fs::read(place.log()).unwrap();
    assert_eq!(commit_after(3_000), Committed::Conflict);
    assert_eq!(fs::read(place.log()).unwrap(), log);
    check_whole(&store);
    assert_eq!(commit_after(0), Committed::Done);
    let loaded = store.load(&[Key::Lease(id(1))], Access::Read).unwrap();
    let lease = loaded.view().lease(id(1)).unwrap();
    let left = lease.expires.unwrap().millis_since(loaded.view().now());
    assert_eq!(left, 2_000);
}
