//! Whether one path pattern covers another whole.
//!
//! The inner pattern is read as a row of symbols: a name, a name with wildcards, `**`. The cover
//! is matched against that row, where a symbol is accepted only if *everything* it stands for
//! is, and `**` only by a `**` of the cover or behind its end.
//!
//! So `true` is always right. It is exact when either pattern is literal (a wildcard stands for
//! more than one name, so no literal covers it; a literal stands for itself). For two globs
//! `false` may be over-careful: `?*b` covers `*ab`, which is not seen here. That is safe, because
//! a claim not seen as covered gets a lease of its own. Equal patterns cover each other.
//!
//! Cost: no allocation, and no two characters are compared more than once, so at most 1024 x 1024
//! comparisons.

use super::path::PathPattern;
use super::segment::{Segment, SegmentRef, Token};
use super::wildcard::{End, matches};

/// Returns whether every path of `inner` is known to be in `cover`.
pub(super) fn contains(cover: &PathPattern, inner: &PathPattern) -> bool {
    let Some(below) = inner.segments_below(cover) else {
        return false;
    };
    let is_run = |segment: &Segment| matches!(segment, Segment::AnyDepth);
    // Open at the end: what is below a covered path is covered.
    matches(cover.tail(), below, End::Open, is_run, |cover, inner| {
        name_covers(cover.as_ref(), inner)
    })
}

/// Returns whether every name that matches `inner` matches `cover`, which is not `**`.
fn name_covers(cover: SegmentRef<'_>, inner: SegmentRef<'_>) -> bool {
    match (cover, inner) {
        (SegmentRef::Literal(cover), SegmentRef::Literal(inner)) => cover == inner,
        (SegmentRef::Glob(cover), SegmentRef::Literal(inner)) => {
            glob_covers(cover, inner.chars().map(Token::Char))
        }
        (SegmentRef::Glob(cover), SegmentRef::Glob(inner)) => {
            glob_covers(cover, inner.iter().copied())
        }
        (SegmentRef::Literal(_), SegmentRef::Glob(_))
        | (SegmentRef::AnyDepth, _)
        | (_, SegmentRef::AnyDepth) => false,
    }
}

fn glob_covers(cover: &[Token], inner: impl Iterator<Item = Token> + Clone) -> bool {
    matches(
        cover,
        inner,
        End::Whole,
        |token| *token == Token::AnyRun,
        |cover, inner| *cover == inner || (*cover == Token::AnyChar && inner != Token::AnyRun),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathPattern {
        PathPattern::parse(text).expect(text)
    }

    #[track_caller]
    fn check(cover: &str, inner: &str, expected: bool) {
        assert_eq!(
            contains(&path(cover), &path(inner)),
            expected,
            "{inner} in {cover}"
        );
    }

    #[test]
    fn literal_paths_contain_their_trees() {
        for (cover, inner, expected) in [
            ("src", "src", true),
            ("src", "src/auth", true),
            ("src/auth", "src", false),
            ("src", "src2", false),
            (".", "src", true),
            ("src", ".", false),
            (".", ".", true),
            ("/", "/etc", true),
            ("/", ".", false),
            (".", "/", false),
            ("/src", "src", false),
            ("a\\*", "a\\*/b", true),
            ("a\\*", "a", false),
        ] {
            check(cover, inner, expected);
        }
    }

    #[test]
    fn globs_contain_what_they_cover() {
        for (cover, inner, expected) in [
            ("src", "src/*.rs", true),
            ("src/a", "src/*", false),
            (".", "**/x", true),
            (".", "/x", false),
            ("src/*", "src/a/b", true),
            ("src/*", "src", false),
            ("src/*", "src/*.rs", true),
            ("src/*.rs", "src/*", false),
            ("*/x", "*/x", true),
            ("?", "*", false),
            ("*", "?", true),
            ("a?", "a*", false),
            ("a*", "a?*", true),
            ("a?*", "a*", false),
            ("*", "**/x", false), // Not seen, and allowed to be.
            ("**/x", "**/x", true),
            ("**/x", "*/x", true),
            ("**/x", "a/**/b/x", true),
            ("**/x", "a/**/b", false),
            ("*/x", "**/x", false),
            ("a/**/b/c", "a/b/b/c/d", true),
            ("a/**/b/c", "a/b/d/c", false),
            ("?*b", "*ab", false), // Not seen, and allowed to be.
        ] {
            check(cover, inner, expected);
        }
    }
}
