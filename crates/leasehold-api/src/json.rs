//! What is printed as JSON: to the byte what `serde_json` writes.
//!
//! A listing has ten thousand leases, and nearly all their texts are plain ASCII. Such a one is seen eight
//! bytes at a time, and copied at once; every other text, and what is rare, is left to `serde_json`.

use leasehold_store::format::is_plain;
use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Error;
use std::io;

/// Takes what was written so far, if it wants to, and leaves room for the rest.
pub type EachPiece<'a> = dyn FnMut(&mut Vec<u8>) -> io::Result<()> + 'a;

/// Appends a value. `each` is called behind every element of an array: no text is cut there.
///
/// # Errors
/// What `each` says, or a value that cannot be written as JSON.
pub fn write<T: Serialize>(
    out: &mut Vec<u8>,
    value: &T,
    each: &mut EachPiece<'_>,
) -> Result<(), Error> {
    value.serialize(&mut Writer { out, each })
}

/// Writes a value.
struct Writer<'w, 'e> {
    out: &'w mut Vec<u8>,
    each: &'w mut EachPiece<'e>,
}

/// Writes an array or object, member by member.
struct Members<'m, 'w, 'e> {
    writer: &'m mut Writer<'w, 'e>,
    is_first: bool,
    end: &'static [u8],
}

type Done = Result<(), Error>;

impl<'w, 'e> Writer<'w, 'e> {
    /// Writes what is rare, or has no text in it.
    fn leave<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        serde_json::to_writer(&mut *self.out, value)
    }

    fn begin<'m>(
        &'m mut self,
        begin: &'static [u8],
        end: &'static [u8],
    ) -> Result<Members<'m, 'w, 'e>, Error> {
        self.out.extend_from_slice(begin);
        Ok(Members {
            writer: self,
            is_first: true,
            end,
        })
    }

    /// The same for what stands in an object, behind the name of a variant.
    fn begin_variant<'m>(
        &'m mut self,
        variant: &str,
        begin: &'static [u8],
        end: &'static [u8],
    ) -> Result<Members<'m, 'w, 'e>, Error> {
        self.out.push(b'{');
        self.serialize_str(variant)?;
        self.out.push(b':');
        self.begin(begin, end)
    }
}

impl Members<'_, '_, '_> {
    #[inline]
    fn comma(&mut self) {
        if !self.is_first {
            self.writer.out.push(b',');
        }
        self.is_first = false;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.comma();
        value.serialize(&mut *self.writer)?;
        (self.writer.each)(self.writer.out).map_err(Error::custom)
    }

    /// Writes a member whose name is that of a field: a word, which is not looked through.
    #[inline(always)]
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        debug_assert!(is_plain(name), "{name:?} is the name of a field");
        self.comma();
        let out = &mut self.writer.out;
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Done {
        self.writer.out.extend_from_slice(self.end);
        Ok(())
    }
}

/// What is written as `serde_json` does, whatever it is.
macro_rules! leave {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, value: $type) -> Done {
            self.leave(&value)
        })*
    };
}

impl<'m, 'w, 'e> Serializer for &'m mut Writer<'w, 'e> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Members<'m, 'w, 'e>;
    type SerializeTuple = Members<'m, 'w, 'e>;
    type SerializeTupleStruct = Members<'m, 'w, 'e>;
    type SerializeTupleVariant = Members<'m, 'w, 'e>;
    type SerializeMap = Members<'m, 'w, 'e>;
    type SerializeStruct = Members<'m, 'w, 'e>;
    type SerializeStructVariant = Members<'m, 'w, 'e>;

    leave! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64)
        serialize_char(char) serialize_bytes(&[u8])
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Done {
        if !is_plain(text) {
            return self.leave(text);
        }
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.leave(&())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        let members = self.begin_variant(variant, b"", b"}")?;
        value.serialize(&mut *members.writer)?;
        members.end()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        self.begin(b"[", b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        self.begin(b"[", b"]")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        self.begin(b"[", b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        self.begin_variant(variant, b"[", b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        self.begin(b"{", b"}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        self.begin(b"{", b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        self.begin_variant(variant, b"{", b"}}")
    }
}

/// The arrays.
macro_rules! elements {
    ($($trait:ident $method:ident)*) => {
        $(impl $trait for Members<'_, '_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.element(value)
            }

            fn end(self) -> Done {
                self.end()
            }
        })*
    };
}

/// The objects whose names are known.
macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl $trait for Members<'_, '_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Done {
                self.member(name, value)
            }

            fn end(self) -> Done {
                self.end()
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Members<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Done {
        self.comma();
        let begin = self.writer.out.len();
        name.serialize(&mut *self.writer)?;
        match self.writer.out.get(begin) {
            Some(b'"') => Ok(()),
            _ => Err(Error::custom("a name has to be a text")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.writer.out.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Done {
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// All that serde tells apart.
    #[derive(Serialize)]
    enum Any {
        Unit,
        Newtype(Box<Any>),
        Tuple(i8, Box<Any>),
        Struct { name: &'static str, value: Box<Any> },
        Value(serde_json::Value),
        Texts(BTreeMap<String, String>),
        Empty(Empty, (), Option<Nested>),
        Flat(Flat),
    }

    #[derive(Serialize)]
    struct Empty;

    #[derive(Serialize)]
    struct Nested(u64, (char, f64));

    #[derive(Serialize)]
    struct Flat {
        before: u32,
        #[serde(flatten)]
        inner: Inner,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<bool>,
        after: [i64; 2],
    }

    #[derive(Serialize)]
    struct Inner {
        text: String,
    }

    fn written<T: Serialize>(value: &T) -> String {
        let mut out = Vec::new();
        write(&mut out, value, &mut |_| Ok(())).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn texts() -> Vec<String> {
        let lengths = (0..20).map(|length| "x".repeat(length));
        let every = (0..=0x100_u32).filter_map(char::from_u32);
        let every = every.map(|c| format!("plain so far {c}"));
        let others = ["\u{2028}", "ünï", "a\"b\\c/d", "\u{1f980}"].map(String::from);
        lengths.chain(every).chain(others).collect()
    }

    #[test]
    fn it_is_what_serde_json_writes() {
        let named = |name| Any::Struct {
            name,
            value: Box::new(Any::Tuple(-7, Box::new(Any::Unit))),
        };
        let mut values = vec![
            Any::Newtype(Box::new(named("x"))),
            named("a \"quoted\" text"),
            Any::Value(serde_json::json!([[], {}, null, true, 1.5, -3, {"a\n": [1, {"b": []}]}])),
            Any::Empty(Empty, (), None),
            Any::Empty(Empty, (), Some(Nested(u64::MAX, ('"', 0.1)))),
        ];
        for text in texts() {
            let names = BTreeMap::from([(text.clone(), text.clone()), ("z".into(), "y".into())]);
            values.push(Any::Texts(names));
            let inner = Inner { text };
            values.push(Any::Flat(Flat {
                before: 0,
                inner,
                absent: None,
                after: [i64::MIN, 0],
            }));
        }
        for value in &values {
            assert_eq!(written(value), serde_json::to_string(value).unwrap());
        }
        assert_eq!(written(&values), serde_json::to_string(&values).unwrap());
    }

    #[test]
    fn a_name_is_a_text() {
        let refused = write(&mut Vec::new(), &BTreeMap::from([(1, 2)]), &mut |_| Ok(()));
        assert!(refused.is_err());
    }

    #[test]
    fn pieces_are_taken_as_they_come() {
        let leases: Vec<Vec<String>> = vec![texts(), Vec::new(), texts()];
        let (mut out, mut taken) = (Vec::new(), Vec::new());
        write(&mut out, &leases, &mut |piece| {
            assert!(std::str::from_utf8(piece).is_ok());
            taken.append(piece);
            Ok(())
        })
        .unwrap();
        taken.append(&mut out);
        assert_eq!(taken, serde_json::to_vec(&leases).unwrap());
        let mut calls = 0;
        let failed = write(&mut out, &leases, &mut |_| {
            calls += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        });
        assert!(failed.is_err());
        assert_eq!(calls, 1);
    }
}
