//! Moments as people type them: how long ago (`8h`), a day, or a date with its time (RFC 3339).

use crate::duration::{self, DurationError};
use std::time::{Duration, SystemTime};

/// Why a text is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// It looks like a duration, and is none.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// It looks like neither.
    #[error("it is no moment: write how long ago, such as 8h, or a date such as 2026-11-21")]
    Neither,
    /// It looks like a date, and is none.
    #[error("it is no date: write 2026-11-21 or 2026-11-21T08:30:00Z")]
    Date,
    /// A time of which no one knows where.
    #[error("a time of day needs a zone: Z for UTC, or an offset such as +02:00")]
    NoZone,
    /// Before 1970 or after 9999.
    #[error("it is too far away")]
    TooFar,
}

const DAY_SECONDS: i64 = 86_400;

/// Reads a moment: a duration is counted back from `now`, a day alone begins at midnight UTC.
///
/// # Errors
/// [`MomentError`] says what is wrong with the text.
pub fn parse(text: &str, now: SystemTime) -> Result<SystemTime, MomentError> {
    let text = text.trim();
    let is_date = text.len() >= 5 && text.as_bytes()[..5].contains(&b'-');
    if text.starts_with(|c: char| c != '-' && !c.is_ascii_digit()) {
        return Err(MomentError::Neither);
    }
    if !is_date || text.starts_with('-') {
        let ago = duration::parse(text)?;
        let moment = now.checked_sub(ago);
        let moment = moment.filter(|moment| *moment >= SystemTime::UNIX_EPOCH);
        return moment.ok_or(MomentError::TooFar);
    }
    let (day, time) = text.split_at_checked(10).ok_or(MomentError::Date)?;
    let mut seconds = days(day)?
        .checked_mul(DAY_SECONDS)
        .ok_or(MomentError::TooFar)?;
    let mut millis = 0;
    if !time.is_empty() {
        let (of_day, fraction) = time_of_day(time)?;
        seconds += of_day;
        millis = fraction;
    }
    let seconds = u64::try_from(seconds).map_err(|_| MomentError::TooFar)?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis))
}

/// Returns the days from 1970 to `YYYY-MM-DD`.
///
/// The count is that of Howard Hinnant, "chrono-compatible low-level date algorithms" (2013).
fn days(day: &str) -> Result<i64, MomentError> {
    let parts: Vec<&str> = day.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return Err(MomentError::Date);
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return Err(MomentError::Date);
    }
    let year_of_march = if month <= 2 { year - 1 } else { year };
    let era = year_of_march.div_euclid(400);
    let year_of_era = year_of_march.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(era * 146_097 + day_of_era - 719_468)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

/// Reads `THH:MM[:SS[.fraction]]` and a zone; returns the seconds in UTC, and the milliseconds.
fn time_of_day(text: &str) -> Result<(i64, u64), MomentError> {
    let text = text
        .strip_prefix(['T', 't', ' '])
        .ok_or(MomentError::Date)?;
    let zone = text.find(['Z', 'z', '+', '-']).ok_or(MomentError::NoZone)?;
    let (time, zone) = text.split_at(zone);
    let mut parts = time.split(':');
    let hours = number(parts.next().unwrap_or_default(), 2)?;
    let minutes = number(parts.next().ok_or(MomentError::Date)?, 2)?;
    let (whole, fraction) = match parts.next().unwrap_or("00").split_once('.') {
        Some((whole, fraction)) => (whole.to_owned(), Some(fraction.to_owned())),
        None => (time.splitn(3, ':').nth(2).unwrap_or("00").to_owned(), None),
    };
    let seconds = number(&whole, 2)?;
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return Err(MomentError::Date);
    }
    let millis = fraction.as_deref().map_or(Ok(0), millis)?;
    Ok((
        hours * 3600 + minutes * 60 + seconds - offset(zone)?,
        millis,
    ))
}

fn millis(fraction: &str) -> Result<u64, MomentError> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MomentError::Date);
    }
    let padded: String = fraction.chars().chain("00".chars()).take(3).collect();
    padded.parse().map_err(|_| MomentError::Date)
}

/// Returns how many seconds a zone is ahead of UTC.
fn offset(zone: &str) -> Result<i64, MomentError> {
    if zone.eq_ignore_ascii_case("z") {
        return Ok(0);
    }
    let (sign, rest) = zone.split_at(1);
    let (hours, minutes) = rest.split_once(':').ok_or(MomentError::NoZone)?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return Err(MomentError::NoZone);
    }
    let seconds = hours * 3600 + minutes * 60;
    Ok(if sign == "-" { -seconds } else { seconds })
}

fn number(text: &str, digits: usize) -> Result<i64, MomentError> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.ok_or(MomentError::Date)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T08:30:15.250Z
    const NOW_MS: u64 = 1_795_249_815_250;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(NOW_MS);
        let found = match parse(text, now) {
            Ok(moment) => humantime::format_rfc3339_millis(moment).to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn moments_are_read_as_they_are_typed() {
        check("8h", "2026-11-21T00:30:15.250Z");
        check("0s", "2026-11-21T08:30:15.250Z");
        check("1d12h", "2026-11-19T20:30:15.250Z");
        check("2026-11-20", "2026-11-20T00:00:00.000Z");
        check("2024-02-29", "2024-02-29T00:00:00.000Z");
        check("1970-01-01", "1970-01-01T00:00:00.000Z");
        check("2026-11-20T23:59:59Z", "2026-11-20T23:59:59.000Z");
        check("2026-11-20 07:05Z", "2026-11-20T07:05:00.000Z");
        check("2026-11-20T23:59:59.5+02:00", "2026-11-20T21:59:59.500Z");
        check(
            "2026-11-20T23:59:59.12345-01:30",
            "2026-11-21T01:29:59.123Z",
        );
    }

    #[test]
    fn what_is_none_is_refused() {
        let no_date = "it is no date: write 2026-11-21 or 2026-11-21T08:30:00Z";
        for text in [
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "2026-11-21T25:00Z",
            "2026-11-21T10Z",
            "2026-11-21x",
            "2026-11-21T10:00:00:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-é1-21",
        ] {
            check(text, no_date);
        }
        let no_zone = "a time of day needs a zone: Z for UTC, or an offset such as +02:00";
        check("2026-11-21T10:00", no_zone);
        check("2026-11-21T10:00+02", no_zone);
        check("1969-12-31", "it is too far away");
        check("999999d", "it is too far away");
        let neither =
            "it is no moment: write how long ago, such as 8h, or a date such as 2026-11-21";
        check("yesterday", neither);
        check("é", neither);
        check("5", "a number needs a unit: write 5s, 5m or 5h");
        check("-5m", "it is negative");
        check("", "it is empty");
    }
}
