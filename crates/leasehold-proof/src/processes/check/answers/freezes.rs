//! Answers about freezes.

use super::Answer;
use crate::processes::names::NAMES;
use crate::processes::story::Frost;
use leasehold_core::Resource;
use leasehold_core::event::Event;

impl Answer<'_> {
    pub(super) fn freeze(&self, code: i32, name: usize, ttl_ms: u64) -> bool {
        let is_mine = |event: &Event| match event {
            Event::Frozen { freeze } => {
                let owner = &self.op.who.owner;
                let is_owner = |owner: &String| *freeze.who.owner.name == **owner;
                is_named(&freeze.resource, name) && owner.as_ref().is_none_or(is_owner)
            }
            _ => false,
        };
        match code {
            0 => self.event(is_mine),
            // Over before it began: it took longer than that.
            1 => (self.ended.t - self.op.invoked) / 1_000_000 >= ttl_ms,
            _ => false,
        }
    }

    pub(super) fn unfreeze(&self, code: i32, name: usize, force: bool) -> bool {
        let is_it = |frost: &&Frost| is_named(&frost.freeze.resource, name);
        let mut frosts = self.story.frosts.iter().filter(is_it);
        match code {
            0 => self.event(|event| match event {
                Event::Thawed { freeze, .. } => is_named(&freeze.resource, name),
                _ => false,
            }),
            3 => !frosts.any(|frost| self.is_surely_frozen(frost)),
            4 => !force && frosts.any(|frost| self.may_be_frozen(frost)),
            _ => false,
        }
    }

    /// Whether a freeze may have been on at some moment between question and answer.
    pub(super) fn may_be_frozen(&self, frost: &Frost) -> bool {
        let slack = self.story.slack;
        let over = frost.over.saturating_add(slack);
        frost.set <= self.ended.t + slack && over >= self.op.invoked
    }

    /// Whether it was on all the time, for sure.
    pub(super) fn is_surely_frozen(&self, frost: &Frost) -> bool {
        let slack = self.story.slack;
        self.story.effect(frost.set) + slack < self.op.invoked && frost.over > self.ended.t + slack
    }
}

fn is_named(resource: &Resource, name: usize) -> bool {
    Resource::parse(NAMES[name].text).is_ok_and(|named| named == *resource)
}
