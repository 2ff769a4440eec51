//! The layers by name.

use crate::{Budget, Outcome, damage, fuzz, model, planted, processes, simulation, sweep};

/// One way of trying to break the laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Every interleaving of small programs.
    Model,
    /// Long random runs over a simulated store.
    Simulation,
    /// Real binaries under a nemesis.
    Processes,
    /// A fault at every system call.
    Sweep,
    /// Damage at every byte.
    Damage,
    /// Generated input for every parser.
    Fuzz,
    /// The other layers against bugs on purpose.
    Planted,
}

impl Layer {
    /// All of them, from the fastest to the slowest.
    pub const ALL: [Self; 7] = [
        Self::Fuzz,
        Self::Damage,
        Self::Simulation,
        Self::Model,
        Self::Sweep,
        Self::Processes,
        Self::Planted,
    ];

    /// The word for it on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Simulation => "simulation",
            Self::Processes => "processes",
            Self::Sweep => "sweep",
            Self::Damage => "damage",
            Self::Fuzz => "fuzz",
            Self::Planted => "planted",
        }
    }

    /// The layer of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// Runs it.
    #[must_use]
    pub fn run(self, budget: &Budget) -> Outcome {
        match self {
            Self::Model => model::run(budget),
            Self::Simulation => simulation::run(budget),
            Self::Processes => processes::run(budget),
            Self::Sweep => sweep::run(budget),
            Self::Damage => damage::run(budget),
            Self::Fuzz => fuzz::run(budget),
            Self::Planted => planted::run(budget),
        }
    }
}
