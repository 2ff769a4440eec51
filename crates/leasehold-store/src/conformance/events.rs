//! Every kind of event, through the store.

use super::Subject;
use super::sample::Draw;
use super::support::{beside, check_keys, counters_of, keys_of, put, whole_of};
use leasehold_core::event::{Event, RefusedFor};
use leasehold_core::lease::Pickup;
use leasehold_core::ticket::TicketState;
use leasehold_core::view::{Counters, Key};
use leasehold_core::{FencingToken, Lease, Ticket, Timestamp, Ttl, card::Card};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Kinds of events there are.
const KINDS: usize = 18;

pub(super) fn every_kind_of_event_becomes_state<S: Subject>(subject: &S) {
    for seed in 1..=4 {
        let store = subject.open();
        let mut whole = beside(&store);
        // What an earlier seed left.
        let left = whole_of(&store);
        left.leases()
            .for_each(|lease| whole.put_lease(lease.clone()));
        left.tickets()
            .for_each(|ticket| whole.put_ticket(ticket.clone()));
        left.cards().for_each(|card| whole.put_card(card.clone()));
        let story = Story::new(seed, whole.counters()).tell();
        let kinds: BTreeSet<&str> = story.iter().map(Event::name).collect();
        assert_eq!(
            kinds.len(),
            KINDS,
            "a kind of event is not in the story: {kinds:?}"
        );
        let mut keys = BTreeSet::new();
        for event in story {
            put(&store, std::slice::from_ref(&event));
            whole.apply(&event);
            keys.extend(keys_of(&whole, &[]));
            let reopened = subject.open();
            check_keys(&reopened, &whole, &[Key::All]);
            if let Event::Resumed { .. } = event {
                // The place is no longer that of the request before.
                keys.iter()
                    .for_each(|key| check_keys(&reopened, &whole, std::slice::from_ref(key)));
            }
            let counters = counters_of(&reopened);
            assert!(
                counters.number >= whole.counters().number,
                "numbers after {}",
                event.name()
            );
            assert!(
                counters.token >= whole.counters().token,
                "tokens after {}",
                event.name()
            );
        }
        // All keys that ever found anything, also those that must not any more.
        let reopened = subject.open();
        keys.into_iter()
            .for_each(|key| check_keys(&reopened, &whole, &[key]));
    }
}

/// Makes a run of events in which each finds what it needs.
struct Story {
    draw: Draw,
    counters: Counters,
    events: Vec<Event>,
}

impl Story {
    fn new(seed: u64, counters: Counters) -> Self {
        Self {
            draw: Draw::new(seed),
            counters,
            events: Vec::new(),
        }
    }

    fn tell(mut self) -> Vec<Event> {
        self.of_waiting();
        self.of_leases();
        self.of_freezes();
        self.of_endings();
        self.events
    }

    fn queue(&mut self, spent: Option<Card>) -> Ticket {
        self.counters.number += 1;
        let ticket = self.draw.ticket(self.counters.number);
        let ticket = Ticket {
            state: TicketState::Waiting,
            ..ticket
        };
        let queued = Arc::new(ticket.clone());
        self.events.push(Event::Queued {
            ticket: queued,
            spent: spent.map(Box::new),
        });
        ticket
    }

    fn token(&mut self) -> FencingToken {
        self.counters.token = self.counters.token.next().unwrap();
        self.counters.token
    }

    fn grant(&mut self, from: Option<Ticket>, spent: Vec<Card>) -> Arc<Lease> {
        self.counters.number += 1;
        let token = self.token();
        let lease = Arc::new(self.draw.lease(self.counters.number, token));
        let from = from.map(Arc::new);
        self.events.push(Event::Granted {
            lease: lease.clone(),
            from,
            spent,
        });
        lease
    }

    fn grant_waiting(&mut self, ticket: &Ticket, spent: Vec<Card>) -> Arc<Lease> {
        let token = self.token();
        let lease = Arc::new(self.draw.unbound(ticket, token));
        self.events.push(Event::Granted {
            lease: lease.clone(),
            from: None,
            spent,
        });
        lease
    }

    fn two_cards(&mut self) -> Vec<Card> {
        let first = self.draw.card();
        let mut second = self.draw.card();
        while second.same_request(&first) {
            second = self.draw.card();
        }
        // Of one owner, to be found by one key.
        let second = Card {
            who: first.who.clone(),
            unit: first.unit,
            ..second
        };
        if second.same_request(&first) {
            vec![first]
        } else {
            vec![first, second]
        }
    }

    /// Deaths leave cards, which later asks and grants use up; a place is passed, taken up and given
    /// up.
    fn of_waiting(&mut self) {
        let (waiting, dying) = (self.queue(None), self.queue(None));
        let cards = self.two_cards();
        self.events.push(Event::Died {
            ticket: Arc::new(dying),
            cards: cards.clone(),
        });
        let second = self.queue(cards.first().cloned());
        let lease = self.grant_waiting(&waiting, cards.into_iter().skip(1).collect());
        let bound = Arc::new(Lease {
            pickup: Pickup::Bound,
            ..(*lease).clone()
        });
        self.events.push(Event::Bound {
            lease: bound.clone(),
        });
        self.events.push(Event::Released { lease: bound });
        let lease = self.grant_waiting(&second, Vec::new());
        let until = Timestamp::from_millis(77);
        let parked = Ticket {
            state: TicketState::Parked { until },
            ..second.clone()
        };
        let ticket = Arc::new(parked);
        self.events.push(Event::Passed {
            lease,
            ticket: ticket.clone(),
        });
        let again = self.draw.ticket(second.number);
        let back = Ticket {
            request: again.request,
            state: TicketState::Waiting,
            ..second
        };
        self.events.push(Event::Resumed {
            ticket: Arc::new(back.clone()),
        });
        let parked = Ticket {
            state: ticket.state,
            ..back
        };
        self.events.push(Event::Parked {
            ticket: Arc::new(parked.clone()),
        });
        self.grant(Some(parked), Vec::new());
        let cancelled = Arc::new(self.queue(None));
        self.events.push(Event::Cancelled { ticket: cancelled });
    }

    fn of_leases(&mut self) {
        let lease = self.grant(None, Vec::new());
        let ttl = Ttl::from_millis(7).unwrap();
        let expires = Some(Timestamp::from_millis(1_234_567));
        let lease = Arc::new(Lease {
            ttl: Some(ttl),
            expires,
            ..(*lease).clone()
        });
        self.events.push(Event::Renewed {
            lease: lease.clone(),
        });
        let lease = Arc::new(Lease {
            orphaned: expires,
            ..(*lease).clone()
        });
        self.events.push(Event::Orphaned {
            lease: lease.clone(),
        });
        self.events.push(Event::Freed { lease });
        let (forced, lapsed) = (self.grant(None, Vec::new()), self.grant(None, Vec::new()));
        let by = self.draw.identity();
        self.events.push(Event::Forced { lease: forced, by });
        self.events.push(Event::Lapsed { lease: lapsed });
        // One stays.
        self.grant(None, Vec::new());
    }

    fn of_freezes(&mut self) {
        let (ended, stays) = (self.draw.freeze(), self.draw.freeze());
        for freeze in [&ended, &stays] {
            self.events.push(Event::Frozen {
                freeze: Box::new(freeze.clone()),
            });
        }
        let by = self.draw.identity();
        self.events.push(Event::Thawed {
            freeze: Box::new(ended),
            by,
        });
        let ticket = self.queue(None);
        let cards = self.two_cards();
        let dying = Arc::new(self.queue(None));
        self.events.push(Event::Died {
            ticket: dying,
            cards: cards.clone(),
        });
        self.events.push(Event::Dropped {
            tickets: vec![Arc::new(ticket)],
            cards,
            freezes: vec![stays],
        });
    }

    /// What changes nothing, and what the next story finds there.
    fn of_endings(&mut self) {
        let ticket = self.queue(None);
        let (id, who, claims) = (ticket.request, self.draw.identity(), ticket.claims);
        let by = Some(id);
        self.events.push(Event::Refused {
            id,
            who,
            claims,
            reason: RefusedFor::Queued,
            by,
        });
        let dying = Arc::new(self.queue(None));
        let cards = self.two_cards();
        self.events.push(Event::Died {
            ticket: dying,
            cards,
        });
    }
}
