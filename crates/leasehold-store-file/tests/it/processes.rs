//! Real processes: copies of this test program, killed at any moment.

use crate::harness::*;
use leasehold_core::command::Command as Asked;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{LeaseId, Resource};
use leasehold_store::conformance::sample::Draw;
use leasehold_store::{Access, Loaded, Store, StoreError};
use leasehold_store_file::{FileStore, Options};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

const ROOT: &str = "LEASEHOLD_TEST_CHILD_ROOT";
const RESOURCES: [&str; 4] = ["build", "issue:1", "path:src/auth", "path:src"];

fn child(name: &str, place: &Place, seed: u32) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(ROOT, place.root())
        .env("LEASEHOLD_TEST_SEED", seed.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn child_store() -> Option<(FileStore, u64)> {
    let root = env::var_os(ROOT)?;
    let seed = env::var("LEASEHOLD_TEST_SEED").unwrap().parse().unwrap();
    Some((
        FileStore::open(root.as_ref(), Options::default()).unwrap(),
        seed,
    ))
}

fn real(place: &Place) -> FileStore {
    FileStore::open(&place.root(), Options::default()).unwrap()
}

/// Takes and gives back for ever. Whoever has the lease takes a kernel lock too, which must be free.
#[test]
#[ignore = "it is the other process of a test"]
fn takes_and_gives_back_for_ever() {
    let Some(root) = env::var_os(ROOT) else {
        return;
    };
    // Opened before everything else: a killed process closes its files by number, and has to let go of
    // these before it lets go of its lease.
    let critical = RESOURCES.map(|name| critical_file(Path::new(&root), name));
    let (store, seed) = child_store().unwrap();
    let mut draw = Draw::new(seed);
    let mut number = u128::from(std::process::id()) << 64;
    loop {
        number += 1;
        let first = draw.below(4) as usize;
        let places = if first > 0 && draw.one_in(2) {
            vec![0, first]
        } else {
            vec![first]
        };
        let names: Vec<&str> = places.iter().map(|place| RESOURCES[*place]).collect();
        let presence = store.attend(id(number)).unwrap();
        let verdict = acquire(&store, ask(number, &names));
        if matches!(verdict, Verdict::Granted(_)) {
            for place in &places {
                exclude(&store, &critical[*place], RESOURCES[*place]);
            }
            for place in &places {
                flock(&critical[*place], FlockOperation::Unlock).unwrap();
            }
            release(&store, number);
        }
        presence.end();
        // The log is folded after each kill; it should not grow too long.
        thread::sleep(Duration::from_micros(draw.below(500)));
    }
}

/// Opens the kernel lock of a resource; overlapping paths have one.
fn critical_file(root: &Path, name: &str) -> File {
    let name = if name.starts_with("path") {
        "path"
    } else {
        name
    };
    let path = root.parent().unwrap().join(format!("critical-{name}"));
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

fn exclude(store: &FileStore, file: &File, name: &str) {
    if let Err(error) = flock(file, FlockOperation::NonBlockingLockExclusive) {
        let path = store.root().parent().unwrap().join("overlap");
        fs::write(path, format!("{name}: {error}")).unwrap();
    }
}

#[test]
fn killed_processes_leave_a_whole_store() {
    let place = Place::new();
    let store = real(&place);
    let mut draw = Draw::new(1);
    let name = "processes::takes_and_gives_back_for_ever";
    let mut running: Vec<Child> = (0..3).map(|n| child(name, &place, n)).collect();
    let mut last = 0;
    for round in 0..25 {
        thread::sleep(Duration::from_millis(10 + draw.below(30)));
        let mut victim = running.remove(draw.below(3) as usize);
        victim.kill().unwrap();
        victim.wait().unwrap();
        check_whole(&store);
        let audited = tokens(&store);
        assert!(audited.is_sorted_by(|a, b| a < b), "tokens rise");
        assert!(audited.len() >= last, "and none is lost");
        last = audited.len();
        running.push(child(name, &place, 100 + round));
    }
    for mut victim in running {
        victim.kill().unwrap();
        victim.wait().unwrap();
    }
    let overlap = fs::read_to_string(place.root().parent().unwrap().join("overlap"));
    assert!(overlap.is_err(), "two holders at once: {overlap:?}");
    assert!(last > 40, "the children got to work: {last}");
    let keys = RESOURCES.map(|text| Key::Overlap(Resource::parse(text).unwrap()));
    assert_eq!(run(&store, &Asked::Timer(keys.to_vec())), Verdict::Done);
    assert_eq!(
        store
            .load(&[Key::All], Access::Read)
            .unwrap()
            .view()
            .leases()
            .count(),
        0
    );
    store.sweep().unwrap();
    assert_eq!(fs::read_dir(place.path("leases")).unwrap().count(), 0);
    check_whole(&store);
}

fn tokens(store: &FileStore) -> Vec<u64> {
    let mut tokens = Vec::new();
    store
        .audit(&mut |commit| {
            for event in commit.events {
                if let leasehold_core::event::Event::Granted { lease, .. } = event {
                    tokens.push(lease.token.get());
                }
            }
            true
        })
        .unwrap();
    tokens
}

#[test]
fn many_first_ones_begin_one_workspace() {
    for _ in 0..20 {
        let place = Place::new();
        let names: Vec<String> = thread::scope(|scope| {
            let open = || real(&place).workspace().to_owned();
            let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
        check_whole(&real(&place));
    }
}

#[test]
fn whoever_stays_inside_is_named() {
    let place = Place::new();
    let store = real(&place);
    let inside = store.load(&[], Access::Decide).unwrap();
    let options = Options {
        mutex_wait: Duration::from_millis(50),
        ..Options::default()
    };
    let other = FileStore::open(&place.root(), options).unwrap();
    // The name that is written there is older than this stay: as after a kill, or of one stopped on its
    // way in.
    let mutex = fs::OpenOptions::new().write(true).open(place.path("mutex"));
    mutex
        .unwrap()
        .write_at(b"inside: pid 0000000001\n", 320)
        .unwrap();
    let Err(StoreError::Busy {
        by,
        waited_ms,
        path,
    }) = other.load(&[], Access::Decide).map(drop)
    else {
        panic!("it is not free");
    };
    assert!(
        by.starts_with(&format!("process {} (", std::process::id())),
        "{by}"
    );
    assert!(waited_ms >= 50 && path == place.path("mutex"));
    // Looking needs nobody's leave.
    assert_eq!(
        other
            .load(&[], Access::Read)
            .unwrap()
            .view()
            .leases()
            .count(),
        0
    );
    drop(inside);
    assert!(other.load(&[], Access::Decide).is_ok());
}

#[test]
fn who_lives_is_told_apart_from_who_cannot_be_looked_at() {
    use leasehold_core::view::{Life, Pulse};
    let place = Place::new();
    let (store, other) = (real(&place), real(&place));
    let life = |number: u128| {
        let number: LeaseId = id(number);
        let loaded = other.load(&[Key::Life(number)], Access::Decide).unwrap();
        loaded.view().life(number).unwrap()
    };
    assert_eq!(
        life(1),
        Life {
            holder: Pulse::Dead,
            command: Pulse::Dead
        }
    );
    let mut presence = store.attend(id(1)).unwrap();
    assert_eq!(
        life(1),
        Life {
            holder: Pulse::Alive,
            command: Pulse::Dead
        }
    );
    let command = presence.command_proof().unwrap().unwrap();
    assert_eq!(
        life(1),
        Life {
            holder: Pulse::Alive,
            command: Pulse::Alive
        }
    );
    drop(presence);
    assert_eq!(
        life(1),
        Life {
            holder: Pulse::Dead,
            command: Pulse::Alive
        }
    );
    drop(command);
    assert_eq!(
        life(1),
        Life {
            holder: Pulse::Dead,
            command: Pulse::Dead
        }
    );
    // A loop of links cannot be opened by anybody, root included.
    let path = place.path(&format!("leases/{}", id(2)));
    std::os::unix::fs::symlink(&path, &path).unwrap();
    assert_eq!(life(2).holder, Pulse::Unknown);
}

#[test]
fn a_request_can_be_taken_up_again_by_another_process() {
    let place = Place::new();
    let store = real(&place);
    let presence = store.attend(id(1)).unwrap();
    let first = hold(&store, ask(1, &["build"]));
    assert!(
        real(&place).attend(id(1)).is_err(),
        "not while its owner lives"
    );
    drop(presence);
    let again = real(&place);
    let presence = again.attend(id(1)).unwrap();
    assert_eq!(
        hold(&again, ask(1, &["build"])),
        first,
        "the answer that was lost"
    );
    release(&again, 1);
    presence.end();
    check_whole(&store);
}
