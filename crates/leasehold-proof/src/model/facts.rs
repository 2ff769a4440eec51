//! The words of the kernel page's section 2, written a second time and only for small views: what the
//! properties are judged by must not be the code that is judged.

use super::instance::Instance;
use super::table::numbers;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::seniority::Seniority;
use leasehold_core::view::Pulse;
use leasehold_core::{Lease, Ticket, Timestamp, View};

/// A live lease.
#[derive(Debug)]
pub(super) struct Held<'a> {
    pub(super) lease: &'a Lease,
    pub(super) claims: u32,
}

/// An active ticket.
#[derive(Debug)]
pub(super) struct Active<'a> {
    pub(super) ticket: &'a Ticket,
    pub(super) need: u32,
    /// The leases it holds, by their place among the live ones.
    pub(super) holds: u64,
    pub(super) pressed: bool,
    /// The youngest of its own age and those of all that it holds.
    pub(super) judged: &'a Seniority,
}

/// What one view says.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    instance: &'a Instance,
    pub(super) held: Vec<Held<'a>>,
    pub(super) active: Vec<Active<'a>>,
}

/// Whether a lease is live (rule 3).
pub(super) fn is_live(policy: &Policy, view: &View, lease: &Lease) -> bool {
    let now = view.now();
    let life = view.life(lease.id).unwrap_or_default();
    if !lease.is_bound() {
        let age_ms = now.millis_since(lease.granted);
        return life.holder == Pulse::Alive && age_ms < policy.pickup_ms;
    }
    if lease.kind == Kind::Scoped && life.holder == Pulse::Dead {
        let since = lease.orphaned.unwrap_or(now);
        return life.command == Pulse::Alive && now.millis_since(since) < policy.orphan_ms;
    }
    let kept = lease.kind == Kind::Scoped && lease.keep_while_alive;
    let lapses = |end: Timestamp| end.plus_millis(policy.lock_delay_ms);
    kept || lease.expires.is_none_or(|end| now < lapses(end))
}

/// Who is known to wait no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiters {
    /// Whose time is over, and the dead.
    AsTheyAre,
    /// Whose time is over. A waiter is looked at when its turn has come, not before.
    AsFarAsLookedAt,
}

impl<'a> Facts<'a> {
    pub(super) fn new(instance: &'a Instance, view: &'a View, waiters: Waiters) -> Self {
        let live = view
            .leases()
            .filter(|lease| is_live(&instance.policy, view, lease));
        let held = live.map(|lease| Held {
            lease,
            claims: instance.table.set(&lease.claims),
        });
        let mut facts = Self {
            instance,
            held: held.collect(),
            active: Vec::new(),
        };
        let waiting = view.tickets().filter(|ticket| {
            let dead = view.life(ticket.request).unwrap_or_default().holder == Pulse::Dead
                && waiters == Waiters::AsTheyAre;
            let over = ticket.wait_until.is_some_and(|end| end <= view.now());
            ticket.is_waiting() && !dead && !over
        });
        let active: Vec<Active<'a>> = waiting.filter_map(|t| facts.active(view, t)).collect();
        facts.active = active;
        let pressed: Vec<bool> = facts.active.iter().map(|r| facts.is_pressed(r)).collect();
        for (r, pressed) in facts.active.iter_mut().zip(pressed) {
            r.pressed = pressed || r.ticket.strict;
        }
        facts
    }

    /// Rules 2, 4, 5 and 6.
    fn active(&self, view: &View, ticket: &'a Ticket) -> Option<Active<'a>> {
        let (mut covered, mut holds, mut judged) = (0, 0, &ticket.seniority);
        for (at, held) in self.held.iter().enumerate() {
            let lease = held.lease;
            let in_chain = lease.is_bound() && ticket.inside.contains(&lease.id);
            let covers = ticket.kind == Kind::Scoped || lease.kind == Kind::Standing;
            if in_chain && covers {
                covered |= self.instance.table.covered_by(held.claims);
            }
            let agents = self
                .held
                .iter()
                .filter(|outer| outer.lease.is_bound() && ticket.inside.contains(&outer.lease.id));
            let mut agents = agents.map(|outer| &outer.lease.who).chain([&ticket.who]);
            let theirs = lease.kind == Kind::Standing && agents.any(|a| a.same_agent(&lease.who));
            if in_chain || theirs {
                holds |= 1 << at;
                judged = judged.max(&lease.seniority);
            }
        }
        let need = self.instance.table.set(&ticket.claims) & !covered;
        let frozen = view.freezes().filter(|freeze| freeze.is_on(view.now()));
        let hits = |resource| self.instance.table.on(resource) & need != 0;
        let active = !frozen.into_iter().any(|freeze| hits(&freeze.resource));
        active.then_some(Active {
            ticket,
            need,
            holds,
            pressed: false,
            judged,
        })
    }

    fn holders(&self, pool: u32) -> impl Iterator<Item = usize> {
        let in_it = move |(_, held): &(usize, &Held<'a>)| held.claims & pool != 0;
        self.held.iter().enumerate().filter(in_it).map(|(at, _)| at)
    }

    /// Rule 7.
    fn is_pressed(&self, r: &Active<'a>) -> bool {
        let held = numbers(u32::try_from(r.holds).expect("few leases"));
        let mut held = held.map(|at| &self.held[at]);
        held.any(|held| self.active.iter().any(|t| self.wants(t, held)))
    }

    fn wants(&self, t: &Active<'a>, held: &Held<'a>) -> bool {
        let conflict = self.instance.table.conflict(t.need, held.claims);
        let for_slot = |(pool, size): (u32, usize)| {
            // All active tickets for the pool, the one that wants it among them.
            let others = self.active.iter().filter(|q| q.need & pool != 0);
            held.claims & pool != 0 && self.holders(pool).count() + others.count() > size
        };
        conflict && !t.ticket.inside.contains(&held.lease.id)
            || self.instance.table.pools(t.need).any(for_slot)
    }

    /// Rule 8.
    fn is_ahead(&self, q: &Active<'a>, r: &Active<'a>) -> bool {
        let passes = |a: &Active<'a>, b: &Active<'a>| a.pressed && a.judged < b.judged;
        q.ticket.number != r.ticket.number
            && !passes(r, q)
            && (passes(q, r) || q.ticket.number < r.ticket.number)
    }

    fn is_full(&self, r: &Active<'a>, pool: u32, size: usize) -> bool {
        let ahead = self.active.iter().filter(|q| q.need & pool != 0);
        let ahead = ahead.filter(|q| self.is_ahead(q, r));
        self.holders(pool).count() + ahead.count() >= size
    }

    /// Rule 9: the live leases in the way of a ticket.
    pub(super) fn leases_before(&self, r: &Active<'a>) -> impl Iterator<Item = usize> {
        let full = self.instance.table.pools(r.need);
        let full = full.filter(|(pool, size)| self.is_full(r, *pool, *size));
        let full = full.fold(0, |set, (pool, _)| set | pool);
        let in_the_way = move |held: &Held<'a>| {
            let outside = !r.ticket.inside.contains(&held.lease.id);
            outside && self.instance.table.conflict(r.need, held.claims) || held.claims & full != 0
        };
        (0..self.held.len()).filter(move |at| in_the_way(&self.held[*at]))
    }

    /// Rule 9: the active tickets in the way of a ticket.
    pub(super) fn tickets_before(&self, r: &Active<'a>) -> impl Iterator<Item = usize> {
        let in_the_way = move |q: &Active<'a>| {
            let both = q.need & r.need;
            let mut pools = self.instance.table.pools(both);
            self.is_ahead(q, r)
                && (self.instance.table.conflict(q.need, r.need)
                    || pools.any(|(pool, size)| self.is_full(r, pool, size)))
        };
        (0..self.active.len()).filter(move |at| in_the_way(&self.active[*at]))
    }

    /// Whether nothing is in the way of a ticket.
    pub(super) fn is_free(&self, r: &Active<'a>) -> bool {
        self.leases_before(r).next().is_none() && self.tickets_before(r).next().is_none()
    }

    /// Rule 10.
    pub(super) fn is_legal(&self, r: &Active<'a>) -> bool {
        let mut leases = self
            .leases_before(r)
            .map(|at| &self.held[at].lease.seniority);
        let mut tickets = self.tickets_before(r).map(|at| self.active[at].judged);
        !r.pressed || leases.all(|s| r.judged < s) && tickets.all(|s| r.judged < s)
    }

    /// Whether it may go on waiting, and has to.
    pub(super) fn is_settled(&self, r: &Active<'a>) -> bool {
        self.is_legal(r) && !self.is_free(r)
    }

    /// For each active ticket the active tickets it waits for: those ahead, and those that hold a
    /// lease in its way.
    pub(super) fn waits_for(&self) -> Vec<u64> {
        let of = |r: &Active<'a>| {
            let tickets = self.tickets_before(r).fold(0, |set, at| set | 1 << at);
            let leases: u64 = self.leases_before(r).fold(0, |set, at| set | 1 << at);
            let holds = self.active.iter().enumerate();
            let holders = holds.filter(|(_, q)| q.holds & leases != 0);
            holders.fold(tickets, |set: u64, (at, _)| set | 1 << at)
        };
        self.active.iter().map(of).collect()
    }
}
