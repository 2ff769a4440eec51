//! Mending: what is damaged once is made good from where it stands again, what is damaged twice stays.

use crate::harness::*;
use leasehold_core::command::Command;
use leasehold_core::verdict::Verdict;
use leasehold_store::{Store, StoreError};
use std::fs;
use std::path::PathBuf;

/// A workspace with something of everything, in its second segment.
fn furnish(place: &Place) -> u64 {
    let store = place.open().with_segment_bytes(1);
    hold(
        &store,
        standing(1, "ada", &["build", "path:src/auth", "path:docs/*.md"]),
    );
    queue(&store, waiting(2, &["build", "issue:7"]));
    queue(&store, waiting(3, &["path:src"]));
    assert_eq!(run(&store, &Command::Timeout(id(3))), Verdict::Done);
    hold(&store, ask(90, &["gpu"]));
    release(&store, 90);
    assert!(place.path("audit/000002.jsonl").exists());
    let last = hold(&place.open(), standing(91, "eve", &["deploy"]));
    assert_eq!(place.open().verify_history().unwrap(), Vec::<String>::new());
    last
}

fn records(place: &Place) -> Vec<PathBuf> {
    let saved = Saved::of(&place.root());
    let directories = ["records", "leases", "agents"].map(|name| place.path(name));
    let is_record = |path: &&PathBuf| directories.iter().any(|d| path.starts_with(d));
    saved
        .files()
        .map(|(path, _)| path)
        .filter(is_record)
        .cloned()
        .collect()
}

#[test]
fn what_is_well_is_left_alone() {
    let place = Place::new();
    furnish(&place);
    let log = fs::read(place.path("audit/000002.jsonl")).unwrap();
    let repaired = place.open().repair().unwrap();
    assert_eq!(
        (repaired.records.len(), repaired.log, repaired.leftovers),
        (0, None, 0)
    );
    assert_eq!(fs::read(place.path("audit/000002.jsonl")).unwrap(), log);
}

#[test]
fn records_are_made_again_from_the_log() {
    let place = Place::new();
    let last = furnish(&place);
    let (state, saved) = (everything(&place.open()), Saved::of(&place.root()));
    for path in records(&place) {
        for damage in [None, Some(&b""[..]), Some(&b"junk\n"[..])] {
            match damage {
                None => fs::remove_file(&path).unwrap(),
                Some(bytes) => fs::write(&path, bytes).unwrap(),
            }
            let what = format!("{} {damage:?}", path.display());
            let was_needed = !place.open().verify().unwrap().is_empty();
            let repaired = place.open().repair().unwrap();
            assert_eq!(!repaired.records.is_empty(), was_needed, "{what}");
            assert_eq!(everything(&place.open()), state, "{what}");
            check_whole(&place.open());
            assert!(hold(&place.open(), ask(99, &["gpu"])) > last, "{what}");
            saved.repair(&place.root());
        }
    }
}

/// A holder that ends removes its file without the mutex: one that was listed may be gone when it is read.
#[test]
fn a_lease_that_goes_while_it_is_looked_at_is_no_difference() {
    let place = Place::new();
    furnish(&place);
    let gone = place.path(&format!("leases/{}", id(92)));
    std::os::unix::fs::symlink("nowhere", gone).unwrap();
    assert_eq!(place.open().verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_damaged_log_goes_on_from_whole_records() {
    let place = Place::new();
    let last = furnish(&place);
    let (state, saved) = (everything(&place.open()), Saved::of(&place.root()));
    let path = place.path("audit/000002.jsonl");
    let bytes = saved.get(&path).unwrap().clone();
    for index in (0..bytes.len()).step_by(31) {
        let mut changed = bytes.clone();
        changed[index] ^= 0x01;
        fs::write(&path, &changed).unwrap();
        let repaired = place.open().repair().unwrap();
        assert!(repaired.log.is_some(), "byte {index}");
        assert_eq!(everything(&place.open()), state, "byte {index}");
        check_whole(&place.open());
        assert!(matches!(
            acquire(&place.open(), ask(98, &["build"])),
            Verdict::Refused(_)
        ));
        assert!(hold(&place.open(), ask(99, &["gpu"])) > last);
        assert_eq!(fs::read(&path).unwrap(), changed, "kept for the audit");
        assert_ne!(place.open().verify_history().unwrap(), Vec::<String>::new());
        // A later boot reads the new segment alone.
        place.clock.reboot(&format!("boot{index}"), 2_000_000);
        check_whole(&place.open());
        saved.repair(&place.root());
        place.clock.reboot("boot1", 1_000_000);
    }
}

/// Where a guess could grant what somebody holds, nothing is done.
#[test]
fn what_is_damaged_twice_is_left_as_it_is() {
    let place = Place::new();
    furnish(&place);
    let path = place.path("audit/000002.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes[200] ^= 0x01;
    fs::write(&path, &bytes).unwrap();
    let saved = Saved::of(&place.root());
    let refused = |what: &str| {
        let before = Saved::of(&place.root());
        let repaired = place.try_open().and_then(|store| store.repair());
        assert!(
            matches!(repaired, Err(StoreError::Damaged { .. })),
            "{what}: {repaired:?}"
        );
        let after = Saved::of(&place.root());
        for (path, bytes) in before.files().filter(|(path, _)| !path.ends_with("mutex")) {
            assert_eq!(after.get(path), Some(bytes), "{what}: {}", path.display());
        }
        saved.repair(&place.root());
    };
    for path in records(&place) {
        // One that says nothing is not missed.
        if !fs::read_to_string(&path).unwrap().contains("\"who\"") {
            continue;
        }
        fs::write(&path, b"junk\n").unwrap();
        refused(&format!("{} is torn", path.display()));
        fs::remove_file(&path).unwrap();
        refused(&format!("{} is gone", path.display()));
    }
    fs::write(place.path("mutex"), b"").unwrap();
    refused("the header is lost");
    place.clock.reboot("boot2", 2_000_000);
    refused("a later boot");
}

#[test]
fn damage_of_what_is_kept_for_the_audit_is_told_apart() {
    let place = Place::new();
    furnish(&place);
    let log = fs::read(place.log()).unwrap();
    let mut changed = log.clone();
    changed[log.len() / 2] ^= 0x01;
    fs::write(place.log(), &changed).unwrap();
    let problems = place.open().verify_history().unwrap();
    assert!(
        problems.len() == 1 && problems[0].contains("000001"),
        "{problems:?}"
    );
    check_whole(&place.open());
    // Cut at the end of a line: whole, and yet not all.
    let end = log[..log.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    fs::write(place.log(), &log[..end]).unwrap();
    let problems = place.open().verify_history().unwrap();
    assert!(problems[0].contains("does not lead to"), "{problems:?}");
    assert!(place.open().repair().is_ok());
}

#[test]
fn what_lies_around_is_told_and_removed() {
    let place = Place::new();
    furnish(&place);
    let store = place.open();
    drop(store.attend(id(77)).unwrap());
    fs::write(place.path("audit/000007.new"), "half").unwrap();
    let inspection = store.inspect().unwrap();
    assert_eq!((inspection.dead, inspection.segments), (1, 2));
    assert_eq!(inspection.unfinished, ["audit/000007.new"]);
    assert!(inspection.log_bytes > 1_000 && inspection.closed.is_empty());
    assert_eq!(store.repair().unwrap().leftovers, 2);
    let inspection = store.inspect().unwrap();
    assert_eq!((inspection.dead, inspection.unfinished.len()), (0, 0));
}
