//! Tables of the grammar: canonical texts, refusals, overlap and containment.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;

fn resource(text: &str) -> Resource {
    Resource::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Checks what `text` is displayed as, and that this parses back.
#[track_caller]
fn check_canonical(text: &str, kind: &str, rest: &str, display: &str) {
    let parsed = resource(text);
    assert_eq!((parsed.kind(), parsed.rest()), (kind, rest), "{text:?}");
    assert_eq!(parsed.to_string(), display, "{text:?}");
    assert_eq!(parsed.to_string().parse(), Ok(parsed), "{text:?}");
}

#[track_caller]
fn check_path(text: &str, canonical: &str) {
    check_canonical(
        &format!("path:{text}"),
        "path",
        canonical,
        &format!("path:{canonical}"),
    );
}

/// Checks the message and hint of a refusal.
#[track_caller]
fn check_refused(text: &str, message: &str, hint: Option<&str>) {
    let error = Resource::parse(text).expect_err(text);
    assert_eq!(error.to_string(), message);
    assert_eq!(error.hint().as_deref(), hint);
}

#[test]
fn flat_kinds_are_kept_byte_for_byte() {
    check_canonical("build", "name", "build", "build");
    check_canonical("name:build", "name", "build", "build");
    check_canonical("name:a:b", "name", "a:b", "name:a:b");
    check_canonical("name:a/b", "name", "a/b", "name:a/b");
    check_canonical("name:Foo:bar", "name", "Foo:bar", "name:Foo:bar");
    check_canonical("path", "name", "path", "path");
    check_canonical("issue:8057324b", "issue", "8057324b", "issue:8057324b");
    check_canonical("api:GET /users", "api", "GET /users", "api:GET /users");
    check_canonical("x:a:b", "x", "a:b", "x:a:b");
    check_canonical("k-8:*?\\{a,b}", "k-8", "*?\\{a,b}", "k-8:*?\\{a,b}");
    check_canonical("überbau 2", "name", "überbau 2", "überbau 2");
    assert_ne!(resource("Build"), resource("build"));
    let longest = "x".repeat(Resource::NAME_BYTES_MAX);
    let kind = "k".repeat(Resource::KIND_BYTES_MAX);
    let text = format!("{kind}:{longest}");
    check_canonical(&text, &kind, &longest, &text);
}

#[test]
fn what_is_canonical_comes_back_as_it_went() {
    let long = "x".repeat(Resource::NAME_BYTES_MAX);
    let longer = format!("{long}x");
    for text in [
        "build",
        "a-b_c.d",
        ".",
        "..",
        "-",
        "7",
        "issue:1",
        "name:a:b",
        "name:a",
        "path:src",
        "path:./src",
        "path:src/",
        "path:.",
        "path:src/**",
        "a b",
        " a",
        "a/b",
        "",
        "name:",
        "ü",
        "a\u{200b}",
        &long,
        &longer,
    ] {
        let parsed = Resource::parse(text).map(|resource| resource.to_string());
        assert_eq!(
            Resource::is_canonical(text),
            parsed.as_deref() == Ok(text),
            "{text}"
        );
    }
}

#[test]
fn paths_are_normalised() {
    for (text, canonical) in [
        ("src/auth", "src/auth"),
        ("src//auth/", "src/auth"),
        ("./src/./auth/.", "src/auth"),
        ("src/\\./auth", "src/auth"),
        (".", "."),
        ("./", "."),
        ("/", "/"),
        ("//", "/"),
        ("/.", "/"),
        ("//etc//x/", "/etc/x"),
        ("...", "..."),
        (".git", ".git"),
        ("a:b", "a:b"),
        ("my file/ x /y", "my file/ x /y"),
    ] {
        check_path(text, canonical);
    }
}

#[test]
fn equal_sets_have_equal_text() {
    for (text, canonical) in [
        ("**", "."),
        ("/**", "/"),
        ("src/**", "src"),
        ("src/**/**/", "src"),
        ("**/**/x", "**/x"),
        ("**/./**/x", "**/x"),
        ("**/*", "*"),
        ("*/**", "*"),
        ("a/**/*/**/*/b", "a/*/*/**/b"),
        ("**/*.rs", "**/*.rs"),
        ("a/*?/b", "a/*/b"),
        ("a/?*?/b", "a/??*/b"),
        ("x*?*y", "x?*y"),
        ("*?.rs", "?*.rs"),
        ("*x*", "*x*"),
    ] {
        check_path(text, canonical);
    }
}

#[test]
fn escapes_stay_only_where_they_mean_something() {
    for (text, canonical) in [
        ("a\\*b", "a\\*b"),
        ("\\*\\*", "\\*\\*"),
        ("*\\**", "*\\**"),
        ("\\?\\\\", "\\?\\\\"),
        ("a\\[b\\]", "a[b]"),
        ("app/[id]/page.tsx", "app/[id]/page.tsx"),
        ("{a}", "{a}"),
        ("\\{a}", "{a}"),
        ("a,b", "a,b"),
        ("{a}/b,c/{d}", "{a}/b,c/{d}"),
        ("\\{a,b}", "\\{a,b}"),
        ("{a\\,b}", "\\{a,b}"),
        ("{a,b\\}", "\\{a,b}"),
        ("\\{{a\\,b}", "\\{\\{a,b}"),
        ("{a,b", "{a,b"),
        ("\\ a", "\\ a"),
        ("a\\ ", "a\\ "),
        ("a\\\\\\ ", "a\\\\\\ "),
        ("./ a", "\\ a"),
        ("a /", "a\\ "),
        ("\\ ", "\\ "),
    ] {
        check_path(text, canonical);
    }
}

#[test]
fn parts_of_a_path() {
    #[track_caller]
    fn check(text: &str, prefix: &str, segments: &[&str], literal: bool, absolute: bool) {
        let resource = resource(text);
        let path = resource.as_path().expect("a path");
        assert_eq!(path.literal_prefix(), prefix);
        assert_eq!(path.segments().collect::<Vec<_>>(), segments);
        assert_eq!((path.is_literal(), path.is_absolute()), (literal, absolute));
        assert_eq!(path.to_string(), resource.rest());
        assert!(!resource.is_flat());
    }
    check("path:.", "", &[], true, false);
    check("path:/", "/", &[], true, true);
    check("path:src/a\\*b", "src/a*b", &["src", "a\\*b"], true, false);
    check("path:src/a*b/c", "src", &["src", "a*b", "c"], false, false);
    check("path:**/x", "", &["**", "x"], false, false);
    check("path:/etc/x", "/etc/x", &["etc", "x"], true, true);
    check("path:/etc/?/x", "/etc", &["etc", "?", "x"], false, true);
    check("path:/*", "/", &["*"], false, true);
    assert!(resource("build").is_flat());
    assert_eq!(resource("build").as_path(), None);
}

#[test]
fn literal_paths_take_nothing_as_a_wildcard() {
    for (text, canonical) in [
        ("src/auth/", "path:src/auth"),
        ("a*b/**/?", "path:a\\*b/\\*\\*/\\?"),
        ("{a,b}", "path:\\{a,b}"),
        ("c\\d", "path:c\\\\d"),
        (" a ", "path:\\ a\\ "),
        (".", "path:."),
        ("/x/[id]", "path:/x/[id]"),
    ] {
        let path = Resource::literal_path(text).expect(text);
        assert_eq!(path.to_string(), canonical);
        assert_eq!(resource(canonical), path);
        assert!(path.as_path().is_some_and(PathPattern::is_literal));
    }
    assert_eq!(
        Resource::literal_path("a/.."),
        Err(ResourceError::ParentSegment {
            path: "a/..".into()
        })
    );
    assert_eq!(
        Resource::literal_path("a\n"),
        Err(ResourceError::ForbiddenCharacter { character: '\n' })
    );
    // 1024 bytes are allowed, 1024 stars are not: their canonical text is too long.
    let deep = |name: &str| [name; 5].map(|name| name.repeat(200)).join("/");
    assert!(Resource::literal_path(&deep("x")).is_ok());
    let error = ResourceError::PathTooLong {
        bytes: 2004,
        bytes_max: 1024,
    };
    assert_eq!(Resource::literal_path(&deep("*")), Err(error));
}

#[test]
fn names_are_refused() {
    let kind_rule = "is not a kind of resource: a kind is a lowercase letter, then up to 31 \
                     lowercase letters, digits or `-`";
    let surrounding = Some("remove the white space at the ends");
    check_refused("", "a resource of kind `name` needs a name", None);
    check_refused("issue:", "a resource of kind `issue` needs a name", None);
    for (text, meant) in [("Foo:bar", "foo:bar"), ("PATH:src", "path:src")] {
        let (kind, _) = text.split_once(':').unwrap();
        let hint = format!("write `{meant}`, or `name:{text}` if the colon belongs to the name");
        check_refused(text, &format!("`{kind}` {kind_rule}"), Some(&hint));
    }
    for kind in ["", "8x", "-x", "a_b", "é", &"k".repeat(33)] {
        check_refused(
            &format!("{kind}:bar"),
            &format!("`{kind}` {kind_rule}"),
            Some(&format!(
                "write `name:{kind}:bar` if the colon belongs to the name"
            )),
        );
    }
    check_refused(
        "src/a:b",
        &format!("`src/a` {kind_rule}"),
        Some("write `path:src/a:b` for a file or directory, or `name:src/a:b` for a plain name"),
    );
    check_refused(
        "src/auth",
        "`src/auth` has a `/` but no kind",
        Some("write `path:src/auth` for a file or directory, or `name:src/auth` for a plain name"),
    );
    for text in [" a", "a ", "name: a", "name:a\u{3000}"] {
        let message = "white space at the start or end of a resource of kind `name`";
        check_refused(text, message, surrounding);
    }
    check_refused(
        &format!("name:{}", "x".repeat(201)),
        "a name of 201 bytes is over the limit of 200",
        None,
    );
    check_refused(
        &"/".repeat(1058),
        "a resource of 1058 bytes is over the limit of 1057",
        None,
    );
}

#[test]
fn invisible_characters_are_refused_everywhere() {
    let forbidden = "\0\n\u{7F}\u{85}\u{200B}\u{200F}\u{2028}\u{2029}\u{202A}\u{202E}\u{2060}\
                     \u{2069}\u{FEFF}";
    for character in forbidden.chars() {
        let error = ResourceError::ForbiddenCharacter { character };
        for text in ["a_b", "x:a_b", "path:a_b", "path:a\\_b", "_:a", "a/_"] {
            let text = text.replace('_', &String::from(character));
            assert_eq!(Resource::parse(&text), Err(error.clone()), "{text:?}");
            let rest = text.strip_prefix("path:").unwrap_or(&text);
            assert_eq!(PathPattern::parse(rest), Err(error.clone()), "{rest:?}");
        }
    }
    for allowed in "\u{200A}\u{2010}\u{2027}\u{202F}\u{205F}\u{206A}".chars() {
        assert!(
            Resource::parse(&format!("a{allowed}b")).is_ok(),
            "{allowed:?}"
        );
    }
    check_refused(
        "a\u{202E}b",
        "the invisible or control character U+202E is not allowed in a resource",
        None,
    );
}

#[test]
fn paths_are_refused() {
    for path in ["..", "a/..", "../a", "/..", "a/../b", "a/\\../b", "*/../b"] {
        check_refused(
            &format!("path:{path}"),
            &format!("path `{path}` has a `..` segment, which only a file system can resolve"),
            Some("write the path that the `..` leads to"),
        );
    }
    for segment in ["a**b", "***", "**a", "a**", "?**"] {
        check_refused(
            &format!("path:x/{segment}/y"),
            &format!("`**` is only a part of the path segment `{segment}`"),
            Some(
                "write `**` between slashes for any number of directories, `*` for a part of one \
                 name, or `\\*` for a star",
            ),
        );
    }
    for pattern in ["{a,b}", "src/{a/b,c}", "{{a},}", "{a{b}c,d}", "a\\\\{b,c}"] {
        check_refused(
            &format!("path:{pattern}"),
            &format!("pattern `{pattern}` has alternatives in braces, which are not supported"),
            Some(
                "name each path as a resource of its own, or write `\\{` for a brace in a file name",
            ),
        );
    }
    for segment in ["a\\", "a\\\\\\", "\\", "src\\auth", "\\1"] {
        check_refused(
            &format!("path:{segment}/b"),
            &format!("a `\\` in the path segment `{segment}` escapes nothing"),
            Some("write `\\\\` for a backslash in a file name, and `/` between directories"),
        );
    }
    for path in [" a", "a ", "a\\\\ ", "\u{3000}", "a/b "] {
        check_refused(
            &format!("path:{path}"),
            "white space at the start or end of a resource of kind `path`",
            Some("write `\\ ` for a space that belongs to the file name"),
        );
    }
}

#[test]
fn paths_have_limits() {
    #[track_caller]
    fn check(within: &str, beyond: &str, message: &str) {
        resource(&format!("path:{within}"));
        let hint = "name a directory above it: a path covers everything below";
        check_refused(&format!("path:{beyond}"), message, Some(hint));
    }
    let wide = [
        "x".repeat(200),
        "y".repeat(200),
        "z".repeat(200),
        "v".repeat(200),
    ]
    .join("/");
    let longest = format!("{wide}/{}", "w".repeat(220));
    assert_eq!(longest.len(), 1024);
    check(
        &longest,
        &format!("{longest}w"),
        "a path of 1025 bytes is over the limit of 1024",
    );
    check(
        &format!("{}\\*", "é".repeat(127)),
        &format!("{}\\*x", "é".repeat(127)),
        "a path segment of 256 bytes is over the limit of 255",
    );
    check(
        &format!("*{}", "é".repeat(127)),
        &format!("*{}x", "é".repeat(127)),
        "a path segment of 256 bytes is over the limit of 255",
    );
    check(
        &["x"; 64].join("/"),
        &["x"; 65].join("/"),
        "a path of 65 segments is over the limit of 64",
    );
    check(
        &format!("**/{}", "?*x".repeat(7) + "*"),
        &format!("**/{}", "?*x".repeat(8)),
        "a pattern of 17 wildcards is over the limit of 16",
    );
    check(
        &"./".repeat(512),
        &"./".repeat(513),
        "a path of 1026 bytes is over the limit of 1024",
    );
    // The escapes that braces need can make the canonical text longer than what was written.
    let braces = [
        "{".repeat(200),
        "{".repeat(200),
        "{".repeat(200),
        "\\,}".into(),
    ]
    .join("/");
    check(
        &braces[402..],
        &braces,
        "a path of 1205 bytes is over the limit of 1024",
    );
}

#[test]
fn flat_resources_overlap_when_equal() {
    #[track_caller]
    fn check(a: &str, b: &str, expected: bool) {
        let (a, b) = (resource(a), resource(b));
        assert_eq!(
            (a.overlaps(&b), b.overlaps(&a)),
            (expected, expected),
            "{a} with {b}"
        );
        assert_eq!(
            (a.contains(&b), b.contains(&a)),
            (expected, expected),
            "{a} with {b}"
        );
    }
    check("build", "name:build", true);
    check("build", "Build", false);
    check("issue:1", "name:1", false);
    check("api:a", "api:a/b", false);
    check("x:*", "x:y", false);
    check("path:build", "build", false);
    check("path:.", "build", false);
}

#[test]
fn order_and_hash_go_by_the_canonical_text() {
    use core::hash::BuildHasher;
    let texts = ["build", "path:a", "path:a/*", "path:b", "zone:1"];
    let sorted: Vec<_> = texts.map(resource).into();
    assert!(sorted.is_sorted());
    let state = std::hash::RandomState::new();
    assert_eq!(
        state.hash_one(resource("path:a/**")),
        state.hash_one(resource("path:a"))
    );
    assert_ne!(
        state.hash_one(resource("path:a")),
        state.hash_one(resource("path:b"))
    );
    assert_eq!(
        format!("{:?}", resource("build")),
        "Resource(\"name:build\")"
    );
    assert_eq!(format!("{:>6}|", resource("x")), "     x|");
}
