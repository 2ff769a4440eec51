//! What can happen next: a claim goes on, or something goes wrong.

use super::instance::Instance;
use super::program::Step;
use super::world::{Hold, Phase, Sleep, Watch, World};
use leasehold_core::command::Command;
use leasehold_core::lease::Kind;
use leasehold_core::{Identity, event::Event};

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
    /// The claim was told no.
    pub(super) is_refused: bool,
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
        match &stand.phase {
            Phase::Again(..) => true,
            Phase::Backing => self
                .last_hold(claim)
                .is_none_or(|r| self.is_quiet(instance, claim, r)),
            Phase::Asleep(sleep) => {
                let ended = |watch: &Watch| {
                    self.has_ended(instance, *watch) || self.is_overdue(instance, *watch)
                };
                sleep.called
                    || sleep.alarmed
                    || sleep.watches.iter().any(ended)
                    || sleep.saw_no_freeze && self.has_thawed()
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
                    let _answer = self.run(instance, &Command::Renew { lease, ttl }, &mut done);
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
                if let Phase::Asleep(Sleep { id, .. }) = self.stands[claim].phase {
                    let _answer = self.run(instance, &Command::Cancel(id), &mut done);
                    self.back_out(instance, claim, &mut done);
                }
            }
            Act::Tick => self.tick(),
            Act::Freeze => {
                self.left.freezes -= 1;
                let freeze = self.freeze(instance);
                let _answer = self.run(instance, &Command::Freeze(freeze), &mut done);
            }
            Act::Thaw => {
                let resource = instance.frozen.clone().expect("something is frozen");
                let by = Identity::named("boss", "h");
                let force = false;
                let _answer = self.run(
                    instance,
                    &Command::Thaw {
                        resource,
                        by,
                        force,
                    },
                    &mut done,
                );
            }
        }
        done
    }
}
