//! `cargo xtask proof`: builds what the proof needs, and runs it.
//!
//! leasehold and the proof are built twice: once with bugs on purpose to choose from, once as they are.
//! The first pair is put aside, so that both share what they depend on.

use crate::step::{Step, TestCounts};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const BUILD: Step = Step::new(
    "build",
    "cargo build --quiet --profile proof --package leasehold-cli --package leasehold-proof",
);
const BUILD_PLANTED: Step = Step::new(
    "build with bugs to choose from",
    "cargo build --quiet --profile proof --package leasehold-cli --package leasehold-proof \
     --features leasehold-cli/planted,leasehold-proof/planted",
);
const PROGRAMS: [&str; 2] = ["leasehold", "leasehold-proof"];

/// Builds, and runs the proof with these arguments.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    match try_run(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn try_run(arguments: &[&str]) -> Result<bool, String> {
    let programs = programs()?;
    let planted = programs.join("planted");
    BUILD_PLANTED.run(&mut TestCounts::default())?;
    fs::create_dir_all(&planted).map_err(|error| fail(&planted, &error))?;
    for name in PROGRAMS {
        let to = planted.join(name);
        fs::copy(programs.join(name), &to).map_err(|error| fail(&to, &error))?;
    }
    BUILD.run(&mut TestCounts::default())?;
    let proof = programs.join("leasehold-proof");
    let status = Command::new(&proof)
        .args(arguments)
        .status()
        .map_err(|error| fail(&proof, &error))?;
    Ok(status.success())
}

/// Returns where cargo puts what it builds with the profile `proof`: beside the directory of this
/// program.
fn programs() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    let profiles = own.parent().and_then(Path::parent);
    let profiles =
        profiles.ok_or_else(|| format!("{} is not where cargo puts it", own.display()))?;
    Ok(profiles.join("proof"))
}

fn fail(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
