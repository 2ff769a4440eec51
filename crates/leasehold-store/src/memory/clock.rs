//! Where the time of a memory workspace comes from.

use super::presence::Presences;
use leasehold_core::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that stands still until it is told: for tests.
///
/// Clones are the same clock, and several workspaces can share it.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    now_ms: AtomicU64,
    /// The workspaces whose sleepers have to look again when time moves.
    attached: Mutex<Vec<Weak<Presences>>>,
}

impl ManualClock {
    /// Makes a clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let clock = Self::default();
        clock
            .inner
            .now_ms
            .store(start.as_millis(), Ordering::SeqCst);
        clock
    }

    /// Returns what it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.inner.now_ms.load(Ordering::SeqCst))
    }

    /// Moves time on, and wakes the sleepers whose time has come.
    pub fn advance(&self, millis: u64) {
        // Saturating: the time line has an end, and does not begin again.
        let later = |now: u64| Some(now.saturating_add(millis));
        let _always_some =
            self.inner
                .now_ms
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        let mut attached = self
            .inner
            .attached
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        attached.retain(|presences| presences.strong_count() > 0);
        let attached: Vec<_> = attached.iter().filter_map(Weak::upgrade).collect();
        attached.iter().for_each(|presences| presences.time_moved());
    }

    pub(super) fn attach(&self, presences: &Arc<Presences>) {
        let mut attached = self
            .inner
            .attached
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        attached.push(Arc::downgrade(presences));
    }
}

/// What a workspace goes by.
#[derive(Debug)]
pub(super) enum Clock {
    /// The monotonic clock, anchored at the wall clock of the workspace's beginning: setting the
    /// wall clock changes nothing.
    Monotonic {
        anchor_ms: u64,
        since: Instant,
    },
    Manual(ManualClock),
}

impl Clock {
    pub(super) fn monotonic() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self::Monotonic {
            anchor_ms: millis(wall),
            since: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Monotonic { anchor_ms, since } => {
                Timestamp::from_millis(*anchor_ms).plus_millis(millis(since.elapsed()))
            }
            Self::Manual(clock) => clock.now(),
        }
    }

    /// Returns how long to sleep until then, or nothing where only `advance` can bring that time.
    pub(super) fn sleep_for(&self, until: Timestamp) -> Option<Duration> {
        match self {
            Self::Monotonic { .. } => Some(Duration::from_millis(until.millis_since(self.now()))),
            Self::Manual(_) => None,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
