//! What `prime` tells an agent besides what is held: who it is, and what is guarded in this repository.

use crate::lease::Party;
use serde::Serialize;

/// Who asks, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityInfo {
    /// The name, the host and the session.
    #[serde(flatten)]
    pub who: Party,
    /// Whether nothing tells this agent from others of its user: each of its requests is a stranger.
    pub nameless: bool,
    /// The first digits of the lease that this runs inside of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// How long `--wait` alone waits.
    pub wait_ms: u64,
}

/// Something that scripts of the repository guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperationInfo {
    /// What it takes, as the script has it.
    pub names: Vec<String>,
    /// What to run, from the top of the repository.
    pub run: String,
    /// The command that the script guards, and that nobody should run without it. Absent where the script
    /// guards whatever it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// The file that it stands in.
    pub file: String,
}

/// A command that may be worth guarding, where scripts guard nothing yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuggestionInfo {
    /// The command with its guard.
    pub run: String,
    /// What in the repository speaks for it.
    pub because: String,
}
