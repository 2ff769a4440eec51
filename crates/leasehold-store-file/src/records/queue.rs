//! The queue of a resource: its front is in the record of the resource, the rest of a long one in
//! stretches, each a record of its own.
//!
//! So whoever gives a resource back reads and writes as much when hundreds wait as when a few do.
//! Numbers only rise, so new tickets go to the end, into the last stretch. When the front has become
//! short, the first stretch is taken into it. The numbers that belong to a stretch follow from where
//! it and the next one begin.
//!
//! A ticket is *idle* that holds nothing: it is inside of nothing, none of its agents has a standing
//! lease, and it is not strict. The records note of which this is known, and every standing lease that
//! comes into being takes the note away. (It is not given back when the lease ends: then the store
//! only looks where it need not.)
//!
//! The race: a kill between the write of a stretch and that of its resource, against whoever replays
//! the commit, makes all records again, or looks without the mutex. The resource has the checksum of
//! each stretch; a stretch with another one counts as torn, so no two versions are ever mixed. For that
//! a stretch is written, and removed, before its resource is written.

use super::{Entry, Fault, Records, show};
use crate::homes::Home;
use crate::record::{Content, Stretch, checksum};
use leasehold_core::event::Change;
use leasehold_core::lease::Kind;
use leasehold_core::view::{Key, View};
use leasehold_core::{Lease, Resource, Ticket};
use std::mem;
use std::sync::Arc;

/// With this part of the tickets of a stretch the front takes the next one in: nearly always one is
/// served, and one that waits on keeps out the rest.
const FRONT_PART: usize = 4;

impl Content {
    /// Returns which record has the tickets of this number: the one of a stretch, or none but this.
    fn stretch_of(&self, number: u64) -> Option<usize> {
        self.rest
            .partition_point(|stretch| stretch.from <= number)
            .checked_sub(1)
    }

    /// Returns whether this is the stretch that a resource tells of.
    pub(crate) fn is_told_by(&self, of: &Stretch, home: &Home) -> bool {
        self.is_idle() == of.idle && self.checksum(home) == of.crc
    }

    fn is_idle(&self) -> bool {
        self.tickets.len() == self.idle.len()
    }

    /// Adds the tickets of a stretch.
    pub(crate) fn take_in(&mut self, stretch: Self) {
        self.tickets.extend(stretch.tickets);
        self.idle.extend(stretch.idle);
    }

    /// Takes what is behind the front of a long queue, sorted, out of the record of its resource.
    pub(crate) fn split_off(
        &mut self,
        resource: &Resource,
        stretch_tickets: usize,
    ) -> Vec<(Home, Self)> {
        let front = self.tickets.len().min(stretch_tickets);
        let behind = self.tickets.split_off(front);
        let mut stretches = Vec::new();
        for tickets in behind.chunks(stretch_tickets) {
            let numbers = tickets.iter().map(|ticket| ticket.number);
            let stretch = Self {
                tickets: tickets.into(),
                idle: numbers
                    .filter(|number| self.idle.contains(number))
                    .collect(),
                ..Self::default()
            };
            let from = tickets[0].number;
            let home = Home::Stretch(resource.clone(), from);
            self.rest.push(Stretch {
                from,
                idle: stretch.is_idle(),
                crc: stretch.checksum(&home),
            });
            stretches.push((home, stretch));
        }
        self.idle
            .retain(|number| self.tickets.iter().any(|ticket| ticket.number == *number));
        stretches
    }
}

impl Records<'_> {
    /// Shows the leases and freezes of a flat resource and the front of its queue, or all of it where
    /// there is no more or somebody behind may hold something.
    pub(super) fn find_front(&mut self, resource: &Resource, view: &mut View) -> Result<(), Fault> {
        let head = &self.entry(&Home::Resource(resource.clone()))?.content;
        if !head.rest.is_empty() && head.rest.iter().all(|stretch| stretch.idle) {
            show(head, view);
            let last = head.tickets.iter().map(|ticket| ticket.number).max();
            view.set_front(resource.clone(), last.unwrap_or(0));
            return Ok(());
        }
        self.find_flat(resource, view)?;
        view.mark_loaded(Key::Overlap(resource.clone()));
        Ok(())
    }

    /// Shows all of a flat resource.
    pub(super) fn find_flat(&mut self, resource: &Resource, view: &mut View) -> Result<(), Fault> {
        let head = &self.entry(&Home::Resource(resource.clone()))?.content;
        show(head, view);
        for stretch in head.rest.clone() {
            show(&self.stretch(resource, stretch)?.content, view);
        }
        Ok(())
    }

    /// Returns the record of a stretch, as its resource tells of it. What is in memory was compared when
    /// it was read.
    fn stretch(&mut self, resource: &Resource, of: Stretch) -> Result<&mut Entry, Fault> {
        let home = Home::Stretch(resource.clone(), of.from);
        let is_read = !self.is_all && !self.entries.contains_key(&home);
        if is_read {
            let entry = self.load(&home)?;
            if entry.before.as_deref().and_then(checksum) != Some(of.crc) {
                return Err(Fault::Torn);
            }
            self.entries.insert(home.clone(), entry);
        }
        self.entry(&home)
    }

    /// Has the resources say which version of their stretches is the last.
    pub(super) fn tell_versions(&mut self) {
        let changed = self.entries.iter().filter(|(_, entry)| entry.is_changed);
        let versions = changed.filter_map(|(home, entry)| match home {
            Home::Stretch(resource, from) if !entry.content.is_empty() => {
                let crc = entry.content.checksum(home);
                Some((Home::Resource(resource.clone()), *from, crc))
            }
            _ => None,
        });
        for (home, from, crc) in versions.collect::<Vec<_>>() {
            let head = self.entries.get_mut(&home);
            let rest = head.map(|head| &mut head.content.rest);
            let of = rest.and_then(|rest| rest.iter_mut().find(|of| of.from == from));
            if let Some(of) = of {
                of.crc = crc;
            }
        }
    }

    /// Returns the record that the ticket of this number is in, if it is there.
    pub(super) fn queued_in(
        &mut self,
        resource: &Resource,
        number: u64,
    ) -> Result<&mut Content, Fault> {
        let head = self.entry(&Home::Resource(resource.clone()))?;
        match head.content.stretch_of(number) {
            // Looked up anew: a borrow that is returned cannot be one of two.
            None => Ok(&mut self.entry(&Home::Resource(resource.clone()))?.content),
            Some(place) => {
                let of = head.content.rest[place];
                Ok(&mut self.stretch(resource, of)?.content)
            }
        }
    }

    /// Brings in a change of a ticket where it waits for this resource.
    pub(super) fn set_queued(
        &mut self,
        resource: &Resource,
        change: Change<'_>,
        stands: bool,
    ) -> Result<(), Fault> {
        let (Change::PutTicket(ticket) | Change::DropTicket(ticket)) = change else {
            return Ok(());
        };
        if stands && resource.is_flat() {
            self.make_room(resource, ticket.number)?;
        }
        self.alter(resource, ticket.number, |content| {
            content.apply(change, stands);
        })?;
        self.draw_up(resource)
    }

    /// Begins a stretch for a number behind all others, where there is no room for it.
    fn make_room(&mut self, resource: &Resource, number: u64) -> Result<(), Fault> {
        let last = self.queued_in(resource, number)?;
        let is_behind = last.tickets.iter().all(|ticket| ticket.number < number);
        let is_full = last.tickets.len() >= self.stretch_tickets && is_behind;
        let home = Home::Resource(resource.clone());
        let head = &mut self.entry(&home)?.content;
        let is_last = head
            .rest
            .last()
            .is_none_or(|stretch| stretch.from <= number);
        if is_full && is_last {
            head.rest.push(Stretch {
                from: number,
                idle: true,
                crc: 0,
            });
            // Whatever its file says is of before. One that was emptied just now is in memory.
            let empty = || Entry::new(Content::default(), None, None);
            let home = Home::Stretch(resource.clone(), number);
            self.entries.entry(home).or_insert_with(empty);
        }
        Ok(())
    }

    /// Changes the record that a number belongs to, and what is said of it.
    fn alter(
        &mut self,
        resource: &Resource,
        number: u64,
        change: impl FnOnce(&mut Content),
    ) -> Result<(), Fault> {
        let home = Home::Resource(resource.clone());
        let head = self.entry(&home)?;
        let Some(place) = head.content.stretch_of(number) else {
            head.is_changed = true;
            change(&mut head.content);
            return Ok(());
        };
        let of = head.content.rest[place];
        let stretch = self.stretch(resource, of)?;
        stretch.is_changed = true;
        change(&mut stretch.content);
        let (is_gone, idle) = (stretch.content.is_empty(), stretch.content.is_idle());
        let head = self.entry(&home)?;
        head.is_changed = true;
        if is_gone {
            head.content.rest.remove(place);
        } else {
            head.content.rest[place].idle = idle;
        }
        Ok(())
    }

    /// Takes stretches into a front that has become short.
    fn draw_up(&mut self, resource: &Resource) -> Result<(), Fault> {
        let home = Home::Resource(resource.clone());
        let front_min = self.stretch_tickets.div_ceil(FRONT_PART);
        loop {
            let head = &self.entry(&home)?.content;
            let first = head.rest.first().copied();
            let Some(first) = first.filter(|_| head.tickets.len() < front_min) else {
                return Ok(());
            };
            let stretch = self.stretch(resource, first)?;
            stretch.is_changed = true;
            let taken = mem::take(&mut stretch.content);
            let head = self.entry(&home)?;
            head.is_changed = true;
            head.content.take_in(taken);
            head.content.rest.remove(0);
        }
    }

    /// Notes of a ticket that came or changed whether it holds nothing.
    pub(super) fn note_idle(&mut self, ticket: &Ticket) -> Result<(), Fault> {
        let mut is_idle = ticket.inside.is_empty() && !ticket.strict;
        for agent in &ticket.agents {
            is_idle &= self
                .entry(&Home::Agent(agent.clone()))?
                .content
                .leases
                .is_empty();
        }
        self.set_idle(ticket, is_idle)
    }

    /// Notes of all that an agent waits for that it holds something now.
    pub(super) fn note_standing(&mut self, lease: &Lease) -> Result<(), Fault> {
        let agent = lease.who.agent().filter(|_| lease.kind == Kind::Standing);
        let Some(agent) = agent else {
            return Ok(());
        };
        let tickets: Vec<Arc<Ticket>> = self.entry(&Home::Agent(agent))?.content.tickets.clone();
        let mut tickets = tickets.iter();
        tickets.try_for_each(|ticket| self.set_idle(ticket, false))
    }

    fn set_idle(&mut self, ticket: &Ticket, is_idle: bool) -> Result<(), Fault> {
        for claim in &ticket.claims {
            let content = self.queued_in(&claim.resource, ticket.number)?;
            if content.idle.contains(&ticket.number) != is_idle {
                self.alter(&claim.resource, ticket.number, |content| {
                    content.set_idle(ticket.number, is_idle);
                })?;
            }
        }
        Ok(())
    }
}
