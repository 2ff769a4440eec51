//! What a holder will do with a resource, and which intents exclude each other (law L2).

use crate::planted::Bug;
use core::{fmt, str::FromStr};

/// One of the six intents of Klock's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Intent {
    /// Create or export it.
    Provides,
    /// Read or import it.
    Consumes,
    /// Change it. What a command line asks for unless it says otherwise.
    Mutates,
    /// Remove it.
    Deletes,
    /// Need it to exist.
    DependsOn,
    /// Rename it; a rename names both paths.
    Renames,
}

/// The three ways in which the six intents behave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Reader,
    Provider,
    Exclusive,
}

impl Intent {
    /// All intents, in the order of the matrix.
    pub const ALL: [Self; 6] = [
        Self::Provides,
        Self::Consumes,
        Self::Mutates,
        Self::Deletes,
        Self::DependsOn,
        Self::Renames,
    ];

    /// Returns the name used on the command line and in what is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provides => "provides",
            Self::Consumes => "consumes",
            Self::Mutates => "mutates",
            Self::Deletes => "deletes",
            Self::DependsOn => "depends-on",
            Self::Renames => "renames",
        }
    }

    const fn class(self) -> Class {
        match self {
            Self::Consumes | Self::DependsOn => Class::Reader,
            Self::Provides => Class::Provider,
            Self::Mutates | Self::Deletes | Self::Renames => Class::Exclusive,
        }
    }

    /// Returns whether it is alone on a resource, whatever others would do there.
    #[must_use]
    pub fn is_exclusive(self) -> bool {
        self.class() == Class::Exclusive
    }

    /// Returns whether two holders may not have these intents on one resource. Symmetric.
    #[must_use]
    pub fn conflicts_with(self, other: Self) -> bool {
        match (self.class(), other.class()) {
            (Class::Exclusive, Class::Reader) | (Class::Reader, Class::Exclusive)
                if Bug::ReadBesideWriters.is_planted() =>
            {
                false
            }
            (Class::Exclusive, _) | (_, Class::Exclusive) => true,
            (Class::Provider, Class::Provider) => true,
            (Class::Reader, _) | (_, Class::Reader) => false,
        }
    }

    /// Returns whether holding this intent is enough for what `other` would do.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.class() == Class::Exclusive || self.class() == other.class()
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntentError;

impl FromStr for Intent {
    type Err = IntentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|intent| intent.as_str() == text)
            .ok_or(IntentError)
    }
}

impl fmt::Display for IntentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an intent is one of provides, consumes, mutates, deletes, depends-on, renames")
    }
}

impl core::error::Error for IntentError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix as Klock's protocol page prints it: rows held, columns asked, x is a conflict.
    const MATRIX: [&str; 6] = ["x.xx.x", "..xx.x", "xxxxxx", "xxxxxx", "..xx.x", "xxxxxx"];

    #[test]
    fn conflicts_are_those_of_the_matrix() {
        for (row, held) in Intent::ALL.into_iter().enumerate() {
            for (column, asked) in Intent::ALL.into_iter().enumerate() {
                let expected = MATRIX[row].as_bytes()[column] == b'x';
                assert_eq!(held.conflicts_with(asked), expected, "{held} {asked}");
            }
        }
    }

    #[test]
    fn whatever_covers_excludes_at_least_as_much() {
        for a in Intent::ALL {
            for b in Intent::ALL.into_iter().filter(|b| a.covers(*b)) {
                for c in Intent::ALL.into_iter().filter(|c| b.conflicts_with(*c)) {
                    assert!(a.conflicts_with(c), "{a} covers {b} but lets {c} in");
                }
            }
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for intent in Intent::ALL {
            assert_eq!(intent.as_str().parse(), Ok(intent));
        }
        assert_eq!("MUTATE".parse::<Intent>(), Err(IntentError));
    }
}
