//! The guarded command: this program again, which writes down that it runs and looks whether it is alone.
//!
//! It takes kernel locks that leasehold knows nothing of and keeps them to its end, and goes to the
//! registers with its token. What it finds it only writes down; the checkers judge.

use super::history::{self, What, Who};
use super::launch::{self, DIRECTORY, HELD};
use super::names::Share;
use super::plan::{Plan, Work};
use super::register::Register;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a lock that should be free is tried. Whoever was killed lets go of its files one by one,
/// and of those of leasehold perhaps first; on a busy machine that takes a while. A real overlap that is
/// shorter the times tell.
pub(super) const GRACE: Duration = Duration::from_secs(1);
/// How often it is tried: a free lock is taken at the first try, and who has to wait waits for one that
/// ends.
const NAP: Duration = Duration::from_millis(1);
/// What it exits with when it could not do its work: no code of the contract, and of no plan.
const BROKEN: u8 = 99;

/// Runs as the guarded command of an operation; returns the exit code.
pub(super) fn run(op: &str) -> u8 {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap_or_default());
    let op: u64 = op.parse().unwrap_or(0);
    match launch::read_plan(&directory, op).and_then(|plan| witness(&directory, &plan)) {
        Ok(code) => u8::try_from(code).unwrap_or(BROKEN),
        Err(error) => {
            eprintln!("witness {op}: {error}");
            BROKEN
        }
    }
}

struct Witness<'a> {
    directory: &'a Path,
    op: u64,
    token: u64,
    lease: String,
    work: &'a Work,
    /// What the commands around it have.
    held: Vec<String>,
    locks: Vec<File>,
}

fn witness(directory: &Path, plan: &Plan) -> io::Result<i32> {
    let work = plan
        .work()
        .ok_or_else(|| io::Error::other("nothing to do"))?;
    let variable = |name| std::env::var(name).unwrap_or_default();
    let mut witness = Witness {
        directory,
        op: plan.op,
        token: variable("LEASEHOLD_TOKEN").parse().unwrap_or(0),
        lease: variable("LEASEHOLD_LEASE"),
        work,
        held: variable(HELD).split(',').map(String::from).collect(),
        locks: Vec::new(),
    };
    witness.work()
}

impl Witness<'_> {
    fn note(&self, what: What) -> io::Result<()> {
        history::append(self.directory, self.op, what)
    }

    fn work(&mut self) -> io::Result<i32> {
        let (lease, token) = (self.lease.clone(), self.token);
        self.note(What::Start { lease, token })?;
        let begin = Instant::now();
        for (atom, share) in self.work.claims.atoms() {
            if !self.held.iter().any(|held| held == atom) {
                self.take(atom, share)?;
            }
        }
        self.visit(true)?;
        let rest = Duration::from_millis(self.work.millis);
        sleep(rest.saturating_sub(begin.elapsed()));
        if self.work.asks_check {
            let asked = history::now();
            let code = self.check(None);
            self.note(What::Checked { code, asked })?;
        }
        match &self.work.inner {
            // What runs inside may have a later token and write with it: from here on nothing is read.
            Some(inner) => self.run_inside(inner)?,
            None => self.visit(false)?,
        }
        let code = self.work.code;
        self.note(What::Finish { code })?;
        Ok(code)
    }

    /// Takes the witness lock of an atom, or writes down who has it.
    fn take(&mut self, atom: &str, share: Share) -> io::Result<()> {
        let is_alone = !matches!(share, Share::Read | Share::Slot | Share::Provide);
        self.lock(atom, is_alone)?;
        match share {
            Share::Read | Share::Alone => Ok(()),
            Share::Provide => self.lock(&format!("{atom}~provide"), true),
            Share::Slot => {
                let slot = std::env::var("LEASEHOLD_SLOT").unwrap_or_else(|_| "none".into());
                self.lock(&format!("{atom}~{slot}"), true)
            }
        }
    }

    fn lock(&mut self, name: &str, is_alone: bool) -> io::Result<()> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(self.directory.join("witness").join(name))?;
        let how = match is_alone {
            true => FlockOperation::NonBlockingLockExclusive,
            false => FlockOperation::NonBlockingLockShared,
        };
        let begin = Instant::now();
        while flock(&file, how).is_err() {
            if begin.elapsed() > GRACE {
                return self.met(name, &mut file);
            }
            sleep(NAP);
        }
        if is_alone {
            let text = format!("{:>20} {:>32} {:>20}\n", self.op, self.lease, self.token);
            file.write_all(text.as_bytes())?;
        }
        self.locks.push(file);
        Ok(())
    }

    fn met(&self, name: &str, file: &mut File) -> io::Result<()> {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let (other, check) = match words.as_slice() {
            [op, lease, token] => (op.parse().ok(), self.check(Some((lease, token)))),
            _ => (None, None),
        };
        let atom = name.into();
        self.note(What::Met { atom, other, check })
    }

    /// Asks leasehold whether a lease still holds; its own without a name.
    fn check(&self, of: Option<(&str, &str)>) -> Option<i32> {
        let mut command = Command::new("leasehold");
        command.arg("check").stdin(Stdio::null());
        if let Some((lease, token)) = of {
            command.args(["--lease", lease, "--token", token]);
        }
        command.output().ok()?.status.code()
    }

    /// Goes to the registers, with its token: reads them all, and at first writes them if it may.
    fn visit(&self, is_first: bool) -> io::Result<()> {
        for (atom, share) in self.work.claims.atoms() {
            // Slots are of one atom each and write nothing to it.
            if share == Share::Slot {
                continue;
            }
            let mut register = Register::open(self.directory, atom)?;
            let found = register.value;
            self.note(What::Read {
                atom: atom.into(),
                version: found.version,
                token: found.token,
                by: found.by,
            })?;
            if share != Share::Alone {
                register.read(self.token, self.op)?;
            } else if is_first {
                self.write(&mut register, atom)?;
            }
        }
        Ok(())
    }

    fn write(&self, register: &mut Register, atom: &str) -> io::Result<()> {
        let atom = atom.into();
        self.note(match register.write(self.token, self.op)? {
            Some(version) => What::Wrote { atom, version },
            None => {
                let (token, by) = register.highest();
                What::Fenced { atom, token, by }
            }
        })
    }

    fn run_inside(&self, inner: &Plan) -> io::Result<()> {
        let mut command = launch::command(self.directory, inner, &[])?;
        let own = self.work.claims.atoms();
        let own = own.iter().map(|(atom, _)| String::from(*atom));
        let held: Vec<String> = self.held.iter().cloned().chain(own).collect();
        command.env(HELD, held.join(","));
        let variable = |name| std::env::var(name).ok();
        let plan = inner.clone();
        let named = variable("LEASEHOLD_NAMELESS").is_none();
        let who = Who {
            owner: variable("LEASEHOLD_OWNER").filter(|_| named),
            session: variable("LEASEHOLD_SESSION"),
        };
        let inside = Some(self.op);
        history::append(self.directory, inner.op, What::Invoke { plan, who, inside })?;
        let status = command.spawn()?.wait()?;
        let (code, signal, lease) = (status.code(), status.signal(), None);
        history::append(
            self.directory,
            inner.op,
            What::End {
                code,
                signal,
                lease,
            },
        )
    }
}
