//! What can happen next: a claim goes on, or something goes wrong.

use super::instance::{Instance, TICK_MS};
use super::program::Step;
use super::world::{Hold, Phase, World};
use leasehold_core::command::Command;
use leasehold_core::freeze::Freeze;
use leasehold_core::lease::Kind;
use leasehold_core::verdict::Verdict;
use leasehold_core::{Identity, LeaseId, Timestamp, event::Event};

/// One thing that can happen. The number is that of the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// The claim does what it is about to do.
    Go(usize),
    Renew(usize, usize),
    Kill(usize),
    Orphan(usize, usize),
    /// Interrupted; then it tries the same request again, or gives back what it has and begins anew.
    Interrupt(usize, Then),
    Cancel(usize),
    Tick,
    Freeze,
    Thaw,
}

/// Who freezes and thaws, after all claims.
pub(super) const BOSS: usize = 7;

/// What follows an interrupted wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Retry,
    Leave,
}

/// What came of an act.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    pub(super) events: Vec<Event>,
    /// The claim came to its end.
    pub(super) is_through: bool,
    /// What the kernel answered and must not.
    pub(super) strange: Option<String>,
}

impl Act {
    /// Whose doing it is, of all who do not wait for ever with what they can do; `None` for faults and
    /// what else need not happen.
    pub(super) fn mover(self) -> Option<usize> {
        match self {
            Self::Go(claim) => Some(claim),
            Self::Thaw => Some(BOSS),
            _ => None,
        }
    }

    /// Whether something goes wrong here.
    pub(super) fn is_fault(self) -> bool {
        !matches!(self, Self::Go(_) | Self::Renew(..) | Self::Thaw)
    }
}

impl World {
    /// All that can happen next.
    pub(super) fn acts(&self, instance: &Instance) -> Vec<Act> {
        let mut acts = Vec::new();
        for (claim, stand) in self.stands.iter().enumerate() {
            if self.can_go(instance, claim) {
                acts.push(Act::Go(claim));
            }
            let asleep = matches!(stand.phase, Phase::Asleep(_));
            if asleep && self.left.interrupts > 0 {
                acts.push(Act::Interrupt(claim, Then::Retry));
                if stand.holds.iter().any(|hold| *hold != Hold::Nothing) {
                    acts.push(Act::Interrupt(claim, Then::Leave));
                }
            }
            if asleep && self.left.cancels > 0 {
                acts.push(Act::Cancel(claim));
            }
            let has_lease = stand.holds.iter().any(|h| matches!(h, Hold::Lease(_)));
            if self.left.kills > 0 && (asleep || has_lease) {
                acts.push(Act::Kill(claim));
            }
            for (request, hold) in stand.holds.iter().enumerate() {
                let Hold::Lease(id) = *hold else { continue };
                let asked = &instance.programs[claim].requests[request];
                if self.left.orphans > 0 && asked.kind == Kind::Scoped {
                    acts.push(Act::Orphan(claim, request));
                }
                if self.left.renewals > 0 && self.view.lease(id).is_some_and(|l| l.ttl.is_some()) {
                    acts.push(Act::Renew(claim, request));
                }
            }
        }
        if self.left.ticks > 0 {
            acts.push(Act::Tick);
        }
        match self.view.freezes().next() {
            Some(freeze) if freeze.is_on(self.view.now()) => acts.push(Act::Thaw),
            None if self.left.freezes > 0 => acts.push(Act::Freeze),
            _ => {}
        }
        acts
    }

    /// Whether a claim can move by itself.
    pub(super) fn can_go(&self, instance: &Instance, claim: usize) -> bool {
        let stand = &self.stands[claim];
        let program = &instance.programs[claim];
        match stand.phase {
            Phase::Again(..) => true,
            Phase::Backing => self
                .last_hold(claim)
                .is_none_or(|r| self.is_quiet(instance, claim, r)),
            Phase::Asleep(sleep) => {
                let ended = |watch| self.has_ended(instance, watch);
                sleep.called
                    || sleep.alarmed
                    || sleep.watch.is_some_and(ended)
                    || instance.looks_again && self.is_late()
            }
            Phase::Ready => match program.steps[stand.at] {
                Step::Take(request) => {
                    let begins = |(outer, request): (usize, usize)| {
                        !stand.ran && self.stands[outer].holds[request] != Hold::Nothing
                    };
                    (stand.at > 0 || program.parent.is_none_or(begins))
                        && self.is_quiet(instance, claim, request)
                }
                Step::Give(request) => self.is_quiet(instance, claim, request),
            },
        }
    }

    /// Whether all claims inside a request have ended.
    pub(super) fn is_quiet(&self, instance: &Instance, claim: usize, request: usize) -> bool {
        let inner = instance.programs.iter().zip(&self.stands);
        let mut inner = inner.filter(|(program, _)| program.parent == Some((claim, request)));
        inner.all(|(_, stand)| stand.ran)
    }

    pub(super) fn last_hold(&self, claim: usize) -> Option<usize> {
        let holds = &self.stands[claim].holds;
        holds.iter().rposition(|hold| *hold != Hold::Nothing)
    }

    /// Lets it happen.
    pub(super) fn act(&mut self, instance: &Instance, act: Act) -> Done {
        let mut done = Done::default();
        match act {
            Act::Go(claim) => self.go(instance, claim, &mut done),
            Act::Renew(claim, request) => {
                self.left.renewals -= 1;
                if let Hold::Lease(lease) = self.stands[claim].holds[request] {
                    let ttl = None;
                    let _answer = self.run(&Command::Renew { lease, ttl }, &mut done.events);
                }
            }
            Act::Kill(claim) => {
                self.left.kills -= 1;
                self.kill(instance, claim);
            }
            Act::Orphan(claim, request) => {
                self.left.orphans -= 1;
                if let Hold::Lease(id) = self.stands[claim].holds[request] {
                    self.bury(id, false);
                    self.stands[claim].holds[request] = Hold::Orphan(id);
                }
            }
            Act::Interrupt(claim, then) => {
                self.left.interrupts -= 1;
                self.interrupt(instance, claim, then, &mut done);
            }
            Act::Cancel(claim) => {
                self.left.cancels -= 1;
                if let Phase::Asleep(sleep) = self.stands[claim].phase {
                    let _answer = self.run(&Command::Cancel(sleep.id), &mut done.events);
                    self.back_out(instance, claim, &mut done);
                }
            }
            Act::Tick => self.tick(),
            Act::Freeze => {
                self.left.freezes -= 1;
                let freeze = self.freeze(instance);
                let _answer = self.run(&Command::Freeze(freeze), &mut done.events);
            }
            Act::Thaw => {
                let resource = instance.frozen.clone().expect("something is frozen");
                let by = Identity::named("boss", "h");
                let force = false;
                let _answer = self.run(
                    &Command::Thaw {
                        resource,
                        by,
                        force,
                    },
                    &mut done.events,
                );
            }
        }
        done
    }

    fn freeze(&mut self, instance: &Instance) -> Freeze {
        self.next_id += 1;
        Freeze {
            id: LeaseId::new(self.next_id),
            resource: instance.frozen.clone().expect("something can be frozen"),
            until: Some(self.view.now().plus_millis(2 * TICK_MS)),
            since: self.view.now(),
            who: Identity::named("boss", "h"),
        }
    }

    fn tick(&mut self) {
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
    fn kill(&mut self, instance: &Instance, claim: usize) {
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

    fn interrupt(&mut self, instance: &Instance, claim: usize, then: Then, done: &mut Done) {
        let Phase::Asleep(sleep) = self.stands[claim].phase else {
            return;
        };
        let answer = self.run(&Command::Timeout(sleep.id), &mut done.events);
        if matches!(answer, Verdict::Granted(_)) {
            let _answer = self.run(&Command::Cancel(sleep.id), &mut done.events);
        }
        match then {
            Then::Retry => self.stands[claim].phase = Phase::Ready,
            Then::Leave => self.back_out(instance, claim, done),
        }
    }
}
