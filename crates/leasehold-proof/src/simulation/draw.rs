//! Drawing what happens in a world, and what goes wrong in it.

use super::setting::Setting;
use super::step::{Action, Request, Step, Trouble, Unlock, What};
use crate::Random;
use leasehold_core::command::Wait;

const MILLIS: [u64; 8] = [1, 9, 400, 1_000, 5_000, 10_000, 70_000, 700_000];
const TTLS: [u64; 4] = [300, 5_000, 60_000, 3_600_000];
/// In a world made for it, how often one of the steps is a whole scene.
const SCENE_ONE_IN: u64 = 12;
/// One ends while the other goes on.
const TTLS_APART: [u64; 2] = [300, 60_000];
const WAITS: [u64; 4] = [500, 8_000, 60_000, 600_000];
const MANY: u64 = 1 << 20;

/// Draws what happens in a world, from the beginning to the end.
pub(super) fn steps(setting: &Setting, random: &mut Random) -> Vec<Step> {
    let mut steps = Vec::new();
    while (steps.len() as u64) < setting.steps {
        match setting.is_lapsing && random.one_in(SCENE_ONE_IN) {
            true => steps.extend(late_renewal(setting, random)),
            false => steps.push(Step::draw(setting, random)),
        }
    }
    steps
}

/// What chance seldom makes: a slot lapses, somebody asks for one of a pool of another size and has to
/// wait for something else, and the slot is renewed late; then that something is given back.
fn late_renewal(setting: &Setting, random: &mut Random) -> Vec<Step> {
    let (pool, other) = (setting.names[0], setting.names[1]);
    let slot = |random: &mut Random| (pool, 2, 1 + u32::try_from(random.below(3)).unwrap_or(0));
    let ask = |random: &mut Random, claims, wait, ttl| {
        Action::Ask(Request {
            claims,
            standing: false,
            inside: None,
            wait,
            ttl,
            keep_while_alive: false,
            priority: None,
            strict: false,
            who: random.below(setting.agents),
        })
    };
    let (first, second) = (slot(random), slot(random));
    let actions = [
        ask(random, vec![first], Wait::No, Some(TTLS_APART[0])),
        ask(random, vec![(other, 2, 2)], Wait::No, None),
        Action::Pass(1_000),
        ask(random, vec![second, (other, 2, 2)], Wait::Forever, None),
        Action::Revive(index(random)),
        Action::Release(index(random)),
    ];
    let undisturbed = |action| Step {
        action,
        trouble: None,
    };
    actions.into_iter().map(undisturbed).collect()
}

impl Step {
    fn draw(setting: &Setting, random: &mut Random) -> Self {
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
        if setting.is_lapsing && random.one_in(5) {
            return match random.below(3) {
                0 => Self::Pass(*random.pick(&MILLIS[..4])),
                _ => Self::Revive(index(random)),
            };
        }
        match random.below(100) {
            0..30 => Self::Ask(Request::draw(setting, random)),
            30..46 => Self::Run(index(random)),
            46..48 => Self::Look(index(random)),
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
        let (several_one_in, ttl_one_in, ttls) = match setting.is_lapsing {
            true => (2, 1, &TTLS_APART[..]),
            false => (3, 2, &TTLS[..]),
        };
        let count = if random.one_in(several_one_in) {
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
            ttl: random.one_in(ttl_one_in).then(|| *random.pick(ttls)),
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
        _ if setting.is_lapsing => 2,
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
