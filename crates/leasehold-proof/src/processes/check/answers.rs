//! Every answer is of the contract, and explained by what the audit has between question and answer.

mod freezes;
mod guard;
mod many;
mod state;

use super::exclusion::describe;
use crate::processes::history::{Deed, What};
use crate::processes::plan::{Ask, Verb};
use crate::processes::story::{Ended, Hold, Op, Story};
use leasehold_core::event::Event;
use leasehold_core::{Claim, Identity, LeaseId};
use std::collections::BTreeSet;

/// All answers.
pub(in crate::processes) fn explained(story: &Story) -> Vec<String> {
    let mut said = Vec::new();
    for (number, op) in &story.ops {
        let (Some(plan), Some(ended)) = (&op.plan, &op.ended) else {
            continue;
        };
        let answer = Answer {
            story,
            number: *number,
            op,
            ended,
        };
        if let Some(what) = answer.wrong(&plan.verb) {
            let (from, to) = (op.invoked / 1_000_000, ended.t / 1_000_000);
            said.push(format!("[{}] from {from} to {to} ms: {what}", op.line()));
        }
    }
    said.extend(story.holds.iter().flat_map(|hold| checks(story, hold)));
    said
}

/// What `check` said inside the guarded commands.
fn checks(story: &Story, hold: &Hold) -> Vec<String> {
    let mut said = Vec::new();
    for (t, what) in &story.ops[&hold.op].seen {
        let What::Checked { code, asked } = what else {
            continue;
        };
        let is_right = match code {
            Some(0) => !story.is_dropped(hold.lease, *asked, *t),
            Some(6) => hold
                .chain
                .iter()
                .any(|id| story.may_be_gone(*id, hold.start, *t)),
            Some(1) => story.setting.may_fail(),
            _ => false,
        };
        // One that was killed says nothing.
        if !is_right && code.is_some() {
            let (ms, who) = (t / 1_000_000, describe(story, hold));
            said.push(format!(
                "`check` ends with {code:?} at {ms} ms inside of {who}"
            ));
        }
    }
    said
}

/// One answer, to be explained.
struct Answer<'a> {
    story: &'a Story,
    number: u64,
    op: &'a Op,
    ended: &'a Ended,
}

impl Answer<'_> {
    /// Says what is wrong with it.
    fn wrong(&self, verb: &Verb) -> Option<String> {
        // Nobody promised an answer to who was killed, or ended from outside.
        if self.was_ended() {
            return None;
        }
        let Some(code) = self.ended.code else {
            return Some("it died of a signal that nobody sent".into());
        };
        let is_right = match verb {
            // An error, or an outcome that nobody knows.
            _ if matches!(code, 1 | 7) && self.story.may_fail(self.op) => true,
            Verb::Guard { ask, work } => return self.guard(code, ask, work),
            Verb::Lock { ask } => self.lock(code, ask),
            Verb::Unlock { name, .. } => self.unlock(code, *name),
            Verb::UnlockLease { lease } => lease.parse().is_ok_and(|id| match code {
                0 => self.event(|event| event.name() == "released" && is_of(event, id)),
                3 => self.may_be_gone(id),
                _ => false,
            }),
            Verb::Renew { lease } => lease.parse().is_ok_and(|id| match code {
                0 => self.event(|event| event.name() == "renewed" && is_of(event, id)),
                6 => self.may_be_gone(id),
                _ => false,
            }),
            Verb::Check { lease, .. } => lease.parse().is_ok_and(|id| match code {
                0 => !self.story.is_dropped(id, self.op.invoked, self.ended.t),
                6 => self.may_be_gone(id),
                _ => false,
            }),
            Verb::Exists { name } => self.exists(code, *name),
            Verb::Why { claims, lease } => self.why(code, claims, lease.as_deref()),
            Verb::Freeze { name, ttl_ms } => self.freeze(code, *name, *ttl_ms),
            Verb::Unfreeze { name, force } => self.unfreeze(code, *name, *force),
            Verb::UnlockMany { whose, force } => self.unlock_many(code, whose, *force),
            Verb::Sweep { name } => self.sweep(code, *name),
            Verb::Status { name, prunes } => self.status(code, *name, *prunes),
            Verb::Work { work, .. } => self.is_code_of_command(code, work),
        };
        (!is_right).then(|| format!("exit code {code} without a reason in the audit"))
    }

    fn was_ended(&self) -> bool {
        let before = |t: Option<u64>| t.is_some_and(|t| t <= self.ended.t);
        let is_guard = self.op.ask().is_some();
        let around = self.op.inside.and_then(|op| self.story.ops.get(&op));
        before(self.op.first_deed(&Deed::KillGuard))
            || before(self.story.boot_after(self.op.invoked))
            || before(self.story.lost_around(self.op))
            || !is_guard && before(self.op.first_deed(&Deed::KillCommand))
            // Between its fork and its exec a guard inside of a command looks like that command.
            || around.is_some_and(|around| before(around.first_deed(&Deed::KillCommand)))
    }

    fn may_be_gone(&self, id: LeaseId) -> bool {
        self.story.may_be_gone(id, self.op.invoked, self.ended.t)
    }

    /// Whether there is such an event between question and answer.
    fn event(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        let (from, to) = (self.op.invoked, self.ended.t);
        let slack = self.story.slack;
        let meanwhile = self.story.commits.iter();
        let mut meanwhile =
            meanwhile.filter(|commit| commit.at + slack >= from && commit.at <= to + slack);
        meanwhile.any(|commit| commit.events.iter().any(&is_it))
    }

    /// Held, or waited for as long as it wanted.
    fn is_refused(&self, ask: &Ask) -> bool {
        match ask.wait_ms {
            None => self.event(|event| match event {
                Event::Refused { who, claims, .. } => self.is_mine(who, claims, ask),
                _ => false,
            }),
            Some(wait_ms) => {
                let waited_ms = (self.ended.t - self.op.invoked) / 1_000_000;
                let parked = |event: &Event| match event {
                    Event::Parked { ticket } => self.is_mine(&ticket.who, &ticket.claims, ask),
                    _ => false,
                };
                waited_ms + 2 >= wait_ms && self.event(parked)
            }
        }
    }

    fn is_died(&self, event: &Event, ask: &Ask) -> bool {
        match event {
            Event::Died { ticket, .. } => self.is_mine(&ticket.who, &ticket.claims, ask),
            _ => false,
        }
    }

    fn is_mine(&self, who: &Identity, claims: &[Claim], ask: &Ask) -> bool {
        let owner = self
            .op
            .who
            .owner
            .as_ref()
            .is_none_or(|owner| *who.owner.name == **owner);
        let session = who.session.as_deref() == self.op.who.session.as_deref();
        let own = ask.claims.claims();
        let own: BTreeSet<&Claim> = own.iter().collect();
        owner && session && own == claims.iter().collect()
    }

    fn lock(&self, code: i32, ask: &Ask) -> bool {
        let put = |event: &Event| matches!(event.name(), "granted" | "bound" | "renewed");
        match code {
            0 => {
                let id = self.ended.lease;
                id.is_some_and(|id| self.event(|event| put(event) && is_of(event, id)))
            }
            2 => self.is_refused(ask),
            5 => self.event(|event| self.is_died(event, ask)),
            _ => false,
        }
    }
}

/// Whether an event puts or drops this lease.
fn is_of(event: &Event, id: LeaseId) -> bool {
    use leasehold_core::event::Change;
    let mut found = false;
    event.for_each_change(|change| {
        if let Change::PutLease(lease) | Change::DropLease(lease) = change {
            found |= lease.id == id;
        }
    });
    found
}

#[cfg(test)]
mod tests;
