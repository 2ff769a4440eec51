//! How names become file names: injective, bounded, and safe where a file system folds case.
//!
//! Lower-case ASCII letters, digits, `-`, `_` and inner dots stand for themselves, an upper-case letter
//! is `^` and its lower-case form, every other byte is `%xx`. What comes out longer than a file name
//! may be goes into nested directories whose names end in `~`, so nothing is ever hashed or cut and
//! two names never share a file. A last piece of nothing but dots would be the directory itself, or
//! the one above: there the first dot is `%2e`, too. `@`, `~` and `.` at the front are free for the
//! store's own names.

use std::fmt::Write as _;

/// Longest piece of a name in one file name. Nearly all file systems allow 255.
const PIECE_BYTES_MAX: usize = 200;
/// The longest file name with such a piece: `session-` in front and `~` behind.
const NAME_BYTES: usize = PIECE_BYTES_MAX + 9;
/// The same where so long a name is not allowed. eCryptfs has 143.
const SMALL_PIECE_BYTES_MAX: usize = SMALL_NAME_BYTES_MAX - 9;
const SMALL_NAME_BYTES_MAX: usize = 143;

/// How much room there is for a file name. It is asked only for names of more than
/// [`SMALL_PIECE_BYTES_MAX`], which are rare. All who share a directory get the same answer.
pub(crate) trait Room {
    /// Returns the length of the longest file name.
    fn name_bytes_max(&self) -> usize;
}

/// Appends the file name of `name`, with the directories it needs when it is long.
pub(crate) fn push_escaped(path: &mut String, name: &str, room: &dyn Room) {
    let escaped = escape(name);
    let piece_bytes_max = match escaped.len() {
        ..=SMALL_PIECE_BYTES_MAX => SMALL_PIECE_BYTES_MAX,
        _ if room.name_bytes_max() < NAME_BYTES => SMALL_PIECE_BYTES_MAX,
        _ => PIECE_BYTES_MAX,
    };
    let mut rest = escaped.as_str();
    while rest.len() > piece_bytes_max {
        let (piece, after) = rest.split_at(piece_bytes_max);
        path.push_str(piece);
        path.push_str("~/");
        rest = after;
    }
    match rest {
        "." | ".." => path.extend(["%2e", &rest[1..]]),
        _ => path.push_str(rest),
    }
}

/// Appends the file names of `first` and `second`, with `@` between them: in one file name if there is
/// room for both.
pub(crate) fn push_pair(path: &mut String, first: &str, second: &str, room: &dyn Room) {
    push_escaped(path, first, room);
    let mut after = String::from("@");
    push_escaped(&mut after, second, room);
    let in_last = |path: &str| path.rsplit('/').next().map_or(0, str::len);
    let bytes = in_last(path) + after.split('/').next().map_or(0, str::len);
    if bytes > SMALL_NAME_BYTES_MAX && bytes > room.name_bytes_max() {
        path.push_str("~/");
    }
    path.push_str(&after);
}

/// Takes the directories out again that a long name was split into.
pub(crate) fn joined(name: &str) -> String {
    // A piece of nothing but dots; no other begins so.
    name.replace("~/%2e", ".").replace("~/", "")
}

fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(byte as char),
            b'.' if index > 0 => escaped.push('.'),
            b'A'..=b'Z' => {
                escaped.push('^');
                escaped.push(byte.to_ascii_lowercase() as char);
            }
            // Writing to a string cannot fail.
            _ => drop(write!(escaped, "%{byte:02x}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// For tests that have no directory.
    impl Room for usize {
        fn name_bytes_max(&self) -> usize {
            *self
        }
    }

    fn escaped(name: &str, room: usize) -> String {
        let mut path = String::new();
        push_escaped(&mut path, name, &room);
        path
    }

    /// Reads a name back, which shows that no two share a file.
    fn unescaped(path: &str) -> String {
        let joined = path.replace("~/", "");
        let (mut bytes, mut name) = (joined.bytes(), Vec::new());
        while let Some(byte) = bytes.next() {
            name.push(match byte {
                b'^' => bytes.next().unwrap().to_ascii_uppercase(),
                b'%' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(name).unwrap()
    }

    fn is_safe(path: &str, bytes_max: usize) -> bool {
        let is_name = |piece: &str| !matches!(piece, "" | "." | "..") && piece.len() <= bytes_max;
        path.split('/').all(is_name) && path.to_lowercase() == path
    }

    #[test]
    fn names_stay_readable() {
        let check = |name, expected| assert_eq!(escaped(name, 255), expected);
        check("build-1_x.rs", "build-1_x.rs");
        check("README.md", "^r^e^a^d^m^e.md");
        check("..", "%2e.");
        check("@", "%40");
        check("a/b ~é", "a%2fb%20%7e%c3%a9");
    }

    /// The names of directories that are there already.
    #[test]
    fn long_names_stay_what_they_were() {
        let (a, long) = ("a".repeat(200), "a".repeat(201));
        assert_eq!(escaped(&a, 255), a);
        assert_eq!(escaped(&long, 255), format!("{a}~/a"));
        assert_eq!(escaped(&format!("{a}.rs"), 255), format!("{a}~/.rs"));
        assert_eq!(escaped(&format!("{a}..."), 255), format!("{a}~/..."));
    }

    #[test]
    fn a_last_piece_of_dots_is_a_name() {
        let a = "a".repeat(200);
        assert_eq!(escaped(&format!("{a}."), 255), format!("{a}~/%2e"));
        assert_eq!(escaped(&format!("{a}.."), 255), format!("{a}~/%2e."));
        assert_eq!(joined(&format!("{a}~/%2e.")), format!("{a}.."));
    }

    /// Names whose escaped form is about as long as one piece or two, and that are made of what is
    /// special at an end or in a path.
    fn adversarial() -> impl Strategy<Value = String> {
        const SPECIAL: &[&str] = &[
            "a", "A", ".", "..", "/", "~", "@", "%", "^", " ", "é", "%2e",
        ];
        const LENGTHS: &[usize] = &[0, 1, 134, 200, 268, 400];
        let special = || proptest::collection::vec(prop::sample::select(SPECIAL), 0..5);
        let length = (prop::sample::select(LENGTHS), 0..8_usize);
        let parts = (special(), length, "[aAé.]", special());
        parts
            .prop_map(|(head, (length, more), filler, tail)| {
                let bytes = |text: &str| escape(&format!("a{text}")).len() - 1;
                let ends = bytes(&head.concat()) + bytes(&tail.concat());
                let fill = (length + more).saturating_sub(ends + 2) / bytes(&filler);
                [
                    head.concat(),
                    filler.repeat(fill),
                    tail.concat(),
                    "b".repeat(more % 2),
                ]
                .concat()
            })
            .prop_filter("no name is empty", |name| !name.is_empty())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn escaping_is_injective_and_bounded(
            name in prop_oneof!["\\PC{1,400}", adversarial()],
            room in prop_oneof![Just(255_usize), Just(209), Just(143)],
        ) {
            let path = escaped(&name, room);
            prop_assert_eq!(unescaped(&path), name.clone());
            prop_assert_eq!(joined(&path), escape(&name));
            prop_assert!(is_safe(&path, room.min(201)), "{path}");
        }

        #[test]
        fn pairs_are_injective_and_bounded(
            first in adversarial(),
            second in adversarial(),
            room in prop_oneof![Just(255_usize), Just(143)],
        ) {
            let mut path = String::from("owner-");
            push_pair(&mut path, &first, &second, &room);
            prop_assert!(is_safe(&path, room), "{path}");
            let whole = path.strip_prefix("owner-").unwrap();
            let (a, b) = whole.split_once('@').unwrap();
            prop_assert_eq!((unescaped(a), unescaped(b)), (first, second));
        }
    }
}
