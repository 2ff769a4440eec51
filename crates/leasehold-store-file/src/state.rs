//! The state of a whole workspace, folded from its log.

use crate::header::Header;
use crate::homes::{Home, for_each_home};
use crate::log::{Checkpoint, End, Segment};
use crate::record::Content;
use crate::root::Root;
use leasehold_core::event::{Change, Event};
use leasehold_core::lease::Kind;
use leasehold_core::planted::Bug;
use leasehold_core::{Lease, LeaseId, Ticket, Timestamp, View, identity::Agent, view::Counters};
use leasehold_core::{card::Card, freeze::Freeze};
use leasehold_store::StoreError;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

/// All that a log leaves.
#[derive(Debug, Default)]
pub(crate) struct State {
    leases: BTreeMap<LeaseId, Arc<Lease>>,
    tickets: BTreeMap<u64, Arc<Ticket>>,
    freezes: BTreeMap<LeaseId, Freeze>,
    cards: BTreeMap<Agent, Vec<Card>>,
    pub(crate) counters: Counters,
    pub(crate) last: Timestamp,
    /// The segment that was folded, and how far.
    pub(crate) segment: u32,
    pub(crate) end: u64,
}

impl State {
    /// Brings in what a log holds behind the part that is in already, as far as it is whole. Returns
    /// what comes there.
    pub(crate) fn go_on(&mut self, root: &Root, segment: &Segment) -> Result<End, StoreError> {
        self.go_on_to(root, segment, u64::MAX)
    }

    /// The same, only what begins before an offset.
    pub(crate) fn go_on_to(
        &mut self,
        root: &Root,
        segment: &Segment,
        to: u64,
    ) -> Result<End, StoreError> {
        if self.end == 0
            && let Some((head, end)) = segment.head(root)?
        {
            self.end = end;
            head.checkpoint
                .into_iter()
                .for_each(|checkpoint| self.restore(checkpoint));
        }
        let (end, found) = segment.commits_before(root, self.end, to, &mut |commit| {
            self.apply(commit.at, &commit.events);
            Ok(true)
        })?;
        self.end = end;
        self.segment = segment.number();
        Ok(found)
    }

    /// Begins with nothing, where a header says the log ends.
    pub(crate) fn begin_at(header: &Header, segment: u32) -> Self {
        Self {
            counters: header.counters,
            last: Timestamp::from_millis(header.last_ms),
            segment,
            end: header.applied,
            ..Self::default()
        }
    }

    /// Adds what a record says.
    pub(crate) fn add(&mut self, content: Content) {
        let Content {
            leases,
            tickets,
            freezes,
            cards,
            ..
        } = content;
        leases
            .iter()
            .for_each(|lease| self.change(Change::PutLease(lease)));
        tickets
            .iter()
            .for_each(|ticket| self.change(Change::PutTicket(ticket)));
        freezes
            .iter()
            .for_each(|freeze| self.change(Change::PutFreeze(freeze)));
        cards
            .iter()
            .for_each(|card| self.change(Change::PutCard(card)));
    }

    /// Takes over what a checkpoint says.
    pub(crate) fn restore(&mut self, checkpoint: Checkpoint) {
        self.last = checkpoint.at;
        self.counters = checkpoint.counters;
        let (leases, tickets) = (checkpoint.leases, checkpoint.tickets);
        self.leases = leases.into_iter().map(|l| (l.id, l)).collect();
        self.tickets = tickets.into_iter().map(|t| (t.number, t)).collect();
        self.freezes = checkpoint.freezes.into_iter().map(|f| (f.id, f)).collect();
        self.cards.clear();
        for card in checkpoint.cards {
            self.cards.entry(card.who.place()).or_default().push(card);
        }
    }

    /// Makes a checkpoint of it, for the segment that follows the one that was folded. The counters of a
    /// workspace may be ahead of those in its log.
    pub(crate) fn checkpoint(&self, counters: Counters) -> Checkpoint {
        let forgotten = usize::from(Bug::ForgetInCheckpoint.is_planted());
        Checkpoint {
            at: self.last,
            after: self.end,
            counters: Counters {
                number: counters.number.max(self.counters.number),
                token: counters.token.max(self.counters.token),
            },
            leases: self.leases.values().skip(forgotten).cloned().collect(),
            tickets: self.tickets.values().cloned().collect(),
            freezes: self.freezes.values().cloned().collect(),
            cards: self.cards.values().flatten().cloned().collect(),
        }
    }

    pub(crate) fn apply(&mut self, at: Timestamp, events: &[Event]) {
        self.last = self.last.max(at);
        for event in events {
            if let Some(counters) = event.counters() {
                self.counters.number = self.counters.number.max(counters.number);
                self.counters.token = self.counters.token.max(counters.token);
            }
            event.for_each_change(|change| self.change(change));
        }
    }

    pub(crate) fn change(&mut self, change: Change<'_>) {
        match change {
            Change::PutLease(lease) => drop(self.leases.insert(lease.id, Arc::clone(lease))),
            Change::DropLease(lease) => drop(self.leases.remove(&lease.id)),
            Change::PutTicket(ticket) => {
                drop(self.tickets.insert(ticket.number, Arc::clone(ticket)));
            }
            Change::DropTicket(ticket) => drop(self.tickets.remove(&ticket.number)),
            Change::PutFreeze(freeze) => drop(self.freezes.insert(freeze.id, freeze.clone())),
            Change::DropFreeze(freeze) => drop(self.freezes.remove(&freeze.id)),
            Change::PutCard(card) | Change::DropCard(card) => {
                let place = self.cards.entry(card.who.place()).or_default();
                place.retain(|old| !old.same_request(card));
                if matches!(change, Change::PutCard(_)) {
                    place.push(card.clone());
                }
                if place.is_empty() {
                    self.cards.remove(&card.who.place());
                }
            }
        }
    }

    /// Takes a lease away, if it is there.
    pub(crate) fn drop_lease(&mut self, id: &str) {
        if !self.leases.is_empty()
            && let Ok(id) = id.parse()
        {
            self.leases.remove(&id);
        }
    }

    /// Puts everything into a view.
    pub(crate) fn show(self, view: &mut View) {
        self.leases
            .into_values()
            .for_each(|lease| view.put_lease(lease));
        self.tickets
            .into_values()
            .for_each(|ticket| view.put_ticket(ticket));
        self.freezes
            .into_values()
            .for_each(|freeze| view.put_freeze(freeze));
        self.cards
            .into_values()
            .flatten()
            .for_each(|card| view.put_card(card));
    }

    /// Returns what every record that is not empty has to hold.
    pub(crate) fn records(&self, stretch_tickets: usize) -> BTreeMap<Home, Content> {
        let mut records = self.unsplit_records();
        let mut stretches = Vec::new();
        for (home, content) in &mut records {
            if let Home::Resource(resource) = home
                && resource.is_flat()
            {
                stretches.extend(content.split_off(resource, stretch_tickets));
            }
        }
        records.extend(stretches);
        records
    }

    /// The same, with each queue as a whole in the record of its resource.
    pub(crate) fn unsplit_records(&self) -> BTreeMap<Home, Content> {
        let mut records: BTreeMap<Home, Content> = BTreeMap::new();
        let mut put = |change: Change<'_>| {
            let Ok(()) = for_each_home::<Infallible>(change, |home, stands| {
                if stands {
                    records.entry(home).or_default().apply(change, true);
                }
                Ok(())
            });
        };
        self.leases
            .values()
            .for_each(|lease| put(Change::PutLease(lease)));
        self.tickets
            .values()
            .for_each(|ticket| put(Change::PutTicket(ticket)));
        self.freezes
            .values()
            .for_each(|freeze| put(Change::PutFreeze(freeze)));
        self.cards
            .values()
            .flatten()
            .for_each(|card| put(Change::PutCard(card)));
        self.note_idle(&mut records);
        records
    }

    /// Notes which tickets hold nothing.
    fn note_idle(&self, records: &mut BTreeMap<Home, Content>) {
        let standing = self.leases.values().filter(|l| l.kind == Kind::Standing);
        let standing: BTreeSet<Agent> = standing.filter_map(|lease| lease.who.agent()).collect();
        let holds = |ticket: &Ticket| ticket.agents.iter().any(|agent| standing.contains(agent));
        let idle = |t: &&Arc<Ticket>| t.inside.is_empty() && !t.strict && !holds(t);
        for ticket in self.tickets.values().filter(idle) {
            for claim in &ticket.claims {
                let home = Home::Resource(claim.resource.clone());
                let content = records.entry(home).or_default();
                content.set_idle(ticket.number, true);
            }
        }
    }
}
