//! How workers ended, and what they complained of.

/// How all workers ended.
#[derive(Default)]
pub(crate) struct End {
    /// Who was killed.
    pub(crate) killed: Vec<String>,
    /// Who gave up.
    pub(crate) failed: Vec<String>,
    /// What they said on standard error, but for notes and waiting.
    pub(super) complaints: Vec<String>,
}

impl End {
    /// Returns what workers complained of, each once, errors first.
    pub(crate) fn complaints(&self) -> Vec<&str> {
        let is_error = |line: &str| line.starts_with("error:") || line.starts_with("fatal:");
        let mut lines: Vec<&str> = self.complaints.iter().map(String::as_str).collect();
        lines.sort_by_key(|line| (!is_error(line), *line));
        lines.dedup();
        lines
    }
}
