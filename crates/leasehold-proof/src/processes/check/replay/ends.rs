//! Leases that end otherwise than by their holder: freed, lapsed, cleared away.

use super::of;
use crate::processes::history::Deed;
use crate::processes::story::{Commit, Story, operation};
use leasehold_core::lease::Kind;
use leasehold_core::{Lease, Timestamp, View};

/// Clearing away ends nothing that somebody may rely on.
pub(super) fn swept(story: &Story, view: &View, commit: &Commit, lease: &Lease) -> Option<String> {
    let Some(before) = view.lease(lease.id) else {
        return Some(format!("it was not held: {}", of(story, lease)));
    };
    let expires = before.expires.map(Timestamp::as_millis);
    let is_due = expires.is_some_and(|at| at <= commit.at_ms);
    let is_over = before.orphaned.is_none() && is_due
        || before.kind == Kind::Scoped && may_be_dead(story, lease, commit.at);
    (!is_over).then(|| format!("it was not over: {}", of(story, lease)))
}

pub(super) fn freed(story: &Story, view: &View, commit: &Commit, lease: &Lease) -> Option<String> {
    let what = match view.lease(lease.id) {
        None => "it was not held",
        Some(before) if before.kind == Kind::Standing => "standing leases do not end so",
        Some(_) if !may_be_dead(story, lease, commit.at) => "its guard lives",
        Some(_) => return None,
    };
    Some(format!("{what}: {}", of(story, lease)))
}

/// Whether anybody killed the guard of a lease by then, or with it the whole machine.
pub(super) fn may_be_dead(story: &Story, lease: &Lease, at: u64) -> bool {
    let Some(op) = operation(&lease.holder.command).and_then(|op| story.ops.get(&op)) else {
        // A lock whose process ended in the middle, or somebody who takes no part.
        return true;
    };
    let killed = op.first_deed(&Deed::KillGuard);
    // Who fails ends, and its end is written down a little later.
    let end = op.ended.as_ref().map(|end| end.t);
    let failed = op.failed().or(end.filter(|_| story.setting.may_fail()));
    let ends = [
        killed,
        failed,
        story.boot_after(op.invoked),
        story.lost_around(op),
    ];
    let seen = story.effect(at).saturating_add(story.slack);
    ends.into_iter().flatten().any(|t| t <= seen)
}

pub(super) fn lapsed(story: &Story, view: &View, commit: &Commit, lease: &Lease) -> Option<String> {
    let Some(before) = view.lease(lease.id) else {
        return Some(format!("it was not held: {}", of(story, lease)));
    };
    let is_due = before
        .expires
        .is_some_and(|at| at.as_millis() <= commit.at_ms);
    if !is_due {
        return Some(format!("before its time: {}", of(story, lease)));
    }
    if before.orphaned.is_some() {
        return Some(format!("an orphan is protected: {}", of(story, lease)));
    }
    let op = operation(&lease.holder.command).and_then(|op| story.ops.get(&op));
    let hinders = |deed: &Deed| {
        matches!(
            deed,
            Deed::StopGuard | Deed::Slow { .. } | Deed::Fail { .. }
        )
    };
    let stopped = op.is_none_or(|op| op.has_deed(hinders));
    let half = before.ttl.map_or(0, |ttl| ttl.as_millis() / 2);
    let setting = story.setting;
    // Who has the mutex holds up all others, and is slow now and then.
    let is_busy = setting.may_fail() || setting.has_bad_calls;
    let is_machine = is_busy || story.stall.as_millis() >= u128::from(half);
    let is_scoped = before.kind == Kind::Scoped;
    (is_scoped && !stopped && !is_machine && story.setting.boots == 1).then(|| {
        format!(
            "its guard was never stopped and did not renew: {}",
            of(story, lease)
        )
    })
}
