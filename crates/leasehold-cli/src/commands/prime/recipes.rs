//! Commands that have a name: recipes of `make` and `just`, scripts of `package.json`, aliases of git.

use crate::scripts::{Kind, Script, joined};
use crate::ui::quoted;
use leasehold_store_file::discover;
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

/// Returns what runs a recipe.
pub(super) fn run(script: &Script, name: &str) -> String {
    let name = quoted(name);
    let (directory, file) = match script.shown.rsplit_once('/') {
        Some((directory, file)) => (Some(quoted(directory)), file),
        None => (None, script.shown.as_str()),
    };
    let is_found = script.kind == Kind::Package || !file.contains('.');
    match (script.kind, directory) {
        (Kind::Package, None) => format!("npm run {name}"),
        (Kind::Package, Some(directory)) => format!("npm --prefix {directory} run {name}"),
        (Kind::Just, None) if is_found => format!("just {name}"),
        (Kind::Just, _) => format!("just --justfile {} {name}", quoted(&script.shown)),
        (_, None) if is_found => format!("make {name}"),
        (_, Some(directory)) if is_found => format!("make -C {directory} {name}"),
        // A piece that another one includes.
        (_, _) => format!("make {name}"),
    }
}

/// Returns the lines of the recipes of a makefile, each with its target, as a shell gets them.
pub(super) fn make(text: &str) -> Vec<(String, String)> {
    let (mut target, mut found) = (None, Vec::new());
    for (_, line) in joined(text) {
        let recipe = if let Some(name) = rule(&line) {
            target = Some(name);
            // The first line of a recipe may stand behind a `;`.
            line.split_once(';').map(|(_, recipe)| recipe)
        } else {
            line.strip_prefix('\t')
        };
        let recipe = recipe.map(|recipe| recipe.trim_start_matches(['@', '-', '+', ' ', '\t']));
        let recipe = recipe.map(|recipe| recipe.replace("$$", "$"));
        found.extend(recipe.and_then(|recipe| named(target.as_ref(), &recipe)));
    }
    found
}

/// Returns the first target of a rule, if the line is one and the target can be made by its name.
fn rule(line: &str) -> Option<String> {
    let (targets, rest) = line
        .split_once(':')
        .filter(|_| !line.starts_with(['#', '\t']))?;
    let is_variable = targets.contains('=') || rest.trim_start_matches(':').starts_with('=');
    let target = targets.split_whitespace().next()?;
    let is_name = !target.starts_with('.') && !target.contains(['%', '$']);
    // What cannot be made by its name still ends the recipe before it.
    (!is_variable).then(|| {
        if is_name {
            target.into()
        } else {
            String::new()
        }
    })
}

/// The same of a justfile.
pub(super) fn just(text: &str) -> Vec<(String, String)> {
    let (mut name, mut found) = (None, Vec::new());
    for (_, line) in joined(text) {
        if line.starts_with([' ', '\t']) {
            let recipe = line.trim_start_matches(['@', '-', ' ', '\t']);
            found.extend(named(name.as_ref(), recipe));
        } else if let Some((head, rest)) = line.split_once(':')
            && !rest.starts_with('=')
            && !line.starts_with('#')
        {
            let head = head.trim_start_matches('@').split_whitespace().next();
            name = head.map(str::to_owned);
        }
    }
    found
}

fn named(name: Option<&String>, recipe: &str) -> Option<(String, String)> {
    let name = name.filter(|name| !name.is_empty())?;
    Some((name.clone(), recipe.to_owned()))
}

/// Returns the scripts of a `package.json`, each with its name.
pub(super) fn package(text: &str) -> Vec<(String, String)> {
    let package: Value = serde_json::from_str(text).unwrap_or_default();
    let scripts = package["scripts"].as_object().into_iter().flatten();
    let scripts = scripts.filter_map(|(name, line)| Some((name.clone(), line.as_str()?.into())));
    scripts.collect()
}

/// An alias of git that is run by a shell.
pub(super) struct Alias {
    pub(super) name: String,
    /// Where it stands.
    pub(super) file: String,
    pub(super) line: String,
}

/// Returns those in the settings of git, of this clone and of its user. Where several have one name, the
/// last one is git's.
pub(super) fn aliases(common: Option<&Path>) -> Vec<Alias> {
    let mut files = users();
    files.extend(common.map(|common| (common.join("config"), ".git/config".to_owned())));
    let mut found = BTreeMap::new();
    for (path, shown) in files {
        for (name, line) in discover::aliases(&path) {
            found.insert(name, (shown.clone(), line));
        }
    }
    let aliases = found.into_iter().filter_map(|(name, (file, line))| {
        let line = line.strip_prefix('!')?.to_owned();
        Some(Alias { name, file, line })
    });
    aliases.collect()
}

/// The files in which the user's own settings of git are.
fn users() -> Vec<(PathBuf, String)> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(file) = variable("GIT_CONFIG_GLOBAL") {
        return vec![(file.into(), "GIT_CONFIG_GLOBAL".into())];
    }
    let home = variable("HOME").map(PathBuf::from);
    let settings = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let settings = settings.or_else(|| Some(home.as_ref()?.join(".config")));
    let first = settings.map(|path| (path.join("git/config"), "~/.config/git/config".to_owned()));
    let second = home.map(|path| (path.join(".gitconfig"), "~/.gitconfig".to_owned()));
    first.into_iter().chain(second).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &[(String, String)], expected: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, line)| (name.as_str(), line.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn recipes_of_make_have_their_target() {
        let text = "X := a:b\n\tno\n.PHONY: a\n\na b: c\n# c:\n\t@-x $$y \\\n\t z\n%.o: %.c\n\tno\nd::\n\te:f\ng: h; @i\n\tj\n";
        let expected = [("a", "x $y \t z"), ("d", "e:f"), ("g", "i"), ("g", "j")];
        check(&make(text), &expected);
    }

    #[test]
    fn recipes_of_just_have_their_name() {
        let text = "x := \"a:b\"\n# c: d\n@build target='x': dep\n    @-make {{target}}\n\n[private]\ntest:\n  a\n";
        check(&just(text), &[("build", "make {{target}}"), ("test", "a")]);
    }

    #[test]
    fn scripts_of_a_package_have_their_name() {
        check(
            &package(r#"{"scripts": {"a": "b", "c": 1}}"#),
            &[("a", "b")],
        );
        for text in ["", "[]", "{", r#"{"scripts": 1}"#] {
            check(&package(text), &[]);
        }
    }
}
