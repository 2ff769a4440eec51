//! Making an ask of a request of the history.

use super::act::pick;
use super::names::{NAMES, POOLS_AT};
use super::setting::somebody;
use super::step::Request;
use super::trail;
use super::world::Core;
use leasehold_core::command::Ask;
use leasehold_core::lease::Kind;
use leasehold_core::{Claim, Intent, LeaseId, Ttl};
use std::num::NonZeroU32;

impl Core {
    /// Makes the ask of a request. What it is inside of is one of the leases held.
    pub(super) fn ask(&mut self, names: &[usize], request: &Request, id: LeaseId) -> Ask {
        let claims = request
            .claims
            .iter()
            .map(|claim| claim_of(names, *claim))
            .collect();
        let holders = self.holders();
        let ask = Ask {
            kind: match request.standing {
                true => Kind::Standing,
                false => Kind::Scoped,
            },
            inside: request.inside.and_then(|which| pick(&holders, which)),
            wait: request.wait,
            ttl: request.ttl.and_then(|millis| Ttl::from_millis(millis).ok()),
            keep_while_alive: request.keep_while_alive,
            priority: request.priority,
            strict: request.strict,
            ..Ask::new(id, somebody(request.who), claims)
        };
        self.tell(|| format!("    {}", trail::ask(&ask)));
        ask
    }
}

/// Mostly slots where it is a pool: a plain claim on a pool now and then.
fn claim_of(names: &[usize], (name, intent, size): (usize, usize, u32)) -> Claim {
    debug_assert!(names.contains(&name), "a claim on what the world has not");
    let resource = NAMES.resources[name].clone();
    match NonZeroU32::new(size).filter(|_| POOLS_AT.contains(&name) && intent != 1) {
        Some(size) => Claim::slot(resource, size),
        None => Claim::new(resource, Intent::ALL[intent]),
    }
}
