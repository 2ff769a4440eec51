//! Durations: read as the slow reader here reads them, and written as they are read.

use super::corpus::Corpus;
use super::{ensure, mutate};
use crate::Random;
use leasehold_api::duration::{exact, parse, short};

/// The milliseconds of each unit, in the order in which they may come.
const UNITS: [(&str, u128); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

pub(super) fn generate(random: &mut Random, corpus: &Corpus) -> Vec<u8> {
    let mut text = String::new();
    if random.one_in(3) && !corpus.inputs.is_empty() {
        let mut input = random.pick(&corpus.inputs).clone();
        mutate::few(random, &mut input);
        return input;
    }
    // Mostly in order, so that long ones are durations too.
    for (unit, _) in UNITS {
        if random.one_in(2) {
            let number = match random.below(4) {
                0 => random.below(100),
                1 => random.number() >> random.below(64),
                2 => (u64::MAX / 86_400_000).wrapping_add(random.below(3)),
                _ => random.below(10_000),
            };
            text.push_str(&format!("{number}{unit}"));
        }
    }
    let mut input = text.into_bytes();
    if random.one_in(2) {
        mutate::once(random, &mut input);
    }
    input
}

pub(super) fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let read = parse(text).map(|duration| duration.as_millis());
    let slow = naive(text.trim());
    match (&read, slow) {
        (Ok(read), Some(slow)) => ensure(*read == slow, || {
            format!("{text:?} is {slow} ms, not {read}")
        })?,
        (Err(error), None) => {
            // It is quoted to people.
            let told = error.to_string();
            return ensure(!told.is_empty(), || {
                format!("{text:?} is refused without a word")
            });
        }
        (read, slow) => return Err(format!("{text:?} is {slow:?}, and read as {read:?}")),
    }
    let millis = u64::try_from(read.unwrap_or_default()).map_err(|_| "over 64 bits".to_string())?;
    let back = parse(&exact(millis)).map(|duration| duration.as_millis());
    ensure(back == Ok(u128::from(millis)), || {
        format!(
            "{millis} ms is written {:?} and read {back:?}",
            exact(millis)
        )
    })?;
    // For reading: rounded down, never up.
    let shown = short(millis);
    let about = naive(&shown).unwrap_or(0);
    ensure(about <= u128::from(millis) && !shown.is_empty(), || {
        format!("{millis} ms is shown as {shown}")
    })
}

/// Reads a duration, unit by unit.
fn naive(text: &str) -> Option<u128> {
    let (mut rest, mut total, mut units) = (text, 0_u128, &UNITS[..]);
    while !rest.is_empty() {
        let letters = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &rest[..rest.len() - letters.len()];
        let after = letters.trim_start_matches(|c: char| !c.is_ascii_digit());
        let unit = &letters[..letters.len() - after.len()];
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let number: u64 = number.parse().ok()?;
        total = total.checked_add(u128::from(number) * units[place].1)?;
        (units, rest) = (&units[place + 1..], after);
    }
    (!text.is_empty() && total <= u128::from(u64::MAX)).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_reader_reads() {
        assert_eq!(naive("1d2h3m4s5ms"), Some(93_784_005));
        for text in ["", "5", "m", "1s1m", "1s1s", "1x", "1.5h"] {
            assert_eq!(naive(text), None, "{text}");
        }
    }
}
