//! Fingerprints: two states have one when they differ only in what no rule looks at, as the size of
//! the numbers given out, the ids, the date.

use super::act::BOSS;
use super::instance::Instance;
use super::world::{Hold, Phase, Watch, World};
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::seniority::Birth;
use leasehold_core::ticket::TicketState;
use leasehold_core::{Claim, Identity, Lease, LeaseId, Ticket, Timestamp};
use std::hash::{DefaultHasher, Hasher};

const NONE: u64 = u64::MAX;

/// Writes states as numbers and hashes them. Numbers given out become their rank, ids the order in
/// which they first come, times the distance from now.
pub(super) struct Printer<'a> {
    instance: &'a Instance,
    out: DefaultHasher,
    ids: Vec<LeaseId>,
    ranks: Vec<u64>,
    now: u64,
}

impl<'a> Printer<'a> {
    pub(super) fn print(instance: &'a Instance, world: &World) -> u64 {
        let mut printer = Self {
            instance,
            out: DefaultHasher::new(),
            ids: Vec::with_capacity(8),
            ranks: Vec::with_capacity(24),
            now: world.now(),
        };
        printer.rank(world);
        printer.stands(world);
        printer.leases(world);
        world
            .view
            .tickets()
            .for_each(|ticket| printer.ticket(world, ticket));
        printer.rest(world);
        printer.out.finish()
    }

    fn rank(&mut self, world: &World) {
        let ranks = &mut self.ranks;
        let mut births = |birth: &Birth| ranks.extend_from_slice(birth.numbers());
        for lease in world.view.leases() {
            births(&lease.birth);
            births(&lease.seniority.birth);
            if let Pickup::Unbound(ticket) = &lease.pickup {
                births(&ticket.seniority.birth);
            }
        }
        world
            .view
            .tickets()
            .for_each(|t| births(&t.seniority.birth));
        world.view.cards().for_each(|card| births(&card.birth));
        let unbound = world.view.leases().filter(|lease| !lease.is_bound());
        ranks.extend(unbound.map(|lease| lease.number));
        ranks.extend(world.view.tickets().map(|ticket| ticket.number));
        ranks.extend(world.view.cards().map(|card| card.unit));
        ranks.sort_unstable();
        ranks.dedup();
    }

    fn put(&mut self, number: u64) {
        self.out.write_u64(number);
    }

    fn number(&mut self, number: u64) {
        let rank = self.ranks.binary_search(&number).unwrap_or(usize::MAX);
        self.put(rank as u64);
    }

    fn birth(&mut self, birth: &Birth) {
        self.put(birth.numbers().len() as u64);
        birth
            .numbers()
            .iter()
            .for_each(|number| self.number(*number));
    }

    fn id(&mut self, id: LeaseId) {
        let at = self.ids.iter().position(|known| *known == id);
        let at = at.unwrap_or_else(|| {
            self.ids.push(id);
            self.ids.len() - 1
        });
        self.put(at as u64);
    }

    fn time(&mut self, at: Option<Timestamp>) {
        self.millis(at.map(Timestamp::as_millis));
    }

    fn millis(&mut self, at: Option<u64>) {
        self.put(at.map_or(NONE, |at| at.wrapping_sub(self.now).wrapping_add(1 << 32)));
    }

    fn who(&mut self, who: &Identity) {
        let known = self.instance.table.identities.iter().position(|w| w == who);
        self.put(known.unwrap_or(BOSS) as u64);
    }

    fn claims(&mut self, claims: &[Claim], kind: Kind) {
        let kind = u64::from(kind == Kind::Standing);
        self.put(u64::from(self.instance.table.set(claims)) << 1 | kind);
    }

    fn stands(&mut self, world: &World) {
        for stand in &world.stands {
            let flags = u64::from(stand.ran) << 1 | u64::from(stand.failed);
            self.put((stand.at as u64) << 2 | flags);
            for hold in &stand.holds {
                match hold {
                    Hold::Nothing => self.put(0),
                    Hold::Joined => self.put(1),
                    Hold::Lease(id) => {
                        self.put(2);
                        self.id(*id);
                    }
                    Hold::Orphan(id) => {
                        self.put(3);
                        self.id(*id);
                    }
                }
            }
            match &stand.phase {
                Phase::Ready => self.put(0),
                Phase::Backing => self.put(1),
                Phase::Again(id, limit) => {
                    self.put(3);
                    self.id(*id);
                    self.millis(*limit);
                }
                Phase::Asleep(sleep) => {
                    let flags = [sleep.called, sleep.alarmed, sleep.saw_no_freeze];
                    let flags = flags
                        .iter()
                        .fold(0, |all, flag| all << 1 | u64::from(*flag));
                    self.put(4 | flags << 3);
                    self.id(sleep.id);
                    self.millis(sleep.limit);
                    self.millis(sleep.until);
                    // What it watches is named once all others have their names.
                }
            }
        }
        for stand in &world.stands {
            if let Phase::Asleep(sleep) = &stand.phase {
                self.put(sleep.watches.len() as u64);
                for watch in &sleep.watches {
                    self.watch(world, *watch);
                }
            }
        }
    }

    fn watch(&mut self, world: &World, watch: Watch) {
        let is_there =
            world.view.lease(watch.id).is_some() || world.view.ticket(watch.id).is_some();
        if world.has_ended(self.instance, watch) && !is_there {
            return self.put(1);
        }
        // Times are told where they differ from what is so.
        let knows = world.knows_end(self.instance, watch);
        self.put(2 | u64::from(knows) << 2 | (watch.part as u64) << 3);
        self.id(watch.id);
    }

    fn leases(&mut self, world: &World) {
        let mut leases: Vec<&Lease> = world.view.leases().collect();
        let order = |lease: &Lease| {
            let known = self.ids.iter().position(|id| *id == lease.id);
            (known.unwrap_or(usize::MAX), lease.number)
        };
        leases.sort_by_key(|lease| order(lease));
        self.put(leases.len() as u64);
        for lease in leases {
            self.life(world, lease.id);
            self.who(&lease.who);
            self.claims(&lease.claims, lease.kind);
            self.put(lease.inside.len() as u64);
            lease.inside.iter().for_each(|id| self.id(*id));
            self.birth(&lease.birth);
            self.birth(&lease.seniority.birth);
            self.put(u64::from(lease.seniority.priority));
            self.put(lease.ttl.map_or(0, leasehold_core::Ttl::as_millis));
            self.put(u64::from(lease.keep_while_alive));
            self.time(lease.expires);
            self.time(lease.orphaned);
            lease
                .slots
                .iter()
                .for_each(|slot| self.put(u64::from(*slot)));
            match &lease.pickup {
                Pickup::Bound => self.put(0),
                Pickup::Unbound(ticket) => {
                    self.put(1);
                    self.time(Some(lease.granted));
                    self.ticket(world, ticket);
                }
            }
        }
    }

    fn life(&mut self, world: &World, id: LeaseId) {
        self.id(id);
        let life = world.view.life(id).unwrap_or_default();
        self.put(life.holder as u64 | (life.command as u64) << 1);
    }

    fn ticket(&mut self, world: &World, ticket: &Ticket) {
        self.life(world, ticket.request);
        self.number(ticket.number);
        self.who(&ticket.who);
        self.claims(&ticket.claims, ticket.kind);
        self.put((ticket.inside.len() as u64) << 8 | ticket.agents.len() as u64);
        ticket.inside.iter().for_each(|id| self.id(*id));
        self.birth(&ticket.seniority.birth);
        self.put(u64::from(ticket.seniority.priority) << 1 | u64::from(ticket.strict));
        match ticket.state {
            TicketState::Waiting => self.put(NONE),
            TicketState::Parked { until } => self.time(Some(until)),
        }
        self.time(ticket.wait_until);
        self.put(ticket.ttl.map_or(0, leasehold_core::Ttl::as_millis));
    }

    fn rest(&mut self, world: &World) {
        let table = &self.instance.table;
        let mut cards: Vec<_> = world.view.cards().collect();
        cards.sort_by_key(|card| {
            let who = table.identities.iter().position(|who| *who == card.who);
            (who, table.set(&card.claims), card.kind)
        });
        self.put(cards.len() as u64);
        for card in cards {
            self.who(&card.who);
            self.claims(&card.claims, card.kind);
            self.birth(&card.birth);
            self.number(card.unit);
            self.id(card.dead.request);
            self.claims(&card.dead.claims, card.dead.kind);
            self.time(Some(card.until));
        }
        world
            .view
            .freezes()
            .for_each(|freeze| self.time(freeze.until));
        let left = world.left;
        let left = [
            left.kills,
            left.orphans,
            left.interrupts,
            left.cancels,
            left.ticks,
        ];
        left.iter().for_each(|left| self.put(u64::from(*left)));
        self.put(u64::from(world.left.freezes) << 8 | u64::from(world.left.renewals));
    }
}
