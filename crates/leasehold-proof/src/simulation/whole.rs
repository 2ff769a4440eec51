//! A part is decided as the whole: the kernel asks for all that it needs, and no more matters.

use super::act::pick;
use super::ledger::{Ledger, Lives};
use super::setting::somebody;
use super::step::Request;
use super::world::Shared;
use crate::Random;
use leasehold_core::command::{Command, Proof};
use leasehold_core::decide::decide;
use leasehold_core::event::Event;
use leasehold_core::freeze::Freeze;
use leasehold_core::identity::Agent;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::verdict::{Blocker, Decision, More, Verdict};
use leasehold_core::view::{Key, View};
use leasehold_core::{Claim, Lease, LeaseId, Resource, Ticket, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::NAMES;

/// Far more than the longest "who wants what that one holds" of any world.
const ROUNDS_MAX: usize = 1_000;

/// The state of one moment.
struct Moment {
    ledger: Ledger,
    lives: Arc<Lives>,
    now: Timestamp,
    policy: Policy,
    /// Decides how much of a queue is shown as its front.
    seed: u64,
}

/// Decides one command both ways and compares. The world stays as it is.
pub(super) fn compare(shared: &Shared, request: &Request, seed: u64) {
    let mut core = shared.core();
    let mut moment = Moment {
        ledger: core.ledger.clone(),
        lives: Arc::clone(&core.lives),
        now: core.clock.now(),
        policy: core.policy,
        seed,
    };
    let id = core.fresh();
    let ask = core.ask(&shared.setting.names, request, id);
    drop(core);
    // What time and death have brought about elsewhere is no concern of a command, and a part does not
    // see it: so it is settled first, as a timer would.
    let Ok(settled) = moment.decide_whole(&Command::Timer(vec![Key::All])) else {
        return;
    };
    settled
        .events
        .iter()
        .for_each(|event| moment.ledger.apply(event));
    let command = command(&moment, Command::Ask(ask), seed);
    if let Err(what) = moment.compare(&command) {
        shared.core().violate(&what);
    }
}

fn command(moment: &Moment, ask: Command, seed: u64) -> Command {
    let mut random = Random::new(seed);
    let ids = moment.ledger.leases.keys().copied();
    let tickets = moment.ledger.tickets.values();
    let ids: Vec<LeaseId> = ids
        .chain(tickets.map(|queued| queued.ticket.request))
        .collect();
    let which = usize::try_from(random.below(1 << 20)).unwrap_or(0);
    let Some(lease) = pick(&ids, which) else {
        return ask;
    };
    let what = NAMES.resources[which % NAMES.resources.len()].clone();
    match random.below(12) {
        0 | 1 => Command::Release {
            lease,
            by: somebody(random.below(8)),
            proof: *random.pick(&[Proof::Id, Proof::Owner, Proof::Force]),
        },
        2 => Command::Renew { lease, ttl: None },
        3 => Command::Bind(lease),
        4 => Command::Timeout(lease),
        5 => Command::Cancel(lease),
        6 => Command::Freeze(Freeze {
            id: LeaseId::new(u128::from(seed)),
            resource: what,
            until: Some(moment.now.plus_millis(1_000)),
            since: moment.now,
            who: somebody(0),
        }),
        _ => ask,
    }
}

impl Moment {
    fn decide_whole(&self, command: &Command) -> Result<Decision, More> {
        let mut view = self.ledger.view(self.now, &self.lives);
        if let Command::Ask(ask) = command {
            view.mark_loaded(Key::Life(ask.id));
        }
        decide(&view, command, &self.policy)
    }

    /// Decides as a coordinator does: loads what is missing until the kernel is content.
    fn decide_partly(&self, command: &Command) -> Result<Decision, String> {
        let mut view = self.ledger.empty_view(self.now);
        let footprint = command.footprint();
        footprint.iter().for_each(|key| self.load(&mut view, key));
        for _ in 0..ROUNDS_MAX {
            match decide(&view, command, &self.policy) {
                Ok(decision) => return Ok(decision),
                Err(More(keys)) if keys.iter().any(|key| !view.is_loaded(key)) => {
                    keys.iter().for_each(|key| self.load(&mut view, key));
                }
                Err(More(keys)) => return Err(format!("asks again for {keys:?}: {command:?}")),
            }
        }
        Err(format!("is never content: {command:?}"))
    }

    /// Loads exactly what a key finds, by looking at everything.
    fn load(&self, view: &mut View, key: &Key) {
        let ledger = &self.ledger;
        let leases = ledger.leases.values().filter(|held| match key {
            Key::All => true,
            Key::Overlap(what) | Key::Front(what) => is_on(&held.lease.claims, what),
            Key::Lease(id) => held.lease.id == *id,
            Key::Agent(agent) | Key::Standing(agent) => {
                held.lease.kind == Kind::Standing && held.lease.who.agent().as_ref() == Some(agent)
            }
            Key::Place(_) | Key::Life(_) => false,
        });
        leases.for_each(|held| view.put_lease(held.lease.clone()));
        let tickets = ledger.tickets.values().map(|queued| &queued.ticket);
        let tickets = tickets.filter(|ticket| match key {
            Key::All => true,
            Key::Overlap(what) => is_on(&ticket.claims, what),
            Key::Lease(id) => ticket.request == *id || ticket.inside.contains(id),
            Key::Agent(agent) => ticket.agents.contains(agent),
            // See `load_front`.
            Key::Front(_) => false,
            Key::Standing(_) | Key::Place(_) | Key::Life(_) => false,
        });
        tickets.for_each(|ticket| view.put_ticket(ticket.clone()));
        let freezes = ledger.freezes.values().filter(|freeze| match key {
            Key::All => true,
            Key::Overlap(what) | Key::Front(what) => overlap(&freeze.resource, what),
            _ => false,
        });
        freezes.for_each(|freeze| view.put_freeze(freeze.clone()));
        let cards = ledger.cards.iter().filter(|card| match key {
            Key::All => true,
            Key::Place(place) => card.who.place() == *place,
            _ => false,
        });
        cards.for_each(|card| view.put_card(card.clone()));
        if let Key::Life(id) = key {
            view.set_life(*id, self.lives.get(id).copied().unwrap_or_default());
        }
        if let Key::Front(what) = key {
            self.load_front(view, what);
        }
        view.mark_loaded(key.clone());
    }

    /// Shows of a queue now more, now less, but always whoever may hold something.
    fn load_front(&self, view: &mut View, what: &Resource) {
        let tickets = self.ledger.tickets.values().map(|queued| &queued.ticket);
        let mut queue: Vec<_> = tickets.filter(|t| is_on(&t.claims, what)).collect();
        queue.sort_by_key(|ticket| ticket.number);
        let least = queue.iter().rposition(|ticket| self.may_hold(ticket));
        let least = least.map_or(0, |at| at + 1);
        let any = Random::new(self.seed).below(queue.len() as u64 + 1);
        let shown = least.max(usize::try_from(any).unwrap_or(0));
        let (front, rest) = queue.split_at(shown);
        for ticket in front {
            view.put_ticket((*ticket).clone());
        }
        if rest.is_empty() {
            view.mark_loaded(Key::Overlap(what.clone()));
        } else {
            view.set_front(what.clone(), front.last().map_or(0, |t| t.number));
        }
    }

    fn may_hold(&self, ticket: &Ticket) -> bool {
        let of = |lease: &Lease, agent: &Agent| {
            lease.kind == Kind::Standing && lease.who.agent().as_ref() == Some(agent)
        };
        let leases = || self.ledger.leases.values();
        let owns = |agent: &Agent| leases().any(|held| of(&held.lease, agent));
        ticket.strict || !ticket.inside.is_empty() || ticket.agents.iter().any(owns)
    }

    fn compare(&self, command: &Command) -> Result<(), String> {
        let Ok(whole) = self.decide_whole(command) else {
            return Err(format!("a whole view is not enough for {command:?}"));
        };
        let part = self.decide_partly(command)?;
        let told = |decision: &Decision| {
            let mut events: Vec<&str> = decision.events.iter().map(Event::name).collect();
            events.sort_unstable();
            let wakes: BTreeSet<LeaseId> = decision.wakes.iter().copied().collect();
            (gist(&decision.verdict), events, wakes)
        };
        let after = |decision: &Decision| {
            let mut ledger = self.ledger.clone();
            decision.events.iter().for_each(|event| ledger.apply(event));
            ledger
        };
        // Where the root of a unit is gone nobody knows any more whose cards they are: a part may leave
        // some, which run out by themselves.
        let (mut of_part, of_whole) = (after(&part), after(&whole));
        of_part.cards.clone_from(&of_whole.cards);
        let same = of_part.differs_from(&of_whole.view(self.now, &self.lives));
        if told(&part) == told(&whole) && same.is_none() {
            return Ok(());
        }
        Err(format!(
            "a part is decided otherwise than the whole: {command:?}: {:?} and {:?}, {same:?}",
            told(&part),
            told(&whole)
        ))
    }
}

fn overlap(a: &Resource, b: &Resource) -> bool {
    NAMES.overlap(NAMES.place(a), NAMES.place(b))
}

fn is_on(claims: &[Claim], what: &Resource) -> bool {
    claims.iter().any(|claim| overlap(&claim.resource, what))
}

/// What a verdict says, without the order in which it names others.
fn gist(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Granted(lease) => format!("granted {lease:?}"),
        Verdict::Queued(place) => {
            let mut blockers: Vec<LeaseId> = place.blockers.iter().map(Blocker::id).collect();
            blockers.sort_unstable();
            format!("queued {} behind {blockers:?}", place.ahead)
        }
        Verdict::Refused(_) => "refused".into(),
        Verdict::Died(_) => "died".into(),
        other => format!("{other:?}"),
    }
}
