//! Keeping a lease while its command runs: renewing it in time, and noticing when it is lost.

use crate::process::{Tick, Watch};
use crate::ui;
use leasehold_core::LeaseId;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_service::{Held, Leasing, ServiceError};
use rustix::time::{ClockId, clock_gettime};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// When a command counts as one that lasts: only then it is worth a place to be called at. Most
/// guarded commands of a script end before.
const LASTS: Duration = Duration::from_millis(50);
/// How often a holder looks whether its lease is still there, should a call get lost.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How soon a renewal that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often a command inside somebody's lease looks whether that one is still there: it is not
/// called when that goes.
const COVER_EVERY: Duration = Duration::from_secs(1);

/// Time that goes on while the machine sleeps, since leases expire then too.
fn uptime() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;
    Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default()
}

/// Keeps a lease of its own.
pub(super) struct Keeper<'a> {
    leasing: &'a dyn Leasing,
    held: Held,
    /// Half of the TTL.
    renew_every: Option<Duration>,
    renew_at: Option<Duration>,
    look_at: Duration,
    listening: bool,
    warned: bool,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(leasing: &'a dyn Leasing, held: Held) -> Self {
        let now = uptime();
        let renew_every = held
            .lease
            .ttl
            .map(|ttl| Duration::from_millis(ttl.as_millis()) / 2);
        Self {
            leasing,
            held,
            renew_every,
            renew_at: renew_every.map(|every| now + every),
            look_at: now + LASTS,
            listening: false,
            warned: false,
        }
    }

    pub(super) fn into_held(self) -> Held {
        self.held
    }

    /// Makes a place to be called at. A holder without one still looks from time to time.
    fn listen(&mut self) {
        let presence = self.held.presence();
        if let Some(Err(error)) = presence.map(leasehold_store::Presence::listen) {
            self.warn(&error.to_string());
        }
        self.listening = true;
    }

    fn warn(&mut self, text: &str) {
        if !self.warned {
            ui::talk(&format!("warning: {text}; trying again"));
            self.warned = true;
        }
    }

    fn renew(&mut self) -> Tick {
        let now = uptime();
        match self.leasing.renew(self.held.lease.id, None) {
            Ok(answer) if matches!(answer.value, Verdict::Lost(_)) => Tick::Lost,
            Ok(_) => {
                self.warned = false;
                self.renew_at = self.renew_every.map(|every| now + every);
                Tick::Continue
            }
            Err(error) => {
                self.warn(&format!("could not renew the lease: {error}"));
                self.renew_at = Some(now + RETRY);
                Tick::Continue
            }
        }
    }

    fn look(&mut self) -> Tick {
        self.look_at = uptime() + LOOK_EVERY;
        match is_there(self.leasing, self.held.lease.id) {
            Ok(true) => Tick::Continue,
            Ok(false) => Tick::Lost,
            Err(error) => {
                self.warn(&format!("could not look at the lease: {error}"));
                Tick::Continue
            }
        }
    }
}

/// Returns whether a lease is in the state. One past its TTL is: nobody has taken it, and the next
/// renewal brings it back.
fn is_there(leasing: &dyn Leasing, id: LeaseId) -> Result<bool, ServiceError> {
    Ok(leasing.look(&[Key::Lease(id)])?.value.lease(id).is_some())
}

impl Watch for Keeper<'_> {
    fn deadline(&self) -> Option<Duration> {
        let at = self
            .renew_at
            .map_or(self.look_at, |renew_at| renew_at.min(self.look_at));
        Some(at.saturating_sub(uptime()))
    }

    fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.held.call_fd()
    }

    fn on_tick(&mut self) -> Tick {
        if !self.listening {
            self.listen();
        }
        if let Some(presence) = self.held.presence() {
            presence.clear_calls();
        }
        if self.renew_at.is_some_and(|at| at <= uptime()) {
            return self.renew();
        }
        self.look()
    }
}

/// Watches leases that others keep.
pub(super) struct CoverKeeper<'a> {
    leasing: &'a dyn Leasing,
    cover: Vec<LeaseId>,
    look_at: Duration,
}

impl<'a> CoverKeeper<'a> {
    pub(super) fn new(leasing: &'a dyn Leasing, cover: Vec<LeaseId>) -> Self {
        Self {
            leasing,
            cover,
            look_at: uptime() + COVER_EVERY,
        }
    }

    /// Returns whether one of them is not held any more.
    pub(super) fn is_lost(&self) -> bool {
        // What cannot be looked at now is looked at again; it is not taken for lost.
        self.cover
            .iter()
            .any(|id| !self.leasing.is_current(*id).unwrap_or(true))
    }
}

impl Watch for CoverKeeper<'_> {
    fn deadline(&self) -> Option<Duration> {
        Some(self.look_at.saturating_sub(uptime()))
    }

    fn on_tick(&mut self) -> Tick {
        self.look_at = uptime() + COVER_EVERY;
        if self.is_lost() {
            Tick::Lost
        } else {
            Tick::Continue
        }
    }
}
