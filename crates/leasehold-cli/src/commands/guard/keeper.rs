//! Keeping a lease while its command runs: renewing it in time, and noticing when it is lost.

use crate::process::{Tick, Watch, uptime};
use crate::{message, ui};
use leasehold_core::claim::any_conflict;
use leasehold_core::verdict::Verdict;
use leasehold_core::view::{Key, View};
use leasehold_core::{Claim, Lease, Ticket, Ttl};
use leasehold_service::{Answer, Held, Leasing, ServiceError};
use leasehold_store::StoreError;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
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

/// Keeps a lease of its own.
pub(super) struct Keeper<'a> {
    leasing: &'a dyn Leasing,
    held: Held,
    /// What it relies on besides, where others keep that.
    cover: Option<CoverKeeper<'a>>,
    /// As it was last seen: others may set it.
    ttl: Option<Ttl>,
    renew_at: Option<Duration>,
    look_at: Duration,
    listening: bool,
    warned: bool,
    /// How many others were told of who wait.
    waiters: usize,
    /// Why it cannot be told who works inside the lease.
    unseen: Option<StoreError>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(
        leasing: &'a dyn Leasing,
        held: Held,
        cover: Option<CoverKeeper<'a>>,
    ) -> Self {
        let now = uptime();
        let ttl = held.lease.ttl;
        Self {
            leasing,
            held,
            cover,
            ttl,
            renew_at: pace(ttl).map(|every| now + every),
            look_at: now + LASTS,
            listening: false,
            warned: false,
            waiters: 0,
            unseen: None,
        }
    }

    /// Gives the lease back; not where somebody may work inside it who could not be seen. Then it ends with
    /// this process and theirs.
    pub(super) fn release(self) -> Result<Answer<Verdict>, ServiceError> {
        match self.unseen {
            Some(error) => Err(error.into()),
            None => self.held.release(self.leasing),
        }
    }

    /// Says that the command has ended; returns what is hung up when those are gone who work inside the
    /// lease.
    pub(super) fn command_ended(&mut self) -> Option<OwnedFd> {
        match self.held.presence()?.command_ended() {
            Ok(inside) => inside,
            Err(error) => {
                self.unseen = Some(error);
                None
            }
        }
    }

    /// Returns what it relies on besides and is not held any more.
    pub(super) fn lost_cover(&self) -> Option<Arc<Lease>> {
        self.cover.as_ref().and_then(CoverKeeper::lost)
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
            Ok(answer) => {
                self.warned = false;
                if let Verdict::Renewed(lease) = &answer.value {
                    self.ttl = lease.ttl;
                }
                self.renew_at = pace(self.ttl).map(|every| now + every);
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
        let lease = Key::Lease(self.held.lease.id);
        let keys: Vec<Key> = Key::overlaps(&self.held.lease.claims)
            .chain([lease])
            .collect();
        match self.leasing.look(&keys) {
            Ok(found) => self.found(&found.value),
            Err(error) => {
                self.warn(&format!("could not look at the lease: {error}"));
                Tick::Continue
            }
        }
    }

    /// Sees whether the lease is in the state, and who waits for it. One past its TTL is in it: nobody
    /// has taken it, and the next renewal brings it back.
    fn found(&mut self, view: &View) -> Tick {
        let lease = &self.held.lease;
        let Some(now) = view.lease(lease.id) else {
            return Tick::Lost;
        };
        if now.ttl != self.ttl {
            self.ttl = now.ttl;
            self.renew_at = pace(self.ttl).map(|every| uptime() + every);
        }
        let waiters: Vec<&Ticket> = view
            .tickets()
            .filter(|ticket| waits_for(ticket, lease))
            .collect();
        if waiters.len() > self.waiters {
            ui::talk(&format!(
                "note: {}",
                message::waited_for(&lease.claims, &waiters)
            ));
        }
        self.waiters = waiters.len();
        Tick::Continue
    }
}

/// How often a lease is renewed: at half of its TTL.
fn pace(ttl: Option<Ttl>) -> Option<Duration> {
    ttl.map(|ttl| Duration::from_millis(ttl.as_millis()) / 2)
}

/// Returns whether a ticket of somebody else wants what a lease has.
fn waits_for(ticket: &Ticket, lease: &Lease) -> bool {
    let same_pool = |claim: &Claim| lease.claims.iter().any(|held| held.same_pool(claim));
    let wants = any_conflict(&ticket.claims, &lease.claims) || ticket.claims.iter().any(same_pool);
    wants && ticket.is_waiting() && !ticket.inside.contains(&lease.id)
}

impl Watch for Keeper<'_> {
    fn deadline(&self) -> Option<Duration> {
        let cover = self.cover.as_ref().map(|cover| cover.look_at);
        let times = [Some(self.look_at), self.renew_at, cover];
        let at = times.into_iter().flatten().min();
        at.map(|at| at.saturating_sub(uptime()))
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
        let now = uptime();
        if let Some(cover) = self.cover.as_mut().filter(|cover| cover.look_at <= now)
            && cover.on_tick() == Tick::Lost
        {
            return Tick::Lost;
        }
        if self.renew_at.is_some_and(|at| at <= now) {
            return self.renew();
        }
        self.look()
    }
}

/// Watches leases that others keep.
pub(super) struct CoverKeeper<'a> {
    leasing: &'a dyn Leasing,
    cover: Vec<Arc<Lease>>,
    look_at: Duration,
}

impl<'a> CoverKeeper<'a> {
    pub(super) fn new(leasing: &'a dyn Leasing, cover: Vec<Arc<Lease>>) -> Self {
        Self {
            leasing,
            cover,
            look_at: uptime() + COVER_EVERY,
        }
    }

    /// Returns the first of them that is not held any more.
    pub(super) fn lost(&self) -> Option<Arc<Lease>> {
        // What cannot be looked at now is looked at again; it is not taken for lost.
        let is_lost = |lease: &&Arc<Lease>| !self.leasing.is_current(lease.id).unwrap_or(true);
        self.cover.iter().find(is_lost).cloned()
    }
}

impl Watch for CoverKeeper<'_> {
    fn deadline(&self) -> Option<Duration> {
        Some(self.look_at.saturating_sub(uptime()))
    }

    fn on_tick(&mut self) -> Tick {
        self.look_at = uptime() + COVER_EVERY;
        match self.lost() {
            Some(_) => Tick::Lost,
            None => Tick::Continue,
        }
    }
}
