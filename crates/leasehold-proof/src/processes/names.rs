//! What the workload claims, and which of it overlaps, told by hand.
//!
//! Each name stands for a set of atoms; two names overlap when they share one. The kernel is not asked:
//! the witness would believe whatever it believes.

use leasehold_core::{Claim, Intent, Resource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// A name that can be claimed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    /// As it is typed.
    pub(super) text: &'static str,
    /// What it stands for.
    pub(super) atoms: &'static [&'static str],
    /// Of a pool: how many slots it has.
    pub(super) slots: Option<u32>,
}

const fn name(text: &'static str, atoms: &'static [&'static str]) -> Name {
    Name {
        text,
        atoms,
        slots: None,
    }
}

const fn pool(text: &'static str, atoms: &'static [&'static str], slots: u32) -> Name {
    Name {
        text,
        atoms,
        slots: Some(slots),
    }
}

/// All names. The first ones are asked for more often.
pub(super) const NAMES: &[Name] = &[
    name("build", &["build"]),
    name("path:src/a", &["a.x", "a.y"]),
    name("path:src", &["a.x", "a.y", "b.x", "b"]),
    name("path:src/*/x", &["a.x", "b.x"]),
    pool("gpu", &["gpu"], 2),
    name("deploy", &["deploy"]),
    name("path:src/a/x", &["a.x"]),
    name("path:src/a/*", &["a.x", "a.y"]),
    name("path:src/b", &["b.x", "b"]),
    name("path:src/a/y", &["a.y"]),
    name("path:docs/*.md", &["d.md"]),
    name("path:docs", &["d.md", "d"]),
    name("path:docs/guide.md", &["d.md"]),
    name("path:docs/data.csv", &["d"]),
    pool("ram", &["ram"], 3),
    name("issue:7", &["issue"]),
    name("table:users", &["table"]),
];

/// What one command claims: names by their place in [`NAMES`], and one intent for all but the pools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) names: Vec<usize>,
    pub(super) intent: String,
    /// Whether pools are asked for by the slot. Else they are claimed whole.
    pub(super) by_slot: bool,
}

/// How an atom is locked by the witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Share {
    /// With other readers, and with one provider.
    Read,
    /// With readers.
    Provide,
    /// With whoever has another slot.
    Slot,
    /// With nobody.
    Alone,
}

impl Share {
    pub(super) fn excludes(self, other: Self) -> bool {
        !matches!(
            (self, other),
            (Self::Read, Self::Read | Self::Provide)
                | (Self::Provide, Self::Read)
                | (Self::Slot, Self::Slot)
        )
    }
}

impl Claims {
    /// The names as they are typed.
    pub(super) fn words(&self) -> Vec<String> {
        let names = self.names.iter().map(|at| NAMES[*at]);
        let mut words: Vec<String> = names.clone().map(|name| name.text.into()).collect();
        let pools: Vec<(&str, u32)> = names
            .filter_map(|name| Some((name.text, name.slots?)))
            .filter(|_| self.by_slot)
            .collect();
        if pools.is_empty() {
            match self.intent.as_str() {
                "mutates" => {}
                "consumes" => words.push("--read".into()),
                intent => words.extend(["--intent".into(), intent.into()]),
            }
        }
        for (pool, slots) in pools {
            words.extend(["--slots".into(), format!("{pool}={slots}")]);
        }
        words
    }

    /// Each atom with how it is shared.
    pub(super) fn atoms(&self) -> BTreeSet<(&'static str, Share)> {
        let mut atoms = BTreeSet::new();
        for name in self.names.iter().map(|at| NAMES[*at]) {
            let share = match self.intent.as_str() {
                _ if name.slots.is_some() && self.by_slot => Share::Slot,
                "consumes" | "depends-on" => Share::Read,
                "provides" => Share::Provide,
                _ => Share::Alone,
            };
            atoms.extend(name.atoms.iter().map(|atom| (*atom, share)));
        }
        atoms
    }

    /// As the kernel sees it.
    pub(super) fn claims(&self) -> Vec<Claim> {
        let intent: Intent = self.intent.parse().expect("the plan has intents");
        let claim = |at: &usize| {
            let name = NAMES[*at];
            let resource = Resource::parse(name.text).expect("the names are names");
            match name
                .slots
                .filter(|_| self.by_slot)
                .and_then(NonZeroU32::new)
            {
                Some(size) => Claim::slot(resource, size),
                None => Claim::new(resource, intent),
            }
        };
        self.names.iter().map(claim).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::claim::any_conflict;

    fn all(intent: &str, by_slot: bool) -> impl Iterator<Item = Claims> {
        (0..NAMES.len()).map(move |at| Claims {
            names: vec![at],
            intent: intent.into(),
            by_slot,
        })
    }

    #[test]
    fn the_kernel_agrees_with_the_table() {
        let kinds = [("mutates", true), ("consumes", false), ("provides", false)];
        let everything: Vec<Claims> = kinds.iter().flat_map(|(i, s)| all(i, *s)).collect();
        for one in &everything {
            for other in &everything {
                let mine = one.atoms();
                let pairs = mine
                    .iter()
                    .flat_map(|a| other.atoms().into_iter().map(|b| (*a, b)));
                let clash = pairs
                    .filter(|(a, b)| a.0 == b.0)
                    .any(|(a, b)| a.1.excludes(b.1));
                let kernel = any_conflict(&one.claims(), &other.claims());
                assert_eq!(clash, kernel, "{one:?} {other:?}");
            }
        }
    }
}
