//! What `demo` showed.

use serde::Serialize;

/// Whether what the workers made together is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is missing, nothing twice, nothing mixed up.
    Clean,
    /// Something is.
    Broken,
}

/// What became of a demonstration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DemoInfo {
    /// Whether the workers worked under leases.
    pub leases: bool,
    /// What there is to say of what they left.
    pub verdict: Verdict,
    /// How long the workers took, from the start of the first to the end of the last.
    pub elapsed_ms: u64,
    /// How many workers were killed.
    pub workers_killed: usize,
    /// How many turns of workers were cut short and taken again.
    pub turns_killed: usize,
    /// Where what they made is kept, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// What they made.
    #[serde(flatten)]
    pub scene: SceneInfo,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "scene", rename_all = "snake_case")]
pub enum SceneInfo {
    /// A wall that all workers lay bricks on.
    Hexwall(HexwallInfo),
    /// A repository that all agents push to from one clone.
    Trunk(TrunkInfo),
}

/// A wall.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HexwallInfo {
    /// Its rows.
    pub rows: usize,
    /// Its columns.
    pub cols: usize,
    /// How many bricks each worker laid.
    pub bricks: Vec<usize>,
    /// How many bricks were laid in a second.
    pub handoffs_per_second: u64,
    /// How many turns went to a worker while another one had waited for longer; absent without leases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overtaken: Option<usize>,
    /// How many places have no brick.
    pub empty: usize,
    /// How many places have a brick that does not belong there.
    pub wrong: usize,
    /// How many places were laid on more than once.
    pub doubled: usize,
    /// How many bricks were laid and are not there.
    pub lost: usize,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrunkInfo {
    /// How many agents worked in the clone.
    pub agents: usize,
    /// How many changes each was to make.
    pub cycles: usize,
    /// How many of all changes are there, once and whole, in the remote repository.
    pub landed: usize,
    /// What agents were refused or saw break on the way: what it was, and how many times.
    pub failures: std::collections::BTreeMap<String, usize>,
    /// What is wrong with the remote repository.
    pub faults: Vec<String>,
}
