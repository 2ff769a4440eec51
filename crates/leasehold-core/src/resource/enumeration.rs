//! Overlap and containment against enumeration of all paths of a small world.
//!
//! The world has every path of up to five names of one or two letters `a` and `b`. Patterns have
//! up to three segments of up to two letters or wildcards, so whatever two of them share, they
//! share a path of this world: a common name needs at most two letters, a common path at most
//! three names of one and two of the other. The matcher here reads the text as written, without
//! the parser, and tries everything.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::Resource;

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| words(2));

static PATHS: LazyLock<Vec<Vec<&'static str>>> = LazyLock::new(|| {
    let mut paths = Vec::from([Vec::new()]);
    let mut longest = paths.clone();
    for _ in 0..5 {
        let deeper = |path: &Vec<&'static str>| {
            let path = path.clone();
            NAMES.iter().map(move |name| [&path[..], &[name]].concat())
        };
        longest = longest.iter().flat_map(deeper).collect();
        paths.extend(longest.clone());
    }
    paths
});

/// Returns all words of one to `length_max` letters.
fn words(length_max: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut longest = Vec::from([String::new()]);
    for _ in 0..length_max {
        longest = longest
            .iter()
            .flat_map(|word| ["a", "b"].map(|c| format!("{word}{c}")))
            .collect();
        words.extend(longest.clone());
    }
    words
}

/// Returns whether `path` is in the set of the pattern with these segments.
fn is_in(path: &[&str], pattern: &[&str]) -> bool {
    match pattern {
        [] => true,
        ["**", rest @ ..] => (0..=path.len()).any(|skipped| is_in(&path[skipped..], rest)),
        [first, rest @ ..] => path.split_first().is_some_and(|(name, below)| {
            is_name(name.as_bytes(), first.as_bytes()) && is_in(below, rest)
        }),
    }
}

fn is_name(name: &[u8], pattern: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|skipped| is_name(&name[skipped..], rest)),
        [first, rest @ ..] => name.split_first().is_some_and(|(letter, after)| {
            (*first == b'?' || first == letter) && is_name(after, rest)
        }),
    }
}

/// A relative pattern as written.
fn pattern() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        1 => Just("**".to_string()),
        6 => "[ab*?]{1,2}".prop_filter("`**` is a choice of its own", |text| text != "**"),
    ];
    prop::collection::vec(segment, 0..=3).prop_map(|segments| segments.join("/"))
}

/// A literal path as written.
fn literal() -> impl Strategy<Value = String> {
    prop::collection::vec("[ab]{1,2}", 0..=3).prop_map(|segments| segments.join("/"))
}

fn segments(text: &str) -> Vec<&str> {
    text.split('/')
        .filter(|segment| !segment.is_empty())
        .collect()
}

fn path(text: &str) -> Resource {
    // The empty path is written `.`: an empty text is refused as a likely mistake.
    let text = if text.is_empty() { "." } else { text };
    Resource::parse(&format!("path:{text}")).expect("a valid pattern")
}

fn some_path(condition: impl Fn(&[&str]) -> bool) -> Option<&'static Vec<&'static str>> {
    PATHS.iter().find(|path| condition(path))
}

/// Checks everything that is claimed about two patterns against the world.
fn check(a: &str, b: &str) -> Result<(), TestCaseError> {
    let (parsed_a, parsed_b) = (path(a), path(b));
    let (in_a, in_b) = (segments(a), segments(b));
    let shared = some_path(|path| is_in(path, &in_a) && is_in(path, &in_b));
    prop_assert_eq!(
        parsed_a.overlaps(&parsed_b),
        shared.is_some(),
        "shared: {:?}",
        shared
    );
    prop_assert_eq!(
        parsed_b.overlaps(&parsed_a),
        shared.is_some(),
        "shared: {:?}",
        shared
    );

    let outside = some_path(|path| is_in(path, &in_b) && !is_in(path, &in_a));
    let is_exact = [&parsed_a, &parsed_b]
        .iter()
        .any(|side| side.as_path().is_some_and(super::PathPattern::is_literal));
    if is_exact || outside.is_some() {
        prop_assert_eq!(
            parsed_a.contains(&parsed_b),
            outside.is_none(),
            "outside: {:?}",
            outside
        );
    }
    if parsed_a.contains(&parsed_b) {
        prop_assert!(parsed_a.overlaps(&parsed_b));
    }
    if parsed_a == parsed_b {
        prop_assert!(
            outside.is_none(),
            "equal text, but {:?} is only in one",
            outside
        );
        prop_assert!(parsed_a.contains(&parsed_b));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn patterns_agree_with_the_world(a in pattern(), b in pattern()) {
        check(&a, &b)?;
        check(&a, &a)?;
    }

    #[test]
    fn a_pattern_and_a_literal_agree_with_the_world(a in pattern(), b in literal()) {
        check(&a, &b)?;
        check(&b, &a)?;
    }

    /// Two segments of up to four letters or `?`, with `*` anywhere, share a name of at most eight
    /// letters: those of both, if both have a `*`, and no more than four otherwise.
    #[test]
    fn segments_agree_with_all_names(a in r"(\*?[ab?]){1,4}\*?", b in r"(\*?[ab?]){1,4}\*?") {
        static LONG_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| words(8));
        let is_in = |name: &str, pattern: &str| is_name(name.as_bytes(), pattern.as_bytes());
        let shared = LONG_NAMES.iter().find(|name| is_in(name, &a) && is_in(name, &b));
        prop_assert_eq!(path(&a).overlaps(&path(&b)), shared.is_some(), "shared: {:?}", shared);
        let outside = LONG_NAMES.iter().find(|name| is_in(name, &b) && !is_in(name, &a));
        if outside.is_some() || path(&b).as_path().is_some_and(super::PathPattern::is_literal) {
            prop_assert_eq!(path(&a).contains(&path(&b)), outside.is_none());
        }
    }

    /// Whether the two are absolute decides first, then everything is as for relative ones.
    #[test]
    fn absolute_patterns_are_a_world_of_their_own(a in pattern(), b in pattern()) {
        let (absolute_a, absolute_b) = (path(&format!("/{a}")), path(&format!("/{b}")));
        let (a, b) = (path(&a), path(&b));
        prop_assert_eq!(absolute_a.overlaps(&absolute_b), a.overlaps(&b));
        prop_assert_eq!(absolute_a.contains(&absolute_b), a.contains(&b));
        prop_assert!(!a.overlaps(&absolute_b) && !absolute_b.overlaps(&a));
        prop_assert!(!a.contains(&absolute_b) && !absolute_b.contains(&a));
    }

    #[test]
    fn what_is_displayed_parses_back(text in "(name:|issue:|path:)?[ab*?\\\\{},:/. é]{0,12}") {
        if let Ok(resource) = Resource::parse(&text) {
            let displayed = resource.to_string();
            let back = Resource::parse(&displayed);
            prop_assert_eq!(back.as_ref().map(ToString::to_string), Ok(displayed));
            prop_assert_eq!(back.as_ref(), Ok(&resource));
        }
    }

    /// A literal path round-trips through its canonical text, and keeps its names.
    #[test]
    fn literal_paths_keep_their_names(text in "/?[ab*?\\\\{}, ]{1,8}(/[ab*?\\\\{}, ]{1,4}){0,2}") {
        let literal = Resource::literal_path(&text).expect("a valid path");
        let back = Resource::parse(&literal.to_string());
        prop_assert_eq!(back.as_ref(), Ok(&literal));
        let path = back.as_ref().ok().and_then(Resource::as_path);
        let prefix = path.map(super::PathPattern::literal_prefix);
        prop_assert_eq!(prefix, Some(text.as_str()));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), other in "path:[*?/ab\\\\ ]{0,40}") {
        let (text, other) = (Resource::parse(&text), Resource::parse(&other));
        if let (Ok(text), Ok(other)) = (text, other) {
            prop_assert!(text.overlaps(&text) && text.contains(&text));
            prop_assert!(other.overlaps(&other) && other.contains(&other));
        }
    }
}
