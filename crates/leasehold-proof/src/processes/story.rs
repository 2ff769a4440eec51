//! What happened in a round, put together from the history and the audit.

mod frost;
mod hold;
mod life;
mod op;
mod wait;

pub(super) use self::frost::Frost;
pub(super) use self::hold::Hold;
pub(super) use self::life::{Life, Way};
pub(super) use self::op::{Ended, Op};
pub(super) use self::wait::Wait;

use super::history::{self, Deed, Record, What};
use super::launch;
use super::setting::Setting;
use leasehold_core::LeaseId;
use leasehold_core::event::{Change, Event};
use leasehold_store::{Access, Loaded as _, Store as _};
use leasehold_store_file::{FileStore, Options};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The audit counts milliseconds, and what the clocks show is read one after the other.
const SLACK: u64 = 4_000_000;
/// A new boot takes its time from the wall clock, which is not quite the same.
const SLACK_BOOTS: u64 = 50_000_000;

/// How many commits a violation shows.
const TAIL: usize = 4;

/// All of it.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) setting: Setting,
    pub(super) stall: Duration,
    pub(super) slack: u64,
    pub(super) ops: BTreeMap<u64, Op>,
    pub(super) commits: Vec<Commit>,
    /// In the order of their grants.
    pub(super) lives: Vec<Life>,
    /// In the order in which they began.
    pub(super) waits: Vec<Wait>,
    /// In the order in which they were set.
    pub(super) frosts: Vec<Frost>,
    /// The leases that guards got, by operation.
    pub(super) own: BTreeMap<u64, LeaseId>,
    /// All runs of guarded commands, by their start.
    pub(super) holds: Vec<Hold>,
    /// What was done to the machine, and when.
    pub(super) deeds: Vec<(u64, Deed)>,
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
            lives: life::all(&commits),
            frosts: frost::all(&commits),
            waits: wait::all(&commits),
            commits,
            own: BTreeMap::new(),
            holds: Vec::new(),
            deeds,
        };
        for life in &mut story.lives {
            life.op = operation(&life.lease.holder.command);
            story.own.extend(life.op.map(|op| (op, life.lease.id)));
        }
        let holds = story.ops.iter();
        story.holds = holds
            .filter_map(|(number, op)| story.hold(*number, op))
            .collect();
        story.holds.sort_by_key(|hold| hold.start);
        story
    }

    /// The life of a lease at that time, or the last before. One request may lead to several, one after
    /// the other: who finds its grant gone asks again.
    pub(super) fn life(&self, id: LeaseId, t: u64) -> Option<&Life> {
        let mut lives = self.lives.iter().filter(|life| life.lease.id == id).rev();
        lives.find(|life| life.granted <= t + self.slack)
    }

    /// By when a commit whose view is of this time was state for sure: the next one looked afterwards.
    /// The time of a view is taken before it is filled, and whoever fills it may be kept waiting.
    pub(super) fn effect(&self, at: u64) -> u64 {
        let after = self.commits.partition_point(|commit| commit.at <= at);
        // Later than anything, and still a time that something can be added to.
        self.commits
            .get(after)
            .map_or(u64::MAX / 2, |commit| commit.at)
    }

    /// The last commits up to a time, in short.
    pub(super) fn tail(&self, at: u64) -> String {
        let until = self.commits.partition_point(|commit| commit.at <= at);
        let commits = self.commits[until.saturating_sub(TAIL)..until].iter();
        let lines = commits.map(|commit| {
            let events: Vec<String> = commit.events.iter().map(brief).collect();
            format!("{} ms {}", commit.at / 1_000_000, events.join(" + "))
        });
        lines.collect::<Vec<_>>().join("; ")
    }

    /// Everything that was done to anybody.
    pub(super) fn all_deeds(&self) -> impl Iterator<Item = &Deed> {
        let seen = self.ops.values().flat_map(|op| &op.seen);
        let to_ops = seen.filter_map(|(_, what)| match what {
            What::Deed { deed } => Some(deed),
            _ => None,
        });
        self.deeds.iter().map(|(_, deed)| deed).chain(to_ops)
    }

    /// Whether an operation may have been told that something cannot be done: on a full disk, or by a
    /// call that failed.
    pub(super) fn may_fail(&self, op: &Op) -> bool {
        self.setting.may_fail() || op.failed().is_some()
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

/// An event by its name, its resources and whose it is.
fn brief(event: &Event) -> String {
    let mut text = event.name().to_owned();
    event.for_each_change(|change| {
        let (claims, id, command) = match change {
            Change::PutLease(lease) | Change::DropLease(lease) => {
                (&lease.claims, lease.id, &lease.holder.command)
            }
            Change::PutTicket(ticket) | Change::DropTicket(ticket) => {
                (&ticket.claims, ticket.request, &ticket.holder.command)
            }
            _ => return,
        };
        let names: Vec<String> = claims
            .iter()
            .map(|claim| claim.resource.to_string())
            .collect();
        let whose = operation(command).map_or_else(|| id.to_string(), |op| op.to_string());
        text.push_str(&format!(" {} of {whose}", names.join(" ")));
    });
    text
}

/// Reads the operation from the command that a lease shows.
pub(super) fn operation(command: &str) -> Option<u64> {
    let mut words = command.split(' ');
    words.find(|word| *word == super::WITNESS)?;
    words.next()?.parse().ok()
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
