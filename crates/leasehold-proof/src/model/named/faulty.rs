//! Instances in which something goes wrong: how many of each fault.

use super::super::instance::Faults;

const NONE: Faults = Faults::NONE;

/// Instances with faults: how many of each.
pub(super) const FAULTY: &[(&str, Faults, &[&str])] = &[
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
    (
        "lapsed slots of two sizes",
        Faults {
            ticks: 2,
            renewals: 1,
            ..NONE
        },
        &["a: S/1:5", "b: S/2+A", "c: A"],
    ),
    (
        "killed in front",
        Faults { kills: 1, ..NONE },
        &["a: A#50{B}", "b: B{A}", "c: A"],
    ),
    (
        "killed, strict",
        Faults { kills: 1, ..NONE },
        &["a: &A{&B}", "b: &B{&A}"],
    ),
    (
        "patterns faulty",
        Faults {
            kills: 1,
            interrupts: 1,
            ..NONE
        },
        &["a: P/x/k{P/*/k}", "b: P/y/k{P/x}"],
    ),
];

/// Instances in which a lapsed lease blocks for some ticks more.
pub(super) const DELAYED: &[(&str, u64, Faults, &[&str])] = &[
    (
        "lock-delay",
        1,
        Faults {
            ticks: 4,
            renewals: 1,
            ..NONE
        },
        &["a: A:5", "b: A:5", "c: A"],
    ),
    (
        "lock-delay in a crossing",
        1,
        Faults { ticks: 4, ..NONE },
        &["a: A:5{B}", "b: B{A}"],
    ),
    (
        "lock-delay of a lock",
        2,
        Faults {
            ticks: 4,
            renewals: 1,
            ..NONE
        },
        &["a: !A:5 B", "b: B{A}"],
    ),
    (
        "lock-delay of slots",
        1,
        Faults {
            ticks: 3,
            renewals: 1,
            ..NONE
        },
        &["a: S/2:5", "b: S/2", "c: S/2"],
    ),
    (
        "lock-delay and a kill",
        1,
        Faults {
            ticks: 3,
            kills: 1,
            ..NONE
        },
        &["a: A:5", "b: A:5k", "c: A"],
    ),
];
