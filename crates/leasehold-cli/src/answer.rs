//! Verdicts as outcomes: the message, the hints, and what `--json` shows.

use crate::error::CliError;
use crate::{exit, message};
use leasehold_api::code::Code;
use leasehold_api::lease::{BlockerInfo, FreezeInfo, LeaseInfo, TicketInfo};
use leasehold_api::outcome::Outcome;
use leasehold_core::verdict::{Blocker, Death, Place, Refusal};
use leasehold_core::{Claim, Identity, Lease, LeaseId, lease::Kind};
use leasehold_service::Clock;

/// What a verb has to tell.
pub(crate) struct Told {
    pub(crate) outcome: Outcome,
    /// What is printed in place of the message, where it takes more than one line.
    pub(crate) lines: Vec<String>,
}

impl From<Outcome> for Told {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            lines: Vec::new(),
        }
    }
}

/// An outcome with a code's own exit code.
pub(crate) fn outcome<L: Default>(
    verb: &'static str,
    code: Code,
    message: impl Into<String>,
) -> Outcome<L> {
    Outcome::new(verb, code, exit::of(code), message)
}

/// The outcome of an error.
pub(crate) fn failed(verb: &'static str, error: CliError) -> Outcome {
    Outcome {
        hints: error.hints,
        ..outcome(verb, error.code, error.message)
    }
}

/// What is asked for, by whom: what a refusal is seen from.
pub(crate) struct Asked<'a> {
    pub(crate) verb: &'static str,
    pub(crate) who: &'a Identity,
    pub(crate) claims: &'a [Claim],
}

/// The outcome of a lease that is held.
pub(crate) fn granted(
    verb: &'static str,
    message: String,
    lease: &Lease,
    clock: &Clock,
) -> Outcome {
    Outcome {
        leases: vec![LeaseInfo::new(lease, None, clock)],
        ..outcome(verb, Code::Ok, message)
    }
}

/// The outcome of a refusal.
pub(crate) fn refused(asked: &Asked<'_>, refusal: &Refusal, clock: &Clock) -> Outcome {
    match refusal {
        Refusal::Held(blockers) => held(asked, blockers, clock),
        Refusal::Frozen(freezes) => {
            let infos = freezes.iter().map(|freeze| FreezeInfo::new(freeze, clock));
            let infos: Vec<FreezeInfo> = infos.collect();
            let (what, flags) = message::through_freeze(&infos);
            Outcome {
                hints: vec![format!("{what}: {}", message::again_with(&flags))],
                freezes: infos,
                ..outcome(asked.verb, Code::Frozen, message::frozen(freezes, clock))
            }
        }
        Refusal::PoolSize { pool, in_force } => {
            let text = format!("the pool `{pool}` is in use with {in_force} slots");
            let hint = format!("ask with --slots {in_force}, or wait until nobody holds or waits");
            Outcome {
                hints: vec![hint],
                ..outcome(asked.verb, Code::PoolSize, text)
            }
        }
        Refusal::Limit(limit) => {
            let (text, hint) = message::limit(*limit, asked.claims);
            Outcome {
                hints: vec![hint.into()],
                ..outcome(asked.verb, Code::Limit, text)
            }
        }
    }
}

fn held(asked: &Asked<'_>, blockers: &[Blocker], clock: &Clock) -> Outcome {
    let mut hints = match own_lock(asked.who, blockers) {
        // To queue for it would be to wait for oneself.
        Some(lease) => own_lock_hints(lease),
        None => vec![format!("queue for it: {}", message::again_with("--wait"))],
    };
    let contested = contested(asked.claims, blockers);
    hints.push(format!(
        "see who holds and who waits: leasehold status {}",
        crate::ui::quoted(&contested)
    ));
    hints.extend(
        blockers
            .iter()
            .find_map(|blocker| perhaps_own(asked.who, blocker)),
    );
    hints.extend(pool(asked.claims, blockers));
    Outcome {
        hints,
        blockers: blockers
            .iter()
            .map(|blocker| BlockerInfo::new(blocker, clock))
            .collect(),
        ..outcome(asked.verb, Code::Held, message::blockers(blockers, clock))
    }
}

/// Says so where all of a thing is asked for that others use as a pool.
pub(crate) fn pool(asked: &[Claim], blockers: &[Blocker]) -> Option<String> {
    let held = || blockers.iter().flat_map(Blocker::claims);
    let size = |claim: &Claim| {
        let same = |other: &&Claim| other.resource == claim.resource;
        held().filter(same).find_map(|other| other.slots)
    };
    let whole = asked.iter().filter(|claim| claim.slots.is_none());
    let (claim, size) = whole
        .filter_map(|claim| size(claim).map(|size| (claim, size)))
        .next()?;
    let name = &claim.resource;
    let pool = match asked {
        [_] => String::new(),
        _ => format!("{name}="),
    };
    let flag = crate::ui::quoted(&format!("{pool}{size}"));
    Some(format!(
        "`{name}` is used as a pool: --slots {flag} asks for one slot, this for all of them"
    ))
}

/// Returns the resource that is asked for and not free.
fn contested(asked: &[Claim], blockers: &[Blocker]) -> String {
    let held = blockers.first().map_or(&[][..], Blocker::claims);
    let taken = |claim: &&Claim| {
        held.iter()
            .any(|other| other.resource.overlaps(&claim.resource))
    };
    let claim = asked.iter().find(taken).or(asked.first());
    claim
        .map(|claim| claim.resource.to_string())
        .unwrap_or_default()
}

/// Returns the lock of one's own that is in one's own way.
pub(crate) fn own_lock<'a>(who: &Identity, blockers: &'a [Blocker]) -> Option<&'a Lease> {
    blockers.iter().find_map(|blocker| match blocker {
        Blocker::Lease(lease) => {
            let own = lease.kind == Kind::Standing && lease.who.same_agent(who);
            own.then_some(&**lease)
        }
        Blocker::Ticket(_) => None,
    })
}

/// What to do about it. Its id may be said whole: it is the asker's.
fn own_lock_hints(lease: &Lease) -> Vec<String> {
    let inside = message::again_inside(lease.id);
    let inside = inside.map(|again| format!("it is your own lock; to work inside it: {again}"));
    let unlock = format!(
        "to give it back first: leasehold unlock --lease {}",
        lease.id
    );
    inside.into_iter().chain([unlock]).collect()
}

/// A hint for whoever may be looking at a lock of its own, taken without a name.
pub(crate) fn perhaps_own(who: &Identity, blocker: &Blocker) -> Option<String> {
    let Blocker::Lease(lease) = blocker else {
        return None;
    };
    // Two sessions are two agents, whatever name they go by.
    let unknown = who.session.is_none() && lease.who.session.is_none();
    let same_name = lease.kind == Kind::Standing && lease.who.owner == who.owner;
    if !same_name || !unknown || lease.who.same_agent(who) {
        return None;
    }
    let name = lease.claims.first().map(|claim| claim.resource.to_string());
    Some(format!(
        "if that is your own lock: leasehold unlock {}; to be known again, set LEASEHOLD_SESSION or \
         LEASEHOLD_OWNER",
        crate::ui::quoted(&name.unwrap_or_default())
    ))
}

/// The outcome of a death.
pub(crate) fn died(asked: &Asked<'_>, death: &Death, clock: &Clock) -> Outcome {
    let (text, mut hints) = message::death(asked.claims, death, clock);
    let own = own_lock(asked.who, &death.blockers);
    let inside = own.and_then(|lease| message::again_inside(lease.id));
    hints.extend(inside.map(|again| format!("or work inside your own lock: {again}")));
    Outcome {
        hints,
        leases: death
            .wanted
            .iter()
            .map(|lease| LeaseInfo::new(lease, None, clock))
            .collect(),
        blockers: death
            .blockers
            .iter()
            .map(|blocker| BlockerInfo::new(blocker, clock))
            .collect(),
        pressers: death
            .pressers
            .iter()
            .map(|ticket| TicketInfo::new(ticket, clock))
            .collect(),
        ..outcome(asked.verb, Code::Died, text)
    }
}

/// The outcome of a wait that took too long.
pub(crate) fn timed_out(asked: &Asked<'_>, place: &Place, clock: &Clock) -> Outcome {
    let why = if place.frozen.is_empty() {
        message::blockers(&place.blockers, clock)
    } else {
        message::frozen(&place.frozen, clock)
    };
    let what = message::resources(asked.claims);
    let ahead = message::ahead(place);
    Outcome {
        hints: vec![message::go_on_waiting()],
        blockers: place
            .blockers
            .iter()
            .map(|blocker| BlockerInfo::new(blocker, clock))
            .collect(),
        freezes: place
            .frozen
            .iter()
            .map(|freeze| FreezeInfo::new(freeze, clock))
            .collect(),
        ahead: Some(place.ahead),
        ..outcome(
            asked.verb,
            Code::TimedOut,
            format!("timed out waiting for {what}, {ahead}: {why}"),
        )
    }
}

/// The outcome of a wait that a signal ended.
pub(crate) fn interrupted(asked: &Asked<'_>, signal: u8) -> Outcome {
    let what = message::resources(asked.claims);
    let text = format!("interrupted while waiting for {what}");
    Outcome {
        hints: vec![message::go_on_waiting()],
        exit: 128 + signal,
        ..outcome(asked.verb, Code::Interrupted, text)
    }
}

/// The outcome of a request from inside a lease that is not held any more.
pub(crate) fn stale_proof(verb: &'static str, lease: LeaseId) -> Outcome {
    let text = format!("the lease {lease} that this runs inside of is not held any more");
    let hint =
        "stop what relied on it; to go on without it, unset LEASEHOLD_LEASE (or drop --lease)";
    Outcome {
        hints: vec![hint.into()],
        ..outcome(verb, Code::Lost, text)
    }
}
