//! A repository of its own for each test, and what is held in it.

use crate::process::{Call, PATIENCE, Ran, Running, eventually, within};
use insta::internals::SettingsBindDropGuard;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, io};

/// Marks the processes of a test, so that they are found when it ends.
const MARK: &str = "LEASEHOLD_TEST_REPO";

/// What differs from run to run, and what is shown instead.
const FILTERS: [(&str, &str); 14] = [
    // A column as wide as the host's name.
    (r"\[host\] +", "[host] "),
    (r"[0-9a-f]{32}(?:-\d+)?", "[id]"),
    (r"\(lease [0-9a-f]{8}\)", "(lease [id])"),
    (r"token \d+", "token [token]"),
    (r"LEASEHOLD_TOKEN=\d+", "LEASEHOLD_TOKEN=[token]"),
    (r"lease \[id\] is \d+", "lease [id] is [token]"),
    (r"pid \d+", "pid [pid]"),
    (
        r"(\) for|another|up to|expired|expires in|had it for|kept|ttl|\[host\]) (?:\d[\d.]*(?:ms|[smhd]))+",
        "$1 [time]",
    ),
    (r" (after|waited) (?:\d[\d.]*(?:ms|[smhd]))+", " $1 [time]"),
    ("  by [0-9a-f]{8}", "  by [id]"),
    (" (lease|freeze) [0-9a-f]{8}", " $1 [id]"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "[date]"),
    (r"\t", "[tab]"),
    ("\u{202e}", "[turn]"),
];

/// A fresh git repository and a directory for files beside it, known to commands as `$D`.
pub(crate) struct Repo {
    home: tempfile::TempDir,
    calls: AtomicU32,
    _filters: SettingsBindDropGuard,
}

impl Repo {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        // As `pwd` and the program see it.
        let real = home.path().canonicalize().unwrap();
        assert_eq!(
            real,
            home.path(),
            "set TMPDIR to a path without symbolic links"
        );
        let filters = filters(&real);
        let repo = Self {
            home,
            calls: AtomicU32::new(0),
            _filters: filters,
        };
        for name in ["repo", "files", "output"] {
            fs::create_dir(repo.home.path().join(name)).unwrap();
        }
        repo.git(&["init", "-q"]);
        repo
    }

    /// The top of the work tree.
    pub(crate) fn top(&self) -> PathBuf {
        self.home.path().join("repo")
    }

    /// The root of leasehold's own files.
    pub(crate) fn root(&self) -> PathBuf {
        self.top().join(".git/leasehold")
    }

    /// A file that commands see as `$D/name`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join("files").join(name)
    }

    /// Any program, in the environment of the tests.
    pub(crate) fn program(&self, program: &str) -> Command {
        let binaries = Path::new(env!("CARGO_BIN_EXE_leasehold"))
            .parent()
            .unwrap()
            .to_owned();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([binaries].into_iter().chain(env::split_paths(&path))).unwrap();
        // Tests may be run where signals are ignored, as `nohup` and background jobs of shells do.
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP,INT,QUIT,TERM", program]);
        command.env_clear().current_dir(self.top());
        command.env("PATH", path).env("HOME", self.home.path());
        command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("D", self.file("")).env(MARK, self.home.path());
        command
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut git = self.program("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@t"])
            .args(arguments);
        assert!(
            git.stdout(Stdio::null()).status().unwrap().success(),
            "git {arguments:?}"
        );
    }

    /// The binary with these words, split at spaces.
    pub(crate) fn leasehold(&self, words: &str) -> Call {
        self.words(&words.split(' ').collect::<Vec<_>>())
    }

    /// The binary with these words.
    pub(crate) fn words(&self, words: &[&str]) -> Call {
        let command = self.program(env!("CARGO_BIN_EXE_leasehold"));
        self.call(command, words.iter().map(OsString::from).collect())
    }

    /// Any command, with its output in files.
    pub(crate) fn call(&self, command: Command, words: Vec<OsString>) -> Call {
        let number = self.calls.fetch_add(1, Ordering::Relaxed).to_string();
        Call::new(command, words, self.home.path().join("output").join(number))
    }

    /// `guard` with these words around a script.
    pub(crate) fn guard(&self, words: &str, script: &str) -> Call {
        let mut all = vec!["guard"];
        all.extend(words.split(' '));
        all.extend(["--", "sh", "-c", script]);
        self.words(&all)
    }

    /// Asks once, and returns the exit code.
    pub(crate) fn try_guard(&self, words: &str) -> i32 {
        self.guard(words, "true").run().code()
    }

    /// Starts a guard whose command stays until its gate is opened.
    pub(crate) fn hold(&self, words: &str) -> Hold {
        self.hold_call("h", |script| self.guard(words, script))
    }

    /// The same with a name for its files, and with a call made to measure.
    pub(crate) fn hold_call(&self, name: &str, call: impl FnOnce(&str) -> Call) -> Hold {
        let number = self.calls.load(Ordering::Relaxed);
        let name = format!("{name}{number}");
        let gate = self.gate(&format!("{name}.go"));
        let guard = call(&script_to_hold(&name)).start();
        let up = eventually("a guarded command", PATIENCE, || {
            let line = self.line(&format!("{name}.up"));
            assert!(
                line.is_some() || !guard_failed(&guard),
                "no lease: {}",
                guard.stderr()
            );
            line
        });
        let mut words = up.split(' ').map(str::to_owned);
        let mut next = || words.next().unwrap();
        Hold {
            gate,
            command: next().parse().unwrap(),
            lease: next(),
            token: next(),
            guard,
        }
    }

    /// Makes a gate: a script waits at it with `read _ < $D/name`.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        let path = self.file(name);
        make_pipe(&path);
        // For reading too: then opening never waits for a reader, and what is written stays.
        Gate(File::options().read(true).write(true).open(path).unwrap())
    }

    /// Returns the text of a file if it is there and ends with a whole line.
    pub(crate) fn line(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.file(name)).ok()?;
        text.strip_suffix('\n').map(str::to_owned)
    }

    /// Waits for a file with a whole line.
    pub(crate) fn appears(&self, name: &str) -> String {
        eventually(name, PATIENCE, || self.line(name))
    }

    /// Returns the contents of every file below leasehold's root; of `mutex` its first line, because
    /// the second only says who was inside last. A file in `leases/` of which the log
    /// knows nothing is only where somebody was alive, and nobody's once its process is gone.
    pub(crate) fn fingerprint(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.root(), &mut files);
        if let Some(mutex) = files.get_mut(&self.root().join("mutex")) {
            let line = mutex.iter().position(|byte| *byte == b'\n').unwrap();
            mutex.truncate(line);
        }
        let leases = self.root().join("leases");
        let known = |path: &Path| {
            self.log()
                .contains(path.file_name().unwrap().to_str().unwrap())
        };
        files.retain(|path, _| !path.starts_with(&leases) || known(path));
        files
    }

    /// Returns the audit log, the oldest first.
    pub(crate) fn log(&self) -> String {
        let mut segments = BTreeMap::new();
        collect(&self.root().join("audit"), &mut segments);
        segments
            .values()
            .map(|text| String::from_utf8_lossy(text))
            .collect()
    }

    /// Returns `status --json`, of one name or of all.
    pub(crate) fn status(&self, name: &str) -> serde_json::Value {
        self.leasehold(format!("status --json {name}").trim_end())
            .run()
            .json()
    }

    /// Returns the only lease there is on a resource.
    pub(crate) fn lease(&self, name: &str) -> serde_json::Value {
        let status = self.status(name);
        let [lease] = status["leases"].as_array().unwrap().as_slice() else {
            panic!("not one lease: {status}");
        };
        lease.clone()
    }

    /// Locks, and returns the lease's id.
    pub(crate) fn lock(&self, words: &str, owner: &str) -> String {
        let ran = self
            .leasehold(&format!("lock --json {words}"))
            .owner(owner)
            .run()
            .exits(0);
        ran.json()["leases"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Returns the processes of this test that are still there, zombies left out.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let mark = [
            MARK.as_bytes(),
            b"=",
            self.home.path().as_os_str().as_encoded_bytes(),
        ]
        .concat();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let own = entries.filter(|entry| {
            let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
            environ
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark)
        });
        own.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
            .collect()
    }
}

/// Returns the script of a command that says who it is and stays until its gate is opened.
pub(crate) fn script_to_hold(name: &str) -> String {
    format!(
        r#"echo "$$ $LEASEHOLD_LEASE $LEASEHOLD_TOKEN" > "$D/{name}.up"; read _ < "$D/{name}.go""#
    )
}

/// Makes a pipe with a name.
pub(crate) fn make_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

fn guard_failed(guard: &Running) -> bool {
    guard
        .stderr()
        .lines()
        .any(|line| line.starts_with("error:"))
}

fn filters(home: &Path) -> SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(home.to_str().unwrap(), "[home]");
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    settings.add_filter(&format!("{host}\\b"), "[host]");
    for (pattern, shown) in FILTERS {
        settings.add_filter(pattern, shown);
    }
    settings.set_omit_expression(true);
    settings.bind_to_scope()
}

fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => panic!("{}: {error}", directory.display()),
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file() {
            let contents = fs::read(&path).unwrap();
            files.insert(path, contents);
        }
    }
}

impl Drop for Repo {
    fn drop(&mut self) {
        // Again until none is left: one of them may have started another meanwhile.
        let gone = within(PATIENCE, || {
            let left = self.processes();
            for pid in &left {
                let _ = kill_process(*pid, Signal::KILL);
            }
            left.is_empty().then_some(())
        });
        if gone.is_none() {
            eprintln!("left behind: {:?}", self.processes());
        }
    }
}

/// A FIFO at which scripts wait.
pub(crate) struct Gate(File);

impl Gate {
    /// Lets one through, who is there or will come.
    pub(crate) fn open(&self) {
        (&self.0).write_all(b"go\n").unwrap();
    }
}

/// A guard whose command runs.
pub(crate) struct Hold {
    pub(crate) guard: Running,
    pub(crate) command: i32,
    pub(crate) lease: String,
    pub(crate) token: String,
    gate: Gate,
}

impl Hold {
    /// Lets the command go on, without waiting for its end.
    pub(crate) fn open(&self) {
        self.gate.open();
    }

    /// Lets the command end, and waits for the guard.
    pub(crate) fn end(self) -> Ran {
        self.open();
        self.guard.end()
    }

    /// Sends a signal to the command alone.
    pub(crate) fn signal_command(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.command).unwrap(), signal).unwrap();
    }

    /// Kills the guard alone, which leaves its command without one.
    pub(crate) fn kill_guard(&mut self) {
        self.guard.signal(Signal::KILL);
        eventually("the guard's end", PATIENCE, || {
            self.guard.has_ended().then_some(())
        });
    }
}
