//! What may be worth guarding, where no script guards anything yet: by what lies in the repository.

use super::{Front, recipes};
use crate::scripts;
use crate::ui::quoted;
use leasehold_api::prime::SuggestionInfo;
use std::path::Path;

/// How many are made.
const SUGGESTIONS_MAX: usize = 6;
/// Names of targets and scripts that two agents should not run at once.
const WORTH: [&str; 7] = [
    "build", "test", "lint", "migrate", "deploy", "release", "publish",
];
/// Where migrations lie as a rule.
const MIGRATIONS: [&str; 5] = [
    "migrations",
    "db/migrate",
    "db/migrations",
    "prisma/migrations",
    "alembic/versions",
];
/// Manifests of programming languages, and what builds them.
const MANIFESTS: [(&str, &str); 2] = [("Cargo.toml", "cargo build"), ("go.mod", "go build ./...")];
const PUSH: &str = "'git pull --rebase && git push'";

pub(super) fn of(top: Option<&Path>, common: Option<&Path>, front: Front) -> Vec<SuggestionInfo> {
    let mut made = Suggestions {
        front,
        all: Vec::new(),
        names: Vec::new(),
    };
    if let Some(top) = top {
        made.of_recipes(top);
        for (file, command) in MANIFESTS {
            if top.join(file).is_file() {
                made.guard("build", &format!("-- {command}"), file);
            }
        }
        let migrations = MIGRATIONS.iter().find(|path| top.join(path).is_dir());
        if let Some(path) = migrations {
            made.migrations(path);
        }
    }
    if common.is_some_and(has_remote) {
        made.guard("git-push", &format!("-c {PUSH}"), "there is a git remote");
    }
    if made.all.is_empty() {
        made.guard("build", "-- COMMAND", "an example: nothing here tells more");
    }
    made.all.truncate(SUGGESTIONS_MAX);
    made.all
}

struct Suggestions {
    front: Front,
    all: Vec<SuggestionInfo>,
    /// What has a suggestion already.
    names: Vec<String>,
}

impl Suggestions {
    fn guard(&mut self, name: &str, command: &str, because: &str) {
        if !self.names.iter().any(|known| known == name) {
            let run = format!("{} guard {name} --wait {command}", self.front.program);
            self.add(name, run, because);
        }
    }

    fn add(&mut self, name: &str, run: String, because: &str) {
        self.names.push(name.into());
        let because = because.to_owned();
        self.all.push(SuggestionInfo { run, because });
    }

    /// Targets and scripts of well-known names, at the top.
    fn of_recipes(&mut self, top: &Path) {
        let text = |file: &str| scripts::text(&top.join(file)).unwrap_or_default();
        let of_make = recipes::make(&text("Makefile"));
        let of_npm = recipes::package(&text("package.json"));
        for name in WORTH {
            let is_it = |(own, _): &(String, String)| own == name;
            if of_make.iter().any(is_it) {
                self.guard(name, &format!("-- make {name}"), "a target of the Makefile");
            } else if of_npm.iter().any(is_it) {
                let because = "a script of package.json";
                self.guard(name, &format!("-- npm run {name}"), because);
            }
        }
    }

    /// Who writes a migration needs the next number.
    fn migrations(&mut self, path: &str) {
        let program = self.front.program;
        let name = if self.front.is_lokt {
            "migrations".into()
        } else {
            quoted(&format!("path:{path}"))
        };
        let run = format!("{program} lock {name} --wait --ttl 30m");
        let because = format!("before you add one to {path}; unlock it when it is committed");
        self.add("migrations", run, &because);
    }
}

/// Returns whether the settings of git name a remote.
fn has_remote(common: &Path) -> bool {
    let settings = scripts::text(&common.join("config")).unwrap_or_default();
    let mut lines = settings.lines();
    lines.any(|line| line.trim_start().starts_with("[remote \""))
}
