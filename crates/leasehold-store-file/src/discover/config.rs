//! The few settings of a repository that tell where its work tree is, read without starting git.
//!
//! What is not well-formed is passed over: git itself refuses to work there.

use super::is_absent;
use leasehold_store::StoreError;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// What a repository says of its main work tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// `core.bare`: there is none.
    pub(super) is_bare: bool,
    /// `core.worktree`, as it is written: it may start at the git directory.
    pub(super) work_tree: Option<OsString>,
    /// `extensions.worktreeConfig`: `config.worktree` counts too.
    has_second: bool,
}

impl Settings {
    /// Reads the settings of the git directory of a main work tree. As for git, files that the
    /// configuration includes do not count here.
    pub(super) fn of(git_dir: &Path) -> Result<Self, StoreError> {
        let mut settings = Self::default();
        settings.take(&git_dir.join("config"))?;
        if settings.has_second {
            settings.take(&git_dir.join("config.worktree"))?;
        }
        Ok(settings)
    }

    fn take(&mut self, path: &Path) -> Result<(), StoreError> {
        let text = match fs::read(path) {
            Err(error) if is_absent(&error) => return Ok(()),
            text => text.map_err(|error| StoreError::io("read", path, error))?,
        };
        for (name, value) in variables(&text) {
            match name.as_slice() {
                b"core.bare" => self.is_bare = is_true(value.as_deref()),
                b"core.worktree" => self.work_tree = value.map(OsString::from_vec),
                b"extensions.worktreeconfig" => self.has_second = is_true(value.as_deref()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns the aliases in a configuration file, in the order in which they stand there: the last one of a
/// name counts. Files that it includes are left out. What cannot be read has none.
#[must_use]
pub fn aliases(file: &Path) -> Vec<(String, String)> {
    let text = fs::read(file).unwrap_or_default();
    let aliases = variables(&text).into_iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(b"alias.")?.to_vec();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Some((text(name), text(value?)))
    });
    aliases.collect()
}

/// A variable as `section.name`, in small letters, and its value; none where there is no `=`.
type Variable = (Vec<u8>, Option<Vec<u8>>);

/// Returns the variables of a configuration, but for those in subsections.
fn variables(text: &[u8]) -> Vec<Variable> {
    let mut reader = Reader { text, at: 0 };
    let mut section = None;
    let mut found = Vec::new();
    loop {
        reader.skip(|byte| byte.is_ascii_whitespace() || BYTE_ORDER_MARK.contains(&byte));
        match reader.peek() {
            None => return found,
            Some(b'[') => section = reader.section(),
            Some(byte) if byte.is_ascii_alphabetic() => {
                let name = reader.take(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                let name = name.to_ascii_lowercase();
                reader.skip(is_blank);
                let value = (reader.peek() == Some(b'=')).then(|| reader.value());
                if let Some(section) = &section {
                    found.push(([section, name.as_slice()].join(&b'.'), value));
                }
            }
            Some(_) => reader.skip(|byte| byte != b'\n'),
        }
    }
}

/// May stand at the beginning of a file.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &[u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|byte| !wanted(*byte));
        let taken = &rest[..length.unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn skip(&mut self, unwanted: impl Fn(u8) -> bool) {
        let _skipped = self.take(unwanted);
    }

    /// Reads `[section]`; nothing for one with a subsection.
    fn section(&mut self) -> Option<Vec<u8>> {
        self.at += 1;
        let name = self.take(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        let name = name.to_ascii_lowercase();
        if self.next() == Some(b']') {
            return Some(name);
        }
        // A `]` may stand in the quotes of a subsection's name, a line's end may not.
        let mut is_quoted = false;
        while let Some(byte) = self.next() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\\' if is_quoted => {
                    let _escaped = self.next();
                }
                b'\n' => break,
                b']' if !is_quoted => break,
                _ => {}
            }
        }
        None
    }

    /// Reads `= value` to the end of its line.
    fn value(&mut self) -> Vec<u8> {
        self.at += 1;
        self.skip(is_blank);
        let mut value = Vec::new();
        // Blanks at the end do not count, unless they are quoted.
        let mut length = 0;
        let mut is_quoted = false;
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => break,
                b'"' => is_quoted = !is_quoted,
                b'#' | b';' if !is_quoted => {
                    self.skip(|byte| byte != b'\n');
                    break;
                }
                b'\\' => match self.escaped() {
                    None => continue,
                    Some(byte) => value.push(byte),
                },
                _ => value.push(byte),
            }
            if is_quoted || !is_blank(byte) {
                length = value.len();
            }
        }
        value.truncate(length);
        value
    }

    /// Reads what follows a backslash; nothing where the line goes on in the next one.
    fn escaped(&mut self) -> Option<u8> {
        match self.next()? {
            b'\n' => None,
            b'\r' if self.peek() == Some(b'\n') => {
                self.at += 1;
                None
            }
            b'n' => Some(b'\n'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            other => Some(other),
        }
    }
}

fn is_true(value: Option<&[u8]>) -> bool {
    let Some(value) = value else {
        return true;
    };
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let number = text.trim_end_matches(['k', 'm', 'g']).parse::<i64>();
    matches!(text.as_str(), "true" | "yes" | "on") || number.is_ok_and(|number| number != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    /// Asks git, which has the last word.
    fn of_git(directory: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
        let mut git = Command::new("git");
        git.args(["config", "--file", "config", "-z"])
            .args(arguments);
        let output = git.current_dir(directory).output().unwrap();
        output.status.success().then(|| {
            let end = output.stdout.iter().position(|byte| *byte == 0);
            output.stdout[..end.unwrap()].to_vec()
        })
    }

    #[track_caller]
    fn check(text: &str) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("config"), text).unwrap();
        let settings = Settings::of(directory.path()).unwrap();
        let tree = of_git(directory.path(), &["--get", "core.worktree"]);
        let own = settings.work_tree.map(|tree| tree.as_bytes().to_vec());
        assert_eq!(own, tree, "{text:?}");
        let bare = of_git(directory.path(), &["--bool", "--get", "core.bare"]);
        assert_eq!(
            settings.is_bare,
            bare.is_some_and(|bare| bare == b"true"),
            "{text:?}"
        );
    }

    #[test]
    fn says_what_git_says() {
        for text in [
            "",
            "[core]\n\tbare = false\n\tworktree = ../../../sub\n",
            "[CORE]\nWorkTree=/a b\n\tBARE\n",
            "[core] bare = true ; why\n worktree = \"/a;b\" # more\n",
            "[core]\nworktree = /a \"b  \" c  \t\r\nbare = yes\r\n",
            "[core]\nworktree = a\\\\b\\tc\\\"d\\\n  e\nbare=2k\n",
            "[core \"x]\\\"y\"]\nworktree = /wrong\nbare\n[other]\nworktree = /wrong\n",
            "[core.x]\nworktree = /wrong\n[core]bare=0\n",
            "; worktree = /wrong\n#[core]\n[core]\nworktree = /first\nworktree = /last\n",
            "\u{feff}[core]\nworktree = /a\nbare = On",
            "[core]\nworktree = \"\"\nbare =\n",
            "[core]\nworktree = /\u{e4}\n[remote \"o\"]\n\turl = x:[core]\n[core]\nbare=1",
        ] {
            check(text);
        }
    }

    #[test]
    fn aliases_are_those_of_git() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        let text = "[core]\nbare\n[alias]\n\tA-B = \"!x \\\"y\\\" && z\" # c\nst = status\nempty\n\
                    [alias \"no\"]\ncommand = q\n[Alias] st = \"!s \\\nt\"";
        fs::write(&file, text).unwrap();
        let found = aliases(&file);
        assert_eq!(found.len(), 3, "{found:?}");
        for name in ["a-b", "st"] {
            let last = found.iter().rfind(|(own, _)| own == name).unwrap();
            let of_git = of_git(directory.path(), &["--get", &format!("alias.{name}")]);
            assert_eq!(Some(last.1.as_bytes()), of_git.as_deref(), "{name}");
        }
        assert_eq!(aliases(&directory.path().join("none")), []);
    }

    #[test]
    fn a_second_file_counts_where_the_first_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs::write(directory.path().join(name), text).unwrap();
        };
        let work_tree = || Settings::of(directory.path()).unwrap().work_tree;
        write("config", "[core]\nworktree = /one\n");
        write("config.worktree", "[core]\nworktree = /two\n");
        assert_eq!(work_tree(), Some("/one".into()));
        write(
            "config",
            "[core]\nworktree = /one\n[extensions]\nworktreeConfig = true\n",
        );
        assert_eq!(work_tree(), Some("/two".into()));
        fs::remove_file(directory.path().join("config.worktree")).unwrap();
        assert_eq!(work_tree(), Some("/one".into()));
    }

    #[test]
    fn no_text_is_too_odd() {
        let pieces: [&[u8]; 12] = [
            b"[core",
            b"]",
            b"[",
            b"\"",
            b"\\",
            b"\n",
            b"=",
            b"worktree",
            b" ",
            b"#",
            b"\xff",
            b"\r",
        ];
        for length in 0..5_u32 {
            for mut number in 0..pieces.len().pow(length) {
                let mut text = Vec::new();
                for _ in 0..length {
                    text.extend(pieces[number % pieces.len()]);
                    number /= pieces.len();
                }
                let _found = variables(&text);
            }
        }
    }
}
