//! Settling: whatever a command changed, what follows from it in the same commit (kernel page,
//! section 5).
//!
//! A settled view has no active ticket without blockers and none that may not wait; settling it
//! again does nothing.

use crate::claim::Claim;
use crate::lease::{Kind, Lease, Pickup};
use crate::limits::Policy;
use crate::planted::Bug;
use crate::rules::{Judged, Rules};
use crate::seniority::Birth;
use crate::ticket::{Ticket, TicketState};
use crate::verdict::More;
use crate::view::{Key, View};
use crate::{card::Card, card::Dead, event::Event, id::LeaseId, resource::Resource};
use alloc::{borrow::Cow, sync::Arc, vec::Vec};

/// A view that is being changed, with the events that changed it.
pub(crate) struct Work<'a> {
    view: Cow<'a, View>,
    policy: &'a Policy,
    pub(crate) events: Vec<Event>,
    pub(crate) wakes: Vec<LeaseId>,
    /// The resources of whose queues only the front is in the view (see [`Work::settle_fronts`]).
    fronts: Vec<Resource>,
    /// The view in which the newcomer had to die: what the answer explains it by. The one in which it
    /// came does not do, as settling may have granted to others since.
    pub(crate) died_in: Option<View>,
}

/// How a grant is taken up.
pub(crate) enum Taken {
    /// By the request that is being decided: bound from the start.
    AtOnce {
        /// The ticket it leaves the queue with.
        from: Option<Arc<Ticket>>,
        /// The card that gave it its age.
        spent: Option<Card>,
    },
    /// By a waiter that has to wake up first.
    Later,
}

/// One step of settling.
enum Step {
    Die(LeaseId),
    Grant(LeaseId),
}

impl<'a> Work<'a> {
    pub(crate) fn new(view: &'a View, policy: &'a Policy) -> Self {
        let (events, wakes) = (Vec::new(), Vec::new());
        Self {
            view: Cow::Borrowed(view),
            policy,
            events,
            wakes,
            fronts: Vec::new(),
            died_in: None,
        }
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    pub(crate) fn policy(&self) -> &'a Policy {
        self.policy
    }

    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            view: &self.view,
            policy: self.policy,
        }
    }

    /// Adds an event and brings the view to the state after it.
    pub(crate) fn push(&mut self, event: Event) {
        self.view.to_mut().apply(&event);
        self.events.push(event);
    }

    /// Adds an event by which somebody stops waiting, or gives up what it was granted.
    ///
    /// # Errors
    /// [`More`] where the view is not closed before: whoever was pressed through this may now have to let
    /// others go first, and afterwards nothing leads there.
    pub(crate) fn push_leaving(&mut self, event: Event) -> Result<(), More> {
        self.require_closed()?;
        self.push(event);
        Ok(())
    }

    /// Fails where the view lacks a key.
    pub(crate) fn require(&self, keys: impl IntoIterator<Item = Key>) -> Result<(), More> {
        self.view.require(keys)
    }

    /// Fails where nobody looked whether the holders in the view live.
    pub(crate) fn require_lives(&self) -> Result<(), More> {
        self.require_lives_of(self.view.leases())
    }

    /// Fails where nobody looked whether the holders of these leases live.
    pub(crate) fn require_lives_of<'b>(
        &self,
        leases: impl Iterator<Item = &'b Lease>,
    ) -> Result<(), More> {
        let leases = leases.filter(|lease| lease.has_proof_of_life());
        self.view.require(leases.map(|lease| Key::Life(lease.id)))
    }

    /// Makes one event of a newcomer's coming and its grant, so that a wait that never was leaves no
    /// trace in the queue.
    pub(crate) fn fold_newcomer(&mut self, coming: usize) {
        let Event::Queued {
            ticket,
            spent: card,
        } = self.events.remove(coming)
        else {
            return;
        };
        for event in &mut self.events {
            if let Event::Granted { lease, from, spent } = event
                && lease.id == ticket.request
            {
                *from = None;
                spent.extend(card.iter().map(|card| (**card).clone()));
            }
        }
    }

    pub(crate) fn require_closed(&self) -> Result<(), More> {
        let keys = self.rules().missing(&self.fronts);
        if keys.is_empty() {
            Ok(())
        } else {
            Err(More(keys))
        }
    }

    /// Settles what the end of a lease on these claims brings about, from the front of each queue where
    /// that is enough. A queue can be thousands long, and nearly always only its head can be served:
    ///
    /// Somebody who waits exclusively, and goes on waiting ([`Rules::is_barred`]), keeps out all behind
    /// him who hold nothing: such a one is not pressed, so it passes nobody and never dies (rules 7, 8
    /// and 10 of the kernel page), whatever is done in front of it. Nor does it matter to others: it
    /// wants the leases on this resource, as he does; what it wants elsewhere is found there. Those in
    /// front must hold nothing either: who presses them is not known.
    ///
    /// # Errors
    /// [`More`], with the whole queue where the front is not enough.
    pub(crate) fn settle_fronts(&mut self, claims: &[Claim]) -> Result<(), More> {
        let partly = |claim: &&Claim| !self.view.is_loaded(&Key::Overlap(claim.resource.clone()));
        let fronts = claims.iter().filter(partly).map(|claim| &claim.resource);
        self.fronts = fronts.cloned().collect();
        self.settle(None)?;
        let open = |resource: &&Resource| !self.rules().is_barred(resource);
        let open = self.fronts.iter().filter(open).cloned();
        self.require(open.map(Key::Overlap))
    }

    /// Settles. `newcomer` is the ticket of the command's own ask: it dies first, and what it is
    /// granted is bound at once.
    pub(crate) fn settle(&mut self, newcomer: Option<LeaseId>) -> Result<(), More> {
        loop {
            self.require_closed()?;
            self.require_idle_fronts()?;
            self.note()?;
            // What was noted may have taken a reason to wait away, never what had to be loaded.
            match self.next_step(newcomer)? {
                None => return Ok(()),
                Some(Step::Die(request)) => self.die(request, newcomer)?,
                Some(Step::Grant(request)) => self.grant(request, newcomer)?,
            }
        }
    }

    /// Fails where somebody in front of a queue holds something.
    fn require_idle_fronts(&self) -> Result<(), More> {
        let rules = self.rules();
        let busy = |resource: &&Resource| !rules.is_idle_queue(resource);
        let busy = self.fronts.iter().filter(busy).cloned();
        self.require(busy.map(Key::Overlap))
    }

    /// Step 1: notes what the view shows: the dead, the orphaned, the grants nobody picked up, and
    /// what has run out.
    fn note(&mut self) -> Result<(), More> {
        let mut seen = Vec::new();
        let (rules, now) = (self.rules(), self.view.now());
        for lease in self.view.leases() {
            match &lease.pickup {
                Pickup::Unbound(ticket) if !rules.is_live(lease) => {
                    let until = self.policy.place_until(now);
                    let mut ticket = Arc::clone(ticket);
                    Arc::make_mut(&mut ticket).state = TicketState::Parked { until };
                    seen.push(Event::Passed {
                        lease: shared(lease),
                        ticket,
                    });
                }
                Pickup::Bound if rules.is_over(lease) => {
                    seen.push(Event::Freed {
                        lease: shared(lease),
                    });
                }
                Pickup::Bound if rules.guard_is_dead(lease) && lease.orphaned.is_none() => {
                    let lease = Lease {
                        orphaned: Some(now),
                        ..lease.clone()
                    };
                    seen.push(Event::Orphaned {
                        lease: Arc::new(lease),
                    });
                }
                _ => {}
            }
        }
        for ticket in self
            .view
            .tickets()
            .filter(|t| t.is_waiting() && rules.waiter_is_gone(t))
        {
            let until = self.policy.place_until(now);
            let ticket = Ticket {
                state: TicketState::Parked { until },
                ..ticket.clone()
            };
            seen.push(Event::Parked {
                ticket: Arc::new(ticket),
            });
        }
        seen.extend(self.run_out());
        // A lease over several resources frees all of them, also those this command is not about; and
        // whoever waits inside of one holds no longer what it held through it.
        self.require(seen.iter().flat_map(freed))?;
        seen.into_iter().for_each(|event| self.push(event));
        Ok(())
    }

    /// Returns the event that clears away what has run out, if anything has.
    fn run_out(&self) -> Option<Event> {
        let now = self.view.now();
        let gone = |t: &&Ticket| matches!(t.state, TicketState::Parked { until } if until <= now);
        let tickets = self.view.tickets().filter(gone).cloned();
        let tickets: Vec<_> = tickets.map(Arc::new).collect();
        let cards: Vec<Card> = self
            .view
            .cards()
            .filter(|c| c.until <= now)
            .cloned()
            .collect();
        let freezes: Vec<_> = self
            .view
            .freezes()
            .filter(|f| !f.is_on(now))
            .cloned()
            .collect();
        let nothing = tickets.is_empty() && cards.is_empty() && freezes.is_empty();
        (!nothing).then_some(Event::Dropped {
            tickets,
            cards,
            freezes,
        })
    }

    /// Steps 2 and 3: who dies next, else who is granted next. Deaths come before grants, one at a
    /// time, because a death may make the others legal.
    fn next_step(&self, newcomer: Option<LeaseId>) -> Result<Option<Step>, More> {
        if !self.view.tickets().any(Ticket::is_waiting) {
            return Ok(None);
        }
        let rules = self.rules();
        let judged = rules.judge();
        let illegal = judged.iter().filter(|r| !rules.is_legal(&judged, r));
        let worst =
            illegal.max_by_key(|r| (Some(r.ticket.request) == newcomer, r.seniority.clone()));
        if let Some(r) = worst {
            return Ok(Some(Step::Die(r.ticket.request)));
        }
        let Some(r) = judged.iter().find(|r| rules.is_free(&judged, r)) else {
            return Ok(None);
        };
        // A waiter is looked at when its turn has come, not before: the queue behind it may be long.
        self.require([Key::Life(r.ticket.request)])?;
        Ok(Some(Step::Grant(r.ticket.request)))
    }

    fn die(&mut self, request: LeaseId, newcomer: Option<LeaseId>) -> Result<(), More> {
        let rules = self.rules();
        let judged = rules.judge();
        let Some(r) = judged.iter().find(|r| r.ticket.request == request) else {
            return Ok(());
        };
        let mut cards = self.cards_of(r);
        if Bug::ForgetCards.is_planted() {
            cards.clear();
        }
        let ticket = Arc::new(r.ticket.clone());
        self.require(cards.iter().map(|card| Key::Place(card.who.place())))?;
        self.wakes.push(request);
        if newcomer == Some(request) {
            self.died_in = Some(self.view.as_ref().clone());
        }
        self.push(Event::Died { ticket, cards });
        Ok(())
    }

    /// Returns the cards that a death leaves: for the unit's root its birth, for each standing lease
    /// that it holds, whichever agent of its chain took it, the age that was judged (given back and
    /// taken again it returns as young as what died; with its own old birth two crossing attempts
    /// could die for ever, with a new one an attempt that locks first and has another agent ask inside
    /// would never grow old).
    fn cards_of(&self, r: &Judged<'_>) -> Vec<Card> {
        let (rules, ticket) = (self.rules(), r.ticket);
        let root = rules.chain(&ticket.inside).last();
        let unit = root
            .map_or(&ticket.seniority.birth, |root| &root.birth)
            .root();
        let until = self.policy.card_until(self.view.now());
        let dead = Dead {
            request: ticket.request,
            claims: ticket.claims.clone(),
            kind: ticket.kind,
        };
        let card = |who, claims: &[Claim], kind, birth: &Birth| Card {
            who,
            claims: claims.to_vec(),
            kind,
            birth: birth.clone(),
            unit,
            dead: dead.clone(),
            until,
        };
        let own = |lease: &&Lease| lease.kind == Kind::Standing;
        let held = rules.holds(ticket);
        let birth = &r.seniority.birth;
        let again = |l: &&Lease| card(l.who.clone(), &l.claims, l.kind, birth);
        let mut cards: Vec<Card> = held
            .iter()
            .copied()
            .filter(own)
            .map(|l| again(&l))
            .collect();
        match root {
            None => cards.push(card(
                ticket.who.clone(),
                &ticket.claims,
                ticket.kind,
                birth_of(ticket),
            )),
            Some(root) if own(&root) => {}
            Some(root) => cards.push(card(root.who.clone(), &root.claims, root.kind, &root.birth)),
        }
        cards
    }

    fn grant(&mut self, request: LeaseId, newcomer: Option<LeaseId>) -> Result<(), More> {
        let Some(ticket) = self.view.ticket(request).cloned() else {
            return Ok(());
        };
        if newcomer == Some(request) {
            let from = Some(Arc::clone(&ticket));
            return self.grant_ticket(ticket, Taken::AtOnce { from, spent: None });
        }
        if !Bug::ForgetWaiter.is_planted() {
            self.wakes.push(request);
        }
        self.grant_ticket(ticket, Taken::Later)
    }

    /// Grants what a ticket (in the queue or made up for the purpose) needs; all that lapsed and is in
    /// its way goes.
    pub(crate) fn grant_ticket(&mut self, ticket: Arc<Ticket>, taken: Taken) -> Result<(), More> {
        let rules = self.rules();
        let mut need = rules
            .need(&ticket.inside, &ticket.claims, ticket.kind)
            .into_owned();
        if Bug::GrantInPart.is_planted() {
            need.truncate(1);
        }
        let held = rules.holds(&ticket);
        let youngest = held.iter().map(|lease| &lease.seniority).max();
        let judged = youngest
            .filter(|s| **s > ticket.seniority)
            .unwrap_or(&ticket.seniority)
            .clone();
        let unit = rules.chain(&ticket.inside).last().map(|root| &root.birth);
        let unit = unit.unwrap_or(&ticket.seniority.birth).root();
        let places = self.places_of(&ticket);
        self.require(places)?;
        // What an agent holds makes all that it waits for younger, also what nobody in the view waits for.
        let agent = ticket.who.agent().filter(|_| ticket.kind == Kind::Standing);
        self.require(agent.map(Key::Agent))?;
        let token = self.view.counters().token.next();
        // `ask` refuses while less than the longest queue's worth of tokens is left.
        let mut token = token.unwrap_or(crate::token::FencingToken::MAX);
        if Bug::ReuseToken.is_planted() {
            token = self.view.counters().token;
        }
        let now = self.view.now();
        let lapsed = self.lapsed_by(&ticket, &need);
        self.require(lapsed.iter().flat_map(|lease| Key::overlaps(&lease.claims)))?;
        self.wakes.extend(lapsed.iter().map(|lease| lease.id));
        for lease in lapsed {
            let lease = Arc::new(lease);
            self.push(Event::Lapsed { lease });
        }
        let made_good = |card: &&Card| {
            card.unit == unit && card.dead.claims == ticket.claims && card.dead.kind == ticket.kind
        };
        let mut spent: Vec<Card> = self.view.cards().filter(made_good).cloned().collect();
        let pickup = match taken {
            Taken::AtOnce { .. } => Pickup::Bound,
            Taken::Later => Pickup::Unbound(Arc::clone(&ticket)),
        };
        let ticket = Arc::unwrap_or_clone(ticket);
        let mut lease = Lease {
            id: ticket.request,
            who: ticket.who,
            kind: ticket.kind,
            inside: ticket.inside,
            birth: ticket.seniority.birth.clone(),
            seniority: if ticket.kind == Kind::Scoped {
                judged
            } else {
                ticket.seniority
            },
            number: ticket.number,
            token,
            granted: now,
            ttl: ticket.ttl,
            expires: None,
            keep_while_alive: ticket.keep_while_alive,
            slots: self.free_slots(&need),
            pickup,
            orphaned: None,
            holder: ticket.holder,
            claims: need,
        };
        let mut from = None;
        if let Taken::AtOnce {
            from: ticket,
            spent: card,
        } = taken
        {
            bind(&mut lease, now);
            from = ticket;
            spent.extend(card.filter(|card| !spent.contains(card)));
        }
        self.push(Event::Granted {
            lease: Arc::new(lease),
            from,
            spent,
        });
        Ok(())
    }

    /// Returns where the cards of a ticket's unit can be.
    fn places_of(&self, ticket: &Ticket) -> Vec<Key> {
        let root = self.rules().chain(&ticket.inside).last();
        let mut places = Vec::with_capacity(2);
        places.push(Key::Place(ticket.who.place()));
        places.extend(root.map(|root| Key::Place(root.who.place())));
        places
    }

    /// Returns the leases that are not live and make way for this need: whole leases; of a pool only
    /// as many as it takes, those first that lapsed first.
    fn lapsed_by(&self, ticket: &Ticket, need: &[Claim]) -> Vec<Lease> {
        let rules = self.rules();
        let lapsed = |lease: &&Lease| !rules.is_live(lease);
        // A slot of a pool of another size has to go at once: revived beside this one it would
        // belong to a pool that is larger than itself.
        let resized = |lease: &Lease| {
            let other = |own: &Claim| {
                need.iter()
                    .any(|c| c.same_pool(own) && c.slots != own.slots)
            };
            lease.claims.iter().any(other)
        };
        let clashes = |lease: &Lease| {
            !ticket.inside.contains(&lease.id) && crate::claim::any_conflict(need, &lease.claims)
        };
        let in_the_way = |lease: &&Lease| clashes(lease) || resized(lease);
        let gone = self.view.leases().filter(lapsed).filter(in_the_way);
        let mut gone: Vec<Lease> = gone.cloned().collect();
        for pool in need.iter().filter(|claim| claim.slots.is_some()) {
            let has_slot = |lease: &&Lease| lease.claims.iter().any(|own| own.same_pool(pool));
            let stays = |lease: &&Lease| !gone.iter().any(|g| g.id == lease.id);
            let held: Vec<&Lease> = self.view.leases().filter(has_slot).filter(stays).collect();
            let size = pool.slots.map_or(usize::MAX, |size| size.get() as usize);
            let excess = (held.len() + 1).saturating_sub(size);
            // Those of its own chain too: a pool goes by count, and one of them could be revived.
            let mut old: Vec<&Lease> = held.into_iter().filter(lapsed).collect();
            old.sort_by_key(|lease| (lease.expires, lease.id));
            let old: Vec<Lease> = old.into_iter().take(excess).cloned().collect();
            gone.extend(old);
        }
        gone
    }

    /// Returns for each pool in a need the lowest slot that nobody has.
    fn free_slots(&self, need: &[Claim]) -> Vec<u32> {
        let pools = need.iter().filter(|claim| claim.slots.is_some());
        let lowest = |pool: &Claim| {
            let mut taken: Vec<u32> = self
                .view
                .leases()
                .filter_map(|lease| lease.slot_of(pool))
                .collect();
            taken.sort_unstable();
            taken.dedup();
            let used = taken
                .iter()
                .zip(0u32..)
                .take_while(|(slot, place)| **slot == *place);
            u32::try_from(used.count()).unwrap_or(u32::MAX)
        };
        pools.map(lowest).collect()
    }
}

/// Takes a lease up: it is bound, and lives its TTL from now.
pub(crate) fn bind(lease: &mut Lease, now: crate::time::Timestamp) {
    lease.pickup = Pickup::Bound;
    lease.expires = lease.ttl.map(|ttl| now.plus(ttl));
}

/// Returns what has to be loaded because an event takes a lease away.
fn freed(event: &Event) -> Vec<Key> {
    match event {
        Event::Freed { lease } | Event::Passed { lease, .. } => Key::overlaps(&lease.claims)
            .chain([Key::Lease(lease.id)])
            .collect(),
        _ => Vec::new(),
    }
}

fn birth_of(ticket: &Ticket) -> &Birth {
    &ticket.seniority.birth
}

fn shared(lease: &Lease) -> Arc<Lease> {
    Arc::new(lease.clone())
}
