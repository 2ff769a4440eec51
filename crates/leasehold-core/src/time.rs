//! Points in time and lifetimes, as the kernel is given them.
//!
//! The kernel has no clock: a store says what `now` is on the workspace's own time line, in
//! milliseconds, and that line never goes back (law L13). What it is measured with is the store's
//! affair.

use core::fmt;

/// A point on the workspace's time line, in milliseconds since the Unix epoch as the store counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The end of the time line, for what never ends by itself.
    pub const MAX: Self = Self(u64::MAX);

    /// Makes a point from milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns this point later by `millis`; at the end of the line it stays there.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Returns this point later by a lifetime.
    #[must_use]
    pub const fn plus(self, ttl: Ttl) -> Self {
        self.plus_millis(ttl.as_millis())
    }

    /// Returns the milliseconds from `earlier` to this point, zero where it is not earlier.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The lifetime of a lease: at least one millisecond, at most [`Ttl::MAX`] (law L10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u64);

/// Why a number of milliseconds is not a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlError {
    /// Zero: the lease would be over at its birth.
    Zero,
    /// Longer than [`Ttl::MAX`].
    TooLong,
}

impl Ttl {
    /// Ten years. Longer than any claim, short enough that no sum with a time can overflow.
    pub const MAX: Self = Self(10 * 365 * 24 * 60 * 60 * 1000);

    /// Makes a lifetime from milliseconds.
    ///
    /// # Errors
    /// [`TtlError::Zero`] and [`TtlError::TooLong`].
    pub const fn from_millis(millis: u64) -> Result<Self, TtlError> {
        match millis {
            0 => Err(TtlError::Zero),
            _ if millis > Self::MAX.0 => Err(TtlError::TooLong),
            _ => Ok(Self(millis)),
        }
    }

    /// Returns the milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TtlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "a lifetime of zero would be over at once",
            Self::TooLong => "a lifetime is ten years at most",
        })
    }
}

impl core::error::Error for TtlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_limits() {
        assert_eq!(Ttl::from_millis(0), Err(TtlError::Zero));
        assert_eq!(
            Ttl::from_millis(Ttl::MAX.as_millis() + 1),
            Err(TtlError::TooLong)
        );
        assert_eq!(Ttl::from_millis(u64::MAX), Err(TtlError::TooLong));
        assert_eq!(Ttl::from_millis(1).unwrap().as_millis(), 1);
    }

    #[test]
    fn arithmetic_stays_on_the_line() {
        assert_eq!(Timestamp::MAX.plus(Ttl::MAX), Timestamp::MAX);
        let (early, late) = (Timestamp::from_millis(3), Timestamp::from_millis(9));
        assert_eq!((late.millis_since(early), early.millis_since(late)), (6, 0));
    }
}
