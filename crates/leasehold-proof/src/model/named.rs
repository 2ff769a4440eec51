//! The named families of the kernel page, section 9.

use super::instance::{Faults, Instance};

const NONE: Faults = Faults {
    kills: 0,
    orphans: 0,
    interrupts: 0,
    cancels: 0,
    ticks: 0,
    freezes: 0,
    renewals: 0,
};

/// Instances without faults, all looping.
const PLAIN: &[(&str, &[&str])] = &[
    ("one after the other", &["a: A", "b: A", "c: A"]),
    ("crossing", &["a: A{B}", "b: B{A}"]),
    ("crossing with a waiter", &["a: A{B}", "b: B{A}", "c: A"]),
    ("crossing and both", &["a: A{B}", "b: B{A}", "c: A+B"]),
    ("crossing of one agent", &["a: A{B}", "a: B{A}"]),
    ("crossing of the nameless", &["_a: A{B}", "_a: B{A}"]),
    ("ring of three", &["a: A{B}", "b: B{C}", "c: C{A}"]),
    ("deep crossing", &["a: A{B{C}}", "b: C{B{A}}"]),
    ("two orders of three", &["a: A{B{C}}", "b: B{C{A}}"]),
    ("convoy", &["a: A", "b: A+B", "c: B"]),
    ("convoy of three", &["a: A", "b: A+B", "c: B+C", "d: C"]),
    ("passing", &["a: A{B}", "b: A+B", "c: B"]),
    ("passing twice", &["a: A{B C}", "b: A+C", "c: B+C"]),
    ("readers", &["a: ~A", "b: ~A", "c: A"]),
    ("reader in a reader", &["a: ~A{~B}", "b: ~B{~A}", "c: A+B"]),
    ("readers crossing", &["a: ~A{B}", "b: ~B{A}"]),
    (
        "read here, write there",
        &["a: ~A+B", "b: A+~B", "c: ~A+~B"],
    ),
    ("upgrade", &["a: ~A{A}", "b: ~A{A}"]),
    ("upgrade with a writer", &["a: ~A{A}", "b: ~A{A}", "c: A"]),
    ("upgrade of three", &["a: ~A{A}", "b: ~A{A}", "c: ~A{A}"]),
    ("pool of two", &["a: S/2", "b: S/2", "c: S/2"]),
    ("pool and more", &["a: S/2", "b: S/2", "c: S/2+A", "d: A"]),
    ("pool crossing", &["a: S/2{A}", "b: A{S/2}", "c: S/2"]),
    ("pool of one crossing", &["a: S/1{A}", "b: A{S/1}"]),
    (
        "two pools crossing",
        &["a: S/1{T/1}", "b: T/1{S/1}", "c: S/1+T/1"],
    ),
    ("pool as a whole", &["a: S/2", "b: S/2{A}", "c: S"]),
    ("tree", &["a: P", "b: P/x", "c: P/y"]),
    ("widening", &["a: P/x{P}", "b: P/y{P}"]),
    (
        "widening beside a reader",
        &["a: P/x{P}", "b: ~P", "c: P/y"],
    ),
    ("leaves crossing", &["a: P/x{P/y}", "b: P/y{P/x}", "c: P"]),
    (
        "tree and leaf crossing",
        &["a: P{A}", "b: A{P/x}", "c: P/y"],
    ),
    ("claims, then the build", &["a: !I B", "b: !J B", "c: J"]),
    ("two locks crossing", &["a: !A B -A", "b: !B A -B"]),
    ("two locks and a third", &["a: !A B", "b: !B A", "c: A"]),
    ("locks in both orders", &["a: !A !B", "b: !B !A"]),
    ("lock with its proof", &["a: !A{B}", "b: B{A}"]),
    ("siblings", &["a: A", "a<0.0: B", "a<0.0: B"]),
    ("siblings crossing", &["a: A", "a<0.0: B{C}", "a<0.0: C{B}"]),
    (
        "siblings and a rival",
        &["a: A", "a<0.0: B", "a<0.0: B", "b: B{A}"],
    ),
    (
        "siblings that join",
        &["a: A", "a<0.0: A{B}", "b<0.0: A", "c: B{A}"],
    ),
    ("without waiting", &["a: A{B?}", "b: B{A?}"]),
    (
        "who does not wait passes nobody",
        &["a: A{B?}", "b: A+B", "c: B{A}"],
    ),
    ("lock without waiting", &["a: !A? B", "b: B{A}"]),
    ("lock inside a guard", &["a: A{!A}", "b: A"]),
    ("lock inside, then more", &["a: A{!A B}", "b: B{A}"]),
    ("lock of more inside", &["a: A{!B}", "b: B{A}"]),
    ("locks inside crossing", &["a: A{!B C}", "b: C{!A}"]),
    ("lock inside a lock", &["a: !A{!A+B}", "b: B{A}"]),
    ("lock inside a reader", &["a: ~A{!A}", "b: ~A"]),
    ("upgrade to a lock", &["a: ~A{!A}", "b: ~A{!A}"]),
    ("two agents in one chain", &["a: A{@b:B}", "b: B{A}"]),
    ("a chain's agent has a lock", &["a: !A B{@d:C}", "c: C{A}"]),
    (
        "two chains' agents have locks",
        &["a: !A B{@d:C}", "c: !C D{@e:A}"],
    ),
    (
        "the inner agent has a lock",
        &["a: A{@d:B}", "d: !C B", "c: A{C}"],
    ),
    ("two chains of two agents", &["a: A{@b:B}", "c: B{@d:A}"]),
    ("lock of another inside", &["a: A{@b:!B C}", "c: C{A}"]),
    ("covered", &["a: A+B{A{B}}", "b: B{A}"]),
];

/// Instances with faults: how many of each.
const FAULTY: &[(&str, Faults, &[&str])] = &[
    (
        "killed holder",
        Faults { kills: 2, ..NONE },
        &["a: A", "b: A", "c: A"],
    ),
    (
        "killed in crossing",
        Faults { kills: 2, ..NONE },
        &["a: A{B}", "b: B{A}"],
    ),
    (
        "killed in a convoy",
        Faults { kills: 1, ..NONE },
        &["a: A{B}", "b: A+B", "c: B"],
    ),
    (
        "killed with a lock",
        Faults { kills: 2, ..NONE },
        &["a: !A B", "b: B{A}"],
    ),
    (
        "killed readers",
        Faults { kills: 1, ..NONE },
        &["a: ~A{A}", "b: ~A{A}", "c: A"],
    ),
    (
        "killed with a slot",
        Faults { kills: 1, ..NONE },
        &["a: S/2{A}", "b: A{S/2}", "c: S/2"],
    ),
    (
        "killed parent",
        Faults { kills: 2, ..NONE },
        &["a: A", "a<0.0: B{A}", "b: B{A}"],
    ),
    (
        "killed siblings",
        Faults { kills: 1, ..NONE },
        &["a: A", "a<0.0: B", "a<0.0: B", "b: B{A}"],
    ),
    (
        "orphans",
        Faults {
            orphans: 2,
            kills: 1,
            ..NONE
        },
        &["a: A{B}", "b: B{A}"],
    ),
    (
        "orphans in time",
        Faults {
            orphans: 1,
            ticks: 4,
            ..NONE
        },
        &["a: A{B}", "b: B"],
    ),
    (
        "parked and resumed",
        Faults {
            interrupts: 2,
            ..NONE
        },
        &["a: A{B}", "b: B{A}"],
    ),
    (
        "parked in a convoy",
        Faults {
            interrupts: 2,
            ..NONE
        },
        &["a: A", "b: A+B", "c: B"],
    ),
    (
        "parked until dropped",
        Faults {
            interrupts: 1,
            ticks: 5,
            ..NONE
        },
        &["a: A", "b: A"],
    ),
    (
        "parked upgrades",
        Faults {
            interrupts: 1,
            ..NONE
        },
        &["a: ~A{A}", "b: ~A{A}", "c: A"],
    ),
    (
        "given up",
        Faults { cancels: 2, ..NONE },
        &["a: A{B}", "b: B{A}", "c: A"],
    ),
    (
        "passed grants",
        Faults { ticks: 3, ..NONE },
        &["a: A", "b: A", "c: A"],
    ),
    (
        "passed in crossing",
        Faults { ticks: 3, ..NONE },
        &["a: A{B}", "b: B{A}"],
    ),
    (
        "passed, killed, parked",
        Faults {
            ticks: 2,
            kills: 1,
            interrupts: 1,
            ..NONE
        },
        &["a: A{B}", "b: A+B"],
    ),
    (
        "patience",
        Faults { ticks: 3, ..NONE },
        &["a: A{B%5}", "b: B{A%10}"],
    ),
    (
        "expiry",
        Faults {
            ticks: 3,
            renewals: 1,
            ..NONE
        },
        &["a: A:5", "b: A:10", "c: A"],
    ),
    (
        "expiry in crossing",
        Faults { ticks: 3, ..NONE },
        &["a: A:5{B}", "b: B{A}"],
    ),
    (
        "expiry of a lock",
        Faults {
            ticks: 3,
            renewals: 1,
            ..NONE
        },
        &["a: !A:5 B", "b: B{A}"],
    ),
    (
        "expiry, kept while alive",
        Faults {
            ticks: 2,
            kills: 1,
            ..NONE
        },
        &["a: A:5k{B}", "b: B{A}"],
    ),
    (
        "expiry of slots",
        Faults {
            ticks: 3,
            renewals: 1,
            ..NONE
        },
        &["a: S/2:5", "b: S/2", "c: S/2"],
    ),
    (
        "expiry of a cover",
        Faults { ticks: 2, ..NONE },
        &["a: A:5{A{B}}", "b: A"],
    ),
    (
        "expiry inside",
        Faults {
            ticks: 2,
            renewals: 1,
            ..NONE
        },
        &["a: A{B:5}", "b: B{A}"],
    ),
    (
        "pool of two faulty",
        Faults {
            kills: 1,
            interrupts: 1,
            ..NONE
        },
        &["a: S/2", "b: S/2", "c: S/2"],
    ),
    (
        "tree faulty",
        Faults {
            kills: 1,
            interrupts: 1,
            ..NONE
        },
        &["a: P/x{P}", "b: P/y{P}"],
    ),
    (
        "no waiting, faulty",
        Faults {
            kills: 1,
            interrupts: 1,
            ..NONE
        },
        &["a: A{B?}", "b: B{A}"],
    ),
    (
        "lock inside, faulty",
        Faults {
            interrupts: 2,
            ..NONE
        },
        &["a: A{!A}", "b: A", "c: A"],
    ),
];

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
    plain.chain(faulty).chain(frozen).chain(unfair).collect()
}
