//! The one error of the command line: a code, a message, and what to do next.

use leasehold_api::code::Code;
use leasehold_service::ServiceError;
use leasehold_store::StoreError;

/// Why a verb was not carried out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CliError {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
}

impl CliError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// A command line that makes no sense. It is repeated as it was typed, which may be of any length.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, middle_cut(message.into()))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.hints.push(match self.code {
            Code::Usage => middle_cut(hint),
            _ => hint,
        });
        self
    }
}

/// How many bytes a message about a command line has at most: any two values within their limits fit.
const USAGE_BYTES_MAX: usize = 4 * 1024;

/// Cuts a long message in its middle: it begins with what it is about, and ends with what is wrong.
fn middle_cut(text: String) -> String {
    if text.len() <= USAGE_BYTES_MAX {
        return text;
    }
    let half = USAGE_BYTES_MAX / 2;
    let head = &text[..text.floor_char_boundary(half)];
    let tail = &text[text.ceil_char_boundary(text.len() - half)..];
    format!("{head} … {tail}")
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let hint = match error {
            // Which verb of this program knows more is not the store's to say.
            StoreError::Damaged { .. } => {
                Some("see what is wrong and what can be mended: leasehold doctor")
            }
            _ => error.hint(),
        };
        let error = Self::new(Code::Error, error.to_string());
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<ServiceError> for CliError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Store(error) => error.into(),
            ServiceError::Unknown => Self::new(Code::Unknown, error.to_string())
                .hint("run `leasehold status` to see what holds now"),
            other => Self::new(Code::Error, other.to_string()).hint("try again"),
        }
    }
}
