//! Random programs: what may happen to a workspace, small enough to shrink well.
//!
//! A step names leases and tickets by their place among those that are there, so that removing a step
//! leaves the later ones meaningful.

use crate::model::names::{self, resource};
use crate::world::World;
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::freeze::Freeze;
use leasehold_core::{Claim, Identity, Intent, LeaseId, Ttl, lease::Kind, view::Key};
use leasehold_core::{event::Event, verdict::Decision};
use proptest::prelude::*;
use std::num::NonZeroU32;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(Request),
    /// Repeats the id of something that is there.
    Again(usize, Request),
    Bind(usize),
    Release(usize, usize, Proof),
    Renew(usize, Option<u64>),
    Timeout(usize),
    Cancel(usize),
    Freeze(usize, usize, u64),
    Thaw(usize, usize, bool),
    Timer,
    Pass(u64),
    /// The guard or waiter dies.
    KillHolder(usize),
    /// The guarded command dies.
    KillCommand(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    who: usize,
    claims: Vec<(usize, usize, u32)>,
    standing: bool,
    inside: Option<usize>,
    wait: Option<u64>,
    ttl: Option<u64>,
    keep: bool,
    priority: Option<u32>,
    strict: bool,
}

/// Runs enough programs to see most mistakes within seconds; `PROPTEST_CASES` raises it. A failure
/// prints its smallest program, which becomes a told test rather than a stored seed.
pub(crate) fn config() -> ProptestConfig {
    let default = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => default,
        None => ProptestConfig {
            cases: 600,
            ..default
        },
    }
}

/// What a program is about: few resources, so that its steps meet.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) resources: &'static [&'static str],
    pub(crate) lock_delay_ms: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

const SETTINGS: [&[&str]; 7] = [
    &["a", "b"],
    &["a", "b", "c"],
    &["a", "pool"],
    &["pool", "a", "b"],
    &["path:t", "path:t/x", "path:t/y", "a"],
    &["path:t/*", "path:t/x", "path:t/y", "b"],
    &["path:t/x/k", "path:t/*/k", "path:t", "pool"],
];

/// Waits that are over within a program, and one that never is.
const WAITS: [u64; 3] = [7, 25, u64::MAX];
const TTLS: [u64; 3] = [3, 15, 50];
const PASSES: [u64; 6] = [1, 2, 3, 9, 10, 31];

pub(crate) fn programs(steps_max: usize) -> impl Strategy<Value = Program> {
    let setting = (
        prop::sample::select(SETTINGS.to_vec()),
        prop_oneof![4 => Just(0), 1 => Just(5)],
    )
        .prop_map(|(resources, lock_delay_ms)| Setting {
            resources,
            lock_delay_ms,
        });
    (setting, prop::collection::vec(steps(), 1..steps_max))
        .prop_map(|(setting, steps)| Program { setting, steps })
}

/// Few resources, all flat, for which many wait: who gives back decides over the front of a queue.
pub(crate) fn crowds(steps_max: usize) -> impl Strategy<Value = Program> {
    let resources = prop::sample::select(CROWDED.to_vec());
    let setting = resources.prop_map(|resources| Setting {
        resources,
        lock_delay_ms: 0,
    });
    let first = prop::collection::vec(firsts().prop_map(Step::Ask), 0..4);
    let steps = prop::collection::vec(crowd_steps(), 1..steps_max);
    (setting, first, steps).prop_map(|(setting, first, steps)| Program {
        setting,
        steps: first.into_iter().chain(steps).collect(),
    })
}

const CROWDED: [&[&str]; 5] = [
    &["a", "b"],
    &["a", "pool"],
    &["pool", "a"],
    &["a", "b", "c"],
    &["a", "b", "c", "d"],
];

/// Who comes before the crowd: locks of agents that will wait, and several claims with one end.
fn firsts() -> impl Strategy<Value = Request> {
    let claim = (0..4usize, Just(2usize), Just(2u32));
    let claims = prop::collection::vec(claim, 1..4);
    (5..10usize, claims, prop::bool::weighted(0.6)).prop_map(|(who, claims, standing)| {
        let waits = Some(u64::MAX);
        Request::plain(who, claims, standing, waits)
    })
}

fn crowd_steps() -> impl Strategy<Value = Step> {
    let which = || 0..12usize;
    // Whoever holds has the lowest number, mostly.
    let held = || 0..3usize;
    prop_oneof![
        30 => crowd().prop_map(Step::Ask),
        16 => held().prop_map(|at| Step::Release(at, 0, Proof::Id)),
        6 => held().prop_map(Step::Bind),
        8 => steps(),
        2 => which().prop_map(Step::Timeout),
        2 => which().prop_map(Step::Cancel),
    ]
}

/// Requests that wait, mostly for the same, exclusively and without holding anything.
fn crowd() -> impl Strategy<Value = Request> {
    let intent = prop_oneof![4 => Just(2usize), 3 => Just(3), 1 => Just(1), 1 => 0..6usize];
    let what = prop_oneof![2 => Just(0usize), 1 => 0..4usize];
    let claim = (what, intent, sizes());
    let claims = prop_oneof![
        4 => prop::collection::vec(claim.clone(), 1),
        1 => prop::collection::vec(claim, 2..4),
    ];
    let wait = prop_oneof![6 => Just(Some(u64::MAX)), 1 => Just(Some(25))];
    let others = (
        prop::bool::weighted(0.2),
        prop::option::weighted(0.1, 0..3usize),
        prop::bool::weighted(0.02),
        prop::option::weighted(0.2, prop::sample::select(vec![10, 100])),
    );
    (0..10usize, claims, others, wait).prop_map(
        |(who, claims, (standing, inside, strict, priority), wait)| Request {
            inside,
            strict,
            priority,
            ..Request::plain(who, claims, standing, wait)
        },
    )
}

fn steps() -> impl Strategy<Value = Step> {
    let which = || 0..12usize;
    let proof = prop_oneof![6 => Just(Proof::Id), 1 => Just(Proof::Owner), 1 => Just(Proof::Force)];
    prop_oneof![
        30 => requests().prop_map(Step::Ask),
        1 => (which(), requests()).prop_map(|(at, request)| Step::Again(at, request)),
        10 => which().prop_map(Step::Bind),
        10 => (which(), 0..6usize, proof).prop_map(|(at, by, proof)| Step::Release(at, by, proof)),
        3 => (which(), prop::option::of(1..30u64)).prop_map(|(at, ttl)| Step::Renew(at, ttl)),
        2 => which().prop_map(Step::Timeout),
        2 => which().prop_map(Step::Cancel),
        2 => (0..4usize, 0..6usize, 1..20u64).prop_map(|(at, by, ms)| Step::Freeze(at, by, ms)),
        2 => (0..4usize, 0..6usize, any::<bool>())
            .prop_map(|(at, by, force)| Step::Thaw(at, by, force)),
        3 => Just(Step::Timer),
        6 => prop::sample::select(PASSES.to_vec()).prop_map(Step::Pass),
        3 => which().prop_map(Step::KillHolder),
        2 => which().prop_map(Step::KillCommand),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    let claim = (
        0..4usize,
        prop_oneof![4 => Just(2usize), 2 => Just(1), 1 => 0..6usize],
        sizes(),
    );
    let claims = prop_oneof![
        3 => prop::collection::vec(claim.clone(), 1),
        1 => prop::collection::vec(claim, 2..4),
    ];
    let rare = |one_in: u32| prop_oneof![one_in - 1 => Just(false), 1 => Just(true)];
    let manner = (
        rare(3),
        prop::option::weighted(0.35, 0..6usize),
        rare(8),
        rare(12),
    );
    let priority = prop_oneof![8 => Just(None), 1 => Just(Some(10)), 1 => Just(Some(100))];
    let times = (
        prop_oneof![1 => Just(None), 3 => prop::sample::select(WAITS.to_vec()).prop_map(Some)],
        prop_oneof![2 => Just(None), 2 => prop::sample::select(TTLS.to_vec()).prop_map(Some)],
    );
    (0..6usize, claims, manner, priority, times).prop_map(
        |(who, claims, (standing, inside, keep, strict), priority, (wait, ttl))| Request {
            who,
            claims,
            standing,
            inside,
            wait,
            ttl,
            keep,
            priority,
            strict,
        },
    )
}

/// Pools of two, and rarely one that contradicts them.
fn sizes() -> impl Strategy<Value = u32> + Clone {
    prop_oneof![12 => Just(2u32), 1 => Just(3), 1 => Just(1)]
}

/// Identities, of which some of the first six are one agent, and some only one place key.
pub(crate) fn somebody(at: usize) -> Identity {
    match at % 10 {
        0 => Identity::nameless("ada", "h"),
        1 => Identity::named("ada", "h"),
        2 => Identity::named("bob", "h"),
        3 => Identity::named("bob", "h").in_session("s"),
        4 => Identity::nameless("cy", "h").in_session("s"),
        6 => Identity::named("eve", "h"),
        7 => Identity::named("fay", "h"),
        8 => Identity::named("gil", "h"),
        9 => Identity::nameless("hal", "k"),
        _ => Identity::nameless("dan", "k"),
    }
}

impl Setting {
    fn name(&self, at: usize) -> &'static str {
        self.resources[at % self.resources.len()]
    }

    fn claim(&self, (what, intent, size): (usize, usize, u32)) -> Claim {
        let name = self.name(what);
        match NonZeroU32::new(size) {
            // Mostly slots: a plain claim on the pool now and then, to read it or to be alone there.
            Some(size)
                if name == "pool"
                    && matches!(Intent::ALL[intent], Intent::Provides | Intent::Mutates) =>
            {
                Claim::slot(resource(name), size)
            }
            _ => Claim::new(resource(name), Intent::ALL[intent]),
        }
    }
}

/// The n-th of what is there; past that, an id that nobody ever had.
fn pick(world: &World, at: usize) -> LeaseId {
    let ids = world.ids();
    match ids.is_empty() {
        true => LeaseId::new(0),
        false => ids[at % ids.len()],
    }
}

fn ttl(millis: u64) -> Ttl {
    Ttl::from_millis(millis).expect("short and not zero")
}

impl Step {
    /// The command of the step, if it is one; else what happens around the kernel is done here.
    pub(crate) fn play(
        &self,
        setting: &Setting,
        world: &mut World,
        fresh: u128,
    ) -> Option<Command> {
        Some(match self {
            Self::Ask(request) => Command::Ask(request.ask(setting, world, LeaseId::new(fresh))),
            Self::Again(at, request) => {
                let id = pick(world, *at);
                if world.view.lease(id).is_none() {
                    // Who asks lives: a new process may take up the place of one that is gone.
                    world.revive(id);
                }
                let ask = request.ask(setting, world, id);
                // The same request: who waits and for what are those of the first time.
                let lease = world
                    .view
                    .lease(id)
                    .map(|l| (&l.who, &l.claims, l.kind, &l.inside));
                let ticket = world
                    .view
                    .ticket(id)
                    .map(|t| (&t.who, &t.claims, t.kind, &t.inside));
                Command::Ask(match lease.or(ticket) {
                    Some((who, claims, kind, inside)) => Ask {
                        who: who.clone(),
                        claims: claims.clone(),
                        kind,
                        inside: inside.first().copied(),
                        ..ask
                    },
                    None => ask,
                })
            }
            Self::Bind(at) => Command::Bind(pick(world, *at)),
            Self::Release(at, by, proof) => Command::Release {
                lease: pick(world, *at),
                by: somebody(*by),
                proof: *proof,
            },
            Self::Renew(at, millis) => Command::Renew {
                lease: pick(world, *at),
                ttl: millis.map(ttl),
            },
            Self::Timeout(at) => Command::Timeout(pick(world, *at)),
            Self::Cancel(at) => Command::Cancel(pick(world, *at)),
            Self::Freeze(at, by, millis) => Command::Freeze(Freeze {
                id: LeaseId::new(fresh),
                resource: resource(setting.name(*at)),
                until: Some(world.view.now().plus_millis(*millis)),
                since: world.view.now(),
                who: somebody(*by),
            }),
            Self::Thaw(at, by, force) => Command::Thaw {
                resource: resource(setting.name(*at)),
                by: somebody(*by),
                force: *force,
            },
            Self::Timer => Command::Timer(every_key(setting)),
            Self::Pass(millis) => {
                world.wait(*millis);
                return None;
            }
            Self::KillHolder(at) => {
                if !world.ids().is_empty() {
                    world.dead_holders.insert(pick(world, *at).bits());
                }
                return None;
            }
            Self::KillCommand(at) => {
                if !world.ids().is_empty() {
                    world.dead_commands.insert(pick(world, *at).bits());
                }
                return None;
            }
        })
    }
}

/// Keys that find all leases, tickets and freezes of a program.
pub(crate) fn every_key(setting: &Setting) -> Vec<Key> {
    setting
        .resources
        .iter()
        .map(|name| Key::Overlap(resource(name)))
        .collect()
}

impl Request {
    fn plain(
        who: usize,
        claims: Vec<(usize, usize, u32)>,
        standing: bool,
        wait: Option<u64>,
    ) -> Self {
        Self {
            who,
            claims,
            standing,
            inside: None,
            wait,
            ttl: None,
            keep: false,
            priority: None,
            strict: false,
        }
    }

    fn ask(&self, setting: &Setting, world: &World, id: LeaseId) -> Ask {
        let claims = self
            .claims
            .iter()
            .map(|claim| setting.claim(*claim))
            .collect();
        Ask {
            kind: if self.standing {
                Kind::Standing
            } else {
                Kind::Scoped
            },
            inside: self.inside.map(|at| pick(world, at)),
            wait: match self.wait {
                None => Wait::No,
                Some(u64::MAX) => Wait::Forever,
                Some(millis) => Wait::Millis(millis),
            },
            ttl: self.ttl.map(ttl),
            keep_while_alive: self.keep,
            priority: self.priority,
            strict: self.strict,
            ..Ask::new(id, somebody(self.who), claims)
        }
    }
}

/// The time and a command: the beginning of a line of the trail that a failure prints.
pub(crate) fn about(world: &World, command: &Command) -> String {
    let now = world.now();
    let Command::Ask(ask) = command else {
        return format!("{now} {command:?}");
    };
    let claims: Vec<_> = names::Claim::list(&ask.claims)
        .iter()
        .map(|claim| format!("{} {} {:?}", claim.what, claim.intent, claim.slots))
        .collect();
    let Ask {
        who,
        kind,
        wait,
        ttl,
        keep_while_alive,
        priority,
        strict,
        ..
    } = ask;
    format!(
        "{now} ask {:x} by {} {:?} {kind:?} {claims:?} inside {:?} {wait:?} {ttl:?} keep \
         {keep_while_alive} priority {priority:?} strict {strict}",
        ask.id.bits(),
        who.owner,
        who.agent(),
        ask.inside.map(LeaseId::bits),
    )
}

/// What came of it: the end of the line.
pub(crate) fn events(decision: &Decision) -> String {
    let events: Vec<_> = decision.events.iter().map(Event::name).collect();
    format!(" {events:?}\n")
}
