//! The named families of the kernel page, section 9.

mod faulty;
mod plain;

use super::instance::{Faults, Instance};
use faulty::{DELAYED, FAULTY};
use plain::PLAIN;

const NONE: Faults = Faults::NONE;

/// Instances with freezes: of what, and how many.
const FROZEN: &[(&str, &str, u8, Faults, &[&str])] = &[
    ("frozen", "A", 2, NONE, &["a: A", "b: A"]),
    ("frozen crossing", "A", 1, NONE, &["a: A{B}", "b: B{A}"]),
    (
        "frozen convoy",
        "B",
        1,
        NONE,
        &["a: A", "b: A+B", "c: B", "d: A"],
    ),
    ("frozen tree", "P/x", 1, NONE, &["a: P", "b: P/x", "c: P/y"]),
    (
        "frozen and killed",
        "B",
        1,
        Faults { kills: 1, ..NONE },
        &["a: A", "b: A+B", "c: A"],
    ),
    (
        "frozen for a time",
        "A",
        1,
        Faults { ticks: 3, ..NONE },
        &["a: A{B}", "b: B{A}"],
    ),
    (
        "frozen and expired",
        "B",
        1,
        Faults { ticks: 3, ..NONE },
        &["a: A:5", "b: A+B", "c: A"],
    ),
    (
        "frozen and orphaned",
        "B",
        1,
        Faults {
            orphans: 1,
            kills: 1,
            ..NONE
        },
        &["a: A", "b: A+B", "c: A"],
    ),
    ("frozen, covered", "A", 1, NONE, &["a: A{A}", "b: A{B}"]),
    (
        "frozen, not waiting",
        "A",
        1,
        NONE,
        &["a: A?", "b: A{B}", "c: B{A}"],
    ),
];

/// Instances in which somebody may starve by its agent's own doing: it waits, without proof, for what
/// its agent holds; or takes ever new locks while another request of it cannot be told from its own.
const UNFAIR: &[(&str, Faults, &[&str])] = &[
    ("lock again", NONE, &["a: !A", "a: !A", "b: A"]),
    (
        "lock and guard of one agent",
        NONE,
        &["a: !A B", "a: B", "b: A+B"],
    ),
    (
        "killed with a lock inside",
        Faults { kills: 1, ..NONE },
        &["a: A{!A}", "b: A"],
    ),
    (
        "locks of the nameless crossing once",
        NONE,
        &["_a: !A", "_a: !A", "b: A"],
    ),
];

/// All of them.
pub(super) fn all() -> Vec<Instance> {
    let plain = PLAIN
        .iter()
        .map(|(name, programs)| Instance::new(name, programs));
    let faulty = FAULTY.iter();
    let faulty =
        faulty.map(|(name, faults, programs)| Instance::new(name, programs).faults(*faults));
    let frozen = FROZEN
        .iter()
        .map(|(name, what, freezes, faults, programs)| {
            Instance::new(name, programs)
                .faults(*faults)
                .freezes(what, *freezes)
        });
    let unfair = UNFAIR.iter();
    let unfair = unfair
        .map(|(name, faults, programs)| Instance::new(name, programs).faults(*faults).unfair());
    let delayed = DELAYED.iter();
    let delayed = delayed.map(|(name, ticks, faults, programs)| {
        Instance::new(name, programs)
            .faults(*faults)
            .lock_delay(*ticks)
    });
    let all = plain.chain(faulty).chain(delayed);
    all.chain(frozen).chain(unfair).collect()
}
