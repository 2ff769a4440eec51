//! The stored format: an event is read as it was written, and anything else is refused or read as
//! something that can be written.

use super::corpus::Corpus;
use super::{ensure, mutate};
use crate::Random;
use leasehold_core::FencingToken;
use leasehold_core::event::{Event, RefusedFor};
use leasehold_store::conformance::sample::Draw;
use leasehold_store::format;
use std::sync::Arc;

/// Kinds of events there are.
const KINDS: u64 = 18;

pub(super) fn generate(random: &mut Random, corpus: &Corpus) -> Vec<u8> {
    let mut input = if random.one_in(4) && !corpus.inputs.is_empty() {
        random.pick(&corpus.inputs).clone()
    } else {
        let event = event(&mut Draw(random.next()));
        serde_json::to_vec(&format::Event::from(&event)).unwrap_or_default()
    };
    // One in three as it is: it must come back.
    match random.below(6) {
        0 | 1 => {}
        2 => mutate::number(random, &mut input),
        3 => mutate::strings(random, &mut input),
        _ => mutate::few(random, &mut input),
    }
    input
}

pub(super) fn check(input: &[u8]) -> Result<(), String> {
    // One in a few is drawn and written here: then it has to come back as it went.
    if input.len().is_multiple_of(3) {
        let seed = input.iter().fold(7_u64, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add((*byte).into())
        });
        let event = event(&mut Draw(seed));
        let back = read(&write(&event)?);
        ensure(back.as_ref() == Some(&event), || {
            format!("{event:?} comes back as {back:?}")
        })?;
    }
    let Some(event) = read(input) else {
        return Ok(());
    };
    let text = write(&event)?;
    ensure(!text.contains(&b'\n'), || {
        format!("{event:?} is more than one line")
    })?;
    let back = read(&text);
    ensure(back.as_ref() == Some(&event), || {
        format!("{event:?} is written and read back as {back:?}")
    })
}

fn read(text: &[u8]) -> Option<Event> {
    let stored: format::Event<'_> = serde_json::from_slice(text).ok()?;
    match Event::try_from(stored) {
        Ok(event) => Some(event),
        Err(error) => {
            // It is shown to people.
            assert!(!error.0.is_empty(), "it is refused without a word");
            None
        }
    }
}

fn write(event: &Event) -> Result<Vec<u8>, String> {
    serde_json::to_vec(&format::Event::from(event))
        .map_err(|error| format!("{event:?} cannot be written: {error}"))
}

/// Draws an event of any kind, with arbitrary things in it.
pub(super) fn event(draw: &mut Draw) -> Event {
    let token = FencingToken::new(draw.number() >> 11).unwrap_or(FencingToken::MAX);
    let number = draw.number() >> 12;
    let ticket = Arc::new(draw.ticket(number));
    let lease = Arc::new(if draw.one_in(3) {
        draw.unbound(&ticket, token)
    } else {
        draw.lease(number, token)
    });
    let cards: Vec<_> = (0..draw.below(3)).map(|_| draw.card()).collect();
    let freeze = Box::new(draw.freeze());
    let by = draw.identity();
    match draw.below(KINDS) {
        0 => Event::Refused {
            id: ticket.request,
            who: by,
            claims: lease.claims.clone(),
            reason: *draw.pick(&[RefusedFor::Held, RefusedFor::Queued, RefusedFor::Frozen]),
            by: draw.one_in(2).then_some(lease.id),
        },
        1 => Event::Queued {
            ticket,
            spent: cards.into_iter().next().map(Box::new),
        },
        2 => Event::Granted {
            lease,
            from: draw.one_in(2).then_some(ticket),
            spent: cards,
        },
        3 => Event::Bound { lease },
        4 => Event::Passed { lease, ticket },
        5 => Event::Renewed { lease },
        6 => Event::Released { lease },
        7 => Event::Forced { lease, by },
        8 => Event::Freed { lease },
        9 => Event::Orphaned { lease },
        10 => Event::Lapsed { lease },
        11 => Event::Parked { ticket },
        12 => Event::Resumed { ticket },
        13 => Event::Died { ticket, cards },
        14 => Event::Cancelled { ticket },
        15 => Event::Frozen { freeze },
        16 => Event::Thawed { freeze, by },
        _ => Event::Dropped {
            tickets: vec![ticket],
            cards,
            freezes: vec![*freeze],
        },
    }
}
