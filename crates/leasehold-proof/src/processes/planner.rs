//! Draws what an agent does next.

mod rare;

use super::names::{Claims, NAMES};
use super::plan::{Ask, Plan, Verb, Whose, Work};
use super::setting::Setting;
use crate::Random;

/// How deep guards stand inside guards.
const DEPTH_MAX: u32 = 3;
/// What waits long enough for everything that ends.
pub(super) const PATIENCE_MS: u64 = 15_000;
/// What a guarded command exits with when it is not zero. No code of the contract.
const OTHER_CODE: i32 = 33;

/// A standing lease in the hands of an agent.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) lease: String,
    pub(super) token: u64,
    pub(super) claims: Claims,
}

/// Draws operations.
#[derive(Debug)]
pub(super) struct Planner {
    random: Random,
    setting: Setting,
    last: u64,
    /// Whether this one clears away what is over. Then it takes nothing away by force: so the audit tells
    /// one from the other.
    sweeps: bool,
    /// What this one froze just now.
    frozen: Option<usize>,
}

impl Planner {
    /// A planner of one agent. Its operations have numbers above `last`.
    pub(super) fn new(random: Random, setting: Setting, last: u64, sweeps: bool) -> Self {
        Self {
            random,
            setting,
            last,
            sweeps,
            frozen: None,
        }
    }

    /// The next operation of an agent.
    pub(super) fn next(&mut self, standing: Option<&Standing>) -> Plan {
        let verb = match standing {
            _ if self.setting.is_hot => self.hot(),
            None => self.free(),
            Some(standing) => self.holding(standing),
        };
        let op = self.number();
        Plan { op, verb }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    /// Plain exclusive waiters of one name: first come, first served.
    fn hot(&mut self) -> Verb {
        let claims = Claims {
            names: vec![0],
            intent: "mutates".into(),
            by_slot: false,
        };
        let ask = Ask {
            claims: claims.clone(),
            wait_ms: Some(PATIENCE_MS),
            ttl_ms: None,
            lease: None,
        };
        let millis = self.random.below(8);
        let work = Work {
            claims,
            millis,
            asks_check: false,
            inner: None,
            code: 0,
        };
        Verb::Guard {
            ask,
            work: Box::new(work),
        }
    }

    fn free(&mut self) -> Verb {
        if let Some(name) = self.frozen.take().filter(|_| self.random.one_in(2)) {
            return Verb::Unfreeze { name, force: false };
        }
        let name = usize::try_from(self.random.below(NAMES.len() as u64)).unwrap_or(0);
        match self.random.below(100) {
            0..75 => self.guard(1, None),
            75..86 => {
                let mut ask = self.ask(None);
                // Locks of nameless agents that cross are ended by their TTL alone.
                ask.ttl_ms = Some(200 + self.random.below(800));
                Verb::Lock { ask }
            }
            86..88 => Verb::Unlock { name, force: false },
            88 => self.evict(name),
            89..91 => Verb::Exists { name },
            _ => self.further(name),
        }
    }

    fn holding(&mut self, standing: &Standing) -> Verb {
        let lease = standing.lease.clone();
        match self.random.below(10) {
            0..2 => {
                let work = self.work(standing.claims.clone(), DEPTH_MAX);
                Verb::Work {
                    lease,
                    token: standing.token,
                    work: Box::new(work),
                }
            }
            2..4 => self.guard(2, Some(lease)),
            4 => self.guard(2, None),
            5 => Verb::Renew { lease },
            6 => Verb::Check {
                lease,
                token: standing.token,
            },
            7 => match self.random.below(3) {
                0 => Verb::Why {
                    claims: self.claims(),
                    lease: Some(lease),
                },
                1 => Verb::UnlockMany {
                    whose: Whose::All,
                    force: false,
                },
                _ => Verb::Unlock {
                    name: standing.claims.names[0],
                    force: false,
                },
            },
            _ => Verb::UnlockLease { lease },
        }
    }

    fn guard(&mut self, depth: u32, lease: Option<String>) -> Verb {
        let ask = self.ask(lease);
        let mut work = self.work(ask.claims.clone(), depth);
        if ask.ttl_ms.is_some() && self.chance(self.setting.lingers_percent) {
            work.millis = self.setting.ttl_ms / 2 + self.random.below(self.setting.ttl_ms * 3 / 2);
        }
        Verb::Guard {
            ask,
            work: Box::new(work),
        }
    }

    fn ask(&mut self, lease: Option<String>) -> Ask {
        let wait_ms = match self.random.below(10) {
            0..3 => None,
            3 => Some(20 + self.random.below(400)),
            _ => Some(PATIENCE_MS),
        };
        let has_ttl = self.chance(self.setting.ttl_percent);
        Ask {
            claims: self.claims(),
            wait_ms,
            ttl_ms: has_ttl.then_some(self.setting.ttl_ms),
            lease,
        }
    }

    fn claims(&mut self) -> Claims {
        let count = match self.random.below(10) {
            0..7 => 1,
            7..9 => 2,
            _ => 3,
        };
        let mut names = Vec::new();
        for _ in 0..count {
            // Half of them as they come; of the other half the product prefers the first ones.
            let most = NAMES.len() as u64;
            let (one, two) = (self.random.below(most), self.random.below(most));
            let at = if self.chance(50) {
                one
            } else {
                one * two / most
            };
            let at = usize::try_from(at).unwrap_or(0);
            if !names.contains(&at) {
                names.push(at);
            }
        }
        let has_pool = names.iter().any(|at| NAMES[*at].slots.is_some());
        let intent = match self.random.below(20) {
            _ if has_pool => "mutates",
            0..5 => "consumes",
            5 => "provides",
            6 => "deletes",
            7 => "depends-on",
            _ => "mutates",
        };
        Claims {
            names,
            intent: intent.into(),
            by_slot: !self.chance(5),
        }
    }

    fn work(&mut self, claims: Claims, depth: u32) -> Work {
        let millis = match self.random.below(20) {
            0..14 => self.random.below(8),
            14..19 => 8 + self.random.below(30),
            _ => 60 + self.random.below(120),
        };
        let nests = depth < DEPTH_MAX && self.chance(20);
        let inner = nests.then(|| {
            let verb = self.guard(depth + 1, None);
            Plan {
                op: self.number(),
                verb,
            }
        });
        Work {
            claims,
            millis,
            asks_check: self.chance(15),
            inner,
            code: if self.chance(10) { OTHER_CODE } else { 0 },
        }
    }
}
