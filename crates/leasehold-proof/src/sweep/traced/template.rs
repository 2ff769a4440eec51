//! Furnished repositories, to be copied for each case.

use super::lokt;
use super::stage::{self, Stage, words};
use crate::damage::driver::{self, HandClock};
use leasehold_core::command::{Command as Ask, Proof};
use leasehold_core::freeze::Freeze;
use leasehold_core::view::Key;
use leasehold_core::{Identity, Lease, LeaseId, Resource};
use leasehold_store::{Access, Loaded as _, Store as _, StoreError};
use leasehold_store_file::FileStore;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// What nobody can rely on any more: the lease of a guard that was killed, and one past its time.
pub(super) const OVER: &[&str] = &["dead", "past"];

/// What is locked in the full furniture, and stays so.
const HELD: &[&str] = &["by:one", "by:two", "mine"];

/// What leasehold has lost before anything was done to it: no reason to skip, but a finding.
fn lost(name: &str) -> io::Error {
    let what = format!("`{name}` was locked, and is not held any more");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// How a workspace begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Furniture {
    /// There is a repository and no workspace.
    None,
    /// Leases, a parked place, a freeze, and what is over.
    Full,
    /// Two leases from before the machine was started again.
    OfLastBoot,
    /// The full one, whose log has several segments.
    Segments,
    /// The full one, whose log has a damaged line in its middle.
    DamagedLog,
    /// The full one, of which some records are torn.
    DamagedRecords,
    /// The full one, with both.
    DamagedBoth,
    /// The full one, with locks and a freeze of Lokt's beside.
    OfLokt,
}

impl Furniture {
    /// All of them.
    pub(super) const ALL: [Self; 8] = [
        Self::None,
        Self::Full,
        Self::OfLastBoot,
        Self::Segments,
        Self::DamagedLog,
        Self::DamagedRecords,
        Self::DamagedBoth,
        Self::OfLokt,
    ];
}

/// A repository, to be copied for each case.
#[derive(Debug)]
pub(super) struct Template {
    stage: Stage,
    /// The lease that `ada` holds on `mine`.
    pub(super) mine: String,
    /// All leases, by their tokens.
    pub(super) leases: Vec<Lease>,
    pub(super) freezes: Vec<Freeze>,
}

impl Template {
    pub(super) fn new(binary: &Path, furniture: Furniture) -> io::Result<Self> {
        let mut template = Self {
            stage: Stage::empty(binary)?,
            mine: String::new(),
            leases: Vec::new(),
            freezes: Vec::new(),
        };
        template.begin_repository()?;
        let stage = &template.stage;
        let store = match furniture {
            Furniture::None => return Ok(template),
            Furniture::OfLastBoot => furnish_last_boot(stage),
            Furniture::Segments => {
                furnish(stage)?;
                stage.store().and_then(several_segments)
            }
            _ => {
                furnish(stage)?;
                stage.store()
            }
        };
        store
            .and_then(|store| template.look(&store))
            .map_err(io::Error::other)?;
        if furniture != Furniture::OfLastBoot {
            template.must_hold(HELD)?;
        }
        let mut leases = template.leases.iter();
        let mine = leases.find(|lease| is_on(lease, &["mine"]));
        let mine = mine.map(|lease| lease.id.to_string());
        template.mine = mine.ok_or_else(|| lost("mine"))?;
        template.harm(furniture)?;
        Ok(template)
    }

    /// Fails where one of these is held no more.
    fn must_hold(&self, names: &[&str]) -> io::Result<()> {
        let is_held = |name: &&str| self.leases.iter().any(|lease| is_on(lease, &[*name]));
        let missing = names.iter().find(|name| !is_held(name));
        missing.map_or(Ok(()), |name| Err(lost(name)))
    }

    fn begin_repository(&self) -> io::Result<()> {
        let repository = self.stage.repository();
        let made = Command::new("git")
            .args(["init", "--quiet", "--template=", "."])
            .current_dir(&repository)
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other("git init failed"));
        }
        fs::create_dir(repository.join("src"))?;
        symlink("src", repository.join("link"))
    }

    /// Damages what was looked at.
    fn harm(&self, furniture: Furniture) -> io::Result<()> {
        let (stage, root) = (&self.stage, self.stage.root());
        if matches!(furniture, Furniture::DamagedLog | Furniture::DamagedBoth) {
            let path = root.join("audit/000001.jsonl");
            let mut log = fs::read(&path)?;
            let second = log.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 20;
            log[second] ^= 1;
            fs::write(path, log)?;
        }
        if matches!(
            furniture,
            Furniture::DamagedRecords | Furniture::DamagedBoth
        ) {
            // Each that says who holds `mine`.
            for directory in ["leases", "records/name", "agents"] {
                for entry in fs::read_dir(root.join(directory))? {
                    let path = entry?.path();
                    let text = if path.is_file() {
                        fs::read(&path)?
                    } else {
                        Vec::new()
                    };
                    if String::from_utf8_lossy(&text).contains(&self.mine) {
                        fs::write(path, &text[..text.len() / 2])?;
                    }
                }
            }
        }
        if furniture == Furniture::OfLokt {
            lokt::furnish(&stage.lokt_root())?;
        }
        Ok(())
    }

    fn look(&mut self, store: &FileStore) -> Result<(), StoreError> {
        let loaded = store.load(&[Key::All], Access::Read)?;
        self.leases = loaded.view().leases().cloned().collect();
        self.leases.sort_by_key(|lease| lease.token);
        self.freezes = loaded.view().freezes().cloned().collect();
        Ok(())
    }

    pub(super) fn copy(&self) -> io::Result<Stage> {
        let stage = self.stage.another()?;
        copy(&self.stage.repository(), &stage.repository())?;
        Ok(stage)
    }
}

fn furnish(stage: &Stage) -> io::Result<()> {
    let must = |line: &str, code: i32| -> io::Result<()> {
        let said = stage.run(&words(line))?;
        if said.code == Some(code) {
            return Ok(());
        }
        Err(io::Error::other(format!("{line}: {said}")))
    };
    must("lock by:one path:docs --owner eve --ttl none", 0)?;
    must("lock by:two --owner eve --ttl none", 0)?;
    must("lock mine --owner ada --ttl none", 0)?;
    must("lock past --owner ada --ttl 1ms", 0)?;
    must("lock by:two --wait --timeout 1ms --owner bob --ttl none", 2)?;
    let mut gate = stage.gate("furniture")?;
    let mut guard = stage.start(&stage::guard("bob", "dead", "furniture"))?;
    stage.eventually(|stage| stage.is_up(&gate));
    guard.kill()?;
    guard.wait()?;
    gate.open()?;
    stage.eventually(|stage| stage.witness().contains("out"));
    must("freeze frozen --ttl 24h --owner eve", 0)
}

/// Somebody comes and goes until the log has three segments more.
fn several_segments(store: FileStore) -> Result<FileStore, StoreError> {
    let store = store.with_segment_bytes(1);
    for number in 1..=3 {
        let _granted = driver::run(&store, &Ask::Ask(driver::ask(number, "eve", &["by:turns"])))?;
        let release = Ask::Release {
            lease: LeaseId::new(number),
            by: Identity::named("eve", "proof"),
            proof: Proof::Holder,
        };
        let _released = driver::run(&store, &release)?;
    }
    Ok(store)
}

fn furnish_last_boot(stage: &Stage) -> Result<FileStore, StoreError> {
    // The machine before it was started again.
    let clock = HandClock {
        boot: "the-last-one",
        now_ms: 1_000_000,
    };
    let store = driver::open(&stage.root(), clock)?;
    for (number, owner, names) in [(1, "eve", "by:one"), (2, "ada", "mine")] {
        let ask = Ask::Ask(driver::standing(number, owner, &[names]));
        let _granted = driver::run(&store, &ask)?;
    }
    Ok(store)
}

/// Whether a lease has to do with any of these names.
pub(super) fn is_on(lease: &Lease, names: &[&str]) -> bool {
    let mut claims = lease.claims.iter();
    claims.any(|claim| overlaps(&claim.resource, names))
}

/// Whether a resource has to do with any of these names.
pub(super) fn overlaps(resource: &Resource, names: &[&str]) -> bool {
    let mut names = names.iter().filter_map(|name| Resource::parse(name).ok());
    names.any(|name| resource.overlaps(&name))
}

/// Copies a directory. Sockets, pipes and the like are left out.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, to)?;
        }
    }
    Ok(())
}
