//! Draws what is asked for now and then.

use super::Planner;
use crate::processes::plan::{Verb, Whose};

impl Planner {
    /// Takes something away from others, or clears away what is over.
    pub(super) fn evict(&mut self, name: usize) -> Verb {
        let whole = self.chance(50);
        let name_or_all = (!whole).then_some(name);
        if self.sweeps {
            return match self.chance(50) {
                true => Verb::Sweep { name: name_or_all },
                false => Verb::Status {
                    name: name_or_all,
                    prunes: true,
                },
            };
        }
        // Everything at once is a rare disaster.
        match self.random.below(8) {
            0 => Verb::UnlockMany {
                whose: Whose::All,
                force: true,
            },
            1 => Verb::UnlockMany {
                whose: Whose::Owner("ada".into()),
                force: true,
            },
            _ => Verb::Unlock { name, force: true },
        }
    }

    /// What is asked for now and then.
    pub(super) fn further(&mut self, name: usize) -> Verb {
        match self.random.below(10) {
            0..2 => Verb::Why {
                claims: self.claims(),
                lease: None,
            },
            2..5 => {
                self.frozen = Some(name);
                let ttl_ms = 100 + self.random.below(700);
                Verb::Freeze { name, ttl_ms }
            }
            5 => Verb::Unfreeze {
                name,
                force: !self.sweeps && self.chance(50),
            },
            6 => Verb::UnlockMany {
                whose: Whose::All,
                force: false,
            },
            7 => Verb::UnlockMany {
                whose: Whose::Owner("ada".into()),
                force: false,
            },
            8 if self.sweeps => Verb::Sweep { name: None },
            _ => Verb::Status {
                name: Some(name),
                prunes: false,
            },
        }
    }
}
