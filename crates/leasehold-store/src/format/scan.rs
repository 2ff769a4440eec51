//! Looking through stored JSON eight bytes at a time: where a text ends, or a number.
//!
//! Eight bytes are compared at once as one number (the determination of a zero byte, from "Bit Twiddling
//! Hacks" by Sean Eron Anderson). What that says of bytes behind the first one found may be wrong, so only
//! the first is asked for.

/// One in each byte.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of each byte.
const HIGHS: u64 = ONES << 7;

/// Returns where the first quote or backslash is.
#[inline]
pub(super) fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    first(bytes, |eight| equal(eight, b'"') | equal(eight, b'\\'))
}

/// Returns where the first byte is that is not ASCII that is shown, or is a quote or a backslash.
#[inline]
pub(super) fn not_plain(bytes: &[u8]) -> Option<usize> {
    first(bytes, |eight| {
        let control = eight.wrapping_sub(ONES * u64::from(b' ')) & !eight;
        let special = equal(eight, b'"') | equal(eight, b'\\') | equal(eight, 0x7f);
        control | eight | special
    })
}

/// Returns where the first byte is that may stand behind a number.
#[inline]
pub(super) fn number_end(bytes: &[u8]) -> Option<usize> {
    first(bytes, |eight| {
        equal(eight, b',') | equal(eight, b'}') | equal(eight, b']')
    })
}

/// Returns where the first quote, bracket or brace is.
#[inline]
pub(super) fn quote_or_bracket(bytes: &[u8]) -> Option<usize> {
    first(bytes, |eight| {
        // Brackets differ from braces in this bit only.
        let braces = eight | (ONES * 0x20);
        equal(eight, b'"') | equal(braces, b'{') | equal(braces, b'}')
    })
}

/// Returns a number whose lowest byte with its highest bit set is where `byte` is first.
#[inline]
const fn equal(eight: u64, byte: u8) -> u64 {
    let zero = eight ^ (ONES * byte as u64);
    zero.wrapping_sub(ONES) & !zero
}

/// Returns where the first byte is that is marked by its highest bit.
#[inline]
fn first(bytes: &[u8], mark: impl Fn(u64) -> u64) -> Option<usize> {
    let place = |eight| {
        let marks = mark(u64::from_le_bytes(eight)) & HIGHS;
        (marks != 0).then(|| (marks.trailing_zeros() / 8) as usize)
    };
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk() {
        if let Some(place) = place(*eight) {
            return Some(bytes.len() - rest.len() + place);
        }
        rest = behind;
    }
    let (begin, last) = match bytes.last_chunk() {
        // Once more some of those before it, in which there is none.
        Some(last) => (bytes.len() - 8, *last),
        None => {
            let last = rest.iter().rev();
            let last = last.fold(0, |last, byte| last << 8 | u64::from(*byte));
            (0, last.to_le_bytes())
        }
    };
    // Whatever fills it up is behind them.
    let found = begin + place(last)?;
    (found < bytes.len()).then_some(found)
}

/// Reads the number that a text begins with; returns also what comes behind it. It is of digits only.
#[inline]
#[must_use]
pub fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut rest) = (0_u64, text);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        number = number.checked_mul(10)?.checked_add((digit - b'0').into())?;
        rest = behind;
    }
    (rest.len() < text.len()).then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Scan = fn(&[u8]) -> Option<usize>;
    type Stop = fn(u8) -> bool;

    /// Each with what it looks for.
    const SCANS: [(Scan, Stop); 4] = [
        (quote_or_escape, |byte| matches!(byte, b'"' | b'\\')),
        (not_plain, |byte| {
            !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\')
        }),
        (number_end, |byte| matches!(byte, b',' | b'}' | b']')),
        (quote_or_bracket, |byte| {
            matches!(byte, b'"' | b'{' | b'[' | b'}' | b']')
        }),
    ];

    #[test]
    fn every_byte_is_found_at_every_place() {
        for (scan, stop) in SCANS {
            for byte in 0..=u8::MAX {
                for len in 1..20 {
                    for place in 0..len {
                        let mut text = vec![b'x'; len];
                        text[place] = byte;
                        assert_eq!(scan(&text), stop(byte).then_some(place), "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_number_is_read_up_to_what_is_none() {
        let read = |text: &'static str| leading_number(text.as_bytes());
        assert_eq!(read("0"), Some((0, &b""[..])));
        assert_eq!(read("0017,"), Some((17, &b","[..])));
        assert_eq!(read("18446744073709551615}"), Some((u64::MAX, &b"}"[..])));
        for none in [
            "",
            "-1",
            "+1",
            "x",
            "18446744073709551616",
            "99999999999999999999999",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_first_one_is_found(text in prop::collection::vec(any::<u8>(), 0..40)) {
            for (scan, stop) in SCANS {
                prop_assert_eq!(scan(&text), text.iter().position(|byte| stop(*byte)));
            }
        }
    }
}
