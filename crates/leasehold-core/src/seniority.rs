//! The age of an attempt, by which Wait-Die judges (law L6).
//!
//! Wait-Die is from Rosenkrantz, Stearns and Lewis, "System level concurrency control for distributed
//! database systems" (1978): an older transaction waits for a younger one, a younger one dies and
//! keeps its age for the next try.

use alloc::{sync::Arc, vec::Vec};

/// The number of a request's birth, or for a request inside a lease that lease's birth and its own
/// number after it. Compared from left to right; the one that is a prefix of the other is older.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Birth(Arc<[u64]>);

impl Birth {
    /// The birth of a request inside nothing.
    #[must_use]
    pub fn top(number: u64) -> Self {
        Self(Arc::new([number]))
    }

    /// The birth of a request inside what was born so.
    #[must_use]
    pub fn inside(&self, number: u64) -> Self {
        let mut path = Vec::with_capacity(self.0.len() + 1);
        path.extend_from_slice(&self.0);
        path.push(number);
        Self(path.into())
    }

    /// Returns the number of the outermost request: what one unit has in common.
    #[must_use]
    pub fn root(&self) -> u64 {
        self.0.first().copied().unwrap_or(0)
    }

    /// Returns the numbers from the outermost inwards.
    #[must_use]
    pub fn numbers(&self) -> &[u64] {
        &self.0
    }

    /// Makes a birth from its numbers, or nothing from an empty list.
    #[must_use]
    pub fn from_numbers(numbers: Vec<u64>) -> Option<Self> {
        (!numbers.is_empty()).then(|| Self(numbers.into()))
    }
}

/// Who goes first: lower is older. A priority set on purpose goes before age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seniority {
    /// [`Seniority::PRIORITY_DEFAULT`] unless said otherwise; lower is older.
    pub priority: u32,
    /// When the attempt began.
    pub birth: Birth,
}

impl Seniority {
    /// The priority of whoever does not say one.
    pub const PRIORITY_DEFAULT: u32 = 100;

    /// Returns whether this one is older than the other.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        self < other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_inside_sorts_right_after_its_lease() {
        let (a, b) = (Birth::top(4), Birth::top(5));
        let inner = a.inside(9);
        assert!(a < inner && inner < b && inner.inside(10) < b);
        assert_eq!(inner.inside(10).root(), 4);
    }

    #[test]
    fn priority_goes_before_birth() {
        let old = Seniority {
            priority: 100,
            birth: Birth::top(1),
        };
        let urgent = Seniority {
            priority: 10,
            birth: Birth::top(2),
        };
        assert!(urgent.is_older_than(&old));
    }
}
