//! Answers about many leases at once: what was given back, cleared away, or shown.

use super::{Answer, is_of};
use crate::processes::names::NAMES;
use crate::processes::plan::Whose;
use crate::processes::story::{Life, Way};
use leasehold_core::event::Event;
use leasehold_core::lease::Kind;
use leasehold_core::{Lease, LeaseId, Resource};

impl Answer<'_> {
    pub(super) fn unlock_many(&self, code: i32, whose: &Whose, force: bool) -> bool {
        let is_all = matches!(whose, Whose::All);
        let means = |lease: &Lease| match whose {
            Whose::All if force => true,
            Whose::All => lease.kind == Kind::Standing && self.is_of_place(lease),
            Whose::Owner(owner) => lease.kind == Kind::Standing && *lease.who.owner.name == **owner,
        };
        let given_back = |event: &Event| match event {
            Event::Released { lease } => !force && means(lease),
            Event::Forced { lease, .. } => force && means(lease),
            _ => false,
        };
        // Of one's own also `--force` gives back.
        let own = |event: &Event| match event {
            Event::Released { lease } => force && means(lease) && lease.kind == Kind::Standing,
            _ => false,
        };
        let mut lives = self.story.lives.iter().filter(|life| means(&life.lease));
        match code {
            0 => self.event(|event| given_back(event) || own(event)),
            3 => !lives.any(|life| self.is_held(life)),
            // Somebody else's, or of a stranger under the same name.
            4 => !force && lives.any(|life| self.is_here(life)) && (!is_all || !self.is_known()),
            _ => false,
        }
    }

    /// Whether the agent may have locked this: by its session, else by its owner; strangers under one
    /// user are looked for alike.
    fn is_of_place(&self, lease: &Lease) -> bool {
        let who = &self.op.who;
        match (&who.session, &who.owner) {
            (Some(session), _) => lease.who.session.as_deref() == Some(session),
            (None, Some(owner)) => lease.who.session.is_none() && *lease.who.owner.name == **owner,
            // All nameless agents of a run are of one user.
            (None, None) => lease.who.session.is_none() && !lease.who.explicit,
        }
    }

    /// Whether the agent has a name or a session.
    const fn is_known(&self) -> bool {
        self.op.who.owner.is_some() || self.op.who.session.is_some()
    }

    pub(super) fn sweep(&self, code: i32, name: Option<usize>) -> bool {
        let ended = |event: &Event| {
            let names = ["forced", "freed", "lapsed", "passed"];
            names.contains(&event.name())
        };
        match code {
            0 => self.event(ended) && !self.is_left(name),
            3 => !self.is_left(name),
            _ => false,
        }
    }

    pub(super) fn status(&self, code: i32, name: Option<usize>, prunes: bool) -> bool {
        if prunes && self.is_left(name) {
            return false;
        }
        match (code, name) {
            (0, None) => true,
            (0, Some(at)) => self.may_be_shown(at),
            (3, Some(at)) => self.exists(3, at),
            _ => false,
        }
    }

    /// Whether anything of a name may be shown: a lease, a ticket, a freeze, or what was cleared away.
    fn may_be_shown(&self, name: usize) -> bool {
        let Ok(resource) = Resource::parse(NAMES[name].text) else {
            return false;
        };
        let mut lives = self.story.lives.iter();
        let has = |life: &Life| {
            let mut claims = life.lease.claims.iter();
            claims.any(|claim| claim.resource.overlaps(&resource)) && self.is_here(life)
        };
        let mut frosts = self.story.frosts.iter();
        let meets = |other: &Resource| other.overlaps(&resource);
        lives.any(has)
            || frosts.any(|frost| meets(&frost.freeze.resource) && self.may_be_frozen(frost))
            || self.may_wait(&|claim| claim.resource.overlaps(&resource))
    }

    /// Whether something was past its time before the question, and is there after the answer.
    fn is_left(&self, name: Option<usize>) -> bool {
        let resource = name.and_then(|at| Resource::parse(NAMES[at].text).ok());
        let is_named = |life: &Life| match &resource {
            Some(resource) => {
                let mut claims = life.lease.claims.iter();
                claims.any(|claim| claim.resource.overlaps(resource))
            }
            None => true,
        };
        let mut lives = self.story.lives.iter();
        lives.any(|life| {
            let is_standing = life.lease.kind == Kind::Standing;
            is_standing && is_named(life) && self.is_surely_due(life) && self.is_always(life)
        })
    }

    /// Whether a lease was past its time when this was asked, and not renewed by then or later.
    fn is_surely_due(&self, life: &Life) -> bool {
        let id: LeaseId = life.lease.id;
        let expires = self.story.expires(life, self.op.invoked);
        let slack = self.story.slack;
        let is_due =
            expires.is_some_and(|due| due + i128::from(slack) < i128::from(self.op.invoked));
        let renewed = |event: &Event| event.name() == "renewed" && is_of(event, id);
        is_due && !self.event(renewed)
    }

    /// Whether a lease may have been in the state at some moment between question and answer.
    pub(super) fn is_here(&self, life: &Life) -> bool {
        let (from, to, slack) = (self.op.invoked, self.ended.t, self.story.slack);
        let end = life
            .dropped
            .map_or(u64::MAX / 2, |(t, _)| self.story.effect(t));
        life.granted <= to + slack && end + slack >= from
    }

    /// Whether a lease was in the state all the time, for sure.
    pub(super) fn is_always(&self, life: &Life) -> bool {
        let (from, to, slack) = (self.op.invoked, self.ended.t, self.story.slack);
        let end = life.dropped.map_or(u64::MAX, |(t, _): (u64, Way)| t);
        self.story.effect(life.granted) + slack < from && end > to + slack
    }
}
