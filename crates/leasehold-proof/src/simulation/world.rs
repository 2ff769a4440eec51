//! A world: the store's state, the processes, and who may do something next.

use super::ledger::{Ledger, Lives};
use super::presence::Sleep;
use super::process::{Process, State};
use super::rules::Rules;
use super::setting::Setting;
use super::step::{Trouble, What};
use super::store::SimStore;
use leasehold_core::command::Ask;
use leasehold_core::event::Event;
use leasehold_core::lease::Kind;
use leasehold_core::limits::Policy;
use leasehold_core::view::{Life, Pulse};
use leasehold_core::{Lease, LeaseId, Timestamp};
use leasehold_service::Coordinator;
use leasehold_store::memory::{ManualClock, MemoryStore};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whoever is not the process of a request.
pub(super) const NOBODY: LeaseId = LeaseId::new(0);
/// Nobody is there any more.
pub(super) const DEAD: Life = Life {
    holder: Pulse::Dead,
    command: Pulse::Dead,
};
/// Time begins here, so that nothing is before the beginning.
const BEGIN: Timestamp = Timestamp::from_millis(1_000_000);
/// How many requests that ended without a lease are remembered, to be tried again.
const ENDED_MAX: usize = 32;

/// What the store and the scheduler share.
pub(super) struct Shared {
    core: Mutex<Core>,
    pub(super) inner: MemoryStore,
    pub(super) setting: Setting,
}

/// Everything that changes.
pub(super) struct Core {
    pub(super) clock: ManualClock,
    pub(super) policy: Policy,
    pub(super) version: u64,
    pub(super) ledger: Ledger,
    pub(super) lives: Arc<Lives>,
    pub(super) processes: BTreeMap<LeaseId, Process>,
    /// Requests that ended without a lease.
    pub(super) ended: Vec<Ask>,
    trouble: Option<Trouble>,
    /// Whether something went wrong in this step: then an answer may be of an older state.
    pub(super) meddled: bool,
    /// How many actions are under way inside each other.
    pub(super) depth: u32,
    ids: u128,
    pub(super) steps: u64,
    pub(super) faults: u64,
    pub(super) tally: Tally,
    pub(super) violation: Option<String>,
    /// What happened, for whoever asks for it.
    pub(super) trail: Option<Vec<String>>,
}

/// What came of a run, for the report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) commits: u64,
    pub(super) grants: u64,
    pub(super) handed_over: u64,
    pub(super) joins: u64,
    pub(super) deaths: u64,
    pub(super) late: u64,
    pub(super) worlds: u64,
}

impl Shared {
    pub(super) fn new(setting: Setting, is_told: bool) -> Arc<Self> {
        let clock = ManualClock::new(BEGIN);
        let core = Core {
            policy: setting.policy,
            version: 0,
            ledger: Ledger::default(),
            lives: Arc::default(),
            processes: BTreeMap::new(),
            ended: Vec::new(),
            trouble: None,
            meddled: false,
            depth: 0,
            ids: 0,
            steps: 0,
            faults: 0,
            tally: Tally::default(),
            violation: None,
            trail: is_told.then(Vec::new),
            clock: clock.clone(),
        };
        Arc::new(Self {
            core: Mutex::new(core),
            inner: MemoryStore::with_clock(&clock),
            setting,
        })
    }

    /// Must not be kept over anything that calls the store or lets a process go on.
    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The coordinator as a process has it.
    pub(super) fn coordinator(self: &Arc<Self>, caller: LeaseId) -> Coordinator<SimStore> {
        let shared = Arc::clone(self);
        Coordinator::new(SimStore { shared, caller }, self.setting.policy)
    }

    /// Says what is to be known of the processes behind an id; nothing where there are none.
    pub(super) fn set_life(&self, id: LeaseId, life: Option<Life>) {
        let mut core = self.core();
        let lives = Arc::make_mut(&mut core.lives);
        match life {
            Some(life) => _ = lives.insert(id, life),
            None => _ = lives.remove(&id),
        }
        drop(core);
        self.inner.set_life(id, life.unwrap_or_default());
    }

    /// Kills a process. Its guarded command, where there is one, may live on.
    pub(super) fn kill(&self, id: LeaseId, command_lives: bool) {
        let mut core = self.core();
        let Some(process) = core.processes.get_mut(&id).filter(|p| !p.is_killed) else {
            return;
        };
        process.is_killed = true;
        let runs = process.holds() && process.ask.kind == Kind::Scoped;
        let state = std::mem::replace(&mut process.state, State::Gone);
        let fiber = process.fiber.take();
        if matches!(state, State::Busy) {
            let ask = process.ask.clone();
            core.end(ask);
        }
        core.faults += 1;
        core.tell(|| format!("    killed {id}"));
        drop(core);
        let command = match runs && command_lives {
            true => Pulse::Alive,
            false => Pulse::Dead,
        };
        let holder = Pulse::Dead;
        self.set_life(id, Some(Life { holder, command }));
        // Its call of `acquire` ends in the error of its next call of the store.
        if let Some(fiber) = fiber {
            fiber.resume();
        }
        drop(state);
    }
}

impl Core {
    pub(super) fn process(&mut self, id: LeaseId) -> &mut Process {
        self.processes
            .get_mut(&id)
            .expect("who attends a request has a process")
    }

    pub(super) fn is_killed(&self, id: LeaseId) -> bool {
        self.processes
            .get(&id)
            .is_some_and(|process| process.is_killed)
    }

    /// The rules, over what is so now.
    pub(super) fn rules(&self) -> Rules<'_> {
        Rules {
            ledger: &self.ledger,
            now: self.clock.now(),
            lives: &self.lives,
            policy: &self.policy,
        }
    }

    /// An id that looks as if drawn at random, and is the same on every run.
    pub(super) fn fresh(&mut self) -> LeaseId {
        self.ids += 1;
        // An odd factor: different numbers give different ids.
        LeaseId::new(
            self.ids
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        )
    }

    pub(super) fn begin_step(&mut self, trouble: Option<&Trouble>) {
        self.trouble = trouble.cloned();
        self.meddled = false;
    }

    /// Returns what goes wrong at this call of the store.
    pub(super) fn due(&mut self, is_commit: bool) -> Option<What> {
        let trouble = self.trouble.as_mut()?;
        if trouble.call > 0 {
            trouble.call -= 1;
            return None;
        }
        let only_commit = matches!(
            trouble.what,
            What::Conflict | What::KillAfter | What::LostAnswer
        );
        if only_commit && !is_commit {
            return None;
        }
        let trouble = self.trouble.take();
        self.meddled = true;
        self.tell(|| format!("    trouble: {trouble:?}"));
        trouble.map(|trouble| trouble.what)
    }

    pub(super) fn end_step(&mut self) {
        self.trouble = None;
    }

    /// Calls those who listen.
    pub(super) fn call(&mut self, wakes: &[LeaseId]) {
        for id in wakes {
            if let Some(process) = self.processes.get_mut(id).filter(|p| p.listens) {
                process.called = true;
            }
        }
    }

    /// Notes a commit for the report and the trail.
    pub(super) fn note(&mut self, events: &[Event]) {
        self.tally.commits += 1;
        for event in events {
            match event {
                Event::Granted { lease, .. } => {
                    self.tally.grants += 1;
                    self.tally.handed_over += u64::from(!lease.is_bound());
                }
                Event::Died { .. } => self.tally.deaths += 1,
                _ => {}
            }
        }
        self.tell(|| super::trail::events(events));
    }

    /// Remembers a request that ended without a lease.
    pub(super) fn end(&mut self, ask: Ask) {
        if self.ended.len() >= ENDED_MAX {
            self.ended.remove(0);
        }
        self.ended.push(ask);
    }

    /// Those who sleep, by id.
    pub(super) fn sleepers(&self) -> impl Iterator<Item = LeaseId> {
        let asleep = self.processes.iter().filter(|(_, p)| p.fiber.is_some());
        asleep.map(|(id, _)| *id)
    }

    /// Those who sleep and may look by themselves, nobody having called them for so long.
    pub(super) fn restless(&self) -> Vec<LeaseId> {
        let now = self.clock.now();
        let is_due = |sleep: &Sleep| sleep.look.is_some_and(|look| look <= now);
        let asleep = self.processes.iter().filter(|(_, p)| p.fiber.is_some());
        let due = asleep.filter(|(_, process)| process.sleep.as_ref().is_some_and(is_due));
        due.map(|(id, _)| *id).collect()
    }

    /// When a lease ends by itself: by its TTL, by not being picked up, by the end of an orphan's
    /// protection.
    pub(super) fn end_of(&self, lease: &Lease) -> Option<Timestamp> {
        let policy = &self.policy;
        match (lease.is_bound(), lease.orphaned) {
            (false, _) => Some(lease.granted.plus_millis(policy.pickup_ms)),
            (true, Some(since)) => Some(since.plus_millis(policy.orphan_ms)),
            (true, None) => {
                let expires = lease.expires?;
                Some(expires.plus_millis(policy.lock_delay_ms))
            }
        }
    }

    /// Those who sleep and have a reason to go on.
    pub(super) fn runnable(&self) -> Vec<LeaseId> {
        self.sleepers()
            .filter(|id| self.reason(*id).is_some())
            .collect()
    }

    pub(super) fn violate(&mut self, what: &str) {
        self.tell(|| format!("    VIOLATION: {what}"));
        self.violation.get_or_insert_with(|| what.to_owned());
    }

    /// Adds a line to the trail, where one is kept.
    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(trail) = &mut self.trail {
            trail.push(line());
        }
    }
}
