//! The header in `mutex`: how far things have been brought. One line of text with a checksum, always
//! written whole, within one sector.

use leasehold_core::FencingToken;
use leasehold_core::view::Counters;

/// The version of the root's format.
pub(crate) const VERSION: u64 = 1;
/// Size of the line, padding and newline included.
pub(crate) const HEADER_BYTES: usize = 320;
/// Where the second line begins, which names who is inside. It has no checksum: it is only for a
/// message.
pub(crate) const INSIDE_OFFSET: u64 = HEADER_BYTES as u64;

/// What `mutex` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The name of the workspace: 32 hexadecimal digits.
    pub(crate) workspace: String,
    /// The boot epoch: the high bits of the tokens.
    pub(crate) epoch: u32,
    /// The boot in which the epoch and the anchor were fixed.
    pub(crate) boot: String,
    /// What to add to the boot-time clock, in milliseconds.
    pub(crate) anchor_ms: i64,
    /// The number of the segment that is written to.
    pub(crate) segment: u32,
    /// How much of that segment the records hold.
    pub(crate) applied: u64,
    /// The last numbers given out.
    pub(crate) counters: Counters,
    /// The time of the last commit.
    pub(crate) last_ms: u64,
}

/// Why a header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is not whole, or not there. The log knows most of it.
    Torn,
    /// It is of a newer version.
    Newer(u64),
}

impl Header {
    /// Returns the line, or nothing where a number has grown beyond all measure.
    pub(crate) fn encode(&self) -> Option<[u8; HEADER_BYTES]> {
        let mut text = format!(
            "leasehold {VERSION} workspace={} epoch={} boot={} anchor={} segment={} applied={} \
             number={} token={} last={}",
            self.workspace,
            self.epoch,
            self.boot,
            self.anchor_ms,
            self.segment,
            self.applied,
            self.counters.number,
            self.counters.token,
            self.last_ms
        );
        let crc = crc32fast::hash(text.as_bytes());
        text.push_str(&format!(" crc={crc:08x}\n"));
        let mut bytes = [b' '; HEADER_BYTES];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        // A last newline, so that the next line of the file is one.
        bytes[HEADER_BYTES - 1] = b'\n';
        (text.len() < HEADER_BYTES).then_some(bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let line = std::str::from_utf8(line).map_err(|_| Unreadable::Torn)?;
        let version = line
            .strip_prefix("leasehold ")
            .and_then(|rest| rest.split(' ').next());
        let version: Option<u64> = version.and_then(|digits| digits.parse().ok());
        if let Some(newer) = version.filter(|version| *version > VERSION) {
            return Err(Unreadable::Newer(newer));
        }
        Self::parse(line).ok_or(Unreadable::Torn)
    }

    fn parse(line: &str) -> Option<Self> {
        let (text, crc) = line.rsplit_once(" crc=")?;
        if crc != format!("{:08x}", crc32fast::hash(text.as_bytes())) {
            return None;
        }
        let mut members = text.split(' ').skip(2);
        let mut next = |name: &str| members.next()?.strip_prefix(name)?.strip_prefix('=');
        Some(Self {
            workspace: next("workspace")?.into(),
            epoch: next("epoch")?.parse().ok()?,
            boot: next("boot")?.into(),
            anchor_ms: next("anchor")?.parse().ok()?,
            segment: next("segment")?.parse().ok()?,
            applied: next("applied")?.parse().ok()?,
            counters: Counters {
                number: next("number")?.parse().ok()?,
                token: FencingToken::new(next("token")?.parse().ok()?)?,
            },
            last_ms: next("last")?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            workspace: "0123456789abcdef0123456789abcdef".into(),
            epoch: (1 << 21) - 1,
            boot: "0123456789abcdef0123456789abcdef".into(),
            anchor_ms: i64::MIN,
            segment: u32::MAX,
            applied: u64::MAX,
            counters: Counters {
                number: u64::MAX,
                token: FencingToken::MAX,
            },
            last_ms: u64::MAX,
        }
    }

    #[test]
    fn the_largest_header_fits() {
        let bytes = header().encode().unwrap();
        assert_eq!(Header::decode(&bytes), Ok(header()));
    }

    #[test]
    fn any_change_of_the_line_is_seen() {
        let bytes = header().encode().unwrap();
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        for place in 0..=line {
            for bit in 0..8 {
                let mut changed = bytes;
                changed[place] ^= 1 << bit;
                assert!(
                    Header::decode(&changed).is_err(),
                    "bit {bit} of byte {place}"
                );
            }
        }
        for cut in 0..=line {
            assert_eq!(
                Header::decode(&bytes[..cut]).is_err(),
                cut < line,
                "cut at {cut}"
            );
        }
    }
}
