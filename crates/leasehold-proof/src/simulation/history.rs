//! One history: a world and its steps from the beginning to the end.

use super::act::{perform, run_all};
use super::setting::Setting;
use super::step::Step;
use super::world::{Shared, Tally};
use super::{drain, draw, panic_text, quiet, stored};
use crate::Random;
use leasehold_core::LeaseId;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A world that has not begun, and what will happen in it.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) setting: Setting,
    pub(super) steps: Vec<Step>,
}

/// What came of a history.
pub(super) struct Ran {
    pub(super) steps: u64,
    pub(super) faults: u64,
    pub(super) tally: Tally,
    pub(super) violation: Option<String>,
    /// Where it broke.
    pub(super) at: usize,
    pub(super) trail: Vec<String>,
}

/// The stored state is compared with the ledger once in so many steps.
const COMPARE_EVERY: usize = 32;
/// A quiet world is looked at once in so many steps; a large one more rarely, being dear.
const QUIET_EVERY: usize = 3;
const QUIET_LARGE_EVERY: usize = 100;

impl History {
    /// Draws one. The same seed gives the same one.
    pub(super) fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let setting = Setting::draw(&mut random);
        let steps = draw::steps(&setting, &mut random);
        Self { setting, steps }
    }

    /// Lets it happen.
    pub(super) fn run(&self, is_told: bool) -> Ran {
        let shared = Shared::new(self.setting.clone(), is_told);
        let mut at = 0;
        let whole = AssertUnwindSafe(|| {
            for step in &self.steps {
                self.step(&shared, step, at);
                if shared.core().violation.is_some() {
                    return;
                }
                at += 1;
            }
            shared.core().tell(|| "nobody asks any more".into());
            drain::drain(&shared);
        });
        if let Err(panic) = catch_unwind(whole) {
            shared.core().violate(&panic_text(panic.as_ref()));
        }
        let trail = shared.core().trail.take().unwrap_or_default();
        clear(&shared);
        let mut core = shared.core();
        core.tally.worlds = 1;
        Ran {
            steps: core.steps,
            faults: core.faults,
            tally: core.tally,
            violation: core.violation.take(),
            at,
            trail,
        }
    }

    fn step(&self, shared: &Arc<Shared>, step: &Step, at: usize) {
        shared.core().begin_step(step.trouble.as_ref());
        perform(shared, &step.action);
        shared.core().end_step();
        let quiet_every = match self.setting.is_large() {
            true => QUIET_LARGE_EVERY,
            false => QUIET_EVERY,
        };
        if at % quiet_every == quiet_every - 1 {
            look_at_quiet(shared);
        }
        if at % COMPARE_EVERY == COMPARE_EVERY - 1
            && let Err(what) = stored::stored(shared)
        {
            shared.core().violate(&what);
        }
    }
}

/// Looks at a world in which nobody has a reason to go on.
pub(super) fn look_at_quiet(shared: &Shared) {
    let mut core = shared.core();
    if core.violation.is_some() || !core.runnable().is_empty() {
        return;
    }
    match quiet::quiet(&core) {
        Ok(late) => core.tally.late += late,
        Err(what) => core.violate(&what),
    }
}

/// Ends what is left of a world: every process is killed, so that no thread stays behind.
fn clear(shared: &Arc<Shared>) {
    let ids: Vec<LeaseId> = shared.core().processes.keys().copied().collect();
    for id in ids {
        // A process may have been left in the middle of a call by a panic.
        _ = catch_unwind(AssertUnwindSafe(|| shared.kill(id, false)));
    }
    let processes = std::mem::take(&mut shared.core().processes);
    drop(processes);
    run_all(shared);
}
