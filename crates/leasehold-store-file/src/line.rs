//! Sealed lines: one JSON object on one line, with its length and checksum as the last members.
//!
//! `{"v":1,…,"len":N,"crc":"xxxxxxxx"}`: `len` counts the bytes before `,"len"`, `crc` is the CRC-32 of
//! all bytes before `,"crc"`. A line that was torn or changed anywhere does not open.

use leasehold_core::planted::Bug;

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
    let Some(split) = line.len().checked_sub(CRC_BYTES) else {
        return false;
    };
    let (before, end) = line.split_at(split);
    if Bug::SkipChecksum.is_planted() {
        return true;
    }
    if end != format!(",\"crc\":\"{:08x}\"}}", crc32fast::hash(before)).as_bytes() {
        return false;
    }
    let Some(comma) = before.iter().rposition(|byte| *byte == b',') else {
        return false;
    };
    before[comma..] == *format!(",\"len\":{comma}").as_bytes()
}

/// Returns the format version that a line says it has, also of one that does not open: a newer
/// format may be sealed in another way.
pub(crate) fn version(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(b"{\"v\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
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
