//! Names of the things that can be leased, and when two of them overlap.
//!
//! A resource is written `kind:rest`; a bare word is kind `name`. Kind `path` denotes trees and
//! patterns of trees ([`PathPattern`]), every other kind is flat and overlaps only with itself.
//! What depends on a machine (working directory, symbolic links, worktrees, `..`, the case a file
//! system folds) is resolved by the front doors; here text is only parsed and compared.

mod contain;
mod error;
mod overlap;
mod path;
mod segment;
mod wildcard;

#[cfg(test)]
mod enumeration;

use alloc::string::ToString;
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

pub use error::ResourceError;
pub use path::PathPattern;

/// The kind of a bare word.
const KIND_NAME: &str = "name";
/// The kind of paths, the only one that is not flat.
const KIND_PATH: &str = "path";

/// A thing that can be leased, in its one canonical spelling.
///
/// Equality, order and hash are those of the canonical text. Cloning is cheap.
#[derive(Clone)]
pub struct Resource {
    form: Form,
}

#[derive(Clone)]
enum Form {
    /// The whole text `kind:rest`, and where the kind ends in it.
    Flat {
        text: Arc<str>,
        kind_bytes: usize,
    },
    Path(PathPattern),
}

impl Resource {
    /// Longest rest of a flat resource, in bytes. The file store keeps one file per flat resource
    /// and file systems stop at 255 bytes, which leaves room for the kind and a suffix. (A name
    /// that needs escaping there can still come out longer; that store deals with it.)
    pub const NAME_BYTES_MAX: usize = 200;

    /// Longest kind, in bytes: a kind is one word that people read in every message.
    pub const KIND_BYTES_MAX: usize = 32;

    /// Longest text looked at: the longest kind, the colon and the longest path. It bounds the
    /// work on hostile input, and what an error message quotes.
    const TEXT_BYTES_MAX: usize = Self::KIND_BYTES_MAX + 1 + PathPattern::BYTES_MAX;

    /// Returns the resource that `text` names.
    ///
    /// # Errors
    ///
    /// Any [`ResourceError`]: each variant says which rule `text` breaks.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        check_length(text, Self::TEXT_BYTES_MAX, |bytes, bytes_max| {
            ResourceError::TextTooLong { bytes, bytes_max }
        })?;
        // Before anything is quoted in an error: a quoted control character could rewrite a
        // terminal, and a bidirectional one what a person reads.
        check_characters(text)?;
        match text.split_once(':') {
            None if text.contains('/') => Err(ResourceError::BarePath {
                text: text.to_string(),
            }),
            None => Self::flat(KIND_NAME, text),
            Some((KIND_PATH, rest)) => Ok(Self::from(PathPattern::parse(rest)?)),
            Some((kind, rest)) if is_kind(kind) => Self::flat(kind, rest),
            Some((kind, _)) => Err(ResourceError::InvalidKind {
                kind: kind.to_string(),
                text: text.to_string(),
            }),
        }
    }

    /// Returns whether `text` is what a resource is written as: it parses, and comes back as it went.
    #[must_use]
    pub fn is_canonical(text: &str) -> bool {
        // What most names are needs no second look.
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !text.is_empty() && text.len() <= Self::NAME_BYTES_MAX && text.bytes().all(is_word) {
            return true;
        }
        Self::parse(text).is_ok_and(|resource| resource.to_string() == text)
    }

    /// Returns the path resource for exactly this path of a file system: nothing in `text` is a
    /// wildcard or an escape.
    ///
    /// # Errors
    ///
    /// As [`Resource::parse`] for a path: forbidden characters, `..`, and the limits.
    pub fn literal_path(text: &str) -> Result<Self, ResourceError> {
        Ok(Self::from(PathPattern::literal(text)?))
    }

    fn flat(kind: &str, rest: &str) -> Result<Self, ResourceError> {
        if rest.is_empty() {
            return Err(ResourceError::Empty {
                kind: kind.to_string(),
            });
        }
        if rest.starts_with(char::is_whitespace) || rest.ends_with(char::is_whitespace) {
            return Err(ResourceError::SurroundingSpace {
                kind: kind.to_string(),
            });
        }
        check_length(rest, Self::NAME_BYTES_MAX, |bytes, bytes_max| {
            ResourceError::NameTooLong { bytes, bytes_max }
        })?;
        let text = Arc::from([kind, rest].join(":"));
        Ok(Self {
            form: Form::Flat {
                text,
                kind_bytes: kind.len(),
            },
        })
    }

    /// Returns the kind: `name` for a bare word, `path` for paths.
    #[must_use]
    pub fn kind(&self) -> &str {
        match &self.form {
            Form::Flat { text, kind_bytes } => &text[..*kind_bytes],
            Form::Path(_) => KIND_PATH,
        }
    }

    /// Returns the canonical text after the kind and its colon.
    #[must_use]
    pub fn rest(&self) -> &str {
        match &self.form {
            Form::Flat { text, kind_bytes } => &text[kind_bytes + 1..],
            Form::Path(path) => path.as_str(),
        }
    }

    /// Returns the path or pattern of a `path:` resource, and none for flat kinds.
    #[must_use]
    pub fn as_path(&self) -> Option<&PathPattern> {
        match &self.form {
            Form::Flat { .. } => None,
            Form::Path(path) => Some(path),
        }
    }

    /// Returns whether this resource overlaps only with itself, as every kind but `path` does.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.as_path().is_none()
    }

    /// Returns whether some thing belongs to both resources: for flat kinds that they are equal,
    /// for paths that some path is in both trees ([`PathPattern::overlaps`]).
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Form::Path(a), Form::Path(b)) => a.overlaps(b),
            _ => self == other,
        }
    }

    /// Returns whether everything in `other` is in this resource too. `true` is always right;
    /// for a glob within a glob `false` may be over-careful ([`PathPattern::contains`]).
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Form::Path(cover), Form::Path(inner)) => cover.contains(inner),
            _ => self == other,
        }
    }

    /// Returns `kind:rest`, the text that equality, order and hash go by.
    fn text(&self) -> &str {
        match &self.form {
            Form::Flat { text, .. } => text,
            Form::Path(path) => path.text(),
        }
    }
}

/// Returns whether `text` is `[a-z][a-z0-9-]{0,31}`.
fn is_kind(text: &str) -> bool {
    let is_word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    text.len() <= Resource::KIND_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(is_word)
}

fn check_length(
    text: &str,
    bytes_max: usize,
    error: impl FnOnce(usize, usize) -> ResourceError,
) -> Result<(), ResourceError> {
    if text.len() > bytes_max {
        return Err(error(text.len(), bytes_max));
    }
    Ok(())
}

/// Refuses characters that are invisible or change how the text around them is shown: two names
/// that look alike would not exclude each other.
fn check_characters(text: &str) -> Result<(), ResourceError> {
    match text.chars().find(|&character| is_forbidden(character)) {
        Some(character) => Err(ResourceError::ForbiddenCharacter { character }),
        None => Ok(()),
    }
}

fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200B}'..='\u{200F}'     // Zero width, and marks of direction.
            | '\u{2028}' | '\u{2029}'   // Line and paragraph separator.
            | '\u{202A}'..='\u{202E}'   // Embedding and override of direction.
            | '\u{2060}'..='\u{2069}'   // Word joiner, invisible operators, isolates.
            | '\u{FEFF}' // Byte order mark.
        )
}

impl From<PathPattern> for Resource {
    fn from(path: PathPattern) -> Self {
        Self {
            form: Form::Path(path),
        }
    }
}

impl FromStr for Resource {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Resource {
    /// Writes the shortest text that parses back to this resource.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_bare = self.kind() == KIND_NAME && !self.rest().contains([':', '/']);
        f.pad(if is_bare { self.rest() } else { self.text() })
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resource").field(&self.text()).finish()
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Resource {}

impl PartialOrd for Resource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Resource {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(other.text())
    }
}

impl Hash for Resource {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

#[cfg(test)]
mod tests;
