//! Where a path leads: `.`, `..` and symbolic links resolved one by one, as the kernel does it.
//!
//! The path need not be there. A link to what is absent leads to where it points all the same: a file
//! that is written through it comes into being there.

use rustix::io::Errno;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

/// How many links the kernel follows in one path (path_resolution(7)).
const LINKS_MAX: u32 = 40;

/// Resolves a path, which has to be absolute. What is absent is taken as it is written.
pub(super) fn real(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::from("/");
    let mut left = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        match part {
            Part::Root => real = PathBuf::from("/"),
            // What is there so far has no links in it: its parent is the one that is written.
            Part::Parent => {
                real.pop();
            }
            Part::Name(name) => {
                real.push(name);
                let Some(target) = target(&real)? else {
                    continue;
                };
                links += 1;
                if links > LINKS_MAX {
                    return Err(circle(path, &real));
                }
                real.pop();
                left.extend(parts(&target));
            }
        }
    }
    Ok(real)
}

/// Returns what a link points to; nothing for all that is no link, or not there.
pub(super) fn target(path: &Path) -> io::Result<Option<PathBuf>> {
    match rustix::fs::readlink(path, Vec::new()) {
        Ok(target) => Ok(Some(OsString::from_vec(target.into_bytes()).into())),
        Err(Errno::INVAL | Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => {
            let error = io::Error::from(errno);
            let text = format!("{}: {error}", path.display());
            Err(io::Error::new(error.kind(), text))
        }
    }
}

fn circle(path: &Path, link: &Path) -> io::Error {
    let (path, link) = (path.display(), link.display());
    io::Error::other(format!(
        "{path}: more than {LINKS_MAX} symbolic links, or a circle of them, at {link}"
    ))
}

enum Part {
    Root,
    Parent,
    Name(OsString),
}

/// Takes a path apart, the first part last.
fn parts(path: &Path) -> Vec<Part> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::RootDir => Some(Part::Root),
        Component::ParentDir => Some(Part::Parent),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn home() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().canonicalize().unwrap();
        (directory, home)
    }

    /// Whatever there is, the C library has the last word.
    #[test]
    fn resolves_as_realpath_does() {
        let (_directory, home) = home();
        fs::create_dir_all(home.join("a/b/c")).unwrap();
        fs::write(home.join("a/file"), "").unwrap();
        let links = [
            ("down", "a/b"),
            ("a/up", ".."),
            ("a/b/deep", "../../down/c"),
            ("all", "/"),
            ("chain", "a/up/down/deep"),
            ("a/b/c/far", "../../../chain/../../file"),
            ("self", "."),
        ];
        for (link, target) in links {
            symlink(target, home.join(link)).unwrap();
        }
        let names = [
            "a", "b", "c", "file", "down", "up", "deep", "chain", "far", "self", "..", ".",
        ];
        let mut there = 0;
        for number in 0..names.len().pow(4) {
            let words = (0..4).map(|place| names[number / names.len().pow(place) % names.len()]);
            let path = home.join(words.collect::<Vec<_>>().join("/"));
            if let Ok(expected) = fs::canonicalize(&path) {
                there += 1;
                assert_eq!(real(&path).unwrap(), expected, "{}", path.display());
            }
        }
        assert!(there > 300, "only {there} of the paths are there");
        let root = home
            .join("all")
            .join(home.strip_prefix("/").unwrap())
            .join("a");
        assert_eq!(real(&root).unwrap(), home.join("a"));
    }

    /// What is absent is where it will be once it is made.
    #[test]
    fn a_link_to_nothing_leads_to_where_it_points() {
        let (_directory, home) = home();
        for (link, target) in [
            ("link", "real"),
            ("out", "build/out"),
            ("again", "out/link"),
        ] {
            symlink(target, home.join(link)).unwrap();
        }
        let check = |path: &str, expected: &str| {
            assert_eq!(
                real(&home.join(path)).unwrap(),
                home.join(expected),
                "{path}"
            );
        };
        check("link", "real");
        check("out/x", "build/out/x");
        check("again/y/z", "build/out/link/y/z");
        check("out/../x", "build/x");
        check("out/../../link", "real");
        check("not/there/../yet", "not/yet");
        // The directory is there now, and what is made through the links is found there.
        fs::create_dir_all(home.join("build/out")).unwrap();
        fs::write(home.join("link"), "").unwrap();
        assert!(home.join("real").is_file());
        check("out/x", "build/out/x");
    }

    #[test]
    fn a_circle_is_an_error_that_names_it() {
        let (_directory, home) = home();
        symlink("there", home.join("here")).unwrap();
        symlink("here", home.join("there")).unwrap();
        let error = real(&home.join("here/x")).unwrap_err().to_string();
        assert!(error.contains("here/x: more than 40"), "{error}");
        // As many as the kernel follows are followed.
        symlink("end", home.join("link0")).unwrap();
        for number in 1..=40 {
            let target = format!("link{}", number - 1);
            symlink(target, home.join(format!("link{number}"))).unwrap();
        }
        fs::write(home.join("end"), "").unwrap();
        for number in [38, 39, 40] {
            let path = home.join(format!("link{number}"));
            assert_eq!(
                real(&path).ok(),
                fs::canonicalize(&path).ok(),
                "link{number}"
            );
        }
    }
}
