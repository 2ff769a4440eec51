//! What happened in a round, put together from the history and the audit.

use super::history::{self, Deed, Record, What, Who};
use super::launch;
use super::names::{NAMES, Share};
use super::plan::{Plan, Verb};
use super::setting::Setting;
use leasehold_core::event::{Change, Event};
use leasehold_core::{Claim, Intent, Lease, LeaseId};
use leasehold_store::{Access, Loaded as _, Store as _};
use leasehold_store_file::{FileStore, Options};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The audit counts milliseconds, and what the clocks show is read one after the other.
const SLACK: u64 = 4_000_000;
/// A new boot takes its time from the wall clock, which is not quite the same.
const SLACK_BOOTS: u64 = 50_000_000;

/// All of it.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) setting: Setting,
    pub(super) stall: Duration,
    pub(super) slack: u64,
    pub(super) ops: BTreeMap<u64, Op>,
    pub(super) commits: Vec<Commit>,
    pub(super) lives: BTreeMap<LeaseId, Life>,
    /// The leases that guards got, by operation.
    pub(super) own: BTreeMap<u64, LeaseId>,
    /// All runs of guarded commands, by their start.
    pub(super) holds: Vec<Hold>,
    /// What was done to the machine, and when.
    pub(super) deeds: Vec<(u64, Deed)>,
}

/// One operation.
#[derive(Debug, Default)]
pub(super) struct Op {
    pub(super) plan: Option<Plan>,
    pub(super) who: Who,
    pub(super) inside: Option<u64>,
    pub(super) invoked: u64,
    pub(super) ended: Option<Ended>,
    pub(super) seen: Vec<(u64, What)>,
}

/// How an operation ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) t: u64,
    pub(super) code: Option<i32>,
    pub(super) lease: Option<LeaseId>,
}

/// One commit of the audit.
#[derive(Debug)]
pub(super) struct Commit {
    /// When its view was loaded, on the clock of the history.
    pub(super) at: u64,
    /// The same on the workspace's time line.
    pub(super) at_ms: u64,
    pub(super) events: Vec<Event>,
}

/// The life of a lease.
#[derive(Debug)]
pub(super) struct Life {
    /// As it was granted.
    pub(super) lease: Arc<Lease>,
    /// The guard that asked for it.
    pub(super) op: Option<u64>,
    pub(super) granted: u64,
    pub(super) bound: Option<u64>,
    pub(super) dropped: Option<(u64, Way)>,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Released,
    Freed,
    Lapsed,
    Forced,
    Passed,
}

/// One run of a guarded command.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) op: u64,
    pub(super) lease: LeaseId,
    pub(super) token: u64,
    /// Whether it has a lease of its own and does not only run under those around it.
    pub(super) is_own: bool,
    pub(super) atoms: BTreeSet<(&'static str, Share)>,
    pub(super) start: u64,
    /// The last that was seen of it.
    pub(super) end: u64,
    /// Until then nobody else may have what it has.
    pub(super) certain: u64,
    /// The lease and those around it.
    pub(super) chain: Vec<LeaseId>,
}

impl Story {
    /// Reads what a round left.
    pub(super) fn read(directory: &Path, setting: Setting, stall: Duration) -> io::Result<Self> {
        let store = FileStore::open(&launch::root(directory), Options::default());
        let store = store.map_err(io::Error::other)?;
        let anchor_ms = anchor_ms(&store)?;
        let mut commits = Vec::new();
        let read = store.audit(&mut |commit| {
            let at_ms = commit.at.as_millis();
            let since = i128::from(at_ms) - i128::from(anchor_ms);
            commits.push(Commit {
                at: u64::try_from(since * 1_000_000).unwrap_or(0),
                at_ms,
                events: commit.events.to_vec(),
            });
            true
        });
        read.map_err(io::Error::other)?;
        let records = history::read(directory)?;
        Ok(Self::tell(setting, stall, records, commits))
    }

    /// Puts records and commits together.
    pub(super) fn tell(
        setting: Setting,
        stall: Duration,
        records: Vec<Record>,
        commits: Vec<Commit>,
    ) -> Self {
        let mut ops: BTreeMap<u64, Op> = BTreeMap::new();
        let mut deeds = Vec::new();
        for Record {
            t,
            op: number,
            what,
        } in records
        {
            if let (0, What::Deed { deed }) = (number, &what) {
                deeds.push((t, deed.clone()));
                continue;
            }
            let op = ops.entry(number).or_default();
            match what {
                What::Invoke { plan, who, inside } => {
                    (op.plan, op.who, op.inside, op.invoked) = (Some(plan), who, inside, t);
                }
                What::End { code, lease, .. } => {
                    let lease = lease.and_then(|id| id.parse().ok());
                    op.ended = Some(Ended { t, code, lease });
                }
                what => op.seen.push((t, what)),
            }
        }
        let slack = if setting.boots > 1 {
            SLACK_BOOTS
        } else {
            SLACK
        };
        let mut story = Self {
            setting,
            stall,
            slack,
            ops,
            lives: lives(&commits),
            commits,
            own: BTreeMap::new(),
            holds: Vec::new(),
            deeds,
        };
        for (id, life) in &mut story.lives {
            life.op = operation(&life.lease.holder.command);
            story.own.extend(life.op.map(|op| (op, *id)));
        }
        let holds = story.ops.iter();
        story.holds = holds
            .filter_map(|(number, op)| story.hold(*number, op))
            .collect();
        story.holds.sort_by_key(|hold| hold.start);
        story
    }

    fn hold(&self, number: u64, op: &Op) -> Option<Hold> {
        let start = op.seen.iter().find_map(|(t, what)| match what {
            What::Start { lease, token } => Some((*t, lease.parse::<LeaseId>().ok()?, *token)),
            _ => None,
        });
        let (start, lease, token) = start?;
        let is_done = |what: &What| !matches!(what, What::Deed { .. });
        let seen = op.seen.iter().filter(|(_, what)| is_done(what));
        let end = seen.map(|(t, _)| *t).max().unwrap_or(start);
        let life = self.lives.get(&lease);
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
            let (t, way) = self.lives.get(id)?.dropped?;
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
    pub(super) fn boot_after(&self, t: u64) -> Option<u64> {
        let mut deeds = self.deeds.iter();
        deeds
            .find(|(at, deed)| *at >= t && *deed == Deed::Boot)
            .map(|(at, _)| *at)
    }

    /// When one of the commands around an operation first lost a lease that it ran under: its guard then
    /// ends all that runs inside, guards too.
    pub(super) fn lost_around(&self, op: &Op) -> Option<u64> {
        let mut found = Vec::new();
        let mut around = op.inside;
        while let Some(number) = around {
            let hold = self.holds.iter().find(|hold| hold.op == number);
            for id in hold.iter().flat_map(|hold| &hold.chain) {
                found.extend(
                    self.lives
                        .get(id)
                        .and_then(|life| life.dropped)
                        .map(|(t, _)| t),
                );
            }
            around = self.ops.get(&number).and_then(|outer| outer.inside);
        }
        found.into_iter().min()
    }

    /// By when a commit whose view is of this time was state for sure: the next one looked afterwards.
    /// The time of a view is taken before it is filled, and whoever fills it may be kept waiting.
    pub(super) fn effect(&self, at: u64) -> u64 {
        let after = self.commits.partition_point(|commit| commit.at <= at);
        self.commits.get(after).map_or(u64::MAX, |commit| commit.at)
    }

    /// How many operations came to their end.
    pub(super) fn ended(&self) -> u64 {
        self.ops.values().filter(|op| op.ended.is_some()).count() as u64
    }

    /// One line about the whole.
    pub(super) fn summary(&self) -> String {
        let ended = self.ended();
        let events = self.commits.iter().flat_map(|commit| &commit.events);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        events.for_each(|event| *counts.entry(event.name()).or_default() += 1);
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        let holds = &self.holds;
        let uncertain = holds.iter().filter(|hold| hold.certain < hold.end).count();
        format!(
            "{ended} operations, {} guarded commands ({uncertain} outlived their lease), {}",
            holds.len(),
            counts.join(", ")
        )
    }
}

impl Op {
    /// When this was first done to it.
    pub(super) fn first_deed(&self, deed: &Deed) -> Option<u64> {
        let is_it = |what: &What| matches!(what, What::Deed { deed: done } if done == deed);
        self.seen
            .iter()
            .find(|(_, what)| is_it(what))
            .map(|(t, _)| *t)
    }

    /// What it was to do, in words.
    pub(super) fn line(&self) -> String {
        let Some(plan) = &self.plan else {
            return "somebody unknown".into();
        };
        let mut words = plan.words(Path::new(""));
        words.retain(|word| !word.contains("json"));
        let who = [&self.who.owner, &self.who.session];
        let who: Vec<&str> = who.into_iter().flatten().map(String::as_str).collect();
        format!("{} ({}): {}", plan.op, who.join("/"), words.join(" "))
    }

    /// The request, where it is one.
    pub(super) fn ask(&self) -> Option<&super::plan::Ask> {
        match &self.plan.as_ref()?.verb {
            Verb::Guard { ask, .. } | Verb::Lock { ask } => Some(ask),
            _ => None,
        }
    }
}

impl Hold {
    /// Whether one stands inside the other, or both share a proof. Those are not kept apart.
    pub(super) fn is_related(&self, other: &Self) -> bool {
        if self.is_own && other.is_own {
            return self.chain.contains(&other.lease) || other.chain.contains(&self.lease);
        }
        self.chain.iter().any(|id| other.chain.contains(id))
    }

    /// The first atom that both may not have.
    pub(super) fn clash(&self, other: &Self) -> Option<&'static str> {
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

/// What claims stand for.
pub(super) fn atoms(claims: &[Claim]) -> BTreeSet<(&'static str, Share)> {
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

/// Reads the operation from the command that a lease shows.
pub(super) fn operation(command: &str) -> Option<u64> {
    let mut words = command.split(' ');
    words.find(|word| *word == super::WITNESS)?;
    words.next()?.parse().ok()
}

fn lives(commits: &[Commit]) -> BTreeMap<LeaseId, Life> {
    let mut lives: BTreeMap<LeaseId, Life> = BTreeMap::new();
    for Commit { at, events, .. } in commits {
        for event in events {
            match event {
                Event::Granted { lease, .. } => {
                    let life = Life {
                        lease: Arc::clone(lease),
                        op: None,
                        granted: *at,
                        bound: lease.is_bound().then_some(*at),
                        dropped: None,
                    };
                    lives.insert(lease.id, life);
                }
                Event::Bound { lease } => {
                    let life = lives.get_mut(&lease.id);
                    life.into_iter()
                        .for_each(|life| _ = life.bound.get_or_insert(*at));
                }
                _ => {}
            }
            event.for_each_change(|change| {
                if let (Change::DropLease(lease), Some(way)) = (change, way(event)) {
                    let life = lives.get_mut(&lease.id);
                    life.into_iter()
                        .for_each(|life| life.dropped = Some((*at, way)));
                }
            });
        }
    }
    lives
}

fn way(event: &Event) -> Option<Way> {
    match event {
        Event::Released { .. } => Some(Way::Released),
        Event::Freed { .. } => Some(Way::Freed),
        Event::Lapsed { .. } => Some(Way::Lapsed),
        Event::Forced { .. } => Some(Way::Forced),
        Event::Passed { .. } => Some(Way::Passed),
        _ => None,
    }
}

/// What the workspace's time line adds to the boot-time clock.
fn anchor_ms(store: &FileStore) -> io::Result<i64> {
    loop {
        let before = history::now() / 1_000_000;
        let loaded = store.load(&[], Access::Decide).map_err(io::Error::other)?;
        let now = loaded.view().now().as_millis();
        if history::now() / 1_000_000 == before {
            return Ok(now.cast_signed() - before.cast_signed());
        }
    }
}
