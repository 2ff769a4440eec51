//! Stored JSON, changed in every way that a reader has to notice: for the tests of readers.

use crate::conformance::sample::Draw;
use serde_json::Value;

/// JSON in which the order of members is kept, and a member may stand twice.
#[derive(Clone)]
pub(crate) enum Json {
    Leaf(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Takes apart what was written, in the order in which it stands.
    pub(crate) fn parse(text: &str) -> Self {
        let mut cursor = super::raw::Cursor::new(text.as_bytes());
        Self::read(&mut cursor).expect("this was written as JSON")
    }

    fn read(cursor: &mut super::raw::Cursor<'_>) -> Option<Self> {
        match cursor.peek()? {
            b'[' => {
                let mut items = Vec::new();
                cursor.elements(|cursor| {
                    items.push(Self::read(cursor)?);
                    Some(())
                })?;
                Some(Self::List(items))
            }
            b'{' => {
                let mut members = Vec::new();
                cursor.members(|cursor, name| {
                    let name = String::from_utf8(name.to_vec()).ok()?;
                    members.push((name, Self::read(cursor)?));
                    Some(())
                })?;
                Some(Self::Object(members))
            }
            _ => Some(Self::Leaf(
                String::from_utf8(cursor.value()?.to_vec()).ok()?,
            )),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::text).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{}", value.text()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn for_each(&mut self, each: &mut dyn FnMut(&mut Self)) {
        each(self);
        match self {
            Self::Leaf(_) => {}
            Self::List(items) => items.iter_mut().for_each(|item| item.for_each(each)),
            Self::Object(members) => members
                .iter_mut()
                .for_each(|(_, value)| value.for_each(each)),
        }
    }

    /// Changes one thing somewhere in it.
    pub(crate) fn change(&mut self, draw: &mut Draw) {
        let mut places = 0;
        self.for_each(&mut |_| places += 1);
        let mut left = draw.index(places);
        self.for_each(&mut |json| {
            if left == 0 {
                json.change_here(draw);
            }
            left = left.wrapping_sub(1);
        });
    }

    fn change_here(&mut self, draw: &mut Draw) {
        let leaf = |draw: &mut Draw| {
            let wrong = [
                "null",
                "true",
                "false",
                "0",
                "1",
                "-1",
                "01",
                "1.0",
                "1e3",
                "\"\"",
                "\"x\"",
                "\"a b \"",
                "\"a:b\"",
                "\"name:x\"",
                "\"path:./x\"",
                "\"\\u0061\"",
                "\"\\\"\"",
                "\"\u{e9}\"",
                "[]",
                "{}",
                "[1]",
                "18446744073709551615",
                "18446744073709551616",
                "9007199254740992",
                "4294967296",
                "\"granted\"",
                "\"mutates\"",
                "\"0123456789abcdef0123456789abcdef\"",
                "\"0123456789ABCDEF0123456789abcdef\"",
            ];
            Self::Leaf((*draw.pick(&wrong)).to_owned())
        };
        match self {
            Self::Leaf(_) => *self = leaf(draw),
            Self::List(items) if items.is_empty() || draw.one_in(3) => items.push(leaf(draw)),
            Self::List(items) => drop(items.remove(draw.index(items.len()))),
            Self::Object(members) if members.is_empty() => *self = leaf(draw),
            Self::Object(members) => {
                let (from, to) = (draw.index(members.len()), draw.index(members.len()));
                match draw.below(6) {
                    0 => members.insert(to, ("from_the_future".into(), leaf(draw))),
                    1 => drop(members.remove(from)),
                    2 => {
                        let again = members[from].clone();
                        members.insert(to, again);
                    }
                    3 => members[from].1 = leaf(draw),
                    _ => members.swap(from, to),
                }
            }
        }
    }
}

/// Returns what was written, with up to three changes.
pub(crate) fn changed(written: &str, draw: &mut Draw) -> String {
    let mut json = Json::parse(written);
    for _ in 0..draw.below(4) {
        json.change(draw);
    }
    json.text()
}

#[test]
fn what_is_not_changed_is_as_it_was() {
    let text = r#"{"b":[1,"x\""],"a":{},"c":{"d":null}}"#;
    assert_eq!(Json::parse(text).text(), text);
    let value: Value = serde_json::from_str(text).expect("this is JSON");
    assert!((0..100).any(|seed| {
        let changed = changed(text, &mut Draw::new(seed));
        serde_json::from_str::<Value>(&changed).is_ok_and(|other| other != value)
    }));
}
