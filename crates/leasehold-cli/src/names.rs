//! Resources as people type them.
//!
//! A path starts at the top of the repository, wherever one stands, so that it can be pasted from any
//! message; `./` and `../` start where one stands (the rule of git's `REVISION:PATH`). Paths are made
//! comparable once, here (law L3): `real` resolves `..` and symbolic links, `trees` finds the work tree
//! that a file is in, and its name is relative to the top of that one, the same in all of them. The
//! kernel only sees the result.

mod real;
mod trees;

use crate::error::CliError;
use crate::ui::quoted;
use leasehold_api::duration;
use leasehold_core::Resource;
use leasehold_core::resource::ResourceError;
use real::{real, target};
use std::cell::OnceCell;
use std::io;
use std::path::{Component, Path, PathBuf};
use trees::Trees;

/// Where paths are seen from.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// Where the person stands.
    directory: PathBuf,
    /// The top of the work tree, where there is one.
    pub(crate) top: Option<PathBuf>,
    /// The directory that all work trees of the repository share, where there is one.
    repository: Option<PathBuf>,
    /// A directory whose files are named from there, also by who stands elsewhere.
    around: Option<PathBuf>,
    /// Looked for when the first path is named: plain names do without.
    trees: OnceCell<Trees>,
}

/// What a name means.
#[derive(Debug)]
pub(crate) struct Named {
    /// What it says.
    pub(crate) resource: Resource,
    /// What else it is about: a link also what it leads to, and what is above a work tree also what is
    /// in that, which goes by names of its own.
    pub(crate) also: Vec<Resource>,
}

impl Named {
    /// Returns all of it.
    pub(crate) fn all(self) -> impl Iterator<Item = Resource> {
        [self.resource].into_iter().chain(self.also)
    }

    fn add(&mut self, resource: Resource) {
        let is_known = |known: &Resource| known.contains(&resource);
        if !is_known(&self.resource) && !self.also.iter().any(is_known) {
            self.also.push(resource);
        }
    }
}

/// The kinds whose names are easily taken for files.
const PLAIN_KINDS: [&str; 2] = ["name", "file"];

impl Base {
    pub(crate) const fn new(
        directory: PathBuf,
        top: Option<PathBuf>,
        repository: Option<PathBuf>,
    ) -> Self {
        Self {
            directory,
            top,
            repository,
            around: None,
            trees: OnceCell::new(),
        }
    }

    /// The same, with another directory whose files are named from there.
    pub(crate) fn naming_from(self, around: Option<PathBuf>) -> Self {
        Self { around, ..self }
    }

    /// Returns the same, with nothing remembered of what was there.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            trees: OnceCell::new(),
            ..self.clone()
        }
    }

    /// Reads a resource.
    pub(crate) fn parse(&self, text: &str) -> Result<Resource, CliError> {
        Ok(self.named(text)?.resource)
    }

    /// Reads a resource, and finds out what else the name is about.
    pub(crate) fn named(&self, text: &str) -> Result<Named, CliError> {
        let Some(path) = text.strip_prefix("path:") else {
            let resource = Resource::parse(text).map_err(|error| refused(text, &error))?;
            let also = Vec::new();
            return Ok(Named { resource, also });
        };
        check_text(text, path)?;
        let (literal, pattern) = split_at_wildcard(path);
        let unresolved = |error| CliError::usage(format!("{text:?} cannot be resolved: {error}"));
        let place = self.place(&unescaped(literal), pattern.is_none());
        let place = place.map_err(unresolved)?;
        let mut named = Named {
            resource: self.resource(text, &place, pattern)?,
            also: Vec::new(),
        };
        self.add_below(text, &mut named, &place, pattern)?;
        if pattern.is_none() && target(&place).map_err(unresolved)?.is_some() {
            let place = real(&place).map_err(unresolved)?;
            named.add(self.resource(text, &place, None)?);
            self.add_below(text, &mut named, &place, None)?;
        }
        Ok(named)
    }

    /// Says so where a plain name looks like one of a file, as a lease on the name protects no path, and
    /// where a path looks like one from where one stands. `name:` in front says that the name is meant.
    pub(crate) fn doubt(&self, text: &str) -> Option<String> {
        let name = match text.split_once(':') {
            None => text,
            Some(("file", name)) => name,
            Some(("path", path)) => return self.doubt_path(path),
            Some(_) => return None,
        };
        let path = || quoted(&self.file(name));
        if name.contains(['*', '?']) {
            let path = path();
            return Some(format!(
                "`{text}` is a plain name, wildcards are for paths: for files say {path}"
            ));
        }
        if name == text && duration::parse(name).is_ok() {
            return Some(format!(
                "`{name}` is a name here and not a time: for how long say --ttl {name} (name:{name} is the \
                 name, without this note)"
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

    /// Says so where a path that starts at the top is not there, but would be if it started where one
    /// stands: a lease on the wrong one protects nothing, and nothing else tells.
    fn doubt_path(&self, path: &str) -> Option<String> {
        let top = self.top.as_ref().filter(|top| **top != self.directory)?;
        let literal = unescaped(split_at_wildcard(path).0);
        let begin = Path::new(&literal).components().next();
        if !matches!(begin, Some(Component::Normal(_))) {
            return None;
        }
        let is_in = |directory: &Path| directory.join(&literal).symlink_metadata().is_ok();
        (is_in(&self.directory) && !is_in(top)).then(|| {
            let here = quoted(&format!("path:./{path}"));
            format!(
                "`path:{path}` starts at the top of the repository, where there is none: for the one here \
                 say {here}"
            )
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

    /// Resolves a path without wildcards. Of a whole one the last name is kept, also where it is a link:
    /// renaming or replacing the link is about the link.
    fn place(&self, path: &str, keep_last: bool) -> io::Result<PathBuf> {
        let from_here = path == ".." || path.starts_with("./") || path.starts_with("../");
        let start = self
            .top
            .as_ref()
            .filter(|_| !from_here)
            .unwrap_or(&self.directory);
        let whole = start.join(path);
        match (whole.parent(), Path::new(path).components().next_back()) {
            (Some(parent), Some(Component::Normal(last))) if keep_last => {
                Ok(real(parent)?.join(last))
            }
            _ => real(&whole),
        }
    }

    /// Makes the resource of a place, or of a pattern that starts there, as all work trees name it.
    fn resource(
        &self,
        text: &str,
        place: &Path,
        pattern: Option<&str>,
    ) -> Result<Resource, CliError> {
        let name = self.trees()?.name(place)?;
        let name = name.to_str().ok_or_else(|| {
            CliError::usage(format!(
                "{text:?} leads to {}, which is not valid UTF-8",
                name.display()
            ))
        })?;
        let name = if name.is_empty() { "." } else { name };
        let whole = Resource::literal_path(name).map_err(|error| refused(text, &error))?;
        let Some(pattern) = pattern else {
            return Ok(whole);
        };
        let head = match whole.rest() {
            "." => String::new(),
            "/" => "/".into(),
            head => format!("{head}/"),
        };
        Resource::parse(&format!("path:{head}{pattern}")).map_err(|error| refused(text, &error))
    }

    /// Adds what a place, or a pattern that starts there, is about in work trees below.
    fn add_below(
        &self,
        text: &str,
        named: &mut Named,
        place: &Path,
        pattern: Option<&str>,
    ) -> Result<(), CliError> {
        for left in self.trees()?.below(place, pattern.unwrap_or("")) {
            let resource = Resource::parse(&format!("path:{left}"));
            named.add(resource.map_err(|error| refused(text, &error))?);
        }
        Ok(())
    }

    fn trees(&self) -> Result<&Trees, CliError> {
        if let Some(trees) = self.trees.get() {
            return Ok(trees);
        }
        let trees = Trees::find(
            self.top.as_deref().or(self.around.as_deref()),
            self.repository.as_deref(),
        )?;
        Ok(self.trees.get_or_init(|| trees))
    }
}

/// Checks a path as a whole, so that a mistake is named as it was typed.
fn check_text(text: &str, path: &str) -> Result<(), CliError> {
    let checkable: Vec<&str> = path.split('/').filter(|segment| *segment != "..").collect();
    let checkable = match checkable.join("/") {
        rest if rest.is_empty() && !path.is_empty() => ".".into(),
        rest => rest,
    };
    Resource::parse(&format!("path:{checkable}")).map_err(|error| refused(text, &error))?;
    let (_, pattern) = split_at_wildcard(path);
    if pattern.is_some_and(|pattern| pattern.split('/').any(|segment| segment == "..")) {
        let error = format!("{text:?}: `..` after a wildcard leads nowhere certain");
        return Err(CliError::usage(error).hint("write the path without `..`"));
    }
    Ok(())
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

#[cfg(test)]
mod tests;
