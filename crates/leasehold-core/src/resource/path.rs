//! Paths and path patterns: parsing, canonical text and limits.
//!
//! Only what can be seen in the text is done here: `//`, `.` and a trailing `/` disappear. What
//! needs a file system (`..`, symbolic links, the working directory) is left to the front doors.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::segment::{Segment, SegmentRef};
use super::{KIND_PATH, ResourceError, check_characters, check_length, contain, overlap};

/// `path:`, with which the stored text begins.
const SCHEME: &str = "path:";

/// A normalised path or glob: every path that matches it, and everything below those.
///
/// Relative paths start at the root of the repository, absolute ones at the root of the file
/// system; these are two trees that never overlap. Wildcards are `*` (any run of characters
/// within a segment, a leading dot included), `?` (one character) and `**` as a whole segment (any
/// number of segments, also none). `\` takes the meaning from the next character. Brackets, and
/// braces without a comma between them, stand for themselves: `app/[id]/page.tsx` is a file name.
///
/// Sets that are easily seen to be equal have one text: `src/**` is `src`, `a/**/*/b` is
/// `a/*/**/b`. Cloning is cheap.
#[derive(Clone)]
pub struct PathPattern {
    parts: Arc<Parts>,
}

struct Parts {
    /// The canonical text, behind `path:`.
    text: Box<str>,
    /// The leading literal segments without escapes, with the `/` of an absolute path.
    literal_prefix: Box<str>,
    /// What follows the literal prefix: empty, or beginning with a wildcard. Never ends in `**`.
    tail: Box<[Segment]>,
}

impl PathPattern {
    /// Longest path, in bytes: the `PATH_MAX` of macOS and the BSDs; Linux allows 4096, but such
    /// paths do not occur in repositories and every record would have to leave room for them.
    pub const BYTES_MAX: usize = 1024;

    /// Longest segment, in bytes without escapes: the longest file name of the common file
    /// systems (`NAME_MAX`).
    pub const SEGMENT_BYTES_MAX: usize = 255;

    /// Deepest path, in segments: a store may look at each ancestor in turn. Deep source trees
    /// (Java, nested `node_modules`) stay under 40.
    pub const SEGMENTS_MAX: usize = 64;

    /// Most wildcards (`*`, `?`, `**`) in a pattern: patterns that people write have four or
    /// five, and every request is compared with every live pattern.
    pub const WILDCARDS_MAX: usize = 16;

    /// Returns the pattern written as `text`, the part behind `path:`.
    ///
    /// # Errors
    ///
    /// Any [`ResourceError`] about paths: each variant says which rule `text` breaks.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        if text.is_empty() {
            // Most likely an unset variable, and the whole repository would be a lot to take by mistake.
            return Err(ResourceError::Empty {
                kind: KIND_PATH.to_string(),
            });
        }
        check_text(text)?;
        if text.starts_with(char::is_whitespace) || ends_in_bare_space(text) {
            return Err(ResourceError::SurroundingSpace {
                kind: KIND_PATH.to_string(),
            });
        }
        if has_alternatives(text) {
            return Err(ResourceError::Alternatives {
                pattern: text.to_string(),
            });
        }
        Self::from_segments(text, Segment::parse)
    }

    /// Returns the path `text` with nothing in it taken as a wildcard or escape.
    pub(super) fn literal(text: &str) -> Result<Self, ResourceError> {
        check_text(text)?;
        Self::from_segments(text, |name| Ok(Segment::Literal(name.into())))
    }

    fn from_segments(
        text: &str,
        parse: impl Fn(&str) -> Result<Segment, ResourceError>,
    ) -> Result<Self, ResourceError> {
        let mut segments = Vec::new();
        for name in text.split('/').filter(|name| !name.is_empty()) {
            match parse(name)? {
                // Compared without escapes: `\.` can mean nothing but `.`.
                Segment::Literal(name) if *name == *"." => {}
                Segment::Literal(name) if *name == *".." => {
                    return Err(ResourceError::ParentSegment {
                        path: text.to_string(),
                    });
                }
                segment => push_canonical(&mut segments, segment),
            }
        }
        // Everything below is covered anyway.
        segments.pop_if(|last| matches!(last, Segment::AnyDepth));
        check_limits(&segments)?;
        Self::from_canonical(text.starts_with('/'), segments)
    }

    fn from_canonical(is_absolute: bool, segments: Vec<Segment>) -> Result<Self, ResourceError> {
        let text = canonical_text(is_absolute, &segments);
        check_length(&text[SCHEME.len()..], Self::BYTES_MAX, path_too_long)?;
        let mut literal_prefix = String::from(if is_absolute { "/" } else { "" });
        let mut tail = segments;
        let literals = tail
            .iter()
            .take_while(|segment| matches!(segment, Segment::Literal(_)));
        let literals = literals.count();
        for segment in tail.drain(..literals) {
            if let Segment::Literal(name) = segment {
                if !literal_prefix.is_empty() && !literal_prefix.ends_with('/') {
                    literal_prefix.push('/');
                }
                literal_prefix.push_str(&name);
            }
        }
        let parts = Parts {
            text: text.into(),
            literal_prefix: literal_prefix.into(),
            tail: tail.into(),
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// Returns whether this has no wildcards: one path and its tree.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.parts.tail.is_empty()
    }

    /// Returns whether this starts at the root of the file system, not of the repository.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.parts.literal_prefix.starts_with('/')
    }

    /// Returns the canonical text, with escapes: `.` for the whole repository, `/` for all of the
    /// file system.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text()[SCHEME.len()..]
    }

    /// Returns the leading segments that have no wildcards, without escapes: `""` for none. Of an
    /// absolute path it begins with `/`. A literal path is its own prefix.
    #[must_use]
    pub fn literal_prefix(&self) -> &str {
        &self.parts.literal_prefix
    }

    /// Returns the segments of the canonical text, with escapes. The two roots have none.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        let text = if self.as_str() == "." {
            ""
        } else {
            self.as_str()
        };
        text.split('/').filter(|segment| !segment.is_empty())
    }

    /// Returns whether some path is in both sets.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        overlap::overlaps(self, other)
    }

    /// Returns whether every path of `inner` is in this set. Exact when either is literal; for two
    /// globs `true` is always right and `false` may be over-careful.
    #[must_use]
    pub fn contains(&self, inner: &Self) -> bool {
        contain::contains(self, inner)
    }

    /// Returns the canonical text with its kind.
    pub(super) fn text(&self) -> &str {
        &self.parts.text
    }

    /// Returns the segments from the first wildcard on.
    pub(super) fn tail(&self) -> &[Segment] {
        &self.parts.tail
    }

    /// Returns what follows in this pattern where the literal prefix of `above` ends, and none
    /// if this one's literal prefix is not in the tree of that.
    pub(super) fn segments_below(
        &self,
        above: &Self,
    ) -> Option<impl Iterator<Item = SegmentRef<'_>> + Clone> {
        let prefix = self.literal_prefix();
        // Most globs begin with a wildcard: no call to compare nothing.
        let below = match above.literal_prefix() {
            "" => prefix,
            above => prefix.strip_prefix(above)?,
        };
        // The prefix `src` is not above `src2`; the two roots, `""` and `/`, need no separator.
        let is_boundary = match above.literal_prefix() {
            "" => !self.is_absolute(),
            "/" => true,
            _ => below.is_empty() || below.starts_with('/'),
        };
        let names = below
            .split('/')
            .filter(|name| !name.is_empty())
            .map(SegmentRef::Literal);
        is_boundary.then(|| names.chain(self.tail().iter().map(Segment::as_ref)))
    }
}

/// Appends `segment`, keeping `**` behind any `*` next to it (`**/*` and `*/**` both are "at
/// least one") and never two `**` in a row.
fn push_canonical(segments: &mut Vec<Segment>, segment: Segment) {
    let is_behind_any_depth = matches!(segments.last(), Some(Segment::AnyDepth));
    match segment {
        Segment::AnyDepth if is_behind_any_depth => {}
        segment if is_behind_any_depth && segment.is_any_name() => {
            segments.insert(segments.len() - 1, segment);
        }
        segment => segments.push(segment),
    }
}

fn check_text(text: &str) -> Result<(), ResourceError> {
    check_length(text, PathPattern::BYTES_MAX, path_too_long)?;
    check_characters(text)
}

fn path_too_long(bytes: usize, bytes_max: usize) -> ResourceError {
    ResourceError::PathTooLong { bytes, bytes_max }
}

fn check_limits(segments: &[Segment]) -> Result<(), ResourceError> {
    if segments.len() > PathPattern::SEGMENTS_MAX {
        return Err(ResourceError::TooManySegments {
            segments: segments.len(),
            segments_max: PathPattern::SEGMENTS_MAX,
        });
    }
    let bytes = segments.iter().map(Segment::bytes).max().unwrap_or(0);
    if bytes > PathPattern::SEGMENT_BYTES_MAX {
        return Err(ResourceError::SegmentTooLong {
            bytes,
            bytes_max: PathPattern::SEGMENT_BYTES_MAX,
        });
    }
    let wildcards = segments.iter().map(Segment::wildcards).sum();
    if wildcards > PathPattern::WILDCARDS_MAX {
        return Err(ResourceError::TooManyWildcards {
            wildcards,
            wildcards_max: PathPattern::WILDCARDS_MAX,
        });
    }
    Ok(())
}

/// Returns the one text of these segments, `path:` included.
fn canonical_text(is_absolute: bool, segments: &[Segment]) -> String {
    let mut text = written(is_absolute, segments, false);
    if has_alternatives(&text) {
        // All or none: which `{` a `}` belongs to changes with every escape.
        text = written(is_absolute, segments, true);
    }
    if ends_in_bare_space(&text) {
        let last = text.chars().next_back().map_or(0, char::len_utf8);
        text.insert(text.len() - last, '\\');
    }
    if text[SCHEME.len()..].starts_with(char::is_whitespace) {
        text.insert(SCHEME.len(), '\\');
    }
    text
}

fn written(is_absolute: bool, segments: &[Segment], escape_braces: bool) -> String {
    let mut text = String::from(SCHEME);
    if is_absolute {
        text.push('/');
    } else if segments.is_empty() {
        text.push('.');
    }
    for (index, segment) in segments.iter().enumerate() {
        if index > 0 {
            text.push('/');
        }
        segment.write(&mut text, escape_braces);
    }
    text
}

/// Returns whether the last character is white space without a `\` that belongs to it.
fn ends_in_bare_space(text: &str) -> bool {
    let trimmed = text.strip_suffix(char::is_whitespace);
    let escapes = |before: &str| {
        before
            .bytes()
            .rev()
            .take_while(|&byte| byte == b'\\')
            .count()
    };
    trimmed.is_some_and(|before| escapes(before) % 2 == 0)
}

/// Returns whether there is a comma between braces, escapes aside: elsewhere that means
/// alternatives, and taking it for a name would protect nothing.
fn has_alternatives(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut has_comma = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '{' => depth += 1,
            ',' => has_comma |= depth > 0,
            '}' if has_comma => return true,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for PathPattern {}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PathPattern").field(&self.as_str()).finish()
    }
}
