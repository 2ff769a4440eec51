//! Whether waiters got their turn in the order in which they came, read from the audit log.
//!
//! It reads the JSON as anybody would, and not through the library that wrote it.

use crate::Fallible;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What the log says of one resource.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Grants to requests that had queued.
    pub(super) queued: u64,
    /// Grants to requests that had not.
    pub(super) direct: u64,
    /// For each grant, those who had been waiting for longer.
    pub(super) overtaken: u64,
}

/// Reads the log of the file store in a repository.
pub(super) fn read(repository: &Path, resource: &str) -> Fallible<Order> {
    let directory = repository.join(".git/leasehold/audit");
    let mut segments: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&directory)? {
        segments.push(entry?.path());
    }
    // Numbered with leading zeros.
    segments.sort();
    let mut text = String::new();
    for segment in segments
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
    {
        text.push_str(&fs::read_to_string(segment)?);
    }
    follow(&text, resource)
}

fn follow(log: &str, resource: &str) -> Fallible<Order> {
    let (mut order, mut waiting) = (Order::default(), Vec::<String>::new());
    for line in log.lines() {
        let line: Value = serde_json::from_str(line)?;
        let events = line["events"].as_array().cloned().unwrap_or_default();
        for event in &events {
            step(event, resource, &mut waiting, &mut order);
        }
    }
    Ok(order)
}

fn step(event: &Value, resource: &str, waiting: &mut Vec<String>, order: &mut Order) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let request = text(&event["ticket"]["request"]);
    match event["event"].as_str() {
        Some("queued") if is_of(&event["ticket"], resource) => waiting.push(request),
        Some("parked" | "died" | "cancelled") => waiting.retain(|other| *other != request),
        Some("granted") if is_of(&event["lease"], resource) => {
            let id = text(&event["lease"]["id"]);
            let place = waiting.iter().position(|other| *other == id);
            let before = place.unwrap_or(waiting.len());
            order.overtaken += u64::try_from(before).unwrap_or(u64::MAX);
            match place {
                Some(place) => {
                    waiting.remove(place);
                    order.queued += 1;
                }
                None => order.direct += 1,
            }
        }
        _ => {}
    }
}

fn is_of(claimant: &Value, resource: &str) -> bool {
    let named = |text: &str| text == resource || text.strip_prefix("name:") == Some(resource);
    let claims = claimant["claims"].as_array().into_iter().flatten();
    claims
        .into_iter()
        .any(|claim| claim["resource"].as_str().is_some_and(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(id: &str) -> String {
        format!(
            r#"{{"event":"queued","ticket":{{"request":"{id}","claims":[{{"resource":"x"}}]}}}}"#
        )
    }

    fn granted(id: &str) -> String {
        format!(
            r#"{{"event":"granted","lease":{{"id":"{id}","claims":[{{"resource":"name:x"}}]}}}}"#
        )
    }

    fn check(events: &[String]) -> Order {
        let lines: Vec<String> = events
            .iter()
            .map(|e| format!("{{\"events\":[{e}]}}"))
            .collect();
        follow(&lines.join("\n"), "x").unwrap()
    }

    #[test]
    fn overtaking_is_seen() {
        let fair = [
            granted("a"),
            queued("b"),
            queued("c"),
            granted("b"),
            granted("c"),
        ];
        assert_eq!(
            check(&fair),
            Order {
                queued: 2,
                direct: 1,
                overtaken: 0
            }
        );
        let unfair = [
            granted("a"),
            queued("b"),
            queued("c"),
            granted("c"),
            granted("d"),
        ];
        assert_eq!(
            check(&unfair),
            Order {
                queued: 1,
                direct: 2,
                overtaken: 2
            }
        );
    }
}
