//! What a layer found.

/// The sum of a layer's run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What was done: steps, states, commands, inputs. Each layer says in its documentation which.
    pub operations: u64,
    /// Kills, stops, failed calls, cut files, damaged bytes.
    pub faults: u64,
    /// What must not be. Empty in a good run.
    pub violations: Vec<Violation>,
    /// What this machine did not allow to be tried, and why.
    pub skipped: Vec<String>,
    /// Other counts worth a line in the report.
    pub notes: Vec<String>,
}

impl Outcome {
    /// Adds what another part of the same layer found.
    pub fn merge(&mut self, other: Self) {
        self.operations += other.operations;
        self.faults += other.faults;
        self.violations.extend(other.violations);
        self.skipped.extend(other.skipped);
        self.notes.extend(other.notes);
    }
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Which promise, by whom, with the shortest history that shows it.
    pub what: String,
    /// The command that shows it again.
    pub repeat: String,
}
