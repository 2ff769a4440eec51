//! The words of the rules, as functions of a view (kernel page, section 2).
//!
//! Everything here assumes that the view is closed for what is asked; [`Rules::missing`] says what it
//! lacks. Nothing is remembered between decisions.

use crate::claim::{Claim, any_conflict};
use crate::lease::{Kind, Lease, Pickup};
use crate::limits::Policy;
use crate::planted::Bug;
use crate::seniority::Seniority;
use crate::ticket::Ticket;
use crate::view::{Key, Life, Pulse, View};
use crate::{freeze::Freeze, id::LeaseId, resource::Resource, time::Timestamp, verdict::Blocker};
use alloc::{borrow::Cow, sync::Arc, vec::Vec};

/// The rules, over one view.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) view: &'a View,
    pub(crate) policy: &'a Policy,
}

/// An active ticket, with what follows from what it holds.
pub(crate) struct Judged<'a> {
    pub(crate) ticket: &'a Ticket,
    pub(crate) need: Cow<'a, [Claim]>,
    pub(crate) pressed: bool,
    /// The youngest of its own seniority and those of all that it holds.
    pub(crate) seniority: Cow<'a, Seniority>,
}

impl<'a> Rules<'a> {
    fn holder_is_dead(self, id: LeaseId) -> bool {
        self.view
            .life(id)
            .is_some_and(|life| life.holder == Pulse::Dead)
    }

    fn command_is_dead(self, id: LeaseId) -> bool {
        self.view
            .life(id)
            .is_some_and(|life| life.command == Pulse::Dead)
    }

    /// Returns whether the guard of a bound scoped lease is known to be dead: it is seen to be, or was
    /// before, and cannot be seen now.
    pub(crate) fn guard_is_dead(self, lease: &Lease) -> bool {
        let is_dead = match self.view.life(lease.id).map(|life| life.holder) {
            Some(Pulse::Dead) => true,
            Some(Pulse::Alive) => false,
            Some(Pulse::Unknown) | None => lease.orphaned.is_some(),
        };
        lease.kind == Kind::Scoped && lease.is_bound() && is_dead
    }

    /// Returns whether a command may run under a lease whose guard cannot be seen: then it may be an
    /// orphan, which its TTL does not end.
    fn may_be_orphan(self, lease: &Lease) -> bool {
        let may_be = |life: Life| life.holder == Pulse::Unknown && life.command.may_live();
        lease.kind == Kind::Scoped
            && self.view.life(lease.id).is_some_and(may_be)
            && !Bug::LapseUnseen.is_planted()
    }

    /// Returns whether guard and command of a bound scoped lease are known to be dead.
    pub(crate) fn is_over(self, lease: &Lease) -> bool {
        let command_is_dead = self.command_is_dead(lease.id) || Bug::AbandonOrphans.is_planted();
        self.guard_is_dead(lease) && command_is_dead
    }

    /// Returns whether a bound lease stays dead however long it is given: its guard is dead, and its
    /// command too or protected no longer.
    pub(crate) fn is_past_renewing(self, lease: &Lease) -> bool {
        self.guard_is_dead(lease) && !self.is_live(lease)
    }

    /// Rule 3: whether a lease is live.
    pub(crate) fn is_live(self, lease: &Lease) -> bool {
        let now = self.view.now();
        if let Pickup::Unbound(_) = lease.pickup {
            let picked_up_by = lease.granted.plus_millis(self.policy.pickup_ms);
            return !self.holder_is_dead(lease.id) && now < picked_up_by;
        }
        if self.guard_is_dead(lease) {
            let protected = |since| now.millis_since(since) < self.policy.orphan_ms;
            return !self.command_is_dead(lease.id) && lease.orphaned.is_none_or(protected);
        }
        let is_near = |at| at <= now.plus_millis(500);
        if Bug::ExpireEarly.is_planted() && lease.expires.is_some_and(is_near) {
            return false;
        }
        let lapses = lease
            .expires
            .map(|at| at.plus_millis(self.policy.lock_delay_ms));
        let protected = |at: Timestamp| now < at.plus_millis(self.policy.orphan_ms);
        lapses.is_none_or(|at| now < at || (self.may_be_orphan(lease) && protected(at)))
            || self.is_kept(lease)
    }

    /// `--keep-while-alive`: the holder was looked at, and may live.
    fn is_kept(self, lease: &Lease) -> bool {
        let life = self.view.life(lease.id);
        lease.keep_while_alive
            && lease.kind == Kind::Scoped
            && life.is_some_and(|life| life.holder.may_live())
    }

    pub(crate) fn live_leases(self) -> impl Iterator<Item = &'a Lease> {
        self.view.leases().filter(move |lease| self.is_live(lease))
    }

    /// Returns the leases of a chain that are held, innermost first.
    pub(crate) fn chain(self, inside: &'a [LeaseId]) -> impl Iterator<Item = &'a Lease> {
        let found = inside
            .iter()
            .filter_map(move |id| self.view.lease(*id).map(Arc::as_ref));
        found.filter(move |lease| lease.is_bound() && self.is_live(lease))
    }

    /// Rule 2: what remains of a request when the claims that its chain covers are dropped.
    pub(crate) fn need<'b>(
        self,
        inside: &'b [LeaseId],
        claims: &'b [Claim],
        kind: Kind,
    ) -> Cow<'b, [Claim]>
    where
        'a: 'b,
    {
        if inside.is_empty() {
            return Cow::Borrowed(claims);
        }
        let covers = |lease: &&Lease| kind == Kind::Scoped || lease.kind == Kind::Standing;
        let cover: Vec<&Claim> = self
            .chain(inside)
            .filter(covers)
            .flat_map(|lease| &lease.claims)
            .collect();
        let needed = |claim: &&Claim| !cover.iter().any(|own| own.covers(claim));
        Cow::Owned(claims.iter().filter(needed).cloned().collect())
    }

    fn need_of(self, ticket: &'a Ticket) -> Cow<'a, [Claim]> {
        self.need(&ticket.inside, &ticket.claims, ticket.kind)
    }

    /// Returns the freezes on what is needed.
    pub(crate) fn freezes_on(self, need: &[Claim]) -> impl Iterator<Item = &'a Freeze> {
        let now = self.view.now();
        let on = move |freeze: &&Freeze| freeze.is_on(now);
        let hits =
            move |freeze: &&Freeze| need.iter().any(|c| c.resource.overlaps(&freeze.resource));
        self.view.freezes().filter(on).filter(hits)
    }

    /// Returns whether a waiting ticket's waiter is gone, or its time is over.
    pub(crate) fn waiter_is_gone(self, ticket: &Ticket) -> bool {
        let over = |until| until <= self.view.now();
        if Bug::GrantToDead.is_planted() {
            return ticket.wait_until.is_some_and(over);
        }
        self.holder_is_dead(ticket.request) || ticket.wait_until.is_some_and(over)
    }

    /// Rule 4: whether a ticket takes part.
    pub(crate) fn is_active(self, ticket: &'a Ticket) -> bool {
        ticket.is_waiting()
            && !self.waiter_is_gone(ticket)
            && (Bug::IgnoreFreeze.is_planted()
                || self.view.freezes().next().is_none()
                || self.freezes_on(&self.need_of(ticket)).next().is_none())
    }

    /// Returns whether a waiting ticket can neither be pressed nor pass nor die: it stands where its number
    /// says for as long as this lasts.
    fn is_idle(self, ticket: &'a Ticket) -> bool {
        !ticket.strict && self.holds(ticket).is_empty()
    }

    /// Returns whether all who wait for a resource are idle, of those in the view.
    pub(crate) fn is_idle_queue(self, resource: &Resource) -> bool {
        let mut waiting = self.view.tickets().filter(|ticket| ticket.is_waiting());
        waiting.all(|ticket| !is_for(ticket, resource) || self.is_idle(ticket))
    }

    /// Returns whether somebody active waits in the front of a queue with whom nobody behind is let in.
    pub(crate) fn is_barred(self, resource: &Resource) -> bool {
        let last = self.view.front(resource).unwrap_or(0);
        let front = self
            .view
            .tickets()
            .take_while(|ticket| ticket.number <= last);
        let mut active = front.filter(|ticket| self.is_active(ticket));
        let bars = |claim: &Claim| claim.resource == *resource && claim.is_exclusive();
        Bug::TrustFront.is_planted() || active.any(|ticket| self.need_of(ticket).iter().any(bars))
    }

    /// Rule 5: what a request holds: its chain, and the standing leases of its agents.
    pub(crate) fn holds(self, ticket: &'a Ticket) -> Vec<&'a Lease> {
        if ticket.inside.is_empty() && ticket.agents.is_empty() {
            return Vec::new();
        }
        let mut held: Vec<&Lease> = self.chain(&ticket.inside).collect();
        let chain = held.len();
        for lease in self
            .view
            .leases()
            .filter(|lease| lease.kind == Kind::Standing)
        {
            let (chain, rest) = held.split_at(chain);
            let theirs = ticket.who.same_agent(&lease.who)
                || chain.iter().any(|outer| outer.who.same_agent(&lease.who));
            let known = chain.iter().chain(rest).any(|old| old.id == lease.id);
            if theirs && !known && self.is_live(lease) {
                held.push(lease);
            }
        }
        held
    }

    /// Returns the live leases with a slot of this pool.
    fn slot_holders(self, pool: &Claim) -> impl Iterator<Item = &'a Lease> {
        self.live_leases()
            .filter(move |lease| lease.claims.iter().any(|own| own.same_pool(pool)))
    }

    /// Returns whether a ticket wants what a lease holds, pools counted among all active tickets.
    fn wants(self, tickets: &[(&'a Ticket, Cow<'a, [Claim]>)], at: usize, lease: &Lease) -> bool {
        let (ticket, need) = &tickets[at];
        if !ticket.inside.contains(&lease.id) && any_conflict(need, &lease.claims) {
            return true;
        }
        let pools = need
            .iter()
            .filter(|c| lease.claims.iter().any(|own| own.same_pool(c)));
        pools.into_iter().any(|pool| {
            let others = tickets.iter().enumerate().filter(|(other, (_, need))| {
                *other != at && need.iter().any(|c| c.same_pool(pool))
            });
            is_full(pool, self.slot_holders(pool).count() + others.count())
        })
    }

    /// Returns the active tickets, judged, by number.
    pub(crate) fn judge(self) -> Vec<Judged<'a>> {
        let active = self.view.tickets().filter(|ticket| self.is_active(ticket));
        let tickets: Vec<_> = active
            .map(|ticket| (ticket, self.need_of(ticket)))
            .collect();
        let judged = tickets.iter().map(|(ticket, need)| {
            let held = self.holds(ticket);
            let pressed = ticket.strict
                || held
                    .iter()
                    .any(|l| (0..tickets.len()).any(|at| self.wants(&tickets, at, l)));
            let youngest = held.iter().map(|lease| &lease.seniority).max();
            let seniority = youngest
                .filter(|s| **s > ticket.seniority)
                .unwrap_or(&ticket.seniority);
            let seniority = Cow::Borrowed(seniority);
            Judged {
                ticket,
                need: need.clone(),
                pressed,
                seniority,
            }
        });
        judged.collect()
    }

    /// Returns the tickets that want what `holds` has, among the active ones.
    pub(crate) fn pressers(self, holds: &[&'a Lease]) -> Vec<(&'a Ticket, &'a Lease)> {
        let active = self.view.tickets().filter(|ticket| self.is_active(ticket));
        let tickets: Vec<_> = active
            .map(|ticket| (ticket, self.need_of(ticket)))
            .collect();
        let pairs = holds
            .iter()
            .flat_map(|lease| (0..tickets.len()).map(move |at| (at, *lease)));
        let wanted = pairs.filter(|(at, lease)| self.wants(&tickets, *at, lease));
        wanted.map(|(at, lease)| (tickets[at].0, lease)).collect()
    }

    /// Returns the live leases outside the chain that stand in the way of a need, pools aside.
    pub(crate) fn holders_of(
        self,
        inside: &'a [LeaseId],
        need: &'a [Claim],
    ) -> impl Iterator<Item = &'a Lease> {
        let outside = move |lease: &&Lease| !inside.contains(&lease.id);
        let in_the_way = move |lease: &&Lease| any_conflict(need, &lease.claims);
        // The cheap test goes first: it leaves few leases to be looked at for life.
        self.view
            .leases()
            .filter(outside)
            .filter(in_the_way)
            .filter(move |l| self.is_live(l))
    }

    /// Rule 9: the leases in a request's way. `ahead` are the tickets ahead of it that are for one of
    /// its resources, needed only to count pools.
    pub(crate) fn lease_blockers(
        self,
        inside: &'a [LeaseId],
        need: &'a [Claim],
        ahead: impl Fn(&Claim) -> usize,
    ) -> Vec<&'a Lease> {
        let mut found: Vec<&Lease> = self.holders_of(inside, need).collect();
        for pool in need.iter().filter(|claim| claim.slots.is_some()) {
            let holders: Vec<&Lease> = self.slot_holders(pool).collect();
            if is_full(pool, holders.len() + ahead(pool)) {
                let new = holders
                    .iter()
                    .filter(|l| !found.iter().any(|old| old.id == l.id));
                let new: Vec<&Lease> = new.copied().collect();
                found.extend(new);
            }
        }
        found
    }

    /// Rule 9: the leases in the way of an active ticket.
    pub(crate) fn lease_blockers_of(
        self,
        all: &'a [Judged<'a>],
        r: &'a Judged<'a>,
    ) -> Vec<&'a Lease> {
        let ahead = |pool: &Claim| slots_ahead(all, r, pool);
        self.lease_blockers(&r.ticket.inside, &r.need, ahead)
    }

    /// Rule 9: everything in the way of an active ticket: the leases, then the tickets by number.
    pub(crate) fn blockers(self, all: &'a [Judged<'a>], r: &'a Judged<'a>) -> Vec<Blocker> {
        let leases = self.lease_blockers_of(all, r).into_iter();
        let leases = leases.map(|lease| Blocker::Lease(Arc::new(lease.clone())));
        let tickets = self.ticket_blockers(all, r);
        let tickets = tickets.map(|q| Blocker::Ticket(Arc::new(q.ticket.clone())));
        leases.chain(tickets).collect()
    }

    /// Rule 9: the tickets ahead of `r` that conflict with it, by number.
    pub(crate) fn ticket_blockers<'b>(
        self,
        all: &'b [Judged<'a>],
        r: &'b Judged<'a>,
    ) -> impl Iterator<Item = &'b Judged<'a>> {
        all.iter()
            .filter(move |q| is_ahead(q, r) && self.ticket_conflict(all, q, r))
    }

    /// Whether `q`, being ahead, stands in the way of `r`.
    fn ticket_conflict(self, all: &[Judged<'a>], q: &Judged<'a>, r: &Judged<'a>) -> bool {
        let full = |pool: &&Claim| {
            is_full(
                pool,
                self.slot_holders(pool).count() + slots_ahead(all, r, pool),
            )
        };
        let shared = |pool: &&Claim| q.need.iter().any(|c| c.same_pool(pool));
        any_conflict(&q.need, &r.need) || r.need.iter().filter(shared).any(|pool| full(&pool))
    }

    /// Rule 10: whether an active ticket may go on waiting.
    pub(crate) fn is_legal(self, all: &'a [Judged<'a>], r: &'a Judged<'a>) -> bool {
        Bug::NeverDie.is_planted()
            || !r.pressed
            || (self
                .lease_blockers_of(all, r)
                .iter()
                .all(|l| r.seniority.is_older_than(&l.seniority))
                && self
                    .ticket_blockers(all, r)
                    .all(|q| r.seniority.is_older_than(&q.seniority)))
    }

    /// Returns whether an active ticket can be granted.
    pub(crate) fn is_free(self, all: &'a [Judged<'a>], r: &'a Judged<'a>) -> bool {
        self.lease_blockers_of(all, r).is_empty() && self.ticket_blockers(all, r).next().is_none()
    }

    /// Returns which keys the view lacks before anything of it can be judged: what the waiting tickets
    /// overlap and hold, who wants what they hold, and for each wanted lease who waits under it. Of
    /// `fronts` the front of the queue is enough.
    pub(crate) fn missing(self, fronts: &[Resource]) -> Vec<Key> {
        let mut keys = Missing {
            view: self.view,
            fronts,
            keys: Vec::new(),
        };
        let waiting: Vec<&Ticket> = self.view.tickets().filter(|t| t.is_waiting()).collect();
        for ticket in &waiting {
            Key::overlaps(&ticket.claims).for_each(|key| keys.want(key));
            ticket
                .inside
                .iter()
                .for_each(|id| keys.want(Key::Lease(*id)));
            // Of the chain those too that seem to have lapsed: an orphan, or one that is kept while its
            // holder lives, is live whatever its TTL.
            let chain = ticket.inside.iter().filter_map(|id| self.view.lease(*id));
            chain.for_each(|lease| keys.want_life(lease));
            ticket
                .agents
                .iter()
                .for_each(|agent| keys.want(Key::Standing(agent.clone())));
            for lease in self.holds(ticket) {
                keys.want_life(lease);
                Key::overlaps(&lease.claims).for_each(|key| keys.want(key));
            }
        }
        for lease in self.view.leases() {
            if waiting.iter().any(|ticket| may_want(ticket, lease)) {
                keys.want_life(lease);
                keys.want(Key::Lease(lease.id));
                let agent = lease.standing_agent().map(Key::Agent);
                agent.into_iter().for_each(|key| keys.want(key));
            }
        }
        keys.once()
    }
}

/// Collects the keys that a view lacks.
struct Missing<'a> {
    view: &'a View,
    fronts: &'a [Resource],
    keys: Vec<Key>,
}

impl Missing<'_> {
    /// Wants to know whether the processes behind a lease live.
    fn want_life(&mut self, lease: &Lease) {
        if lease.has_proof_of_life() {
            self.want(Key::Life(lease.id));
        }
    }

    fn want(&mut self, key: Key) {
        let by_front = matches!(&key, Key::Overlap(resource) if self.fronts.contains(resource));
        if !by_front && !self.view.is_loaded(&key) {
            self.keys.push(key);
        }
    }

    /// Returns each key once: sorted, because of a long queue there are many.
    fn once(mut self) -> Vec<Key> {
        self.keys.sort_unstable();
        self.keys.dedup();
        self.keys
    }
}

fn is_for(ticket: &Ticket, resource: &Resource) -> bool {
    let mut claims = ticket.claims.iter();
    claims.any(|claim| claim.resource.overlaps(resource))
}

/// A coarse test, wider than rule 7: whoever it leaves out cannot press the holder.
fn may_want(ticket: &Ticket, lease: &Lease) -> bool {
    let pool = |c: &Claim| lease.claims.iter().any(|own| own.same_pool(c));
    any_conflict(&ticket.claims, &lease.claims) || ticket.claims.iter().any(pool)
}

/// Rule 8: whether `q` is ahead of `r`, for two different active tickets.
pub(crate) fn is_ahead(q: &Judged<'_>, r: &Judged<'_>) -> bool {
    let passes =
        |a: &Judged<'_>, b: &Judged<'_>| a.pressed && a.seniority.is_older_than(&b.seniority);
    if Bug::NeverPass.is_planted() {
        return q.ticket.number < r.ticket.number;
    }
    if q.ticket.number == r.ticket.number || passes(r, q) {
        return false;
    }
    passes(q, r) || q.ticket.number < r.ticket.number
}

fn slots_ahead(all: &[Judged<'_>], r: &Judged<'_>, pool: &Claim) -> usize {
    let for_pool = |q: &&Judged<'_>| q.need.iter().any(|c| c.same_pool(pool));
    all.iter()
        .filter(|q| is_ahead(q, r))
        .filter(for_pool)
        .count()
}

/// Returns whether a pool has no slot left beside `taken`.
pub(crate) fn is_full(pool: &Claim, taken: usize) -> bool {
    let taken = taken - usize::from(Bug::OneSlotMore.is_planted() && taken > 0);
    pool.slots.is_some_and(|size| taken >= size.get() as usize)
}
