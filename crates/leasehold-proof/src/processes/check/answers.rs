//! Every answer is of the contract, and explained by what the audit has between question and answer.

use super::exclusion::describe;
use crate::processes::history::{Deed, What};
use crate::processes::names::NAMES;
use crate::processes::plan::{Ask, Verb, Work};
use crate::processes::story::{Ended, Hold, Op, Story, Way};
use leasehold_core::event::Event;
use leasehold_core::{Claim, Identity, LeaseId, Resource};
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
            Some(0) => !story.is_dropped_before(hold.lease, *asked),
            Some(6) => hold.chain.iter().any(|id| story.may_be_gone(*id, *t)),
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
                3 => self.story.may_be_gone(id, self.ended.t),
                _ => false,
            }),
            Verb::Renew { lease } => lease.parse().is_ok_and(|id| match code {
                0 => self.event(|event| event.name() == "renewed" && is_of(event, id)),
                6 => self.story.may_be_gone(id, self.ended.t),
                _ => false,
            }),
            Verb::Check { lease, .. } => lease.parse().is_ok_and(|id| match code {
                0 => !self.story.is_dropped_before(id, self.op.invoked),
                6 => self.story.may_be_gone(id, self.ended.t),
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
            .and_then(|id| self.story.lives.get(id));
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
        leases.any(|id| self.story.may_be_gone(id, self.ended.t))
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

    fn unlock(&self, code: i32, name: usize) -> bool {
        let resource = Resource::parse(NAMES[name].text).ok();
        let has = |claims: &[Claim]| {
            claims
                .iter()
                .any(|claim| Some(&claim.resource) == resource.as_ref())
        };
        let (from, to) = (self.op.invoked, self.ended.t);
        let slack = self.story.slack;
        let named = self
            .story
            .lives
            .values()
            .filter(|life| has(&life.lease.claims));
        let is_here = |life: &&crate::processes::story::Life| {
            let end = life.dropped.map_or(u64::MAX, |(t, _)| t);
            life.granted <= to + slack && end + slack >= from
        };
        let is_always = |life: &crate::processes::story::Life| {
            let end = life.dropped.map_or(u64::MAX, |(t, _)| t);
            life.granted + slack < from && end > to + slack
        };
        match code {
            0 => self.event(|event| match event {
                Event::Released { lease } | Event::Forced { lease, .. } => has(&lease.claims),
                _ => false,
            }),
            1 => named.filter(is_here).count() > 1,
            3 => !named.clone().any(is_always),
            4 => named.filter(is_here).count() > 0,
            _ => false,
        }
    }

    fn exists(&self, code: i32, name: usize) -> bool {
        let Ok(resource) = Resource::parse(NAMES[name].text) else {
            return false;
        };
        let meets = |claim: &Claim| claim.resource.overlaps(&resource);
        let lives = self.story.lives.values();
        let mut lives = lives.filter(|life| life.lease.claims.iter().any(meets));
        let (from, to) = (self.op.invoked, self.ended.t);
        let slack = self.story.slack;
        match code {
            0 => lives.any(|life| {
                life.granted <= to + slack
                    && life
                        .dropped
                        .is_none_or(|(t, _)| self.story.effect(t) + slack >= from)
            }),
            // What lived all the time, for sure, would have been seen.
            3 => !lives.any(|life| {
                let op = life.op.and_then(|op| self.story.ops.get(&op));
                let is_sure = op.is_some_and(|op| op.first_deed(&Deed::KillGuard).is_none());
                let is_bound = life
                    .bound
                    .is_some_and(|t| self.story.effect(t) + slack < from);
                let stays = life.dropped.is_none_or(|(t, _)| t > to + slack);
                is_sure
                    && life.lease.ttl.is_none()
                    && is_bound
                    && stays
                    && self.story.setting.boots == 1
            }),
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

impl Story {
    /// Whether a lease was out of the state before that time, for sure.
    fn is_dropped_before(&self, id: LeaseId, t: u64) -> bool {
        let dropped = self.lives.get(&id).and_then(|life| life.dropped);
        dropped.is_some_and(|(at, _)| self.effect(at).saturating_add(self.slack) < t)
    }

    /// Whether a lease may have been out of the state, or past its time, at that time.
    fn may_be_gone(&self, id: LeaseId, t: u64) -> bool {
        let Some(life) = self.lives.get(&id) else {
            return true;
        };
        if life.dropped.is_some_and(|(at, _)| at <= t + self.slack) {
            return true;
        }
        let mut expires = life.lease.expires;
        for commit in self.commits.iter().take_while(|commit| commit.at <= t) {
            for event in &commit.events {
                if let Event::Renewed { lease } | Event::Bound { lease } = event
                    && lease.id == id
                {
                    expires = lease.expires;
                }
            }
        }
        let anchor =
            i128::from(life.granted) - i128::from(life.lease.granted.as_millis()) * 1_000_000;
        let due = expires.map(|at| i128::from(at.as_millis()) * 1_000_000 + anchor);
        due.is_some_and(|due| due <= i128::from(t + self.slack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::check::sample::{Sample, lease};

    #[test]
    fn a_guard_that_ran_in_order_is_explained() {
        let mut sample = Sample::default();
        sample.guard(1, "build", 10..20);
        assert_eq!(explained(&sample.story()), Vec::<String>::new());
    }

    #[test]
    fn a_lease_that_is_not_given_back_is_not() {
        let mut sample = Sample::default();
        sample.guard(1, "build", 10..20);
        sample.commits.pop();
        assert_eq!(explained(&sample.story()).len(), 1);
    }

    #[test]
    fn a_loss_that_is_not_told_is_not() {
        let mut sample = Sample::default();
        sample.guard(1, "build", 10..20);
        let lost = lease(1, "build", 9).into();
        sample.commits[1].events = vec![Event::Lapsed { lease: lost }];
        assert_eq!(explained(&sample.story()).len(), 1);
    }

    #[test]
    fn a_refusal_needs_an_event() {
        let mut sample = Sample::default();
        sample.invoke(1, "build", 5).end(1, 8, 2);
        assert_eq!(explained(&sample.story()).len(), 1);
    }

    #[test]
    fn a_code_that_nobody_knows_is_refused() {
        let mut sample = Sample::default();
        sample.invoke(1, "build", 5).end(1, 8, 3);
        assert_eq!(explained(&sample.story()).len(), 1);
    }
}
