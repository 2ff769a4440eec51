//! Why a text does not name a resource, and what to write instead.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use super::KIND_PATH;

/// Why a text does not name a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceError {
    /// There is nothing after the kind, or nothing at all.
    Empty {
        /// The kind, `name` for an empty text.
        kind: String,
    },
    /// What stands before the first colon is not a kind.
    InvalidKind {
        /// What stands there.
        kind: String,
        /// The whole text.
        text: String,
    },
    /// A bare word has a `/` in it: most likely a path was meant.
    BarePath {
        /// The whole text.
        text: String,
    },
    /// The text is longer than any resource.
    TextTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The name of a flat kind is too long.
    NameTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A path is too long, as written or in its canonical text.
    PathTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// One segment of a path is too long to be a file name.
    SegmentTooLong {
        /// Its length without escapes.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A path is too deep.
    TooManySegments {
        /// How many it has.
        segments: usize,
        /// The limit.
        segments_max: usize,
    },
    /// A pattern has too many of `*`, `?` and `**`.
    TooManyWildcards {
        /// How many it has.
        wildcards: usize,
        /// The limit.
        wildcards_max: usize,
    },
    /// A character that is invisible, or changes how the text around it is shown.
    ForbiddenCharacter {
        /// The character.
        character: char,
    },
    /// There is white space at one of the ends.
    SurroundingSpace {
        /// The kind.
        kind: String,
    },
    /// A path has a `..` segment.
    ParentSegment {
        /// The path.
        path: String,
    },
    /// `**` is only a part of a segment.
    AnyDepthInsideSegment {
        /// The segment.
        segment: String,
    },
    /// A pattern has alternatives in braces.
    Alternatives {
        /// The pattern.
        pattern: String,
    },
    /// A segment has a `\` at its end or before a letter or digit, where it escapes nothing.
    DanglingEscape {
        /// The segment.
        segment: String,
    },
}

impl ResourceError {
    /// Returns what to do instead, where that can be said: a sentence without its full stop, in
    /// the imperative.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InvalidKind { kind, text } if kind.contains('/') => either_path_or_name(text),
            Self::InvalidKind { kind, text } => {
                let name = format!("`name:{text}` if the colon belongs to the name");
                let lower = kind.to_lowercase();
                match text.strip_prefix(kind.as_str()) {
                    Some(rest) if super::is_kind(&lower) => {
                        format!("write `{lower}{rest}`, or {name}")
                    }
                    _ => format!("write {name}"),
                }
            }
            Self::BarePath { text } => either_path_or_name(text),
            Self::SurroundingSpace { kind } if kind == KIND_PATH => {
                "write `\\ ` for a space that belongs to the file name".to_string()
            }
            Self::SurroundingSpace { .. } => "remove the white space at the ends".to_string(),
            Self::ParentSegment { .. } => "write the path that the `..` leads to".to_string(),
            Self::AnyDepthInsideSegment { .. } => {
                "write `**` between slashes for any number of directories, `*` for a part of one \
                 name, or `\\*` for a star"
                    .to_string()
            }
            Self::Alternatives { .. } => {
                "name each path as a resource of its own, or write `\\{` for a brace in a file name"
                    .to_string()
            }
            Self::DanglingEscape { .. } => {
                "write `\\\\` for a backslash in a file name, and `/` between directories"
                    .to_string()
            }
            Self::PathTooLong { .. }
            | Self::SegmentTooLong { .. }
            | Self::TooManySegments { .. }
            | Self::TooManyWildcards { .. } => {
                "name a directory above it: a path covers everything below".to_string()
            }
            Self::Empty { .. }
            | Self::TextTooLong { .. }
            | Self::NameTooLong { .. }
            | Self::ForbiddenCharacter { .. } => return None,
        };
        Some(hint)
    }
}

fn either_path_or_name(text: &str) -> String {
    format!("write `path:{text}` for a file or directory, or `name:{text}` for a plain name")
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { kind } => write!(f, "a resource of kind `{kind}` needs a name"),
            Self::InvalidKind { kind, .. } => write!(
                f,
                "`{kind}` is not a kind of resource: a kind is a lowercase letter, then up to 31 \
                 lowercase letters, digits or `-`"
            ),
            Self::BarePath { text } => write!(f, "`{text}` has a `/` but no kind"),
            Self::TextTooLong { bytes, bytes_max } => {
                write!(
                    f,
                    "a resource of {bytes} bytes is over the limit of {bytes_max}"
                )
            }
            Self::NameTooLong { bytes, bytes_max } => {
                write!(
                    f,
                    "a name of {bytes} bytes is over the limit of {bytes_max}"
                )
            }
            Self::PathTooLong { bytes, bytes_max } => {
                write!(
                    f,
                    "a path of {bytes} bytes is over the limit of {bytes_max}"
                )
            }
            Self::SegmentTooLong { bytes, bytes_max } => {
                write!(
                    f,
                    "a path segment of {bytes} bytes is over the limit of {bytes_max}"
                )
            }
            Self::TooManySegments {
                segments,
                segments_max,
            } => {
                write!(
                    f,
                    "a path of {segments} segments is over the limit of {segments_max}"
                )
            }
            Self::TooManyWildcards {
                wildcards,
                wildcards_max,
            } => {
                write!(
                    f,
                    "a pattern of {wildcards} wildcards is over the limit of {wildcards_max}"
                )
            }
            Self::ForbiddenCharacter { character } => write!(
                f,
                "the invisible or control character U+{:04X} is not allowed in a resource",
                u32::from(*character)
            ),
            Self::SurroundingSpace { kind } => {
                write!(
                    f,
                    "white space at the start or end of a resource of kind `{kind}`"
                )
            }
            Self::ParentSegment { path } => {
                write!(
                    f,
                    "path `{path}` has a `..` segment, which only a file system can resolve"
                )
            }
            Self::AnyDepthInsideSegment { segment } => {
                write!(f, "`**` is only a part of the path segment `{segment}`")
            }
            Self::Alternatives { pattern } => {
                write!(
                    f,
                    "pattern `{pattern}` has alternatives in braces, which are not supported"
                )
            }
            Self::DanglingEscape { segment } => {
                write!(f, "a `\\` in the path segment `{segment}` escapes nothing")
            }
        }
    }
}

impl core::error::Error for ResourceError {}
