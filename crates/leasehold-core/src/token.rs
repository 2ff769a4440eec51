//! Fencing tokens: the number that a resource checks (law L5).

use core::fmt;

/// The number of a grant, greater than that of every earlier grant of the workspace.
///
/// An epoch of 21 bits stands above a counter of 32, so a token stays below 2^53 and survives JSON
/// readers that keep numbers as doubles (RFC 8259, section 6). A store raises the epoch whenever the
/// counter could have been lost. The idea is Lamport's; the name is Kleppmann's ("How to do
/// distributed locking", 2016).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(u64);

impl FencingToken {
    const COUNTER_BITS: u32 = 32;
    /// The largest token.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Makes a token from its number, or nothing where it is above [`FencingToken::MAX`].
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Returns the first token of an epoch (not itself given out), or nothing past the last epoch.
    #[must_use]
    pub const fn epoch_start(epoch: u32) -> Option<Self> {
        Self::new((epoch as u64) << Self::COUNTER_BITS)
    }

    /// Returns the epoch.
    #[must_use]
    pub const fn epoch(self) -> u32 {
        (self.0 >> Self::COUNTER_BITS) as u32
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the next token, or nothing when all are used up.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end_below_two_to_the_53() {
        assert_eq!(FencingToken::new(1 << 53), None);
        assert_eq!(FencingToken::MAX.next(), None);
        assert_eq!(FencingToken::epoch_start(1 << 21), None);
        let start = FencingToken::epoch_start(7).unwrap();
        assert_eq!(
            (start.epoch(), start.next().unwrap().get()),
            (7, (7 << 32) + 1)
        );
    }

    #[test]
    fn a_full_counter_runs_into_the_next_epoch_and_still_rises() {
        let last = FencingToken::new((8 << 32) - 1).unwrap();
        assert!(last.next().unwrap() > last);
        assert_eq!(last.next().unwrap().epoch(), 8);
    }
}
