//! Walking over stored JSON without taking it apart: members and elements as the bytes that they are.
//!
//! For who looks at a million events and prints most of what they say as it is. What is walked over has
//! a checksum and was written by this program, so nothing is validated that is not looked at; but
//! whatever the bytes are, the walk ends, and does not panic.

use super::scan;

/// A place in stored JSON, which goes over it once: what is looked into is not searched for its end
/// before.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(json: &'a [u8]) -> Self {
        Self { rest: json }
    }

    /// Returns the byte that comes.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Calls `each` at every element of the array that comes; it has to go over the element.
    pub(crate) fn elements(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.items(b'[', b']', |cursor| each(cursor))
    }

    /// Calls `each` at the value of every member of the object that comes, with the name as it stands
    /// between the quotes; it has to go over the value.
    pub(crate) fn members(
        &mut self,
        mut each: impl FnMut(&mut Self, &'a [u8]) -> Option<()>,
    ) -> Option<()> {
        self.items(b'{', b'}', |cursor| {
            let name = cursor.name()?;
            each(cursor, name)
        })
    }

    /// Goes over the name of a member.
    pub(crate) fn name(&mut self) -> Option<&'a [u8]> {
        let name = self.take(string_end(self.rest)?)?;
        self.byte(b':')?;
        Some(&name[1..name.len() - 1])
    }

    /// Goes over the value that comes.
    pub(crate) fn value(&mut self) -> Option<&'a [u8]> {
        self.take(value_end(self.rest)?)
    }

    /// Goes over one byte, if it is this one.
    pub(crate) fn byte(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    /// Goes over the rest of an object, of which some member was gone over.
    pub(crate) fn close(&mut self) -> Option<()> {
        while self.peek()? == b',' {
            self.byte(b',')?;
            self.name()?;
            self.value()?;
        }
        self.byte(b'}')
    }

    fn items(
        &mut self,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.byte(open)?;
        if self.peek()? == close {
            return self.byte(close);
        }
        loop {
            each(self)?;
            if self.peek()? == close {
                return self.byte(close);
            }
            self.byte(b',')?;
        }
    }

    fn take(&mut self, end: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(taken)
    }
}

/// Returns the text of a string without its quotes, escapes taken out.
pub(crate) fn text(string: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let inner = string.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if scan::quote_or_escape(inner).is_some() {
        return serde_json::from_slice::<String>(string)
            .ok()
            .map(Into::into);
    }
    std::str::from_utf8(inner).ok().map(Into::into)
}

/// Returns where the value at the front ends.
fn value_end(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_end(bytes),
        b'{' | b'[' => nested_end(bytes),
        _ => scan::number_end(bytes),
    }
}

/// Returns where the string at the front ends, behind its quote.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += scan::quote_or_escape(inner.get(at..)?)?;
        if inner[at] == b'"' {
            return Some(at + 2);
        }
        at += 2;
    }
}

/// Returns where the object or array at the front ends.
fn nested_end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        at += scan::quote_or_bracket(bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => {
                at += string_end(&bytes[at..])?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            _ => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn walk(json: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
        let (mut cursor, mut found) = (Cursor::new(json), Vec::new());
        cursor.members(|cursor, name| {
            found.push((name, cursor.value()?));
            Some(())
        })?;
        Some(found)
    }

    #[test]
    fn walks_over_what_is_there() {
        let expected: [(&[u8], &[u8]); 4] = [
            (b"a", b"1"),
            (b"b", br#"{"c":"}\"]"}"#),
            (b"d", b"[]"),
            (b"e", br#""x""#),
        ];
        let json = br#"{"a":1,"b":{"c":"}\"]"},"d":[],"e":"x"}"#;
        assert_eq!(walk(json).unwrap(), expected);
        assert_eq!(walk(b"{}").unwrap(), []);
        let mut cursor = Cursor::new(json);
        cursor.byte(b'{').unwrap();
        assert_eq!(
            cursor.name().zip(cursor.value()),
            Some((&b"a"[..], &b"1"[..]))
        );
        cursor.close().unwrap();
        assert_eq!(cursor.peek(), None);
    }

    #[test]
    fn what_ends_too_soon_is_broken() {
        let whole = br#"{"a":[1,"x"],"b":2}"#;
        for end in 0..whole.len() {
            assert_eq!(walk(&whole[..end]), None, "cut at {end}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            "[\\x00-\\x7f]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
            let map = prop::collection::btree_map("[a-z\"\\\\]{0,4}", inner, 0..4);
            prop_oneof![
                list,
                map.prop_map(|map| Value::Object(map.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn finds_what_a_parser_finds(value in values()) {
            let array = serde_json::to_vec(&vec![value.clone(), value.clone()]).unwrap();
            let (mut cursor, mut found) = (Cursor::new(&array), 0);
            cursor.elements(|cursor| {
                let element = cursor.value()?;
                assert_eq!(&serde_json::from_slice::<Value>(element).unwrap(), &value);
                found += 1;
                Some(())
            }).unwrap();
            prop_assert_eq!((found, cursor.peek()), (2, None));
            let string = serde_json::to_vec(&value.to_string()).unwrap();
            prop_assert_eq!(text(&string).unwrap(), value.to_string());
        }

        #[test]
        fn ends_on_anything(bytes in prop::collection::vec(prop::sample::select(&b"{}[]\",:\\1a"[..]), 0..40)) {
            let _ = walk(&bytes);
            let _ = Cursor::new(&bytes).elements(|cursor| cursor.value().map(drop));
            let _ = text(&bytes);
        }
    }
}
