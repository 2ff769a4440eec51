//! Lokt's front, as Lokt's users meet it.
//!
//! * `documents`, `patterns`, `wrappers`: the commands of Lokt's documents as they stand there (`documents/*.txt`), run
//!   by bash. What they guard (`make`, `go test`, …) are small programs in front of PATH that say that they
//!   run, notice when a second one runs beside them, and stay until they are let go.
//! * `contract`, `json`, `audit`: flags, exit codes, messages and JSON, one by one.
//! * `import`: repositories in which Lokt itself was at work.

mod audit;
mod contract;
mod documents;
mod import;
mod json;
mod patterns;
mod wrappers;

use crate::process::{Call, PATIENCE, Running, eventually};
use crate::repo::{Gate, Repo};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// What the guarded programs are: one that says that it runs, and waits at its gate where there is one.
const STAND_IN: &str = r#"#!/bin/sh
me=${0##*/}
key=$(printf %s "$me $*" | tr -c 'A-Za-z0-9' _)
[ "$me $1" = "go list" ] && { printf '%s\n' app/a app/b app/c app/d app/e; exit; }
mkdir "$D/inside.$key" || echo "$key" >> "$D/violations"
echo "$me $*" >> "$D/ran"
if [ -p "$D/$me.go" ]; then
    echo $$ >> "$D/$me.up"
    read _ < "$D/$me.go"
fi
rmdir "$D/inside.$key"
exit "$(cat "$D/$me.exit" 2>/dev/null || echo 0)"
"#;

/// A repository with `lokt` in PATH, and the programs that Lokt's documents guard.
pub(crate) struct Home {
    pub(crate) repo: Repo,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { repo: Repo::new() };
        fs::create_dir(home.bin()).unwrap();
        for name in ["lokt", "leasehold"] {
            symlink(env!("CARGO_BIN_EXE_leasehold"), home.bin().join(name)).unwrap();
        }
        for program in ["make", "go", "golangci-lint", "curl"] {
            home.stands_in(&home.bin().join(program));
        }
        home
    }

    fn bin(&self) -> PathBuf {
        self.repo.top().with_file_name("bin")
    }

    /// Makes a program.
    fn program(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn stands_in(&self, path: &Path) {
        self.program(path, STAND_IN);
    }

    /// Makes a program of the repository, such as `scripts/deploy.sh`.
    fn script(&self, path: &str, text: &str) {
        self.program(&self.repo.top().join(path), text);
    }

    fn script_stands_in(&self, path: &str) {
        self.script(path, STAND_IN);
    }

    fn call(&self, program: &str, words: &[&str]) -> Call {
        let mut command = self.repo.program(program);
        let path = std::env::var_os("PATH").unwrap();
        let path = [self.bin()].into_iter().chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(path).unwrap());
        let words = words.iter().map(OsString::from);
        self.repo.call(command, words.collect())
    }

    /// A shell that runs this, for an agent of that name.
    fn shell(&self, agent: &str, text: &str) -> Call {
        self.call("bash", &["-c", text]).env("LOKT_OWNER", agent)
    }

    /// `lokt` with these words, split at spaces.
    pub(crate) fn lokt(&self, agent: &str, words: &str) -> Call {
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        self.call("lokt", &words).env("LOKT_OWNER", agent)
    }

    /// Starts something that runs a stand-in, and waits until that runs.
    fn busy(&self, program: &str, call: Call) -> Busy {
        let gate = self.repo.gate(&format!("{program}.go"));
        let running = call.start();
        let up = format!("{program}.up");
        let pid = eventually(&up, PATIENCE, || {
            let line = self.repo.line(&up);
            assert!(
                line.is_some() || !running.stderr().contains("error:"),
                "{}",
                running.stderr()
            );
            line
        });
        Busy {
            running,
            gate,
            program: pid.lines().last().unwrap().parse().unwrap(),
        }
    }

    /// What the stand-ins said that they ran, in order.
    fn ran(&self) -> Vec<String> {
        let text = fs::read_to_string(self.repo.file("ran")).unwrap_or_default();
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// Asserts that no two of the same ran at once.
    #[track_caller]
    fn never_twice(&self) {
        assert_eq!(self.repo.line("violations"), None, "two ran at once");
    }

    /// Lets the program of that name fail from now on.
    fn fails(&self, program: &str, code: u8) {
        fs::write(
            self.repo.file(&format!("{program}.exit")),
            format!("{code}\n"),
        )
        .unwrap();
    }

    /// Makes a commit, and returns its name.
    fn commit(&self, text: &str) -> String {
        self.repo
            .git(&["commit", "-q", "--allow-empty", "-m", text]);
        let head = self.shell("t", "git rev-parse HEAD").run().exits(0);
        head.stdout.trim().to_owned()
    }
}

/// Something that runs a stand-in, which waits.
struct Busy {
    running: Running,
    gate: Gate,
    program: i32,
}

impl Busy {
    /// Lets the stand-in go, and waits for the end.
    fn end(self) -> crate::process::Ran {
        self.gate.open();
        self.running.end()
    }

    /// Kills with -9 what was started, and the stand-in after it.
    fn crash(self, home: &Home) {
        self.running.signal(Signal::KILL);
        kill_process(Pid::from_raw(self.program).unwrap(), Signal::KILL).unwrap();
        let ran = self.running.end();
        assert_eq!(ran.code(), -9, "{ran}");
        // The witness cannot say that it is gone.
        for entry in fs::read_dir(home.repo.file("")).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("inside.") {
                fs::remove_dir(entry.path()).unwrap();
            }
        }
        fs::remove_file(home.repo.file("make.go")).ok();
    }
}

/// Takes out of a line what differs from run to run: numbers, and the name of the machine.
fn shape(line: &str) -> String {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let line = line
        .replace(&format!("@{host}"), "@HOST")
        .replace("@macbook", "@HOST");
    let mut shape = String::new();
    for c in line.chars() {
        match c {
            c if !c.is_ascii_digit() => shape.push(c),
            _ if shape.ends_with('#') => {}
            _ => shape.push('#'),
        }
    }
    // The number of an agent's name is no number.
    shape.replace("agent-#@", "agent-1@")
}

/// Returns a block of a document.
fn block(document: &'static str, name: &str) -> &'static str {
    let blocks = document.split("=== ").skip(1);
    let mut named = blocks.filter_map(|block| block.split_once('\n'));
    let found = named.find(|(head, _)| *head == name || head.strip_prefix("script ") == Some(name));
    found.unwrap_or_else(|| panic!("no block {name:?}")).1
}

/// Returns the names of all blocks.
fn names(document: &'static str) -> impl Iterator<Item = &'static str> {
    let heads = document
        .lines()
        .filter_map(|line| line.strip_prefix("=== "));
    heads.map(|head| head.strip_prefix("script ").unwrap_or(head))
}
