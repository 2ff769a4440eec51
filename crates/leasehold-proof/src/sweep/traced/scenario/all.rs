//! The list of what is swept.

use super::{Around, Scenario, Verb};
use crate::sweep::traced::lokt;
use crate::sweep::traced::template::{Furniture, OVER};

/// What `eve` holds, in two leases.
const OF_EVE: &[&str] = &["by:one", "path:docs", "by:two"];

/// All of them.
pub(in super::super) const ALL: &[Scenario] = &[
    Scenario::new("guard", Verb::Guard, "target"),
    Scenario::new("guard-two", Verb::Guard, "target path:src/a").on(&["target", "path:src/a"]),
    Scenario::new("guard-with-waiter", Verb::Guard, "target").around(Around::LateWaiter),
    Scenario::new("guard-waiting", Verb::Guard, "target --wait --timeout 25s")
        .around(Around::Holder),
    Scenario::new("guard-nested", Verb::Guard, "target --lease MINE"),
    Scenario::new("guard-joined", Verb::Join, "mine --lease MINE").on(&["mine"]),
    Scenario::new("guard-ttl", Verb::Guard, "target --ttl 60s"),
    Scenario::new("guard-renewing", Verb::Guard, "target --ttl 600ms")
        .ends_after("\"event\":\"renewed\""),
    Scenario::new("guard-robbed", Verb::Guard, "target")
        .around(Around::Robber)
        .exits(6),
    Scenario::new("guard-after-dead", Verb::Guard, "dead").on(&["dead"]),
    Scenario::new("guard-past-orphan", Verb::Guard, "target")
        .around(Around::Orphan)
        .exits(2),
    Scenario::new("guard-begin", Verb::Guard, "target").furnished(Furniture::None),
    Scenario::new("guard-after-boot", Verb::Guard, "target").furnished(Furniture::OfLastBoot),
    Scenario::new(
        "lock",
        Verb::Lock,
        "lock target path:src/a --owner ada --ttl none",
    )
    .on(&["target", "path:src/a"]),
    Scenario::new(
        "lock-waiting",
        Verb::Lock,
        "lock target --owner ada --ttl none --wait --timeout 25s",
    )
    .around(Around::Holder),
    Scenario::new(
        "lock-timing-out",
        Verb::TimeOut,
        "lock target --owner ada --ttl none --wait --timeout 10ms",
    )
    .around(Around::Keeper)
    .exits(2),
    Scenario::new(
        "lock-begin",
        Verb::Lock,
        "lock target --owner ada --ttl none",
    )
    .furnished(Furniture::None),
    Scenario::new(
        "lock-after-boot",
        Verb::Lock,
        "lock target --owner ada --ttl none",
    )
    .furnished(Furniture::OfLastBoot),
    Scenario::new("lock-again", Verb::Keep, "lock mine --owner ada --ttl none").on(&["mine"]),
    Scenario::new("unlock", Verb::Unlock, "unlock mine --owner ada").on(&["mine"]),
    Scenario::new("unlock-by-id", Verb::Unlock, "unlock --lease MINE").on(&["mine"]),
    Scenario::new(
        "unlock-force",
        Verb::Unlock,
        "unlock by:one --force --owner ada",
    )
    .on(&["by:one", "path:docs"]),
    Scenario::new(
        "unlock-with-waiter",
        Verb::Unlock,
        "unlock mine --owner ada",
    )
    .on(&["mine"])
    .around(Around::Waiter),
    // The holder's own name does not help.
    Scenario::new("guard-refused", Verb::Refused, "mine -E 7")
        .on(&["mine"])
        .exits(7),
    Scenario::new("unlock-all", Verb::Unlock, "unlock --all")
        .on(OF_EVE)
        .by("eve"),
    Scenario::new("unlock-owner", Verb::Unlock, "unlock --owner eve --force")
        .on(OF_EVE)
        .by("ada"),
    Scenario::new("unlock-all-with-waiter", Verb::Unlock, "unlock --all")
        .on(OF_EVE)
        .by("eve")
        .around(Around::Waiter),
    Scenario::new("unlock-everything", Verb::Unlock, "unlock --all --force")
        .on(&["by:one", "path:docs", "by:two", "mine", "dead", "past"])
        .by("ada"),
    Scenario::new("unlock-stale", Verb::Clear, "unlock --stale").on(OVER),
    Scenario::new("unlock-stale-name", Verb::Clear, "unlock dead --stale").on(&["dead"]),
    Scenario::new("status-prune", Verb::Clear, "status --prune-expired").on(OVER),
    Scenario::new("freeze", Verb::Freeze, "freeze target --ttl 1h --owner ada"),
    Scenario::new(
        "freeze-again",
        Verb::Freeze,
        "freeze frozen --ttl 48h --owner eve",
    )
    .on(&["frozen"]),
    Scenario::new(
        "freeze-link",
        Verb::Freeze,
        "freeze path:link --ttl 1h --owner ada",
    )
    .on(&["path:link", "path:src"]),
    Scenario::new("unfreeze", Verb::Thaw, "unfreeze frozen --owner eve").on(&["frozen"]),
    Scenario::new(
        "unfreeze-force",
        Verb::Thaw,
        "unfreeze frozen --force --owner ada",
    )
    .on(&["frozen"]),
    Scenario::new(
        "unfreeze-with-waiter",
        Verb::Thaw,
        "unfreeze frozen --owner eve",
    )
    .on(&["frozen"])
    .around(Around::Waiter),
    Scenario::new("renew", Verb::Keep, "renew --lease MINE --ttl 1h").on(&["mine"]),
    Scenario::new("check", Verb::Look, "check --lease MINE").on(&["mine"]),
    Scenario::new("exists", Verb::Look, "exists mine").on(&["mine"]),
    Scenario::new("status", Verb::Look, "status").on(&["mine"]),
    Scenario::new("status-name", Verb::Look, "status path:docs/a --json").on(&["mine"]),
    Scenario::new("why", Verb::Look, "why target --owner cyd").on(&["mine"]),
    Scenario::new("why-held", Verb::Look, "why mine by:two --owner cyd")
        .on(&["mine"])
        .exits(2),
    Scenario::new("audit", Verb::Look, "audit").on(&["mine"]),
    Scenario::new("doctor", Verb::Look, "doctor --verify").on(&["mine"]),
    Scenario::new("doctor-repair", Verb::Keep, "doctor --repair").on(&["mine"]),
    Scenario::new("gc", Verb::Keep, "gc --keep 0s").on(&["mine"]),
    Scenario::new("gc-segments", Verb::Keep, "gc --keep 0s")
        .on(&["mine"])
        .furnished(Furniture::Segments),
    Scenario::new("repair-log", Verb::Repair, "doctor --repair")
        .on(&["mine"])
        .furnished(Furniture::DamagedLog),
    Scenario::new("repair-record", Verb::Repair, "doctor --repair")
        .on(&["mine"])
        .furnished(Furniture::DamagedRecords),
    Scenario::new("repair-both", Verb::GiveUp, "doctor --repair")
        .on(&["mine"])
        .furnished(Furniture::DamagedBoth)
        .exits(1),
    Scenario::new("import", Verb::Import, "import lokt")
        .on(lokt::NAMES)
        .furnished(Furniture::OfLokt),
    Scenario::new("version", Verb::Look, "version").on(&["mine"]),
];
