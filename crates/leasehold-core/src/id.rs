//! The id of a request, which becomes the id of its lease.

use core::{fmt, str::FromStr};

/// Names one request and the lease that it leads to: 128 bits that the asker drew at random.
///
/// Being drawn by the asker it makes a repeated request recognisable (law L14); being hard to guess it
/// is the proof of a lease (law L16). Written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(u128);

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseIdError;

impl LeaseId {
    /// Makes an id from its bits.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// Returns the bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for LeaseId {
    type Err = LeaseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(digits) {
            return Err(LeaseIdError);
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| LeaseIdError)
    }
}

impl fmt::Display for LeaseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lease id is 32 lower-case hexadecimal digits")
    }
}

impl core::error::Error for LeaseIdError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = LeaseId::new(0xab);
        assert_eq!(id.to_string(), "000000000000000000000000000000ab");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "ab",
            "+0000000000000000000000000000ab",
            &"A".repeat(32),
            &"0".repeat(33),
        ] {
            assert_eq!(wrong.parse::<LeaseId>(), Err(LeaseIdError), "{wrong}");
        }
    }
}
