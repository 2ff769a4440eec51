//! Breadth first through all states of an instance.

use super::act::{Act, Done};
use super::instance::Instance;
use super::print::Printer;
use super::world::World;
use super::{check, trace};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One step, from the node whose list it is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) to: u32,
    /// Its place among what can happen in that state.
    pub(super) act: u8,
    /// Whose doing it is; [`NOBODY`] for faults.
    pub(super) mover: u8,
    /// Whether the mover came to its end with it.
    pub(super) is_through: bool,
    /// Whether the mover was told no.
    pub(super) is_refused: bool,
    /// Whether nothing was committed, and nobody came to its end or was told no.
    pub(super) is_idle: bool,
}

/// The mover of a fault.
pub(super) const NOBODY: u8 = u8::MAX;

/// All states found, by number.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// For each state the one it was first reached from, and by which act.
    pub(super) parents: Vec<(u32, u8)>,
    /// Which movers can move, as a set.
    pub(super) movers: Vec<u8>,
    /// The steps of all states, one after the other.
    pub(super) edges: Vec<Edge>,
    /// Where those of each state begin.
    pub(super) starts: Vec<usize>,
}

impl Graph {
    pub(super) fn edges_of(&self, state: usize) -> &[Edge] {
        let end = self.starts.get(state + 1).copied();
        &self.edges[self.starts[state]..end.unwrap_or(self.edges.len())]
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }
}

/// What an exploration found.
#[derive(Debug, Default)]
pub(super) struct Explored {
    pub(super) states: u64,
    pub(super) faults: u64,
    /// Whether there were more states than allowed.
    pub(super) cut: bool,
    /// The first violation, with the shortest history that leads to it.
    pub(super) violation: Option<String>,
}

/// The fingerprints are hashes already.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are looked up")
    }
    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}

/// Explores an instance, at most so many states of it.
pub(super) fn explore(instance: &Instance, states_max: usize) -> Explored {
    let (mut found, graph) = explore_graph(instance, states_max);
    if found.violation.is_none() && !found.cut {
        found.violation = super::cycle::endless(instance, &graph);
    }
    found
}

/// Explores an instance, and returns what it has explored too. Circles are not looked for.
pub(super) fn explore_graph(instance: &Instance, states_max: usize) -> (Explored, Graph) {
    let mut search = Search {
        instance,
        seen: HashMap::default(),
        graph: Graph::default(),
        queue: VecDeque::new(),
        found: Explored::default(),
    };
    search.run(states_max);
    let mut found = search.found;
    found.states = search.graph.parents.len() as u64;
    (found, search.graph)
}

struct Search<'a> {
    instance: &'a Instance,
    seen: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    graph: Graph,
    queue: VecDeque<World>,
    found: Explored,
}

impl Search<'_> {
    fn run(&mut self, states_max: usize) {
        let first = World::new(self.instance);
        if self.reach(first, (u32::MAX, 0)).is_none() {
            return;
        }
        while let Some(world) = self.queue.pop_front() {
            self.found.cut = self.graph.parents.len() > states_max;
            if self.found.cut || !self.expand(&world) {
                return;
            }
        }
    }

    /// Takes all steps of a state; `false` after a violation.
    fn expand(&mut self, world: &World) -> bool {
        let from = self.graph.starts.len();
        let acts = world.acts(self.instance);
        let movers = acts.iter().filter_map(|act| act.mover());
        self.graph
            .movers
            .push(movers.fold(0, |set, mover| set | 1 << mover));
        self.graph.starts.push(self.graph.edges.len());
        for (at, act) in acts.into_iter().enumerate() {
            let at = u8::try_from(at).expect("few things can happen");
            let from = u32::try_from(from).expect("states are few enough");
            let mut next = world.clone();
            let step = catch_unwind(AssertUnwindSafe(|| next.act(self.instance, act)));
            let judged = step.map_err(|_| "the kernel panicked".to_owned());
            let judged = judged.and_then(|done| {
                check::step(self.instance, world, act, &done, &next)?;
                Ok(done)
            });
            let done = match judged {
                Ok(done) => done,
                Err(what) => return self.violated(&what, (from, at)),
            };
            self.found.faults += u64::from(act.is_fault());
            let Some(to) = self.reach(next, (from, at)) else {
                return false;
            };
            self.graph.edges.push(edge(to, at, act, &done));
        }
        true
    }

    /// Notes a state; `None` after a violation.
    fn reach(&mut self, world: World, parent: (u32, u8)) -> Option<u32> {
        let print = Printer::print(self.instance, &world);
        let new = u32::try_from(self.graph.parents.len()).expect("states are few enough");
        match self.seen.entry(print) {
            std::collections::hash_map::Entry::Occupied(old) => Some(*old.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(new);
                if let Err(what) = check::state(self.instance, &world) {
                    self.violated(&what, parent);
                    return None;
                }
                self.graph.parents.push(parent);
                self.queue.push_back(world);
                Some(new)
            }
        }
    }

    fn violated(&mut self, what: &str, (from, act): (u32, u8)) -> bool {
        let mut path = Vec::new();
        if from != u32::MAX {
            path = trace::path_to(&self.graph, from as usize);
            path.push(act);
        }
        let told = trace::tell(self.instance, &path);
        self.found.violation = Some(format!("{what}\n{told}"));
        false
    }
}

fn edge(to: u32, at: u8, act: Act, done: &Done) -> Edge {
    let mover = act.mover().and_then(|mover| u8::try_from(mover).ok());
    Edge {
        to,
        act: at,
        mover: mover.unwrap_or(NOBODY),
        is_through: done.is_through,
        is_refused: done.is_refused,
        is_idle: done.events.is_empty() && !done.is_through && !done.is_refused,
    }
}
