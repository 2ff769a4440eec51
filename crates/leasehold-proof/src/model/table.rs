//! The claims and identities of an instance by number, and what excludes what: found out from the
//! spelling and by counting points, not by the kernel.

use super::program::Program;
use crate::points::{self, Tree};
use leasehold_core::{Claim, Identity, Intent, Resource};
use std::sync::LazyLock;

/// Everything that the words of an instance can mean by a path or a pattern.
static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::new(&["P", "x", "y", "k", "other"], 4));

/// What is known of the words of an instance before anything happens.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) claims: Vec<Claim>,
    pub(super) identities: Vec<Identity>,
    /// For each claim the set of those that conflict with it, pools aside.
    conflicts: Vec<u32>,
    /// For each claim the set of those that need nothing more when it is held.
    covers: Vec<u32>,
    /// For each resource the set of the claims on what overlaps it.
    overlaps: Vec<(Resource, u32)>,
}

/// A claim with the points of its resource.
struct Spelt<'a> {
    claim: &'a Claim,
    text: String,
    points: Vec<bool>,
}

impl Table {
    pub(super) fn new(programs: &[Program]) -> Self {
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
        let claims = std::mem::take(&mut table.claims);
        let spelt: Vec<Spelt<'_>> = claims.iter().map(Spelt::new).collect();
        let set = |test: &dyn Fn(&Spelt<'_>) -> bool| {
            let hits = spelt.iter().enumerate().filter(|(_, spelt)| test(spelt));
            hits.fold(0, |set, (at, _)| set | 1 << at)
        };
        for own in &spelt {
            table.conflicts.push(set(&|other| own.conflicts(other)));
            table.covers.push(set(&|other| own.covers(other)));
            let on = set(&|other| own.meets(other));
            table.overlaps.push((own.claim.resource.clone(), on));
        }
        table.claims = claims;
        table
    }

    /// Adds a resource that somebody freezes.
    pub(super) fn add(&mut self, resource: &Resource) {
        let claim = Claim::new(resource.clone(), Intent::Mutates);
        let frozen = Spelt::new(&claim);
        let hits = self.claims.iter().enumerate();
        let hits = hits.filter(|(_, claim)| frozen.meets(&Spelt::new(claim)));
        let hits = hits.fold(0, |set, (at, _)| set | 1 << at);
        self.overlaps.push((resource.clone(), hits));
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

    /// The claims on what overlaps a resource.
    pub(super) fn on(&self, resource: &Resource) -> u32 {
        let mut known = self.overlaps.iter();
        let found = known.find(|(known, _)| known == resource);
        found.expect("the kernel makes no names of its own").1
    }

    /// Whether a resource that is frozen overlaps one that is claimed.
    pub(super) fn touches(&self, frozen: &Resource, claimed: &Resource) -> bool {
        let on = self.on(frozen);
        numbers(on).any(|claim| self.claims[claim].resource == *claimed)
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

    /// Whether somebody claims a slot of one of these pools as of one of another size.
    pub(super) fn has_other_size(&self, claims: &[Claim]) -> bool {
        let other = |own: &Claim, known: &Claim| own.same_pool(known) && own.slots != known.slots;
        let mut pairs = claims
            .iter()
            .flat_map(|own| self.claims.iter().map(move |c| (own, c)));
        pairs.any(|(own, known)| other(own, known))
    }
}

/// The members of a set.
pub(super) fn numbers(set: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |at| set & (1 << at) != 0)
}

impl<'a> Spelt<'a> {
    fn new(claim: &'a Claim) -> Self {
        let text = claim.resource.to_string();
        Self {
            claim,
            points: TREE.set(&text),
            text,
        }
    }

    fn is_read(&self) -> bool {
        self.claim.intent == Intent::Consumes
    }

    fn meets(&self, other: &Spelt<'_>) -> bool {
        self.text == other.text || points::meet(&self.points, &other.points)
    }

    fn conflicts(&self, other: &Spelt<'_>) -> bool {
        let compatible = match (self.claim.slots, other.claim.slots) {
            (None, None) => self.is_read() && other.is_read(),
            // A pool has one size.
            (Some(own), Some(other)) => own == other,
            _ => false,
        };
        !compatible && self.meets(other)
    }

    fn covers(&self, wanted: &Spelt<'_>) -> bool {
        let strong = match (self.claim.slots, wanted.claim.slots) {
            (Some(_), slots) => slots.is_some(),
            (None, slots) => !self.is_read() || slots.is_none() && wanted.is_read(),
        };
        let contains = || points::contains(&self.points, &wanted.points);
        strong && (self.text == wanted.text || contains())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_points_agrees_with_the_kernel() {
        let words = "P P/x P/y P/x/k P/* P/*/k P/**/k **/k */x A S/2 ~P ~A";
        let table = Table::new(&[Program::parse(&format!("a: {words}"))]);
        for (at, one) in table.claims.iter().enumerate() {
            for (to, other) in table.claims.iter().enumerate() {
                let has = |set: u32| set & (1 << to) != 0;
                let pair = format!("{} {}", one.resource, other.resource);
                assert_eq!(
                    has(table.conflicts[at]),
                    one.conflicts_with(other),
                    "{pair}"
                );
                // The kernel may be over-careful with a pattern in a pattern. No instance has that.
                if pair.matches('*').count() < 2 || one.covers(other) {
                    assert_eq!(has(table.covers[at]), one.covers(other), "{pair}");
                }
                let meets = one.resource.overlaps(&other.resource);
                assert_eq!(has(table.on(&one.resource)), meets, "{pair}");
            }
        }
    }
}
