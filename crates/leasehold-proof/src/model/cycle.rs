//! Histories without end that come to nothing.
//!
//! Such a history ends up going round in one strongly connected part of the graph of states. So the
//! steps that would be progress are left out, and what is then still connected is looked at:
//!
//! * *starvation*: one claim never comes to its end, though everybody moves who can;
//! * *livelock*: nobody ever comes to its end, nor is told no, though everybody moves who can;
//! * *spinning*: somebody goes round without anything being committed, whatever others do: awake for
//!   nothing.
//!
//! A history is fair if everybody has a step in it, or stands still in one of its states. Faults are
//! counted down, so none of them is in a circle.

use super::explore::{Edge, Graph, NOBODY};
use super::instance::Instance;
use super::parts::Rounds;
use super::trace;
use std::collections::HashMap;

/// Returns what goes round for ever, if anything can.
pub(super) fn endless(instance: &Instance, graph: &Graph) -> Option<String> {
    let claims = 0..instance.programs.len();
    let victims: Vec<usize> = claims.filter(|claim| instance.must_end(*claim)).collect();
    let is_progress = |edge: &Edge| edge.is_through || edge.is_refused;
    let found = match victims[..] {
        _ if !instance.fair => None,
        // Where somebody must come to its end, a livelock is its starvation.
        [] if instance.mixes_priorities() => None,
        [] => livelock(graph, &is_progress),
        _ => victims
            .iter()
            .find_map(|claim| starved(instance, graph, *claim)),
    };
    let found = spinning(graph).or(found);
    found.map(|circle| circle.tell(instance, graph))
}

/// A part that a history can stay in, and a way round in it.
pub(super) struct Circle {
    what: String,
    part: Vec<usize>,
    round: Vec<u8>,
}

impl Circle {
    fn tell(&self, instance: &Instance, graph: &Graph) -> String {
        let path = trace::path_to(graph, self.part[0]);
        let (far, states) = (path.len(), self.part.len());
        let path: Vec<u8> = path.into_iter().chain(self.round.iter().copied()).collect();
        let told = trace::tell(instance, &path);
        let what = &self.what;
        format!("{what}: after step {far} it can go round for ever ({states} states)\n{told}")
    }
}

fn starved(instance: &Instance, graph: &Graph, claim: usize) -> Option<Circle> {
    let own_end = |edge: &Edge| edge.is_through && usize::from(edge.mover) == claim;
    let text = &instance.programs[claim].text;
    fair(graph, &|edge| !own_end(edge), || {
        format!("{text} never comes to its end")
    })
}

/// A circle that everybody who can move takes part in, without a step that is progress.
pub(super) fn livelock(graph: &Graph, progress: &dyn Fn(&Edge) -> bool) -> Option<Circle> {
    fair(graph, &|edge| !progress(edge), || {
        "livelock: nobody ever comes to an end".to_owned()
    })
}

/// A circle of steps that commit nothing. It need not be fair: nobody else has to do anything for it.
pub(super) fn spinning(graph: &Graph) -> Option<Circle> {
    let idles = |edge: &Edge| edge.mover != NOBODY && edge.is_idle;
    let rounds = Rounds {
        graph,
        stays: &idles,
    };
    let parts = rounds.parts();
    let goes_round = |state: usize| {
        let mut edges = rounds.edges_of(state);
        edges.any(|edge| parts[edge.to as usize] == parts[state])
    };
    let state = (0..graph.len()).find(|state| goes_round(*state))?;
    circle(&rounds, &parts, state, || {
        "somebody is awake for nothing".to_owned()
    })
}

fn fair(graph: &Graph, stays: &dyn Fn(&Edge) -> bool, what: impl Fn() -> String) -> Option<Circle> {
    let rounds = Rounds { graph, stays };
    let parts = rounds.parts();
    let mut inside: HashMap<u32, (u8, u8, bool)> = HashMap::new();
    for (state, part) in parts.iter().enumerate() {
        // Who moves in it; who stands still somewhere in it; whether it goes round at all.
        let entry = inside.entry(*part).or_default();
        entry.1 |= !graph.movers[state];
        for edge in rounds.edges_of(state) {
            if parts[edge.to as usize] == *part {
                entry.2 = true;
                if edge.mover != NOBODY {
                    entry.0 |= 1 << edge.mover;
                }
            }
        }
    }
    let is_fair = |(moves, rests, round): &(u8, u8, bool)| *round && moves | rests == u8::MAX;
    let state = parts.iter().position(|part| is_fair(&inside[part]))?;
    circle(&rounds, &parts, state, what)
}

/// The part of a state that is the first of it.
fn circle(
    rounds: &Rounds<'_>,
    parts: &[u32],
    state: usize,
    what: impl Fn() -> String,
) -> Option<Circle> {
    let members = (state..parts.len()).filter(|member| parts[*member] == parts[state]);
    let part: Vec<usize> = members.collect();
    let round = rounds.tour(&part);
    let what = what();
    Some(Circle { what, part, round })
}

#[cfg(test)]
mod tests {
    use super::super::explore::explore_graph;
    use super::*;

    const STATES_MAX: usize = 100_000;

    /// Two who do not wait refuse each other for ever, in step: what a livelock looks like.
    #[test]
    fn a_planted_livelock_is_found() {
        let instance = Instance::new("refusing", &["a: A{B?}", "b: B{A?}"]);
        let (found, graph) = explore_graph(&instance, STATES_MAX);
        assert_eq!(found.violation, None);
        let round = livelock(&graph, &|edge| edge.is_through).expect("both are refused each time");
        let told = round.tell(&instance, &graph);
        assert!(
            told.contains("refused a B") && told.contains("refused b A"),
            "{told}"
        );
        // It is their own wish: a refusal is an answer.
        assert!(livelock(&graph, &|edge| edge.is_through || edge.is_refused).is_none());
    }

    /// What waits behind a killed waiter watches the dead one. Unless it has that one looked at, it wakes,
    /// finds nothing changed, and watches it again.
    #[test]
    fn a_waiter_that_is_awake_for_nothing_is_found() {
        let kills = super::super::instance::Faults {
            kills: 1,
            ..Default::default()
        };
        let mut instance = Instance::new("spinning", &["a: A", "b: A", "c: A"]).faults(kills);
        let (found, graph) = explore_graph(&instance, STATES_MAX);
        assert!(found.violation.is_none() && endless(&instance, &graph).is_none());
        instance.looks_at_watched = false;
        let (_, graph) = explore_graph(&instance, STATES_MAX);
        let told = endless(&instance, &graph).expect("a planted bug");
        assert!(told.starts_with("somebody is awake for nothing"), "{told}");
    }

    /// Nobody moves in step with the others: not fair, so no livelock.
    #[test]
    fn a_circle_that_leaves_somebody_out_who_can_move_is_no_livelock() {
        let edge = |to, mover| Edge {
            to,
            act: 0,
            mover,
            is_through: false,
            is_refused: false,
            is_idle: false,
        };
        let mut graph = Graph {
            parents: vec![(u32::MAX, 0), (0, 0), (0, 0)],
            movers: vec![0b11, 0b11, 0b00],
            edges: vec![edge(1, 0), edge(2, 1), edge(0, 0), edge(2, 1)],
            starts: vec![0, 2, 4],
        };
        assert!(livelock(&graph, &|_| false).is_none());
        // Where the other has to stand still in one of its states it is one.
        graph.movers[1] = 0b01;
        assert!(livelock(&graph, &|_| false).is_some());
    }
}
