//! Records that can be neither read nor written: a directory, or a link that leads nowhere, where a
//! file should be. (Rights would do, but not for the superuser, whom tests may run as.)

use crate::harness::*;
use leasehold_core::command::Command;
use leasehold_core::verdict::Verdict;
use leasehold_store::StoreError;
use leasehold_store_file::{FileStore, Options};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Puts a directory where a file is.
fn block(path: &Path) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.join("in the way")).unwrap();
}

fn clear(path: &Path) {
    fs::remove_dir_all(path).unwrap();
}

#[track_caller]
fn check_refused(store: &FileStore, number: u128, resource: &str) {
    let verdict = acquire(store, ask(number, &[resource]));
    assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
}

/// A grant whose record cannot be made, although nothing spoke against it before the append.
#[test]
fn a_grant_that_cannot_be_recorded_fails_whole() {
    let place = Place::new();
    let store = place.open();
    hold(&store, standing(1, "ada", &["name:a"]));
    symlink("/nonexistent/directory/file", place.path("records/name/b")).unwrap();
    let log = fs::read(place.log()).unwrap();
    let asked = Command::Ask(ask(2, &["name:a2", "name:b", "name:c"]));
    let error = try_run(&store, &asked).unwrap_err();
    assert!(error.to_string().contains("records/name/b"), "{error}");
    assert_eq!(fs::read(place.log()).unwrap(), log);
    let store = place.open();
    check_refused(&store, 3, "name:a");
    hold(&store, standing(4, "ben", &["name:a2", "name:c"]));
    release(&store, 4);
    release(&store, 1);
    fs::remove_file(place.path("records/name/b")).unwrap();
    check_whole(&store);
}

/// The record of a lease became unusable while it was held.
#[test]
fn a_lease_whose_record_is_unusable_is_held_and_can_be_released() {
    let place = Place::new();
    let store = place.open();
    hold(&store, standing(1, "ada", &["name:a"]));
    hold(&store, standing(2, "ada", &["path:src"]));
    let blocked = ["records/name/a", "records/path/rel/src/@"].map(|path| place.path(path));
    blocked.iter().for_each(|path| block(path));
    check_refused(&store, 3, "name:a");
    check_refused(&store, 3, "path:src/x");
    hold(&store, standing(4, "ben", &["name:b"]));
    release(&store, 1);
    // The header is behind the log from here on.
    let store = place.open();
    hold(&store, standing(5, "ben", &["name:a", "path:doc"]));
    check_refused(&store, 6, "name:a");
    check_refused(&store, 6, "path:**/x");
    check_refused(&store, 6, "name:b");
    release(&store, 4);
    let held = everything(&store);
    blocked.iter().for_each(|path| clear(path));
    let store = place.open();
    assert_eq!(everything(&store), held);
    // What other hands removed is not missed by itself; the log has it.
    store.rebuild().unwrap();
    check_whole(&store);
    check_refused(&store, 6, "path:src");
    release(&store, 2);
    release(&store, 5);
    check_whole(&store);
}

/// Somebody was killed between the append and the record, and now the record cannot be used.
#[test]
fn a_commit_that_cannot_be_brought_in_stops_nobody() {
    for nowhere in [false, true] {
        let place = Place::new();
        let store = place.open();
        hold(&store, standing(9, "ada", &["name:other"]));
        let before = Saved::of(&place.root());
        hold(&store, standing(1, "ada", &["name:a"]));
        let record = place.path("records/name/a");
        before.put_back_file(&place.path("mutex"));
        before.put_back_file(&record);
        if nowhere {
            symlink("/nonexistent/directory/file", &record).unwrap();
        } else {
            block(&record);
        }
        let store = place.open();
        hold(&store, standing(2, "ben", &["name:b", "path:src"]));
        release(&store, 9);
        check_refused(&store, 3, "name:a");
        let held = everything(&store);
        assert!(held.contains("name:a") || held.contains("\"a\""), "{held}");
        let _ = fs::remove_file(&record);
        let _ = fs::remove_dir_all(&record);
        // Whoever comes next brings in all.
        let store = place.open();
        hold(&store, standing(4, "ben", &["name:c"]));
        check_whole(&store);
        check_refused(&store, 5, "name:b");
        release(&store, 1);
        release(&store, 2);
        check_whole(&store);
    }
}

#[test]
fn a_new_boot_goes_on_without_a_record_and_makes_it_later() {
    let place = Place::new();
    let store = place.open();
    hold(&store, standing(1, "ada", &["name:a"]));
    let token = hold(&store, standing(2, "ben", &["name:b"]));
    let record = place.path("records/name/a");
    block(&record);
    place.clock.reboot("boot2", 2_000_000);
    let store = place.open();
    check_refused(&store, 3, "name:a");
    assert!(hold(&store, standing(4, "ada", &["name:c"])) > token);
    let store = place.open();
    check_refused(&store, 5, "name:c");
    clear(&record);
    let store = place.open();
    release(&store, 4);
    check_whole(&store);
    check_refused(&store, 6, "name:a");
}

#[test]
fn it_is_said_once() {
    static TOLD: AtomicU32 = AtomicU32::new(0);
    let place = Place::new();
    hold(&place.open(), standing(1, "ada", &["name:a"]));
    block(&place.path("records/name/a"));
    let notice = |error: &StoreError| {
        assert!(error.to_string().contains("records/name/a"), "{error}");
        TOLD.fetch_add(1, SeqCst);
    };
    let options = Options {
        clock: Arc::clone(&place.clock) as _,
        notice,
        ..Options::default()
    };
    let store = FileStore::open(&place.root(), options).unwrap();
    hold(&store, standing(2, "ben", &["name:b"]));
    assert_eq!(TOLD.load(SeqCst), 0, "that has nothing to do with it");
    check_refused(&store, 3, "name:a");
    check_refused(&store, 3, "name:a");
    assert_eq!(TOLD.load(SeqCst), 1);
}
