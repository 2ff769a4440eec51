//! That it is read in place as serde reads it, and nothing else is.

use super::*;
use crate::conformance::listing::check_standing;
use crate::conformance::sample::{Draw, EVENT_KINDS};
use crate::format;
use crate::format::changed::changed;
use leasehold_core::event::{Change, Event};
use leasehold_core::lease::{Holder, Kind};
use leasehold_core::{Claim, Identity, Lease};
use proptest::prelude::*;
use std::sync::Arc;

/// What a commit of one event does, as it is read in place; none where it is no event.
fn read(text: &str) -> Option<Piece<'_, Event>> {
    let mut pieces = Vec::new();
    let end = each_change(text, &mut |piece| pieces.push(piece)).ok()?;
    assert!(end <= text.len());
    (pieces.len() == 1 && end == text.len())
        .then(|| pieces.pop())
        .flatten()
}

fn decoded(text: &str) -> Option<Event> {
    let [stored] = serde_json::from_str::<[format::Event<'_>; 1]>(text).ok()?;
    stored.try_into().ok()
}

/// Checks that a text is read in place as serde reads it.
fn check(text: &str) {
    let event = decoded(text);
    let Some(piece) = read(text) else {
        assert_eq!(event, None, "{text}");
        return;
    };
    let event = event.unwrap_or_else(|| panic!("serde reads nothing in {text}"));
    let mut changes = 0;
    event.for_each_change(|change| {
        changes += 1;
        match (&piece, change) {
            (Piece::Put(standing), Change::PutLease(lease)) => {
                check_standing(standing, lease);
                let mut texts = "other texts".to_owned();
                let placed = standing.with_texts(|text| Place::appended(text, &mut texts));
                let again = placed.unwrap().with_texts(|place| place.text(&texts));
                assert_eq!(again, Some(*standing));
                assert_eq!(placed.unwrap().with_texts(|place| place.text("")), None);
            }
            (Piece::Drop(id), Change::DropLease(lease)) => {
                assert_eq!(*id, lease.id.to_string());
            }
            (Piece::Other(other), _) => assert_eq!(*other, event),
            (piece, change) => panic!("{piece:?} and {change:?} in {text}"),
        }
    });
    assert!(changes == 1 || matches!(piece, Piece::Other(_)), "{text}");
}

/// A lease of the shape in which nearly all standing leases are.
fn usual(draw: &mut Draw) -> Lease {
    let claims = ["build", "path:src/a", "issue:7", "path:a\\*b"];
    let claims = claims.map(|text| Claim::new(Resource::parse(text).unwrap(), Intent::Consumes));
    let token = FencingToken::new(draw.below(1 << 53)).unwrap();
    let lease = draw.lease(1, token);
    let mut who = Identity::nameless("ada", "h-1.x");
    who.session = draw.one_in(2).then(|| "s 1".into());
    who.explicit = draw.one_in(2);
    Lease {
        who,
        claims: claims[..=draw.index(3)].to_vec(),
        kind: Kind::Standing,
        inside: Vec::new(),
        slots: Vec::new(),
        orphaned: None,
        holder: Holder::default(),
        ..lease
    }
}

fn of_usual(draw: &mut Draw) -> Event {
    let lease = Arc::new(usual(draw));
    let by = draw.identity();
    match draw.below(8) {
        0 | 1 => Event::Granted {
            lease,
            from: None,
            spent: Vec::new(),
        },
        2 => Event::Bound { lease },
        3 => Event::Renewed { lease },
        4 => Event::Released { lease },
        5 => Event::Freed { lease },
        6 => Event::Lapsed { lease },
        _ => Event::Forced { lease, by },
    }
}

fn written(event: &Event) -> String {
    String::from_utf8(format::events_json(std::slice::from_ref(event))).unwrap()
}

#[test]
fn the_usual_shape_is_read_in_place() {
    for seed in 0..500 {
        let event = of_usual(&mut Draw::new(seed));
        let text = written(&event);
        let piece = read(&text).unwrap();
        let is_other = matches!(piece, Piece::Other(_));
        assert_eq!(is_other, matches!(event, Event::Forced { .. }), "{text}");
        check(&text);
    }
}

#[test]
fn what_is_cut_off_is_nothing() {
    let text = written(&of_usual(&mut Draw::new(1)));
    for end in 0..text.len() {
        assert!(read(&text[..end]).is_none(), "cut at {end}");
    }
}

#[test]
fn leases_in_an_array_are_all_put() {
    let mut draw = Draw::new(7);
    let other = draw.lease(1, FencingToken::new(3).unwrap());
    let other = Lease {
        kind: Kind::Scoped,
        ..other
    };
    let leases = [usual(&mut draw), other, usual(&mut draw)];
    let stored: Vec<format::Lease<'_>> = leases.iter().map(Into::into).collect();
    let text = serde_json::to_string(&stored).unwrap();
    let longer = format!("{text},\"tickets\":[]");
    let mut seen = Vec::new();
    let end = each_lease(&longer, &mut |piece| seen.push(piece)).unwrap();
    assert_eq!(&longer[..end], text);
    let [Piece::Put(a), Piece::Other(b), Piece::Put(c)] = &seen[..] else {
        panic!("{seen:?}");
    };
    check_standing(a, &leases[0]);
    check_standing(c, &leases[2]);
    assert_eq!(*b, serde_json::to_string(&stored[1]).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]
    #[test]
    fn it_is_read_as_serde_reads_it(seed in any::<u64>(), kind in 0..EVENT_KINDS) {
        let mut draw = Draw::new(seed);
        check(&written(&draw.event(kind)));
        let usual = written(&of_usual(&mut draw));
        check(&changed(&usual, &mut draw));
    }

    #[test]
    fn a_changed_byte_is_read_as_serde_reads_it(
        seed in any::<u64>(), place in any::<prop::sample::Index>(), byte in 0_u8..0x7f,
    ) {
        let mut text = written(&of_usual(&mut Draw::new(seed))).into_bytes();
        let place = place.index(text.len());
        text[place] = byte;
        let text = String::from_utf8(text);
        prop_assume!(text.is_ok());
        check(&text.unwrap());
    }
}
