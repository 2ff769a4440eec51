//! The files of a workspace, changed in one place: nothing panics, and what cannot be understood is an
//! error that names its file.
//!
//! An input is a line with the name of a file, and whether seals are made good (`sealed`) or left as
//! they are (`raw`); then what the file holds. Behind a good seal anything may stand, also what no
//! program of ours wrote; so no more is asked than that it ends in an answer.

use super::corpus::Corpus;
use super::{ensure, mutate, seal};
use crate::Random;
use crate::damage::driver::{self, HandClock};
use leasehold_core::command::Command;
use leasehold_core::freeze::Freeze;
use leasehold_core::view::Key;
use leasehold_core::{Identity, LeaseId, Resource, Timestamp};
use leasehold_store::{Access, Store as _, StoreError};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

/// The name of the workspace in all inputs, in place of the one that was drawn: so that kept ones fit.
const NAME: &str = "00000000000000000000000000000000";

/// A small workspace with something of everything, as files.
type Files = BTreeMap<String, Vec<u8>>;

static TEMPLATE: LazyLock<Result<Files, String>> =
    LazyLock::new(|| furnish().map_err(|error| format!("the workspace to be changed: {error}")));

const fn clock(boot: &'static str, now_ms: u64) -> HandClock {
    HandClock { boot, now_ms }
}

fn place() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
}

fn furnish() -> Result<Files, StoreError> {
    let fail = |error| StoreError::io("furnish", "a temporary directory", error);
    let directory = place().map_err(fail)?;
    let root = directory.path().join("root");
    let store = driver::open(&root, clock("boot", 1_000_000))?;
    let asks = [
        driver::standing(1, "ada", &["build", "path:src/a", "path:docs/*.md"]),
        driver::ask(2, "bob", &["gpu"]),
        driver::waiting(3, "cyd", &["build", "issue:7"]),
        driver::waiting(4, "dan", &["path:src"]),
    ];
    for ask in asks {
        let _answer = driver::run(&store, &Command::Ask(ask))?;
    }
    let _parked = driver::run(&store, &Command::Timeout(LeaseId::new(4)))?;
    let freeze = Freeze {
        id: LeaseId::new(5),
        resource: Resource::parse("deploy").expect("it is a name"),
        until: Some(Timestamp::from_millis(1_000_000_000)),
        since: Timestamp::from_millis(1_000_000),
        who: Identity::named("eve", "proof"),
    };
    let _frozen = driver::run(&store, &Command::Freeze(freeze))?;
    let name = store.written_name().to_string();
    drop(store);
    let mut files = BTreeMap::new();
    collect(&root, "", &mut files).map_err(fail)?;
    for bytes in files.values_mut() {
        *bytes = seal::reseal(&swap(bytes, &name, NAME));
    }
    Ok(files)
}

/// Puts one text in the place of another of the same length.
fn swap(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places = |bytes: &[u8]| {
        bytes
            .windows(old.len())
            .position(|window| window == old.as_bytes())
    };
    while let Some(at) = places(&bytes).filter(|_| old != new) {
        bytes[at..at + old.len()].copy_from_slice(new.as_bytes());
    }
    bytes
}

fn collect(root: &Path, below: &str, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = Path::new(below)
            .join(entry.file_name())
            .to_string_lossy()
            .into_owned();
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else if entry.file_type()?.is_file() {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

pub(super) fn generate(random: &mut Random, corpus: &Corpus) -> Vec<u8> {
    let Ok(template) = &*TEMPLATE else {
        return Vec::new();
    };
    if random.one_in(5) && !corpus.inputs.is_empty() {
        let mut input = random.pick(&corpus.inputs).clone();
        mutate::few(random, &mut input);
        return input;
    }
    let paths: Vec<&str> = template
        .keys()
        .map(String::as_str)
        .filter(|path| *path != "README")
        .collect();
    // The log and the header are as likely as all the records together.
    let path = match random.below(6) {
        0 | 1 => "audit/000001.jsonl",
        2 => "mutex",
        3 => "epoch",
        _ => *random.pick(&paths),
    };
    let mut bytes = template.get(path).cloned().unwrap_or_default();
    for _ in 0..=random.below(3) {
        match random.below(5) {
            0 => mutate::lines(random, &mut bytes),
            1 => mutate::strings(random, &mut bytes),
            2 => mutate::once(random, &mut bytes),
            _ => mutate::number(random, &mut bytes),
        }
    }
    let mode = if random.one_in(4) { "raw" } else { "sealed" };
    [format!("{path} {mode}\n").as_bytes(), &bytes].concat()
}

pub(super) fn check(input: &[u8]) -> Result<(), String> {
    let template = TEMPLATE.as_ref().map_err(Clone::clone)?;
    let line = input
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let content = input.get(line.len() + 1..).unwrap_or_default();
    let words = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.split_once(' '));
    // Whatever is no file of the workspace is no input of this target.
    let Some((path, mode)) = words.filter(|(path, _)| template.contains_key(*path)) else {
        return Ok(());
    };
    let content = if mode == "sealed" {
        seal::reseal(content)
    } else {
        content.to_vec()
    };
    for (boot, now_ms) in [("boot", 1_001_000), ("next", 5_000)] {
        let directory = place().map_err(|error| error.to_string())?;
        let root = directory.path().join("root");
        lay_out(template, &root, path, &content).map_err(|error| error.to_string())?;
        try_all(&root, &clock(boot, now_ms))?;
    }
    Ok(())
}

fn lay_out(template: &Files, root: &Path, changed: &str, content: &[u8]) -> io::Result<()> {
    for (path, bytes) in template {
        let whole = root.join(path);
        if let Some(directory) = whole.parent() {
            fs::create_dir_all(directory)?;
        }
        let bytes = if path == changed { content } else { bytes };
        fs::write(whole, bytes)?;
    }
    Ok(())
}

/// Everything that reads files.
fn try_all(root: &Path, clock: &HandClock) -> Result<(), String> {
    let open = || driver::open(root, clock.clone());
    let load = |access| open()?.load(&[Key::All], access).map(drop);
    let ask = |number, name| {
        let ask = Command::Ask(driver::ask(number, "zoe", &[name]));
        driver::run(&open()?, &ask).map(drop)
    };
    clear(root, load(Access::Read))?;
    clear(root, ask(100, "gpu"))?;
    clear(root, ask(101, "path:src/*"))?;
    clear(root, load(Access::Decide))?;
    clear(root, open().and_then(|store| store.audit(&mut |_| true)))?;
    clear(root, open().and_then(|store| store.verify()).map(drop))?;
    let rebuilt = open().and_then(|store| {
        store.rebuild()?;
        store.verify()
    });
    if let Ok(differences) = &rebuilt {
        ensure(differences.is_empty(), || {
            format!("after a rebuild: {differences:?}")
        })?;
    }
    clear(root, rebuilt.map(drop))?;
    clear(root, open().and_then(|store| store.sweep()).map(drop))
}

/// An error must be one that people can act on.
fn clear(root: &Path, result: Result<(), StoreError>) -> Result<(), String> {
    let Err(error) = result else {
        return Ok(());
    };
    let names_a_file = error.to_string().contains(&*root.to_string_lossy());
    let is_clear = match error {
        StoreError::Damaged { .. } | StoreError::Newer { .. } | StoreError::Io { .. } => {
            names_a_file
        }
        StoreError::Limit { .. } => true,
        _ => false,
    };
    ensure(is_clear, || format!("an unclear error: {error}"))
}
