//! Durations as people type and read them: `90s`, `5m`, `1h30m`, `24h`, `500ms`.

use std::fmt::Write as _;
use std::time::Duration;

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// A minus sign.
    #[error("it is negative")]
    Negative,
    /// A number without a unit.
    #[error("a number needs a unit: write {0}s, {0}m or {0}h")]
    NoUnit(String),
    /// Not a unit that is known.
    #[error("{0:?} is not a unit; units are ms, s, m, h and d")]
    Unit(String),
    /// Not a whole number.
    #[error("{0:?} is not a whole number")]
    Number(String),
    /// The same or a larger unit after a smaller one.
    #[error("units go from large to small, each once")]
    Order,
    /// More than 64 bits of milliseconds.
    #[error("it is too long")]
    TooLong,
}

/// The units, from large to small, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a duration: whole numbers with units, from large to small. Zero is a duration.
///
/// # Errors
/// [`DurationError`] says what is wrong with the text.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    match rest.chars().next() {
        None => return Err(DurationError::Empty),
        Some('-') => return Err(DurationError::Negative),
        Some(_) => {}
    }
    let (mut total, mut unit_from) = (0_u64, 0);
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return Err(DurationError::Number(rest.into()));
        }
        if unit.is_empty() {
            return Err(DurationError::NoUnit(number.into()));
        }
        if unit.contains(['.', ',']) {
            return Err(DurationError::Number(rest.into()));
        }
        let place = UNITS.iter().position(|(name, _)| *name == unit);
        let place = place.ok_or_else(|| DurationError::Unit(unit.into()))?;
        if place < unit_from {
            return Err(DurationError::Order);
        }
        unit_from = place + 1;
        let number: u64 = number.parse().map_err(|_| DurationError::TooLong)?;
        let millis = number.checked_mul(UNITS[place].1);
        total = millis
            .and_then(|ms| total.checked_add(ms))
            .ok_or(DurationError::TooLong)?;
        rest = tail;
    }
    Ok(Duration::from_millis(total))
}

/// Writes milliseconds as [`parse`] reads them, exactly.
#[must_use]
pub fn exact(mut millis: u64) -> String {
    if millis == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (name, size) in UNITS {
        if millis >= size {
            let _ = write!(text, "{}{name}", millis / size);
            millis %= size;
        }
    }
    text
}

/// Writes milliseconds for a reader: the two largest units that are not zero, rounded down; tenths of
/// a second below ten.
#[must_use]
pub fn short(millis: u64) -> String {
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    if millis < 10_000 {
        let (whole, tenths) = (millis / 1_000, millis % 1_000 / 100);
        return match tenths {
            0 => format!("{whole}s"),
            _ => format!("{whole}.{tenths}s"),
        };
    }
    let (mut text, mut rest, mut shown) = (String::new(), millis / 1_000 * 1_000, 0);
    for (name, size) in UNITS {
        if rest >= size && shown < 2 {
            text.extend([&(rest / size).to_string(), name]);
            (rest, shown) = (rest % size, shown + 1);
        } else if shown == 1 {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_units() {
        let cases = [
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("24h", 86_400_000),
            ("500ms", 500),
            ("1d2h3m4s5ms", 93_784_005),
            ("0s", 0),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        use DurationError as E;
        let cases = [
            ("", E::Empty),
            ("  ", E::Empty),
            ("-5s", E::Negative),
            ("5", E::NoUnit("5".into())),
            ("1h30", E::NoUnit("30".into())),
            ("5x", E::Unit("x".into())),
            ("5M", E::Unit("M".into())),
            ("5 m", E::Unit(" m".into())),
            ("m", E::Number("m".into())),
            ("1.5h", E::Number("1.5h".into())),
            ("+5s", E::Number("+5s".into())),
            ("5s1m", E::Order),
            ("5s5s", E::Order),
            ("99999999999999999999s", E::TooLong),
            ("18446744073709551615s", E::TooLong),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn exact_text_is_read_back() {
        for millis in [0, 1, 999, 1_000, 61_001, 93_784_005, u64::from(u32::MAX)] {
            assert_eq!(parse(&exact(millis)), Ok(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn short_text_is_for_reading() {
        let cases = [
            (12, "12ms"),
            (1_000, "1s"),
            (1_250, "1.2s"),
            (12_900, "12s"),
            (60_000, "1m"),
            (61_000, "1m1s"),
            (3_600_000, "1h"),
            (3_601_000, "1h"),
            (5_400_500, "1h30m"),
            (90_061_000, "1d1h"),
        ];
        for (millis, text) in cases {
            assert_eq!(short(millis), text);
        }
    }
}
