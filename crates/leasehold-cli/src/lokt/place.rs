//! Where a command of Lokt's works, and as whom: its variables, and the root of Lokt's own.

use super::{files, reply};
use crate::cli::StoreArgs;
use crate::context;
use crate::error::CliError;
use crate::identity;
use crate::ui;
use leasehold_api::code::Code;
use std::env;
use std::path::{Path, PathBuf};

const ROOT: &str = "LOKT_ROOT";
const OWNER: &str = "LOKT_OWNER";
const AGENT: &str = "LOKT_AGENT_ID";
const NO_SWEEP: &str = "LOKT_NO_SWEEP";
/// The name of leasehold's directory in what LOKT_ROOT names.
const OWN: &str = "leasehold";

/// Reads who asks, finds the store, and refuses where Lokt's own files still hold locks.
pub(super) fn enter() -> Result<StoreArgs, CliError> {
    take_identity()?;
    let root = root_of_lokt()?;
    let live = files::live(&root)?;
    if live.is_empty() {
        return store();
    }
    let import = format!("{} import", reply::program());
    let (text, hint) = told(&root, &live, &import);
    Err(CliError::new(Code::Error, text).hint(hint))
}

/// Warns a verb of leasehold's of what Lokt's own files still hold. Where that cannot be told `doctor` says so.
pub(crate) fn warn() {
    let live = root_of_lokt().and_then(|root| Ok((files::live(&root)?, root)));
    let Some((live, root)) = live.ok().filter(|(live, _)| !live.is_empty()) else {
        return;
    };
    let (text, hint) = told(&root, &live, "leasehold import lokt");
    ui::talk(&format!("warning: {text}"));
    ui::talk(&format!("hint: {hint}"));
}

/// Names the locks in a root of Lokt's own, and says by which command they become leases.
fn told(root: &Path, live: &[String], import: &str) -> (String, String) {
    let (number, are) = match live.len() {
        1 => ("a lock".to_owned(), "it is"),
        number => (format!("{number} locks"), "they are"),
    };
    let shown: Vec<&str> = live.iter().map(String::as_str).take(SHOWN_MAX).collect();
    let more = if live.len() > SHOWN_MAX { ", …" } else { "" };
    let text = format!(
        "{number} of Lokt's own in {}: {}{more}",
        root.display(),
        shown.join(", ")
    );
    let hint = format!("{are} not seen here: make leases of everything there once, by: {import}");
    (text, hint)
}

/// How many of Lokt's locks a refusal names.
const SHOWN_MAX: usize = 5;

/// Makes Lokt's variables those that every verb reads.
pub(super) fn take_identity() -> Result<(), CliError> {
    if let Some(owner) = text(OWNER)? {
        set("LEASEHOLD_OWNER", Some(&owner));
        // It was set on purpose, whatever `guard` says of a name around this.
        set(identity::NAMELESS, None);
    }
    if let Some(agent) = text(AGENT)? {
        set("LEASEHOLD_SESSION", Some(&agent));
    }
    Ok(())
}

/// Names Lokt's variables in advice of leasehold's, which reads those of its own.
pub(super) fn in_words_of_lokt(advice: &str) -> String {
    advice
        .replace("LEASEHOLD_SESSION", AGENT)
        .replace("LEASEHOLD_OWNER", OWNER)
}

fn text(variable: &'static str) -> Result<Option<String>, CliError> {
    match env::var(variable) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(identity::checked(variable, &value)?.to_owned())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(CliError::usage(format!("{variable} is not valid UTF-8")))
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the standard library has no other way to change what this process and its command read"
)]
fn set(variable: &str, value: Option<&str>) {
    // SAFETY: called first of all, when this process has one thread.
    unsafe {
        match value {
            Some(value) => env::set_var(variable, value),
            None => env::remove_var(variable),
        }
    }
}

/// Returns where leases are remembered: in a directory of its own in what LOKT_ROOT names, beside Lokt's
/// files if there are any, else where every verb looks.
pub(crate) fn store() -> Result<StoreArgs, CliError> {
    let Some(named) = named_root()? else {
        return Ok(StoreArgs { store: None });
    };
    // The name of what was Lokt's default: those who set it and those who do not meet.
    let default = context::git_directory()?.map(|git| git.join(files::IN_GIT));
    if default.is_some_and(|default| is_same(&default, &named)) {
        return Ok(StoreArgs { store: None });
    }
    let path = named.join(OWN);
    let path = path
        .to_str()
        .ok_or_else(|| CliError::usage(format!("{ROOT} is not valid UTF-8")))?;
    Ok(StoreArgs {
        store: Some(format!("file:{path}")),
    })
}

/// Returns the root that Lokt itself has or would have here.
pub(crate) fn root_of_lokt() -> Result<PathBuf, CliError> {
    if let Some(named) = named_root()? {
        return Ok(named);
    }
    match context::git_directory()? {
        Some(git) => Ok(git.join(files::IN_GIT)),
        None => Ok(context::current_directory()?.join(files::OUTSIDE_GIT)),
    }
}

fn named_root() -> Result<Option<PathBuf>, CliError> {
    let named = env::var_os(ROOT).filter(|path| !path.is_empty());
    named
        .map(|path| Ok(context::current_directory()?.join(path)))
        .transpose()
}

fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Returns whether what is over is to be shown, as Lokt did where it was told to leave it there.
pub(super) fn shows_what_is_over() -> bool {
    env::var_os(NO_SWEEP).is_some_and(|value| !value.is_empty())
}
