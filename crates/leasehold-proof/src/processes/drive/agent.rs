//! An agent: who it is, what it does now, and what it has locked.

use crate::processes::history::Who;
use crate::processes::plan::{Plan, Verb};
use crate::processes::planner::Standing;
use rustix::process::Pid;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// What one after the other does.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) who: Who,
    pub(super) planner_at: usize,
    pub(super) standing: Option<Standing>,
    pub(super) busy: Option<Busy>,
}

#[derive(Debug)]
pub(super) struct Busy {
    pub(super) plan: Plan,
    pub(super) pid: Pid,
    pub(super) since: Instant,
}

/// Reads what `lock --json` said.
pub(super) fn locked(directory: &Path, plan: &Plan, code: Option<i32>) -> Option<Standing> {
    let Verb::Lock { ask } = &plan.verb else {
        return None;
    };
    let text = fs::read_to_string(directory.join(format!("out/{}", plan.op))).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    let lease = &value["leases"][0];
    (code == Some(0)).then_some(Standing {
        lease: lease["id"].as_str()?.into(),
        token: lease["token"].as_u64()?,
        claims: ask.claims.clone(),
    })
}

/// Agents of one name, of names of their own, in sessions, and nameless ones.
pub(super) fn identity(at: usize) -> Who {
    let owner = |name: &str| Some(name.to_owned());
    let (owner, session) = match at % 5 {
        0 => (owner("ada"), None),
        1 => (owner(&format!("agent-{at}")), None),
        2 => (None, Some(format!("session-{at}"))),
        3 => (owner("ada"), Some("shared".to_owned())),
        _ => (None, None),
    };
    Who { owner, session }
}

/// Whether an agent clears away what is over: those in sessions of their own do.
pub(super) fn sweeps(at: usize) -> bool {
    is_swept_by(identity(at).session.as_deref())
}

/// Whether it is an agent of that session who clears away, and takes nothing by force.
pub(in crate::processes) fn is_swept_by(session: Option<&str>) -> bool {
    session.is_some_and(|session| session.starts_with("session-"))
}
