//! What may happen in a world, as data: recorded, repeated, and left out to find the shortest history.
//!
//! A step names leases and requests by their place among those that are there, so that leaving out a
//! step leaves the later ones meaningful.

use super::setting::Setting;
use crate::Random;
use leasehold_core::command::Wait;

/// One step, and what goes wrong in it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) trouble: Option<Trouble>,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A new process asks.
    Ask(Request),
    /// A sleeping request goes on, if it has a reason to.
    Run(usize),
    /// A sleeping request is woken for nothing.
    Nudge(usize),
    /// A waiting request is interrupted by its user.
    Interrupt(usize),
    /// All sleeping requests that have a reason to go on do so.
    RunAll,
    /// A holder gives its lease back.
    Release(usize),
    /// A holder renews.
    Renew(usize, Option<u64>),
    /// Somebody else ends a lease, with or without its id.
    Unlock {
        lease: usize,
        who: u64,
        how: Unlock,
    },
    /// The same request reaches the store once more.
    Again(usize),
    /// What ended without a lease is asked for once more, by the same id or a new one.
    Retry {
        which: usize,
        same_id: bool,
    },
    Freeze {
        what: usize,
        who: u64,
        millis: u64,
    },
    Thaw {
        what: usize,
        who: u64,
        force: bool,
    },
    /// Somebody looks at everything and notes what time has brought about.
    Timer(usize),
    /// Time passes.
    Pass(u64),
    /// Time passes until just before the next thing that ends by time, or until it ends.
    Brink,
    /// A process is killed; its guarded command may live on.
    Kill {
        which: usize,
        command: bool,
    },
    /// A command that lost its guard ends.
    EndCommand(usize),
    /// Somebody asks whether a lease is current.
    Check(usize),
    /// Every process is gone, and time has passed.
    Boot(u64),
    /// The kernel decides over a part of the state what it decides over the whole.
    Compare(Request, u64),
}

/// How somebody else ends a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlock {
    Id,
    Owner,
    Force,
}

/// A request before it has an id.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) who: u64,
    /// Name, intent, size of the pool.
    pub(super) claims: Vec<(usize, usize, u32)>,
    pub(super) standing: bool,
    pub(super) inside: Option<usize>,
    pub(super) wait: Wait,
    pub(super) ttl: Option<u64>,
    pub(super) keep_while_alive: bool,
    pub(super) priority: Option<u32>,
    pub(super) strict: bool,
}

/// What goes wrong in a step, at which of its calls of the store.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) call: u64,
    pub(super) what: What,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The store says no, and nothing happened.
    Fail,
    /// The process dies before its call is carried out.
    KillBefore,
    /// The process dies after its commit and never hears of it.
    KillAfter,
    /// The commit is done, and its answer is lost.
    LostAnswer,
    /// The store answers "conflict".
    Conflict,
    /// Somebody else does something in between.
    Meanwhile(Box<Action>),
}

const MILLIS: [u64; 8] = [1, 9, 400, 1_000, 5_000, 10_000, 70_000, 700_000];
const TTLS: [u64; 4] = [300, 5_000, 60_000, 3_600_000];
const WAITS: [u64; 4] = [500, 8_000, 60_000, 600_000];
const MANY: u64 = 1 << 20;

impl Step {
    pub(super) fn draw(setting: &Setting, random: &mut Random) -> Self {
        let action = Action::draw(setting, random);
        let trouble = random.one_in(7).then(|| Trouble {
            call: random.below(5),
            what: What::draw(setting, random),
        });
        Self { action, trouble }
    }
}

impl What {
    fn draw(setting: &Setting, random: &mut Random) -> Self {
        match random.below(12) {
            0 => Self::Fail,
            1 => Self::KillBefore,
            2 => Self::KillAfter,
            3 => Self::LostAnswer,
            4 => Self::Conflict,
            _ => Self::Meanwhile(Box::new(Action::draw(setting, random))),
        }
    }
}

fn index(random: &mut Random) -> usize {
    usize::try_from(random.below(MANY)).unwrap_or(0)
}

impl Action {
    fn draw(setting: &Setting, random: &mut Random) -> Self {
        let who = random.below(setting.agents);
        match random.below(100) {
            0..30 => Self::Ask(Request::draw(setting, random)),
            30..48 => Self::Run(index(random)),
            48..50 => Self::RunAll,
            50 => Self::Nudge(index(random)),
            51 => Self::Interrupt(index(random)),
            52..68 => Self::Release(index(random)),
            68..71 => {
                let ttl = random.one_in(2).then(|| *random.pick(&TTLS));
                Self::Renew(index(random), ttl)
            }
            71..73 => Self::Unlock {
                lease: index(random),
                who,
                how: *random.pick(&[Unlock::Id, Unlock::Owner, Unlock::Force]),
            },
            73..76 => Self::Again(index(random)),
            76..81 => Self::Retry {
                which: index(random),
                same_id: random.one_in(4),
            },
            81 => Self::Freeze {
                what: index(random),
                who,
                millis: *random.pick(&WAITS),
            },
            82 => Self::Thaw {
                what: index(random),
                who,
                force: random.one_in(2),
            },
            83..85 => Self::Timer(index(random)),
            85..88 => Self::Pass(*random.pick(&MILLIS)),
            88 => Self::Brink,
            89..93 => Self::Kill {
                which: index(random),
                command: random.one_in(3),
            },
            93 => Self::EndCommand(index(random)),
            94..96 => Self::Check(index(random)),
            96 if random.one_in(8) => Self::Boot(*random.pick(&MILLIS)),
            _ => Self::Compare(Request::draw(setting, random), random.number()),
        }
    }
}

impl Request {
    fn draw(setting: &Setting, random: &mut Random) -> Self {
        let count = if random.one_in(3) {
            2 + random.below(2)
        } else {
            1
        };
        let claims = (0..count).map(|_| claim(setting, random)).collect();
        let wait = match random.below(8) {
            0 | 1 => Wait::No,
            2 | 3 => Wait::Millis(*random.pick(&WAITS)),
            _ => Wait::Forever,
        };
        Self {
            who: random.below(setting.agents),
            claims,
            standing: random.one_in(4),
            inside: random.one_in(3).then(|| index(random)),
            wait,
            ttl: random.one_in(2).then(|| *random.pick(&TTLS)),
            keep_while_alive: random.one_in(8),
            priority: random.one_in(10).then(|| *random.pick(&[10, 100, 200])),
            strict: random.one_in(16),
        }
    }
}

/// Mostly exclusive; pools of two, or of a size that contradicts.
fn claim(setting: &Setting, random: &mut Random) -> (usize, usize, u32) {
    let name = *random.pick(&setting.names);
    let intent = match random.below(7) {
        0..3 => 2,
        3 | 4 => 1,
        _ => usize::try_from(random.below(6)).unwrap_or(0),
    };
    let size = match random.one_in(setting.other_size_one_in) {
        true => 1 + random.below(3),
        false => 2,
    };
    (name, intent, u32::try_from(size).unwrap_or(2))
}
