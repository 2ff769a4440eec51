//! `leasehold guard`: a command under a lease.
//!
//! * `running`: from the grant to the release. `ends`: what became of it, in words.
//! * `keeper`: renews while the command runs, and notices a loss. `inside`: leases around this one.

mod ends;
mod inside;
mod keeper;
mod running;

use self::running::Running;
use crate::acquire::acquire;
use crate::answer::{self, Asked};
use crate::cli::{Guard, StopSignal};
use crate::error::CliError;
use crate::process::{Signals, StopRule};
use crate::{context, exit, message, request, ui, usual};
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;
use leasehold_core::lease::Kind;
use leasehold_core::planted::Bug;
use leasehold_core::verdict::{Blocker, Place, Refusal};
use leasehold_service::{Acquired, Clock, Waiting};
use rustix::process::Signal;
use std::cell::Cell;
use std::fs::File;
use std::io::Write as _;

const VERB: &str = "guard";

pub(crate) fn run(args: &Guard) -> u8 {
    // Opened first: a path that cannot be written to is said before anything runs.
    let report = match args
        .json_file
        .as_ref()
        .map(|path| (path, File::create(path)))
    {
        None => None,
        Some((_, Ok(file))) => Some(file),
        Some((path, Err(error))) => {
            ui::talk(&format!("error: --json-file {}: {error}", path.display()));
            return exit::ERROR;
        }
    };
    let mut outcome = guard(args).unwrap_or_else(|error| answer::failed(VERB, error));
    if outcome.exit == exit::HELD
        && matches!(outcome.code, Code::Held | Code::Frozen | Code::TimedOut)
    {
        outcome.exit = args.held_exit.unwrap_or(exit::HELD);
    }
    if !outcome.ok {
        ui::refusal(&outcome);
    }
    if let Some(mut file) = report
        && let Err(error) = writeln!(file, "{}", ui::to_json(&outcome))
    {
        ui::talk(&format!("warning: --json-file: {error}"));
    }
    outcome.exit
}

/// Runs the command under the lease, and returns what became of both without telling of it.
pub(crate) fn guard(args: &Guard) -> Result<Outcome, CliError> {
    let checked = request::check(&args.request, None)?;
    let rule = stop_rule(args)?;
    let words = args.script.iter().chain(&args.command);
    let words: Vec<String> = words
        .map(|word| ui::quoted(&word.to_string_lossy()))
        .collect();
    let context = context::open(&args.request.store)?;
    let mut ask = request::build(
        &context,
        &args.request,
        &checked,
        Kind::Scoped,
        &words.join(" "),
    )?;
    ask.keep_while_alive = args.keep_while_alive;
    ui::notes(&request::doubts(&context.base, &args.request.claims));
    let signals = Signals::install().map_err(|error| failure("cannot take signals", &error))?;
    let (who, claims, inside) = (ask.who.clone(), ask.claims.clone(), ask.inside);
    let mut tell = |place: &Place, clock: &Clock, expected| {
        ui::talk(&message::place(place, clock, expected));
    };
    let ended_by = Cell::new(None);
    let mut is_interrupted = || {
        ended_by.set(ended_by.get().or(signals.take().exit_code()));
        ended_by.get().is_some()
    };
    let mut waiting = Waiting {
        interrupt: Some(signals.fd()),
        is_interrupted: &mut is_interrupted,
        on_place: &mut tell,
        estimates: true,
    };
    let leasing = &*context.leasing;
    let acquired = acquire(&context, &args.request, &checked, ask, &mut waiting);
    let (acquired, claims) = match acquired {
        // What the store says is no answer to a signal: it has been busy for as long as we waited.
        Err(_) if ended_by.get().is_some() => (Acquired::Interrupted, claims),
        acquired => acquired?,
    };
    let asked = Asked {
        verb: VERB,
        who: &who,
        claims: &claims,
    };
    let running = Running {
        context: &context,
        args,
        signals: &signals,
        rule,
    };
    Ok(match acquired {
        Acquired::Held(held, clock) => running.under_own_lease(held, &claims, &clock)?,
        Acquired::Joined(cover, clock) => running.under_cover(cover, inside, &clock)?,
        Acquired::Refused(Refusal::Held(blockers), clock) if Bug::RunRefused.is_planted() => {
            let lease = |blocker: &Blocker| match blocker {
                Blocker::Lease(lease) => Some(lease.clone()),
                Blocker::Ticket(_) => None,
            };
            let holders = blockers.iter().filter_map(lease);
            running.under_cover(holders.collect(), inside, &clock)?
        }
        Acquired::Refused(refusal, clock) => {
            let outcome = answer::refused(&asked, &refusal, &clock);
            usual::add(outcome, leasing, &asked, refusal.blockers(), &clock)
        }
        Acquired::Died(death, clock) => answer::died(&asked, &death, &clock),
        Acquired::Lost(lease) => answer::stale_proof(VERB, lease),
        Acquired::TimedOut(place, clock) => {
            let outcome = answer::timed_out(&asked, &place, &clock);
            usual::add(outcome, leasing, &asked, &place.blockers, &clock)
        }
        Acquired::Interrupted => {
            let code = ended_by.get().unwrap_or(128 + 2);
            answer::interrupted(&asked, code - 128)
        }
        // A scoped request is never a renewal.
        Acquired::Renewed(..) => return Err(leasehold_service::ServiceError::Unknown.into()),
    })
}

fn stop_rule(args: &Guard) -> Result<StopRule, CliError> {
    let signal = match args.stop_signal {
        StopSignal::Term => Signal::TERM,
        StopSignal::Int => Signal::INT,
        StopSignal::Hup => Signal::HUP,
        StopSignal::Quit => Signal::QUIT,
        StopSignal::Kill => Signal::KILL,
    };
    Ok(StopRule {
        signal,
        grace: request::parse_duration("--stop-grace", &args.stop_grace)?,
    })
}

fn failure(what: &str, error: &std::io::Error) -> CliError {
    CliError::new(Code::Error, format!("{what}: {error}"))
}
