//! A brief look at a stored event says what the event says.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use leasehold_core::event::Event;
use leasehold_core::lease::{Kind, Pickup};
use leasehold_core::{Claim, Identity};
use leasehold_store::conformance::sample::{Draw, EVENT_KINDS};
use leasehold_store::format::{self, Brief, Party, Thing};
use proptest::prelude::*;

/// What a brief says, taken out of JSON.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    thing: Thing,
    id: Option<String>,
    who: Option<String>,
    resources: Vec<String>,
    standing: bool,
    token: Option<u64>,
    since: Option<u64>,
    waited_since: Option<u64>,
    by: Option<String>,
}

fn text(json: &[u8]) -> Option<String> {
    Brief::text(json).map(std::borrow::Cow::into_owned)
}

fn party(party: Party<'_>) -> Option<String> {
    let owner = text(party.owner)?;
    Some(format!(
        "{owner}@{} {:?}",
        text(party.host)?,
        text(party.session)
    ))
}

fn said(brief: &Brief<'_>) -> Said {
    let token = std::str::from_utf8(brief.token).unwrap();
    Said {
        thing: brief.thing,
        id: text(brief.id),
        who: party(brief.who),
        resources: brief
            .resources()
            .map(std::borrow::Cow::into_owned)
            .collect(),
        standing: brief.standing,
        token: token.parse().ok(),
        since: brief.since,
        waited_since: brief.waited_since,
        by: party(brief.by).or(text(brief.by_id)),
    }
}

fn identity(who: &Identity) -> Option<String> {
    Some(format!("{} {:?}", who.owner, who.session))
}

fn resources(claims: &[Claim]) -> Vec<String> {
    claims
        .iter()
        .map(|claim| claim.resource.to_string())
        .collect()
}

fn of_lease(lease: &leasehold_core::Lease) -> Said {
    Said {
        thing: Thing::Lease,
        id: Some(lease.id.to_string()),
        who: identity(&lease.who),
        resources: resources(&lease.claims),
        standing: lease.kind == Kind::Standing,
        token: Some(lease.token.get()),
        since: Some(lease.granted.as_millis()),
        waited_since: match &lease.pickup {
            Pickup::Unbound(ticket) => Some(ticket.since.as_millis()),
            Pickup::Bound => None,
        },
        by: None,
    }
}

fn of_ticket(ticket: &leasehold_core::Ticket) -> Said {
    Said {
        thing: Thing::Ticket,
        id: Some(ticket.request.to_string()),
        who: identity(&ticket.who),
        resources: resources(&ticket.claims),
        standing: ticket.kind == Kind::Standing,
        since: Some(ticket.since.as_millis()),
        ..Said::default()
    }
}

fn of_freeze(freeze: &leasehold_core::freeze::Freeze) -> Said {
    Said {
        thing: Thing::Freeze,
        id: Some(freeze.id.to_string()),
        who: identity(&freeze.who),
        resources: vec![freeze.resource.to_string()],
        since: Some(freeze.since.as_millis()),
        ..Said::default()
    }
}

fn expected(event: &Event) -> Vec<Said> {
    let by = |said: Said, who: &Identity| Said {
        by: identity(who),
        ..said
    };
    match event {
        Event::Refused {
            id,
            who,
            claims,
            by,
            ..
        } => vec![Said {
            id: Some(id.to_string()),
            who: identity(who),
            resources: resources(claims),
            by: by.map(|id| id.to_string()),
            ..Said::default()
        }],
        Event::Granted { lease, from, .. } => vec![Said {
            waited_since: from
                .as_ref()
                .map_or(of_lease(lease).waited_since, |ticket| {
                    of_lease(lease)
                        .waited_since
                        .or(Some(ticket.since.as_millis()))
                }),
            ..of_lease(lease)
        }],
        Event::Forced { lease, by: who } => vec![by(of_lease(lease), who)],
        Event::Bound { lease }
        | Event::Renewed { lease }
        | Event::Released { lease }
        | Event::Freed { lease }
        | Event::Orphaned { lease }
        | Event::Lapsed { lease }
        | Event::Passed { lease, .. } => vec![of_lease(lease)],
        Event::Queued { ticket, .. }
        | Event::Parked { ticket }
        | Event::Resumed { ticket }
        | Event::Died { ticket, .. }
        | Event::Cancelled { ticket } => vec![of_ticket(ticket)],
        Event::Frozen { freeze } => vec![of_freeze(freeze)],
        Event::Thawed { freeze, by: who } => vec![by(of_freeze(freeze), who)],
        Event::Dropped {
            tickets,
            cards,
            freezes,
        } => {
            let cards = cards.iter().map(|card| Said {
                thing: Thing::Card,
                who: identity(&card.who),
                resources: resources(&card.claims),
                standing: card.kind == Kind::Standing,
                ..Said::default()
            });
            let tickets = tickets.iter().map(|ticket| of_ticket(ticket));
            tickets
                .chain(cards)
                .chain(freezes.iter().map(of_freeze))
                .collect()
        }
    }
}

proptest! {
    #[test]
    fn a_brief_says_what_the_event_says(kinds in prop::collection::vec(0..EVENT_KINDS, 0..4), seed in any::<u64>()) {
        let mut draw = Draw::new(seed);
        let events: Vec<Event> = kinds.into_iter().map(|kind| draw.event(kind)).collect();
        let stored = format::events_json(&events);
        let mut names = Vec::new();
        let mut found = Vec::new();
        Brief::for_each(&stored, |_| true, |brief| {
            names.push(brief.event.to_owned());
            found.push(said(&brief));
        }).unwrap();
        let wanted: Vec<Said> = events.iter().flat_map(expected).collect();
        prop_assert_eq!(found, wanted);
        let mut of_kind = 0;
        Brief::for_each(&stored, |name| name == "granted", |_| of_kind += 1).unwrap();
        prop_assert_eq!(of_kind, names.iter().filter(|name| *name == "granted").count());
    }

    #[test]
    fn what_is_cut_is_refused_and_never_a_panic(kind in 0..EVENT_KINDS, seed in any::<u64>(), at in any::<prop::sample::Index>()) {
        let stored = format::events_json(&[Draw::new(seed).event(kind)]);
        let cut = &stored[..at.index(stored.len())];
        prop_assert!(Brief::for_each(cut, |_| true, |_| {}).is_err(), "{}", String::from_utf8_lossy(cut));
    }
}
