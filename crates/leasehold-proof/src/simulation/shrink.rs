//! The shortest history that fails: steps, and what goes wrong in them, are left out for as long as it
//! still does (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002).

use super::history::{History, Ran};
use super::step::{Action, Request, Step, What};
use leasehold_core::command::Wait;

/// Steps that are spent on it: enough for every small world to become as short as it gets, in less than
/// a minute for a large one.
const STEPS_MAX: u64 = 500_000;
/// How many of the first of anything are tried in the place of a later one.
const LOW: usize = 6;

/// Looks for shorter histories that fail in the same way.
struct Search {
    best: History,
    kind: String,
    /// Steps taken so far.
    steps: u64,
}

/// Returns a shorter history that fails in the same way, told.
pub(super) fn shrink(history: &History) -> (History, Ran) {
    let mut best = history.clone();
    let first = best.run(false);
    best.steps.truncate(first.at + 1);
    let kind = kind(&first).unwrap_or_default();
    let mut search = Search {
        best,
        kind,
        steps: 0,
    };
    loop {
        let shorter = search.leave_out() | search.simplify();
        if !shorter || search.steps > STEPS_MAX {
            break;
        }
    }
    let ran = search.best.run(true);
    (search.best, ran)
}

/// The promise that was broken, without who and what.
fn kind(ran: &Ran) -> Option<String> {
    let what = ran.violation.as_deref()?;
    Some(what.split(':').next().unwrap_or(what).to_owned())
}

impl Search {
    /// Takes a candidate if it fails in the same way.
    fn accept(&mut self, candidate: History) -> bool {
        if self.steps > STEPS_MAX {
            return false;
        }
        let ran = candidate.run(false);
        self.steps += ran.steps;
        let fails = kind(&ran).is_some_and(|kind| kind == self.kind);
        if fails {
            self.best = candidate;
        }
        fails
    }

    fn leave_out(&mut self) -> bool {
        let mut any = false;
        let mut size = self.best.steps.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < self.best.steps.len() {
                let mut candidate = self.best.clone();
                let end = (at + size).min(candidate.steps.len());
                candidate.steps.drain(at..end);
                if self.accept(candidate) {
                    any = true;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        any
    }

    fn simplify(&mut self) -> bool {
        let mut any = false;
        for at in 0..self.best.steps.len() {
            for simpler in simpler(&self.best.steps[at]) {
                let mut candidate = self.best.clone();
                candidate.steps[at] = simpler;
                any |= self.accept(candidate);
            }
        }
        any
    }
}

/// Returns simpler steps in the place of one.
fn simpler(step: &Step) -> Vec<Step> {
    let mut all = Vec::new();
    if let Some(trouble) = &step.trouble {
        let action = step.action.clone();
        all.push(Step {
            action,
            trouble: None,
        });
        if let What::Meanwhile(action) = &trouble.what {
            all.push(Step {
                action: action.as_ref().clone(),
                trouble: None,
            });
        }
    }
    let trouble = || step.trouble.clone();
    let changed = |action| Step {
        action,
        trouble: trouble(),
    };
    all.extend(simpler_actions(&step.action).into_iter().map(changed));
    all
}

fn simpler_actions(action: &Action) -> Vec<Action> {
    let low = |which: usize| (0..which.min(LOW)).collect::<Vec<_>>();
    match action {
        Action::Ask(request) => simpler_requests(request)
            .into_iter()
            .map(Action::Ask)
            .collect(),
        Action::Run(which) => low(*which).into_iter().map(Action::Run).collect(),
        Action::Release(which) => low(*which).into_iter().map(Action::Release).collect(),
        Action::Kill { which, command } => {
            let kill = |which| Action::Kill {
                which,
                command: *command,
            };
            low(*which).into_iter().map(kill).collect()
        }
        _ => Vec::new(),
    }
}

/// Requests that differ in one thing, so that what makes no difference goes.
fn simpler_requests(request: &Request) -> Vec<Request> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Request)| {
        let mut simpler = request.clone();
        change(&mut simpler);
        if format!("{simpler:?}") != format!("{request:?}") {
            all.push(simpler);
        }
    };
    for at in 0..request.claims.len() {
        with(&|r| {
            if r.claims.len() > 1 {
                r.claims.remove(at.min(r.claims.len() - 1));
            }
        });
    }
    with(&|r| r.priority = None);
    with(&|r| r.strict = false);
    with(&|r| r.keep_while_alive = false);
    with(&|r| r.ttl = None);
    with(&|r| r.inside = None);
    with(&|r| r.standing = false);
    with(&|r| {
        if r.wait != Wait::No {
            r.wait = Wait::Forever;
        }
    });
    all
}
