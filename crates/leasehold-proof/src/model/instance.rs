//! One thing to explore: a few claims, and what may go wrong how often.

use super::program::{Program, Request, resource};
use leasehold_core::limits::Policy;
use leasehold_core::{Claim, Identity, Intent, Resource, lease::Kind};
use std::fmt;

/// Time passes in steps of this length; every time of the [`policy`] is a multiple of it.
pub(super) const TICK_MS: u64 = 5;

/// Times so short that few ticks reach them. Cards outlive all that an instance can wait.
pub(super) const fn policy() -> Policy {
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
    /// Whether a sleeper may learn of something only when the store makes it look again, every few
    /// seconds. Of a pool any holder's end frees a slot, and a waiter watches one of them; and who waits
    /// behind a ticket does not know the TTL that its lease will have; and nobody judges at the end of a
    /// freeze who looks for the first time just then.
    pub(super) looks_again: bool,
    pub(super) table: Table,
}

/// All claims and identities of an instance by number, and what excludes what: found out here from
/// the spelling, not by the kernel.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) claims: Vec<Claim>,
    pub(super) identities: Vec<Identity>,
    /// For each claim the set of those that conflict with it, pools aside.
    pub(super) conflicts: Vec<u32>,
    /// For each claim the set of those that need nothing more when it is held.
    pub(super) covers: Vec<u32>,
}

impl Instance {
    /// Looping claims, without faults.
    pub(super) fn new(name: &str, programs: &[&str]) -> Self {
        let programs: Vec<Program> = programs.iter().map(|text| Program::parse(text)).collect();
        let requests = || programs.iter().flat_map(|program| &program.requests);
        let is_slot = |claim: &Claim| claim.slots.is_some();
        Self {
            looks_again: requests().any(|r| r.ttl.is_some() || r.claims.iter().any(is_slot)),
            name: name.to_owned(),
            table: Table::new(&programs),
            programs,
            faults: Faults::default(),
            frozen: None,
            fair: true,
        }
    }

    pub(super) fn faults(self, faults: Faults) -> Self {
        let looks_again = self.looks_again || faults.ticks > 0 && faults.freezes > 0;
        Self {
            faults,
            looks_again,
            ..self
        }
    }

    pub(super) fn freezes(self, word: &str, freezes: u8) -> Self {
        let faults = Faults {
            freezes,
            ..self.faults
        };
        Self {
            frozen: Some(resource(word)),
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
        format!("{} [{}]{}", self.name, programs.join(" | "), self.faults)
    }
}

impl Table {
    fn new(programs: &[Program]) -> Self {
        let mut table = Self::default();
        for request in programs.iter().flat_map(|program| &program.requests) {
            for claim in &request.claims {
                if !table.claims.contains(claim) {
                    table.claims.push(claim.clone());
                }
            }
            if !table.identities.contains(&request.who) {
                table.identities.push(request.who.clone());
            }
        }
        assert!(table.claims.len() <= 32, "a set of claims is 32 bits");
        let set = |test: fn(&Claim, &Claim) -> bool, a: &Claim| {
            let hits = table.claims.iter().enumerate().filter(|(_, b)| test(a, b));
            hits.fold(0, |set, (at, _)| set | 1 << at)
        };
        table.conflicts = table.claims.iter().map(|a| set(conflict, a)).collect();
        table.covers = table.claims.iter().map(|a| set(covers, a)).collect();
        table
    }

    /// The number of a claim.
    pub(super) fn number(&self, claim: &Claim) -> usize {
        let found = self.claims.iter().position(|known| known == claim);
        found.expect("the kernel makes no claims of its own")
    }

    /// The set of these claims.
    pub(super) fn set(&self, claims: &[Claim]) -> u32 {
        claims
            .iter()
            .fold(0, |set, claim| set | 1 << self.number(claim))
    }

    /// Whether a claim of the one set conflicts with one of the other, pools aside.
    pub(super) fn conflict(&self, a: u32, b: u32) -> bool {
        numbers(a).any(|claim| self.conflicts[claim] & b != 0)
    }

    /// All that needs nothing more when these are held.
    pub(super) fn covered_by(&self, held: u32) -> u32 {
        numbers(held).fold(0, |set, claim| set | self.covers[claim])
    }

    /// The slots in a set: for each the claim (with its size), as numbers.
    pub(super) fn pools(&self, set: u32) -> impl Iterator<Item = (u32, usize)> {
        numbers(set).filter_map(|claim| {
            let size = self.claims[claim].slots?.get() as usize;
            Some((1 << claim, size))
        })
    }
}

/// The members of a set.
pub(super) fn numbers(set: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |at| set & (1 << at) != 0)
}

fn is_inside(inner: &Claim, outer: &Claim) -> bool {
    let (inner, outer) = (inner.resource.to_string(), outer.resource.to_string());
    inner == outer || inner.starts_with("path:") && inner.starts_with(&format!("{outer}/"))
}

fn is_read(claim: &Claim) -> bool {
    claim.intent == Intent::Consumes
}

fn conflict(a: &Claim, b: &Claim) -> bool {
    let compatible = match (a.slots, b.slots) {
        (None, None) => is_read(a) && is_read(b),
        (a, b) => a.is_some() && b.is_some(),
    };
    !compatible && (is_inside(a, b) || is_inside(b, a))
}

fn covers(held: &Claim, wanted: &Claim) -> bool {
    let strong = match (held.slots, wanted.slots) {
        (Some(_), slots) => slots.is_some(),
        (None, _) => !is_read(held) || wanted.slots.is_none() && is_read(wanted),
    };
    strong && is_inside(wanted, held)
}
