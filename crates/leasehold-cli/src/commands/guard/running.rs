//! A command that runs under its leases, from the grant to the release.

use super::ends::{NotStarted, finished};
use super::inside::{self, Cover};
use super::keeper::{CoverKeeper, Keeper};
use super::{VERB, failure};
use crate::cli::Guard;
use crate::context::Context;
use crate::error::CliError;
use crate::process::{
    Ended, GuardedCommand, RunningCommand, Signals, StopRule, Waited, Watch, supervise, wait_beside,
};
use crate::{answer, inherit, message, ui};
use leasehold_api::code::Code;
use leasehold_api::outcome::Outcome;
use leasehold_core::planted::Bug;
use leasehold_core::verdict::Verdict;
use leasehold_core::{Claim, Lease, LeaseId};
use leasehold_service::{Answer, Clock, Held};
use leasehold_store::Presence;
use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A command about to run.
pub(super) struct Running<'a> {
    pub(super) context: &'a Context,
    pub(super) args: &'a Guard,
    pub(super) signals: &'a Signals,
    pub(super) rule: StopRule,
}

impl Running<'_> {
    /// Runs it under a lease of its own, and gives that back.
    pub(super) fn under_own_lease(
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
        let (running, mut cover) = match self.start(&mut held, asked, clock) {
            Ok(started) => started,
            Err(not_started) => {
                let _released = held.release(leasing)?;
                return not_started.outcome();
            }
        };
        if Bug::ReleaseBeforeEnd.is_planted() {
            let _released = held.release(leasing)?;
            let ended = self.supervise(running, &mut CoverKeeper::new(leasing, Vec::new()))?;
            return Ok(finished(ended, None, std::slice::from_ref(&lease), clock));
        }
        let relies = (!cover.leases.is_empty()).then(|| cover.keeper(leasing));
        let mut keeper = Keeper::new(leasing, held, relies);
        let ended = self.supervise(running, &mut keeper);
        let ended = cover.or_leave(ended)?;
        let ended = self.outlast(ended, &mut keeper, &lease)?;
        let lost = keeper.lost_cover();
        let lost = lost.or_else(|| ended.lost.then(|| lease.clone()));
        let lost = match keeper.release() {
            Ok(Answer {
                value: Verdict::NotFound,
                ..
            }) => Some(lease.clone()),
            Ok(_) => lost,
            Err(error) => {
                ui::talk(&format!(
                    "warning: could not release: {error}; the lease ends with this process"
                ));
                lost
            }
        };
        let leases: Vec<_> = [lease].into_iter().chain(cover.leases.clone()).collect();
        Ok(finished(ended, lost.as_deref(), &leases, clock))
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
    pub(super) fn under_cover(
        self,
        cover: Vec<Arc<Lease>>,
        inside: Option<LeaseId>,
        clock: &Clock,
    ) -> Result<Outcome, CliError> {
        let leasing = &*self.context.leasing;
        let innermost = cover.first().cloned();
        let (Some(innermost), Some(mut cover)) = (innermost, Cover::enter(leasing, cover)?) else {
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
        let ended = self.supervise(running, &mut keeper);
        let ended = cover.or_leave(ended)?;
        let lost = keeper.lost().or_else(|| ended.lost.then_some(innermost));
        Ok(finished(ended, lost.as_deref(), &cover.leases, clock))
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
