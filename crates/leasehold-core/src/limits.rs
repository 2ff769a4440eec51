//! The limits of the kernel and its times (law L15).

use crate::time::Timestamp;

/// Claims of one request. Enough for a rename of a screenful of files; a wider claim is a tree.
pub const CLAIMS_MAX: usize = 64;
/// Tickets that overlap one request. Past this the queue helps nobody.
pub const TICKETS_MAX: usize = 4096;
/// Leases of one chain, from the innermost request to the outermost.
pub const CHAIN_MAX: usize = 32;
/// Slots of one pool.
pub const SLOTS_MAX: u32 = 65_536;
/// Bytes of an owner's name, a host, a session or a shown command each.
pub const TEXT_BYTES_MAX: usize = 200;

/// The times of the rules. A store with polling clients lengthens the pick-up time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a grant waits for its waiter to pick it up, in milliseconds.
    pub pickup_ms: u64,
    /// How long a parked place is kept, in milliseconds.
    pub place_ms: u64,
    /// How long a card is kept, in milliseconds.
    pub card_ms: u64,
    /// How long a command without its guard stays protected, in milliseconds.
    pub orphan_ms: u64,
    /// How long a lapsed lease still blocks, in milliseconds (Chubby's lock-delay; off by default).
    pub lock_delay_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            pickup_ms: 10_000,
            place_ms: 600_000,
            card_ms: 600_000,
            orphan_ms: 3_600_000,
            lock_delay_ms: 0,
        }
    }
}

impl Policy {
    pub(crate) fn place_until(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.place_ms)
    }

    pub(crate) fn card_until(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.card_ms)
    }
}
