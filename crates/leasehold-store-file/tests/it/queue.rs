//! Long queues, which lie in several records: here in stretches of two.

use crate::crash::check_kills_in;
use crate::harness::*;
use leasehold_core::Identity;
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_store::{Access, Loaded, Presence, Store};
use leasehold_store_file::FileStore;
use std::fs;

const BUILD: &str = "build";

fn build() -> leasehold_core::Resource {
    leasehold_core::Resource::parse(BUILD).unwrap()
}

/// An agent of its own for each request.
fn of_agent(number: u128) -> Ask {
    let who = Identity::named(&format!("agent-{number}"), "host");
    Ask {
        who,
        ..waiting(number, &[BUILD])
    }
}

/// One holds, six wait: two in the front, and two stretches.
fn furnish(place: &Place) {
    let store = place.open();
    hold(&store, standing(1, "holder", &[BUILD]));
    for number in 11..=16 {
        queue(&store, of_agent(number));
    }
    assert_eq!(stretches(place).len(), 2);
    check_whole(&store);
}

/// The same, and one in the middle holds what somebody older may want.
fn crossed(place: &Place) {
    let store = place.open();
    hold(&store, standing(1, "holder", &[BUILD]));
    hold(&store, standing(2, "agent-13", &["issue:2"]));
    for number in 11..=18 {
        queue(&store, of_agent(number));
    }
    check_whole(&store);
}

/// Returns the files of stretches.
fn stretches(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("records/name")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains('@')).collect();
    names.sort();
    names
}

/// Returns the requests that wait, as the keys find them.
fn queued(store: &FileStore, key: Key) -> Vec<u128> {
    let loaded = store.load(&[key], Access::Decide).unwrap();
    let tickets = loaded.view().tickets();
    tickets.map(|ticket| ticket.request.bits()).collect()
}

fn whole_queue(store: &FileStore) -> Vec<u128> {
    queued(store, Key::Overlap(build()))
}

/// Those who wait are alive for as long as what is returned.
fn attend_all(store: &FileStore) -> Vec<Box<dyn Presence>> {
    let all = whole_queue(store).into_iter();
    all.map(|number| store.attend(id(number)).unwrap())
        .collect()
}

#[test]
fn only_the_front_is_read_where_nobody_behind_holds_anything() {
    let place = Place::new();
    furnish(&place);
    let store = place.open();
    assert_eq!(queued(&store, Key::Front(build())), [11, 12]);
    assert_eq!(whole_queue(&store), [11, 12, 13, 14, 15, 16]);
    let loaded = store.load(&[Key::Front(build())], Access::Read).unwrap();
    let agent = |number| of_agent(number).who.agent().unwrap();
    assert!(loaded.view().is_loaded(&Key::Standing(agent(11))));
    assert!(!loaded.view().is_loaded(&Key::Standing(agent(13))));
    assert!(!loaded.view().is_loaded(&Key::Overlap(build())));
}

#[test]
fn whoever_takes_a_lock_while_it_waits_is_shown_with_all_the_queue() {
    let place = Place::new();
    furnish(&place);
    let store = place.open();
    hold(&store, standing(30, "agent-15", &["issue:1"]));
    check_whole(&store);
    let all = [11, 12, 13, 14, 15, 16];
    assert_eq!(queued(&store, Key::Front(build())), all);
    let loaded = store.load(&[Key::Front(build())], Access::Read).unwrap();
    let agent = |number| of_agent(number).who.agent().unwrap();
    assert!(!loaded.view().is_loaded(&Key::Standing(agent(15))));
    assert!(loaded.view().is_loaded(&Key::Standing(agent(14))));
    drop(loaded);
    // Also where it comes again with the lock.
    release(&store, 30);
    queue(&store, of_agent(17));
    hold(&store, standing(31, "agent-18", &["issue:1"]));
    queue(&store, of_agent(18));
    let front = store.load(&[Key::Front(build())], Access::Read).unwrap();
    assert!(!front.view().is_loaded(&Key::Standing(agent(18))));
    check_whole(&store);
}

#[test]
fn those_who_wait_are_served_in_order_and_no_stretch_is_left() {
    let place = Place::new();
    furnish(&place);
    let store = place.open();
    let _alive = attend_all(&store);
    assert_eq!(run(&store, &Command::Cancel(id(14))), Verdict::Done);
    assert_eq!(run(&store, &Command::Timeout(id(12))), Verdict::Done);
    let mut holder = 1;
    for next in [11, 13, 15, 16] {
        release(&store, holder);
        let bound = run(&store, &Command::Bind(id(next)));
        assert!(matches!(bound, Verdict::Granted(_)), "{next}: {bound:?}");
        check_whole(&store);
        holder = next;
    }
    release(&store, 16);
    assert_eq!(whole_queue(&store), [12], "the parked place");
    assert_eq!(stretches(&place), [""; 0]);
}

#[test]
fn a_kill_inside_a_change_of_a_long_queue_leaves_the_old_state_or_the_new() {
    let cancel = |number| {
        move |place: &Place| {
            let store = place.open();
            let _alive = attend_all(&store);
            assert_eq!(run(&store, &Command::Cancel(id(number))), Verdict::Done);
        }
    };
    // It begins a stretch, and goes into one that has room.
    check_kills_in(furnish, |place| queue(&place.open(), of_agent(17)));
    let odd = |place: &Place| {
        furnish(place);
        queue(&place.open(), of_agent(17));
    };
    check_kills_in(odd, |place| queue(&place.open(), of_agent(18)));
    // It ends a stretch.
    check_kills_in(odd, cancel(17));
    check_kills_in(furnish, cancel(14));
    // Its place is kept.
    check_kills_in(furnish, |place| {
        let store = place.open();
        let _alive = attend_all(&store);
        assert_eq!(run(&store, &Command::Timeout(id(15))), Verdict::Done);
    });
    // It dies in the middle of a full queue, and whoever makes the records anew ends stretches elsewhere.
    check_kills_in(crossed, |place| {
        let store = place.open();
        let _alive = attend_all(&store);
        queue(
            &store,
            Ask {
                wait: Wait::Forever,
                ..standing(40, "pusher", &["issue:2"])
            },
        );
        assert!(!whole_queue(&store).contains(&13));
    });
    // A lock that makes its agent hold something.
    check_kills_in(furnish, |place| {
        hold(&place.open(), standing(30, "agent-15", &["issue:1"]));
    });
    // The front gets short, and takes the next stretch in.
    let release_both = |place: &Place| {
        let store = place.open();
        let _alive = attend_all(&store);
        release(&store, 1);
    };
    check_kills_in(furnish, release_both);
    let short = |place: &Place| {
        furnish(place);
        let store = place.open();
        let _alive = attend_all(&store);
        release(&store, 1);
        let _ = run(&store, &Command::Bind(id(11)));
    };
    check_kills_in(short, |place| {
        let store = place.open();
        let _alive = attend_all(&store);
        release(&store, 11);
    });
}

#[test]
fn a_stretch_that_is_lost_or_of_before_is_made_again() {
    let place = Place::new();
    furnish(&place);
    let saved = Saved::of(&place.root());
    let expected = everything(&place.open());
    let all = [11, 12, 13, 14, 15, 16];
    let files = stretches(&place);
    let path = |name: &String| place.path(&format!("records/name/{name}"));
    for access in [Access::Read, Access::Decide] {
        for (one, other) in [(&files[0], &files[1]), (&files[1], &files[0])] {
            fs::remove_file(path(one)).unwrap();
            let store = place.open();
            let loaded = store.load(&[Key::Overlap(build())], access).unwrap();
            assert_eq!(loaded.view().tickets().count(), all.len(), "{one} is gone");
            drop(loaded);
            check_whole(&store);

            // Another's text is no text of this one.
            fs::copy(path(other), path(one)).unwrap();
            let store = place.open();
            let loaded = store.load(&[Key::Overlap(build())], access).unwrap();
            assert_eq!(
                loaded.view().tickets().count(),
                all.len(),
                "{one} is {other}"
            );
            drop(loaded);
            check_whole(&store);
            saved.repair(&place.root());
        }
    }
    // One ticket less, as it was a commit ago.
    let store = place.open();
    queue(&store, of_agent(17));
    let before = Saved::of(&place.root());
    queue(&store, of_agent(18));
    let last = stretches(&place).pop().unwrap();
    before.put_back_file(&path(&last));
    assert_eq!(whole_queue(&place.open()), [11, 12, 13, 14, 15, 16, 17, 18]);
    check_whole(&store);
    assert_ne!(everything(&store), expected);
}

/// Once the resources are written nobody would know of them.
#[test]
fn whoever_makes_the_records_anew_removes_stretches_that_are_none_first() {
    let place = Place::new();
    furnish(&place);
    let store = place.open();
    hold(&store, ask(30, &["other"]));
    let stray = place.path("records/name/build@99");
    fs::copy(place.path("records/name/build"), &stray).unwrap();
    // It does not get to its end.
    let other = place.path("records/name/other");
    fs::remove_file(&other).unwrap();
    fs::create_dir(&other).unwrap();
    assert!(store.rebuild().is_err());
    assert!(!stray.exists());
}

/// As kills leave them that come between a stretch and its resource, when whoever is next divides the
/// queue otherwise.
#[test]
fn a_stretch_that_no_resource_tells_of_says_nothing() {
    let place = Place::new();
    furnish(&place);
    let store = place.open();
    let expected = everything(&store);
    let (first, stray) = (stretches(&place).remove(0), "records/name/build@99");
    let copy = || {
        fs::copy(
            place.path(&format!("records/name/{first}")),
            place.path(stray),
        )
    };
    copy().unwrap();
    check_whole(&store);
    assert_eq!(whole_queue(&place.open()), [11, 12, 13, 14, 15, 16]);
    // Also where the log has to be begun anew from the records.
    let mut log = fs::read(place.log()).unwrap();
    let middle = log.len() / 2;
    log[middle] ^= 1;
    fs::write(place.log(), log).unwrap();
    let repaired = store.repair().unwrap();
    assert!(repaired.log.is_some());
    assert!(!place.path(stray).exists());
    assert_eq!(everything(&place.open()), expected);
    // It goes with what else nobody needs.
    copy().unwrap();
    let collected = place.open().collect(u64::MAX).unwrap();
    assert!(collected.leftovers > 0 && !place.path(stray).exists());
    assert_eq!(stretches(&place).len(), 2);
    check_whole(&place.open());
}
