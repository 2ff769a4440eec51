//! Sealed lines: one JSON object on one line, with its length and checksum as the last members.
//!
//! `{"v":1,…,"len":N,"crc":"xxxxxxxx"}`: `len` counts the bytes before `,"len"`, `crc` is the CRC-32 of
//! all bytes before `,"crc"`. A line that was torn or changed anywhere does not open.

use leasehold_core::planted::Bug;
use leasehold_store::format::leading_number;

/// `,"crc":"xxxxxxxx"}`
const CRC_BYTES: usize = 18;

/// Closes a line that so far holds `{"v":1,…` without the closing brace.
pub(crate) fn seal(line: &mut Vec<u8>) {
    let len = line.len();
    line.extend_from_slice(format!(",\"len\":{len}").as_bytes());
    let crc = crc32fast::hash(line);
    line.extend_from_slice(format!(",\"crc\":\"{crc:08x}\"}}").as_bytes());
}

/// Returns whether a line (without its newline) is whole and unchanged.
pub(crate) fn is_whole(line: &[u8]) -> bool {
    content(line).is_some()
}

/// Returns the checksum that a line has in it, right or wrong.
pub(crate) fn checksum(line: &[u8]) -> Option<u32> {
    let end = line.get(line.len().checked_sub(CRC_BYTES)?..)?;
    let crc = end.strip_prefix(b",\"crc\":\"")?.strip_suffix(b"\"}")?;
    u32::from_str_radix(str::from_utf8(crc).ok()?, 16).ok()
}

/// Returns what was sealed, up to its length and checksum, if the line is whole and unchanged.
pub(crate) fn content(line: &[u8]) -> Option<&[u8]> {
    let (before, end) = line.split_at_checked(line.len().checked_sub(CRC_BYTES)?)?;
    let comma = before.iter().rposition(|byte| *byte == b',')?;
    if Bug::SkipChecksum.is_planted() {
        return Some(&before[..comma]);
    }
    let crc = end.strip_prefix(b",\"crc\":\"")?.strip_suffix(b"\"}")?;
    let is_sealed = crc == hexadecimal(crc32fast::hash(before)) && says_its_length(before, comma);
    is_sealed.then_some(&before[..comma])
}

/// Returns whether the last member, behind this comma, is the length up to there. A line of which
/// something else was changed still says that.
pub(crate) fn says_its_length(before: &[u8], comma: usize) -> bool {
    let mut digits = [0; 20];
    let digits = decimal(comma, &mut digits);
    before[comma..].strip_prefix(b",\"len\":") == Some(digits)
}

fn hexadecimal(number: u32) -> [u8; 8] {
    std::array::from_fn(|place| b"0123456789abcdef"[(number >> (28 - 4 * place) & 0xf) as usize])
}

fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

/// Returns the format version that a line says it has, also of one that does not open: a newer
/// format may be sealed in another way.
pub(crate) fn version(line: &[u8]) -> Option<u64> {
    let (version, rest) = leading_number(line.strip_prefix(b"{\"v\":")?)?;
    // One that ends with its text may be cut off.
    (!rest.is_empty()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_is_seen() {
        let mut line = b"{\"v\":1,\"at\":5".to_vec();
        seal(&mut line);
        assert!(is_whole(&line));
        assert_eq!(version(&line), Some(1));
        let begin = line.len() - CRC_BYTES;
        assert_eq!(checksum(&line), Some(crc32fast::hash(&line[..begin])));
        assert_eq!(checksum(b"\"}"), None);
        serde_json::from_slice::<serde_json::Value>(&line).unwrap();
        for place in 0..line.len() {
            assert!(!is_whole(&line[..place]), "cut at {place}");
            for bit in 0..8 {
                let mut changed = line.clone();
                changed[place] ^= 1 << bit;
                assert!(!is_whole(&changed), "bit {bit} of byte {place}");
            }
        }
    }
}
