//! Bugs on purpose: how the proof shows that it would catch a real one.
//!
//! With the feature `planted`, which no normal build has, one bug of [`Bug::ALL`] can be chosen at run
//! time by `plant`. Without it [`Bug::is_planted`] is `false` when compiled, and nothing is left of
//! it in the binary.

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident = $name:literal,)+) => {
        /// One way of being wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$bug),+];

            /// The word that chooses it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)+
                }
            }
        }
    };
}

bugs! {
    // In the kernel.
    /// A token is given out twice.
    ReuseToken = "reuse-token",
    /// Who is granted while it sleeps is not woken.
    ForgetWaiter = "forget-waiter",
    /// A waiter's work begins without its pick-up being written down.
    StartBeforePickup = "start-before-pickup",
    /// A lease ends a while before its time.
    ExpireEarly = "expire-early",
    /// Dead waiters take part in the queue.
    GrantToDead = "grant-to-dead",
    /// A waiter is granted what is frozen.
    IgnoreFreeze = "ignore-freeze",
    /// Patterns overlap when they are written alike.
    CompareGlobsAsText = "compare-globs-as-text",
    /// A request that comes again is a new one.
    ForgetRequest = "forget-request",
    /// Who holds what others want waits behind the younger ones.
    NeverPass = "never-pass",
    /// A pool has a slot more than it says.
    OneSlotMore = "one-slot-more",
    /// Readers are let in beside writers.
    ReadBesideWriters = "read-beside-writers",
    /// Who died comes back as young as a stranger.
    ForgetCards = "forget-cards",
    /// A command is not protected any more when its guard is killed.
    AbandonOrphans = "abandon-orphans",
    /// The TTL of who cannot be seen ends also what may be an orphan.
    LapseUnseen = "lapse-unseen",
    /// Only a part of a request is granted.
    GrantInPart = "grant-in-part",
    /// Waiters that have to die wait on.
    NeverDie = "never-die",
    /// Who is behind the front of a queue is forgotten.
    TrustFront = "trust-front",

    // In the file store.
    /// The mutex is not locked.
    SkipMutex = "skip-mutex",
    /// Lines that the header does not count yet are taken as brought in.
    SkipReplay = "skip-replay",
    /// The torn end of a log is appended to.
    KeepTornLine = "keep-torn-line",
    /// The first of several events of a commit is not written to the log.
    DropFromLog = "drop-from-log",
    /// What is given back stays in the records.
    DropFromRecords = "drop-from-records",
    /// A new boot of the machine is taken for the old one.
    WrongBoot = "wrong-boot",
    /// Checksums are not looked at.
    SkipChecksum = "skip-checksum",
    /// A grant that failed for a full disk stays in the log.
    KeepFailedGrant = "keep-failed-grant",
    /// A proof of life that cannot be read is a proof of death.
    UnreadableIsDead = "unreadable-is-dead",
    /// A new segment of the log begins without one of the leases.
    ForgetInCheckpoint = "forget-in-checkpoint",
    /// A damaged log is begun anew from those records that can be read.
    GuessAtRepair = "guess-at-repair",

    // In the command line.
    /// A command runs although it was refused.
    RunRefused = "run-refused",
    /// The lease is given back while the command runs.
    ReleaseBeforeEnd = "release-before-end",
    /// The command gets no proof of life of its own.
    KeepProof = "keep-proof",
    /// A command goes on when its lease is lost.
    GoOnWhenLost = "go-on-when-lost",
}

impl Bug {
    /// The bug of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
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

/// What is chosen where nothing is. There are not as many bugs.
#[cfg(feature = "planted")]
const NONE: u8 = u8::MAX;

#[cfg(feature = "planted")]
static CHOSEN: core::sync::atomic::AtomicU8 = core::sync::atomic::AtomicU8::new(NONE);

/// Chooses the bug of this process by its name; returns whether there is one of that name.
#[cfg(feature = "planted")]
#[must_use = "a bug that is not there would seem to survive"]
pub fn plant(name: &str) -> bool {
    let bug = Bug::parse(name);
    let chosen = bug.map_or(NONE, |bug| bug as u8);
    CHOSEN.store(chosen, core::sync::atomic::Ordering::Relaxed);
    bug.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bug_has_a_name_of_its_own() {
        for bug in Bug::ALL {
            assert_eq!(Bug::parse(bug.name()), Some(*bug));
        }
        assert_eq!(Bug::parse("none"), None);
    }

    #[test]
    fn nothing_is_planted_unless_chosen() {
        assert!(Bug::ALL.iter().all(|bug| !bug.is_planted()));
    }
}
