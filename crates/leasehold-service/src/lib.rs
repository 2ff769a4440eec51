//! What every front door of leasehold asks: acquire, renew, release, look.
//!
//! # Layout
//!
//! * [`Leasing`]: the trait that front doors use, whatever is behind it.
//! * [`Coordinator`]: the implementation over a store: load, [`decide`](leasehold_core::decide::decide),
//!   commit, and again on a conflict.
//! * `acquire`: asking and waiting; [`Held`] is what comes of it.
//! * [`mod@audit`]: what happened.
//! * `holds`: how long leases are held as a rule.
//! * `foresee`: what a request would be answered, without asking it.
//! * `sweep`: ending what nobody can rely on any more.
//!
//! # Guarantees
//!
//! A verdict is returned after its events are state. A wait ends as granted, died, timed out or
//! interrupted, never silently.
//!
//! # Limitations
//!
//! Renewing in time is up to the caller of [`Leasing::acquire`]: this crate starts no threads.

mod acquire;
pub mod audit;
mod coordinator;
mod foresee;
mod holds;
mod sweep;

pub use acquire::{Acquired, Held, Waiting};
pub use coordinator::{Answer, Coordinator};
pub use foresee::Foresight;
pub use holds::{Holds, Spread};
pub use sweep::Swept;

use leasehold_core::command::{Ask, Command};
use leasehold_core::view::{Key, View};
use leasehold_core::{Claim, Identity, LeaseId, Resource, Timestamp, Ttl, verdict::Verdict};
use leasehold_store::{Collected, Join, Listing, StoreError};
use std::time::{Duration, SystemTime};

/// Why a request has no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be told whether the request was carried out. Asking again with the same id is safe.
    #[error("the store did not say whether it happened")]
    Unknown,
    /// Others changed the same records again and again.
    #[error("the store was changed by others {attempts} times while this was being decided")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
}

/// Leases of one workspace, as every front door sees them.
pub trait Leasing {
    /// Returns the name of the workspace that no other has.
    fn workspace(&self) -> &str;

    /// Asks for a lease, and waits for it as far as the request says so.
    ///
    /// # Errors
    /// [`ServiceError`]; a refusal is none.
    fn acquire(&self, ask: Ask, waiting: &mut Waiting<'_>) -> Result<Acquired, ServiceError>;

    /// Carries out any other command.
    ///
    /// # Errors
    /// [`ServiceError`]; a refusal is none.
    fn execute(&self, command: &Command) -> Result<Answer<Verdict>, ServiceError>;

    /// Returns what the keys find, with the lives of its holders, without holding anybody off.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn look(&self, keys: &[Key]) -> Result<Answer<View>, ServiceError>;

    /// Returns all that there is, with the lives of its holders, without holding anybody off: what
    /// [`Leasing::look`] finds, with less work for ten thousand standing leases.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn list(&self) -> Result<Answer<Listing>, ServiceError>;

    /// Returns what a request would be answered now. Changes nothing and holds nobody off.
    ///
    /// # Errors
    /// [`ServiceError`]; a refusal is none.
    fn foresee(&self, ask: &Ask) -> Result<Answer<Foresight>, ServiceError>;

    /// Ends the leases that are past their time or whose processes are dead, on what overlaps these
    /// resources; without any, in the whole workspace. What is past its time is taken away, so the
    /// audit keeps `by`.
    ///
    /// # Errors
    /// [`ServiceError`]; some may have been ended by then.
    fn sweep(&self, resources: &[Resource], by: &Identity) -> Result<Answer<Swept>, ServiceError>;

    /// Tells what happened, of what is asked for, in order; and what comes, where that is followed.
    ///
    /// # Errors
    /// [`ServiceError`]. Damage is told, and no error.
    fn audit(
        &self,
        query: &audit::Query,
        follow: audit::Follow<'_>,
        each: &mut audit::EachTold<'_>,
    ) -> Result<audit::Counted, ServiceError>;

    /// Drops what nobody needs any more: of the audit what is older than this, and what the dead left.
    ///
    /// # Errors
    /// [`ServiceError`]; some may have been dropped by then.
    fn collect(&self, keep_ms: u64) -> Result<Answer<Collected>, ServiceError>;

    /// Returns for how long what these claims want was held, the last times.
    ///
    /// # Errors
    /// [`ServiceError`]. What is damaged is passed over.
    fn holds(&self, claims: &[Claim]) -> Result<Holds, ServiceError>;

    /// Takes part in a lease that somebody else keeps for its command, so that it is kept for as long as
    /// this lives.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn join(&self, lease: LeaseId) -> Result<Join, ServiceError>;

    /// Returns whether a lease is held and its work may run.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn is_current(&self, lease: LeaseId) -> Result<bool, ServiceError>;

    /// Lets a lease live longer; the answer is [`Verdict::Renewed`] or [`Verdict::Lost`].
    ///
    /// # Errors
    /// [`ServiceError`].
    fn renew(&self, lease: LeaseId, ttl: Option<Ttl>) -> Result<Answer<Verdict>, ServiceError> {
        self.execute(&Command::Renew { lease, ttl })
    }

    /// Returns all that overlaps a resource.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn look_at(&self, resource: &Resource) -> Result<Answer<View>, ServiceError> {
        self.look(&[Key::Overlap(resource.clone())])
    }
}

/// The relation of the workspace's time line to this machine's wall clock, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: Timestamp,
    wall: SystemTime,
}

impl Clock {
    /// Says that it is `now` on the workspace's time line, at this moment.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            wall: SystemTime::now(),
        }
    }

    /// Returns the moment on the workspace's time line.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the moment at which this machine's wall clock showed or will show that.
    #[must_use]
    pub fn at_wall(&self, wall: SystemTime) -> Timestamp {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match wall.duration_since(self.wall) {
            Ok(ahead) => self.now.plus_millis(millis(ahead)),
            Err(behind) => {
                let now = self.now.as_millis();
                Timestamp::from_millis(now.saturating_sub(millis(behind.duration())))
            }
        }
    }

    /// Returns when that is by this machine's wall clock: from 1970 to 9999, whatever that clock shows, so
    /// that it can be written as a date.
    #[must_use]
    pub fn wall(&self, at: Timestamp) -> SystemTime {
        let ahead = Duration::from_millis(at.millis_since(self.now));
        let behind = Duration::from_millis(self.now.millis_since(at));
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let there = self.wall.checked_add(ahead).unwrap_or(far);
        let there = there.checked_sub(behind).unwrap_or(SystemTime::UNIX_EPOCH);
        there.clamp(SystemTime::UNIX_EPOCH, far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine without a battery may wake up with any date.
    #[test]
    fn a_wall_clock_out_of_all_bounds_gives_a_date_within_them() {
        let now = Timestamp::from_millis(1_000_000);
        let wall_of = |wall| Clock { now, wall }.wall(now);
        let (epoch, year) = (SystemTime::UNIX_EPOCH, Duration::from_secs(31_536_000));
        assert_eq!(wall_of(epoch - 20 * year), epoch);
        assert_eq!(wall_of(epoch + 20 * year), epoch + 20 * year);
        let far = wall_of(epoch + 9_000 * year);
        assert!(far > epoch + 8_000 * year && far < epoch + 8_050 * year);
    }
}
