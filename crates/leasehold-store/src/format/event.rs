//! Events as they are stored.
//!
//! One JSON object each: its name as the member `event`, and the members of what it is about. Serde
//! reads an object with its name inside by taking all of it apart first, as the name may stand anywhere.
//! It is always written first, so here the rest is read straight into what the name says it is; where it
//! stands elsewhere, serde does it.

use super::{Card, Claim, Freeze, Lease, Text, Ticket, Who};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// An [`Event`](leasehold_core::event::Event).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "as in the kernel")]
pub enum Event<'a> {
    #[serde(borrow)]
    Refused(Refused<'a>),
    Queued(Queued<'a>),
    Granted(Granted<'a>),
    Bound(OfLease<'a>),
    Passed(Passed<'a>),
    Renewed(OfLease<'a>),
    Released(OfLease<'a>),
    Forced(Forced<'a>),
    Freed(OfLease<'a>),
    Orphaned(OfLease<'a>),
    Lapsed(OfLease<'a>),
    Parked(OfTicket<'a>),
    Resumed(OfTicket<'a>),
    Died(Died<'a>),
    Cancelled(OfTicket<'a>),
    Frozen(Frozen<'a>),
    Thawed(Thawed<'a>),
    Dropped(Dropped<'a>),
}

/// The name's own member.
const NAME: &str = "event";

/// The names of all events.
pub const EVENTS: [&str; 18] = [
    "refused",
    "queued",
    "granted",
    "bound",
    "passed",
    "renewed",
    "released",
    "forced",
    "freed",
    "orphaned",
    "lapsed",
    "parked",
    "resumed",
    "died",
    "cancelled",
    "frozen",
    "thawed",
    "dropped",
];

/// What is about one lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfLease<'a> {
    #[serde(borrow)]
    pub(super) lease: Box<Lease<'a>>,
}

/// What is about one ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfTicket<'a> {
    #[serde(borrow)]
    pub(super) ticket: Box<Ticket<'a>>,
}

/// A request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    pub(super) who: Who<'a>,
    pub(super) claims: Vec<Claim<'a>>,
    #[serde(borrow)]
    pub(super) reason: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<Cow<'a, str>>,
}

/// A request waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queued<'a> {
    #[serde(borrow)]
    pub(super) ticket: Box<Ticket<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) spent: Option<Box<Card<'a>>>,
}

/// A lease was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted<'a> {
    #[serde(borrow)]
    pub(super) lease: Box<Lease<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Box<Ticket<'a>>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) spent: Vec<Card<'a>>,
}

/// A granted lease was not picked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passed<'a> {
    #[serde(borrow)]
    pub(super) lease: Box<Lease<'a>>,
    pub(super) ticket: Box<Ticket<'a>>,
}

/// A lease was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forced<'a> {
    #[serde(borrow)]
    pub(super) lease: Box<Lease<'a>>,
    pub(super) by: Who<'a>,
}

/// A waiter has to give back what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Died<'a> {
    #[serde(borrow)]
    pub(super) ticket: Box<Ticket<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cards: Vec<Card<'a>>,
}

/// A freeze was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen<'a> {
    #[serde(borrow)]
    pub(super) freeze: Freeze<'a>,
}

/// A freeze was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thawed<'a> {
    #[serde(borrow)]
    pub(super) freeze: Freeze<'a>,
    pub(super) by: Who<'a>,
}

/// What was over was cleared away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropped<'a> {
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tickets: Vec<Ticket<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cards: Vec<Card<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) freezes: Vec<Freeze<'a>>,
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Event::serialize(self, serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Event<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NameFirst(PhantomData))
    }
}

/// Reads the members of an event.
struct NameFirst<'a>(PhantomData<Event<'a>>);

impl<'de: 'a, 'a> Visitor<'de> for NameFirst<'a> {
    type Value = Event<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Event<'a>, A::Error> {
        match members.next_key::<Text<'de>>()? {
            None => Err(Error::missing_field(NAME)),
            Some(Text(first)) if first == NAME => {
                let Text(name) = members.next_value()?;
                read(&name, members)
            }
            Some(Text(first)) => {
                let first = Some(first);
                Event::deserialize(MapAccessDeserializer::new(Again { first, members }))
            }
        }
    }
}

/// Reads the members behind the name.
fn read<'de: 'a, 'a, A: MapAccess<'de>>(name: &str, members: A) -> Result<Event<'a>, A::Error> {
    fn all<'de, A: MapAccess<'de>, T: Deserialize<'de>>(members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
    match name {
        "refused" => all(members).map(Event::Refused),
        "queued" => all(members).map(Event::Queued),
        "granted" => all(members).map(Event::Granted),
        "bound" => all(members).map(Event::Bound),
        "passed" => all(members).map(Event::Passed),
        "renewed" => all(members).map(Event::Renewed),
        "released" => all(members).map(Event::Released),
        "forced" => all(members).map(Event::Forced),
        "freed" => all(members).map(Event::Freed),
        "orphaned" => all(members).map(Event::Orphaned),
        "lapsed" => all(members).map(Event::Lapsed),
        "parked" => all(members).map(Event::Parked),
        "resumed" => all(members).map(Event::Resumed),
        "died" => all(members).map(Event::Died),
        "cancelled" => all(members).map(Event::Cancelled),
        "frozen" => all(members).map(Event::Frozen),
        "thawed" => all(members).map(Event::Thawed),
        "dropped" => all(members).map(Event::Dropped),
        _ => Err(Error::unknown_variant(name, &EVENTS)),
    }
}

/// The members of an object, of which the name of the first was read already.
struct Again<'de, A> {
    first: Option<Cow<'de, str>>,
    members: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Again<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(name) => seed.deserialize(name.into_deserializer()).map(Some),
            None => self.members.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::sample::{Draw, EVENT_KINDS};
    use crate::format::changed::changed;
    use proptest::prelude::*;

    /// Reads as serde does where nothing is known of the order.
    fn plain(text: &str) -> Result<Event<'_>, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let event = Event::deserialize(&mut json)?;
        json.end().map(|()| event)
    }

    /// What both readers make of a text; they have to agree.
    fn check(text: &str) -> Option<Event<'_>> {
        let straight = serde_json::from_str::<Event<'_>>(text);
        match (straight, plain(text)) {
            (Ok(straight), Ok(plain)) => {
                assert_eq!(straight, plain, "{text}");
                Some(straight)
            }
            (Err(_), Err(_)) => None,
            (straight, plain) => panic!("{straight:?}, but {plain:?}: {text}"),
        }
    }

    #[test]
    fn every_event_is_known_by_its_name() {
        for kind in 0..EVENT_KINDS {
            let event = Draw::new(1).event(kind);
            assert!(EVENTS.contains(&event.name()));
            let text = serde_json::to_string(&Event::from(&event)).unwrap();
            assert!(text.starts_with(&format!("{{\"event\":\"{}\",", event.name())));
            assert!(check(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_an_event() {
        for text in [
            "{}",
            r#"{"event":"exploded"}"#,
            r#"{"event":7}"#,
            r#"{"event":null}"#,
            r#"{"lease":{}}"#,
            r#"{"event":"bound"}"#,
        ] {
            assert_eq!(serde_json::from_str::<Event<'_>>(text).ok(), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn it_is_read_as_serde_reads_it(kind in 0..EVENT_KINDS, seed in any::<u64>()) {
            let mut draw = Draw::new(seed);
            let written = serde_json::to_string(&Event::from(&draw.event(kind))).unwrap();
            let text = changed(&written, &mut draw);
            // Serde takes a name's number in the list of names for the name; here a name is a text.
            prop_assume!(!text.contains("\"event\":0") && !text.contains("\"event\":1"));
            let read = check(&text);
            prop_assert!(read.is_some() || text != written, "{}", text);
        }
    }
}
