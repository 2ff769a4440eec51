//! Where documents are tried: a fresh repository, with nothing of our environment in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// A fresh repository, and nothing of our environment in it.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(sandbox.repository()).unwrap();
        let init = sandbox
            .command("git")
            .args(["init", "--quiet"])
            .output()
            .unwrap();
        assert!(init.status.success(), "git init: {init:?}");
        sandbox
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let binaries = Path::new(env!("CARGO_BIN_EXE_leasehold"))
            .parent()
            .unwrap()
            .to_path_buf();
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([binaries].into_iter().chain(env::split_paths(&inherited)));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", self.directory.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.repository())
            .stdin(Stdio::null());
        command
    }

    /// Runs `leasehold` and returns its exit code and standard output.
    pub(crate) fn leasehold(&self, owner: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command("leasehold");
        let output = command
            .env("LEASEHOLD_OWNER", owner)
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }
}
