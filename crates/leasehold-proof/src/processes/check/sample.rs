//! Small stories made by hand, for the tests of the checkers.

use crate::processes::history::{Record, What, Who};
use crate::processes::names::{Claims, NAMES};
use crate::processes::plan::{Ask, Plan, Verb, Work};
use crate::processes::setting::ROUNDS;
use crate::processes::story::{Commit, Story};
use leasehold_core::claim::Claim;
use leasehold_core::event::Event;
use leasehold_core::lease::{Holder, Kind, Pickup};
use leasehold_core::seniority::{Birth, Seniority};
use leasehold_core::{FencingToken, Identity, Lease, LeaseId, Timestamp};
use std::ops::Range;
use std::time::Duration;

/// A story that grows. Times are milliseconds.
#[derive(Default)]
pub(in crate::processes) struct Sample {
    pub(in crate::processes) records: Vec<Record>,
    pub(in crate::processes) commits: Vec<Commit>,
}

fn nanos(ms: u64) -> u64 {
    ms * 1_000_000
}

pub(in crate::processes) fn claims(name: &str) -> Claims {
    let at = NAMES.iter().position(|known| known.text == name).unwrap();
    Claims {
        names: vec![at],
        intent: "mutates".into(),
        by_slot: true,
    }
}

/// The lease of a guard; its number is its id and its token.
pub(in crate::processes) fn lease(op: u64, name: &str, at: u64) -> Lease {
    let seniority = Seniority {
        priority: Seniority::PRIORITY_DEFAULT,
        birth: Birth::top(op),
    };
    let claims: Vec<Claim> = claims(name).claims();
    let has_slot = claims.iter().any(|claim| claim.slots.is_some());
    Lease {
        id: LeaseId::new(u128::from(op)),
        who: Identity::named("ada", "host"),
        claims,
        kind: Kind::Scoped,
        inside: Vec::new(),
        birth: seniority.birth.clone(),
        seniority,
        number: op,
        token: FencingToken::new(op).unwrap(),
        granted: Timestamp::from_millis(at),
        ttl: None,
        expires: None,
        keep_while_alive: false,
        slots: has_slot.then_some(0).into_iter().collect(),
        pickup: Pickup::Bound,
        orphaned: None,
        holder: Holder {
            pid: 1,
            command: format!("w {} {op}", crate::processes::WITNESS).into(),
        },
    }
}

impl Sample {
    pub(in crate::processes) fn record(&mut self, ms: u64, op: u64, what: What) -> &mut Self {
        let t = nanos(ms);
        self.records.push(Record { t, op, what });
        self
    }

    pub(in crate::processes) fn commit(&mut self, ms: u64, events: Vec<Event>) -> &mut Self {
        self.commits.push(Commit {
            at: nanos(ms),
            at_ms: ms,
            events,
        });
        self
    }

    pub(in crate::processes) fn invoke(&mut self, op: u64, name: &str, ms: u64) -> &mut Self {
        let claims = claims(name);
        let ask = Ask {
            claims: claims.clone(),
            wait_ms: None,
            ttl_ms: None,
            lease: None,
        };
        let work = Work {
            claims,
            millis: 0,
            asks_check: false,
            inner: None,
            code: 0,
        };
        let work = Box::new(work);
        let plan = Plan {
            op,
            verb: Verb::Guard { ask, work },
        };
        let who = Who {
            owner: Some("ada".into()),
            session: None,
        };
        let inside = None;
        self.record(ms, op, What::Invoke { plan, who, inside })
    }

    pub(in crate::processes) fn start(&mut self, op: u64, ms: u64) -> &mut Self {
        let lease = LeaseId::new(u128::from(op)).to_string();
        self.record(ms, op, What::Start { lease, token: op })
    }

    pub(in crate::processes) fn end(&mut self, op: u64, ms: u64, code: i32) -> &mut Self {
        let (code, signal, lease) = (Some(code), None, None);
        self.record(
            ms,
            op,
            What::End {
                code,
                signal,
                lease,
            },
        )
    }

    /// A guard that runs its command for that time, in order.
    pub(in crate::processes) fn guard(
        &mut self,
        op: u64,
        name: &str,
        time: Range<u64>,
    ) -> &mut Self {
        let granted = || lease(op, name, time.start - 1).into();
        self.invoke(op, name, time.start - 2)
            .commit(
                time.start - 1,
                vec![Event::Granted {
                    lease: granted(),
                    from: None,
                    spent: Vec::new(),
                }],
            )
            .start(op, time.start)
            .record(time.end, op, What::Finish { code: 0 })
            .commit(time.end + 1, vec![Event::Released { lease: granted() }])
            .end(op, time.end + 2, 0)
    }

    /// Its times do not matter to those who ask for versions: it is when the last thing was.
    fn at(&self, op: u64) -> u64 {
        let start = |record: &&Record| record.op == op && matches!(record.what, What::Start { .. });
        self.records.iter().find(start).unwrap().t / 1_000_000
    }

    pub(in crate::processes) fn reads(&mut self, op: u64, atom: &str, version: u64) -> &mut Self {
        let (at, atom) = (self.at(op), atom.into());
        let (token, by) = (0, 0);
        self.record(
            at,
            op,
            What::Read {
                atom,
                version,
                token,
                by,
            },
        )
    }

    pub(in crate::processes) fn writes(&mut self, op: u64, atom: &str, version: u64) -> &mut Self {
        let (at, atom) = (self.at(op), atom.into());
        self.record(at, op, What::Wrote { atom, version })
    }

    pub(in crate::processes) fn story(self) -> Story {
        let (mut records, mut commits) = (self.records, self.commits);
        records.sort_by_key(|record| record.t);
        commits.sort_by_key(|commit| commit.at);
        Story::tell(ROUNDS[0], Duration::ZERO, records, commits)
    }
}
