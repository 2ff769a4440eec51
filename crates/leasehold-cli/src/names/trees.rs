//! The work trees of a repository, which share their names: a file of any of them is named from the top
//! of the one that it is in.

use super::real::{real, target};
use crate::error::CliError;
use leasehold_core::Resource;
use leasehold_store::StoreError;
use leasehold_store_file::discover;
use std::io::{
    self,
    ErrorKind::{Other, PermissionDenied},
};
use std::path::{Path, PathBuf};

/// The work trees of the repository around.
#[derive(Clone, Debug)]
pub(super) struct Trees {
    /// Their tops, without links.
    tops: Vec<PathBuf>,
    /// The directory that they share.
    repository: Option<PathBuf>,
}

impl Trees {
    /// Finds the work trees, the one around us first, which need not be one of a repository.
    pub(super) fn find(top: Option<&Path>, repository: Option<&Path>) -> Result<Self, CliError> {
        let known = match repository {
            Some(common) => discover::work_trees(common)?,
            None => Vec::new(),
        };
        let tops = top.map(Path::to_path_buf).into_iter().chain(known);
        let mut siblings = Siblings::default();
        let resolved = tops.map(|top| match siblings.real(&top) {
            // A tree that we may not look into is taken at its word, and so is a circle of links.
            Err(error) if matches!(error.kind(), PermissionDenied | Other) => Ok(top),
            real => real.map_err(|error| StoreError::io("resolve", &top, error)),
        });
        Ok(Self {
            tops: resolved.collect::<Result<_, _>>()?,
            repository: repository.map(Path::to_path_buf),
        })
    }

    /// Returns a real path as it is called in all work trees; outside of them, absolute. Work trees may
    /// lie in one another: the innermost counts.
    pub(super) fn name<'a>(&self, place: &'a Path) -> Result<&'a Path, StoreError> {
        let around = self.tops.iter().filter(|top| place.starts_with(top));
        let innermost = around.max_by_key(|top| top.as_os_str().len());
        let top = match (innermost, &self.repository) {
            (Some(top), _) => Some(top.as_path()),
            (None, Some(common)) => discover::work_tree_around(place, common)?,
            (None, None) => None,
        };
        let name = top.and_then(|top| place.strip_prefix(top).ok());
        Ok(name.unwrap_or(place))
    }

    /// Returns what a pattern that starts at a place is about in those work trees that lie below that
    /// place, as it is called there.
    pub(super) fn below(&self, place: &Path, pattern: &str) -> Vec<String> {
        let segments = pattern.split('/');
        let pattern: Vec<&str> = segments
            .filter(|segment| !matches!(*segment, "" | "."))
            .collect();
        let ways = self
            .tops
            .iter()
            .filter_map(|top| top.strip_prefix(place).ok());
        ways.flat_map(|way| left_of(&pattern, way)).collect()
    }
}

/// Resolves paths of which many lie in one directory, as worktrees do: that is resolved once.
#[derive(Default)]
struct Siblings {
    parent: Option<(PathBuf, PathBuf)>,
}

impl Siblings {
    fn real(&mut self, path: &Path) -> io::Result<PathBuf> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return real(path);
        };
        let known = self.parent.take().filter(|(known, _)| known == parent);
        let resolved = match known {
            Some((_, resolved)) => resolved,
            None => real(parent)?,
        };
        let place = resolved.join(name);
        self.parent = Some((parent.into(), resolved));
        match target(&place)? {
            None => Ok(place),
            Some(_) => real(&place),
        }
    }
}

/// Returns what is left of a pattern behind a directory that it may lead through: patterns that
/// together match there what the whole one does.
fn left_of(pattern: &[&str], directory: &Path) -> Vec<String> {
    let mut reached = vec![0];
    skip_any(pattern, &mut reached);
    for name in directory {
        if reached.contains(&pattern.len()) {
            // It ends above, and everything below belongs to it.
            return vec![".".into()];
        }
        let mut next = Vec::new();
        for at in reached {
            if pattern[at] == "**" {
                next.push(at);
            } else if is_match(pattern[at], &name.to_string_lossy()) {
                next.push(at + 1);
            }
        }
        next.dedup();
        skip_any(pattern, &mut next);
        reached = next;
    }
    let left = reached.into_iter().map(|at| pattern[at..].join("/"));
    left.map(|text| if text.is_empty() { ".".into() } else { text })
        .collect()
}

/// Adds what is reached as well because `**` may stand for no directory at all.
fn skip_any(pattern: &[&str], reached: &mut Vec<usize>) {
    let mut at = 0;
    while let Some(place) = reached.get(at).copied() {
        if pattern.get(place) == Some(&"**") && !reached.contains(&(place + 1)) {
            reached.push(place + 1);
        }
        at += 1;
    }
}

/// Returns whether a segment of a pattern may match a name. A name that none can have is taken to.
fn is_match(segment: &str, name: &str) -> bool {
    let segment = Resource::parse(&format!("path:{segment}"));
    let name = Resource::literal_path(name);
    let (Ok(segment), Ok(name)) = (segment, name) else {
        return true;
    };
    segment.overlaps(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, directory: &str, expected: &[&str]) {
        let trees = Trees {
            tops: vec![Path::new("/top").join(directory)],
            repository: None,
        };
        assert_eq!(
            trees.below(Path::new("/top"), pattern),
            expected,
            "{pattern} in {directory}"
        );
    }

    #[test]
    fn a_pattern_goes_on_in_a_tree_below() {
        check("", "wt", &["."]);
        check("*", "wt", &["."]);
        check("*/f", "wt", &["f"]);
        check("w?/a*/./b", "wt", &["a*/b"]);
        check("x*/f", "wt", &[]);
        check("*", "trees/wt", &["."]);
        check("*/f", "trees/wt", &[]);
        check("*/*/f", "trees/wt", &["f"]);
        check("**", "trees/wt", &["."]);
        check("**/f", "trees/wt", &["**/f", "f"]);
        check("**/wt/f", "trees/wt", &["**/wt/f", "f", "wt/f"]);
        check("**/wt", "trees/wt/deep", &["."]);
        check("a/**/b", "a/x", &["**/b", "b"]);
        check("a/**/b", "x/a", &[]);
    }

    #[test]
    fn siblings_are_resolved_as_each_of_them() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join("trees/a")).unwrap();
        for (link, to) in [
            ("link", "trees"),
            ("trees/b", "../else/b"),
            ("trees/c", "c"),
        ] {
            std::os::unix::fs::symlink(to, home.join(link)).unwrap();
        }
        let mut siblings = Siblings::default();
        for name in [
            "link/a",
            "link/b",
            "link/new",
            "trees/a",
            "link/../x",
            "link",
            "link/a/..",
        ] {
            let path = home.join(name);
            assert_eq!(
                siblings.real(&path).unwrap(),
                real(&path).unwrap(),
                "{name}"
            );
        }
        assert!(siblings.real(&home.join("link/c")).is_err());
        assert_eq!(siblings.real(Path::new("/")).unwrap(), Path::new("/"));
    }

    #[test]
    fn the_innermost_tree_counts() {
        let tops = ["/top", "/top/wt", "/top/wt/in/side", "/top2"].map(PathBuf::from);
        let trees = Trees {
            tops: tops.into(),
            repository: None,
        };
        for (place, name) in [
            ("/top/a", "a"),
            ("/top/wt/a", "a"),
            ("/top/wt/in/a", "in/a"),
            ("/top/wt/in/side/a", "a"),
            ("/top/wt", ""),
            ("/top2/a", "a"),
            ("/top3/a", "/top3/a"),
            ("/", "/"),
        ] {
            assert_eq!(
                trees.name(Path::new(place)).unwrap(),
                Path::new(name),
                "{place}"
            );
        }
    }
}
