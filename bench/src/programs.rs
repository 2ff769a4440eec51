//! The programs that are measured: ours, built here, and those of the system.

use crate::Fallible;
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) leasehold: PathBuf,
    /// What is guarded where it matters when it ran.
    pub(crate) stamp: PathBuf,
    /// What opens and reads files, and nothing else.
    pub(crate) read: PathBuf,
    pub(crate) flock: PathBuf,
    pub(crate) bare: PathBuf,
    pub(crate) strace: Option<PathBuf>,
}

impl Programs {
    /// Builds ours, the way it is shipped, and finds the others.
    pub(crate) fn prepare() -> Fallible<Self> {
        // Apart, so that features of the one do not get into the other.
        let leasehold = build("leasehold-cli", "leasehold")?;
        let stamp = build("leasehold-bench", "leasehold-bench-stamp")?;
        let read = build("leasehold-bench", "leasehold-bench-read")?;
        let (flock, bare) = (find("flock")?, find("true")?);
        Ok(Self {
            leasehold,
            stamp,
            read,
            flock,
            bare,
            strace: find("strace").ok(),
        })
    }
}

/// Returns the root of leasehold's own repository.
pub(crate) fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Finds a program as a shell would. Its whole path is what gets measured, so that a search does not.
pub(crate) fn find(name: &str) -> Fallible<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).map(|directory| directory.join(name));
    places
        .find(|place| place.is_file())
        .ok_or_else(|| format!("{name} is not installed").into())
}

fn build(package: &str, program: &str) -> Fallible<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // In the workspace, whose configuration says how it is linked.
    command
        .current_dir(workspace())
        .args(["build", "--release", "--package", package]);
    command.args(["--bin", program, "--message-format=json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{program} could not be built").into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let made = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ours = made.filter(|message| message["target"]["name"] == program);
    let executable = ours.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.ok_or_else(|| format!("cargo did not say where {program} is").into())
}
