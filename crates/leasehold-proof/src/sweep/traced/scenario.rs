//! The verbs that are swept, each in the surroundings that make it do different things.

mod all;

use super::stage;
use super::template::{Furniture, Template};
pub(super) use all::ALL;

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
    /// Asks for what it does not get.
    Refused,
    /// Takes leases away, each by a commit of its own, in the order of their tokens.
    Unlock,
    /// Takes away what is over, by one commit.
    Clear,
    /// Freezes, each target by a commit of its own.
    Freeze,
    /// Ends a freeze.
    Thaw,
    /// Changes nothing about who holds what.
    Keep,
    /// Mends what is stored, and changes nothing about who holds what.
    Repair,
    /// Leaves alone what cannot be mended, and lets nobody in.
    GiveUp,
    /// Takes over what Lokt holds.
    Import,
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
    /// A command whose guard was killed has the target, past its TTL, until the verb has ended.
    Orphan,
    /// Somebody waits for the target before the verb begins.
    Waiter,
    /// Somebody waits for the target once the verb has it.
    LateWaiter,
    /// Somebody takes the target away once the command of the verb runs.
    Robber,
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
    /// Its exit code where nothing goes wrong.
    pub(super) code: i32,
    /// Who it is by the environment, if not by the command line.
    pub(super) owner: Option<&'static str>,
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
            code: 0,
            owner: None,
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

    const fn exits(self, code: i32) -> Self {
        Self { code, ..self }
    }

    const fn by(self, owner: &'static str) -> Self {
        let owner = Some(owner);
        Self { owner, ..self }
    }

    /// Returns whether it is a guard with a command.
    pub(super) const fn has_command(&self) -> bool {
        matches!(self.verb, Verb::Guard | Verb::Join | Verb::Refused)
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
            _ if !self.ends_after.is_empty() || matches!(self.around, Around::Robber) => 16,
            Verb::Guard | Verb::Lock | Verb::Unlock => 1,
            Verb::Clear | Verb::Freeze | Verb::Thaw => 2,
            Verb::TimeOut => 3,
            Verb::Keep | Verb::Join | Verb::Refused => 4,
            // They make many calls.
            Verb::Import => 6,
            Verb::Repair => 12,
            Verb::Look => 10,
            Verb::GiveUp => 30,
        }
    }

    /// Returns the scenario of a name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|scenario| scenario.name == name)
    }
}
