//! What a verb works in: the store with its leases, who asks, and where paths are seen from.

use crate::cli::{OwnerArgs, StoreArgs};
use crate::error::CliError;
use crate::names::Base;
use crate::{identity, ui};
use leasehold_core::Identity;
use leasehold_core::limits::Policy;
use leasehold_service::{Coordinator, Leasing};
use leasehold_store_file::discover::{self, By, Environment, Found};
use leasehold_store_file::{FileStore, Options};
use std::env;
use std::path::{Path, PathBuf};

/// What a verb works in.
pub(crate) struct Context {
    pub(crate) leasing: Box<dyn Leasing>,
    pub(crate) base: Base,
}

/// Opens the store, made where there is none, and finds out where paths are seen from.
pub(crate) fn open(args: &StoreArgs) -> Result<Context, CliError> {
    let place = find(args)?;
    let store = FileStore::open(&place.found.root, options())?;
    if store.was_created() && place.found.by != By::Git {
        ui::talk(&format!(
            "note: made a new lease directory at {}",
            place.found.root.display()
        ));
    }
    Ok(place.context(store))
}

/// Opens the store to look at it; nothing where there is none: looking leaves no trace.
pub(crate) fn open_to_look(args: &StoreArgs) -> Result<(Option<Context>, Base), CliError> {
    let place = find(args)?;
    let base = place.base();
    // What is not clearly absent is opened, and said if it cannot be.
    if matches!(place.found.root.try_exists(), Ok(false)) {
        return Ok((None, base));
    }
    let store = FileStore::open(&place.found.root, options())?;
    Ok((Some(place.context(store)), base))
}

fn options() -> Options {
    Options {
        notice: |error| {
            ui::talk(&format!(
                "warning: {error}; going on from the log alone, which is slower and as right"
            ));
        },
        ..Options::default()
    }
}

/// Where the store is, and where paths are seen from.
struct Place {
    directory: PathBuf,
    found: Found,
}

impl Place {
    fn base(&self) -> Base {
        Base {
            directory: self.directory.clone(),
            top: self.found.top.clone(),
        }
    }

    fn context(&self, store: FileStore) -> Context {
        Context {
            leasing: Box::new(Coordinator::new(store, Policy::default())),
            base: self.base(),
        }
    }
}

fn find(args: &StoreArgs) -> Result<Place, CliError> {
    let directory = env::current_dir().map_err(|error| {
        CliError::new(
            leasehold_api::code::Code::Error,
            format!("the current directory: {error}"),
        )
    })?;
    let given = match &args.store {
        Some(url) => Some((url.clone(), "--store")),
        None => from_environment()?.map(|url| (url, "LEASEHOLD_STORE")),
    };
    let given = given
        .map(|(url, source)| directory_of(&url, source))
        .transpose()?
        .flatten();
    let [root, git_dir, git_common_dir, git_work_tree] = [
        "LEASEHOLD_ROOT",
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_WORK_TREE",
    ]
    .map(env::var_os);
    let found = discover::discover(
        &directory,
        &Environment {
            root: given.as_deref().map(Path::as_os_str).or(root.as_deref()),
            git_dir: git_dir.as_deref(),
            git_common_dir: git_common_dir.as_deref(),
            git_work_tree: git_work_tree.as_deref(),
        },
    )?;
    Ok(Place { directory, found })
}

fn from_environment() -> Result<Option<String>, CliError> {
    match env::var("LEASEHOLD_STORE") {
        Ok(url) if url.is_empty() => {
            Err(CliError::usage("LEASEHOLD_STORE is set to nothing").hint("unset it"))
        }
        Ok(url) => Ok(Some(url)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(CliError::usage("LEASEHOLD_STORE is not valid UTF-8"))
        }
    }
}

/// Reads the URL of a store: the directory of a file store, if it names one.
fn directory_of(url: &str, source: &str) -> Result<Option<PathBuf>, CliError> {
    match url.strip_prefix("file:") {
        Some("") => Ok(None),
        Some(path) => Ok(Some(
            Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned(),
        )),
        None => Err(
            CliError::usage(format!("{source} {url:?}: this program has no such store"))
                .hint("write `file:` or `file:DIRECTORY`"),
        ),
    }
}

/// Finds out who asks.
pub(crate) fn who(args: &OwnerArgs) -> Result<Identity, CliError> {
    identity::find(args.owner.as_deref())
}
