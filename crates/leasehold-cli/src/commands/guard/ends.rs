//! What became of a guarded command, or why it did not start.

use super::VERB;
use crate::error::CliError;
use crate::process::{Ended, SpawnError, Status};
use crate::{answer, message};
use leasehold_api::code::Code;
use leasehold_api::lease::LeaseInfo;
use leasehold_api::outcome::{CommandEnd, Outcome};
use leasehold_core::Lease;
use leasehold_service::Clock;
use std::sync::Arc;

/// Why a command did not start.
pub(super) enum NotStarted {
    /// It is said in this.
    Outcome(Box<Outcome>),
    Error(CliError),
}

impl From<CliError> for NotStarted {
    fn from(error: CliError) -> Self {
        Self::Error(error)
    }
}

impl From<SpawnError> for NotStarted {
    fn from(error: SpawnError) -> Self {
        let reason = std::error::Error::source(&error)
            .map_or_else(String::new, |reason| format!(": {reason}"));
        let text = format!("failed to {error}{reason}");
        let hint = match &error {
            SpawnError::NotFound { program } => message::not_found(program),
            _ => None,
        };
        Self::Outcome(Box::new(Outcome {
            exit: error.exit_code(),
            hints: hint.into_iter().collect(),
            ..answer::outcome(VERB, Code::Error, text)
        }))
    }
}

impl NotStarted {
    pub(super) fn outcome(self) -> Result<Outcome, CliError> {
        match self {
            Self::Outcome(outcome) => Ok(*outcome),
            Self::Error(error) => Err(error),
        }
    }
}

/// The outcome of a command that ran: its own exit code, unless a lease that it ran under was lost.
pub(super) fn finished(
    ended: Ended,
    lost: Option<&Lease>,
    leases: &[Arc<Lease>],
    clock: &Clock,
) -> Outcome {
    let mut outcome = if let Some(lost) = lost {
        let what = message::resources(&lost.claims);
        let text = format!("the lease on {what} was lost while the command ran");
        let stopped = if ended.lost {
            "the command was stopped"
        } else {
            "the command had ended"
        };
        Outcome {
            hints: vec![format!(
                "{stopped}; check what it did, others may have run meanwhile"
            )],
            ..answer::outcome(VERB, Code::Lost, text)
        }
    } else {
        Outcome {
            exit: ended.status.code(),
            ..answer::outcome(VERB, Code::Ok, "the command ran")
        }
    };
    outcome.leases = leases
        .iter()
        .map(|lease| LeaseInfo::new(lease, None, clock))
        .collect();
    outcome.command = Some(match ended.status {
        Status::Exited(code) => CommandEnd {
            exit: Some(code),
            signal: None,
        },
        Status::Signaled(number) => CommandEnd {
            exit: None,
            signal: u8::try_from(number).ok(),
        },
    });
    outcome
}
