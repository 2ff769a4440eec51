//! Starvation: a history without end in which everybody moves who can, and one claim never comes to its
//! end.
//!
//! Such a history ends up going round in one strongly connected part of the graph of states. So for
//! each claim the steps with which it comes to its end are left out, and what is then still connected
//! is looked at: it is a fair history if everybody has a step in it, or stands still in one of its
//! states. Faults are counted down, so none of them is in a circle.

use super::explore::{Edge, Graph, NOBODY};
use super::instance::Instance;
use super::trace;
use std::collections::{HashMap, VecDeque};

/// Returns how a claim starves, if one can.
pub(super) fn starved(instance: &Instance, graph: &Graph) -> Option<String> {
    let victims = instance.programs.iter().enumerate();
    // What runs inside another ends with that, and who does not wait may be refused for ever.
    let victims = victims.filter(|(_, p)| p.parent.is_none() && !p.may_be_refused());
    for (claim, program) in victims {
        if let Some(part) = fair_part(graph, claim) {
            let path = trace::path_to(graph, part[0]);
            let (far, round) = (path.len(), tour(graph, &part, claim));
            let path: Vec<u8> = path.into_iter().chain(round).collect();
            let told = trace::tell(instance, &path);
            let states = part.len();
            return Some(format!(
                "{} never comes to its end: after step {far} the rest can go round for ever \
                 ({states} states)\n{told}",
                program.text
            ));
        }
    }
    None
}

/// Whether a step stays when the ends of a claim are left out.
fn stays(edge: &Edge, claim: usize) -> bool {
    edge.mover == NOBODY || !(edge.is_through && usize::from(edge.mover) == claim)
}

/// A strongly connected part in which a history can go round fairly without an end of the claim.
fn fair_part(graph: &Graph, claim: usize) -> Option<Vec<usize>> {
    let parts = parts(graph, claim);
    let mut inside: HashMap<u32, (u8, u8, bool)> = HashMap::new();
    for (state, part) in parts.iter().enumerate() {
        // Who moves in it; who stands still somewhere in it; whether it goes round at all.
        let entry = inside.entry(*part).or_default();
        entry.1 |= !graph.movers[state];
        for edge in graph
            .edges_of(state)
            .iter()
            .filter(|edge| stays(edge, claim))
        {
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
    let part = parts[state];
    Some((state..parts.len()).filter(|s| parts[*s] == part).collect())
}

/// Tarjan's algorithm without recursion: for each state the number of its strongly connected part.
fn parts(graph: &Graph, claim: usize) -> Vec<u32> {
    const NEW: u32 = u32::MAX;
    let count = graph.len();
    let (mut index, mut low) = (vec![NEW; count], vec![0u32; count]);
    let mut part = vec![NEW; count];
    let (mut stack, mut next, mut found) = (Vec::new(), 0u32, 0u32);
    let mut calls: Vec<(usize, usize)> = Vec::new();
    for root in 0..count {
        if index[root] != NEW {
            continue;
        }
        calls.push((root, 0));
        while let Some((state, at)) = calls.pop() {
            if at == 0 {
                (index[state], low[state]) = (next, next);
                next += 1;
                stack.push(state);
            } else {
                let before = graph.edges_of(state)[at - 1].to as usize;
                low[state] = low[state].min(low[before]);
            }
            let edges = graph.edges_of(state);
            let mut descends = false;
            for (at, edge) in edges.iter().enumerate().skip(at) {
                let to = edge.to as usize;
                if !stays(edge, claim) {
                    continue;
                }
                if index[to] == NEW {
                    calls.push((state, at + 1));
                    calls.push((to, 0));
                    descends = true;
                    break;
                }
                if part[to] == NEW {
                    low[state] = low[state].min(index[to]);
                }
            }
            if !descends && low[state] == index[state] {
                while let Some(member) = stack.pop() {
                    part[member] = found;
                    if member == state {
                        break;
                    }
                }
                found += 1;
            }
        }
    }
    part
}

/// A way round through a part that takes a step of everybody who moves in it.
fn tour(graph: &Graph, part: &[usize], claim: usize) -> Vec<u8> {
    let (mut at, mut way) = (part[0], Vec::new());
    let inside = |state: usize| part.binary_search(&state).is_ok();
    for mover in 0..8 {
        let wanted = |edge: &Edge| edge.mover == mover && stays(edge, claim);
        if let Some((steps, end)) = walk(graph, at, claim, &inside, &wanted) {
            way.extend(steps);
            at = end;
        }
    }
    let home = |edge: &Edge| edge.to as usize == part[0];
    if at != part[0]
        && let Some((steps, _)) = walk(graph, at, claim, &inside, &home)
    {
        way.extend(steps);
    }
    way
}

/// The shortest way inside a part whose last step is one that is wanted.
fn walk(
    graph: &Graph,
    from: usize,
    claim: usize,
    inside: &impl Fn(usize) -> bool,
    wanted: &impl Fn(&Edge) -> bool,
) -> Option<(Vec<u8>, usize)> {
    let mut came: HashMap<usize, (usize, u8)> = HashMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(state) = queue.pop_front() {
        for edge in graph.edges_of(state) {
            let to = edge.to as usize;
            if !stays(edge, claim) || !inside(to) {
                continue;
            }
            if wanted(edge) {
                let (mut way, mut at) = (vec![edge.act], state);
                while at != from {
                    let (before, act) = came[&at];
                    way.push(act);
                    at = before;
                }
                way.reverse();
                return Some((way, to));
            }
            if to != from && !came.contains_key(&to) {
                came.insert(to, (state, edge.act));
                queue.push_back(to);
            }
        }
    }
    None
}
