//! A bare remote repository and one clone of it, out of the reach of the user's settings.

use crate::commands::demo::place::{Place, failure};
use crate::error::CliError;
use leasehold_api::code::Code;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};

const BUILD: &str = include_str!("../build.sh");

/// The two of them.
pub(super) struct Repository<'a> {
    place: &'a Place,
}

impl<'a> Repository<'a> {
    /// Makes both, with a first commit.
    pub(super) fn make(place: &'a Place) -> Result<Self, CliError> {
        let own = Self { place };
        // Without a template there are no hooks.
        own.git(".", "init --quiet --bare --template= remote.git")?;
        own.git(".", "init --quiet --template= clone")?;
        let parts = place.path().join("clone/parts");
        std::fs::create_dir(&parts).map_err(|error| failure(parts.display(), &error))?;
        place.write("clone/parts/first", "part first\n")?;
        place.write("clone/list", "first\n")?;
        place.write("clone/build.sh", BUILD)?;
        place.write("clone/.gitignore", "out/\n")?;
        for words in [
            "remote add origin ../remote.git",
            "symbolic-ref HEAD refs/heads/main",
            // Nothing that goes on behind the agents' backs.
            "config gc.auto 0",
            "config maintenance.auto false",
            "add .",
            "commit --quiet --message first",
            "push --quiet origin main",
        ] {
            own.git("clone", words)?;
        }
        own.git("remote.git", "symbolic-ref HEAD refs/heads/main")?;
        Ok(own)
    }

    /// Runs git in a directory of ours, and returns what it printed.
    pub(super) fn git(&self, directory: &str, words: &str) -> Result<String, CliError> {
        let output = self.try_git(directory, words)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it failed").to_owned();
        Err(CliError::new(Code::Error, format!("git {words}: {said}")))
    }

    /// The same where a failure is an answer.
    pub(super) fn try_git(&self, directory: &str, words: &str) -> Result<Output, CliError> {
        self.run("git", directory, words)
    }

    /// Runs the build of a directory of ours.
    pub(super) fn build(&self, directory: &str) -> Result<Output, CliError> {
        self.run("sh", directory, "build.sh")
    }

    fn run(&self, program: &str, directory: &str, words: &str) -> Result<Output, CliError> {
        let mut command = self.place.command(program);
        command.current_dir(self.place.path().join(Path::new(directory)));
        let output = command.args(words.split(' ')).stdin(Stdio::null()).output();
        output.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                CliError::new(Code::Error, format!("{program}: command not found")).hint(
                    "install it, or see the demonstration that needs none: leasehold demo hexwall",
                )
            }
            _ => failure(program, &error),
        })
    }
}
