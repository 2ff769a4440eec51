//! What a verb works in: the store with its leases, who asks, and where paths are seen from.

use crate::cli::{OwnerArgs, StoreArgs};
use crate::error::CliError;
use crate::names::Base;
use crate::{identity, lokt, ui};
use leasehold_api::code::Code;
use leasehold_api::lease::LeaseInfo;
use leasehold_core::Identity;
use leasehold_core::limits::Policy;
use leasehold_core::view::Key;
use leasehold_service::{Coordinator, Leasing};
use leasehold_store::StoreError;
use leasehold_store_file::discover::{self, By, Environment, Found};
use leasehold_store_file::{FileStore, Options};
use rustix::fs::Access;
use rustix::io::Errno;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What a verb works in.
pub(crate) struct Context {
    pub(crate) leasing: Box<dyn Leasing>,
    pub(crate) base: Base,
    /// The variables that lead a guarded command to the same store, where it was named and not found.
    /// The command cannot know of a flag, and may go elsewhere; none to take one away.
    pub(crate) variables: Vec<(&'static str, Option<OsString>)>,
}

/// Opens the store, made where there is none, and finds out where paths are seen from.
pub(crate) fn open(args: &StoreArgs) -> Result<Context, CliError> {
    let place = find(args)?;
    let (context, is_new) = make(&place)?;
    if is_new {
        place.warn_of_lokt();
    }
    Ok(context)
}

/// The same for whoever takes over what Lokt holds, and needs no warning of it.
pub(crate) fn open_to_import(args: &StoreArgs) -> Result<Context, CliError> {
    Ok(make(&find(args)?)?.0)
}

/// Opens the store of a place, and tells whether there was none.
fn make(place: &Place) -> Result<(Context, bool), CliError> {
    let store = FileStore::open(&place.found.root, options());
    let store = store.map_err(|error| place.named(error))?;
    let is_new = store.was_created();
    match place.found.by {
        _ if !is_new => {}
        By::Git => place.warn_of_leftovers(),
        _ => ui::talk(&format!(
            "note: made a new lease directory at {}",
            place.found.root.display()
        )),
    }
    Ok((place.context(store), is_new))
}

/// Opens the store to look at it; nothing where there is none: looking leaves no trace.
pub(crate) fn open_to_look(args: &StoreArgs) -> Result<(Option<Context>, Place), CliError> {
    let place = find(args)?;
    Ok((place.open_existing()?, place))
}

/// Returns how many leases are held in a lease directory, if it is one that can be read.
fn held_in(root: &Path) -> Option<usize> {
    let store = FileStore::open_existing(root, options()).ok()??;
    let leasing = Coordinator::new(store, Policy::default());
    let answer = leasing.look(&[Key::All]).ok()?;
    let (view, clock) = (&answer.value, &answer.clock);
    let is_over = |lease| LeaseInfo::new(lease, Some(view), clock).state.is_over();
    Some(view.leases().filter(|lease| !is_over(lease)).count())
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
pub(crate) struct Place {
    directory: PathBuf,
    pub(crate) found: Found,
    /// The flag or variable that named the directory, if one did.
    pub(crate) source: Option<&'static str>,
    /// Whether `--store` was given.
    has_flag: bool,
}

impl Place {
    /// Opens the store there, if there is one.
    pub(crate) fn open_existing(&self) -> Result<Option<Context>, CliError> {
        let store = FileStore::open_existing(&self.found.root, options());
        let store = store.map_err(|error| self.named(error))?;
        Ok(store.map(|store| self.context(store)))
    }

    pub(crate) fn base(&self) -> Base {
        let Found {
            top,
            common,
            around,
            ..
        } = &self.found;
        Base::new(self.directory.clone(), top.clone(), common.clone()).naming_from(around.clone())
    }

    /// Says that there is nothing where something was named, for those who found nothing there to look at.
    pub(crate) fn absent(&self) -> Vec<String> {
        let root = self.found.root.display();
        let text = self
            .source
            .map(|_| format!("there is no lease directory at {root}"));
        text.into_iter().collect()
    }

    /// Says that this user could only look.
    pub(crate) fn unwritable(&self) -> Option<String> {
        let root = &self.found.root;
        let is_denied = |path: &Path| {
            let answer = rustix::fs::access(path, Access::WRITE_OK);
            matches!(answer, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS))
        };
        let there = root.ancestors().find(|above| above.exists())?;
        let is_denied = is_denied(there) || is_denied(&root.join("mutex"));
        is_denied.then(|| {
            let root = root.display();
            format!("this user cannot write to {root}, so `guard` and `lock` would fail")
        })
    }

    /// Warns of leases that are held where nobody looks any more, since a repository was made around them.
    pub(crate) fn warn_of_leftovers(&self) {
        if self.found.by != By::Git {
            return;
        }
        let top = self.found.top.as_ref();
        let top = top.filter(|top| **top != self.directory);
        for directory in [Some(&self.directory), top].into_iter().flatten() {
            let root = directory.join(discover::MARKER);
            let number = held_in(&root).unwrap_or(0);
            if number > 0 {
                let held = match number {
                    1 => "1 lease is held".to_owned(),
                    number => format!("{number} leases are held"),
                };
                let root = root.display();
                let store = ui::quoted(&format!("file:{root}"));
                ui::talk(&format!(
                    "warning: {held} in {root}, where nobody looks since this is a git repository: \
                     leasehold status --store {store}"
                ));
            }
        }
    }

    /// Warns of what Lokt itself still holds in this repository: nobody here is kept apart from that.
    pub(crate) fn warn_of_lokt(&self) {
        if self.found.by == By::Git {
            lokt::place::warn();
        }
    }

    /// Says by what a directory was named that is none to use.
    fn named(&self, error: StoreError) -> CliError {
        let error = CliError::from(error);
        match self.source {
            Some(source) => CliError {
                message: format!("{source}: {}", error.message),
                ..error
            },
            None => error,
        }
    }

    fn context(&self, store: FileStore) -> Context {
        Context {
            leasing: Box::new(Coordinator::new(store, Policy::default())),
            base: self.base(),
            variables: self.variables(),
        }
    }

    fn variables(&self) -> Vec<(&'static str, Option<OsString>)> {
        let root = (self.found.by == By::Variable).then(|| self.found.root.clone().into());
        // It goes before the other, and the flag went before it.
        let store = (self.has_flag || root.is_some()).then_some(("LEASEHOLD_STORE", None));
        let root = root.map(|root| ("LEASEHOLD_ROOT", Some(root)));
        store.into_iter().chain(root).collect()
    }
}

/// Finds out where the store is, without opening it.
pub(crate) fn find(args: &StoreArgs) -> Result<Place, CliError> {
    let directory = current_directory()?;
    let given = match &args.store {
        Some(url) => Some((url.clone(), "--store")),
        None => from_environment()?.map(|url| (url, "LEASEHOLD_STORE")),
    };
    let given = match given {
        Some((url, source)) => directory_of(&url, source)?.map(|path| (path, source)),
        None => None,
    };
    let (root, source) = match (given, env::var_os("LEASEHOLD_ROOT")) {
        (Some((path, source)), _) => (Some(path.into_os_string()), Some(source)),
        (None, Some(root)) if root.is_empty() => {
            return Err(CliError::usage("LEASEHOLD_ROOT is set to nothing").hint("unset it"));
        }
        (None, Some(root)) => (Some(root), Some("LEASEHOLD_ROOT")),
        (None, None) => (None, None),
    };
    let found = discovered(&directory, root.as_deref())?;
    Ok(Place {
        directory,
        found,
        source,
        has_flag: args.store.is_some(),
    })
}

/// Finds the root for a process in this directory, where one is named or in the repository around.
fn discovered(directory: &Path, root: Option<&OsStr>) -> Result<Found, CliError> {
    let [git_dir, git_common_dir, git_work_tree] =
        ["GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE"].map(env::var_os);
    let environment = Environment {
        root,
        git_dir: git_dir.as_deref(),
        git_common_dir: git_common_dir.as_deref(),
        git_work_tree: git_work_tree.as_deref(),
    };
    Ok(discover::discover(directory, &environment)?)
}

/// Returns the directory that all worktrees of the repository around share, if there is a repository.
pub(crate) fn git_directory() -> Result<Option<PathBuf>, CliError> {
    let found = discovered(&current_directory()?, None)?;
    let parent = found.root.parent().filter(|_| found.by == By::Git);
    Ok(parent.map(Path::to_path_buf))
}

/// Returns where this process stands.
pub(crate) fn current_directory() -> Result<PathBuf, CliError> {
    env::current_dir()
        .map_err(|error| CliError::new(Code::Error, format!("the current directory: {error}")))
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
