//! `leasehold lock`: a lease that outlives this process.

use crate::acquire::acquire;
use crate::answer::{self, Asked};
use crate::cli::Lock;
use crate::error::CliError;
use crate::process::Signals;
use crate::{context, message, request, ui, usual};
use leasehold_api::outcome::Outcome;
use leasehold_core::command::Wait;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Place;
use leasehold_core::{Lease, Ttl};
use leasehold_service::{Acquired, Clock, Waiting};
use std::cell::Cell;
use std::sync::Arc;

/// How long a standing lease lives that does not say how long: a forgotten one ends by itself.
const TTL_DEFAULT_MS: u64 = 3_600_000;

pub(crate) fn run(args: &Lock) -> Result<Outcome, CliError> {
    let default = Ttl::from_millis(TTL_DEFAULT_MS).ok();
    let checked = request::check(&args.request, default)?;
    let context = context::open(&args.request.store)?;
    let ask = request::build(&context, &args.request, &checked, Kind::Standing, "")?;
    let (who, claims) = (ask.who.clone(), ask.claims.clone());
    // Only a wait has something to interrupt: a signal then parks the place before it ends this.
    let signals = (ask.wait != Wait::No).then(Signals::install).transpose();
    let signals = signals.map_err(|error| {
        CliError::new(
            leasehold_api::code::Code::Error,
            format!("signals: {error}"),
        )
    })?;
    let mut tell = |place: &Place, clock: &Clock, expected| {
        ui::talk(&message::place(place, clock, expected));
    };
    let interrupt = signals.as_ref().map(Signals::fd);
    let ended_by = Cell::new(None);
    let mut is_interrupted = || {
        let code = signals
            .as_ref()
            .and_then(|signals| signals.take().exit_code());
        ended_by.set(ended_by.get().or(code));
        ended_by.get().is_some()
    };
    let mut waiting = Waiting {
        interrupt,
        is_interrupted: &mut is_interrupted,
        on_place: &mut tell,
        estimates: true,
    };
    let said = args.request.ttl.is_some();
    let leasing = &*context.leasing;
    let acquired = acquire(&context, &args.request, &checked, ask, &mut waiting);
    let (acquired, claims) = match acquired {
        // What the store says is no answer to a signal: it has been busy for as long as we waited.
        Err(_) if ended_by.get().is_some() => (Acquired::Interrupted, claims),
        acquired => acquired?,
    };
    let asked = Asked {
        verb: "lock",
        who: &who,
        claims: &claims,
    };
    let mut outcome = match acquired {
        Acquired::Held(held, clock) => locked("locked", &held.lease, said, &clock),
        Acquired::Renewed(lease, clock) => locked("renewed", &lease, said, &clock),
        Acquired::Joined(leases, clock) => joined(&asked, &leases, &clock),
        Acquired::Refused(refusal, clock) => {
            let outcome = answer::refused(&asked, &refusal, &clock);
            usual::add(outcome, leasing, &asked, refusal.blockers(), &clock)
        }
        Acquired::Died(death, clock) => answer::died(&asked, &death, &clock),
        Acquired::Lost(lease) => answer::stale_proof("lock", lease),
        Acquired::TimedOut(place, clock) => {
            let outcome = answer::timed_out(&asked, &place, &clock);
            usual::add(outcome, leasing, &asked, &place.blockers, &clock)
        }
        Acquired::Interrupted => {
            answer::interrupted(&asked, ended_by.get().unwrap_or(128 + 2) - 128)
        }
    };
    let doubts = request::doubts(&context.base, &args.request.claims);
    outcome.notes.extend(doubts);
    Ok(outcome)
}

fn locked(done: &str, lease: &Lease, ttl_said: bool, clock: &Clock) -> Outcome {
    let left = lease.expires.map(|at| at.millis_since(clock.now()));
    let until = match left {
        Some(left) => format!(" for {}", leasehold_api::duration::short(left)),
        None => " until it is unlocked".into(),
    };
    let what = message::resources(&lease.claims);
    let slot = lease
        .slots
        .first()
        .map_or_else(String::new, |slot| format!(", slot {slot}"));
    let text = format!(
        "{done} {what}{slot}{until} (lease {}, token {})",
        lease.id, lease.token
    );
    let mut outcome = answer::granted("lock", text, lease, clock);
    if !ttl_said && left.is_some() {
        outcome
            .hints
            .push("without --ttl a lock lives 1h; say --ttl none for no limit".into());
    }
    outcome
}

fn joined(asked: &Asked<'_>, leases: &[Arc<Lease>], clock: &Clock) -> Outcome {
    let text = format!(
        "{} is held already by the lease around this",
        message::resources(asked.claims)
    );
    let mut outcome = answer::outcome("lock", leasehold_api::code::Code::Ok, text);
    let infos = leases
        .iter()
        .map(|l| leasehold_api::lease::LeaseInfo::new(l, None, clock));
    outcome.leases = infos.collect();
    outcome
}
