//! Reading the audit: any span, damage and all, over segments, as it comes.

use crate::harness::*;
use leasehold_core::Timestamp;
use leasehold_store::{Entry, Span, Store, StoreError};
use leasehold_store_file::FileStore;
use std::fs;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

type Commit = (u64, Vec<u8>);

fn read(store: &FileStore, span: Span) -> (Vec<Commit>, Vec<String>) {
    let (mut commits, mut damages) = (Vec::new(), Vec::new());
    let each = &mut |entry: Entry<'_>| {
        match entry {
            Entry::Commit { at, events } => commits.push((at.as_millis(), events.to_vec())),
            Entry::Damaged { place, detail } => damages.push(format!("{place}: {detail}")),
            Entry::Pause => panic!("nothing is waited for"),
        }
        true
    };
    store.read_audit(&span, each).unwrap();
    (commits, damages)
}

/// Makes a log of some commits, a few of them at the same time.
fn write(place: &Place, commits: u128, segment_bytes: u64) -> FileStore {
    let store = place.open().with_segment_bytes(segment_bytes);
    for number in 1..=commits / 2 {
        hold(&store, ask(number, &["build"]));
        place.clock.pass(u64::try_from(number % 3).unwrap() * 10);
        release(&store, number);
    }
    store
}

fn span(since: u64, until: u64) -> Span {
    Span {
        since: Timestamp::from_millis(since),
        until: Timestamp::from_millis(until),
    }
}

#[test]
fn any_span_is_found_wherever_it_begins() {
    // One segment that is halved, and many.
    for segment_bytes in [u64::MAX, 100_000, 5_000] {
        let place = Place::new();
        let store = write(&place, 600, segment_bytes);
        let (all, damages) = read(&store, Span::ALL);
        assert_eq!((all.len(), damages), (600, Vec::new()));
        let (first, last) = (all[0].0, all[599].0);
        let mut strict = 0;
        store
            .audit(&mut |commit| {
                assert_eq!(commit.at.as_millis(), all[strict].0);
                strict += 1;
                true
            })
            .unwrap();
        assert_eq!(strict, 600);
        for since in (first - 1..=last + 1)
            .step_by(61)
            .chain([last, last + 1, u64::MAX])
        {
            for until in [u64::MAX, since, since.saturating_add(35)] {
                let expected = all.iter().filter(|(at, _)| (since..=until).contains(at));
                let expected: Vec<&Commit> = expected.collect();
                let (found, _) = read(&store, span(since, until));
                assert!(
                    found.iter().eq(expected),
                    "{since} to {until} of {segment_bytes}"
                );
            }
        }
    }
}

#[test]
fn a_clock_that_went_back_makes_no_gap() {
    let place = Place::new();
    write(&place, 20, 3_000);
    // The wall clock was wrong at this boot.
    place.clock.reboot("boot2", 5);
    let store = write(&place, 20, 3_000);
    let (all, _) = read(&store, Span::ALL);
    assert_eq!(all.len(), 40);
    assert!(all.is_sorted_by_key(|(at, _)| *at));
    for (at, _) in &all {
        let expected = all.iter().filter(|(other, _)| other >= at).count();
        assert_eq!(read(&store, span(*at, u64::MAX)).0.len(), expected);
    }
}

#[test]
fn damage_is_told_and_passed_over() {
    let place = Place::new();
    let store = write(&place, 40, 6_000);
    let (all, _) = read(&store, Span::ALL);
    let saved = Saved::of(&place.root());
    let logs = saved
        .files()
        .filter(|(path, _)| path.extension().is_some_and(|e| e == "jsonl"));
    let mut segments = 0;
    for (path, bytes) in logs {
        segments += 1;
        let mut start = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            for place_in_line in [0, 14, line.len() / 2, line.len() - 5] {
                let mut changed = bytes.clone();
                changed[start + place_in_line] ^= 0x10;
                fs::write(path, &changed).unwrap();
                let (found, damages) = read(&store, Span::ALL);
                let lost = usize::from(start > 0);
                let what = format!("{} {}", path.display(), start + place_in_line);
                assert_eq!(
                    (found.len(), damages.len()),
                    (all.len() - lost, 1),
                    "{what}"
                );
                assert!(
                    damages[0].contains(&format!("offset {start}")),
                    "{damages:?}"
                );
                assert!(found.iter().all(|commit| all.contains(commit)), "{what}");
            }
            start += line.len();
        }
        fs::write(path, bytes).unwrap();
    }
    assert!(segments > 1);
}

#[test]
fn the_end_of_a_line_that_is_being_written_is_no_damage() {
    let place = Place::new();
    let store = write(&place, 10, u64::MAX);
    let bytes = fs::read(place.log()).unwrap();
    let last = bytes[..bytes.len() - 1]
        .iter()
        .rposition(|b| *b == b'\n')
        .unwrap()
        + 1;
    for cut in [last, last + 1, bytes.len() - 1] {
        fs::write(place.log(), &bytes[..cut]).unwrap();
        let (found, damages) = read(&store, Span::ALL);
        assert_eq!((found.len(), damages), (9, Vec::new()), "cut at {cut}");
    }
}

#[test]
fn a_lost_first_line_and_a_lost_header_hide_nothing_else() {
    let place = Place::new();
    let store = write(&place, 40, 6_000);
    let (all, _) = read(&store, Span::ALL);
    let second = place.path("audit/000002.jsonl");
    let bytes = fs::read(&second).unwrap();
    fs::write(&second, &bytes[100..]).unwrap();
    let (found, damages) = read(&store, Span::ALL);
    assert_eq!((found.len(), damages.len()), (all.len(), 1), "{damages:?}");
    let newer = String::from_utf8(bytes)
        .unwrap()
        .replacen("{\"v\":1", "{\"v\":2", 1);
    fs::write(&second, newer).unwrap();
    let read = store.read_audit(&Span::ALL, &mut |_| true);
    assert!(
        matches!(read, Err(StoreError::Newer { found: 2, .. })),
        "{read:?}"
    );
}

/// What is left is told, and what is not there is named.
#[test]
fn segments_that_cannot_be_read_hide_nothing_else() {
    use std::os::unix::fs::symlink;
    type Harm = fn(&std::path::Path);
    let harms: [(&str, Harm); 5] = [
        ("it is not there any more", |_| {}),
        ("it is no file", |path| fs::create_dir(path).unwrap()),
        ("it is no file", |path| symlink("/dev/zero", path).unwrap()),
        ("(os error 40)", |path| {
            symlink(path.file_name().unwrap(), path).unwrap();
        }),
        ("", |path| fs::write(path, "").unwrap()),
    ];
    for (said, harm) in harms {
        let place = Place::new();
        let store = write(&place, 40, 3_000);
        let (all, _) = read(&store, Span::ALL);
        let segments = fs::read_dir(place.path("audit")).unwrap().count();
        for number in 1..=segments {
            let path = place.path(&format!("audit/{number:06}.jsonl"));
            let bytes = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            harm(&path);
            let (found, damages) = read(&place.open(), Span::ALL);
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            // Its first line is no commit.
            assert_eq!(found.len(), all.len() + 1 - lines, "{number}: {said}");
            assert!(found.iter().all(|commit| all.contains(commit)));
            // What nobody knows of is not missed: gc drops the oldest first, and an empty one had nothing.
            let is_known = !said.is_empty() && (number > 1 || path.is_symlink());
            assert_eq!(
                damages.len(),
                usize::from(is_known),
                "{number}: {damages:?}"
            );
            if is_known {
                let place = format!("audit/{number:06}.jsonl: ");
                assert!(damages[0].starts_with(&place), "{damages:?}");
                assert!(
                    !path.is_symlink() || damages[0].ends_with(said),
                    "{damages:?}"
                );
            }
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
            fs::write(&path, bytes).unwrap();
        }
        assert!(segments > 2);
    }
}

/// A follower in a thread, and what it is told.
struct Follower {
    told: Receiver<Option<Commit>>,
    stop: std::io::PipeWriter,
    thread: thread::JoinHandle<Result<(), StoreError>>,
}

impl Follower {
    fn start(place: &Place, since: u64) -> Self {
        let store = place.open();
        let (tell, told) = channel();
        let (interrupt, stop) = std::io::pipe().unwrap();
        let thread = thread::spawn(move || {
            use std::os::fd::AsFd as _;
            let fd = Some(interrupt.as_fd());
            store.follow_audit(&span(since, u64::MAX), fd, &mut |entry| match entry {
                Entry::Commit { at, events } => {
                    tell.send(Some((at.as_millis(), events.to_vec()))).is_ok()
                }
                Entry::Pause => tell.send(None).is_ok(),
                Entry::Damaged { place, detail } => panic!("{place}: {detail}"),
            })
        });
        Self { told, stop, thread }
    }

    /// Waits for so many commits.
    fn take(&self, count: usize) -> Vec<Commit> {
        let mut taken = Vec::new();
        while taken.len() < count {
            taken.extend(self.told.recv_timeout(PATIENCE).unwrap());
        }
        taken
    }

    fn end(self) {
        use std::io::Write as _;
        (&self.stop).write_all(b"x").unwrap();
        self.thread.join().unwrap().unwrap();
        assert!(self.told.iter().all(|left| left.is_none()), "told twice");
    }
}

#[test]
fn what_comes_is_told_once_and_in_order_over_new_segments() {
    let place = Place::new();
    write(&place, 10, u64::MAX);
    let follower = Follower::start(&place, 0);
    assert_eq!(follower.take(10), read(&place.open(), Span::ALL).0);
    let store = place.open().with_segment_bytes(3_000);
    let mut told = Vec::new();
    for number in 100..130 {
        hold(&store, ask(number, &["build"]));
        release(&store, number);
        told.extend(follower.take(2));
    }
    // And many at once.
    for number in 200..260 {
        hold(&store, ask(number, &["build"]));
        release(&store, number);
    }
    told.extend(follower.take(120));
    let (all, _) = read(&store, Span::ALL);
    assert_eq!(told, all[10..]);
    assert!(place.path("audit/000010.jsonl").exists());
    follower.end();
}

#[test]
fn a_follower_goes_on_behind_what_was_dropped() {
    let place = Place::new();
    write(&place, 10, u64::MAX);
    let follower = Follower::start(&place, 0);
    follower.take(10);
    let store = place.open();
    store.collect(0).unwrap();
    hold(&store, ask(100, &["build"]));
    assert_eq!(follower.take(1), read(&store, Span::ALL).0);
    follower.end();
}

/// The header says nothing of a commit whose process was killed right behind its append.
#[test]
fn a_commit_of_a_killed_process_is_told_too() {
    let place = Place::new();
    let store = write(&place, 2, u64::MAX);
    let header = fs::read(place.path("mutex")).unwrap();
    hold(&store, ask(50, &["gpu"]));
    let expected = read(&store, Span::ALL).0;
    fs::write(place.path("mutex"), header).unwrap();
    let follower = Follower::start(&place, 0);
    assert_eq!(follower.take(3), expected);
    follower.end();
    check_whole(&store);
}
