//! The files of a Lokt, and what becomes of them.

use crate::lokt::Home;
use crate::process::Ran;
use crate::repo::Repo;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// A lock file as Lokt writes one.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) owner: &'static str,
    pub(super) pid: u32,
    pub(super) ttl: Option<Duration>,
    /// When it was written.
    pub(super) age: Duration,
    pub(super) more: &'static str,
}

/// A process that is not there: larger than any number that the kernel gives.
const NOBODY: u32 = 0x3fff_ffff;
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

impl File {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            owner: "ada",
            pid: NOBODY,
            ttl: Some(HOUR),
            age: Duration::ZERO,
            more: "",
        }
    }

    pub(super) fn text(&self) -> String {
        let date = |at: SystemTime| {
            let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            // The dates of the program are not to be tested with its own.
            let mut date = Command::new("date");
            date.args(["-u", "+%FT%T.123456789Z", "-d"])
                .arg(format!("@{seconds}"));
            let ran = date.output().unwrap();
            String::from_utf8(ran.stdout).unwrap().trim_end().to_owned()
        };
        let acquired = SystemTime::now() - self.age;
        let Self {
            name,
            owner,
            pid,
            more,
            ..
        } = self;
        let ttl = self.ttl.map_or_else(String::new, |ttl| {
            let expires = date(acquired + ttl);
            format!(
                ",\n  \"ttl_sec\": {},\n  \"expires_at\": \"{expires}\"",
                ttl.as_secs()
            )
        });
        // An id for each name and owner.
        let id: String = format!("{name}{owner}")
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (id, host) = (format!("{id:0<32}"), host());
        format!(
            "{{\n  \"version\": 1,\n  \"name\": \"{name}\",\n  \"lock_id\": \"{}\",\n  \"owner\": \"{owner}\",\n  \
             \"host\": \"{host}\",\n  \"pid\": {pid},\n  \"agent_id\": \"agent-12ef\",\n  \
             \"acquired_ts\": \"{}\"{ttl}{more}\n}}\n",
            &id[..32],
            date(acquired)
        )
    }
}

impl Home {
    pub(super) fn lokt_root(&self) -> PathBuf {
        self.repo.top().join(".git/lokt")
    }

    /// Puts a file there; returns where.
    pub(super) fn holds(&self, directory: &str, file: &File) -> PathBuf {
        self.writes(&format!("{directory}/{}.json", file.name), &file.text())
    }

    pub(super) fn writes(&self, path: &str, text: &str) -> PathBuf {
        let path = self.lokt_root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn import(&self) -> Ran {
        self.repo.leasehold("import lokt").run()
    }

    /// Returns all files of Lokt's.
    pub(super) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.lokt_root(), &mut files);
        files
    }

    /// Asserts that an import is refused with these words and changes nothing.
    #[track_caller]
    pub(super) fn refuses(&self, code: i32, words: &[&str]) {
        let before = (self.files(), held(&self.repo));
        let ran = self.import().exits(code);
        for word in words {
            assert!(ran.stderr.contains(word), "{word:?} is not said: {ran}");
        }
        assert_eq!((self.files(), held(&self.repo)), before, "{ran}");
        // And Lokt's commands stay refused.
        let ran = self.lokt("bob", "guard other -- true").run().exits(1);
        assert!(ran.stderr.contains("by: lokt import"), "{ran}");
    }
}

fn collect(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for path in fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

/// Returns what is held and frozen: names and owners.
pub(super) fn held(repo: &Repo) -> Vec<String> {
    let status = repo.status("");
    let describe = |entry: &Value| {
        let resource = entry["resources"][0]["resource"].as_str();
        let name = resource.or(entry["resource"].as_str()).unwrap();
        format!("{name} {}", entry["owner"].as_str().unwrap())
    };
    let all = [&status["leases"], &status["freezes"]];
    let all = all
        .iter()
        .flat_map(|list| list.as_array().map_or(&[][..], Vec::as_slice));
    let mut all: Vec<String> = all.map(describe).collect();
    all.sort();
    all
}
