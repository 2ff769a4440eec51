//! That what is listed is what [`State`] makes of the same lines.

use super::*;
use crate::log::{Checkpoint, commit_line, head_line, parse_commit};
use leasehold_core::event::Event;
use leasehold_core::lease::{Holder, Kind, Pickup};
use leasehold_core::view::{Counters, View};
use leasehold_core::{FencingToken, Identity, Lease, LeaseId, Timestamp};
use leasehold_store::Listing;
use leasehold_store::conformance::listing::check_listing;
use leasehold_store::conformance::sample::{Draw, EVENT_KINDS};
use proptest::prelude::*;
use std::sync::Arc;

const SEGMENT: u32 = 3;

/// A lease of one of few ids; mostly one of those that are read in place.
fn lease(draw: &mut Draw) -> Arc<Lease> {
    let token = FencingToken::new(draw.below(1 << 50)).unwrap();
    let lease = draw.lease(draw_number(token), token);
    let mut lease = Lease {
        id: LeaseId::new(u128::from(draw.below(6))),
        ..lease
    };
    if !draw.one_in(4) {
        lease.claims.retain(|claim| claim.slots.is_none());
        lease.claims.truncate(1);
        lease.who = Identity::named("ada", "h");
        lease.kind = Kind::Standing;
        lease.pickup = Pickup::Bound;
        lease.holder = Holder::default();
        (lease.inside, lease.slots, lease.orphaned) = (Vec::new(), Vec::new(), None);
    }
    Arc::new(lease)
}

fn draw_number(token: FencingToken) -> u64 {
    token.get() >> 1
}

fn event(draw: &mut Draw) -> Event {
    let lease = lease(draw);
    match draw.below(12) {
        0..=3 => Event::Granted {
            lease,
            from: None,
            spent: Vec::new(),
        },
        4 => Event::Bound { lease },
        5 => Event::Renewed { lease },
        6 => Event::Released { lease },
        7 => Event::Freed { lease },
        8 => Event::Lapsed { lease },
        9 => Event::Forced {
            lease,
            by: draw.identity(),
        },
        _ => {
            let kind = draw.below(EVENT_KINDS);
            draw.event(kind)
        }
    }
}

fn log(draw: &mut Draw) -> Vec<String> {
    let mut leases: Vec<Arc<Lease>> = (0..draw.below(4)).map(|_| lease(draw)).collect();
    leases.sort_by_key(|lease| lease.id);
    leases.dedup_by_key(|lease| lease.id);
    let checkpoint = Checkpoint {
        at: Timestamp::from_millis(1),
        after: 7,
        counters: Counters::default(),
        leases,
        tickets: Vec::new(),
        freezes: (0..draw.below(2)).map(|_| draw.freeze()).collect(),
        cards: (0..draw.below(2)).map(|_| draw.card()).collect(),
    };
    let checkpoint = (!draw.one_in(3)).then_some(&checkpoint);
    let head = head_line(SEGMENT, "0123456789abcdef", checkpoint);
    let commits = (0..draw.below(8)).map(|at| {
        let events: Vec<Event> = (0..=draw.below(2)).map(|_| event(draw)).collect();
        commit_line(Timestamp::from_millis(at), &events)
    });
    let lines = std::iter::once(head).chain(commits);
    lines.map(|line| String::from_utf8(line).unwrap()).collect()
}

/// What [`State`] makes of it.
fn whole(text: &str) -> Option<View> {
    let mut state = State::default();
    for (place, line) in text.split_inclusive('\n').enumerate() {
        let line = line.strip_suffix('\n')?.as_bytes();
        line::content(line)?;
        if place == 0 {
            let head = Head::parse(line)
                .ok()
                .filter(|head| head.segment == SEGMENT)?;
            head.checkpoint
                .into_iter()
                .for_each(|checkpoint| state.restore(checkpoint));
        } else {
            let commit = parse_commit(line).ok()?;
            state.apply(commit.at, &commit.events);
        }
    }
    Some(shown(state))
}

fn shown(state: State) -> View {
    let mut view = View::whole(Timestamp::default());
    state.show(&mut view);
    view
}

/// What is listed of a log that begins with a text, and goes on behind it.
fn listed(text: &str) -> Option<Sheet> {
    let place = tempfile::tempdir().unwrap();
    let root = Root::open(place.path()).unwrap();
    let segment = Segment::create(&root, SEGMENT).unwrap();
    segment.append(0, text.as_bytes()).unwrap();
    let end = text.len() as u64;
    let sheet = fold(&root, &segment, end).unwrap();
    segment.append(end, b"not yet\nnor this").unwrap();
    let again = fold(&root, &segment, end).unwrap();
    let is_end = text.is_empty() || text.ends_with('\n');
    assert_eq!(again.is_some(), sheet.is_some() && is_end);
    sheet
}

/// Checks that what is listed is what is there; returns whether anything is listed.
#[track_caller]
fn check(text: &str) -> bool {
    let Some(Sheet {
        standing,
        texts,
        others,
        ..
    }) = listed(text)
    else {
        return false;
    };
    let whole = whole(text).expect("what is listed can be read");
    let listing = Listing::new(shown(others), texts, standing);
    check_listing(&listing, &whole);
    true
}

#[test]
fn another_segment_is_none() {
    let line = String::from_utf8(head_line(SEGMENT + 1, "w", None)).unwrap();
    assert!(!check(&line));
    assert!(check(
        &String::from_utf8(head_line(SEGMENT, "w", None)).unwrap()
    ));
}

#[test]
fn standing_leases_are_left_in_place() {
    let mut draw = Draw::new(5);
    let many = (0..200).filter(|_| {
        let text = log(&mut draw).concat();
        listed(&text).is_some_and(|sheet| sheet.standing.len() > 1)
    });
    assert!(many.count() > 50);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn what_is_listed_is_what_is_there(seed in any::<u64>()) {
        prop_assert!(check(&log(&mut Draw::new(seed)).concat()));
    }

    #[test]
    fn what_is_no_line_is_not_listed(
        seed in any::<u64>(), place in any::<prop::sample::Index>(), byte in 0_u8..0x7f,
    ) {
        let mut text = log(&mut Draw::new(seed)).concat().into_bytes();
        let place = place.index(text.len());
        let old = std::mem::replace(&mut text[place], byte);
        if let Ok(text) = String::from_utf8(text) {
            prop_assert_eq!(check(&text), old == byte, "{}", text);
        }
    }

    #[test]
    fn what_is_sealed_and_makes_no_sense_is_not_listed(
        seed in any::<u64>(), place in any::<prop::sample::Index>(), byte in b' '..b'~',
    ) {
        let mut draw = Draw::new(seed);
        let mut lines = log(&mut draw);
        let number = draw.index(lines.len());
        let content = line::content(lines[number].trim_end().as_bytes()).unwrap();
        let mut changed = content.to_vec();
        let place = place.index(changed.len());
        changed[place] = byte;
        line::seal(&mut changed);
        changed.push(b'\n');
        if let Ok(line) = String::from_utf8(changed) {
            lines[number] = line;
            check(&lines.concat());
        }
    }

    #[test]
    fn a_log_without_its_end_is_not_listed(seed in any::<u64>(), end in any::<prop::sample::Index>()) {
        let text = log(&mut Draw::new(seed)).concat();
        let end = end.index(text.len());
        if let Some(beginning) = text.get(..end) {
            prop_assert_eq!(check(beginning), beginning.is_empty() || beginning.ends_with('\n'));
        }
    }
}
