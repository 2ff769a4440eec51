//! What a claim does by itself: asks and gives back, as `guard` and `lock` do between two looks at the
//! store.

use super::act::Done;
use super::instance::Instance;
use super::program::Step;
use super::wait::Wanting;
use super::world::{Hold, Phase, World};
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::verdict::Verdict;
use leasehold_core::{Claim, LeaseId, Timestamp};

impl World {
    /// The claim does what it is about to do.
    pub(super) fn go(&mut self, instance: &Instance, claim: usize, done: &mut Done) {
        let stand = &self.stands[claim];
        match &stand.phase {
            Phase::Backing => self.give_back(instance, claim, done),
            Phase::Asleep(sleep) => {
                let sleep = sleep.clone();
                self.wake(instance, claim, &sleep, done);
            }
            Phase::Again(id, limit) => {
                let again = Some((*id, *limit));
                self.ask(instance, claim, again, done);
            }
            Phase::Ready => match instance.programs[claim].steps[stand.at] {
                Step::Take(_) if self.child_failed(instance, claim) => {
                    self.back_out(instance, claim, done);
                }
                Step::Take(_) => self.ask(instance, claim, None, done),
                Step::Give(request) => {
                    self.give(instance, claim, request, done);
                    if self.child_failed(instance, claim) {
                        self.back_out(instance, claim, done);
                    } else {
                        self.go_on(instance, claim, done);
                    }
                }
            },
        }
    }

    fn child_failed(&self, instance: &Instance, claim: usize) -> bool {
        let inner = instance.programs.iter().zip(&self.stands);
        let mut inner = inner.filter(|(program, _)| program.parent.is_some_and(|p| p.0 == claim));
        inner.any(|(_, stand)| stand.failed)
    }

    fn ask(
        &mut self,
        instance: &Instance,
        claim: usize,
        again: Option<(LeaseId, Option<u64>)>,
        done: &mut Done,
    ) {
        let Step::Take(request) = instance.programs[claim].steps[self.stands[claim].at] else {
            return;
        };
        let asked = &instance.programs[claim].requests[request];
        let Ok(inside) = self.inside(instance, claim, request) else {
            return self.back_out(instance, claim, done);
        };
        let id = match again {
            Some((id, _)) => id,
            None => {
                self.next_id += 1;
                LeaseId::new(self.next_id)
            }
        };
        let limit = again.and_then(|(_, limit)| limit);
        let wait = match (asked.waits, asked.patience_ms, limit) {
            (false, ..) => Wait::No,
            (true, None, _) => Wait::Forever,
            (true, Some(millis), None) => Wait::Millis(millis),
            (true, Some(_), Some(limit)) => Wait::Millis(limit.saturating_sub(self.now()).max(1)),
        };
        let ask = Ask {
            kind: asked.kind,
            inside,
            wait,
            ttl: asked.ttl,
            keep_while_alive: asked.keep_while_alive,
            priority: asked.priority,
            strict: asked.strict,
            ..Ask::new(id, asked.who.clone(), asked.claims.clone())
        };
        match self.run(instance, &Command::Ask(ask), done) {
            Verdict::Granted(lease) if lease.is_bound() => {
                self.take(instance, claim, Hold::Lease(id), done);
            }
            Verdict::Granted(_) => self.pick_up(instance, claim, id, limit, done),
            Verdict::Renewed(lease) => self.take(instance, claim, Hold::Lease(lease.id), done),
            Verdict::Joined(_) => self.take(instance, claim, Hold::Joined, done),
            Verdict::Queued(place) => {
                let limit = limit.or(place.ticket.wait_until.map(Timestamp::as_millis));
                self.wait(instance, claim, &place, Wanting { id, limit }, false, done);
            }
            verdict @ (Verdict::Died(_) | Verdict::Lost(_) | Verdict::Refused(_)) => {
                done.is_refused = matches!(verdict, Verdict::Refused(_));
                self.back_out(instance, claim, done);
            }
            other => done.strange = Some(format!("an ask was answered with {other:?}")),
        }
    }

    /// What it asked for is there.
    pub(super) fn take(&mut self, instance: &Instance, claim: usize, hold: Hold, done: &mut Done) {
        let Step::Take(request) = instance.programs[claim].steps[self.stands[claim].at] else {
            return;
        };
        self.stands[claim].holds[request] = hold;
        let inner = instance.programs.iter().zip(&mut self.stands);
        for (_, stand) in inner.filter(|(p, _)| p.parent == Some((claim, request))) {
            (stand.ran, stand.failed) = (false, false);
        }
        self.go_on(instance, claim, done);
    }

    /// Gives back one thing, the last that it took.
    fn give_back(&mut self, instance: &Instance, claim: usize, done: &mut Done) {
        if let Some(request) = self.last_hold(claim) {
            self.give(instance, claim, request, done);
        }
        self.back_out(instance, claim, done);
    }

    /// Its command failed: it gives back all that it has, then begins again.
    pub(super) fn back_out(&mut self, instance: &Instance, claim: usize, done: &mut Done) {
        while let Some(request) = self.last_hold(claim)
            && self.stands[claim].holds[request] == Hold::Joined
            && self.is_quiet(instance, claim, request)
        {
            self.stands[claim].holds[request] = Hold::Nothing;
        }
        // A claim inside another ends with its failure where its parent has what is wanted: what follows
        // is the parent's affair.
        let fails = instance.programs[claim]
            .parent
            .is_some_and(|p| self.is_wanted(p));
        let empty = self.last_hold(claim).is_none();
        let stand = &mut self.stands[claim];
        if empty {
            stand.at = 0;
            stand.phase = Phase::Ready;
            (stand.ran, stand.failed) = (fails, fails);
            done.is_through |= fails;
            let inner = instance.programs.iter().zip(&mut self.stands);
            for (_, stand) in inner.filter(|(p, _)| p.parent.is_some_and(|p| p.0 == claim)) {
                stand.failed = false;
            }
        } else {
            stand.phase = Phase::Backing;
        }
    }

    /// Whether what a request runs under is gone, or somebody waits for it.
    fn is_wanted(&self, (claim, request): (usize, usize)) -> bool {
        let Hold::Lease(id) = self.stands[claim].holds[request] else {
            return true;
        };
        let waiting = self
            .view
            .tickets()
            .filter(|t| t.is_waiting() && !t.inside.contains(&id));
        let mut waiting = waiting.flat_map(|ticket| &ticket.claims);
        self.view.lease(id).is_none_or(|lease| {
            waiting.any(|wanted| {
                let clash = |own: &Claim| own.conflicts_with(wanted) || own.same_pool(wanted);
                lease.claims.iter().any(clash)
            })
        })
    }

    fn give(&mut self, instance: &Instance, claim: usize, request: usize, done: &mut Done) {
        let asked = &instance.programs[claim].requests[request];
        let hold = std::mem::replace(&mut self.stands[claim].holds[request], Hold::Nothing);
        match hold {
            Hold::Nothing | Hold::Joined => {}
            // The command ends; whoever watches it sees that.
            Hold::Orphan(id) => self.bury(id, true),
            Hold::Lease(lease) => {
                let by = asked.who.clone();
                let proof = Proof::Id;
                let _answer = self.run(instance, &Command::Release { lease, by, proof }, done);
            }
        }
    }

    /// On to the next step that is one, and from the end to the beginning.
    fn go_on(&mut self, instance: &Instance, claim: usize, done: &mut Done) {
        let program = &instance.programs[claim];
        let stand = &mut self.stands[claim];
        stand.phase = Phase::Ready;
        stand.at += 1;
        while let Some(Step::Give(request)) = program.steps.get(stand.at)
            && matches!(stand.holds[*request], Hold::Nothing)
        {
            stand.at += 1;
        }
        if stand.at == program.steps.len() {
            stand.at = 0;
            stand.ran = true;
            done.is_through = true;
        }
    }
}
