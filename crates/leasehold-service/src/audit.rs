//! What happened: the events of the audit that somebody asks for.

pub use leasehold_store::format::EVENTS;

use crate::{Coordinator, ServiceError};
use leasehold_core::{Resource, Timestamp};
use leasehold_store::format::{Brief, Party};
use leasehold_store::{Entry, Span, Store};
use std::os::fd::BorrowedFd;

/// The event that is told only when it is asked for: one lease has thousands, which say that it lives.
pub const RENEWED: &str = "renewed";

/// Which events are asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// When they happened.
    pub span: Span,
    /// What they are about: any that overlaps one of these; without any, everything.
    pub names: Vec<Resource>,
    /// Whose they are, or who did it: an owner, or `owner@host`.
    pub owner: Option<String>,
    /// Their names; without any, all but [`RENEWED`].
    pub events: Vec<String>,
    /// Whether renewals are told without being named.
    pub renewals: bool,
}

/// Whether what comes is waited for.
#[derive(Clone, Copy, Debug)]
pub enum Follow<'a> {
    /// Only what there is.
    No,
    /// Until this is readable.
    Until(BorrowedFd<'a>),
}

/// What somebody who asks is told.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// An event.
    Event(Timestamp, &'a Brief<'a>),
    /// Something that cannot be read any more: where, and what is wrong with it.
    Damaged(&'a str, &'a str),
    /// That is all for now; what comes is waited for.
    Pause,
}

/// How much was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Events.
    pub events: u64,
    /// Places that could not be read.
    pub damaged: u64,
}

/// Takes one after the other; says whether to go on.
pub type EachTold<'a> = dyn FnMut(Told<'_>) -> bool + 'a;

impl Query {
    /// Asks for all that happened in a span, but for renewals.
    #[must_use]
    pub fn all(span: Span) -> Self {
        Self {
            span,
            names: Vec::new(),
            owner: None,
            events: Vec::new(),
            renewals: false,
        }
    }

    fn wants_event(&self, name: &str) -> bool {
        if self.events.is_empty() {
            return self.renewals || name != RENEWED;
        }
        (self.renewals && name == RENEWED) || self.events.iter().any(|wanted| wanted == name)
    }

    fn wants(&self, brief: &Brief<'_>) -> bool {
        let is_theirs = |owner: &String| is(brief.who, owner) || is(brief.by, owner);
        self.owner.as_ref().is_none_or(is_theirs)
            && (self.names.is_empty() || brief.resources().any(|text| self.wants_resource(&text)))
    }

    fn wants_resource(&self, text: &str) -> bool {
        // One that is not read any more, by a newer program, overlaps nothing that this one knows.
        Resource::parse(text).is_ok_and(|found| self.names.iter().any(|own| own.overlaps(&found)))
    }
}

/// Returns whether somebody goes by this name.
fn is(party: Party<'_>, owner: &str) -> bool {
    let Some(name) = Brief::text(party.owner) else {
        return false;
    };
    let rest = owner.strip_prefix(&*name);
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('@') == Brief::text(party.host).as_deref()
    })
}

pub(crate) fn audit<S: Store>(
    coordinator: &Coordinator<S>,
    query: &Query,
    follow: Follow<'_>,
    each: &mut EachTold<'_>,
) -> Result<Counted, ServiceError> {
    let mut counted = Counted::default();
    let tell = &mut |entry: Entry<'_>| tell(query, entry, &mut counted, each);
    let store = coordinator.store();
    match follow {
        Follow::No => store.read_audit(&query.span, tell)?,
        Follow::Until(interrupt) => store.follow_audit(&query.span, Some(interrupt), tell)?,
    }
    Ok(counted)
}

/// Tells what is asked for of one entry; returns whether to go on.
fn tell(query: &Query, entry: Entry<'_>, counted: &mut Counted, each: &mut EachTold<'_>) -> bool {
    match entry {
        Entry::Pause => each(Told::Pause),
        Entry::Damaged { place, detail } => {
            counted.damaged += 1;
            each(Told::Damaged(place, detail))
        }
        Entry::Commit { at, events } => {
            let mut goes_on = true;
            let of_each = |brief: Brief<'_>| {
                if goes_on && query.wants(&brief) {
                    counted.events += 1;
                    goes_on = each(Told::Event(at, &brief));
                }
            };
            let read = Brief::for_each(events, |name| query.wants_event(name), of_each);
            if goes_on && read.is_err() {
                counted.damaged += 1;
                let place = format!("the commit of {} ms", at.as_millis());
                goes_on = each(Told::Damaged(&place, "its events make no sense"));
            }
            goes_on
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Leasing;
    use leasehold_core::command::{Ask, Command};
    use leasehold_core::lease::Kind;
    use leasehold_core::limits::Policy;
    use leasehold_core::{Claim, Identity, Intent, LeaseId};
    use leasehold_store::conformance::sample::{Draw, EVENT_KINDS};
    use leasehold_store::memory::{ManualClock, MemoryStore};
    use std::collections::BTreeSet;

    #[test]
    fn all_events_have_their_names() {
        let drawn: BTreeSet<_> = (0..EVENT_KINDS)
            .map(|kind| Draw::new(1).event(kind).name())
            .collect();
        assert_eq!(drawn, EVENTS.into_iter().collect());
    }

    fn lock(leasing: &impl Leasing, number: u128, owner: &str, name: &str) {
        let claim = Claim::new(Resource::parse(name).unwrap(), Intent::Mutates);
        let ask = Ask {
            kind: Kind::Standing,
            ..Ask::new(
                LeaseId::new(number),
                Identity::named(owner, "h"),
                vec![claim],
            )
        };
        let _granted = leasing.execute(&Command::Ask(ask)).unwrap();
    }

    fn told(leasing: &impl Leasing, query: &Query) -> Vec<String> {
        let mut told = Vec::new();
        let counted = leasing.audit(query, Follow::No, &mut |one| {
            if let Told::Event(at, brief) = one {
                let names: Vec<_> = brief.resources().collect();
                let owner = Brief::text(brief.who.owner).unwrap();
                told.push(format!(
                    "{} {} {owner} {}",
                    at.as_millis(),
                    brief.event,
                    names.join(",")
                ));
            }
            true
        });
        assert_eq!(counted.unwrap().events, told.len() as u64);
        told
    }

    #[test]
    fn what_is_asked_for_is_told() {
        let clock = ManualClock::new(Timestamp::from_millis(1_000));
        let leasing = Coordinator::new(MemoryStore::with_clock(&clock), Policy::default());
        lock(&leasing, 1, "ada", "build");
        clock.advance(10);
        lock(&leasing, 2, "bob", "path:src/a");
        clock.advance(10);
        let _renewed = leasing.renew(LeaseId::new(1), None).unwrap();
        lock(&leasing, 3, "eve", "build");
        let all = Query::all(Span::ALL);
        let lines = |query: &Query| told(&leasing, query);
        let one = std::slice::from_ref::<String>;
        let (first, second, third) = (
            "1000 granted ada build".to_owned(),
            "1010 granted bob path:src/a".to_owned(),
            "1020 refused eve build".to_owned(),
        );
        assert_eq!(lines(&all), [first.clone(), second.clone(), third.clone()]);
        let since = |ms| Span {
            since: Timestamp::from_millis(ms),
            ..Span::ALL
        };
        assert_eq!(lines(&Query::all(since(1_011))), one(&third));
        let until = Span {
            until: Timestamp::from_millis(1_010),
            ..since(1_010)
        };
        assert_eq!(lines(&Query::all(until)), one(&second));
        let named = |name: &str| Query {
            names: vec![Resource::parse(name).unwrap()],
            ..all.clone()
        };
        assert_eq!(lines(&named("path:src")), one(&second));
        assert_eq!(lines(&named("build")), [first.clone(), third.clone()]);
        for (owner, expected) in [
            ("bob", 1),
            ("bob@h", 1),
            ("bob@k", 0),
            ("bo", 0),
            ("bob@", 0),
        ] {
            let query = Query {
                owner: Some(owner.into()),
                ..all.clone()
            };
            assert_eq!(lines(&query).len(), expected, "{owner}");
        }
        let of = |events: &[&str], renewals| Query {
            events: events.iter().map(|name| (*name).to_owned()).collect(),
            renewals,
            ..all.clone()
        };
        assert_eq!(lines(&of(&["refused"], false)), [third]);
        assert_eq!(lines(&of(&[RENEWED], false)), ["1020 renewed ada build"]);
        assert_eq!(lines(&of(&[], true)).len(), 4);
        assert_eq!(lines(&of(&["refused"], true)).len(), 2);
    }
}
