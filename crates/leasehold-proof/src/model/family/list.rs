//! Which families there are, the smallest first.

use super::super::instance::Faults;
use super::bodies::{
    all_kinds, guards, locks, locks_inside, requests, singles, strict, two_agents, with_priority,
    with_ttl, without_waiting,
};
use super::{Claims, Family, Trouble};

const OWN_PAIR: &[&[&str]] = &[&["a", "b"]];
const OWN_TRIPLE: &[&[&str]] = &[&["a", "b", "c"]];
/// Nobody shares an agent, or two do.
const ANY_PAIR: &[&[&str]] = &[&["a", "b"], &["a", "a"]];
const ANY_TRIPLE: &[&[&str]] = &[&["a", "b", "c"], &["a", "a", "b"], &["a", "b", "a"]];
/// One inside the lease of another, of the same agent or not, and a rival.
const INSIDE: &[&[&str]] = &[&["a", "a<0.0", "c"], &["a", "b<0.0", "c"]];

const NONE: Faults = Faults::NONE;

/// One fault of each kind.
const FAULTS: [Faults; 5] = [
    Faults { kills: 1, ..NONE },
    Faults { orphans: 1, ..NONE },
    Faults {
        interrupts: 1,
        ..NONE
    },
    Faults { cancels: 1, ..NONE },
    Faults { ticks: 3, ..NONE },
];

/// Time that passes, and a renewal that may come late.
const LAPSING: Faults = Faults {
    ticks: 3,
    renewals: 1,
    ..NONE
};

fn family(
    name: &'static str,
    claims: Claims,
    agents: &'static [&'static [&'static str]],
) -> Family {
    Family {
        name,
        claims,
        agents,
        troubles: vec![Trouble::default()],
        is_fair: true,
    }
}

impl Family {
    fn troubles(mut self, troubles: impl IntoIterator<Item = Trouble>) -> Self {
        self.troubles = troubles.into_iter().collect();
        self
    }

    fn faults(self, faults: &[Faults]) -> Self {
        let troubles = faults.iter().map(|faults| Trouble {
            faults: *faults,
            ..Trouble::default()
        });
        self.troubles(troubles)
    }

    fn unfair(mut self) -> Self {
        self.is_fair = false;
        self
    }
}

/// All of them.
pub(in super::super) fn all() -> Vec<Family> {
    let flat = singles(&["A", "B"]);
    let any = || all_kinds(&flat);
    let owned = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let pool = owned(&["S/2", "T/1", "A", "S/2+A"]);
    let sizes = owned(&["S/2", "S/1", "A", "S/1+A"]);
    let together = |list: Vec<String>| Claims::Together(2, list);
    let three = |list: Vec<String>| Claims::Together(3, list);
    let each = |one, other| Claims::OneOfEach(vec![one, other]);
    let tree = ["P", "P/x", "P/y", "A"];
    let patterns = ["P/*/k", "P/x", "P/x/k", "A"];
    let delayed = |lock_delay_ticks| Trouble {
        faults: LAPSING,
        lock_delay_ticks,
        frozen: None,
    };
    let frozen = Trouble {
        frozen: Some("A"),
        ..Trouble::default()
    };
    let faults = FAULTS.iter().map(|faults| Trouble {
        faults: *faults,
        ..Trouble::default()
    });
    let beside = [locks(&flat), guards(&flat)].concat();
    let lapsing = [with_ttl(&sizes), owned(&["S/2:5{A}", "S/1:5+A"])].concat();
    vec![
        family(
            "pairs of guards",
            together(guards(&requests(&["A", "B"]))),
            ANY_PAIR,
        ),
        family(
            "pairs of guards in a tree",
            together(guards(&singles(&tree))),
            OWN_PAIR,
        ),
        family(
            "pairs of guards on patterns",
            together(guards(&singles(&patterns))),
            OWN_PAIR,
        ),
        family("pairs with a lock", each(locks(&flat), beside), OWN_PAIR),
        family(
            "pairs with priorities",
            together(with_priority(&flat)),
            OWN_PAIR,
        ),
        family("pairs judged strictly", together(strict(&flat)), OWN_PAIR),
        family(
            "pairs with a TTL and a lock-delay",
            together(with_ttl(&flat)),
            OWN_PAIR,
        )
        .troubles([delayed(0), delayed(1), delayed(2)]),
        family("pairs for slots of two sizes", together(lapsing), OWN_PAIR).faults(&[LAPSING]),
        family("triples for slots", three(guards(&pool)), OWN_TRIPLE),
        family("triples of guards", three(guards(&flat)), ANY_TRIPLE),
        family(
            "pairs with another agent inside",
            each(two_agents(&flat), any()),
            OWN_PAIR,
        ),
        family(
            "pairs with who does not wait",
            each(without_waiting(&flat), any()),
            OWN_PAIR,
        ),
        family(
            "pairs with a lock inside",
            each(locks_inside(&flat), any()),
            OWN_PAIR,
        ),
        family(
            "triples with priorities",
            three(with_priority(&owned(&["A", "B"]))),
            OWN_TRIPLE,
        ),
        family(
            "triples judged strictly",
            three(strict(&owned(&["A", "B"]))),
            OWN_TRIPLE,
        ),
        family(
            "one inside another's lease, and a rival",
            Claims::OneOfEach(vec![flat.clone(), any(), guards(&flat)]),
            INSIDE,
        )
        .faults(&[NONE, FAULTS[0]])
        .unfair(),
        family(
            "triples of guards for one or two",
            three(guards(&requests(&["A", "B"]))),
            ANY_TRIPLE,
        ),
        family("pairs with a fault", together(any()), OWN_PAIR).troubles(faults.chain([frozen])),
        family("triples of all kinds", three(any()), OWN_TRIPLE),
        family("triples of shared agents", three(any()), ANY_TRIPLE).unfair(),
    ]
}
