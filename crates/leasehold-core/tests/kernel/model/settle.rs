//! the kernel's rules §5: settle, one step at a time.

use super::Model;
use super::names::{Claim, clash};
use super::state::{Answer, Card, Id, Lease, Ticket};
use super::words::size;

impl Model {
    /// Repeats until nothing changes. Answers how the newcomer ended, where it did.
    pub(super) fn settle(&mut self, newcomer: Option<Id>) -> Option<Answer> {
        let mut fate = None;
        loop {
            self.note();
            if let Some(r) = self.next_to_die(newcomer) {
                let death = self.die(&r);
                if newcomer == Some(r.id) {
                    fate = Some(death);
                }
            } else if let Some(r) = self.next_to_grant() {
                let bound = newcomer == Some(r.id);
                let granted = self.grant(&r, bound);
                if bound {
                    fate = Some(granted);
                }
            } else {
                return fate;
            }
        }
    }

    /// Step 1.
    fn note(&mut self) {
        let now = self.now;
        for lease in self.state.leases.clone() {
            match &lease.unbound {
                None if lease.scoped && self.is_dead(lease.id) => {
                    if self.is_command_dead(lease.id) {
                        self.drop_lease(lease.id);
                    } else {
                        let known = self.state.leases.iter_mut().find(|old| old.id == lease.id);
                        known.expect("just seen").orphaned.get_or_insert(now);
                    }
                }
                Some(ticket) if !self.is_live(&lease) => {
                    self.drop_lease(lease.id);
                    self.state.tickets.push(self.parked(ticket));
                }
                _ => {}
            }
        }
        for ticket in self.state.tickets.clone() {
            let over = ticket.wait_until.is_some_and(|until| until <= now);
            if ticket.parked.is_none() && (self.is_dead(ticket.id) || over) {
                self.put_ticket(self.parked(&ticket));
            }
        }
        self.state
            .tickets
            .retain(|ticket| ticket.parked.is_none_or(|until| now < until));
        self.state.cards.retain(|card| now < card.until);
        self.state
            .freezes
            .retain(|freeze| freeze.until.is_none_or(|until| now < until));
    }

    pub(super) fn parked(&self, ticket: &Ticket) -> Ticket {
        Ticket {
            parked: Some(self.now + self.policy.place_ms),
            ..ticket.clone()
        }
    }

    pub(super) fn put_ticket(&mut self, ticket: Ticket) {
        self.drop_ticket(ticket.number);
        self.state.tickets.push(ticket);
    }

    pub(super) fn drop_ticket(&mut self, number: u64) {
        self.state.tickets.retain(|old| old.number != number);
    }

    pub(super) fn drop_lease(&mut self, id: Id) {
        self.state.leases.retain(|old| old.id != id);
    }

    /// Step 2: who dies, if any has to.
    fn next_to_die(&self, newcomer: Option<Id>) -> Option<Ticket> {
        let illegal = || {
            self.active()
                .into_iter()
                .filter(|ticket| !self.legal(ticket))
        };
        let new = illegal().find(|ticket| newcomer == Some(ticket.id));
        let youngest = || illegal().max_by_key(|ticket| (self.judged(ticket), ticket.number));
        new.or_else(youngest).cloned()
    }

    fn die(&mut self, r: &Ticket) -> Answer {
        let (leases, tickets) = self.blockers(r);
        let wishes = self.wishes(r);
        let death = Answer::Died {
            blockers: ids(&leases, &tickets),
            wanted: wishes.iter().map(|(lease, _)| lease.id).collect(),
            pressers: wishes.iter().map(|(_, ticket)| ticket.id).collect(),
        };
        let cards = self.cards_for(r);
        self.drop_ticket(r.number);
        for card in cards {
            self.spend(&card.who.clone(), &card.claims.clone(), card.scoped);
            self.state.cards.push(card);
        }
        death
    }

    /// The lease that is the unit's root, or the ticket itself: whose birth the unit goes by.
    fn root(&self, r: &Ticket) -> Option<&Lease> {
        self.live_chain(r).last().copied()
    }

    fn unit(&self, r: &Ticket) -> u64 {
        self.root(r).map_or(r.age.1[0], |root| root.birth[0])
    }

    fn cards_for(&self, r: &Ticket) -> Vec<Card> {
        let card = |who: &_, claims: &[Claim], scoped, birth: &[u64]| Card {
            who: Clone::clone(who),
            claims: claims.to_vec(),
            scoped,
            birth: birth.to_vec(),
            unit: self.unit(r),
            dead: (r.id, r.claims.clone(), r.scoped),
            until: self.now + self.policy.card_ms,
        };
        let own: Vec<&Lease> = self
            .holds(r)
            .into_iter()
            .filter(|lease| !lease.scoped)
            .collect();
        // Where both are for one request, that of the root takes the other's place.
        let judged = self.judged(r).1;
        let again = own
            .iter()
            .map(|lease| card(&lease.who, &lease.claims, false, &judged));
        let mut cards: Vec<Card> = again.collect();
        match self.root(r) {
            None => cards.push(card(&r.who, &r.claims, r.scoped, &r.age.1)),
            Some(root) if own.iter().any(|lease| lease.id == root.id) => {}
            Some(root) => cards.push(card(&root.who, &root.claims, root.scoped, &root.birth)),
        }
        cards
    }

    /// Step 3: who is granted next.
    fn next_to_grant(&self) -> Option<Ticket> {
        let free = |ticket: &&Ticket| {
            let (leases, tickets) = self.blockers(ticket);
            leases.is_empty() && tickets.is_empty()
        };
        self.active()
            .into_iter()
            .filter(free)
            .min_by_key(|ticket| ticket.number)
            .cloned()
    }

    pub(super) fn grant(&mut self, r: &Ticket, bound: bool) -> Answer {
        let need = self.need(r);
        let judged = self.judged(r);
        let unit = self.unit(r);
        self.remove_lapsed(r, &need);
        let slots = need
            .iter()
            .filter(|c| c.slots.is_some())
            .map(|c| self.free_slot(c))
            .collect();
        self.drop_ticket(r.number);
        let made_good = (r.claims.clone(), r.scoped);
        self.state
            .cards
            .retain(|card| (card.dead.1.clone(), card.dead.2) != made_good || card.unit != unit);
        self.state.token += 1;
        self.state.leases.push(Lease {
            id: r.id,
            who: r.who.clone(),
            claims: need,
            scoped: r.scoped,
            inside: r.inside.clone(),
            birth: r.age.1.clone(),
            age: if r.scoped { judged } else { r.age.clone() },
            number: r.number,
            token: self.state.token,
            granted: self.now,
            ttl: r.ttl,
            expires: if bound {
                r.ttl.map(|ttl| self.now + ttl)
            } else {
                None
            },
            keep: r.keep,
            slots,
            unbound: (!bound).then(|| r.clone()),
            orphaned: None,
        });
        Answer::Granted {
            id: r.id,
            token: self.state.token,
        }
    }

    fn remove_lapsed(&mut self, r: &Ticket, need: &[Claim]) {
        let lapsed: Vec<Lease> = self
            .state
            .leases
            .iter()
            .filter(|lease| !self.is_live(lease))
            .cloned()
            .collect();
        for lease in &lapsed {
            // A lapsed slot of a pool that had another size could be revived into one too many.
            let resized = |own: &Claim| {
                need.iter()
                    .any(|c| c.same_pool(own) && c.slots != own.slots)
            };
            let clashes = !r.inside.contains(&lease.id) && clash(need, &lease.claims);
            if clashes || lease.claims.iter().any(resized) {
                self.drop_lease(lease.id);
            }
        }
        for pool in need.iter().filter(|claim| claim.slots.is_some()) {
            let mut old: Vec<&Lease> = lapsed.iter().collect();
            old.retain(|lease| self.lease(lease.id).is_some() && in_pool(lease, pool));
            old.sort_by_key(|lease| (lease.expires, lease.id));
            for lease in old {
                let members = self
                    .state
                    .leases
                    .iter()
                    .filter(|lease| in_pool(lease, pool));
                if members.count() >= size(pool) {
                    self.drop_lease(lease.id);
                }
            }
        }
    }

    fn free_slot(&self, pool: &Claim) -> u32 {
        let taken = |slot: u32| {
            self.state.leases.iter().any(|lease| {
                let pools = lease.claims.iter().filter(|own| own.slots.is_some());
                pools
                    .zip(&lease.slots)
                    .any(|(own, at)| own.same_pool(pool) && *at == slot)
            })
        };
        (0..)
            .find(|slot| !taken(*slot))
            .expect("numbers do not end")
    }
}

fn in_pool(lease: &Lease, pool: &Claim) -> bool {
    lease.claims.iter().any(|own| own.same_pool(pool))
}

pub(super) fn ids(leases: &[&Lease], tickets: &[&Ticket]) -> std::collections::BTreeSet<Id> {
    let leases = leases.iter().map(|lease| lease.id);
    leases
        .chain(tickets.iter().map(|ticket| ticket.id))
        .collect()
}
