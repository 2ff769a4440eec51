//! Agents whose waits are cut off: by the end of a call of a program, and by kills.

use crate::support::{World, ask};
use leasehold_core::command::{Ask, Command, Proof, Wait};
use leasehold_core::verdict::Verdict;
use leasehold_core::view::Key;
use leasehold_core::{Identity, LeaseId, Timestamp};
use leasehold_service::Leasing;
use leasehold_store::conformance::sample::Draw;
use leasehold_store::{Presence, Store};

const AGENTS: u128 = 20;
/// How often each wants the lease.
const TURNS: u32 = 5;
/// How long a call of a program may take.
const CALL_MS: u64 = 100_000;

/// What an agent does, and until when.
enum Doing {
    /// Reads what came out of its last call.
    Thinking(Timestamp),
    /// Waits in a call, which is killed at the second time if there is one.
    Waiting(Box<dyn Presence>, Timestamp, Option<Timestamp>),
    Holding(Box<dyn Presence>, Timestamp),
    Nothing,
}

impl Doing {
    fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Thinking(until) | Self::Holding(_, until) => Some(*until),
            Self::Waiting(_, until, killed) => Some(killed.unwrap_or(*until)),
            Self::Nothing => None,
        }
    }
}

struct Agent {
    who: Identity,
    doing: Doing,
    /// Its last request.
    id: LeaseId,
    /// When it first asked for what it still wants.
    arrived: Option<Timestamp>,
    turns: u32,
}

struct Office {
    world: World,
    agents: Vec<Agent>,
    draw: Draw,
    calls: u128,
    /// Waits that were killed, and that ran out of time.
    cut_off: (u32, u32),
}

impl Office {
    fn new(seed: u64) -> Self {
        let (world, mut draw) = (World::new(), Draw::new(seed));
        let start = world.clock.now();
        let agent = |number: u128| Agent {
            who: Identity::named("agent", "h").in_session(&number.to_string()),
            doing: Doing::Thinking(start.plus_millis(draw.below(30_000))),
            id: LeaseId::new(0),
            arrived: None,
            turns: 0,
        };
        let agents = (0..AGENTS).map(agent).collect();
        Self {
            world,
            agents,
            draw,
            calls: 0,
            cut_off: (0, 0),
        }
    }

    fn later(&mut self, least: u64, most: u64) -> Timestamp {
        let now = self.world.clock.now();
        now.plus_millis(least + self.draw.below(most - least))
    }

    fn execute(&self, command: &Command) -> Verdict {
        self.world.coordinator.execute(command).unwrap().value
    }

    /// Does the next thing that is due; returns whether there was one.
    fn step(&mut self) -> bool {
        let times = self.agents.iter().map(|agent| agent.doing.until());
        let due = times
            .enumerate()
            .filter_map(|(at, until)| Some((until?, at)));
        let Some((time, at)) = due.min() else {
            return false;
        };
        let clock = &self.world.clock;
        clock.advance(time.millis_since(clock.now()));
        match std::mem::replace(&mut self.agents[at].doing, Doing::Nothing) {
            Doing::Thinking(_) => self.ask(at),
            Doing::Waiting(presence, _, Some(_)) => {
                drop(presence);
                self.cut_off.0 += 1;
                self.agents[at].doing = Doing::Thinking(self.later(1_000, 60_000));
            }
            Doing::Waiting(presence, ..) => self.time_out(at, presence),
            Doing::Holding(presence, _) => self.release(at, presence),
            Doing::Nothing => unreachable!("nothing is never due"),
        }
        self.pick_up();
        true
    }

    fn ask(&mut self, at: usize) {
        self.calls += 1;
        let (id, now) = (LeaseId::new(self.calls), self.world.clock.now());
        let agent = &mut self.agents[at];
        agent.id = id;
        agent.arrived.get_or_insert(now);
        let wait = Wait::Millis(CALL_MS);
        let ask = Ask {
            wait,
            ..ask(self.calls, "build", agent.who.clone())
        };
        let presence = self.world.coordinator.store().attend(id).unwrap();
        match self.world.ask(ask) {
            Verdict::Granted(lease) if lease.is_bound() => self.hold(at, presence),
            Verdict::Granted(_) | Verdict::Queued(_) => {
                let end = now.plus_millis(CALL_MS);
                let killed = self.draw.one_in(4).then(|| self.later(1, CALL_MS));
                self.agents[at].doing = Doing::Waiting(presence, end, killed);
            }
            other => panic!("{other:?}"),
        }
    }

    fn hold(&mut self, at: usize, presence: Box<dyn Presence>) {
        self.agents[at].doing = Doing::Holding(presence, self.later(5_000, 90_000));
    }

    fn time_out(&mut self, at: usize, presence: Box<dyn Presence>) {
        let verdict = self.execute(&Command::Timeout(self.agents[at].id));
        assert!(
            !matches!(verdict, Verdict::Granted(_)),
            "it was picked up at once"
        );
        presence.end();
        self.cut_off.1 += 1;
        self.agents[at].doing = Doing::Thinking(self.later(1_000, 20_000));
    }

    fn release(&mut self, at: usize, presence: Box<dyn Presence>) {
        let (lease, by) = (self.agents[at].id, self.agents[at].who.clone());
        let proof = Proof::Id;
        let verdict = self.execute(&Command::Release { lease, by, proof });
        assert_eq!(verdict, Verdict::Done);
        presence.end();
        let thinks = self.later(1_000, 120_000);
        let agent = &mut self.agents[at];
        agent.arrived = None;
        agent.turns += 1;
        if agent.turns < TURNS {
            agent.doing = Doing::Thinking(thinks);
        }
    }

    /// Lets whoever was granted the lease take it: of those who wait it has to be the first that came.
    fn pick_up(&mut self) {
        let view = self.world.coordinator.look(&[Key::All]).unwrap().value;
        let granted = view.leases().find(|lease| !lease.is_bound());
        let Some(id) = granted.map(|lease| lease.id) else {
            return;
        };
        let waits = |agent: &&Agent| matches!(agent.doing, Doing::Waiting(..));
        let first = self
            .agents
            .iter()
            .filter(waits)
            .min_by_key(|agent| agent.arrived);
        let at = self.agents.iter().position(|agent| agent.id == id).unwrap();
        assert_eq!(
            first.unwrap().arrived,
            self.agents[at].arrived,
            "not in order of arrival"
        );
        let bound = self.execute(&Command::Bind(id));
        assert!(matches!(bound, Verdict::Granted(_)), "{bound:?}");
        match std::mem::replace(&mut self.agents[at].doing, Doing::Nothing) {
            Doing::Waiting(presence, ..) => self.hold(at, presence),
            _ => panic!("who does not wait was granted it"),
        }
    }
}

#[test]
fn agents_whose_waits_are_cut_off_are_served_in_order_of_arrival() {
    let mut cut_off = (0, 0);
    for seed in 0..20 {
        let mut office = Office::new(seed);
        let start = office.world.clock.now();
        while office.step() {
            let hours = office.world.clock.now().millis_since(start) / 3_600_000;
            assert!(hours < 24, "seed {seed}: somebody starves");
        }
        assert!(
            office.agents.iter().all(|agent| agent.turns == TURNS),
            "seed {seed}"
        );
        cut_off.0 += office.cut_off.0;
        cut_off.1 += office.cut_off.1;
    }
    // It says something only if many were.
    assert!(cut_off.0 > 1_000 && cut_off.1 > 1_000, "{cut_off:?}");
}
