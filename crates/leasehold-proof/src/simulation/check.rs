//! What every commit is checked for, event by event, on the state it changes.

use super::exclusion::exclusion;
use super::ledger::{Holding, Ledger, Lives};
use super::names::{Item, NAMES, clash};
use super::newcomer::newcomer;
use super::process::Process;
use super::rules::Rules;
use super::world::Core;
use leasehold_core::command::Ask;
use leasehold_core::event::Event;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::ticket::TicketState;
use leasehold_core::view::Pulse;
use leasehold_core::{Lease, LeaseId, Ticket, Timestamp};
use std::collections::BTreeMap;

/// All pairs of leases are looked at once in so many commits; else those that changed.
const WHOLE_EVERY: u64 = 64;

/// A promise that was broken, as a sentence.
pub(super) type Checked = Result<(), String>;

/// Checks a commit and brings the ledger to the state after it.
pub(super) fn commit(
    core: &mut Core,
    caller: LeaseId,
    now: Timestamp,
    lives: &Lives,
    events: &[Event],
    wakes: &[LeaseId],
) {
    let mut ledger = std::mem::take(&mut core.ledger);
    let policy = core.policy;
    let mut checked = Ok(());
    let coming = newcomer(&ledger, &core.processes, events);
    coming.iter().for_each(|ticket| ledger.put_ticket(ticket));
    for event in events {
        if checked.is_ok() && core.violation.is_none() {
            let rules = Rules {
                ledger: &ledger,
                now,
                lives,
                policy: &policy,
            };
            let processes = &core.processes;
            checked = Check {
                rules,
                processes,
                wakes,
                caller,
            }
            .event(event);
        }
        ledger.apply(event);
        match (event, &coming) {
            (Event::Granted { lease, .. }, Some(ticket)) if lease.id == ticket.request => {
                ledger.tickets.remove(&ticket.number);
            }
            // It came back to the place of a waiter that was seen dead just before.
            (Event::Parked { ticket: place }, Some(ticket)) if place.number == ticket.number => {
                ledger.put_ticket(ticket);
            }
            _ => {}
        }
    }
    let whole = core.version.is_multiple_of(WHOLE_EVERY);
    let checked = checked.and_then(|()| exclusion(&ledger, events, whole));
    core.ledger = ledger;
    if let Err(what) = checked {
        core.violate(&what);
    }
}

struct Check<'a> {
    rules: Rules<'a>,
    processes: &'a BTreeMap<LeaseId, Process>,
    wakes: &'a [LeaseId],
    caller: LeaseId,
}

pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

impl Check<'_> {
    fn event(&self, event: &Event) -> Checked {
        let ledger = self.rules.ledger;
        match event {
            Event::Refused { id, .. } => self.refused(*id),
            Event::Queued { ticket, .. } => {
                // A place that has run out is cleared away only after it was asked for anew.
                let old = ledger.ticket(ticket.request).map(|old| old.ticket.state);
                let is_over = |until| until <= self.rules.now;
                let waits = old.is_some_and(|old| match old {
                    TicketState::Waiting => true,
                    TicketState::Parked { until } => !is_over(until),
                });
                let holds = ledger.leases.contains_key(&ticket.request);
                let new = ticket.number > ledger.number && !waits && !holds;
                ensure(new, || format!("a place is given out twice: {ticket:?}"))
            }
            Event::Granted { lease, .. } => self.granted(lease),
            Event::Bound { lease } => self.same_grant(lease, "picked up"),
            Event::Renewed { lease } => {
                let bound = ledger.leases.get(&lease.id);
                let bound = bound.is_some_and(|held| held.lease.is_bound());
                ensure(bound, || {
                    format!("renewed before it was picked up: {lease:?}")
                })?;
                self.same_grant(lease, "renewed")
            }
            Event::Orphaned { lease } => {
                let dead = self.rules.life(lease.id).holder == Pulse::Dead;
                ensure(dead && lease.kind == Kind::Scoped, || {
                    format!("called an orphan while its guard lives: {lease:?}")
                })?;
                self.same_grant(lease, "orphaned")
            }
            Event::Passed { lease, ticket } => {
                let held = self.stored(lease)?;
                let right = !lease.is_bound() && !self.rules.is_live(held);
                let parked = matches!(ticket.state, TicketState::Parked { .. });
                ensure(right && parked, || {
                    format!("passed on too early: {lease:?}")
                })
            }
            Event::Released { lease } | Event::Forced { lease, .. } => {
                self.stored(lease).map(|_| ())
            }
            Event::Freed { lease } => {
                self.stored(lease)?;
                let life = self.rules.life(lease.id);
                let dead = life.holder == Pulse::Dead && life.command == Pulse::Dead;
                ensure(
                    dead && lease.is_bound() && lease.kind == Kind::Scoped,
                    || format!("freed while somebody lives: {lease:?}"),
                )
            }
            Event::Lapsed { lease } => {
                let held = self.stored(lease)?;
                ensure(!self.rules.is_live(held), || {
                    format!("taken over while it is live: {lease:?}")
                })
            }
            Event::Parked { ticket } => {
                let old = ledger.tickets.get(&ticket.number);
                let own = self.caller == ticket.request || !self.is_attended(ticket);
                let waited = old.is_some_and(|old| old.ticket.is_waiting());
                ensure(waited && own, || {
                    format!("parked without reason: {ticket:?}")
                })
            }
            Event::Resumed { ticket } => {
                let old = ledger.tickets.get(&ticket.number);
                let parked = old.is_some_and(|old| !old.ticket.is_waiting());
                ensure(parked, || {
                    format!("resumed what was not parked: {ticket:?}")
                })
            }
            Event::Died { ticket, .. } => self.died(ticket),
            Event::Cancelled { .. }
            | Event::Frozen { .. }
            | Event::Thawed { .. }
            | Event::Dropped { .. } => Ok(()),
        }
    }

    /// Whether the waiter lives and has time left.
    fn is_attended(&self, ticket: &Ticket) -> bool {
        let over = ticket
            .wait_until
            .is_some_and(|until| until <= self.rules.now);
        self.rules.life(ticket.request).holder == Pulse::Alive && !over
    }

    /// Returns the stored lease that an event speaks of.
    fn stored(&self, lease: &Lease) -> Result<&Holding, String> {
        let held = self.rules.ledger.leases.get(&lease.id);
        let held = held.filter(|held| held.lease == *lease);
        held.ok_or_else(|| format!("an event is about a lease that is not so: {lease:?}"))
    }

    fn same_grant(&self, lease: &Lease, what: &str) -> Checked {
        let old = self.rules.ledger.leases.get(&lease.id);
        let same = old.is_some_and(|old| {
            old.lease.token == lease.token
                && old.lease.claims == lease.claims
                && old.lease.inside == lease.inside
        });
        ensure(same, || {
            format!("{what}, and it is not that grant: {lease:?}")
        })
    }

    fn granted(&self, lease: &Lease) -> Checked {
        let (rules, ledger) = (self.rules, self.rules.ledger);
        ensure(lease.token.get() > ledger.token, || {
            format!(
                "a token that does not rise: {} after {}",
                lease.token, ledger.token
            )
        })?;
        ensure(!ledger.leases.contains_key(&lease.id), || {
            format!("granted twice: {lease:?}")
        })?;
        let asked = match &lease.pickup {
            Pickup::Unbound(ticket) => {
                let stored = ledger.tickets.get(&ticket.number);
                let same = stored.is_some_and(|stored| stored.ticket == **ticket);
                ensure(same, || {
                    format!("granted to a ticket that is not there: {lease:?}")
                })?;
                ensure(self.wakes.contains(&lease.id), || {
                    format!("nobody wakes the waiter: {lease:?}")
                })?;
                NAMES.items(&ticket.claims)
            }
            Pickup::Bound => NAMES.items(&self.asked(lease.id)?.claims),
        };
        let need = rules.need(&lease.inside, &asked, lease.kind);
        ensure(NAMES.items(&lease.claims) == need, || {
            format!("not all of what was asked for and not covered: {lease:?}")
        })?;
        ensure(!rules.is_frozen(&need), || {
            format!("granted through a freeze: {lease:?}")
        })?;
        let pools = need.iter().filter(|item| item.slots > 0).count();
        ensure(lease.slots.len() == pools, || {
            format!("slots and pools differ: {lease:?}")
        })?;
        let judged = rules.judge();
        let ticket = judged.iter().find(|r| r.queued.ticket.request == lease.id);
        let in_the_way = match ticket {
            Some(r) => !rules.blockers(&judged, r).is_empty(),
            None if lease.is_bound() => self.is_taken(&lease.inside, &need),
            None => return Err(format!("granted to a ticket that takes no part: {lease:?}")),
        };
        ensure(!in_the_way, || {
            format!("granted with somebody in the way or ahead: {lease:?}")
        })
    }

    fn asked(&self, id: LeaseId) -> Result<&Ask, String> {
        let process = self.processes.get(&id).map(|process| &process.ask);
        process.ok_or_else(|| format!("granted what nobody asked for: {id}"))
    }

    /// Whether a request that does not wait may be refused: a lease or a ticket is in its way.
    fn is_taken(&self, inside: &[LeaseId], need: &[Item]) -> bool {
        let rules = self.rules;
        let judged = rules.judge();
        let wants = |pool: &Item| {
            judged
                .iter()
                .filter(|r| r.need.iter().any(|item| item.same_pool(*pool)))
                .count()
        };
        let has = |held: &Holding, pool: &Item| held.items.iter().any(|own| own.same_pool(*pool));
        let full = |pool: &Item| {
            let holders = rules.live().filter(|held| has(held, pool)).count();
            pool.slots > 0 && holders + wants(pool) >= pool.slots as usize
        };
        let outside = |held: &&Holding| !inside.contains(&held.lease.id);
        rules
            .live()
            .filter(outside)
            .any(|held| clash(need, &held.items))
            || judged.iter().any(|r| clash(&r.need, need))
            || need.iter().any(full)
    }

    fn refused(&self, id: LeaseId) -> Checked {
        let ask = self.asked(id)?;
        let inside = chain_of(self.rules.ledger, ask.inside);
        let need = self
            .rules
            .need(&inside, &NAMES.items(&ask.claims), ask.kind);
        let reason = self.rules.is_frozen(&need) || self.is_taken(&inside, &need);
        ensure(reason, || format!("refused without a reason: {ask:?}"))
    }

    fn died(&self, ticket: &Ticket) -> Checked {
        ensure(self.wakes.contains(&ticket.request), || {
            format!("nobody wakes the dead: {ticket:?}")
        })?;
        let judged = self.rules.judge();
        let r = judged
            .iter()
            .find(|r| r.queued.ticket.number == ticket.number);
        let illegal = r.is_some_and(|r| !self.rules.is_legal(&judged, r));
        ensure(illegal, || format!("died without need: {ticket:?}"))
    }
}

fn chain_of(ledger: &Ledger, inside: Option<LeaseId>) -> Vec<LeaseId> {
    let outer = inside.and_then(|id| ledger.leases.get(&id));
    let upward = outer.into_iter().flat_map(|held| held.lease.inside.iter());
    inside.into_iter().chain(upward.copied()).collect()
}
