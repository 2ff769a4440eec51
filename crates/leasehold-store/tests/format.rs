//! The stored format: every event comes back as it went, and what makes no sense is refused.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use leasehold_core::event::Event;
use leasehold_core::lease::Pickup;
use leasehold_core::{FencingToken, Lease};
use leasehold_store::conformance::sample::{Draw, EVENT_KINDS};
use leasehold_store::format;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn event(kind: u64, seed: u64) -> Event {
    Draw::new(seed).event(kind)
}

fn write(event: &Event) -> Value {
    serde_json::to_value(format::Event::from(event)).unwrap()
}

fn read(text: &str) -> Result<Event, String> {
    let stored: format::Event<'_> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    Event::try_from(stored).map_err(|error| error.0)
}

/// Returns all objects within a value.
fn for_each_object(value: &mut Value, each: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| for_each_object(item, each)),
        Value::Object(members) => {
            each(members);
            members
                .values_mut()
                .for_each(|member| for_each_object(member, each));
        }
        _ => {}
    }
}

/// Changes one member wherever it is; returns whether it was anywhere.
fn replace(value: &mut Value, name: &str, new: &Value) -> bool {
    let mut found = false;
    for_each_object(value, &mut |members| {
        if let Some(member) = members.get_mut(name) {
            *member = new.clone();
            found = true;
        }
    });
    found
}

proptest! {
    #[test]
    fn events_come_back_as_they_went(kind in 0..EVENT_KINDS, seed in any::<u64>()) {
        let event = event(kind, seed);
        let text = serde_json::to_string(&format::Event::from(&event)).unwrap();
        prop_assert!(!text.contains('\n'), "one line: {}", text);
        prop_assert_eq!(read(&text), Ok(event));
    }

    #[test]
    fn unknown_members_are_refused(kind in 0..EVENT_KINDS, seed in any::<u64>(), at in any::<prop::sample::Index>()) {
        let mut value = write(&event(kind, seed));
        let mut objects = 0;
        for_each_object(&mut value, &mut |_| objects += 1);
        let mut left = at.index(objects);
        for_each_object(&mut value, &mut |members| {
            // The two-valued agent is told by its one member.
            let is_agent = members.contains_key("session") && members.len() == 1;
            if left == 0 && !is_agent {
                members.insert("from_the_future".into(), json!(1));
            }
            left = left.wrapping_sub(1);
        });
        prop_assume!(value.to_string().contains("from_the_future"));
        let error = read(&value.to_string()).unwrap_err();
        prop_assert!(error.contains("from_the_future") || error.contains("expected"), "{}", error);
    }

    #[test]
    fn what_makes_no_sense_is_refused(kind in 0..EVENT_KINDS, seed in any::<u64>()) {
        let good = write(&event(kind, seed));
        let id = "000000000000000000000000000000AB";
        for (name, wrong) in [
            ("id", json!(id)), ("id", json!("ab")), ("id", json!(7)), ("request", json!(id)),
            ("inside", json!([id])), ("dead_request", json!("")), ("slots", json!(0)),
            ("ttl_ms", json!(0)), ("ttl_ms", json!(u64::MAX)), ("birth", json!([])),
            ("seniority", json!([100, []])), ("token", json!(1_u64 << 53)), ("number", json!(-1)),
            ("resource", json!("a/b")), ("resource", json!("path:../x")), ("intent", json!("eats")),
            ("reason", json!("mood")), ("event", json!("exploded")), ("claims", json!(null)),
            ("who", json!("ada")), ("pid", json!(-1)), ("explicit", json!(1)),
        ] {
            let mut bad = good.clone();
            if replace(&mut bad, name, &wrong) {
                prop_assert!(read(&bad.to_string()).is_err(), "{} {}: {}", name, wrong, bad);
            }
        }
    }

    #[test]
    fn missing_members_are_refused_unless_they_have_a_meaning(kind in 0..EVENT_KINDS, seed in any::<u64>()) {
        let event = event(kind, seed);
        for name in ["event", "id", "who", "claims", "number", "token", "birth", "seniority", "granted",
            "request", "since", "owner", "host", "resource", "intent", "until", "unit", "dead_claims",
            "ticket", "lease", "by"] {
            let (mut value, mut found) = (write(&event), false);
            for_each_object(&mut value, &mut |members| found |= members.remove(name).is_some());
            let optional = name == "by" && matches!(event, Event::Refused { .. })
                || name == "until" && matches!(event, Event::Frozen { .. } | Event::Thawed { .. });
            if found && !optional && !(name == "until" && only_freezes(&event)) {
                prop_assert!(read(&value.to_string()).is_err(), "{} in {}", name, value);
            }
        }
    }
}

/// A freeze without an end is one that nobody could read: no `until` is as good as none.
fn only_freezes(event: &Event) -> bool {
    matches!(event, Event::Dropped { cards, .. } if cards.is_empty())
}

#[test]
fn all_kinds_are_tried() {
    let names: std::collections::BTreeSet<_> =
        (0..EVENT_KINDS).map(|kind| event(kind, 1).name()).collect();
    assert_eq!(names.len() as u64, EVENT_KINDS);
}

#[test]
fn what_is_not_there_is_not_written() {
    let mut draw = Draw::new(1);
    let lease = draw.lease(1, FencingToken::new(1).unwrap());
    let lease = Lease {
        inside: Vec::new(),
        ttl: None,
        expires: None,
        orphaned: None,
        slots: Vec::new(),
        keep_while_alive: false,
        pickup: Pickup::Bound,
        ..lease
    };
    let text = write(&Event::Released {
        lease: Arc::new(lease),
    })
    .to_string();
    for name in [
        "inside",
        "ttl_ms",
        "expires",
        "orphaned",
        "unbound",
        "keep_while_alive",
    ] {
        assert!(!text.contains(name), "{name} in {text}");
    }
}
