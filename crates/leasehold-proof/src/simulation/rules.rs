//! The words of the kernel's rules once more, slow and plain, over the ledger.

use super::ledger::{Holding, Ledger, Lives, Queued};
use super::names::{Item, NAMES, clash};
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::seniority::Seniority;
use leasehold_core::view::{Life, Pulse};
use leasehold_core::{Identity, LeaseId, Timestamp};
use std::cell::OnceCell;

/// The state at one time, with what is known of the processes then.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) now: Timestamp,
    pub(super) lives: &'a Lives,
    pub(super) policy: &'a Policy,
}

/// An active ticket and what follows from what it holds, as far as somebody wants to know.
pub(super) struct Judged<'a> {
    pub(super) queued: &'a Queued,
    pub(super) need: Vec<Item>,
    held: OnceCell<Vec<&'a Holding>>,
    pressed: OnceCell<bool>,
}

/// Who is in the way.
pub(super) enum Blocker<'a, 'b> {
    Lease(&'a Holding),
    Ticket(&'b Judged<'a>),
}

impl<'a> Rules<'a> {
    pub(super) fn life(self, id: LeaseId) -> Life {
        self.lives.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn is_live(self, holding: &Holding) -> bool {
        let (lease, life) = (&holding.lease, self.life(holding.lease.id));
        if !lease.is_bound() {
            let age_ms = self.now.millis_since(lease.granted);
            return life.holder == Pulse::Alive && age_ms < self.policy.pickup_ms;
        }
        if lease.kind == Kind::Scoped && life.holder == Pulse::Dead {
            let since = lease.orphaned.unwrap_or(self.now);
            let protected = self.now.millis_since(since) < self.policy.orphan_ms;
            return life.command == Pulse::Alive && protected;
        }
        let kept = lease.kind == Kind::Scoped && lease.keep_while_alive;
        let delay_ms = self.policy.lock_delay_ms;
        kept || lease
            .expires
            .is_none_or(|end| self.now < end.plus_millis(delay_ms))
    }

    pub(super) fn live(self) -> impl Iterator<Item = &'a Holding> {
        let leases = self.ledger.leases.values();
        leases.filter(move |holding| self.is_live(holding))
    }

    /// The leases of a chain that are held.
    fn chain(self, inside: &[LeaseId]) -> Vec<&'a Holding> {
        let found = inside.iter().filter_map(|id| self.ledger.leases.get(id));
        found
            .filter(|holding| holding.lease.is_bound() && self.is_live(holding))
            .collect()
    }

    pub(super) fn need(self, inside: &[LeaseId], items: &[Item], kind: Kind) -> Vec<Item> {
        let covers = |held: &&&Holding| kind == Kind::Scoped || held.lease.kind == Kind::Standing;
        let chain = self.chain(inside);
        let cover: Vec<Item> = chain
            .iter()
            .filter(covers)
            .flat_map(|held| held.items.iter().copied())
            .collect();
        let open = |item: &&Item| !cover.iter().any(|own| own.covers(**item));
        items.iter().filter(open).copied().collect()
    }

    fn need_of(self, queued: &Queued) -> Vec<Item> {
        let ticket = &queued.ticket;
        self.need(&ticket.inside, &queued.items, ticket.kind)
    }

    pub(super) fn is_frozen(self, need: &[Item]) -> bool {
        self.ledger.freezes.values().any(|freeze| {
            let what = NAMES.place(&freeze.resource);
            freeze.until.is_none_or(|until| self.now < until)
                && need.iter().any(|item| NAMES.overlap(item.what, what))
        })
    }

    pub(super) fn is_active(self, queued: &Queued) -> bool {
        let ticket = &queued.ticket;
        let over = ticket.wait_until.is_some_and(|until| until <= self.now);
        let gone = over || self.life(ticket.request).holder == Pulse::Dead;
        ticket.is_waiting() && !gone && !self.is_frozen(&self.need_of(queued))
    }

    /// Rule 5: what a request holds.
    pub(super) fn holds(self, queued: &Queued) -> Vec<&'a Holding> {
        let ticket = &queued.ticket;
        let chain = self.chain(&ticket.inside);
        let agents = chain.iter().map(|held| &held.lease.who);
        let agents: Vec<_> = agents
            .chain([&ticket.who])
            .filter_map(Identity::agent)
            .collect();
        let theirs = |held: &&Holding| {
            let agent = held.lease.who.agent();
            let standing = held.lease.kind == Kind::Standing;
            standing && agent.is_some_and(|agent| agents.contains(&agent))
        };
        let ids: Vec<LeaseId> = chain.iter().map(|held| held.lease.id).collect();
        let in_chain = |held: &&Holding| ids.contains(&held.lease.id);
        self.live()
            .filter(|held| in_chain(held) || theirs(held))
            .collect()
    }

    /// Returns the active tickets by number.
    pub(super) fn judge(self) -> Vec<Judged<'a>> {
        let tickets = self.ledger.tickets.values();
        let active = tickets.filter(|queued| self.is_active(queued));
        let judged = active.map(|queued| Judged {
            queued,
            need: self.need_of(queued),
            held: OnceCell::new(),
            pressed: OnceCell::new(),
        });
        judged.collect()
    }

    fn held<'b>(self, r: &'b Judged<'a>) -> &'b [&'a Holding] {
        r.held.get_or_init(|| self.holds(r.queued))
    }

    /// Rule 6: the youngest of its own age and those of all it holds.
    fn age<'b>(self, r: &'b Judged<'a>) -> &'b Seniority {
        let own = &r.queued.ticket.seniority;
        let ages = self.held(r).iter().map(|held| &held.lease.seniority);
        ages.chain([own]).max().unwrap_or(own)
    }

    /// Rule 7.
    fn is_pressed(self, all: &[Judged<'a>], r: &Judged<'a>) -> bool {
        let wanted = |held: &&Holding| all.iter().any(|q| self.wants(all, q, held));
        let found = || r.queued.ticket.strict || self.held(r).iter().any(wanted);
        *r.pressed.get_or_init(found)
    }

    fn slot_holders(self, pool: Item) -> usize {
        let has = |held: &&Holding| held.items.iter().any(|own| own.same_pool(pool));
        self.live().filter(has).count()
    }

    /// Whether an active ticket wants what a lease holds.
    fn wants(self, all: &[Judged<'a>], q: &Judged<'a>, held: &Holding) -> bool {
        let outside = !q.queued.ticket.inside.contains(&held.lease.id);
        let shared = |item: &&Item| held.items.iter().any(|own| own.same_pool(**item));
        let full = |pool: &Item| {
            let others = all.iter().filter(|other| {
                other.number() != q.number() && other.need.iter().any(|item| item.same_pool(*pool))
            });
            self.slot_holders(*pool) + others.count() >= pool.slots as usize
        };
        outside && clash(&q.need, &held.items) || q.need.iter().filter(shared).any(full)
    }

    /// Rule 8: whether `q` is ahead of `r`.
    fn is_ahead(self, all: &[Judged<'a>], q: &Judged<'a>, r: &Judged<'a>) -> bool {
        let passes =
            |a: &Judged<'a>, b: &Judged<'a>| self.is_pressed(all, a) && self.age(a) < self.age(b);
        q.number() != r.number() && !passes(r, q) && (passes(q, r) || q.number() < r.number())
    }

    /// Rule 9: what is in the way of an active ticket.
    pub(super) fn blockers<'b>(
        self,
        all: &'b [Judged<'a>],
        r: &'b Judged<'a>,
    ) -> Vec<Blocker<'a, 'b>> {
        let meets = |q: &&Judged<'a>| {
            let same_pool = |item: &Item| r.need.iter().any(|own| own.same_pool(*item));
            clash(&q.need, &r.need) || q.need.iter().any(same_pool)
        };
        let ahead: Vec<&Judged<'a>> = all
            .iter()
            .filter(meets)
            .filter(|q| self.is_ahead(all, q, r))
            .collect();
        let full: Vec<Item> = r
            .need
            .iter()
            .filter(|pool| pool.slots > 0)
            .filter(|pool| {
                let queue = ahead
                    .iter()
                    .filter(|q| q.need.iter().any(|item| item.same_pool(**pool)));
                self.slot_holders(**pool) + queue.count() >= pool.slots as usize
            })
            .copied()
            .collect();
        let slot = |items: &[Item]| {
            items
                .iter()
                .any(|own| full.iter().any(|pool| pool.same_pool(*own)))
        };
        let inside = &r.queued.ticket.inside;
        let leases = self.live().filter(|held| {
            let outside = !inside.contains(&held.lease.id);
            outside && clash(&r.need, &held.items) || slot(&held.items)
        });
        let tickets = ahead
            .into_iter()
            .filter(|q| clash(&q.need, &r.need) || slot(&q.need));
        leases
            .map(Blocker::Lease)
            .chain(tickets.map(Blocker::Ticket))
            .collect()
    }

    /// Rule 10: whether an active ticket may go on waiting.
    pub(super) fn is_legal(self, all: &[Judged<'a>], r: &Judged<'a>) -> bool {
        let younger = |blocker: &Blocker<'a, '_>| match blocker {
            Blocker::Lease(held) => *self.age(r) < held.lease.seniority,
            Blocker::Ticket(q) => self.age(r) < self.age(q),
        };
        !self.is_pressed(all, r) || self.blockers(all, r).iter().all(younger)
    }

    /// The active tickets that hold a lease.
    pub(super) fn waiting_with<'b>(
        self,
        all: &'b [Judged<'a>],
        lease: LeaseId,
    ) -> impl Iterator<Item = &'b Judged<'a>> {
        all.iter()
            .filter(move |q| self.held(q).iter().any(|held| held.lease.id == lease))
    }
}

impl Judged<'_> {
    pub(super) fn number(&self) -> u64 {
        self.queued.ticket.number
    }
}
