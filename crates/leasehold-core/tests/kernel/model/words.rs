//! the kernel's rules §2, word by word: everything is recomputed from the whole state, each time.

use super::Model;
use super::names::{Claim, clash, overlap};
use super::state::{Age, Freeze, Id, Lease, Ticket};
use leasehold_core::identity::Agent;

impl Model {
    pub(super) fn is_dead(&self, id: Id) -> bool {
        self.dead_holders.contains(&id)
    }

    pub(super) fn is_command_dead(&self, id: Id) -> bool {
        self.dead_commands.contains(&id)
    }

    pub(super) fn lease(&self, id: Id) -> Option<&Lease> {
        self.state.leases.iter().find(|lease| lease.id == id)
    }

    /// The chain is a list of ids; what is gone or not live drops out of it.
    pub(super) fn live_chain(&self, ticket: &Ticket) -> Vec<&Lease> {
        let known = ticket.inside.iter().filter_map(|id| self.lease(*id));
        known.filter(|lease| self.is_live(lease)).collect()
    }

    /// Rule 2. Scoped leases cover scoped requests only.
    pub(super) fn covers<'a>(&'a self, ticket: &Ticket, claim: &Claim) -> Vec<&'a Lease> {
        let mut chain = self.live_chain(ticket);
        chain.retain(|lease| {
            (ticket.scoped || !lease.scoped) && lease.claims.iter().any(|own| own.covers(claim))
        });
        chain
    }

    pub(super) fn need(&self, ticket: &Ticket) -> Vec<Claim> {
        let open = |claim: &&Claim| self.covers(ticket, claim).is_empty();
        ticket.claims.iter().filter(open).cloned().collect()
    }

    /// Rule 3.
    pub(super) fn is_live(&self, lease: &Lease) -> bool {
        if lease.unbound.is_some() {
            return !self.is_dead(lease.id) && self.now < lease.granted + self.policy.pickup_ms;
        }
        if lease.scoped && (self.is_dead(lease.id) || lease.orphaned.is_some()) {
            let since = lease.orphaned.unwrap_or(self.now);
            let over = self.now >= since + self.policy.orphan_ms;
            return !self.is_command_dead(lease.id) && !over;
        }
        let expired = lease
            .expires
            .is_some_and(|at| self.now >= at + self.policy.lock_delay_ms);
        !expired || (lease.scoped && lease.keep)
    }

    pub(super) fn live(&self) -> Vec<&Lease> {
        self.state
            .leases
            .iter()
            .filter(|lease| self.is_live(lease))
            .collect()
    }

    pub(super) fn freezes_on(&self, ticket: &Ticket) -> Vec<&Freeze> {
        let need = self.need(ticket);
        let hit = |freeze: &&Freeze| {
            freeze.until.is_none_or(|until| self.now < until)
                && need.iter().any(|claim| overlap(claim.what, freeze.what))
        };
        self.state.freezes.iter().filter(hit).collect()
    }

    /// Rule 4.
    pub(super) fn active(&self) -> Vec<&Ticket> {
        let takes_part = |ticket: &&Ticket| {
            ticket.parked.is_none()
                && ticket.wait_until.is_none_or(|until| self.now < until)
                && !self.is_dead(ticket.id)
                && self.freezes_on(ticket).is_empty()
        };
        self.state.tickets.iter().filter(takes_part).collect()
    }

    /// Rule 5.
    pub(super) fn holds(&self, ticket: &Ticket) -> Vec<&Lease> {
        let mut agents: Vec<Agent> = ticket.who.agent().into_iter().collect();
        // A lapsed lease of the chain brings in neither itself nor its agent.
        agents.extend(
            self.live_chain(ticket)
                .iter()
                .filter_map(|lease| lease.who.agent()),
        );
        let held = |lease: &&Lease| {
            let standing = !lease.scoped && lease.who.agent().is_some_and(|a| agents.contains(&a));
            ticket.inside.contains(&lease.id) || standing
        };
        self.live().into_iter().filter(held).collect()
    }

    /// Rule 6: the youngest of its own age and those of all it holds.
    pub(super) fn judged(&self, ticket: &Ticket) -> Age {
        let held = self
            .holds(ticket)
            .into_iter()
            .map(|lease| lease.age.clone());
        held.chain([ticket.age.clone()])
            .max()
            .expect("its own at least")
    }

    /// All pairs of a lease that `r` holds and an active ticket that wants it (rule 7).
    pub(super) fn wishes(&self, r: &Ticket) -> Vec<(&Lease, &Ticket)> {
        let mut wishes = Vec::new();
        for lease in self.holds(r) {
            for q in self.active() {
                if self.wants(q, lease) {
                    wishes.push((lease, q));
                }
            }
        }
        wishes
    }

    fn wants(&self, q: &Ticket, lease: &Lease) -> bool {
        let need = self.need(q);
        let full = |claim: &Claim| {
            let others = self
                .queue_for(claim)
                .into_iter()
                .filter(|other| other.number != q.number);
            lease.claims.iter().any(|own| own.same_pool(claim))
                && self.slot_holders(claim).len() + others.count() >= size(claim)
        };
        // A full pool presses every holder, those of the asker's own chain too: it would wait for
        // itself.
        (!q.inside.contains(&lease.id) && clash(&lease.claims, &need)) || need.iter().any(full)
    }

    pub(super) fn pressed(&self, r: &Ticket) -> bool {
        r.strict || !self.wishes(r).is_empty()
    }

    pub(super) fn slot_holders(&self, pool: &Claim) -> Vec<&Lease> {
        let holds = |lease: &&Lease| lease.claims.iter().any(|own| own.same_pool(pool));
        self.live().into_iter().filter(holds).collect()
    }

    /// The active tickets that want a slot there.
    fn queue_for(&self, pool: &Claim) -> Vec<&Ticket> {
        let wants = |q: &&Ticket| self.need(q).iter().any(|claim| claim.same_pool(pool));
        self.active().into_iter().filter(wants).collect()
    }

    /// Rule 8: whether `q` is ahead of `r`, given that they conflict.
    pub(super) fn ahead(&self, q: &Ticket, r: &Ticket) -> bool {
        if self.pressed(r) && self.judged(r) < self.judged(q) {
            return false;
        }
        if self.pressed(q) && self.judged(q) < self.judged(r) {
            return true;
        }
        q.number < r.number
    }

    /// Rule 9, where `first` says which tickets count.
    fn blockers_if(
        &self,
        r: &Ticket,
        first: impl Fn(&Ticket) -> bool,
    ) -> (Vec<&Lease>, Vec<&Ticket>) {
        let need = self.need(r);
        let mut leases = self.live();
        leases.retain(|lease| !r.inside.contains(&lease.id) && clash(&need, &lease.claims));
        let mut tickets = self.active();
        tickets.retain(|q| q.number != r.number && clash(&need, &self.need(q)) && first(q));
        for claim in need.iter().filter(|claim| claim.slots.is_some()) {
            let holders = self.slot_holders(claim);
            let mut queue = self.queue_for(claim);
            queue.retain(|q| q.number != r.number && first(q));
            if holders.len() + queue.len() >= size(claim) {
                leases.extend(holders);
                tickets.extend(queue);
            }
        }
        (leases, tickets)
    }

    pub(super) fn blockers(&self, r: &Ticket) -> (Vec<&Lease>, Vec<&Ticket>) {
        self.blockers_if(r, |q| self.ahead(q, r))
    }

    /// What stands in the way of a request that does not wait: every ticket does.
    pub(super) fn obstacles(&self, r: &Ticket) -> (Vec<&Lease>, Vec<&Ticket>) {
        self.blockers_if(r, |_| true)
    }

    /// Rule 10.
    pub(super) fn legal(&self, r: &Ticket) -> bool {
        let judged = self.judged(r);
        let (leases, tickets) = self.blockers(r);
        !self.pressed(r)
            || (leases.iter().all(|lease| judged < lease.age)
                && tickets.iter().all(|q| judged < self.judged(q)))
    }
}

pub(super) fn size(claim: &Claim) -> usize {
    claim.slots.unwrap_or(0) as usize
}
