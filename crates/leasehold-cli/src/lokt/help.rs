//! What Lokt's commands and flags are.

/// A command, and the ways to write it.
const USAGE: [(&str, &[&str]); 14] = [
    (
        "guard",
        &["lokt guard <name> [--ttl <duration>] [--wait [--timeout <duration>]] -- <command...>"],
    ),
    (
        "lock",
        &["lokt lock <name> [--ttl <duration>] [--wait [--timeout <duration>]] [--json]"],
    ),
    (
        "unlock",
        &[
            "lokt unlock <name> [--force | --break-stale]",
            "lokt unlock --owner <owner> [--force] [--json]",
            "lokt unlock --all [--force] [--json]",
        ],
    ),
    (
        "status",
        &["lokt status [<name>] [--json] [--prune-expired]"],
    ),
    ("exists", &["lokt exists <name>"]),
    ("why", &["lokt why <name> [--json]"]),
    ("freeze", &["lokt freeze <name> --ttl <duration>"]),
    ("unfreeze", &["lokt unfreeze <name> [--force]"]),
    (
        "audit",
        &[
            "lokt audit --since <duration|timestamp> [--name <lock>]",
            "lokt audit --tail [--name <lock>]",
        ],
    ),
    ("doctor", &["lokt doctor [--json]"]),
    ("prime", &["lokt prime [--format <name>]"]),
    ("demo", &["lokt demo [hexwall | trunk]"]),
    ("import", &["lokt import"]),
    ("version", &["lokt version"]),
];

const ABOUT: [(&str, &str); 14] = [
    ("guard", "Run a command while holding a lock"),
    ("lock", "Take a lock by hand"),
    ("unlock", "Give it back"),
    ("status", "Show what is held and frozen"),
    ("exists", "Tell by the exit code whether a lock is held"),
    ("why", "Explain why a lock cannot be had, and what to do"),
    ("freeze", "Refuse every new lock of a name for a while"),
    ("unfreeze", "End a freeze before its time"),
    ("audit", "Show what happened, as JSON lines"),
    ("doctor", "Check the setup"),
    ("prime", "Print what agents should know"),
    ("demo", "See agents collide, and not"),
    ("import", "Take over the locks of Lokt's own files, once"),
    ("version", "Print the version"),
];

/// The lines that say how to write a command.
pub(super) fn usage(command: &str) -> Option<Vec<String>> {
    let (_, ways) = USAGE.iter().find(|(name, _)| *name == command)?;
    let lines = ways.iter().enumerate().map(|(number, way)| {
        let head = if number == 0 { "usage:" } else { "      " };
        format!("{head} {way}")
    });
    Some(lines.collect())
}

/// Prints all of it.
pub(super) fn all() {
    crate::lokt::say("lokt - locks for agents that share a repository (by leasehold)");
    crate::lokt::say("");
    crate::lokt::say("Usage: lokt <command> [options] [args]");
    crate::lokt::say("");
    crate::lokt::say("Commands:");
    for (name, about) in ABOUT {
        crate::lokt::say(&format!("  {name:<9} {about}"));
        for line in usage(name).unwrap_or_default() {
            crate::lokt::say(&format!("              {}", &line["usage: ".len()..]));
        }
    }
    crate::lokt::say("");
    crate::lokt::say("Flags may stand before or after names. Durations: 90s, 5m, 1h30m, 500ms.");
    crate::lokt::say("");
    crate::lokt::say("Exit codes:");
    for line in [
        "  0   Success (guard: the command's own code)",
        "  1   General error",
        "  2   Lock held by another owner, or frozen, or the wait timed out",
        "  3   Lock not found",
        "  4   Not lock owner",
        "  64  Wrong usage",
    ] {
        crate::lokt::say(line);
    }
}
