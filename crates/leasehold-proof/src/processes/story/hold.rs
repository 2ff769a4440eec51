//! The runs of guarded commands, and for how long each was certain.

use super::{Op, Story, Way};
use crate::processes::history::{Deed, What};
use crate::processes::names::{NAMES, Share};
use leasehold_core::{Claim, Intent, LeaseId};
use std::collections::BTreeSet;

/// One run of a guarded command.
#[derive(Debug)]
pub(in crate::processes) struct Hold {
    pub(in crate::processes) op: u64,
    pub(in crate::processes) lease: LeaseId,
    pub(in crate::processes) token: u64,
    /// Whether it has a lease of its own and does not only run under those around it.
    pub(in crate::processes) is_own: bool,
    pub(in crate::processes) atoms: BTreeSet<(&'static str, Share)>,
    pub(in crate::processes) start: u64,
    /// The last that was seen of it.
    pub(in crate::processes) end: u64,
    /// Until then nobody else may have what it has.
    pub(in crate::processes) certain: u64,
    /// The lease and those around it.
    pub(in crate::processes) chain: Vec<LeaseId>,
}

impl Hold {
    /// Whether one stands inside the other, or both share a proof. Those are not kept apart.
    pub(in crate::processes) fn is_related(&self, other: &Self) -> bool {
        if self.is_own && other.is_own {
            return self.chain.contains(&other.lease) || other.chain.contains(&self.lease);
        }
        self.chain.iter().any(|id| other.chain.contains(id))
    }

    /// The first atom that both may not have.
    pub(in crate::processes) fn clash(&self, other: &Self) -> Option<&'static str> {
        let excludes = |(atom, share): &(&'static str, Share)| {
            let mut theirs = other.atoms.iter();
            theirs.any(|(their, how)| their == atom && how.excludes(*share))
        };
        self.atoms
            .iter()
            .find(|own| excludes(own))
            .map(|(atom, _)| *atom)
    }
}

impl Story {
    pub(super) fn hold(&self, number: u64, op: &Op) -> Option<Hold> {
        let start = op.seen.iter().find_map(|(t, what)| match what {
            What::Start { lease, token } => Some((*t, lease.parse::<LeaseId>().ok()?, *token)),
            _ => None,
        });
        let (start, lease, token) = start?;
        let is_done = |what: &What| !matches!(what, What::Deed { .. });
        let seen = op.seen.iter().filter(|(_, what)| is_done(what));
        let end = seen.map(|(t, _)| *t).max().unwrap_or(start);
        let life = self.life(lease, start);
        let is_own = self.own.get(&number) == Some(&lease);
        let atoms = match life.filter(|_| is_own) {
            Some(life) => atoms(&life.lease.claims),
            None => op.plan.as_ref()?.work()?.claims.atoms(),
        };
        let around = life
            .map(|life| life.lease.inside.clone())
            .unwrap_or_default();
        let chain: Vec<LeaseId> = std::iter::once(lease).chain(around).collect();
        let mut hold = Hold {
            op: number,
            lease,
            token,
            is_own,
            atoms,
            start,
            end,
            certain: end,
            chain,
        };
        hold.certain = self.certain(&hold, op).min(end);
        Some(hold)
    }

    /// Until when nobody else may have what a hold has. With a lease of its own that is to the end, but
    /// for what takes a lease from a living command. Who only runs under the leases of others loses it
    /// with any of those, and with its guard, which watches them.
    fn certain(&self, hold: &Hold, op: &Op) -> u64 {
        let lost = |id: &LeaseId| {
            let (t, way) = self.life(*id, hold.start)?.dropped?;
            let is_taken = matches!(way, Way::Lapsed | Way::Forced);
            (is_taken || !hold.is_own).then_some(t)
        };
        let chain = if hold.is_own {
            &hold.chain[..1]
        } else {
            &hold.chain
        };
        let killed = op.first_deed(&Deed::KillGuard).filter(|_| !hold.is_own);
        let ends = chain.iter().filter_map(lost).chain(killed);
        ends.min().unwrap_or(u64::MAX)
    }

    /// When everything was killed at once after that time.
    pub(in crate::processes) fn boot_after(&self, t: u64) -> Option<u64> {
        let mut deeds = self.deeds.iter();
        deeds
            .find(|(at, deed)| *at >= t && *deed == Deed::Boot)
            .map(|(at, _)| *at)
    }

    /// When one of the commands around an operation first lost a lease that it ran under: its guard then
    /// ends all that runs inside, guards too.
    pub(in crate::processes) fn lost_around(&self, op: &Op) -> Option<u64> {
        let mut found = Vec::new();
        let mut around = op.inside;
        while let Some(number) = around {
            let hold = self.holds.iter().find(|hold| hold.op == number);
            for id in hold.iter().flat_map(|hold| &hold.chain) {
                let life = self.life(*id, hold.map_or(0, |hold| hold.start));
                found.extend(life.and_then(|life| life.dropped).map(|(t, _)| t));
            }
            around = self.ops.get(&number).and_then(|outer| outer.inside);
        }
        found.into_iter().min()
    }
}

/// What claims stand for.
fn atoms(claims: &[Claim]) -> BTreeSet<(&'static str, Share)> {
    let mut found = BTreeSet::new();
    for claim in claims {
        let text = claim.resource.to_string();
        let share = match (claim.slots, claim.intent) {
            (Some(_), _) => Share::Slot,
            (None, Intent::Consumes | Intent::DependsOn) => Share::Read,
            (None, Intent::Provides) => Share::Provide,
            (None, _) => Share::Alone,
        };
        let name = NAMES.iter().find(|name| name.text == text);
        let atoms = name.map_or(&[][..], |name| name.atoms);
        found.extend(atoms.iter().map(|atom| (*atom, share)));
    }
    found
}
