//! Bugs on purpose: how the proof shows that it would catch a real one.
//!
//! With the feature `planted`, which no normal build has, one bug of [`Bug::ALL`] can be chosen at run
//! time by [`plant`]. Without it [`Bug::is_planted`] is `false` when compiled, and nothing is left of
//! it in the binary.

/// One way of being wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// A token is given out twice.
    ReuseToken = 1,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::ReuseToken];

    /// The word that chooses it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReuseToken => "reuse-token",
        }
    }

    /// The bug of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.name() == name)
    }

    /// Whether it is the chosen one.
    #[cfg(feature = "planted")]
    #[must_use]
    pub fn is_planted(self) -> bool {
        CHOSEN.load(core::sync::atomic::Ordering::Relaxed) == self as u8
    }

    /// Always false: a normal build has no bug on purpose.
    #[cfg(not(feature = "planted"))]
    #[must_use]
    #[inline(always)]
    pub const fn is_planted(self) -> bool {
        false
    }
}

#[cfg(feature = "planted")]
static CHOSEN: core::sync::atomic::AtomicU8 = core::sync::atomic::AtomicU8::new(0);

/// Chooses the bug of this process.
#[cfg(feature = "planted")]
pub fn plant(bug: Bug) {
    CHOSEN.store(bug as u8, core::sync::atomic::Ordering::Relaxed);
}
