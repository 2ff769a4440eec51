//! One thing to explore: a few claims, and what may go wrong how often.

use super::program::{Program, Request, resource};
use super::table::Table;
use leasehold_core::limits::Policy;
use leasehold_core::{Resource, lease::Kind};
use std::fmt;

/// Time passes in steps of this length; every time of the [`policy`] is a multiple of it.
pub(super) const TICK_MS: u64 = 5;

/// Times so short that few ticks reach them. Cards outlive all that an instance can wait.
const fn policy() -> Policy {
    Policy {
        pickup_ms: 2 * TICK_MS,
        place_ms: 4 * TICK_MS,
        card_ms: 100 * TICK_MS,
        orphan_ms: 2 * TICK_MS,
        lock_delay_ms: 0,
    }
}

/// How often each fault may happen in one history. Bounded, so no endless history is made of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Faults {
    /// A claim dies with all of its processes, unseen until somebody looks.
    pub(super) kills: u8,
    /// A guard dies, its command lives.
    pub(super) orphans: u8,
    /// A waiter is interrupted: its place is kept.
    pub(super) interrupts: u8,
    /// A waiter gives its place up.
    pub(super) cancels: u8,
    /// Time passes: pick-up times, TTLs, patience and kept places run out.
    pub(super) ticks: u8,
    /// Something is frozen (and thawed at some time).
    pub(super) freezes: u8,
    /// A lease is renewed when it need not be yet.
    pub(super) renewals: u8,
}

impl Faults {
    /// Nothing goes wrong.
    pub(super) const NONE: Self = Self {
        kills: 0,
        orphans: 0,
        interrupts: 0,
        cancels: 0,
        ticks: 0,
        freezes: 0,
        renewals: 0,
    };
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.kills, "kills"),
            (self.orphans, "orphans"),
            (self.interrupts, "interrupts"),
            (self.cancels, "cancels"),
            (self.ticks, "ticks"),
            (self.freezes, "freezes"),
            (self.renewals, "renewals"),
        ];
        let some = counts.into_iter().filter(|(count, _)| *count > 0);
        some.into_iter()
            .try_for_each(|(count, what)| write!(f, ", {count} {what}"))
    }
}

/// Claims and faults. Every claim that comes to its end begins again.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) programs: Vec<Program>,
    pub(super) faults: Faults,
    /// What may be frozen.
    pub(super) frozen: Option<Resource>,
    /// Whether every claim has to come to its end (the kernel page says for which it is not promised).
    pub(super) fair: bool,
    pub(super) policy: Policy,
    /// Whether a waiter looks at those it watches when one of them ends, as it should; a test has it
    /// leave that out.
    pub(super) looks_at_watched: bool,
    pub(super) table: Table,
}

impl Instance {
    /// Looping claims, without faults.
    pub(super) fn new(name: &str, programs: &[&str]) -> Self {
        let programs: Vec<Program> = programs.iter().map(|text| Program::parse(text)).collect();
        Self {
            policy: policy(),
            looks_at_watched: true,
            name: name.to_owned(),
            table: Table::new(&programs),
            programs,
            faults: Faults::default(),
            frozen: None,
            fair: true,
        }
    }

    pub(super) fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// A lapsed lease blocks for so many ticks more.
    pub(super) fn lock_delay(mut self, ticks: u64) -> Self {
        self.policy.lock_delay_ms = ticks * TICK_MS;
        self
    }

    pub(super) fn freezes(mut self, word: &str, freezes: u8) -> Self {
        let frozen = resource(word);
        self.table.add(&frozen);
        let faults = Faults {
            freezes,
            ..self.faults
        };
        Self {
            frozen: Some(frozen),
            ..self.faults(faults)
        }
    }

    /// Starvation is not judged.
    pub(super) fn unfair(self) -> Self {
        Self {
            fair: false,
            ..self
        }
    }

    /// Whether the promise that it comes to its end at some time is one that a claim has: not of what
    /// runs inside another and ends with that, nor of who may be refused for ever, nor of who has others
    /// in front of it by their priority.
    pub(super) fn must_end(&self, claim: usize) -> bool {
        let program = &self.programs[claim];
        let mut requests = program.requests.iter();
        let others = self.programs.iter().map(|other| other.priorities().0);
        let is_in_front = others
            .min()
            .is_some_and(|first| program.priorities().1 <= first);
        self.fair
            && program.parent.is_none()
            && is_in_front
            && !program.may_be_refused()
            && !requests.any(|request| self.table.has_other_size(&request.claims))
    }

    /// Whether the requests of one program differ in priority. Then what it holds may be in front of what
    /// it asks for, no age decides between it and others, and all may die in turn for ever.
    pub(super) fn mixes_priorities(&self) -> bool {
        let mut priorities = self.programs.iter().map(Program::priorities);
        priorities.any(|(first, last)| first != last)
    }

    /// Whether a program asks for what a lock that it took before keeps it from, without its proof, or
    /// for a second slot of a pool that it has one of: it may die each time.
    pub(super) fn waits_for_itself(&self) -> bool {
        let waits = |program: &Program| {
            let requests = program.requests.iter().enumerate();
            let mut pairs = requests.flat_map(|(at, later)| {
                let before = program.requests[..at].iter().enumerate();
                before.map(move |before| (before, later))
            });
            pairs.any(|((at, own), later)| {
                let (had, wanted) = (self.table.set(&own.claims), self.table.set(&later.claims));
                let proves = later.inside == Some(at);
                let is_lock = |request: &Request| request.kind == Kind::Standing;
                let conflict = self.table.conflict(had, wanted) && is_lock(own) && !proves;
                let second = self.table.pools(had & wanted).next().is_some();
                conflict || second && (is_lock(later) || is_lock(own) && !proves)
            })
        };
        self.programs.iter().any(waits)
    }

    /// Returns the instance as it is written: enough to build it again.
    pub(super) fn text(&self) -> String {
        let programs: Vec<&str> = self.programs.iter().map(|p| p.text.as_str()).collect();
        let delay = match self.policy.lock_delay_ms {
            0 => String::new(),
            millis => format!(", lock-delay {millis} ms"),
        };
        let programs = programs.join(" | ");
        format!("{} [{programs}]{}{delay}", self.name, self.faults)
    }
}
