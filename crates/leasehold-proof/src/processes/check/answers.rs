//! Every answer is of the contract, and explained by what the audit has between question and answer.

mod state;

use super::exclusion::describe;
use crate::processes::history::{Deed, What};
use crate::processes::plan::{Ask, Verb, Work};
use crate::processes::planner::PATIENCE_MS;
use crate::processes::story::{Ended, Hold, Op, Story, Way};
use leasehold_core::event::Event;
use leasehold_core::{Claim, Identity, LeaseId};
use std::collections::BTreeSet;

/// A command that was killed, as its guard passes it on.
const SIGNALLED: std::ops::RangeInclusive<i32> = 129..=192;

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
            _ if code == 1 && self.story.setting.may_fail() => true,
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
            Verb::Work { work, .. } => self.is_code_of_command(code, work),
        };
        (!is_right).then(|| format!("exit code {code} without a reason in the audit"))
    }

    fn was_ended(&self) -> bool {
        let before = |t: Option<u64>| t.is_some_and(|t| t <= self.ended.t);
        let is_guard = self.op.ask().is_some();
        before(self.op.first_deed(&Deed::KillGuard))
            || before(self.story.boot_after(self.op.invoked))
            || before(self.story.lost_around(self.op))
            || !is_guard && before(self.op.first_deed(&Deed::KillCommand))
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

    fn guard(&self, code: i32, ask: &Ask, work: &Work) -> Option<String> {
        let hold = self.story.holds.iter().find(|hold| hold.op == self.number);
        let own = self
            .story
            .own
            .get(&self.number)
            .and_then(|id| self.story.life(*id, self.ended.t));
        let dropped = own
            .and_then(|life| life.dropped)
            .filter(|(t, _)| *t <= self.ended.t);
        let is_taken = dropped.is_some_and(|(_, way)| matches!(way, Way::Lapsed | Way::Forced));
        let what = match code {
            6 if is_taken => return None,
            _ if is_taken && hold.is_some() => "its lease was lost, and it does not say so",
            6 if own.is_none() && self.cover_may_be_gone(ask, hold) => return None,
            6 => "it says that its lease was lost",
            2 | 5 if hold.is_some() => "it says no, and its command ran",
            2 if self.story.setting.is_calm() && ask.wait_ms >= Some(PATIENCE_MS) => {
                "it waited in vain, where everybody ends soon"
            }
            2 if self.is_refused(ask) => return None,
            5 if self.event(|event| self.is_died(event, ask)) => return None,
            0.. if self.is_code_of_command(code, work) => {
                let released = |event: &Event| event.name() == "released";
                let own = self.story.own.get(&self.number);
                match own.filter(|_| hold.is_some_and(|hold| hold.is_own)) {
                    Some(id) if !self.event(|event| released(event) && is_of(event, *id)) => {
                        "it did not give its lease back"
                    }
                    _ => return None,
                }
            }
            _ => "there is no reason for that in the audit",
        };
        Some(format!("exit code {code}: {what}"))
    }

    /// The exit code of the command, or what tells that it was killed.
    fn is_code_of_command(&self, code: i32, work: &Work) -> bool {
        let killed = self.op.first_deed(&Deed::KillCommand);
        let has_finished = self
            .op
            .seen
            .iter()
            .any(|(_, what)| matches!(what, What::Finish { .. }));
        match killed {
            Some(_) if SIGNALLED.contains(&code) => true,
            _ => has_finished && code == work.code,
        }
    }

    /// Whether one of the leases that it ran or was to run inside of may have been lost.
    fn cover_may_be_gone(&self, ask: &Ask, hold: Option<&Hold>) -> bool {
        let proof = ask.lease.iter().filter_map(|lease| lease.parse().ok());
        let outer = self
            .story
            .holds
            .iter()
            .find(|outer| Some(outer.op) == self.op.inside);
        let chain = hold
            .into_iter()
            .chain(outer)
            .flat_map(|hold| hold.chain.iter().copied());
        let mut leases = proof.chain(chain);
        leases.any(|id| self.may_be_gone(id))
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
            .is_none_or(|owner| who.owner.name == *owner);
        let session = who.session == self.op.who.session;
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
