//! Answers about what was in the state: at some moment between question and answer it must have been so.

use super::Answer;
use crate::processes::history::Deed;
use crate::processes::names::{Claims, NAMES};
use crate::processes::story::{Frost, Life, Op, Story};
use leasehold_core::claim::any_conflict;
use leasehold_core::event::Event;
use leasehold_core::lease::Kind;
use leasehold_core::{Claim, LeaseId, Resource};

impl Answer<'_> {
    pub(super) fn unlock(&self, code: i32, name: usize) -> bool {
        let resource = Resource::parse(NAMES[name].text).ok();
        let has = |claims: &[Claim]| {
            claims
                .iter()
                .any(|claim| Some(&claim.resource) == resource.as_ref())
        };
        let lives = self.story.lives.iter();
        let mut named = lives.filter(|life| has(&life.lease.claims));
        let mut here = named.clone().filter(|life| self.is_here(life));
        match code {
            0 => self.event(|event| match event {
                Event::Released { lease } | Event::Forced { lease, .. } => has(&lease.claims),
                _ => false,
            }),
            1 => here.count() > 1,
            3 => !named.any(|life| self.is_held(life)),
            4 => here.next().is_some(),
            _ => false,
        }
    }

    pub(super) fn exists(&self, code: i32, name: usize) -> bool {
        let Ok(resource) = Resource::parse(NAMES[name].text) else {
            return false;
        };
        let meets = |claim: &Claim| claim.resource.overlaps(&resource);
        let lives = self.story.lives.iter();
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
            3 => !lives.any(|life| self.is_seen(life)),
            _ => false,
        }
    }

    /// Whether a lease was held all the time, for sure: those of the dead are not.
    pub(super) fn is_held(&self, life: &Life) -> bool {
        let is_standing = life.lease.kind == Kind::Standing;
        is_standing && self.is_always(life) || self.is_seen(life)
    }

    /// Whether whoever looked must have seen a lease: it lived all the time, for sure.
    fn is_seen(&self, life: &Life) -> bool {
        let (from, to) = (self.op.invoked, self.ended.t);
        let slack = self.story.slack;
        let op = life.op.and_then(|op| self.story.ops.get(&op));
        // Who fails may end with its lease in the state: then it is one of the dead.
        let lives = |op: &Op| op.first_deed(&Deed::KillGuard).is_none() && !self.story.may_fail(op);
        let is_sure = op.is_some_and(lives);
        let is_bound = life
            .bound
            .is_some_and(|t| self.story.effect(t) + slack < from);
        let stays = life.dropped.is_none_or(|(t, _)| t > to + slack);
        is_sure && life.lease.ttl.is_none() && is_bound && stays && self.story.setting.boots == 1
    }

    /// What `guard` would be answered, which `why` tells without asking.
    pub(super) fn why(&self, code: i32, claims: &Claims, lease: Option<&str>) -> bool {
        let chain: Option<LeaseId> = lease.and_then(|lease| lease.parse().ok());
        let claims = claims.claims();
        let meets = |theirs: &Claim| {
            let pair = |own: &Claim| own.same_pool(theirs);
            any_conflict(&claims, std::slice::from_ref(theirs)) || claims.iter().any(pair)
        };
        let lives = self.story.lives.iter();
        let mut others = lives.filter(|life| Some(life.lease.id) != chain);
        let is_frozen = |frost: &Frost| {
            let mut names = claims.iter().map(|claim| &claim.resource);
            names.any(|name| name.overlaps(&frost.freeze.resource))
        };
        let mut frosts = self.story.frosts.iter().filter(|frost| is_frozen(frost));
        match code {
            0 => {
                // Where it stands inside a lease, that may cover what others have too.
                let is_shut =
                    |life: &Life| any_conflict(&claims, &life.lease.claims) && self.is_seen(life);
                let mut frosts = frosts;
                chain.is_some()
                    || !others.any(is_shut) && !frosts.any(|frost| self.is_surely_frozen(frost))
            }
            2 | 5 => {
                others.any(|life| life.lease.claims.iter().any(meets) && self.is_here(life))
                    || frosts.any(|frost| self.may_be_frozen(frost))
                    || self.may_wait(&meets)
            }
            6 => chain.is_some_and(|id| self.may_be_gone(id)),
            _ => false,
        }
    }

    /// Whether somebody may have waited for such a thing at some moment between question and answer.
    pub(super) fn may_wait(&self, is_it: &dyn Fn(&Claim) -> bool) -> bool {
        let slack = self.story.slack;
        let mut waits = self.story.waits.iter();
        waits.any(|wait| {
            let is_then = wait.since <= self.ended.t + slack
                && self.story.effect(wait.until).saturating_add(slack) >= self.op.invoked;
            is_then && wait.ticket.claims.iter().any(is_it)
        })
    }
}

impl Story {
    /// Whether a lease was out of the state all the time, for sure.
    pub(super) fn is_dropped(&self, id: LeaseId, from: u64, to: u64) -> bool {
        let dropped = self.life(id, to).and_then(|life| life.dropped);
        dropped.is_some_and(|(at, _)| self.effect(at).saturating_add(self.slack) < from)
    }

    /// Whether a lease may have been out of the state, or past its time, at some moment.
    pub(super) fn may_be_gone(&self, id: LeaseId, from: u64, to: u64) -> bool {
        let Some(life) = self.life(id, to) else {
            return true;
        };
        let is_dropped = life.dropped.is_some_and(|(at, _)| at <= to + self.slack);
        is_dropped || life.granted + self.slack >= from || self.may_be_due(life, to)
    }

    /// Whether the last renewal before that time was not for as long.
    fn may_be_due(&self, life: &Life, t: u64) -> bool {
        let due = self.expires(life, t);
        due.is_some_and(|due| due <= i128::from(t + self.slack))
    }

    /// When the time of a lease is over, by what was renewed up to that time; on the clock of the history.
    pub(super) fn expires(&self, life: &Life, t: u64) -> Option<i128> {
        let mut expires = life.lease.expires;
        for commit in self.commits.iter().take_while(|commit| commit.at <= t) {
            for event in &commit.events {
                if let Event::Renewed { lease } | Event::Bound { lease } = event
                    && lease.token == life.lease.token
                {
                    expires = lease.expires;
                }
            }
        }
        let granted_ms = life.lease.granted.as_millis();
        let anchor = i128::from(life.granted) - i128::from(granted_ms) * 1_000_000;
        expires.map(|at| i128::from(at.as_millis()) * 1_000_000 + anchor)
    }
}
