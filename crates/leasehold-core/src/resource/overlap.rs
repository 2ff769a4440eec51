//! Whether two path patterns share a path: the true intersection of their sets.
//!
//! A pattern denotes every path that matches it and everything below, so both end in an implicit
//! `**`. Two such patterns share a path exactly when their segments agree pair by pair up to the
//! first `**`, or the end, of either. It cannot be less: up to there segment meets segment. And it
//! is enough: take the longer of the two heads (the segments before the first `**`), then names
//! for the rest of one pattern, then for the rest of the other. Each pattern finds its own rest in
//! that path, its runs take what is between, and its implicit `**` what is behind.
//!
//! The same argument serves within a segment when both sides have a `*`, with a tail to agree as
//! well as a head. When only one has, it is matched against the other, whose length is fixed.
//!
//! Nothing is allocated. Patterns whose literal prefixes disagree cost one comparison of bytes;
//! otherwise the cost is linear in the text, but for a segment with `*` against one without:
//! at most the product of their lengths. Worst case for a whole pair of patterns: 255 x 1024
//! comparisons of characters, and in practice about as many as the patterns have.
//!
//! That names `.` and `..` and names over 255 bytes do not exist is not considered: `.?` and `?.`
//! overlap here although they share only `..`. That is the safe side.

use super::path::PathPattern;
use super::segment::{Segment, SegmentRef, Token};
use super::wildcard::{End, matches};
use crate::planted::Bug;

/// Returns whether some path is in both.
pub(super) fn overlaps(a: &PathPattern, b: &PathPattern) -> bool {
    if Bug::CompareGlobsAsText.is_planted() && !(a.is_literal() && b.is_literal()) {
        return a.text() == b.text();
    }
    // One literal prefix must lie within the tree of the other; the longer one's remainder then
    // faces the wildcards of the shorter.
    let (shallow, deep) = if a.literal_prefix().len() <= b.literal_prefix().len() {
        (a, b)
    } else {
        (b, a)
    };
    let Some(below) = deep.segments_below(shallow) else {
        return false;
    };
    let tail = shallow.tail();
    // Looked at first, because most patterns that come this far differ in their last name.
    if let [before @ .., last] = tail
        && deep.is_literal()
        && !tail
            .iter()
            .any(|segment| matches!(segment, Segment::AnyDepth))
        && let Some(opposite) = below.clone().nth(before.len())
        && !names_meet(last.as_ref(), opposite)
    {
        return false;
    }
    for (a, b) in tail.iter().map(Segment::as_ref).zip(below) {
        match (a, b) {
            (SegmentRef::AnyDepth, _) | (_, SegmentRef::AnyDepth) => return true,
            _ if !names_meet(a, b) => return false,
            _ => {}
        }
    }
    true
}

/// Returns whether some name matches both segments.
fn names_meet(a: SegmentRef<'_>, b: SegmentRef<'_>) -> bool {
    match (a, b) {
        (SegmentRef::Literal(a), SegmentRef::Literal(b)) => a == b,
        (SegmentRef::Glob(glob), SegmentRef::Literal(name))
        | (SegmentRef::Literal(name), SegmentRef::Glob(glob)) => {
            glob_meets(glob, name.chars().map(Token::Char))
        }
        (SegmentRef::Glob(a), SegmentRef::Glob(b)) => {
            let (glob, other) = if a.iter().any(is_run) { (a, b) } else { (b, a) };
            glob_meets(glob, other.iter().copied())
        }
        (SegmentRef::AnyDepth, _) | (_, SegmentRef::AnyDepth) => true,
    }
}

/// Returns whether some name matches both, where `other` has a run only if `glob` has one.
fn glob_meets(glob: &[Token], other: impl DoubleEndedIterator<Item = Token> + Clone) -> bool {
    if *glob == [Token::AnyRun] {
        return true;
    }
    // Looked at first, because most names differ in their extension. (Where neither has a run and
    // the lengths differ, the ends compared are not opposite each other, but nothing is in both.)
    ends_agree(glob.iter().rev(), other.clone().rev())
        && ends_agree(glob.iter(), other.clone())
        && (other.clone().any(|token| is_run(&token))
            || matches(glob, other, End::Whole, is_run, |a, b| tokens_meet(*a, b)))
}

/// Returns whether two rows of tokens agree up to the first run, or the end, of either.
fn ends_agree<'a>(a: impl Iterator<Item = &'a Token>, b: impl Iterator<Item = Token>) -> bool {
    a.zip(b)
        .take_while(|(a, b)| !is_run(a) && !is_run(b))
        .all(|(a, b)| tokens_meet(*a, b))
}

fn is_run(token: &Token) -> bool {
    *token == Token::AnyRun
}

/// Returns whether one character matches both; neither is a run.
fn tokens_meet(a: Token, b: Token) -> bool {
    a == b || a == Token::AnyChar || b == Token::AnyChar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathPattern {
        PathPattern::parse(text).expect(text)
    }

    /// Checks overlap in both directions.
    #[track_caller]
    fn check(a: &str, b: &str, expected: bool) {
        assert_eq!(overlaps(&path(a), &path(b)), expected, "{a} with {b}");
        assert_eq!(overlaps(&path(b), &path(a)), expected, "{b} with {a}");
    }

    #[test]
    fn literal_paths_overlap_along_the_tree() {
        for (a, b, expected) in [
            ("src", "src", true),
            ("src", "src/auth", true),
            ("src", "src2", false),
            ("src/a", "src/b", false),
            (".", "src", true),
            (".", ".", true),
            ("/", "/etc", true),
            ("/etc", "/etc2", false),
            ("/", ".", false),
            ("/src", "src", false),
            ("/", "src", false),
            (".", "/src", false),
            ("a\\*", "a", false),
            ("a\\*", "a\\*/b", true),
            ("é", "é/x", true),
        ] {
            check(a, b, expected);
        }
    }

    #[test]
    fn globs_overlap_when_a_path_is_in_both() {
        for (a, b, expected) in [
            ("src/*.rs", "src/main.rs", true),
            ("src/*.rs", "src/main.ts", false),
            ("src/*.rs", "src", true),
            ("src/*.rs", "src/main.rs/x", true),
            ("src/*.rs", "lib/main.rs", false),
            ("src/*.rs", "src/*.ts", false),
            ("src/a*", "src/*b", true),
            ("src/a*", "src/b*", false),
            ("*", "x", true),
            ("*", ".", true),
            ("*", "/x", false),
            ("/*", "/x", true),
            ("*/b", "a/*", true),
            ("*/b", "a/c", false),
            ("?", "a", true),
            ("?", "ab", false),
            ("?", "é", true),
            ("??", "é", false),
            ("???", "a?", false),
            ("a?c", "?b?", true),
            ("a?c", "?b", false),
            ("*ab*", "x*y", true),
            ("*ab*", "aab", true),
            ("*ab", "aba", false),
            ("a*a", "a", false),
            ("a*ab*b", "ab?b", false),
            ("a*ab*b", "abb?b", false),
            ("a*ab*b", "aab?b", true),
            ("\\**", "*", true),
            ("\\**", "a*", false),
            ("app/[id]/*", "app/[id]/page.tsx", true),
            ("app/[id]/*", "app/i/page.tsx", false),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b", true), // `a/b/z` is in both.
            ("a/**/z", "b/z", false),
            ("**/*.rs", "**/*.ts", true), // `x.rs/y.ts` is in both.
            ("a/*/**/x", "a/b/c", true),
            ("a/b?/**/x", "a/b/c", false),
            ("*/x/**/y", "a/*/z", true),
            ("*/x/**/y", "a/w/z", false),
        ] {
            check(a, b, expected);
        }
    }
}
