//! What can be claimed in a simulation, and what overlaps, found out by counting points.
//!
//! Nothing of the kernel's resource arithmetic is used here: a resource is the set of its points in a
//! small file tree, and the matrix of intents is the printed one.

use crate::points::{self, Tree};
use leasehold_core::{Claim, Intent, Resource};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::LazyLock;

/// The names that paths are made of: those in [`PATHS`], and one that no literal has.
const PARTS: [&str; 7] = ["src", "a", "b", "k", "m.rs", "docs", "other"];
/// The longest path looked at: one part longer than the longest pattern.
const DEPTH: usize = 4;

/// Trees and patterns that overlap in many ways.
const PATHS: [&str; 14] = [
    "path:src",
    "path:src/a",
    "path:src/b",
    "path:src/a/k",
    "path:src/a/m.rs",
    "path:src/*",
    "path:src/*/k",
    "path:src/*/m.rs",
    "path:**/k",
    "path:**/*.rs",
    "path:docs",
    "path:docs/a",
    "path:*/a",
    "path:.",
];
const POOLS: [&str; 3] = ["pool", "gpu:1", "gpu:2"];
/// How many flat names there are, for worlds of all sizes.
const FLAT: usize = 64;

/// The matrix of Klock's protocol: rows held, columns asked, x is a conflict.
const MATRIX: [&[u8; 6]; 6] = [
    b"x.xx.x", b"..xx.x", b"xxxxxx", b"xxxxxx", b"..xx.x", b"xxxxxx",
];

/// A claim as the checks see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its place in [`Names`].
    pub(super) what: usize,
    /// Its row in the matrix.
    intent: usize,
    /// The size of the pool that one slot is claimed of; 0 for no slot.
    pub(super) slots: u32,
}

/// Everything that can be claimed, and how it overlaps.
pub(super) struct Names {
    pub(super) resources: Vec<Resource>,
    places: HashMap<Resource, usize>,
    overlap: Vec<Vec<bool>>,
    within: Vec<Vec<bool>>,
}

/// All of them.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(Names::new);

/// Where the paths, the pools and the flat names stand in [`Names::resources`].
pub(super) const PATHS_AT: std::ops::Range<usize> = 0..PATHS.len();
pub(super) const POOLS_AT: std::ops::Range<usize> = PATHS.len()..PATHS.len() + POOLS.len();
pub(super) const FLAT_AT: std::ops::Range<usize> = POOLS_AT.end..POOLS_AT.end + FLAT;

impl Names {
    fn new() -> Self {
        let flat = (0..FLAT).map(|number| format!("r{number}"));
        let fixed = PATHS.iter().chain(&POOLS).map(ToString::to_string);
        let texts: Vec<String> = fixed.chain(flat).collect();
        let parse =
            |text: &String| Resource::parse(text).expect("a name of the simulation is valid");
        let resources: Vec<Resource> = texts.iter().map(parse).collect();
        let tree = Tree::new(&PARTS, DEPTH);
        let sets: Vec<Vec<bool>> = texts.iter().map(|text| tree.set(text)).collect();
        let table = |hit: &dyn Fn(usize, usize) -> bool| -> Vec<Vec<bool>> {
            let row = |a| (0..texts.len()).map(|b| hit(a, b)).collect();
            (0..texts.len()).map(row).collect()
        };
        let both = |a: usize, b: usize| points::meet(&sets[a], &sets[b]);
        let inside = |a: usize, b: usize| points::contains(&sets[a], &sets[b]);
        Self {
            places: resources.iter().cloned().zip(0..).collect(),
            overlap: table(&|a, b| a == b || both(a, b)),
            within: table(&|a, b| a == b || inside(a, b)),
            resources,
        }
    }

    /// Returns where a resource stands.
    pub(super) fn place(&self, resource: &Resource) -> usize {
        self.places[resource]
    }

    /// Returns whether two names have a point in common.
    pub(super) fn overlap(&self, a: usize, b: usize) -> bool {
        self.overlap[a][b]
    }

    pub(super) fn item(&self, claim: &Claim) -> Item {
        Item {
            what: self.place(&claim.resource),
            intent: row(claim.intent),
            slots: claim.slots.map_or(0, NonZeroU32::get),
        }
    }

    pub(super) fn items(&self, claims: &[Claim]) -> Vec<Item> {
        claims.iter().map(|claim| self.item(claim)).collect()
    }
}

impl Item {
    /// Whether two holders may not have both, pools aside.
    pub(super) fn conflicts(self, other: Self) -> bool {
        let no = match (self.slots > 0, other.slots > 0) {
            (true, true) => self.slots != other.slots,
            (false, false) => MATRIX[self.intent][other.intent] == b'x',
            _ => true,
        };
        no && NAMES.overlap(self.what, other.what)
    }

    /// Whether who has this needs no other for `inner`.
    pub(super) fn covers(self, inner: Self) -> bool {
        let exclusive = MATRIX[self.intent].iter().all(|mark| *mark == b'x');
        let strong = match (self.slots > 0, inner.slots > 0) {
            (true, slot) => slot,
            (false, true) => exclusive,
            (false, false) => exclusive || MATRIX[self.intent] == MATRIX[inner.intent],
        };
        strong && NAMES.within[self.what][inner.what]
    }

    pub(super) fn same_pool(self, other: Self) -> bool {
        self.slots > 0 && other.slots > 0 && self.what == other.what
    }
}

/// Whether any of one conflicts with any of the other, pools aside.
pub(super) fn clash(some: &[Item], others: &[Item]) -> bool {
    some.iter()
        .any(|one| others.iter().any(|other| one.conflicts(*other)))
}

fn row(intent: Intent) -> usize {
    match intent {
        Intent::Provides => 0,
        Intent::Consumes => 1,
        Intent::Mutates => 2,
        Intent::Deletes => 3,
        Intent::DependsOn => 4,
        Intent::Renames => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_points_agrees_with_the_kernel() {
        for (a, one) in NAMES.resources.iter().enumerate() {
            for (b, other) in NAMES.resources.iter().enumerate() {
                assert_eq!(NAMES.overlap(a, b), one.overlaps(other), "{one} {other}");
                // The kernel may be over-careful with a glob in a glob; it never is with these.
                assert_eq!(NAMES.within[a][b], one.contains(other), "{one} in {other}");
            }
        }
    }
}
