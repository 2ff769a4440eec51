//! Durations as Lokt's scripts write them and as its messages show them: those of Go's `time.Duration`
//! (the package documentation of `time`, `ParseDuration` and `Duration.String`). Days are read as well.

use crate::error::CliError;
use std::fmt::Write as _;

const NANOS_PER_MILLI: u128 = 1_000_000;
/// The units, with their nanoseconds.
const UNITS: [(&str, u128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Reads the milliseconds given to a flag.
///
/// What is shorter than a millisecond and not zero is refused: rounded down it would say the opposite.
pub(super) fn read(flag: &str, text: &str) -> Result<u64, CliError> {
    let refused = |what: &str| {
        CliError::usage(format!("--{flag} {text:?}: {what}"))
            .hint("write it like 90s, 5m, 1h30m or 500ms")
    };
    if text.starts_with('-') {
        return Err(refused("it must be positive"));
    }
    let nanos = nanos(text).map_err(refused)?;
    match u64::try_from(nanos / NANOS_PER_MILLI) {
        Ok(0) if nanos > 0 => Err(refused("it is shorter than a millisecond")),
        Ok(millis) => Ok(millis),
        Err(_) => Err(refused("it is too long")),
    }
}

fn nanos(text: &str) -> Result<u128, &'static str> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err("it is empty");
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, tail) = rest.split_at(number.ok_or("a number needs a unit")?);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, tail) = tail.split_at(unit.unwrap_or(tail.len()));
        let size = UNITS.iter().find(|(name, _)| *name == unit);
        let size = size.ok_or("units are ms, s, m, h and d")?.1;
        let length = times(number, size).ok_or("that is no number of anything")?;
        total = total.checked_add(length).ok_or("it is too long")?;
        rest = tail;
    }
    Ok(total)
}

/// Multiplies a decimal number; what is below one is dropped.
fn times(number: &str, size: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // More digits than nanoseconds of a day have mean nothing.
    let fraction = &fraction[..fraction.len().min(14)];
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part: u128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    whole.checked_mul(size)?.checked_add(part * size / scale)
}

/// Writes milliseconds: `1h0m0s`, `1m30s`, `1.5s`, `500ms`, `0s`.
pub(super) fn write(millis: u64) -> String {
    if millis == 0 {
        return "0s".into();
    }
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let (seconds, fraction) = (millis / 1_000, millis % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    let _ = write!(text, "{seconds}");
    if fraction > 0 {
        let _ = write!(text, ".{}", format!("{fraction:03}").trim_end_matches('0'));
    }
    text + "s"
}

/// The same in whole seconds, as ages are shown.
pub(super) fn seconds(millis: u64) -> String {
    write(millis / 1_000 * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads_is_read() {
        for (text, millis) in [
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("30m1h", 5_400_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("5.s", 5_000),
            ("+5s", 5_000),
            ("500ms", 500),
            ("1999ms", 1_999),
            ("1500us", 1),
            ("2000000ns", 2),
            ("3000µs", 3),
            ("0", 0),
            ("0s", 0),
            ("1d", 86_400_000),
        ] {
            assert_eq!(read("ttl", text).ok(), Some(millis), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_named() {
        for text in [
            "",
            "5",
            "-5m",
            "m",
            ".s",
            "1.2.3s",
            "5x",
            "5 m",
            "forever",
            "+",
            "1us",
            "999999ns",
            "99999999999999999999h",
            "1h-5m",
        ] {
            let error = read("ttl", text).unwrap_err();
            assert!(
                error.message.contains(&format!("--ttl {text:?}")),
                "{}",
                error.message
            );
        }
    }

    #[test]
    fn they_are_written_as_go_writes_them() {
        for (millis, text) in [
            (0, "0s"),
            (1, "1ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (12_034, "12.034s"),
            (60_000, "1m0s"),
            (90_000, "1m30s"),
            (1_800_000, "30m0s"),
            (3_600_000, "1h0m0s"),
            (86_400_000, "24h0m0s"),
        ] {
            assert_eq!(write(millis), text);
        }
        assert_eq!(seconds(12_999), "12s");
        assert_eq!(seconds(999), "0s");
    }
}
