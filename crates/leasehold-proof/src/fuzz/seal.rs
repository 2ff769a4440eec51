//! Seals made good: what a mutation changed has a valid checksum again, so that what stands behind the
//! checksum is tried.
//!
//! Written from the documentation of the format and not with the store's own code.

/// CRC-32 as zip and PNG have it, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let mut crc = crc ^ u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// Seals every line of a text that looks as if it had a seal.
pub(super) fn reseal(text: &[u8]) -> Vec<u8> {
    text.split_inclusive(|byte| *byte == b'\n')
        .flat_map(line)
        .collect()
}

fn line(line: &[u8]) -> Vec<u8> {
    if let Some(end) = last(line, b",\"len\":") {
        let mut sealed = line[..end].to_vec();
        sealed.extend(format!(",\"len\":{end}").bytes());
        let crc = crc(&sealed);
        sealed.extend(format!(",\"crc\":\"{crc:08x}\"}}").bytes());
        sealed.extend(line.last().filter(|byte| **byte == b'\n'));
        return sealed;
    }
    if let Some(end) = last(line, b" crc=") {
        let mut sealed = line[..end].to_vec();
        sealed.extend(format!(" crc={:08x}", crc(&line[..end])).bytes());
        sealed.extend(line.last().filter(|byte| **byte == b'\n'));
        return sealed;
    }
    line.to_vec()
}

fn last(line: &[u8], what: &[u8]) -> Option<usize> {
    line.windows(what.len()).rposition(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_good_seal_stays_as_it_is_and_a_bad_one_comes_right() {
        let sealed = reseal(b"{\"v\":1,\"at\":5,\"len\":0,\"crc\":\"\"}\nx crc=1\nplain");
        assert_eq!(reseal(&sealed), sealed);
        assert!(sealed.starts_with(b"{\"v\":1,\"at\":5,\"len\":13,\"crc\":\""));
        assert!(sealed.ends_with(b"\nplain"));
    }
}
