//! A leasehold that is linked dynamically, and the library that moves its wall clock: built here, because
//! the usual build is static and would load no library.
//!
//! Both lie in a directory of their own beside this program, so that nothing of the usual build is built
//! again for it. The build begins with the layer and is done at a low priority while the first rounds
//! run; whoever needs it waits for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

/// The package, in the workspace that this program was built from.
const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
/// It replaces the flags of `.cargo/config.toml`, which link statically. Without the second one rustix
/// asks the kernel itself for the time.
const FLAGS: &str = "-C target-feature=-crt-static --cfg rustix_use_libc";

/// What was built.
#[derive(Debug, Clone)]
pub(super) struct Dynamic {
    pub(super) binary: PathBuf,
    pub(super) library: PathBuf,
}

/// A build on its way.
pub(super) type Building = JoinHandle<Result<Dynamic, String>>;

/// Begins to build.
pub(super) fn begin() -> Building {
    thread::spawn(build)
}

fn build() -> Result<Dynamic, String> {
    let package = Path::new(PACKAGE);
    let source = package.join("preload/clock.rs");
    if !source.is_file() {
        return Err(format!("{} is not there to be built", source.display()));
    }
    let own = env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    let target = own.with_file_name("dynamic");
    let mut cargo = quiet("cargo", "CARGO");
    cargo
        .args([
            "build",
            "--quiet",
            "--package",
            "leasehold-cli",
            "--target-dir",
        ])
        .arg(&target)
        .args(["--message-format", "json"])
        .current_dir(package)
        // Half of the time is for what only debuggers and the next build would need.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", FLAGS);
    let binary =
        executable(&said(&mut cargo)?).ok_or("cargo does not say where it put the program")?;
    let library = target.join("libclock.so");
    let mut rustc = quiet("rustc", "RUSTC");
    rustc
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "--crate-name",
            "clock",
        ])
        .args([
            "-C",
            "opt-level=1",
            "-C",
            "panic=abort",
            "-C",
            "target-feature=-crt-static",
            "-o",
        ])
        .args([&library, &source]);
    said(&mut rustc)?;
    Ok(Dynamic { binary, library })
}

/// A tool at a low priority; an environment variable may name another one.
fn quiet(tool: &str, variable: &str) -> Command {
    let mut command = Command::new("nice");
    let tool = env::var_os(variable).unwrap_or_else(|| tool.into());
    command.args(["-n", "5"]).arg(tool).stdin(Stdio::null());
    command
}

/// Runs a tool to its end and returns what it says.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let output = output.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    // The first error tells why; the rest follows from it.
    let why = text.lines().find(|line| line.starts_with("error"));
    let why = why.or_else(|| text.lines().last()).unwrap_or_default();
    Err(format!("a dynamic leasehold cannot be built: {why}"))
}

/// Finds the program in what cargo tells of its artifacts.
fn executable(messages: &str) -> Option<PathBuf> {
    let mut messages = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    messages.next_back()
}
