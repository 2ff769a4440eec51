//! What a verb works in: the store with its leases, who asks, and where paths are seen from.

use crate::cli::{OwnerArgs, StoreArgs};
use crate::error::CliError;
use crate::names::Base;
use crate::{identity, ui};
use leasehold_core::Identity;
use leasehold_core::limits::Policy;
use leasehold_service::{Coordinator, Leasing};
use leasehold_store_file::discover::{self, By, Environment};
use leasehold_store_file::{FileStore, Options};
use std::env;
use std::path::{Path, PathBuf};

/// What a verb works in.
pub(crate) struct Context {
    pub(crate) leasing: Box<dyn Leasing>,
    pub(crate) base: Base,
}

/// Opens the store and finds out where paths are seen from.
pub(crate) fn open(args: &StoreArgs) -> Result<Context, CliError> {
    let directory = env::current_dir().map_err(|error| {
        CliError::new(leasehold_api::code::Code::Error, format!("the current directory: {error}"))
    })?;
    let given = match &args.store {
        Some(url) => Some((url.clone(), "--store")),
        None => env::var("LEASEHOLD_STORE").ok().filter(|url| !url.is_empty()).map(|url| (url, "LEASEHOLD_STORE")),
    };
    let given = given.map(|(url, source)| directory_of(&url, source)).transpose()?.flatten();
    let [root, git_dir, git_common_dir, git_work_tree] =
        ["LEASEHOLD_ROOT", "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE"].map(env::var_os);
    let found = discover::discover(
        &directory,
        &Environment {
            root: given.as_deref().map(Path::as_os_str).or(root.as_deref()),
            git_dir: git_dir.as_deref(),
            git_common_dir: git_common_dir.as_deref(),
            git_work_tree: git_work_tree.as_deref(),
        },
    )?;
    let store = FileStore::open(&found.root, Options::default())?;
    if store.was_created() && found.by != By::Git {
        ui::talk(&format!("note: made a new lease directory at {}", found.root.display()));
    }
    let leasing = Box::new(Coordinator::new(store, Policy::default()));
    Ok(Context { leasing, base: Base { directory, top: found.top } })
}

/// Reads the URL of a store: the directory of a file store, if it names one.
fn directory_of(url: &str, source: &str) -> Result<Option<PathBuf>, CliError> {
    match url.strip_prefix("file:") {
        Some("") => Ok(None),
        Some(path) => Ok(Some(Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned())),
        None => Err(CliError::usage(format!("{source} {url:?}: this program has no such store"))
            .hint("write `file:` or `file:DIRECTORY`")),
    }
}

/// Finds out who asks.
pub(crate) fn who(args: &OwnerArgs) -> Result<Identity, CliError> {
    identity::find(args.owner.as_deref())
}
