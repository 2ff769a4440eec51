//! Answers about what was in the state: at some moment between question and answer it must have been so.

use super::Answer;
use crate::processes::history::Deed;
use crate::processes::names::NAMES;
use crate::processes::story::{Life, Story};
use leasehold_core::event::Event;
use leasehold_core::{Claim, LeaseId, Resource};

impl Answer<'_> {
    pub(super) fn unlock(&self, code: i32, name: usize) -> bool {
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
            .iter()
            .filter(|life| has(&life.lease.claims));
        let is_here = |life: &&Life| {
            let end = life.dropped.map_or(u64::MAX, |(t, _)| t);
            life.granted <= to + slack && end + slack >= from
        };
        let is_always = |life: &Life| {
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
        let due = expires.map(|at| i128::from(at.as_millis()) * 1_000_000 + anchor);
        due.is_some_and(|due| due <= i128::from(t + self.slack))
    }
}
