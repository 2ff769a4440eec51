//! How a guard ended, against how its lease and its command did.

use super::{Answer, is_of};
use crate::processes::history::{Deed, What};
use crate::processes::plan::{Ask, Work};
use crate::processes::planner::PATIENCE_MS;
use crate::processes::story::{Hold, Life, Way};
use leasehold_core::Claim;
use leasehold_core::event::Event;

/// A command that was killed, as its guard passes it on.
const SIGNALLED: std::ops::RangeInclusive<i32> = 129..=192;

impl Answer<'_> {
    pub(super) fn guard(&self, code: i32, ask: &Ask, work: &Work) -> Option<String> {
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
        let may_fail = self.story.may_fail(self.op);
        let what = match code {
            // The command could not be started.
            126 if may_fail && hold.is_none() => return None,
            6 if is_taken => return None,
            _ if is_taken && hold.is_some() => "its lease was lost, and it does not say so",
            6 if self.cover_may_be_gone(ask, own, hold) => return None,
            6 => "it says that its lease was lost",
            2 | 5 if hold.is_some() => "it says no, and its command ran",
            2 if self.story.setting.is_calm() && ask.wait_ms >= Some(PATIENCE_MS) => {
                "it waited in vain, where everybody ends soon"
            }
            2 if self.is_refused(ask) => return None,
            // What cannot be seen clearly counts as held.
            2 if may_fail => return None,
            5 if self.event(|event| self.is_died(event, ask)) => return None,
            0.. if self.is_code_of_command(code, work) => {
                let released = |event: &Event| event.name() == "released";
                let own = self.story.own.get(&self.number);
                // Where that fails the guard warns, and its lease ends with it.
                match own.filter(|_| !may_fail && hold.is_some_and(|hold| hold.is_own)) {
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
    pub(super) fn is_code_of_command(&self, code: i32, work: &Work) -> bool {
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

    /// Whether one of the leases that it ran or was to run inside of may have been lost, where its own
    /// has not all that it asked for.
    fn cover_may_be_gone(&self, ask: &Ask, own: Option<&Life>, hold: Option<&Hold>) -> bool {
        if own.is_some_and(|own| has_all(&own.lease.claims, &ask.claims.claims())) {
            return false;
        }
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
        let mut leases = proof
            .chain(chain)
            .filter(|id| own.is_none_or(|own| own.lease.id != *id));
        leases.any(|id| self.may_be_gone(id))
    }
}

fn has_all(own: &[Claim], asked: &[Claim]) -> bool {
    let has = |asked: &Claim| own.iter().any(|own| own.resource == asked.resource);
    asked.iter().all(has)
}
