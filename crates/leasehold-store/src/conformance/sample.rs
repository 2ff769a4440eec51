//! Things to store with everything in them that they can have.

use leasehold_core::card::{Card, Dead};
use leasehold_core::event::{Event, RefusedFor};
use leasehold_core::identity::Agent;
use leasehold_core::lease::{Holder, Kind, Pickup};
use leasehold_core::seniority::{Birth, Seniority};
use leasehold_core::ticket::TicketState;
use leasehold_core::{Claim, FencingToken, Identity, Intent, Lease, LeaseId, Resource, Ticket};
use leasehold_core::{Timestamp, Ttl, freeze::Freeze};
use std::num::NonZeroU32;
use std::sync::Arc;

/// How many kinds of events [`Draw::event`] knows: all.
pub const EVENT_KINDS: u64 = 18;

/// Draws numbers: splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014). The same seed gives the same numbers everywhere.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// Returns a generator that draws the same for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is not 0. The bias of the remainder does not matter here.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// Returns a place in a list of this length, which is not 0.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    /// Returns whether an event of this chance happens.
    pub const fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// Returns one of these; there is at least one.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.index(all.len())]
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.one_in(2) {
            Some(make(self))
        } else {
            None
        }
    }

    /// Returns an id.
    pub fn id(&mut self) -> LeaseId {
        LeaseId::new(u128::from(self.number()) << 64 | u128::from(self.number()))
    }

    fn text(&mut self) -> String {
        let texts = [
            "ada",
            "Ada",
            "ÄÖ 漢字",
            "a\"b\\c",
            "tab\tand\nline",
            "%41",
            "x y ",
            "🦀",
        ];
        (*self.pick(&texts)).to_owned()
    }

    /// Returns a point in time before the limit of JSON's exact numbers.
    fn time(&mut self) -> Timestamp {
        Timestamp::from_millis(self.number() >> 12)
    }

    fn birth(&mut self) -> Birth {
        let numbers = (0..=self.below(3)).map(|_| self.number() >> 12);
        Birth::from_numbers(numbers.collect()).unwrap()
    }

    fn seniority(&mut self) -> Seniority {
        Seniority {
            priority: self.below(1 << 32) as u32,
            birth: self.birth(),
        }
    }

    fn ids(&mut self) -> Vec<LeaseId> {
        (0..self.below(3)).map(|_| self.id()).collect()
    }

    fn kind(&mut self) -> Kind {
        *self.pick(&[Kind::Scoped, Kind::Standing])
    }

    fn ttl(&mut self) -> Ttl {
        Ttl::from_millis(1 + self.below(Ttl::MAX.as_millis())).unwrap()
    }

    fn holder(&mut self) -> Holder {
        Holder {
            pid: self.number() as u32,
            command: self.text().into(),
        }
    }

    /// Returns somebody.
    pub fn identity(&mut self) -> Identity {
        let who = Identity::nameless(&self.text(), &self.text());
        Identity {
            session: self.maybe(Self::text).map(Into::into),
            explicit: self.one_in(2),
            ..who
        }
    }

    fn resource(&mut self) -> Resource {
        let texts = [
            "build",
            "issue:8057324b",
            "api:GET /v1/{id}",
            "name:path:x",
            "path:.",
            "path:/",
            "path:src/a b/漢字.rs",
            "path:/etc/hosts",
            "path:src/**/*.rs",
            "path:a\\*b",
            "path:*",
            "db:%2e%2E",
            "name:a:b",
        ];
        Resource::parse(self.pick::<&str>(&texts)).unwrap()
    }

    /// Returns a claim; of flat resources also slots of pools.
    pub fn claim(&mut self) -> Claim {
        let resource = self.resource();
        if resource.is_flat() && self.one_in(2) {
            return Claim::slot(resource, NonZeroU32::new(1 + self.below(9) as u32).unwrap());
        }
        Claim::new(resource, *self.pick(&Intent::ALL))
    }

    fn claims(&mut self) -> Vec<Claim> {
        let mut claims: Vec<Claim> = (0..=self.below(3)).map(|_| self.claim()).collect();
        claims.sort();
        claims.dedup_by(|a, b| a.resource == b.resource);
        claims
    }

    /// Returns a ticket with this number.
    pub fn ticket(&mut self, number: u64) -> Ticket {
        let agents = (0..self.below(3)).map(|_| match self.identity().place() {
            Agent::Owner(owner) => Agent::Owner(owner),
            session => session,
        });
        let mut agents: Vec<Agent> = agents.collect();
        agents.sort();
        agents.dedup();
        Ticket {
            number,
            request: self.id(),
            who: self.identity(),
            claims: self.claims(),
            kind: self.kind(),
            inside: self.ids(),
            agents,
            seniority: self.seniority(),
            state: match self.maybe(Self::time) {
                Some(until) => TicketState::Parked { until },
                None => TicketState::Waiting,
            },
            wait_until: self.maybe(Self::time),
            ttl: self.maybe(Self::ttl),
            keep_while_alive: self.one_in(2),
            strict: self.one_in(2),
            since: self.time(),
            holder: self.holder(),
        }
    }

    /// Returns a bound lease with this number and token.
    pub fn lease(&mut self, number: u64, token: FencingToken) -> Lease {
        let claims = self.claims();
        let slots = claims.iter().filter(|claim| claim.slots.is_some());
        Lease {
            id: self.id(),
            who: self.identity(),
            slots: slots.map(|_| self.below(9) as u32).collect(),
            claims,
            kind: self.kind(),
            inside: self.ids(),
            birth: self.birth(),
            seniority: self.seniority(),
            number,
            token,
            granted: self.time(),
            ttl: self.maybe(Self::ttl),
            expires: self.maybe(Self::time),
            keep_while_alive: self.one_in(2),
            pickup: Pickup::Bound,
            orphaned: self.maybe(Self::time),
            holder: self.holder(),
        }
    }

    /// Returns the lease of a ticket, not picked up yet.
    pub fn unbound(&mut self, ticket: &Ticket, token: FencingToken) -> Lease {
        Lease {
            id: ticket.request,
            who: ticket.who.clone(),
            kind: ticket.kind,
            inside: ticket.inside.clone(),
            pickup: Pickup::Unbound(Arc::new(ticket.clone())),
            ..self.lease(ticket.number, token)
        }
    }

    /// Returns a freeze.
    pub fn freeze(&mut self) -> Freeze {
        Freeze {
            id: self.id(),
            resource: self.resource(),
            until: Some(self.time()),
            since: self.time(),
            who: self.identity(),
        }
    }

    /// Returns a card.
    pub fn card(&mut self) -> Card {
        Card {
            who: self.identity(),
            claims: self.claims(),
            kind: self.kind(),
            birth: self.birth(),
            unit: self.number() >> 12,
            dead: Dead {
                request: self.id(),
                claims: self.claims(),
                kind: self.kind(),
            },
            until: self.time(),
        }
    }

    /// Returns an event of the kind of this number, with arbitrary things in it.
    pub fn event(&mut self, kind: u64) -> Event {
        let token = FencingToken::new(self.number() >> 11).unwrap();
        let number = self.number() >> 12;
        let ticket = Arc::new(self.ticket(number));
        let lease = Arc::new(match self.one_in(3) {
            true => self.unbound(&ticket, token),
            false => self.lease(number, token),
        });
        let cards: Vec<_> = (0..self.below(3)).map(|_| self.card()).collect();
        let freeze = Box::new(self.freeze());
        let by = self.identity();
        match kind {
            0 => Event::Refused {
                id: ticket.request,
                who: by,
                claims: lease.claims.clone(),
                reason: *self.pick(&[RefusedFor::Held, RefusedFor::Queued, RefusedFor::Frozen]),
                by: self.one_in(2).then_some(lease.id),
            },
            1 => Event::Queued {
                ticket,
                spent: cards.into_iter().next().map(Box::new),
            },
            2 => Event::Granted {
                lease,
                from: self.one_in(2).then_some(ticket),
                spent: cards,
            },
            3 => Event::Bound { lease },
            4 => Event::Passed { lease, ticket },
            5 => Event::Renewed { lease },
            6 => Event::Released { lease },
            7 => Event::Forced { lease, by },
            8 => Event::Freed { lease },
            9 => Event::Orphaned { lease },
            10 => Event::Lapsed { lease },
            11 => Event::Parked { ticket },
            12 => Event::Resumed { ticket },
            13 => Event::Died { ticket, cards },
            14 => Event::Cancelled { ticket },
            15 => Event::Frozen { freeze },
            16 => Event::Thawed { freeze, by },
            _ => Event::Dropped {
                tickets: vec![ticket],
                cards,
                freezes: vec![*freeze],
            },
        }
    }
}
