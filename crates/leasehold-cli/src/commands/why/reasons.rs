//! The reasons for an answer, one by one.

use crate::message;
use leasehold_api::lease::{FreezeInfo, LeaseInfo, LeaseState, TicketInfo};
use leasehold_api::why::{LifeInfo, PulseInfo, ReasonInfo, ReasonKind};
use leasehold_core::claim::any_conflict;
use leasehold_core::command::Ask;
use leasehold_core::lease::Kind;
use leasehold_core::ticket::TicketState;
use leasehold_core::verdict::{Blocker, Place, Refusal, Verdict};
use leasehold_core::{Lease, Ticket};
use leasehold_service::{Clock, Foresight};

/// The reasons for an answer.
pub(super) struct Reasons<'a> {
    pub(super) infos: Vec<ReasonInfo>,
    /// The waits of those in the way, where somebody else is in theirs.
    pub(super) further: Vec<&'a Place>,
}

/// Returns who is in the way.
pub(super) fn blockers(found: &Foresight) -> &[Blocker] {
    match (&found.waiting, &found.now) {
        (Verdict::Queued(place), _) => &place.blockers,
        (Verdict::Died(death), _) => &death.blockers,
        (_, Verdict::Refused(Refusal::Held(blockers))) => blockers,
        _ => &[],
    }
}

/// Returns whether a place in the queue is kept for this request.
pub(super) fn has_kept_place(found: &Foresight, ask: &Ask) -> bool {
    let mut parked = found.view.tickets().filter(|ticket| !ticket.is_waiting());
    parked.any(|ticket| is_own(ticket, ask))
}

fn is_own(ticket: &Ticket, ask: &Ask) -> bool {
    ticket.resumes(&ask.who, &ask.claims, ask.kind, ask.inside.as_slice())
}

impl<'a> Reasons<'a> {
    pub(super) fn of(found: &'a Foresight, ask: &Ask, clock: &Clock) -> Self {
        let make = Make { found, clock };
        let blockers = blockers(found);
        let mut infos: Vec<ReasonInfo> = Vec::new();
        infos.extend(make.freezes());
        infos.extend(make.death(ask));
        infos.extend(blockers.iter().map(|blocker| match blocker {
            Blocker::Lease(lease) => make.lease(lease),
            Blocker::Ticket(ticket) => make.ticket(ticket, ReasonKind::Queued),
        }));
        let parked = found.view.tickets().filter(|ticket| {
            !ticket.is_waiting()
                && !is_own(ticket, ask)
                && any_conflict(&ticket.claims, &ask.claims)
        });
        infos.extend(parked.map(|ticket| make.ticket(ticket, ReasonKind::Parked)));
        let over = found.seen.leases().filter(|lease| {
            any_conflict(&lease.claims, &ask.claims)
                && LeaseInfo::new(lease, Some(&found.seen), clock)
                    .state
                    .is_over()
        });
        infos.extend(over.map(|lease| make.lease(lease)));
        let known = |blocker: &Blocker| blockers.iter().any(|known| known.id() == blocker.id());
        let further = found
            .waits
            .iter()
            .filter(|place| !place.frozen.is_empty() || !place.blockers.iter().all(known));
        Self {
            infos,
            further: further.collect(),
        }
    }
}

/// Makes reasons of what was found.
struct Make<'a> {
    found: &'a Foresight,
    clock: &'a Clock,
}

impl Make<'_> {
    fn freezes(&self) -> impl Iterator<Item = ReasonInfo> {
        self.found.frozen.iter().map(|freeze| {
            let text = message::frozen(std::slice::from_ref(freeze), self.clock);
            ReasonInfo {
                freeze: Some(FreezeInfo::new(freeze, self.clock)),
                ..ReasonInfo::new(ReasonKind::Frozen, text)
            }
        })
    }

    fn death(&self, ask: &Ask) -> Option<ReasonInfo> {
        let Verdict::Died(death) = &self.found.waiting else {
            return None;
        };
        let text = match death.pressers.as_slice() {
            [own] if own.request == ask.id => {
                let held = death.wanted.first().map_or(&[][..], |lease| &lease.claims);
                let what = message::resources(held);
                format!("waiting for it would be for ever: you hold {what} yourself")
            }
            _ => message::death(&ask.claims, death, self.clock).0,
        };
        let when = if self.found.frozen.is_empty() {
            ""
        } else {
            "once it is not frozen, "
        };
        Some(ReasonInfo::new(
            ReasonKind::WouldDie,
            format!("{when}{text}"),
        ))
    }

    fn lease(&self, lease: &Lease) -> ReasonInfo {
        let (seen, clock) = (&self.found.seen, self.clock);
        // One that is granted to a waiter only at this moment is not in what was seen.
        let view = Some(seen).filter(|seen| seen.lease(lease.id).is_some());
        let info = LeaseInfo::new(lease, view.or(Some(&self.found.view)), clock);
        let kind = match info.state {
            LeaseState::Held | LeaseState::Granted => ReasonKind::Held,
            LeaseState::Orphan => ReasonKind::Orphan,
            LeaseState::Expired => ReasonKind::Expired,
            LeaseState::Dead => ReasonKind::Dead,
        };
        let life = seen.life(lease.id).unwrap_or_default();
        let life = (lease.kind == Kind::Scoped).then(|| LifeInfo::from(life));
        let text = format!("{}{}", message::held_by(lease, clock), alive(kind, life));
        ReasonInfo {
            lease: Some(info.in_brief()),
            life,
            ..ReasonInfo::new(kind, text)
        }
    }

    fn ticket(&self, ticket: &Ticket, kind: ReasonKind) -> ReasonInfo {
        let what = message::resources(&ticket.claims);
        let text = match ticket.state {
            TicketState::Parked { until } => {
                let who = message::absentee(ticket, until, self.clock);
                format!("{what}: a place is kept for {who}: it would be ahead on coming back")
            }
            TicketState::Waiting => {
                let who = message::waiter(ticket, self.clock);
                let waited_for = message::are(&ticket.claims, "waited for");
                format!("{waited_for} by {who}")
            }
        };
        ReasonInfo {
            ticket: Some(TicketInfo::new(ticket, self.clock)),
            ..ReasonInfo::new(kind, text)
        }
    }
}

/// What is known of a holder's processes.
fn alive(kind: ReasonKind, life: Option<LifeInfo>) -> &'static str {
    match (kind, life) {
        (ReasonKind::Dead, _) => "; its processes are dead, it makes way",
        (ReasonKind::Expired, _) => "; it makes way",
        // The description of the holder says it already.
        (ReasonKind::Orphan, _) => "",
        (_, None) => "; it needs no process",
        (_, Some(life)) => match life.guard {
            PulseInfo::Alive => "; its guard is alive",
            PulseInfo::Dead => "; its guard is dead",
            PulseInfo::Unknown => "; whether its guard lives cannot be seen",
        },
    }
}

/// One line for a reason.
pub(super) fn line(reason: &ReasonInfo) -> String {
    let kind = match reason.kind {
        ReasonKind::Held => "held",
        ReasonKind::Orphan => "orphan",
        ReasonKind::Frozen => "frozen",
        ReasonKind::Queued => "queued",
        ReasonKind::WouldDie => "would die",
        ReasonKind::Parked => "parked",
        ReasonKind::Expired => "expired",
        ReasonKind::Dead => "dead",
    };
    format!("  {kind}: {}", reason.message)
}

/// One line for somebody in the way who waits for others.
pub(super) fn wait_line(place: &&Place, clock: &Clock) -> String {
    let ticket = &place.ticket;
    let why = if place.frozen.is_empty() {
        message::blockers(&place.blockers, clock)
    } else {
        message::frozen(&place.frozen, clock)
    };
    format!("  waits: {}: {why}", message::waiter(ticket, clock))
}
