//! How names become file names: injective, bounded, and safe where a file system folds case.
//!
//! Lower-case ASCII letters, digits, `-`, `_` and inner dots stand for themselves, an upper-case letter
//! is `^` and its lower-case form, every other byte is `%xx`. What comes out longer than a file name
//! may be goes into nested directories whose names end in `~`, so nothing is ever hashed or cut and
//! two names never share a file. `@`, `~` and `.` at the front are free for the store's own names.

use std::fmt::Write as _;

/// Longest piece of a name in one file name. File systems allow 255.
const PIECE_BYTES_MAX: usize = 200;

/// Appends the file name of `name`, with the directories it needs when it is long.
pub(crate) fn push_escaped(path: &mut String, name: &str) {
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
    let mut rest = escaped.as_str();
    while rest.len() > PIECE_BYTES_MAX {
        let (piece, after) = rest.split_at(PIECE_BYTES_MAX);
        path.push_str(piece);
        path.push_str("~/");
        rest = after;
    }
    path.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(name: &str) -> String {
        let mut path = String::new();
        push_escaped(&mut path, name);
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

    #[test]
    fn names_stay_readable() {
        assert_eq!(escaped("build-1_x.rs"), "build-1_x.rs");
        assert_eq!(escaped("README.md"), "^r^e^a^d^m^e.md");
        assert_eq!(escaped(".."), "%2e.");
        assert_eq!(escaped("@"), "%40");
        assert_eq!(escaped("a/b ~é"), "a%2fb%20%7e%c3%a9");
    }

    proptest! {
        #[test]
        fn escaping_is_injective_and_bounded(name in "\\PC{1,400}") {
            let path = escaped(&name);
            prop_assert_eq!(unescaped(&path), name);
            prop_assert!(path.split('/').all(|piece| (1..=201).contains(&piece.len())));
            prop_assert_eq!(path.to_lowercase(), path);
        }
    }
}
