//! The agent harnesses that run programs for coding agents, as far as their environment tells.
//!
//! Each sets variables for the programs that it runs: one that says that it is there, and most one with
//! the id of the agent's session (their documentation, and the public crates `ai_env` and
//! `is-ai-agent`, which collect them).

use crate::error::CliError;
use crate::identity;
use std::env;

/// One kind of harness.
struct Harness {
    /// What its agents are called after.
    name: &'static str,
    /// Where it puts the id of a session.
    session: Option<&'static str>,
    /// What else tells that it is there.
    marks: &'static [&'static str],
}

const HARNESSES: [Harness; 7] = [
    Harness {
        name: "claude",
        session: Some("CLAUDE_CODE_SESSION_ID"),
        marks: &["CLAUDECODE"],
    },
    Harness {
        name: "codex",
        session: Some("CODEX_THREAD_ID"),
        marks: &["CODEX_SANDBOX", "CODEX_CI"],
    },
    Harness {
        name: "gemini",
        session: Some("GEMINI_SESSION_ID"),
        marks: &["GEMINI_CLI"],
    },
    Harness {
        name: "cursor",
        session: Some("CURSOR_TRACE_ID"),
        marks: &["CURSOR_AGENT"],
    },
    Harness {
        name: "opencode",
        session: None,
        marks: &["OPENCODE"],
    },
    Harness {
        name: "copilot",
        session: None,
        marks: &["COPILOT_CLI"],
    },
    // Proposed for all of them: its value is a name.
    Harness {
        name: "agent",
        session: None,
        marks: &["AI_AGENT"],
    },
];

/// Returns the id of the agent's session, and after which harness the agent is called.
pub(crate) fn session() -> Result<Option<(&'static str, String)>, CliError> {
    for harness in &HARNESSES {
        let session = harness.session.map(identity::text).transpose()?.flatten();
        if let Some(session) = session {
            return Ok(Some((harness.name, session)));
        }
    }
    Ok(None)
}

/// Returns whether an agent runs this. Its calls of programs are cut off after some minutes.
pub(crate) fn is_there() -> bool {
    let is_set = |variable: &&str| env::var_os(variable).is_some_and(|value| !value.is_empty());
    let mut variables = HARNESSES
        .iter()
        .flat_map(|harness| harness.session.iter().chain(harness.marks));
    variables.any(is_set)
}
