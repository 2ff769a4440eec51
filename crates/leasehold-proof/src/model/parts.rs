//! Strongly connected parts of the graph of states: where a history can go round.

use super::explore::{Edge, Graph};
use std::collections::{HashMap, VecDeque};

/// The graph without the steps that do not stay.
pub(super) struct Rounds<'a> {
    pub(super) graph: &'a Graph,
    pub(super) stays: &'a dyn Fn(&Edge) -> bool,
}

impl Rounds<'_> {
    /// The steps of a state that stay.
    pub(super) fn edges_of(&self, state: usize) -> impl Iterator<Item = &Edge> {
        let edges = self.graph.edges_of(state).iter();
        edges.filter(|edge| (self.stays)(edge))
    }

    /// Tarjan's algorithm without recursion: for each state the number of its strongly connected part.
    pub(super) fn parts(&self) -> Vec<u32> {
        const NEW: u32 = u32::MAX;
        let count = self.graph.len();
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
                let edges = self.graph.edges_of(state);
                if at == 0 {
                    (index[state], low[state]) = (next, next);
                    next += 1;
                    stack.push(state);
                } else {
                    let before = edges[at - 1].to as usize;
                    low[state] = low[state].min(low[before]);
                }
                let mut descends = false;
                for (at, edge) in edges.iter().enumerate().skip(at) {
                    let to = edge.to as usize;
                    if !(self.stays)(edge) {
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
    pub(super) fn tour(&self, part: &[usize]) -> Vec<u8> {
        let (mut at, mut way) = (part[0], Vec::new());
        let inside = |state: usize| part.binary_search(&state).is_ok();
        for mover in 0..8 {
            if let Some((steps, end)) = self.walk(at, &inside, &|edge| edge.mover == mover) {
                way.extend(steps);
                at = end;
            }
        }
        let home = |edge: &Edge| edge.to as usize == part[0];
        if at != part[0]
            && let Some((steps, _)) = self.walk(at, &inside, &home)
        {
            way.extend(steps);
        }
        way
    }

    /// The shortest way inside a part whose last step is one that is wanted.
    fn walk(
        &self,
        from: usize,
        inside: &impl Fn(usize) -> bool,
        wanted: &impl Fn(&Edge) -> bool,
    ) -> Option<(Vec<u8>, usize)> {
        let mut came: HashMap<usize, (usize, u8)> = HashMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(state) = queue.pop_front() {
            for edge in self.edges_of(state) {
                let to = edge.to as usize;
                if !inside(to) {
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
}
