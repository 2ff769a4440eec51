//! the kernel's rules §4: ask.

use super::Model;
use super::names::Claim;
use super::settle::ids;
use super::state::{Answer, Id, Ticket};
use leasehold_core::Ttl;
use leasehold_core::command::{Ask, Wait};
use leasehold_core::identity::Identity;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Limit;
use std::collections::BTreeSet;

const PRIORITY: u32 = 100;

impl Model {
    pub(super) fn ask(&mut self, ask: &Ask) -> Answer {
        let claims = Claim::list(&ask.claims);
        if let Some(same) = self.same_answer(ask.id.bits()) {
            return same;
        }
        if let Some(refusal) = self.limits(&claims) {
            return refusal;
        }
        if let Some(renewed) = self.renew_standing(ask, &claims) {
            return renewed;
        }
        let Some(mut request) = self.request(ask, claims) else {
            let inside = ask
                .inside
                .expect("only what is inside something can be lost")
                .bits();
            return Answer::Lost(inside);
        };
        if self.need(&request).is_empty() {
            let covers = request
                .claims
                .iter()
                .flat_map(|claim| self.covers(&request, claim));
            return Answer::Joined(covers.map(|lease| lease.id).collect());
        }
        self.park_the_gone(&request);
        match ask.wait {
            Wait::No => self.ask_now(request),
            Wait::Millis(_) | Wait::Forever => {
                if let Some(parked) = self.parked_place(&request) {
                    self.drop_ticket(parked.number);
                    request.number = parked.number;
                    request.age.1 = parked.age.1;
                } else {
                    self.number(&mut request);
                }
                self.state.tickets.push(request.clone());
                let fate = self.settle(Some(request.id));
                fate.unwrap_or_else(|| self.place(request.id))
            }
        }
    }

    /// §4.1.
    fn same_answer(&self, id: Id) -> Option<Answer> {
        if let Some(lease) = self.lease(id) {
            return Some(Answer::Granted {
                id,
                token: lease.token,
            });
        }
        // A parked request was answered and is over: asked again it is resumed.
        self.ticket(id)
            .filter(|ticket| ticket.parked.is_none())
            .map(|_| self.place(id))
    }

    fn place(&self, id: Id) -> Answer {
        let ticket = self.ticket(id).expect("it waits");
        let frozen: BTreeSet<Id> = self
            .freezes_on(&ticket)
            .iter()
            .map(|freeze| freeze.id)
            .collect();
        if !self.active().contains(&&ticket) {
            let (ahead, blockers) = (0, BTreeSet::new());
            return Answer::Queued {
                number: ticket.number,
                ahead,
                blockers,
                frozen,
            };
        }
        let (leases, tickets) = self.blockers(&ticket);
        let blockers = ids(&leases, &tickets);
        let ahead = blockers.len() - ids(&leases, &[]).len();
        Answer::Queued {
            number: ticket.number,
            ahead,
            blockers,
            frozen,
        }
    }

    /// §4.2, as far as the tests go over limits.
    fn limits(&self, claims: &[Claim]) -> Option<Answer> {
        if claims.is_empty() {
            return Some(Answer::Limit(Limit::NoClaims));
        }
        for (at, one) in claims.iter().enumerate() {
            for other in &claims[at + 1..] {
                // Overlapping claims of one request are harmless; a pool named twice is not.
                if one.what == other.what && (one.slots.is_some() || other.slots.is_some()) {
                    return Some(Answer::Limit(Limit::OwnClaims));
                }
            }
        }
        if claims
            .iter()
            .any(|claim| claim.slots.is_some() && claim.what.starts_with("path:"))
        {
            return Some(Answer::Limit(Limit::SlotsOfTree));
        }
        let held = self
            .live()
            .into_iter()
            .flat_map(|lease| lease.claims.clone());
        let waiting = self
            .state
            .tickets
            .iter()
            .filter(|ticket| ticket.parked.is_none());
        let waited = waiting.flat_map(|ticket| ticket.claims.clone());
        let mut known = held.chain(waited);
        let other = known.find(|old| {
            claims
                .iter()
                .any(|new| old.same_pool(new) && old.slots != new.slots)
        });
        other.map(|old| Answer::PoolSize(old.slots.expect("it is of a pool")))
    }

    /// §4.3.
    fn renew_standing(&mut self, ask: &Ask, claims: &[Claim]) -> Option<Answer> {
        let now = self.now;
        let ttl = ask.ttl.map(Ttl::as_millis);
        let same = self.state.leases.iter_mut().find(|lease| {
            ask.kind == Kind::Standing
                && !lease.scoped
                && lease.who.same_agent(&ask.who)
                && lease.claims == claims
        })?;
        same.unbound = None;
        same.ttl = ttl;
        same.expires = same.ttl.map(|ttl| now + ttl);
        let answer = Answer::Renewed(same.id);
        self.settle(None);
        Some(answer)
    }

    /// §4.4 and rule 6, still without a number; nothing where what it is inside of is lost.
    fn request(&self, ask: &Ask, claims: Vec<Claim>) -> Option<Ticket> {
        let mut inside = Vec::new();
        let mut priority = PRIORITY;
        let mut birth = Vec::new();
        if let Some(id) = ask.inside {
            let lease = self.lease(id.bits())?;
            if !self.is_live(lease) || lease.unbound.is_some() {
                return None;
            }
            inside.push(lease.id);
            inside.extend(&lease.inside);
            (priority, birth) = lease.age.clone();
        }
        Some(Ticket {
            number: 0,
            id: ask.id.bits(),
            who: ask.who.clone(),
            claims,
            scoped: ask.kind == Kind::Scoped,
            inside,
            age: (ask.priority.unwrap_or(priority), birth),
            parked: None,
            wait_until: match ask.wait {
                Wait::Millis(millis) => Some(self.now + millis),
                Wait::No | Wait::Forever => None,
            },
            ttl: ask.ttl.map(Ttl::as_millis),
            keep: ask.keep_while_alive,
            strict: ask.strict,
        })
    }

    /// Gives the next number, and a birth: that on the card, else the number.
    fn number(&mut self, request: &mut Ticket) {
        self.state.number += 1;
        request.number = self.state.number;
        let card = match request.inside.is_empty() {
            true => self.spend(&request.who, &request.claims, request.scoped),
            false => None,
        };
        match card {
            Some(birth) => request.age.1 = birth,
            None => request.age.1.push(request.number),
        }
    }

    /// Takes the card of such a request away and answers its birth.
    pub(super) fn spend(
        &mut self,
        who: &Identity,
        claims: &[Claim],
        scoped: bool,
    ) -> Option<Vec<u64>> {
        let at = self.state.cards.iter().position(|card| {
            self.now < card.until
                && card.who.same_place(who)
                && card.claims == claims
                && card.scoped == scoped
        })?;
        Some(self.state.cards.remove(at).birth)
    }

    /// A wait that was killed or has run out is taken up again whether or not anybody noticed.
    fn park_the_gone(&mut self, request: &Ticket) {
        for ticket in self.state.tickets.clone() {
            let over = ticket.wait_until.is_some_and(|until| until <= self.now);
            let gone = ticket.parked.is_none() && (over || self.is_dead(ticket.id));
            if gone && comes_back(request, &ticket) {
                self.put_ticket(self.parked(&ticket));
            }
        }
    }

    fn parked_place(&self, request: &Ticket) -> Option<Ticket> {
        let kept = |old: &&Ticket| old.parked.is_some_and(|until| self.now < until);
        let fits = |old: &&Ticket| kept(old) && comes_back(request, old);
        // Its own place first, so that no two tickets have one request.
        let order = |old: &&Ticket| (old.id != request.id, old.number);
        self.state
            .tickets
            .iter()
            .filter(fits)
            .min_by_key(order)
            .cloned()
    }

    /// §4.5.
    fn ask_now(&mut self, mut request: Ticket) -> Answer {
        self.settle(None);
        let (leases, tickets) = self.obstacles(&request);
        let frozen: Vec<Id> = self
            .freezes_on(&request)
            .iter()
            .map(|freeze| freeze.id)
            .collect();
        if !frozen.is_empty() {
            return Answer::Frozen(frozen.into_iter().collect());
        }
        let held = ids(&leases, &tickets);
        if !held.is_empty() {
            return Answer::Held(held);
        }
        if let Some(parked) = self.parked_place(&request) {
            self.drop_ticket(parked.number);
            request.number = parked.number;
            request.age.1 = parked.age.1;
        } else {
            self.number(&mut request);
        }
        let granted = self.grant(&request, true);
        self.settle(None);
        granted
    }
}

/// Whether a request is an older one coming back: the same place key, claims, kind and `inside`.
fn comes_back(request: &Ticket, old: &Ticket) -> bool {
    old.who.same_place(&request.who)
        && old.claims == request.claims
        && old.scoped == request.scoped
        && old.inside.first() == request.inside.first()
}
