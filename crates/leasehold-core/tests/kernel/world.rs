//! The kernel with a state around it: what a store and the processes are to it, without either.

use crate::model::state::Id;
use leasehold_core::decide::decide;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::Decision;
use leasehold_core::view::{Life, Pulse};
use leasehold_core::{LeaseId, Timestamp, View, command::Command, event::Event};
use std::collections::BTreeSet;

/// A workspace whose every command is decided over the whole of it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) view: View,
    pub(crate) policy: Policy,
    pub(crate) dead_holders: BTreeSet<Id>,
    pub(crate) dead_commands: BTreeSet<Id>,
    /// Those whose guards nobody can look at.
    pub(crate) unseen: BTreeSet<Id>,
    /// How many of a queue are shown to who asks for its front, if they may be so few; else now more,
    /// now less.
    pub(crate) front: Option<usize>,
    /// All that was ever committed.
    pub(crate) log: Vec<Event>,
}

/// Times short enough that a few steps reach each of them.
pub(crate) fn short_times(lock_delay_ms: u64) -> Policy {
    Policy {
        pickup_ms: 10,
        place_ms: 40,
        card_ms: 60,
        orphan_ms: 30,
        lock_delay_ms,
    }
}

impl World {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            view: View::whole(Timestamp::from_millis(1_000)),
            policy,
            dead_holders: BTreeSet::new(),
            dead_commands: BTreeSet::new(),
            unseen: BTreeSet::new(),
            front: None,
            log: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.view.now().as_millis()
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        self.view.set_now(self.view.now().plus_millis(millis));
    }

    /// The ids of all that is held or waits, in the order of their numbers.
    pub(crate) fn ids(&self) -> Vec<LeaseId> {
        let mut ids: Vec<(u64, LeaseId)> = self
            .view
            .leases()
            .map(|lease| (lease.number, lease.id))
            .collect();
        ids.extend(
            self.view
                .tickets()
                .map(|ticket| (ticket.number, ticket.request)),
        );
        ids.sort();
        ids.into_iter().map(|(_, id)| id).collect()
    }

    pub(crate) fn life(&self, id: LeaseId) -> Life {
        let pulse = |dead: &BTreeSet<Id>| match dead.contains(&id.bits()) {
            true => Pulse::Dead,
            false => Pulse::Alive,
        };
        let is_unseen = self.unseen.contains(&id.bits());
        Life {
            holder: match is_unseen {
                true => Pulse::Unknown,
                false => pulse(&self.dead_holders),
            },
            command: pulse(&self.dead_commands),
        }
    }

    /// A new process goes by this id.
    pub(crate) fn revive(&mut self, id: LeaseId) {
        self.dead_holders.remove(&id.bits());
        self.dead_commands.remove(&id.bits());
        self.view.set_life(id, Life::default());
    }

    /// Notes the life of everything in the view, as a store does that looked everywhere.
    pub(crate) fn look(&mut self) {
        for id in self.ids() {
            self.view.set_life(id, self.life(id));
        }
    }

    /// Decides without committing.
    pub(crate) fn decide(&mut self, command: &Command) -> Decision {
        self.look();
        decide(&self.view, command, &self.policy).expect("a whole view needs nothing more")
    }

    /// Decides and commits.
    pub(crate) fn run(&mut self, command: &Command) -> Decision {
        let decision = self.decide(command);
        self.view.apply_all(&decision.events);
        self.log.extend(decision.events.iter().cloned());
        decision
    }
}
