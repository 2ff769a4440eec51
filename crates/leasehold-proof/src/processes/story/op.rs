//! One operation as the history tells it.

use crate::processes::history::{Deed, What, Who};
use crate::processes::plan::{Ask, Plan, Verb};
use leasehold_core::LeaseId;
use std::path::Path;

/// One operation.
#[derive(Debug, Default)]
pub(in crate::processes) struct Op {
    pub(in crate::processes) plan: Option<Plan>,
    pub(in crate::processes) who: Who,
    pub(in crate::processes) inside: Option<u64>,
    pub(in crate::processes) invoked: u64,
    pub(in crate::processes) ended: Option<Ended>,
    pub(in crate::processes) seen: Vec<(u64, What)>,
}

/// How an operation ended.
#[derive(Debug, Clone)]
pub(in crate::processes) struct Ended {
    pub(in crate::processes) t: u64,
    pub(in crate::processes) code: Option<i32>,
    pub(in crate::processes) lease: Option<LeaseId>,
}

impl Op {
    /// When this was first done to it.
    pub(in crate::processes) fn first_deed(&self, deed: &Deed) -> Option<u64> {
        let is_it = |what: &What| matches!(what, What::Deed { deed: done } if done == deed);
        self.seen
            .iter()
            .find(|(_, what)| is_it(what))
            .map(|(t, _)| *t)
    }

    /// When a system call of it was first made to fail.
    pub(in crate::processes) fn failed(&self) -> Option<u64> {
        let mut seen = self.seen.iter();
        let is_it = |what: &What| {
            matches!(
                what,
                What::Deed {
                    deed: Deed::Fail { .. }
                }
            )
        };
        seen.find(|(_, what)| is_it(what)).map(|(t, _)| *t)
    }

    /// Whether such a thing was done to it.
    pub(in crate::processes) fn has_deed(&self, is_it: impl Fn(&Deed) -> bool) -> bool {
        let mut seen = self.seen.iter();
        seen.any(|(_, what)| matches!(what, What::Deed { deed } if is_it(deed)))
    }

    /// Whether anything was done to it.
    pub(in crate::processes) fn is_disturbed(&self) -> bool {
        self.has_deed(|_| true)
    }

    /// What it was to do, in words.
    pub(in crate::processes) fn line(&self) -> String {
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
    pub(in crate::processes) fn ask(&self) -> Option<&Ask> {
        match &self.plan.as_ref()?.verb {
            Verb::Guard { ask, .. } | Verb::Lock { ask } => Some(ask),
            _ => None,
        }
    }
}
