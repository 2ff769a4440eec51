//! Names of locks: Lokt's rule, so that what it refused is refused here.

use crate::error::CliError;
use leasehold_api::code::Code;
use leasehold_core::Resource;

/// Checks the name of a lock.
pub(crate) fn check(name: &str) -> Result<&str, CliError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let wrong = if name.is_empty() {
        "it is empty".to_owned()
    } else if !name.chars().all(allowed) {
        "only letters, digits, `.`, `-` and `_` are allowed".to_owned()
    } else if name.contains("..") {
        "`..` is not allowed".to_owned()
    } else if name.len() > Resource::NAME_BYTES_MAX {
        format!("it is longer than {} bytes", Resource::NAME_BYTES_MAX)
    } else {
        return Ok(name);
    };
    let error = CliError::usage(format!("invalid lock name {name:?}: {wrong}"));
    let is_path = name.contains('/') && !name.contains(':');
    let known_there = if is_path {
        format!("path:{name}")
    } else {
        name.into()
    };
    let error = if name.contains(['/', ':']) {
        error.hint(format!(
            "files and other kinds of things are leased by leasehold itself: leasehold guard {} -- \
             COMMAND",
            crate::ui::quoted(&known_there)
        ))
    } else {
        error
    };
    // A general error and no usage error: that is Lokt's code for it.
    Err(CliError {
        code: Code::Error,
        ..error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_that_of_lokt() {
        let longest = "a".repeat(200);
        for name in [
            "build",
            "a.b-c_D9",
            ".",
            ".hidden",
            "-x",
            "freeze-x",
            longest.as_str(),
        ] {
            assert_eq!(check(name).ok(), Some(name));
        }
        let long = "a".repeat(201);
        for name in [
            "",
            "a/b",
            "../a",
            "a..b",
            "a b",
            "ü",
            "path:src",
            "a\n",
            long.as_str(),
        ] {
            let error = check(name).unwrap_err();
            assert_eq!(error.code, Code::Error, "{name:?}");
            assert!(
                error.message.starts_with("invalid lock name"),
                "{}",
                error.message
            );
        }
    }
}
