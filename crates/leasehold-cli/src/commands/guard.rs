//! `leasehold guard`: a command under a lease.

mod inside;
mod keeper;

use self::inside::Cover;
use self::keeper::{CoverKeeper, Keeper};
use crate::acquire::acquire;
use crate::answer::{self, Asked};
use crate::cli::{Guard, StopSignal};
use crate::context::Context;
use crate::error::CliError;
use crate::process::{
    Ended, GuardedCommand, RunningCommand, Signals, SpawnError, Status, StopRule, Waited, Watch,
    supervise, wait_beside,
};
use crate::{context, exit, inherit, message, request, ui, usual};
use leasehold_api::code::Code;
use leasehold_api::lease::LeaseInfo;
use leasehold_api::outcome::{CommandEnd, Outcome};
use leasehold_core::lease::Kind;
use leasehold_core::planted::Bug;
use leasehold_core::verdict::{Blocker, Place, Refusal, Verdict};
use leasehold_core::{Claim, Lease, LeaseId};
use leasehold_service::{Acquired, Answer, Clock, Held, Waiting};
use leasehold_store::Presence;
use rustix::process::Signal;
use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
    Ok(match acquired {
        Acquired::Held(held, clock) => {
            let running = Running {
                context: &context,
                args,
                signals: &signals,
                rule,
            };
            running.under_own_lease(held, &claims, &clock)?
        }
        Acquired::Joined(cover, clock) => {
            let running = Running {
                context: &context,
                args,
                signals: &signals,
                rule,
            };
            running.under_cover(cover, inside, &clock)?
        }
        Acquired::Refused(Refusal::Held(blockers), clock) if Bug::RunRefused.is_planted() => {
            let running = Running {
                context: &context,
                args,
                signals: &signals,
                rule,
            };
            let lease = |blocker: &Blocker| match blocker {
                Blocker::Lease(lease) => Some(lease.clone()),
                Blocker::Ticket(_) => None,
            };
            let holders = blockers.iter().filter_map(lease);
            running.under_cover(holders.collect(), inside, &clock)?
        }
        Acquired::Refused(refusal, clock) => {
            let outcome = answer::refused(&asked, &refusal, &clock);
            usual::add(outcome, leasing, &claims, refusal.blockers(), &clock)
        }
        Acquired::Died(death, clock) => answer::died(&asked, &death, &clock),
        Acquired::Lost(lease) => answer::stale_proof(VERB, lease),
        Acquired::TimedOut(place, clock) => {
            let outcome = answer::timed_out(&asked, &place, &clock);
            usual::add(outcome, leasing, &claims, &place.blockers, &clock)
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

/// A command about to run.
struct Running<'a> {
    context: &'a Context,
    args: &'a Guard,
    signals: &'a Signals,
    rule: StopRule,
}

impl Running<'_> {
    fn under_own_lease(
        self,
        mut held: Held,
        asked: &[Claim],
        clock: &Clock,
    ) -> Result<Outcome, CliError> {
        let leasing = &*self.context.leasing;
        let lease = held.lease.clone();
        if let Some(not_begun) = self.not_begun(&lease, clock)? {
            let _released = held.release(leasing)?;
            return Ok(not_begun);
        }
        let (running, cover) = match self.start(&mut held, asked, clock) {
            Ok(started) => started,
            Err(not_started) => {
                let _released = held.release(leasing)?;
                return not_started.outcome();
            }
        };
        if Bug::ReleaseBeforeEnd.is_planted() {
            let _released = held.release(leasing)?;
            let ended = self.supervise(running, &mut CoverKeeper::new(leasing, Vec::new()))?;
            return Ok(finished(ended, false, std::slice::from_ref(&lease), clock));
        }
        let relies = (!cover.leases.is_empty()).then(|| cover.keeper(leasing));
        let mut keeper = Keeper::new(leasing, held, relies);
        let ended = self.supervise(running, &mut keeper)?;
        let ended = self.outlast(ended, &mut keeper, &lease)?;
        let lost = ended.lost || keeper.has_lost_its_cover();
        let lost = match keeper.into_held().release(leasing) {
            Ok(Answer {
                value: Verdict::NotFound,
                ..
            }) => true,
            Ok(_) => lost,
            Err(error) => {
                ui::talk(&format!(
                    "warning: could not release: {error}; the lease ends with this process"
                ));
                lost
            }
        };
        let leases: Vec<_> = [lease].into_iter().chain(cover.leases.clone()).collect();
        Ok(finished(ended, lost, &leases, clock))
    }

    /// Returns the outcome of a command that must not begin any more: a signal came meanwhile, or this
    /// process was held up for so long that its lease is over.
    fn not_begun(&self, lease: &Lease, clock: &Clock) -> Result<Option<Outcome>, CliError> {
        if let Some(code) = self.signals.pending().exit_code() {
            let text = format!("interrupted before {VERB} began");
            return Ok(Some(Outcome {
                exit: code,
                ..answer::outcome(VERB, Code::Interrupted, text)
            }));
        }
        let (Some(ttl), Some(expires)) = (lease.ttl, lease.expires) else {
            return Ok(None);
        };
        // The wall clock costs nothing to read. Where it jumped, the lease is renewed for nothing.
        let half = Duration::from_millis(ttl.as_millis()) / 2;
        let left = clock.wall(expires).duration_since(SystemTime::now());
        let renews = !left.is_ok_and(|left| half <= left && left <= 2 * half);
        if renews
            && matches!(
                self.context.leasing.renew(lease.id, None)?.value,
                Verdict::Lost(_)
            )
        {
            let text = format!(
                "the lease on {} was lost before the command began",
                message::resources(&lease.claims)
            );
            let hint = "this process was held up for longer than its --ttl; ask again";
            return Ok(Some(Outcome {
                hints: vec![hint.into()],
                ..answer::outcome(VERB, Code::Lost, text)
            }));
        }
        Ok(None)
    }

    /// Starts the command under a lease of its own, and in those around it that have the rest.
    fn start(
        &self,
        held: &mut Held,
        asked: &[Claim],
        clock: &Clock,
    ) -> Result<(RunningCommand, Cover), NotStarted> {
        let (leasing, lease) = (&*self.context.leasing, held.lease.clone());
        let around = inside::around(leasing, asked, &lease).map_err(CliError::from)?;
        let cover = match around {
            Some(around) => Cover::enter(leasing, around)?,
            None => None,
        };
        let Some(cover) = cover else {
            let outer = lease.inside.first().copied().unwrap_or(lease.id);
            let lost = answer::stale_proof(VERB, outer);
            return Err(NotStarted::Outcome(Box::new(lost)));
        };
        let mut command = self.command(lease.id, &lease, &cover.leases, clock);
        let own = held.presence().map(Presence::command_proof).transpose();
        let own = own.map_err(CliError::from)?.flatten();
        let own = own.filter(|_| !Bug::KeepProof.is_planted());
        let proofs = cover.proofs().map_err(CliError::from)?;
        for proof in own.into_iter().chain(proofs) {
            command = command.inherit(proof);
        }
        Ok((command.spawn(self.signals)?, cover))
    }

    /// Keeps the lease until those have ended, too, who work inside it: their guards have no lease of
    /// their own.
    fn outlast(
        &self,
        mut ended: Ended,
        keeper: &mut Keeper<'_>,
        lease: &Lease,
    ) -> Result<Ended, CliError> {
        let mut told = false;
        while !ended.lost
            && let Some(inside) = keeper.command_ended()
        {
            if !std::mem::replace(&mut told, true) {
                let what = message::resources(&lease.claims);
                ui::talk(&format!(
                    "note: {what} stays held: a guard inside it runs still"
                ));
            }
            let waited = wait_beside(self.signals, keeper, inside.as_fd())
                .map_err(|error| failure("cannot wait for the guards inside", &error))?;
            match waited {
                Waited::Look => {}
                Waited::Lost => ended.lost = true,
                // They find out that it is gone.
                Waited::Interrupted => break,
            }
        }
        Ok(ended)
    }

    /// Runs inside leases that are held already: nothing to renew or release, but they may be lost.
    fn under_cover(
        self,
        cover: Vec<Arc<Lease>>,
        inside: Option<LeaseId>,
        clock: &Clock,
    ) -> Result<Outcome, CliError> {
        let leasing = &*self.context.leasing;
        let innermost = cover.first().cloned();
        let (Some(innermost), Some(cover)) = (innermost, Cover::enter(leasing, cover)?) else {
            return Ok(answer::stale_proof(VERB, inside.unwrap_or(LeaseId::new(0))));
        };
        // What runs inside is inside of all that this is inside of, not only of what covers it.
        let mut command = self.command(inside.unwrap_or(innermost.id), &innermost, &[], clock);
        for proof in cover.proofs()? {
            command = command.inherit(proof);
        }
        let running = match command.spawn(self.signals) {
            Ok(running) => running,
            Err(error) => return NotStarted::from(error).outcome(),
        };
        let mut keeper = cover.keeper(leasing);
        let ended = self.supervise(running, &mut keeper)?;
        let lost = ended.lost || keeper.is_lost();
        Ok(finished(ended, lost, &cover.leases, clock))
    }

    fn command(
        &self,
        innermost: LeaseId,
        lease: &Lease,
        around: &[Arc<Lease>],
        clock: &Clock,
    ) -> GuardedCommand {
        let command = match (&self.args.script, self.args.command.as_slice()) {
            (Some(script), words) => GuardedCommand::shell(script, words.to_vec()),
            (None, [program, words @ ..]) => GuardedCommand::new(program, words.to_vec()),
            // The parser asks for one of them.
            (None, []) => GuardedCommand::new("", Vec::new()),
        };
        let workspace = self.context.leasing.workspace();
        let variables = inherit::environment(workspace, innermost, lease, around, clock);
        let variables = variables.into_iter();
        let variables = variables.map(|(name, value)| (name, value.map(OsString::from)));
        variables
            .chain(self.context.variables.iter().cloned())
            .fold(command, |command, (name, value)| match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            })
    }

    fn supervise(&self, running: RunningCommand, watch: &mut dyn Watch) -> Result<Ended, CliError> {
        // On an error the command may still be running: its own proof of life keeps it protected.
        supervise(running, self.signals, watch, self.rule)
            .map_err(|error| failure("cannot wait for the command", &error))
    }
}

/// Why a command did not start.
enum NotStarted {
    /// It is said in this.
    Outcome(Box<Outcome>),
    Error(CliError),
}

impl From<CliError> for NotStarted {
    fn from(error: CliError) -> Self {
        Self::Error(error)
    }
}

impl From<SpawnError> for NotStarted {
    fn from(error: SpawnError) -> Self {
        let reason = std::error::Error::source(&error)
            .map_or_else(String::new, |reason| format!(": {reason}"));
        let text = format!("failed to {error}{reason}");
        let hint = match &error {
            SpawnError::NotFound { program } => message::not_found(program),
            _ => None,
        };
        Self::Outcome(Box::new(Outcome {
            exit: error.exit_code(),
            hints: hint.into_iter().collect(),
            ..answer::outcome(VERB, Code::Error, text)
        }))
    }
}

impl NotStarted {
    fn outcome(self) -> Result<Outcome, CliError> {
        match self {
            Self::Outcome(outcome) => Ok(*outcome),
            Self::Error(error) => Err(error),
        }
    }
}

/// The outcome of a command that ran: its own exit code, unless its lease was lost.
fn finished(ended: Ended, lost: bool, leases: &[Arc<Lease>], clock: &Clock) -> Outcome {
    let what = leases
        .first()
        .map_or_else(String::new, |lease| message::resources(&lease.claims));
    let mut outcome = if lost {
        let text = format!("the lease on {what} was lost while the command ran");
        let stopped = if ended.lost {
            "the command was stopped"
        } else {
            "the command had ended"
        };
        Outcome {
            hints: vec![format!(
                "{stopped}; check what it did, others may have run meanwhile"
            )],
            ..answer::outcome(VERB, Code::Lost, text)
        }
    } else {
        Outcome {
            exit: ended.status.code(),
            ..answer::outcome(VERB, Code::Ok, "the command ran")
        }
    };
    outcome.leases = leases
        .iter()
        .map(|lease| LeaseInfo::new(lease, None, clock))
        .collect();
    outcome.command = Some(match ended.status {
        Status::Exited(code) => CommandEnd {
            exit: Some(code),
            signal: None,
        },
        Status::Signaled(number) => CommandEnd {
            exit: None,
            signal: u8::try_from(number).ok(),
        },
    });
    outcome
}
