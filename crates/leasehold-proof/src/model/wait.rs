//! Waiting: how a waiter sleeps, wakes, looks and picks up, as the coordinator's wait does it.

use super::act::Done;
use super::instance::Instance;
use super::program::Step;
use super::world::{Hold, Phase, Sleep, World};
use leasehold_core::LeaseId;
use leasehold_core::command::Command;
use leasehold_core::decide::place;
use leasehold_core::verdict::{Place, Verdict};
use leasehold_core::view::Key;

/// What a waiter waits for, and until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanting {
    pub(super) id: LeaseId,
    pub(super) limit: Option<u64>,
}

impl World {
    pub(super) fn pick_up(
        &mut self,
        instance: &Instance,
        claim: usize,
        id: LeaseId,
        limit: Option<u64>,
        done: &mut Done,
    ) {
        match self.run(instance, &Command::Bind(id), done) {
            Verdict::Granted(_) => self.take(instance, claim, Hold::Lease(id), done),
            _ => self.stands[claim].phase = Phase::Again(id, limit),
        }
    }

    /// From the place that it was just given: to sleep, as a rule.
    pub(super) fn wait(
        &mut self,
        instance: &Instance,
        claim: usize,
        place: &Place,
        wanting: Wanting,
        settled: bool,
        done: &mut Done,
    ) {
        let sleep = self.sleep(instance, place, wanting.limit);
        // With nobody in its way there is nobody to watch: the last one died after the queue was settled,
        // and before this look saw it.
        if place.blockers.is_empty() && place.frozen.is_empty() && !settled {
            self.settle(instance, claim, &sleep, true, done);
        } else {
            self.stands[claim].phase = Phase::Asleep(sleep);
        }
    }

    /// A waiter wakes. A call is a grant as a rule; whatever else it may be, it looks.
    pub(super) fn wake(
        &mut self,
        instance: &Instance,
        claim: usize,
        sleep: &Sleep,
        done: &mut Done,
    ) {
        if sleep.called {
            let (id, limit) = (sleep.id, sleep.limit);
            self.look(instance, claim, Wanting { id, limit }, false, done);
            let has_thawed = self.has_thawed();
            if let Phase::Asleep(sleep) = &mut self.stands[claim].phase {
                sleep.saw_no_freeze = has_thawed;
            }
        } else {
            self.settle(instance, claim, sleep, false, done);
        }
    }

    /// Nobody else may be there to say what follows from the end of whom it watched, or from the time.
    fn settle(
        &mut self,
        instance: &Instance,
        claim: usize,
        sleep: &Sleep,
        settled: bool,
        done: &mut Done,
    ) {
        let (id, limit) = (sleep.id, sleep.limit);
        if limit.is_some_and(|limit| limit <= self.now()) {
            match self.run(instance, &Command::Timeout(id), done) {
                Verdict::Granted(_) => self.pick_up(instance, claim, id, limit, done),
                _ => self.back_out(instance, claim, done),
            }
            return;
        }
        let Step::Take(request) = instance.programs[claim].steps[self.stands[claim].at] else {
            return;
        };
        let claims = Key::overlaps(&instance.programs[claim].requests[request].claims);
        let watched = sleep.watches.iter().map(|watch| Key::Life(watch.id));
        let watched = watched.filter(|_| instance.looks_at_watched);
        let timer = Command::Timer(claims.chain(watched).collect());
        let _answer = self.run(instance, &timer, done);
        self.look(instance, claim, Wanting { id, limit }, settled, done);
    }

    /// A waiter looks what became of its request.
    fn look(
        &mut self,
        instance: &Instance,
        claim: usize,
        wanting: Wanting,
        settled: bool,
        done: &mut Done,
    ) {
        let Wanting { id, limit } = wanting;
        if self.view.lease(id).is_some() {
            return self.pick_up(instance, claim, id, limit, done);
        }
        let place = self.with_view(instance, &[Key::Lease(id)], |view| {
            place(view, id, &instance.policy)
        });
        let died = || self.view.cards().any(|card| card.dead.request == id);
        match place {
            Some(place) => self.wait(instance, claim, &place, wanting, settled, done),
            None if self.view.ticket(id).is_none() && died() => {
                self.back_out(instance, claim, done);
            }
            None => self.stands[claim].phase = Phase::Again(id, limit),
        }
    }
}
