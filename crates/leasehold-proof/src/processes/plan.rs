//! What is to be run: one operation is one start of the program, with what it guards.

use super::names::{Claims, NAMES};
use serde::{Deserialize, Serialize};

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) op: u64,
    pub(super) verb: Verb,
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verb {
    Guard {
        ask: Ask,
        work: Box<Work>,
    },
    Lock {
        ask: Ask,
    },
    Unlock {
        name: usize,
        force: bool,
    },
    UnlockLease {
        lease: String,
    },
    Renew {
        lease: String,
    },
    Check {
        lease: String,
        token: u64,
    },
    Exists {
        name: usize,
    },
    Why {
        claims: Claims,
        lease: Option<String>,
    },
    Freeze {
        name: usize,
        ttl_ms: u64,
    },
    Unfreeze {
        name: usize,
        force: bool,
    },
    UnlockMany {
        whose: Whose,
        force: bool,
    },
    /// `unlock --stale`.
    Sweep {
        name: Option<usize>,
    },
    Status {
        name: Option<usize>,
        prunes: bool,
    },
    /// The guarded command without a guard, under a standing lease.
    Work {
        lease: String,
        token: u64,
        work: Box<Work>,
    },
}

/// Whose leases are given back at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Whose {
    All,
    Owner(String),
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub(super) claims: Claims,
    pub(super) wait_ms: Option<u64>,
    pub(super) ttl_ms: Option<u64>,
    /// The lease it is asked inside of.
    pub(super) lease: Option<String>,
}

/// What a guarded command does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) claims: Claims,
    pub(super) millis: u64,
    pub(super) asks_check: bool,
    pub(super) inner: Option<Plan>,
    pub(super) code: i32,
}

impl Plan {
    /// The command line, without the program. `directory` is where this run keeps its things.
    pub(super) fn words(&self, directory: &std::path::Path) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut say = |line: &[&str]| words.extend(line.iter().map(ToString::to_string));
        match &self.verb {
            Verb::Guard { ask, .. } => {
                say(&["guard", "--stop-grace", "2s"]);
                words.extend(ask.words());
                let file = directory.join(format!("out/{}.json", self.op));
                words.extend(["--json-file".into(), file.display().to_string()]);
                words.extend(["--", "w", super::WITNESS].map(String::from));
                words.push(self.op.to_string());
            }
            Verb::Lock { ask } => {
                say(&["lock", "--json"]);
                words.extend(ask.words());
            }
            Verb::Unlock { name, force } => {
                say(&["unlock", NAMES[*name].text]);
                words.extend(force.then(|| "--force".into()));
            }
            Verb::UnlockLease { lease } => say(&["unlock", "--lease", lease]),
            Verb::Renew { lease } => say(&["renew", "--lease", lease]),
            Verb::Check { lease, token } => {
                say(&["check", "--lease", lease, "--token", &token.to_string()]);
            }
            Verb::Exists { name } => say(&["exists", NAMES[*name].text]),
            Verb::Why { claims, lease } => {
                say(&["why"]);
                words.extend(claims.words());
                words.extend(lease.iter().flat_map(|id| ["--lease".into(), id.clone()]));
            }
            Verb::Freeze { name, ttl_ms } => {
                say(&["freeze", NAMES[*name].text, "--ttl", &format!("{ttl_ms}ms")]);
            }
            Verb::Unfreeze { name, force } => {
                say(&["unfreeze", NAMES[*name].text]);
                words.extend(force.then(|| "--force".into()));
            }
            Verb::UnlockMany { whose, force } => {
                match whose {
                    Whose::All => say(&["unlock", "--all"]),
                    Whose::Owner(owner) => say(&["unlock", "--owner", owner]),
                }
                words.extend(force.then(|| "--force".into()));
            }
            Verb::Sweep { name } => {
                say(&["unlock", "--stale"]);
                words.extend(name.map(|at| NAMES[at].text.into()));
            }
            Verb::Status { name, prunes } => {
                say(&["status"]);
                words.extend(prunes.then(|| "--prune-expired".into()));
                words.extend(name.map(|at| NAMES[at].text.into()));
            }
            Verb::Work { .. } => say(&[super::WITNESS, &self.op.to_string()]),
        }
        words
    }

    /// What the guarded command does, where there is one.
    pub(super) fn work(&self) -> Option<&Work> {
        match &self.verb {
            Verb::Guard { work, .. } | Verb::Work { work, .. } => Some(work),
            _ => None,
        }
    }
}

impl Ask {
    fn words(&self) -> Vec<String> {
        let mut words = self.claims.words();
        if let Some(wait_ms) = self.wait_ms {
            words.extend(["--wait".into(), "--timeout".into(), format!("{wait_ms}ms")]);
        }
        if let Some(ttl_ms) = self.ttl_ms {
            words.extend(["--ttl".into(), format!("{ttl_ms}ms")]);
        }
        if let Some(lease) = &self.lease {
            words.extend(["--lease".into(), lease.clone()]);
        }
        words
    }
}
