//! Resources as people type them.
//!
//! A path starts at the top of the repository, wherever one stands, so that it can be pasted from any
//! message; `./` and `../` start where one stands (the rule of git's `REVISION:PATH`). Paths are made
//! comparable once, here (law L3): `..` and symbolic links of parents resolved, then relative to the
//! repository, the same in all its worktrees. The kernel only sees the result.

use crate::error::CliError;
use crate::ui::quoted;
use leasehold_core::Resource;
use leasehold_core::resource::ResourceError;
use leasehold_store_file::discover;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Where paths are seen from.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// Where the person stands.
    pub(crate) directory: PathBuf,
    /// The top of the work tree, where there is one.
    pub(crate) top: Option<PathBuf>,
    /// The directory that all work trees of the repository share, where there is one.
    pub(crate) repository: Option<PathBuf>,
}

/// The kinds whose names are easily taken for files.
const PLAIN_KINDS: [&str; 2] = ["name", "file"];

impl Base {
    /// Reads a resource.
    pub(crate) fn parse(&self, text: &str) -> Result<Resource, CliError> {
        match text.strip_prefix("path:") {
            Some(path) => self.path(text, path),
            None => Resource::parse(text).map_err(|error| refused(text, &error)),
        }
    }

    fn path(&self, text: &str, path: &str) -> Result<Resource, CliError> {
        // The whole text is checked first, so that a mistake is named as it was typed.
        let checkable: Vec<&str> = path.split('/').filter(|segment| *segment != "..").collect();
        let checkable = Some(checkable.join("/")).filter(|rest| !rest.is_empty());
        let checkable = if path.is_empty() {
            ""
        } else {
            checkable.as_deref().unwrap_or(".")
        };
        Resource::parse(&format!("path:{checkable}")).map_err(|error| refused(text, &error))?;
        let (literal, pattern) = split_at_wildcard(path);
        if pattern.is_some_and(|pattern| pattern.split('/').any(|segment| segment == "..")) {
            return Err(CliError::usage(format!(
                "{text:?}: `..` after a wildcard leads nowhere certain"
            ))
            .hint("write the path without `..`"));
        }
        let real = self.resolve(&unescaped(literal), pattern.is_none());
        let real =
            real.map_err(|error| CliError::usage(format!("{text:?} cannot be resolved: {error}")))?;
        let place = self.seen_from_the_top(&real);
        let place = place.to_str().ok_or_else(|| {
            CliError::usage(format!(
                "{text:?} leads to {}, which is not valid UTF-8",
                real.display()
            ))
        })?;
        let place = if place.is_empty() { "." } else { place };
        let whole = Resource::literal_path(place).map_err(|error| refused(text, &error))?;
        let Some(pattern) = pattern else {
            return Ok(whole);
        };
        let head = if whole.rest() == "." {
            ""
        } else {
            whole.rest()
        };
        let slash = if head.is_empty() || head.ends_with('/') {
            ""
        } else {
            "/"
        };
        Resource::parse(&format!("path:{head}{slash}{pattern}"))
            .map_err(|error| refused(text, &error))
    }

    /// Says so where a plain name looks like one of a file: a lease on the name protects no path.
    /// `name:` in front says that the name is meant.
    pub(crate) fn doubt(&self, text: &str) -> Option<String> {
        let name = match text.split_once(':') {
            None => text,
            Some(("file", name)) => name,
            Some(_) => return None,
        };
        let path = || quoted(&self.file(name));
        if name.contains(['*', '?']) {
            let path = path();
            return Some(format!(
                "`{text}` is a plain name, wildcards are for paths: for files say {path}"
            ));
        }
        let file = self.directory.join(name);
        let is_file = file.symlink_metadata().is_ok_and(|found| found.is_file());
        is_file.then(|| {
            let (path, bare) = (path(), name == text);
            let name = quoted(&format!("name:{name}"));
            let silent = format!(" ({name} is the name, without this note)");
            let silent = if bare { silent } else { String::new() };
            format!("`{text}` is a name here and not the file: for the file say {path}{silent}")
        })
    }

    /// Returns the path that a plain name may be meant for.
    pub(crate) fn path_of(&self, name: &Resource) -> Option<Resource> {
        let is_plain = PLAIN_KINDS.contains(&name.kind());
        is_plain
            .then(|| self.parse(&self.file(name.rest())).ok())
            .flatten()
    }

    /// Returns how a file is called that is seen from here.
    fn file(&self, name: &str) -> String {
        let is_here = self.top.as_ref().is_none_or(|top| *top == self.directory);
        let start = if is_here { "" } else { "./" };
        format!("path:{start}{name}")
    }

    /// Returns what else a path is about: one above the repository covers the whole repository, which
    /// goes by names of its own, and one that is a link is also what it leads to.
    pub(crate) fn also(&self, resource: &Resource) -> Option<Resource> {
        let path = resource.as_path()?;
        let top = self.top.as_deref().and_then(|top| canonical(top).ok());
        if path.is_absolute() {
            // Whichever work tree it is: the files go by the same names.
            let trees = self.repository.as_deref().map(discover::work_trees);
            let trees = trees
                .into_iter()
                .flatten()
                .filter_map(|tree| canonical(&tree).ok());
            let mut trees = top.clone().into_iter().chain(trees);
            if trees.any(|tree| tree.starts_with(path.literal_prefix())) {
                return Resource::literal_path(".").ok();
            }
        }
        let place = top
            .as_ref()
            .unwrap_or(&self.directory)
            .join(path.literal_prefix());
        let is_link = path.is_literal() && place.is_symlink();
        let target = is_link.then(|| canonical(&place).ok()).flatten()?;
        let seen = self.seen_from_the_top(&target).to_str()?;
        Resource::literal_path(if seen.is_empty() { "." } else { seen }).ok()
    }

    /// Resolves `.`, `..` and symbolic links. Of a whole path the last name is kept, also where it is
    /// a link: renaming or replacing the link is about the link.
    fn resolve(&self, path: &str, keep_last: bool) -> io::Result<PathBuf> {
        let from_here = path == ".." || path.starts_with("./") || path.starts_with("../");
        let start = self
            .top
            .as_ref()
            .filter(|_| !from_here)
            .unwrap_or(&self.directory);
        let path = start.join(path);
        match (path.parent(), path.components().next_back()) {
            (Some(parent), Some(Component::Normal(last))) if keep_last => {
                Ok(canonical(parent)?.join(last))
            }
            _ => canonical(&path),
        }
    }

    /// Returns a path as all worktrees of the repository name it, also where it leads into another one
    /// than this, beside it or inside it; outside of them, absolute.
    fn seen_from_the_top<'a>(&self, real: &'a Path) -> &'a Path {
        let top = self.top.as_deref().and_then(|top| canonical(top).ok());
        let top = top.filter(|top| real.starts_with(top));
        let other = self
            .repository
            .as_deref()
            .and_then(|repository| discover::work_tree_around(real, repository, top.as_deref()));
        other
            .or(top.as_deref())
            .and_then(|top| real.strip_prefix(top).ok())
            .unwrap_or(real)
    }
}

fn refused(text: &str, error: &ResourceError) -> CliError {
    let hint = error.hint();
    let error = CliError::usage(format!("{text:?} names no resource: {error}"));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Splits a pattern before the first segment with a wildcard.
fn split_at_wildcard(path: &str) -> (&str, Option<&str>) {
    let mut escaped = false;
    let mut segment = 0;
    for (at, c) in path.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '/' => segment = at + 1,
            '*' | '?' => return (&path[..segment], Some(&path[segment..])),
            _ => {}
        }
    }
    (path, None)
}

/// Takes the escapes out of a pattern without wildcards.
fn unescaped(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        text.push(if c == '\\' {
            characters.next().unwrap_or(c)
        } else {
            c
        });
    }
    text
}

/// Resolves as much of a path as there is, and takes the rest as it is written.
fn canonical(path: &Path) -> io::Result<PathBuf> {
    let error = match std::fs::canonicalize(path) {
        Ok(real) => return Ok(real),
        Err(error) => error,
    };
    let absent = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    );
    let Some(parent) = path.parent().filter(|_| absent) else {
        return Err(error);
    };
    let mut real = canonical(parent)?;
    match path.components().next_back() {
        Some(Component::ParentDir) => {
            real.pop();
        }
        Some(Component::Normal(name)) => real.push(name),
        _ => {}
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A repository with `src/auth`, a link `link` to `src` and a link `out` that leads outside.
    fn repository() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap().join("repo");
        fs::create_dir_all(top.join("src/auth")).unwrap();
        symlink("src", top.join("link")).unwrap();
        symlink("/etc", top.join("out")).unwrap();
        (dir, top)
    }

    fn check(directory: &str, text: &str, expected: &str) {
        let (_dir, top) = repository();
        let base = Base {
            directory: top.join(directory),
            top: Some(top),
            repository: None,
        };
        assert_eq!(
            base.parse(text).unwrap().to_string(),
            expected,
            "{text} in {directory:?}"
        );
    }

    #[test]
    fn paths_are_seen_from_the_top() {
        check("", "path:src/auth", "path:src/auth");
        check("src", "path:src/auth", "path:src/auth");
        check("src", "path:./auth", "path:src/auth");
        check("src/auth", "path:../../README.md", "path:README.md");
        check("src", "path:./", "path:src");
        check("src", "path:.", "path:.");
        check("src", "path:..", "path:.");
        check("", "path:src//auth/./", "path:src/auth");
        check("", "path:not/there/../yet", "path:not/yet");
    }

    #[test]
    fn links_of_parents_are_resolved_and_the_last_name_is_kept() {
        check("", "path:link/auth", "path:src/auth");
        check("", "path:link", "path:link");
        check("", "path:link/*.rs", "path:src/*.rs");
        check("", "path:out/passwd", "path:/etc/passwd");
    }

    #[test]
    fn what_is_outside_is_a_tree_of_its_own() {
        check("", "path:/etc/hosts", "path:/etc/hosts");
        check("", "path:/", "path:/");
    }

    #[test]
    fn a_link_is_also_what_it_leads_to() {
        let (_dir, top) = repository();
        let base = Base {
            directory: top.clone(),
            top: Some(top),
            repository: None,
        };
        let also = |text: &str| {
            base.also(&base.parse(text).unwrap())
                .map(|also| also.to_string())
        };
        assert_eq!(also("path:link").as_deref(), Some("path:src"));
        assert_eq!(also("path:link/").as_deref(), Some("path:src"));
        assert_eq!(also("path:out").as_deref(), Some("path:/etc"));
        assert_eq!(also("path:src"), None);
    }

    #[test]
    fn what_is_above_the_repository_covers_it() {
        let (_dir, top) = repository();
        let base = Base {
            directory: top.join("src"),
            top: Some(top.clone()),
            repository: None,
        };
        for text in [
            "path:/",
            "path:../..",
            "path:/**/x",
            &format!("path:{}", top.parent().unwrap().display()),
        ] {
            let also = base
                .also(&base.parse(text).unwrap())
                .map(|also| also.to_string());
            assert_eq!(also.as_deref(), Some("path:."), "{text}");
        }
        for text in ["path:src", "path:/etc", "path:.", "name:/"] {
            assert_eq!(base.also(&base.parse(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn patterns_are_kept_and_their_heads_resolved() {
        check("src", "path:**/*.rs", "path:**/*.rs");
        check("src", "path:./**/*.rs", "path:src/**/*.rs");
        check("src", "path:../docs/*", "path:docs/*");
        check("", "path:*", "path:*");
        check("", r"path:a\*b", r"path:a\*b");
        check("", "path:app/[id]/page.tsx", "path:app/[id]/page.tsx");
    }

    #[test]
    fn mistakes_are_named_as_typed() {
        let (_dir, top) = repository();
        let base = Base {
            directory: top.clone(),
            top: Some(top),
            repository: None,
        };
        for (text, part) in [
            ("src/auth", "names no resource"),
            ("path:a**b", "names no resource"),
            ("path:*/../x", "after a wildcard"),
            ("path:", "needs"),
            ("", "needs"),
        ] {
            let error = base.parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
    }
}
