//! The verbs that are swept, each in the surroundings that make it do different things.

use super::stage::{self, Furniture, Template};

/// What is expected of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Runs a command under a lease that ends with it.
    Guard,
    /// Runs a command inside of somebody's lease.
    Join,
    /// Leaves a lease behind.
    Lock,
    /// Waits for what it does not get.
    TimeOut,
    /// Takes a lease away.
    Unlock,
    /// Changes nothing about who holds what.
    Keep,
    /// Changes nothing at all.
    Look,
}

/// Who else is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    Nobody,
    /// Somebody holds the target until the verb waits.
    Holder,
    /// Somebody holds the target until the verb has ended.
    Keeper,
    /// Somebody waits for the target before the verb begins.
    Waiter,
    /// Somebody waits for the target once the verb has it.
    LateWaiter,
}

/// One verb in its surroundings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) verb: Verb,
    /// The words of the command line; `MINE` stands for the lease on `mine`.
    line: &'static str,
    /// What it is about.
    pub(super) targets: &'static [&'static str],
    pub(super) around: Around,
    pub(super) furniture: Furniture,
    /// What must be in the log before its command may end.
    pub(super) ends_after: &'static str,
}

impl Scenario {
    const fn new(name: &'static str, verb: Verb, line: &'static str) -> Self {
        Self {
            name,
            verb,
            line,
            targets: &["target"],
            around: Around::Nobody,
            furniture: Furniture::Full,
            ends_after: "",
        }
    }

    const fn on(self, targets: &'static [&'static str]) -> Self {
        Self { targets, ..self }
    }

    const fn around(self, around: Around) -> Self {
        Self { around, ..self }
    }

    const fn furnished(self, furniture: Furniture) -> Self {
        Self { furniture, ..self }
    }

    const fn ends_after(self, ends_after: &'static str) -> Self {
        Self { ends_after, ..self }
    }

    /// Returns whether it starts a command.
    pub(super) const fn has_command(&self) -> bool {
        matches!(self.verb, Verb::Guard | Verb::Join)
    }

    /// Returns the exit code where nothing goes wrong.
    pub(super) const fn code(&self) -> i32 {
        match self.verb {
            Verb::TimeOut => 2,
            _ => 0,
        }
    }

    /// Returns the words to run it with; its command goes through a gate.
    pub(super) fn words(&self, template: &Template, gate: &str) -> Vec<String> {
        let line = self.line.replace("MINE", &template.mine);
        if self.has_command() {
            stage::guard("ada", &line, gate)
        } else {
            stage::words(&line)
        }
    }

    /// Returns of how many faults the short run tries one: of those that change who holds what each.
    pub(super) const fn every(&self) -> u64 {
        match self.verb {
            _ if !self.ends_after.is_empty() => 16,
            Verb::Guard | Verb::Lock | Verb::Unlock => 1,
            Verb::TimeOut => 3,
            Verb::Keep | Verb::Join => 4,
            Verb::Look => 10,
        }
    }

    /// Returns the scenario of a name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|scenario| scenario.name == name)
    }
}

/// All of them.
pub(super) const ALL: &[Scenario] = &[
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
    Scenario::new("guard-after-dead", Verb::Guard, "dead").on(&["dead"]),
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
    .around(Around::Keeper),
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
    Scenario::new("renew", Verb::Keep, "renew --lease MINE --ttl 1h").on(&["mine"]),
    Scenario::new("check", Verb::Look, "check --lease MINE").on(&["mine"]),
    Scenario::new("exists", Verb::Look, "exists mine").on(&["mine"]),
    Scenario::new("status", Verb::Look, "status").on(&["mine"]),
    Scenario::new("status-name", Verb::Look, "status path:docs/a --json").on(&["mine"]),
    Scenario::new("version", Verb::Look, "version").on(&["mine"]),
];
