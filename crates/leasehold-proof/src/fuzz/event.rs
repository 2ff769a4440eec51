//! The stored format: an event is read as it was written, and anything else is refused or read as
//! something that can be written.

use super::corpus::Corpus;
use super::{ensure, mutate};
use crate::Random;
use leasehold_core::event::Event;
use leasehold_store::conformance::sample::{Draw, EVENT_KINDS};
use leasehold_store::format;

pub(super) fn generate(random: &mut Random, corpus: &Corpus) -> Vec<u8> {
    let mut input = if random.one_in(4) && !corpus.inputs.is_empty() {
        random.pick(&corpus.inputs).clone()
    } else {
        let event = event(random);
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
        let event = event(&mut Draw::new(seed));
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
    let kind = draw.below(EVENT_KINDS);
    draw.event(kind)
}
