//! Who asks (law L16): an owner to show, and the agent behind it as far as it is known.

use crate::error::CliError;
use crate::harness;
use leasehold_core::Identity;
use leasehold_core::limits::TEXT_BYTES_MAX;
use std::env;

/// Set by `guard` beside LEASEHOLD_OWNER where that name was not set on purpose, so that the command
/// inside does not take it for one that was: strangers under one user stay strangers.
pub(crate) const NAMELESS: &str = "LEASEHOLD_NAMELESS";

/// Finds out who asks.
pub(crate) fn find(owner: Option<&str>) -> Result<Identity, CliError> {
    let harness = harness::session()?;
    let session = match text("LEASEHOLD_SESSION")? {
        Some(session) => Some(session),
        None => harness.as_ref().map(|(_, session)| session.clone()),
    };
    let (name, explicit) = match owner {
        Some(owner) => (checked("--owner", owner)?.to_owned(), true),
        None => match text("LEASEHOLD_OWNER")? {
            Some(owner) => {
                let explicit = text(NAMELESS)?.as_deref() != Some(&owner);
                (owner, explicit)
            }
            None => (
                harness.map_or_else(user, |(name, id)| short(name, &id)),
                false,
            ),
        },
    };
    let host = host();
    let who = if explicit {
        Identity::named(&name, &host)
    } else {
        Identity::nameless(&name, &host)
    };
    Ok(match session {
        Some(session) => who.in_session(&session),
        None => who,
    })
}

/// Reads a variable that names somebody.
pub(crate) fn text(variable: &'static str) -> Result<Option<String>, CliError> {
    match env::var(variable) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(checked(variable, &value)?.to_owned())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(CliError::usage(format!("{variable} is not valid UTF-8")))
        }
    }
}

/// Checks a name that was given to a flag or variable.
pub(crate) fn checked<'a>(source: &str, value: &'a str) -> Result<&'a str, CliError> {
    let wrong = if value.is_empty() {
        "is empty".to_owned()
    } else if value.len() > TEXT_BYTES_MAX {
        format!("is longer than {TEXT_BYTES_MAX} bytes")
    } else if value.chars().any(char::is_control) {
        "has a control character in it".to_owned()
    } else {
        return Ok(value);
    };
    Err(CliError::usage(format!("{source} {wrong}: {value:?}")))
}

/// A name from the first characters of a session id, enough to tell agents apart by eye.
fn short(harness: &str, session: &str) -> String {
    let id: String = session
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    format!("{harness}-{id}")
}

/// The operating system's user. Read from the password file and not from USER, which `sudo` and
/// containers leave wrong or unset.
fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    let usable = |name: &String| !name.is_empty() && !name.chars().any(char::is_control);
    entry
        .or_else(|| env::var("USER").ok())
        .filter(usable)
        .unwrap_or_else(|| format!("uid-{uid}"))
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    let clean: String = host.chars().filter(|c| !c.is_control()).take(64).collect();
    if clean.is_empty() {
        "localhost".into()
    } else {
        clean
    }
}
