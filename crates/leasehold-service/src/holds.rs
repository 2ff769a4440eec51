//! How long leases are held as a rule: what a waiter can expect, from the resource's own past.

use crate::{Clock, Coordinator, ServiceError};
use leasehold_core::Resource;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Blocker;
use leasehold_core::{Claim, Lease, Timestamp};
use leasehold_store::format::Brief;
use leasehold_store::{Entry, Span, Store};
use std::borrow::Cow;

/// As many holds say enough.
const HOLDS_MAX: usize = 50;
/// Fewer of one command say too little: then all holds of the resource count.
const HOLDS_OF_COMMAND_MIN: usize = 3;
/// How far back it is looked for them, in milliseconds: the nearest first.
const SPANS_MS: [u64; 4] = [60_000, 900_000, 14_400_000, 604_800_000];
/// How many commits are read at most. A log that is full of other things is not read for an estimate.
const COMMITS_MAX: usize = 5_000;

/// One hold that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hold {
    /// The guarded command; empty for a standing lease.
    command: String,
    millis: u64,
}

/// How long something was held, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// How often.
    pub holds: usize,
    /// Half of the holds were no longer than this.
    pub median_ms: u64,
    /// Nine of ten were no longer than this.
    pub p90_ms: u64,
}

/// The holds of what a request wants, as far as they are remembered.
#[derive(Clone, Debug, Default)]
pub struct Holds(Vec<Hold>);

impl Holds {
    /// Returns how long this command held, or what holds in general where it did so seldom; nothing
    /// where there were no holds. How long commands take says nothing of locks that wait for their `unlock`,
    /// nor the other way round.
    #[must_use]
    pub fn of(&self, command: &str) -> Option<Spread> {
        let own = self.0.iter().filter(|hold| hold.command == command);
        let own: Vec<u64> = own.map(|hold| hold.millis).collect();
        if own.len() >= HOLDS_OF_COMMAND_MIN {
            return spread(own);
        }
        let is_lock = |command: &str| command.is_empty();
        let alike = |hold: &&Hold| is_lock(&hold.command) == is_lock(command);
        spread(
            self.0
                .iter()
                .filter(alike)
                .map(|hold| hold.millis)
                .collect(),
        )
    }

    /// Returns how much longer a lease is held as a rule; nothing where it is held for longer already
    /// than nine of ten were, or nothing is known.
    #[must_use]
    pub fn rest(&self, lease: &Lease, clock: &Clock) -> Option<u64> {
        let now = clock.now();
        let held = now.millis_since(lease.granted);
        let usual = self.of(&lease.holder.command)?;
        let ends = [usual.median_ms, usual.p90_ms];
        let rest = ends.into_iter().find_map(|end| end.checked_sub(held))?;
        // A lock that nobody gives back ends with its TTL; a guard renews.
        let expires = lease.expires.filter(|_| lease.kind == Kind::Standing);
        Some(expires.map_or(rest, |at| rest.min(at.millis_since(now))))
    }

    /// Returns when those in the way are gone as a rule, in milliseconds: what is left of those who hold,
    /// and one hold for everybody ahead. Nothing where that cannot be said.
    #[must_use]
    pub fn expected(&self, blockers: &[Blocker], clock: &Clock) -> Option<u64> {
        let mut held = 0;
        let mut ahead = 0_u64;
        for blocker in blockers {
            match blocker {
                Blocker::Lease(lease) => held = held.max(self.rest(lease, clock)?),
                Blocker::Ticket(ticket) => {
                    let usual = self.of(&ticket.holder.command)?;
                    ahead = ahead.saturating_add(usual.median_ms);
                }
            }
        }
        Some(ahead.saturating_add(held))
    }
}

/// Returns how these are spread; nothing where there are none.
fn spread(mut millis: Vec<u64>) -> Option<Spread> {
    millis.sort_unstable();
    let last = millis.len().checked_sub(1)?;
    // The nearest rank: always one that happened.
    let rank = |percent: usize| millis[(millis.len() * percent).div_ceil(100).min(last + 1) - 1];
    Some(Spread {
        holds: millis.len(),
        median_ms: rank(50),
        p90_ms: rank(90),
    })
}

/// Reads the last holds of what overlaps the claims.
pub(crate) fn holds<S: Store>(
    coordinator: &Coordinator<S>,
    claims: &[Claim],
) -> Result<Holds, ServiceError> {
    let now = coordinator.now()?;
    let mut found = Holds::default();
    for span in SPANS_MS {
        let span = Span {
            since: Timestamp::from_millis(now.as_millis().saturating_sub(span)),
            ..Span::ALL
        };
        let mut reader = Reader {
            claims,
            holds: Vec::new(),
            commits: 0,
        };
        let read = &mut |entry: Entry<'_>| reader.read(entry);
        coordinator.store().read_audit(&span, read)?;
        let is_enough = reader.holds.len() >= HOLDS_MAX || reader.commits > COMMITS_MAX;
        found = Holds(reader.last());
        if is_enough {
            break;
        }
    }
    Ok(found)
}

struct Reader<'a> {
    claims: &'a [Claim],
    holds: Vec<Hold>,
    commits: usize,
}

impl Reader<'_> {
    fn read(&mut self, entry: Entry<'_>) -> bool {
        let Entry::Commit { at, events } = entry else {
            return true;
        };
        self.commits += 1;
        // The end that its holder chose: one that was taken away or died says nothing of the next.
        let ended = |name: &str| name == "released";
        let of_each = |brief: Brief<'_>| self.add(at, &brief);
        // What cannot be read is none, and `doctor` says so.
        let _ = Brief::for_each(events, ended, of_each);
        self.commits <= COMMITS_MAX
    }

    fn add(&mut self, at: Timestamp, brief: &Brief<'_>) {
        let wanted = |text: Cow<'_, str>| {
            let found = Resource::parse(&text);
            found.is_ok_and(|found| self.claims.iter().any(|own| own.resource.overlaps(&found)))
        };
        let since = brief.since.map(Timestamp::from_millis);
        if let Some(since) = since
            && brief.resources().any(wanted)
        {
            let command = Brief::text(brief.command);
            self.holds.push(Hold {
                command: command.unwrap_or_default().into_owned(),
                millis: at.millis_since(since),
            });
        }
    }

    fn last(mut self) -> Vec<Hold> {
        let excess = self.holds.len().saturating_sub(HOLDS_MAX);
        self.holds.split_off(excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_slowest_tenth_are_told_apart() {
        assert_eq!(spread(Vec::new()), None);
        let of = |millis: Vec<u64>| {
            let spread = spread(millis).unwrap();
            (spread.holds, spread.median_ms, spread.p90_ms)
        };
        assert_eq!(of(vec![7]), (1, 7, 7));
        assert_eq!(of(vec![9, 1]), (2, 1, 9));
        assert_eq!(of((1..=10).rev().collect()), (10, 5, 9));
        assert_eq!(of((1..=100).collect()), (100, 50, 90));
    }

    #[test]
    fn a_command_seen_seldom_counts_as_any() {
        let hold = |command: &str, millis| Hold {
            command: command.into(),
            millis,
        };
        let mut holds = vec![hold("make", 10), hold("make", 20), hold("make", 30)];
        holds.push(hold("test", 900));
        holds.push(hold("", 7_200_000));
        let holds = Holds(holds);
        assert_eq!(holds.of("make").unwrap().median_ms, 20);
        let any = holds.of("test").unwrap();
        assert_eq!((any.holds, any.median_ms, any.p90_ms), (4, 20, 900));
        let locks = holds.of("").unwrap();
        assert_eq!((locks.holds, locks.median_ms), (1, 7_200_000));
        assert_eq!(Holds(vec![hold("make", 10)]).of(""), None);
        assert_eq!(Holds::default().of("make"), None);
    }
}
