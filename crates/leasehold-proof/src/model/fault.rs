//! What goes wrong: time passes, somebody freezes, is killed, is interrupted.

use super::act::{Done, Then};
use super::instance::{Instance, TICK_MS};
use super::world::{Hold, Phase, Sleep, World};
use leasehold_core::command::Command;
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Verdict;
use leasehold_core::{Identity, LeaseId, Timestamp};

impl World {
    pub(super) fn freeze(&mut self, instance: &Instance) -> Freeze {
        self.next_id += 1;
        Freeze {
            id: LeaseId::new(self.next_id),
            resource: instance.frozen.clone().expect("something can be frozen"),
            until: Some(self.view.now().plus_millis(2 * TICK_MS)),
            since: self.view.now(),
            who: Identity::named("boss", "h"),
        }
    }

    pub(super) fn tick(&mut self) {
        self.left.ticks -= 1;
        let now = self.now() + TICK_MS;
        self.view.set_now(Timestamp::from_millis(now));
        for stand in &mut self.stands {
            if let Phase::Asleep(sleep) = &mut stand.phase {
                sleep.alarmed |= sleep.until.is_some_and(|until| until <= now);
            }
        }
    }

    /// Everything of this claim dies. Somebody starts it anew.
    pub(super) fn kill(&mut self, instance: &Instance, claim: usize) {
        let stand = self.stands[claim].clone();
        if let Phase::Asleep(sleep) = stand.phase {
            self.bury(sleep.id, true);
        }
        let requests = &instance.programs[claim].requests;
        for (hold, request) in stand.holds.iter().zip(requests) {
            match hold {
                Hold::Lease(id) | Hold::Orphan(id) if request.kind == Kind::Scoped => {
                    self.bury(*id, true);
                }
                _ => {}
            }
        }
        // Its children that have not begun never will; the others go on without it.
        let inner = instance.programs.iter().zip(&mut self.stands);
        for (_, stand) in inner.filter(|(p, _)| p.parent.is_some_and(|p| p.0 == claim)) {
            stand.ran |= stand.at == 0 && stand.phase == Phase::Ready;
        }
        let stand = &mut self.stands[claim];
        stand.holds.fill(Hold::Nothing);
        stand.at = 0;
        stand.phase = Phase::Ready;
        (stand.ran, stand.failed) = match instance.programs[claim].parent {
            Some(_) => (true, true),
            None => (false, false),
        };
    }

    pub(super) fn interrupt(
        &mut self,
        instance: &Instance,
        claim: usize,
        then: Then,
        done: &mut Done,
    ) {
        let Phase::Asleep(Sleep { id, .. }) = self.stands[claim].phase else {
            return;
        };
        let answer = self.run(instance, &Command::Timeout(id), done);
        if matches!(answer, Verdict::Granted(_)) {
            let _answer = self.run(instance, &Command::Cancel(id), done);
        }
        match then {
            Then::Retry => self.stands[claim].phase = Phase::Ready,
            Then::Leave => self.back_out(instance, claim, done),
        }
    }
}
