//! What `doctor` finds.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It works, and something about it is worth knowing.
    Warning,
    /// It does not work, or not as it should.
    Failure,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingInfo {
    /// What was looked at: a word that stays the same.
    pub check: &'static str,
    /// How bad it is.
    pub grade: Grade,
    /// For people: what was found, on one line.
    pub message: String,
    /// For people and agents: what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl FindingInfo {
    /// Something that is as it should be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            grade: Grade::Ok,
            message: message.into(),
            hint: None,
        }
    }

    /// Something worth knowing, and what to do.
    pub fn warning(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            grade: Grade::Warning,
            hint: Some(hint.into()),
            ..Self::ok(check, message)
        }
    }

    /// Something that does not work, and what to do.
    pub fn failure(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            grade: Grade::Failure,
            ..Self::warning(check, message, hint)
        }
    }
}
