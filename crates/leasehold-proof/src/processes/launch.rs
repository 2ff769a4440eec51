//! Starting an operation: the same for the driver and for a command that starts another one.

use super::history::Who;
use super::plan::{Plan, Verb};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the run keeps its things, for the commands inside.
pub(super) const DIRECTORY: &str = "PROOF_DIRECTORY";
/// The atoms that the commands around this one hold, separated by commas.
pub(super) const HELD: &str = "PROOF_HELD";

/// How this program is called as a tracer: not by a name that stands for a guard or a command.
pub(super) const TRACER: &str = "tracer";

/// A program to start: a prefix, such as `nsenter` with its flags, then the program itself.
pub(super) fn command(directory: &Path, plan: &Plan, prefix: &[String]) -> io::Result<Command> {
    write_plan(directory, plan)?;
    let program = match plan.verb {
        Verb::Work { .. } => "w",
        _ => "leasehold",
    };
    let program = directory.join("bin").join(program);
    let mut words = prefix.to_vec();
    words.push(program.display().to_string());
    words.extend(plan.words(directory));
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .current_dir(repository(directory))
        .stdin(Stdio::null())
        .stdout(File::create(directory.join(format!("out/{}", plan.op)))?)
        .stderr(File::create(
            directory.join(format!("out/{}.err", plan.op)),
        )?);
    Ok(command)
}

/// Gives a command the environment of an agent, and nothing else.
pub(super) fn environment(command: &mut Command, directory: &Path, who: &Who) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = vec![directory.join("bin")];
    paths.extend(std::env::split_paths(&path));
    command
        .env_clear()
        .env("PATH", std::env::join_paths(paths).unwrap_or(path))
        .env("HOME", directory)
        .env(DIRECTORY, directory);
    command.envs(crate::planted::environment());
    let variables = [
        ("LEASEHOLD_OWNER", &who.owner),
        ("LEASEHOLD_SESSION", &who.session),
    ];
    for (name, value) in variables {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
}

pub(super) fn repository(directory: &Path) -> PathBuf {
    directory.join("repo")
}

/// The workspace.
pub(super) fn root(directory: &Path) -> PathBuf {
    repository(directory).join(".git/leasehold")
}

fn write_plan(directory: &Path, plan: &Plan) -> io::Result<()> {
    let path = directory.join(format!("plan/{}", plan.op));
    fs::write(path, serde_json::to_vec(plan)?)
}

pub(super) fn read_plan(directory: &Path, op: u64) -> io::Result<Plan> {
    let bytes = fs::read(directory.join(format!("plan/{op}")))?;
    Ok(serde_json::from_slice(&bytes)?)
}
