//! Kills at every point, as far as they can be told apart on disk, and damage of every byte.

use crate::harness::*;
use leasehold_core::command::{Command, Wait};
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Identity, Resource, freeze::Freeze};
use leasehold_store::{Access, Loaded, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};

/// A line can be torn at every byte; every third keeps the test short.
const TORN_STEP: usize = 3;

/// A workspace with something of everything: leases over several resources, a queue, a parked place,
/// a freeze.
fn furnish(place: &Place) {
    let store = place.open();
    hold(
        &store,
        standing(1, "ada", &["build", "path:src/auth", "path:docs/*.md"]),
    );
    queue(&store, waiting(2, &["build", "issue:7"]));
    queue(&store, waiting(3, &["path:src"]));
    assert_eq!(run(&store, &Command::Timeout(id(3))), Verdict::Done);
    let now = store.load(&[], Access::Read).unwrap().view().now();
    let freeze = Freeze {
        id: id(4),
        resource: Resource::parse("deploy").unwrap(),
        until: Some(now.plus_millis(60_000)),
        since: now,
        who: Identity::named("eve", "host"),
    };
    assert_eq!(run(&store, &Command::Freeze(freeze)), Verdict::Done);
    check_whole(&store);
}

#[track_caller]
fn check_kills(change: impl Fn(&Place)) {
    check_kills_in(furnish, change);
}

/// Runs `change` and checks that a kill at any point of its commit leaves the old state or the new.
#[track_caller]
pub(crate) fn check_kills_in(furnish: fn(&Place), change: impl Fn(&Place)) {
    let place = Place::new();
    furnish(&place);
    let before = Saved::of(&place.root());
    let old = everything(&place.open());
    change(&place);
    let after = Saved::of(&place.root());
    let new = everything(&place.open());
    assert_ne!(old, new);
    let (log, mutex) = (place.log(), place.path("mutex"));
    let (old_log, new_log) = (before.get(&log).unwrap(), after.get(&log).unwrap());
    assert!(new_log.starts_with(old_log));
    let lines = new_log[old_log.len()..]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    assert_eq!(lines, 1, "one commit");

    // Inside the append.
    for cut in (old_log.len()..new_log.len())
        .step_by(TORN_STEP)
        .chain([new_log.len() - 1, new_log.len()])
    {
        before.put_back(&place.root());
        fs::write(&log, &new_log[..cut]).unwrap();
        let store = place.open();
        let now = if cut == new_log.len() { &new } else { &old };
        assert_eq!(&everything(&store), now, "the log cut at {cut}");
        check_whole(&store);
    }

    // Inside the writing of records: in the order of the store, and any one torn.
    let mut changed: Vec<PathBuf> = Vec::new();
    let all = before.files().chain(after.files()).map(|(path, _)| path);
    changed.extend(
        all.filter(|path| before.get(path) != after.get(path))
            .cloned(),
    );
    changed.retain(|path| *path != log && *path != mutex);
    changed.sort_by_key(|path| (write_order(&place, path), std::cmp::Reverse(path.clone())));
    changed.dedup();
    assert!(!changed.is_empty());
    for written in 0..=changed.len() {
        before.put_back(&place.root());
        after.put_back_file(&log);
        changed[..written]
            .iter()
            .for_each(|path| after.put_back_file(path));
        let mixed = Saved::of(&place.root());
        let store = place.open();
        // Looking goes inside here, because the header is behind.
        assert_eq!(
            everything(&store),
            new,
            "{written} records written of {changed:?}"
        );
        check_whole(&store);
        drop(store);
        check_killed_again(&place, &mixed, &new);
        let Some(torn) = changed
            .get(written)
            .filter(|path| after.get(path).is_some())
        else {
            continue;
        };
        let whole = after.get(torn).unwrap();
        for cut in [0, 1, whole.len() / 3, 100.min(whole.len() - 1)] {
            before.put_back(&place.root());
            after.put_back_file(&log);
            changed[..written]
                .iter()
                .for_each(|path| after.put_back_file(path));
            let mut mixed = before.get(torn).cloned().unwrap_or_default();
            mixed.resize(mixed.len().max(cut), 0);
            mixed[..cut].copy_from_slice(&whole[..cut]);
            fs::create_dir_all(torn.parent().unwrap()).unwrap();
            fs::write(torn, mixed).unwrap();
            let store = place.open();
            assert_eq!(everything(&store), new, "{} torn at {cut}", torn.display());
            check_whole(&store);
        }
    }
}

/// Checks that whoever brings a mixture of records right may be killed, too, after any of its writes.
#[track_caller]
fn check_killed_again(place: &Place, mixed: &Saved, new: &str) {
    let healed = Saved::of(&place.root());
    let all = mixed.files().chain(healed.files()).map(|(path, _)| path);
    let mut changed: Vec<&PathBuf> = all.collect();
    changed.retain(|path| mixed.get(path) != healed.get(path) && **path != place.path("mutex"));
    let order = |path: &PathBuf| (healed.get(path).is_some(), write_order(place, path));
    changed.sort_by_key(|path| (order(path), std::cmp::Reverse((*path).clone())));
    changed.dedup();
    for written in 0..changed.len() {
        mixed.put_back(&place.root());
        let written = &changed[..written];
        written.iter().for_each(|path| healed.put_back_file(path));
        let store = place.open();
        assert_eq!(everything(&store), new, "{written:?} of {changed:?}");
        check_whole(&store);
    }
}

fn write_order(place: &Place, path: &Path) -> usize {
    let path = path.strip_prefix(place.root()).unwrap();
    let order = ["places", "agents", "leases", "records"];
    order
        .iter()
        .position(|directory| path.starts_with(directory))
        .unwrap()
}

#[test]
fn a_kill_inside_a_grant_leaves_the_old_state_or_the_new() {
    check_kills(|place| {
        hold(
            &place.open(),
            ask(9, &["gpu", "path:lib/x", "path:lib/y/z"]),
        );
    });
}

#[test]
fn a_kill_inside_a_release_that_grants_leaves_the_old_state_or_the_new() {
    check_kills(|place| {
        let store = place.open();
        let _alive = store.attend(id(2)).unwrap();
        release(&store, 1);
    });
}

#[test]
fn a_kill_inside_a_resumption_leaves_the_old_state_or_the_new() {
    check_kills(|place| {
        let store = place.open();
        let _alive = [store.attend(id(2)).unwrap(), store.attend(id(8)).unwrap()];
        queue(&store, waiting(8, &["path:src"]));
        let parked = store.load(&[Key::Lease(id(3))], Access::Read).unwrap();
        assert_eq!(
            parked.view().tickets().count(),
            0,
            "the old request has no place any more"
        );
    });
}

#[test]
fn a_kill_inside_a_death_leaves_the_old_state_or_the_new() {
    check_kills(|place| {
        let store = place.open();
        let _alive = store.attend(id(2)).unwrap();
        // Its own lease is in the way and is wanted: it dies, and leaves cards.
        let ask = standing(7, "ada", &["build"]);
        let ask = leasehold_core::command::Ask {
            wait: Wait::Forever,
            ..ask
        };
        assert!(matches!(acquire(&store, ask), Verdict::Died(_)));
    });
}

#[test]
fn whoever_replays_a_grant_can_take_it_back_in_the_same_stay() {
    let place = Place::new();
    furnish(&place);
    let before = Saved::of(&place.root());
    hold(&place.open(), ask(9, &["gpu", "path:lib/x"]));
    let log = fs::read(place.log()).unwrap();
    before.put_back(&place.root());
    fs::write(place.log(), log).unwrap();
    let store = place.open();
    release(&store, 9);
    check_whole(&store);
    assert!(!place.path("records/path/rel/lib/x").exists());
    assert!(!place.path(&format!("leases/{}", id(9))).exists());
}

/// Damages the store and checks that everything comes right, or an error comes, and never another view.
#[track_caller]
fn check_damage(place: &Place, saved: &Saved, keys: &[Key], expected: &str, what: &str) -> bool {
    let look = |access| -> Result<String, StoreError> {
        let store = place.try_open()?;
        let loaded = store.load(keys, access)?;
        Ok(show(loaded.view()))
    };
    let mut is_right = true;
    for access in [Access::Read, Access::Decide] {
        match look(access) {
            Ok(seen) => assert_eq!(seen, expected, "{what} {access:?}"),
            Err(StoreError::Damaged { .. } | StoreError::Newer { .. }) => is_right = false,
            Err(error) => panic!("{what}: {error}"),
        }
    }
    saved.repair(&place.root());
    is_right
}

#[test]
fn no_changed_byte_changes_a_view() {
    let place = Place::new();
    furnish(&place);
    let saved = Saved::of(&place.root());
    let resources = [
        "build",
        "path:src/auth/x",
        "path:docs/a.md",
        "issue:7",
        "deploy",
    ];
    let mut keys: Vec<Key> = resources
        .iter()
        .map(|text| Key::Overlap(Resource::parse(text).unwrap()))
        .collect();
    keys.push(Key::Lease(id(1)));
    keys.push(Key::Agent(Identity::named("ada", "host").agent().unwrap()));
    let expected = show(place.open().load(&keys, Access::Decide).unwrap().view());
    let mut damaged = 0;
    for (path, bytes) in saved.files() {
        let is_log = *path == place.log();
        // The text for people, and what is behind the first line of a record, says nothing.
        let end = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(bytes.len(), |end| end + 1);
        let end = if is_log { bytes.len() } else { end };
        for index in 0..end {
            // Every byte in one of three ways, to keep the test short.
            let mask = [0x01, 0x20, 0xff][index % 3];
            let mut changed = bytes.clone();
            changed[index] ^= mask;
            fs::write(path, &changed).unwrap();
            let what = format!("{} byte {index} mask {mask}", path.display());
            damaged += u32::from(!check_damage(&place, &saved, &keys, &expected, &what));
        }
        for cut in (0..end).step_by(13) {
            fs::write(path, &bytes[..cut]).unwrap();
            let what = format!("{} cut at {cut}", path.display());
            damaged += u32::from(!check_damage(&place, &saved, &keys, &expected, &what));
        }
    }
    assert!(damaged > 0, "a log that is cut is an error");
}

#[test]
fn a_changed_log_is_an_error_and_never_another_state() {
    let place = Place::new();
    furnish(&place);
    let saved = Saved::of(&place.root());
    let bytes = saved.get(&place.log()).unwrap();
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 0x01;
        fs::write(place.log(), &changed).unwrap();
        let store = place.open();
        assert!(store.verify().is_err(), "byte {index}");
        assert!(
            store.load(&[Key::All], Access::Read).is_err(),
            "byte {index}"
        );
        assert!(store.audit(&mut |_| true).is_err(), "byte {index}");
    }
}

#[test]
fn what_is_lost_is_made_again() {
    let place = Place::new();
    furnish(&place);
    let saved = Saved::of(&place.root());
    let (old, workspace) = (
        everything(&place.open()),
        place.open().written_name().to_owned(),
    );
    let last = hold(&place.open(), ask(99, &["other"]));
    saved.put_back(&place.root());
    fs::remove_file(place.path("mutex")).unwrap();
    let store = place.open();
    assert_eq!(
        (everything(&store), store.written_name()),
        (old.clone(), &*workspace)
    );
    check_whole(&store);
    assert!(hold(&store, ask(100, &["other"])) > last, "a new epoch");

    saved.put_back(&place.root());
    for directory in ["records", "agents", "leases"] {
        fs::remove_dir_all(place.path(directory)).unwrap();
    }
    let store = place.open();
    assert_ne!(store.verify().unwrap(), Vec::<String>::new());
    store.rebuild().unwrap();
    check_whole(&store);
    assert_eq!(everything(&store), old);

    saved.put_back(&place.root());
    fs::remove_dir_all(place.path("audit")).unwrap();
    assert!(matches!(
        place.open().load(&[], Access::Decide),
        Err(StoreError::Io { .. })
    ));
    fs::remove_file(place.path("mutex")).unwrap();
    assert!(matches!(place.try_open(), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_removed_root_is_noticed() {
    let place = Place::new();
    let store = place.open();
    hold(&store, ask(1, &["build"]));
    fs::remove_dir_all(place.root()).unwrap();
    assert!(matches!(
        store.load(&[], Access::Decide),
        Err(StoreError::Damaged { .. })
    ));
    hold(&place.open(), ask(2, &["build"]));
}

#[test]
fn newer_formats_are_refused_and_left_alone() {
    let place = Place::new();
    furnish(&place);
    let saved = Saved::of(&place.root());
    let header = fs::read_to_string(place.path("mutex")).unwrap();
    fs::write(
        place.path("mutex"),
        header.replacen("leasehold 1", "leasehold 2", 1),
    )
    .unwrap();
    let newer = fs::read(place.path("mutex")).unwrap();
    assert!(matches!(
        place.try_open(),
        Err(StoreError::Newer { found: 2, .. })
    ));
    assert_eq!(fs::read(place.path("mutex")).unwrap(), newer);

    saved.put_back(&place.root());
    let mut log = saved.get(&place.log()).unwrap().clone();
    log.extend_from_slice(b"{\"v\":2,\"at\":1,\"whatever\":[]}\n");
    fs::write(place.log(), &log).unwrap();
    let store = place.open();
    assert!(matches!(
        store.load(&[], Access::Decide),
        Err(StoreError::Newer { found: 2, .. })
    ));
    assert_eq!(fs::read(place.log()).unwrap(), log);

    saved.put_back(&place.root());
    fs::write(place.path("records/name/build"), b"{\"v\":3}\n").unwrap();
    let keys = [Key::Overlap(Resource::parse("build").unwrap())];
    let store = place.open();
    assert!(matches!(
        store.load(&keys, Access::Decide),
        Err(StoreError::Newer { found: 3, .. })
    ));
}
