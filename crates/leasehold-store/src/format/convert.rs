//! Between kernel types and stored ones.

use super::{Agent, Card, Claim, Event, FormatError, Freeze, Lease, Ticket, Who};
use super::{Died, Dropped, Forced, Frozen, Granted, OfLease, OfTicket, Passed};
use super::{Queued, Refused, Thawed};
use leasehold_core::card::Dead;
use leasehold_core::event::RefusedFor;
use leasehold_core::identity::{Agent as CoreAgent, Owner};
use leasehold_core::lease::{Holder, Kind, Pickup};
use leasehold_core::seniority::{Birth, Seniority};
use leasehold_core::ticket::TicketState;
use leasehold_core::{FencingToken, LeaseId, Resource, Timestamp, Ttl};
use leasehold_core::{card, claim, event, freeze, identity, lease, ticket};
use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;

type Result<T> = std::result::Result<T, FormatError>;

fn wrong(what: &str, value: impl std::fmt::Display) -> FormatError {
    FormatError(format!("{what} {value} makes no sense"))
}

fn id(text: &str) -> Result<LeaseId> {
    text.parse().map_err(|_| wrong("the id", text))
}

fn ids(texts: &[Cow<'_, str>]) -> Result<Vec<LeaseId>> {
    texts.iter().map(|text| id(text)).collect()
}

fn id_texts<'a>(ids: &[LeaseId]) -> Vec<Cow<'a, str>> {
    ids.iter().map(|id| id.to_string().into()).collect()
}

fn resource(text: &str) -> Result<Resource> {
    Resource::parse(text).map_err(|error| FormatError(format!("the resource {text}: {error}")))
}

fn ttl(millis: Option<u64>) -> Result<Option<Ttl>> {
    millis
        .map(Ttl::from_millis)
        .transpose()
        .map_err(|e| FormatError(e.to_string()))
}

fn birth(numbers: Cow<'_, [u64]>) -> Result<Birth> {
    Birth::from_numbers(numbers.into_owned()).ok_or_else(|| wrong("the birth", "[]"))
}

fn seniority((priority, numbers): (u32, Cow<'_, [u64]>)) -> Result<Seniority> {
    Ok(Seniority {
        priority,
        birth: birth(numbers)?,
    })
}

fn seniority_parts(seniority: &Seniority) -> (u32, Cow<'_, [u64]>) {
    (seniority.priority, Cow::Borrowed(seniority.birth.numbers()))
}

const fn kind(standing: bool) -> Kind {
    if standing {
        Kind::Standing
    } else {
        Kind::Scoped
    }
}

fn is_standing(kind: Kind) -> bool {
    kind == Kind::Standing
}

fn time(millis: Option<u64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

fn all<'a, A, B>(items: &'a [A]) -> Vec<B>
where
    B: From<&'a A>,
{
    items.iter().map(B::from).collect()
}

fn try_all<A, B: TryFrom<A, Error = FormatError>>(items: Vec<A>) -> Result<Vec<B>> {
    items.into_iter().map(B::try_from).collect()
}

impl<'a> From<&'a identity::Identity> for Who<'a> {
    fn from(who: &'a identity::Identity) -> Self {
        Self {
            owner: Cow::Borrowed(&who.owner.name),
            host: Cow::Borrowed(&who.owner.host),
            session: who.session.as_deref().map(Cow::Borrowed),
            explicit: who.explicit,
        }
    }
}

impl From<Who<'_>> for identity::Identity {
    fn from(who: Who<'_>) -> Self {
        Self {
            owner: Owner {
                name: who.owner.into(),
                host: who.host.into(),
            },
            session: who.session.map(Into::into),
            explicit: who.explicit,
        }
    }
}

impl<'a> From<&'a CoreAgent> for Agent<'a> {
    fn from(agent: &'a CoreAgent) -> Self {
        match agent {
            CoreAgent::Session(session) => Self::Session(Cow::Borrowed(session)),
            CoreAgent::Owner(o) => Self::Owner(Cow::Borrowed(&o.name), Cow::Borrowed(&o.host)),
        }
    }
}

impl From<Agent<'_>> for CoreAgent {
    fn from(agent: Agent<'_>) -> Self {
        match agent {
            Agent::Session(session) => Self::Session(session.into()),
            Agent::Owner(name, host) => Self::Owner(Owner {
                name: name.into(),
                host: host.into(),
            }),
        }
    }
}

impl<'a> From<&'a claim::Claim> for Claim<'a> {
    fn from(claim: &'a claim::Claim) -> Self {
        Self {
            resource: claim.resource.to_string().into(),
            intent: claim.intent.as_str().into(),
            slots: claim.slots.map(NonZeroU32::get),
        }
    }
}

impl TryFrom<Claim<'_>> for claim::Claim {
    type Error = FormatError;

    fn try_from(stored: Claim<'_>) -> Result<Self> {
        let slots = |size| NonZeroU32::new(size).ok_or_else(|| wrong("the pool size", size));
        Ok(Self {
            resource: resource(&stored.resource)?,
            intent: stored
                .intent
                .parse()
                .map_err(|_| wrong("the intent", &stored.intent))?,
            slots: stored.slots.map(slots).transpose()?,
        })
    }
}

impl<'a> From<&'a lease::Lease> for Lease<'a> {
    fn from(lease: &'a lease::Lease) -> Self {
        let unbound = match &lease.pickup {
            Pickup::Bound => None,
            Pickup::Unbound(ticket) => Some(Box::new(Ticket::from(&**ticket))),
        };
        Self {
            id: lease.id.to_string().into(),
            who: Who::from(&lease.who),
            claims: all(&lease.claims),
            standing: is_standing(lease.kind),
            inside: id_texts(&lease.inside),
            birth: Cow::Borrowed(lease.birth.numbers()),
            seniority: seniority_parts(&lease.seniority),
            number: lease.number,
            token: lease.token.get(),
            granted: lease.granted.as_millis(),
            ttl_ms: lease.ttl.map(Ttl::as_millis),
            expires: lease.expires.map(Timestamp::as_millis),
            keep_while_alive: lease.keep_while_alive,
            slots: lease.slots.clone(),
            unbound,
            orphaned: lease.orphaned.map(Timestamp::as_millis),
            pid: lease.holder.pid,
            command: Cow::Borrowed(&lease.holder.command),
        }
    }
}

impl TryFrom<Lease<'_>> for lease::Lease {
    type Error = FormatError;

    fn try_from(stored: Lease<'_>) -> Result<Self> {
        let token = FencingToken::new(stored.token);
        let pickup = match stored.unbound {
            None => Pickup::Bound,
            Some(ticket) => Pickup::Unbound(Arc::new((*ticket).try_into()?)),
        };
        Ok(Self {
            id: id(&stored.id)?,
            who: stored.who.into(),
            claims: try_all(stored.claims)?,
            kind: kind(stored.standing),
            inside: ids(&stored.inside)?,
            birth: birth(stored.birth)?,
            seniority: seniority(stored.seniority)?,
            number: stored.number,
            token: token.ok_or_else(|| wrong("the token", stored.token))?,
            granted: Timestamp::from_millis(stored.granted),
            ttl: ttl(stored.ttl_ms)?,
            expires: time(stored.expires),
            keep_while_alive: stored.keep_while_alive,
            slots: stored.slots,
            pickup,
            orphaned: time(stored.orphaned),
            holder: Holder {
                pid: stored.pid,
                command: stored.command.into(),
            },
        })
    }
}

impl<'a> From<&'a ticket::Ticket> for Ticket<'a> {
    fn from(ticket: &'a ticket::Ticket) -> Self {
        let parked_until = match ticket.state {
            TicketState::Waiting => None,
            TicketState::Parked { until } => Some(until.as_millis()),
        };
        Self {
            number: ticket.number,
            request: ticket.request.to_string().into(),
            who: Who::from(&ticket.who),
            claims: all(&ticket.claims),
            standing: is_standing(ticket.kind),
            inside: id_texts(&ticket.inside),
            agents: all(&ticket.agents),
            seniority: seniority_parts(&ticket.seniority),
            parked_until,
            wait_until: ticket.wait_until.map(Timestamp::as_millis),
            ttl_ms: ticket.ttl.map(Ttl::as_millis),
            keep_while_alive: ticket.keep_while_alive,
            strict: ticket.strict,
            since: ticket.since.as_millis(),
            pid: ticket.holder.pid,
            command: Cow::Borrowed(&ticket.holder.command),
        }
    }
}

impl TryFrom<Ticket<'_>> for ticket::Ticket {
    type Error = FormatError;

    fn try_from(stored: Ticket<'_>) -> Result<Self> {
        let parked = |until| TicketState::Parked {
            until: Timestamp::from_millis(until),
        };
        Ok(Self {
            number: stored.number,
            request: id(&stored.request)?,
            who: stored.who.into(),
            claims: try_all(stored.claims)?,
            kind: kind(stored.standing),
            inside: ids(&stored.inside)?,
            agents: stored.agents.into_iter().map(CoreAgent::from).collect(),
            seniority: seniority(stored.seniority)?,
            state: stored.parked_until.map_or(TicketState::Waiting, parked),
            wait_until: time(stored.wait_until),
            ttl: ttl(stored.ttl_ms)?,
            keep_while_alive: stored.keep_while_alive,
            strict: stored.strict,
            since: Timestamp::from_millis(stored.since),
            holder: Holder {
                pid: stored.pid,
                command: stored.command.into(),
            },
        })
    }
}

impl<'a> From<&'a freeze::Freeze> for Freeze<'a> {
    fn from(freeze: &'a freeze::Freeze) -> Self {
        Self {
            id: freeze.id.to_string().into(),
            resource: freeze.resource.to_string().into(),
            until: freeze.until.map(Timestamp::as_millis),
            since: freeze.since.as_millis(),
            who: Who::from(&freeze.who),
        }
    }
}

impl TryFrom<Freeze<'_>> for freeze::Freeze {
    type Error = FormatError;

    fn try_from(stored: Freeze<'_>) -> Result<Self> {
        Ok(Self {
            id: id(&stored.id)?,
            resource: resource(&stored.resource)?,
            until: time(stored.until),
            since: Timestamp::from_millis(stored.since),
            who: stored.who.into(),
        })
    }
}

impl<'a> From<&'a card::Card> for Card<'a> {
    fn from(card: &'a card::Card) -> Self {
        Self {
            who: Who::from(&card.who),
            claims: all(&card.claims),
            standing: is_standing(card.kind),
            birth: Cow::Borrowed(card.birth.numbers()),
            unit: card.unit,
            dead_request: card.dead.request.to_string().into(),
            dead_claims: all(&card.dead.claims),
            dead_standing: is_standing(card.dead.kind),
            until: card.until.as_millis(),
        }
    }
}

impl TryFrom<Card<'_>> for card::Card {
    type Error = FormatError;

    fn try_from(stored: Card<'_>) -> Result<Self> {
        Ok(Self {
            who: stored.who.into(),
            claims: try_all(stored.claims)?,
            kind: kind(stored.standing),
            birth: birth(stored.birth)?,
            unit: stored.unit,
            dead: Dead {
                request: id(&stored.dead_request)?,
                claims: try_all(stored.dead_claims)?,
                kind: kind(stored.dead_standing),
            },
            until: Timestamp::from_millis(stored.until),
        })
    }
}

const fn reason_text(reason: RefusedFor) -> &'static str {
    match reason {
        RefusedFor::Held => "held",
        RefusedFor::Queued => "queued",
        RefusedFor::Frozen => "frozen",
    }
}

fn reason(text: &str) -> Result<RefusedFor> {
    let all = [RefusedFor::Held, RefusedFor::Queued, RefusedFor::Frozen];
    all.into_iter()
        .find(|r| reason_text(*r) == text)
        .ok_or_else(|| wrong("the reason", text))
}

fn boxed<'a, A, B: From<&'a A>>(item: &'a A) -> Box<B> {
    Box::new(B::from(item))
}

#[expect(clippy::boxed_local, reason = "boxes come in and boxes go out")]
fn try_boxed<A, B: TryFrom<A, Error = FormatError>>(item: Box<A>) -> Result<Box<B>> {
    Ok(Box::new(B::try_from(*item)?))
}

#[expect(clippy::boxed_local, reason = "the stored form of an event boxes it")]
fn try_shared<A, B: TryFrom<A, Error = FormatError>>(item: Box<A>) -> Result<Arc<B>> {
    Ok(Arc::new(B::try_from(*item)?))
}

impl<'a> From<&'a Arc<lease::Lease>> for OfLease<'a> {
    fn from(lease: &'a Arc<lease::Lease>) -> Self {
        Self {
            lease: boxed(&**lease),
        }
    }
}

impl<'a> From<&'a Arc<ticket::Ticket>> for OfTicket<'a> {
    fn from(ticket: &'a Arc<ticket::Ticket>) -> Self {
        Self {
            ticket: boxed(&**ticket),
        }
    }
}

impl<'a> From<&'a event::Event> for Event<'a> {
    fn from(event: &'a event::Event) -> Self {
        use event::Event as Core;
        match event {
            Core::Refused {
                id,
                who,
                claims,
                reason,
                by,
            } => Self::Refused(Refused {
                id: id.to_string().into(),
                who: who.into(),
                claims: all(claims),
                reason: reason_text(*reason).into(),
                by: by.map(|by| by.to_string().into()),
            }),
            Core::Queued { ticket, spent } => Self::Queued(Queued {
                ticket: boxed(&**ticket),
                spent: spent.as_deref().map(boxed),
            }),
            Core::Granted { lease, from, spent } => Self::Granted(Granted {
                lease: boxed(&**lease),
                from: from.as_deref().map(boxed),
                spent: all(spent),
            }),
            Core::Bound { lease } => Self::Bound(lease.into()),
            Core::Passed { lease, ticket } => Self::Passed(Passed {
                lease: boxed(&**lease),
                ticket: boxed(&**ticket),
            }),
            Core::Renewed { lease } => Self::Renewed(lease.into()),
            Core::Released { lease } => Self::Released(lease.into()),
            Core::Forced { lease, by } => Self::Forced(Forced {
                lease: boxed(&**lease),
                by: by.into(),
            }),
            Core::Freed { lease } => Self::Freed(lease.into()),
            Core::Orphaned { lease } => Self::Orphaned(lease.into()),
            Core::Lapsed { lease } => Self::Lapsed(lease.into()),
            Core::Parked { ticket } => Self::Parked(ticket.into()),
            Core::Resumed { ticket } => Self::Resumed(ticket.into()),
            Core::Died { ticket, cards } => Self::Died(Died {
                ticket: boxed(&**ticket),
                cards: all(cards),
            }),
            Core::Cancelled { ticket } => Self::Cancelled(ticket.into()),
            Core::Frozen { freeze } => Self::Frozen(Frozen {
                freeze: (&**freeze).into(),
            }),
            Core::Thawed { freeze, by } => Self::Thawed(Thawed {
                freeze: (&**freeze).into(),
                by: by.into(),
            }),
            Core::Dropped {
                tickets,
                cards,
                freezes,
            } => Self::Dropped(Dropped {
                tickets: tickets.iter().map(|ticket| (&**ticket).into()).collect(),
                cards: all(cards),
                freezes: all(freezes),
            }),
        }
    }
}

impl TryFrom<Event<'_>> for event::Event {
    type Error = FormatError;

    fn try_from(stored: Event<'_>) -> Result<Self> {
        use Event as Stored;
        Ok(match stored {
            Stored::Refused(Refused {
                id: request,
                who,
                claims,
                reason: why,
                by,
            }) => Self::Refused {
                id: id(&request)?,
                who: who.into(),
                claims: try_all(claims)?,
                reason: reason(&why)?,
                by: by.map(|by| id(&by)).transpose()?,
            },
            Stored::Queued(Queued { ticket, spent }) => Self::Queued {
                ticket: try_shared(ticket)?,
                spent: spent.map(try_boxed).transpose()?,
            },
            Stored::Granted(Granted { lease, from, spent }) => Self::Granted {
                lease: try_shared(lease)?,
                from: from.map(try_shared).transpose()?,
                spent: try_all(spent)?,
            },
            Stored::Bound(OfLease { lease }) => Self::Bound {
                lease: try_shared(lease)?,
            },
            Stored::Passed(Passed { lease, ticket }) => Self::Passed {
                lease: try_shared(lease)?,
                ticket: try_shared(ticket)?,
            },
            Stored::Renewed(OfLease { lease }) => Self::Renewed {
                lease: try_shared(lease)?,
            },
            Stored::Released(OfLease { lease }) => Self::Released {
                lease: try_shared(lease)?,
            },
            Stored::Forced(Forced { lease, by }) => Self::Forced {
                lease: try_shared(lease)?,
                by: by.into(),
            },
            Stored::Freed(OfLease { lease }) => Self::Freed {
                lease: try_shared(lease)?,
            },
            Stored::Orphaned(OfLease { lease }) => Self::Orphaned {
                lease: try_shared(lease)?,
            },
            Stored::Lapsed(OfLease { lease }) => Self::Lapsed {
                lease: try_shared(lease)?,
            },
            Stored::Parked(OfTicket { ticket }) => Self::Parked {
                ticket: try_shared(ticket)?,
            },
            Stored::Resumed(OfTicket { ticket }) => Self::Resumed {
                ticket: try_shared(ticket)?,
            },
            Stored::Died(Died { ticket, cards }) => Self::Died {
                ticket: try_shared(ticket)?,
                cards: try_all(cards)?,
            },
            Stored::Cancelled(OfTicket { ticket }) => Self::Cancelled {
                ticket: try_shared(ticket)?,
            },
            Stored::Frozen(Frozen { freeze }) => Self::Frozen {
                freeze: Box::new(freeze.try_into()?),
            },
            Stored::Thawed(Thawed { freeze, by }) => Self::Thawed {
                freeze: Box::new(freeze.try_into()?),
                by: by.into(),
            },
            Stored::Dropped(Dropped {
                tickets,
                cards,
                freezes,
            }) => Self::Dropped {
                tickets: try_all(tickets)?.into_iter().map(Arc::new).collect(),
                cards: try_all(cards)?,
                freezes: try_all(freezes)?,
            },
        })
    }
}
