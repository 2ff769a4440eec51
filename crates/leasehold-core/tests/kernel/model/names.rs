//! The small world of the tests: a few resources, what they stand for, and claims on them.
//!
//! Nothing of the kernel's overlap or matrix is used here: a resource is the set of its points, and
//! the matrix is the printed one.

use leasehold_core::{Intent, Resource};
use std::num::NonZeroU32;
use std::sync::LazyLock;

/// Every resource of the tests with its points. A tree is the set of the paths in it.
const WORLD: [(&str, &[&str]); 11] = [
    ("a", &["a"]),
    ("b", &["b"]),
    ("c", &["c"]),
    ("d", &["d"]),
    ("pool", &["pool"]),
    ("path:t", &["t", "t/x", "t/y", "t/x/k", "t/y/k"]),
    ("path:t/x", &["t/x", "t/x/k"]),
    ("path:t/y", &["t/y", "t/y/k"]),
    ("path:t/x/k", &["t/x/k"]),
    ("path:t/*", &["t/x", "t/y", "t/x/k", "t/y/k"]),
    ("path:t/*/k", &["t/x/k", "t/y/k"]),
];

static PARSED: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    WORLD
        .iter()
        .map(|(text, _)| Resource::parse(text).expect("the world is well formed"))
        .collect()
});

/// The matrix of Klock's protocol: rows held, columns asked, x is a conflict.
const MATRIX: [&str; 6] = ["x.xx.x", "..xx.x", "xxxxxx", "xxxxxx", "..xx.x", "xxxxxx"];

/// The kernel's value for a name of the world.
pub(crate) fn resource(text: &str) -> Resource {
    let at = WORLD.iter().position(|(name, _)| *name == text);
    PARSED[at.expect("a resource of the world")].clone()
}

/// The name in the world of a kernel's value.
pub(crate) fn name_of(resource: &Resource) -> &'static str {
    let at = PARSED.iter().position(|known| known == resource);
    WORLD[at.expect("a resource of the world")].0
}

fn points(name: &str) -> &'static [&'static str] {
    WORLD
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a resource of the world")
        .1
}

pub(crate) fn overlap(a: &str, b: &str) -> bool {
    points(a).iter().any(|point| points(b).contains(point))
}

fn contains(outer: &str, inner: &str) -> bool {
    points(inner)
        .iter()
        .all(|point| points(outer).contains(point))
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) what: &'static str,
    pub(crate) intent: Intent,
    pub(crate) slots: Option<u32>,
}

impl Claim {
    pub(crate) fn of(claim: &leasehold_core::Claim) -> Self {
        let slots = claim.slots.map(NonZeroU32::get);
        Self {
            what: name_of(&claim.resource),
            intent: claim.intent,
            slots,
        }
    }

    pub(crate) fn list(claims: &[leasehold_core::Claim]) -> Vec<Self> {
        claims.iter().map(Self::of).collect()
    }

    /// Rule 1, without the count of pools.
    pub(crate) fn conflicts(&self, other: &Self) -> bool {
        let no = match (self.slots, other.slots) {
            (Some(own), Some(other)) => own != other,
            (None, None) => matrix(self.intent, other.intent),
            _ => true,
        };
        no && overlap(self.what, other.what)
    }

    /// Rule 2: exclusive covers all, equal covers equal, consumes is depends-on.
    pub(crate) fn covers(&self, inner: &Self) -> bool {
        let strong = match (self.slots, inner.slots) {
            (Some(_), Some(_)) => true,
            (Some(_), None) => false,
            (None, Some(_)) => exclusive(self.intent),
            (None, None) => {
                exclusive(self.intent)
                    || self.intent == inner.intent
                    || (reads(self.intent) && reads(inner.intent))
            }
        };
        strong && contains(self.what, inner.what)
    }

    pub(crate) fn same_pool(&self, other: &Self) -> bool {
        self.slots.is_some() && other.slots.is_some() && self.what == other.what
    }
}

fn matrix(held: Intent, asked: Intent) -> bool {
    let at = |intent| {
        Intent::ALL
            .iter()
            .position(|known| *known == intent)
            .expect("six intents")
    };
    MATRIX[at(held)].as_bytes()[at(asked)] == b'x'
}

fn exclusive(intent: Intent) -> bool {
    matches!(intent, Intent::Mutates | Intent::Deletes | Intent::Renames)
}

fn reads(intent: Intent) -> bool {
    matches!(intent, Intent::Consumes | Intent::DependsOn)
}

/// Whether any claim of one conflicts with any of the other, pools aside.
pub(crate) fn clash(some: &[Claim], others: &[Claim]) -> bool {
    some.iter()
        .any(|one| others.iter().any(|other| one.conflicts(other)))
}
