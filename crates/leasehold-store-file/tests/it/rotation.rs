//! New segments and dropped ones: nothing that counts changes, whatever is interrupted.

use crate::harness::*;
use leasehold_core::Ttl;
use leasehold_core::command::{Ask, Command, Wait};
use leasehold_core::verdict::Verdict;
use leasehold_store::conformance::Subject;
use leasehold_store::{Entry, Span, Store, StoreError};
use leasehold_store_file::FileStore;
use proptest::prelude::*;
use std::fs;

/// A workspace that begins a new segment every few commits.
pub(crate) struct Rotating(Place);

impl Subject for Rotating {
    type Store = FileStore;

    fn fresh() -> Self {
        Self(Place::new())
    }

    fn open(&self) -> FileStore {
        self.0.open().with_segment_bytes(4_000)
    }

    fn advance(&self, millis: u64) -> bool {
        self.0.clock.pass(millis);
        true
    }
}

mod rotating {
    leasehold_store::conformance_tests!(super::Rotating);
}

fn segments(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("audit")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A workspace with something of everything.
fn furnish(place: &Place) {
    let store = place.open();
    hold(&store, standing(1, "ada", &["build", "path:src/auth"]));
    queue(&store, waiting(2, &["build", "issue:7"]));
    queue(&store, waiting(3, &["path:src"]));
    assert_eq!(run(&store, &Command::Timeout(id(3))), Verdict::Done);
    let _alive = store.attend(id(2)).unwrap();
    let ask = Ask {
        wait: Wait::Forever,
        ..standing(7, "ada", &["build"])
    };
    assert!(matches!(acquire(&store, ask), Verdict::Died(_)));
    hold(&store, ask_standing(8, "eve"));
}

fn ask_standing(number: u128, name: &str) -> Ask {
    let ttl = Some(Ttl::from_millis(50_000).unwrap());
    Ask {
        ttl,
        ..standing(number, name, &["deploy"])
    }
}

#[test]
fn a_long_log_begins_a_new_segment_by_itself() {
    let place = Place::new();
    let store = place.open().with_segment_bytes(4_000);
    for number in 1..60 {
        hold(&store, ask(number, &["build"]));
        release(&store, number);
    }
    let names = segments(&place);
    assert!(names.len() > 5, "{names:?}");
    let longest = names.iter().map(|name| {
        fs::metadata(place.path(&format!("audit/{name}")))
            .unwrap()
            .len()
    });
    assert!(longest.max().unwrap() < 8_000);
    let mut commits = 0;
    store
        .audit(&mut |_| {
            commits += 1;
            true
        })
        .unwrap();
    assert_eq!(commits, 2 * 59);
    check_whole(&store);
}

/// Asking beside others costs no new segment: only who gives back has time for it.
#[test]
fn whoever_asks_begins_no_segment() {
    let place = Place::new();
    let store = place.open().with_segment_bytes(500);
    for number in 1..20 {
        hold(
            &store,
            standing(number, "ada", &[&format!("issue:{number}")]),
        );
    }
    assert_eq!(segments(&place), ["000001.jsonl"]);
    release(&store, 1);
    assert_eq!(segments(&place), ["000001.jsonl", "000002.jsonl"]);
}

/// A checkpoint of much is not written again and again.
#[test]
fn a_checkpoint_is_written_again_only_after_as_much_was_written_behind_it() {
    let place = Place::new();
    let store = place.open().with_segment_bytes(4_000);
    for number in 1..200 {
        hold(
            &store,
            standing(number, "ada", &[&format!("issue:{number}")]),
        );
    }
    (1..10).for_each(|number| release(&store, number));
    let checkpoint = fs::metadata(place.path("audit/000002.jsonl"))
        .unwrap()
        .len();
    assert!(checkpoint > 40_000, "{checkpoint}");
    for number in 1_000..1_020 {
        hold(&store, ask(number, &["build"]));
        release(&store, number);
    }
    assert_eq!(segments(&place).len(), 2, "{:?}", segments(&place));
}

#[test]
fn a_collection_keeps_the_state_and_drops_the_rest() {
    let place = Place::new();
    furnish(&place);
    let store = place.open();
    let (state, last) = (everything(&store), hold(&store, ask(90, &["gpu"])));
    release(&store, 90);
    let kept = store.collect(1_000).unwrap();
    assert_eq!(
        (kept.checkpoint, kept.dropped),
        (false, 0),
        "nothing is old"
    );
    place.clock.pass(1_000);
    let collected = store.collect(1_000).unwrap();
    assert_eq!((collected.checkpoint, collected.dropped), (true, 1));
    assert!(collected.bytes > 1_000 && collected.dropped_until.is_some());
    assert_eq!(segments(&place), ["000002.jsonl"]);
    for store in [&store, &place.open()] {
        assert_eq!(everything(store), state);
        check_whole(store);
    }
    assert!(hold(&place.open(), ask(91, &["gpu"])) > last);
    let again = place.open().collect(1_000).unwrap();
    assert_eq!((again.checkpoint, again.dropped), (false, 0));
}

#[test]
fn tokens_go_on_from_the_checkpoint_alone() {
    let place = Place::new();
    furnish(&place);
    let last = hold(&place.open(), ask(90, &["gpu"]));
    release(&place.open(), 90);
    place.open().collect(0).unwrap();
    let state = everything(&place.open());
    fs::remove_file(place.path("mutex")).unwrap();
    fs::remove_file(place.path("epoch")).unwrap();
    let store = place.open();
    assert_eq!(everything(&store), state);
    assert!(hold(&store, ask(91, &["gpu"])) > last);
}

/// Every state that a kill can leave behind, in the order of the steps.
#[test]
fn a_kill_at_any_step_of_a_new_segment_changes_nothing() {
    let place = Place::new();
    furnish(&place);
    let before = Saved::of(&place.root());
    let state = everything(&place.open());
    place.open().collect(0).unwrap();
    let after = Saved::of(&place.root());
    let second = after
        .get(&place.path("audit/000002.jsonl"))
        .unwrap()
        .clone();
    let temporary = place.path("audit/000002.new");
    let named = place.path("audit/000002.jsonl");
    let steps: [(&str, &dyn Fn()); 4] = [
        ("a file begun", &|| fs::write(&temporary, b"").unwrap()),
        ("a file half written", &|| {
            fs::write(&temporary, &second[..second.len() / 2]).unwrap();
        }),
        ("a file without its name", &|| {
            fs::write(&temporary, &second).unwrap();
        }),
        ("a name and no header", &|| {
            fs::write(&named, &second).unwrap();
        }),
    ];
    for (what, step) in steps {
        before.put_back(&place.root());
        step();
        place.open().collect(0).unwrap();
        assert_eq!(everything(&place.open()), state, "{what}, and again");
        for (later, goes_on) in [(false, false), (false, true), (true, false), (true, true)] {
            let what = format!("{what}, going on: {goes_on}, in a later boot: {later}");
            before.put_back(&place.root());
            step();
            if goes_on {
                // Those of this boot go on with the old segment.
                hold(&place.open(), standing(50, "bob", &["issue:50"]));
            }
            let expected = everything(&place.open());
            assert_eq!(expected == state, !goes_on, "{what}");
            if later {
                fs::remove_file(place.path("mutex")).unwrap();
            }
            let store = place.open();
            assert_eq!(everything(&store), expected, "{what}");
            check_whole(&store);
            // The next one who begins a segment is not in its way, and clears up.
            let token = hold(&store, ask(60, &["gpu"]));
            release(&store, 60);
            let expected = everything(&store);
            store.collect(0).unwrap();
            assert_eq!(everything(&place.open()), expected, "{what}");
            assert!(hold(&place.open(), ask(61, &["gpu"])) > token, "{what}");
            assert!(!temporary.exists(), "{what}");
            check_whole(&place.open());
        }
    }
    // The header is written, the old segment still there.
    after.put_back(&place.root());
    before.put_back_file(&place.log());
    assert_eq!(everything(&place.open()), state);
    assert_eq!(place.open().collect(0).unwrap().dropped, 1);
    assert_eq!(everything(&place.open()), state);
}

/// A file that is in the way and that nobody of us left is kept, whatever it costs.
#[test]
fn a_segment_that_nobody_knows_of_is_not_overwritten() {
    let place = Place::new();
    furnish(&place);
    let state = everything(&place.open());
    for stray in [
        "",
        "junk\n",
        "{\"v\":1,\"segment\":2,\"workspace\":\"x\"}\n",
    ] {
        let path = place.path("audit/000002.jsonl");
        fs::write(&path, stray).unwrap();
        let collected = place.open().collect(0);
        assert!(
            matches!(collected, Err(StoreError::Damaged { .. })),
            "{collected:?}"
        );
        assert_eq!(fs::read_to_string(path).unwrap(), stray);
        assert_eq!(everything(&place.open()), state);
    }
}

#[test]
fn a_segment_that_is_gone_is_an_error_and_no_older_state() {
    let place = Place::new();
    furnish(&place);
    place.open().collect(1_000_000).unwrap();
    let store = place.open().with_segment_bytes(1);
    hold(&store, ask(90, &["gpu"]));
    release(&store, 90);
    assert_eq!(segments(&place), ["000001.jsonl", "000002.jsonl"]);
    fs::remove_file(place.path("audit/000002.jsonl")).unwrap();
    place.clock.reboot("boot2", 2_000_000);
    let loaded = place
        .open()
        .load(&[], leasehold_store::Access::Decide)
        .map(drop);
    assert!(
        matches!(loaded, Err(StoreError::Damaged { .. })),
        "{loaded:?}"
    );
}

#[test]
fn a_changed_checkpoint_is_an_error_and_never_another_state() {
    let place = Place::new();
    furnish(&place);
    let store = place.open().with_segment_bytes(1);
    hold(&store, ask(90, &["gpu"]));
    release(&store, 90);
    let state = everything(&place.open());
    let saved = Saved::of(&place.root());
    let path = place.path("audit/000002.jsonl");
    let bytes = saved.get(&path).unwrap();
    // Every seventh byte keeps the test short.
    for index in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[index] ^= 0x01;
        fs::write(&path, &changed).unwrap();
        let store = place.open();
        assert!(store.verify().is_err(), "byte {index}");
        assert!(store.collect(0).is_err(), "byte {index}");
        assert!(path.exists() && place.log().exists(), "nothing was dropped");
        // What is asked beside it is judged by the records, which are whole.
        assert!(matches!(
            acquire(&store, ask(95, &["build"])),
            Verdict::Refused(_)
        ));
        saved.repair(&place.root());
    }
    assert_eq!(everything(&place.open()), state);
}

#[test]
fn power_loss_after_a_new_segment_takes_only_what_came_behind_it() {
    let place = Place::new();
    furnish(&place);
    let store = place.open().with_segment_bytes(1);
    hold(&store, ask(90, &["gpu"]));
    release(&store, 90);
    let state = everything(&place.open());
    let path = place.path("audit/000002.jsonl");
    let kept = fs::read(&path).unwrap().len();
    let last = hold(&place.open(), standing(91, "ada", &["gpu"]));
    let mut bytes = fs::read(&path).unwrap();
    bytes[kept..].fill(0);
    // A later page came to disk.
    bytes.extend_from_slice(b"{\"v\":1}\n");
    fs::write(&path, &bytes).unwrap();
    place.clock.reboot("boot2", 1_000_001);
    let store = place.open();
    assert_eq!(everything(&store), state);
    assert!(hold(&store, ask(92, &["gpu"])) > last);
    check_whole(&store);
    assert!(place.path(&format!("audit/000002.cut-at-{kept}")).exists());
}

/// What happens in a random history.
#[derive(Clone, Debug)]
enum Step {
    Lock(u128, usize),
    Wait(u128, usize),
    Release(u128),
    Timeout(u128),
    Pass(u64),
    Reboot,
    /// In one of two workspaces only.
    Collect(u64),
}

const NAMES: [&str; 5] = [
    "build",
    "path:src",
    "path:src/a",
    "path:src/*.rs",
    "issue:7",
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..12_u128, 0..NAMES.len()).prop_map(|(n, name)| Step::Lock(n, name)),
        3 => (20..32_u128, 0..NAMES.len()).prop_map(|(n, name)| Step::Wait(n, name)),
        4 => (1..32_u128).prop_map(Step::Release),
        2 => (20..32_u128).prop_map(Step::Timeout),
        2 => (1..400_000_u64).prop_map(Step::Pass),
        1 => Just(Step::Reboot),
        3 => prop_oneof![Just(0), 1..300_000_u64].prop_map(Step::Collect),
    ];
    prop::collection::vec(step, 1..60)
}

/// One workspace that goes through a history, collected or not.
struct Lived {
    place: Place,
    boots: u64,
}

impl Lived {
    fn step(&mut self, step: &Step) -> String {
        let store = self.place.open();
        let command = match step {
            Step::Lock(number, name) => Command::Ask(Ask {
                ttl: Some(Ttl::from_millis(300_000).unwrap()),
                ..standing(*number, "ada", &[NAMES[*name]])
            }),
            Step::Wait(number, name) => Command::Ask(waiting(*number, &[NAMES[*name]])),
            Step::Release(number) => release_command(*number),
            Step::Timeout(number) => Command::Timeout(id(*number)),
            Step::Pass(millis) => {
                self.place.clock.pass(*millis);
                return String::new();
            }
            Step::Reboot => {
                self.boots += 1;
                self.place
                    .clock
                    .reboot(&format!("next{}", self.boots), 2_000_000 * self.boots);
                return String::new();
            }
            Step::Collect(_) => return String::new(),
        };
        format!("{:?}", run(&store, &command))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_collection_at_any_moment_changes_nothing(steps in steps()) {
        let mut plain = Lived { place: Place::new(), boots: 0 };
        let mut collected = Lived { place: Place::new(), boots: 0 };
        for (number, step) in steps.iter().enumerate() {
            if let Step::Collect(keep_ms) = step {
                collected.place.open().collect(*keep_ms).unwrap();
            }
            // The same answers, tokens included.
            prop_assert_eq!(plain.step(step), collected.step(step), "step {}", number);
            let (one, other) = (plain.place.open(), collected.place.open());
            prop_assert_eq!(everything(&one), everything(&other), "after step {}", number);
        }
        check_whole(&collected.place.open());
        // The audit that is kept is the end of the whole one.
        let (all, kept) = (entries(&plain.place.open()), entries(&collected.place.open()));
        prop_assert!(all.ends_with(&kept));
    }
}

fn entries(store: &FileStore) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    let each = &mut |entry: Entry<'_>| {
        if let Entry::Commit { at, events } = entry {
            found.push((at.as_millis(), events.to_vec()));
        }
        true
    };
    store.read_audit(&Span::ALL, each).unwrap();
    found
}

/// Whoever gives something back is not disturbed; who looks is told.
#[test]
fn a_segment_that_cannot_be_begun_is_told_to_who_looks() {
    let place = Place::new();
    let store = place.open().with_segment_bytes(4_000);
    fs::create_dir(place.path("audit/000002.new")).unwrap();
    let mut overdue = None;
    for number in 1..100 {
        hold(&store, ask(number, &["build"]));
        release(&store, number);
        overdue = store.inspect().unwrap().overdue_bytes;
        if overdue.is_some() {
            break;
        }
    }
    assert!(
        overdue.is_some_and(|bytes| (12_000..14_000).contains(&bytes)),
        "{overdue:?}"
    );
    assert_eq!(segments(&place), ["000001.jsonl", "000002.new"]);
    assert!(store.collect(0).is_err());
    fs::remove_dir(place.path("audit/000002.new")).unwrap();
    for number in 200..203 {
        hold(&store, ask(number, &["build"]));
        release(&store, number);
    }
    assert_eq!(segments(&place), ["000001.jsonl", "000002.jsonl"]);
    assert_eq!(store.inspect().unwrap().overdue_bytes, None);
}

/// Somebody removed one by hand.
#[test]
fn what_lies_before_a_gap_is_told_and_dropped_all_the_same() {
    let place = Place::new();
    let store = place.open().with_segment_bytes(1);
    for number in 1..=4 {
        hold(&store, ask(number, &["build"]));
        release(&store, number);
    }
    fs::remove_file(place.path("audit/000003.jsonl")).unwrap();
    let problems = store.verify_history().unwrap();
    assert_eq!(problems, ["audit/000003.jsonl is missing"]);
    store.collect(0).unwrap();
    assert_eq!(segments(&place).len(), 1, "{:?}", segments(&place));
}
