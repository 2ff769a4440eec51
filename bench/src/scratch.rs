//! The directory that a run works in, and what is made in it.

use crate::{Fallible, process, programs};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use tempfile::TempDir;

/// Signals that end a run, with what is left behind cleared away.
const SIGNALS: [i32; 4] = [
    rustix::process::Signal::INT.as_raw(),
    rustix::process::Signal::TERM.as_raw(),
    rustix::process::Signal::HUP.as_raw(),
    rustix::process::Signal::QUIT.as_raw(),
];

/// A directory on the file system of the repository; gone with this value and at a signal.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// Makes it in this directory, else in cargo's own place in the repository, which git ignores.
    pub(crate) fn new(directory: Option<&Path>) -> Fallible<Self> {
        let target = directory.map_or_else(|| programs::workspace().join("target"), Into::into);
        fs::create_dir_all(&target)?;
        let directory = tempfile::Builder::new()
            .prefix("leasehold-bench-")
            .tempdir_in(target)?;
        clear_away_at_signals(directory.path().to_owned())?;
        Ok(Self { directory })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a fresh git repository.
    pub(crate) fn repository(&self, name: &str) -> Fallible<PathBuf> {
        let path = self.path().join(name);
        let mut git = Command::new(programs::find("git")?);
        process::clean(&mut git)
            .args(["init", "--quiet"])
            .arg(&path);
        self.quiet(&mut git)?;
        process::run(&mut git)?;
        Ok(path)
    }

    /// Gives a command nothing to read, and a file in the directory for what it writes.
    pub(crate) fn quiet<'a>(&self, command: &'a mut Command) -> Fallible<&'a mut Command> {
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.log())?;
        Ok(command
            .stdin(File::open("/dev/null")?)
            .stdout(log.try_clone()?)
            .stderr(log))
    }

    /// Returns what the commands said last, for a message.
    pub(crate) fn said(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    fn log(&self) -> PathBuf {
        self.path().join("said.log")
    }
}

/// Ends the run at a signal. Commands under way end by themselves: they are short, or stay only for as
/// long as this process is there.
fn clear_away_at_signals(directory: PathBuf) -> Fallible<()> {
    let (mut read, write) = UnixStream::pair()?;
    for signal in SIGNALS {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    thread::spawn(move || {
        // Keeps the writing end open: its close would look like a signal.
        let _write = write;
        let signaled = read.read_exact(&mut [0]).is_ok();
        if signaled {
            process::start_nothing_more();
            // Once more for what a command made while the first was under way.
            let _ = fs::remove_dir_all(&directory);
            let _ = fs::remove_dir_all(&directory);
            std::process::exit(130);
        }
    });
    Ok(())
}
