//! Serializability: what the commands read and wrote could have been one after the other.
//!
//! The edges come from the versions of the registers alone, not from any clock: who wrote a version goes
//! before who read it and before who wrote the next one, and who read it before who wrote the next one
//! (Adya, "Weak consistency", 1999: the direct serialization graph). A command over several resources is
//! one node, so a lease that was granted in part shows as a cycle.

use crate::processes::history::What;
use crate::processes::story::Story;
use std::collections::{BTreeMap, BTreeSet};

/// Which operation has to go before which.
pub(in crate::processes) type Graph = BTreeMap<u64, BTreeSet<u64>>;

/// The graph has no cycle.
pub(in crate::processes) fn acyclic(story: &Story) -> Vec<String> {
    let graph = graph(story);
    let Some(cycle) = cycle(&graph) else {
        return Vec::new();
    };
    let lines: Vec<String> = cycle
        .iter()
        .filter_map(|op| story.ops.get(op))
        .map(super::super::story::Op::line)
        .collect();
    vec![format!(
        "no order explains what these read and wrote: {}",
        lines.join("; ")
    )]
}

fn graph(story: &Story) -> Graph {
    let mut writers: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    let mut readers: BTreeMap<(&str, u64), BTreeSet<u64>> = BTreeMap::new();
    for hold in &story.holds {
        for (t, what) in &story.ops[&hold.op].seen {
            // Who lost his lease may read anything; his writes are fenced.
            let is_lost = *t >= hold.certain && hold.certain < hold.end;
            match what {
                What::Wrote { atom, version } => _ = writers.insert((atom, *version), hold.op),
                What::Read { atom, version, .. } if !is_lost => {
                    readers.entry((atom, *version)).or_default().insert(hold.op);
                }
                _ => {}
            }
        }
    }
    let mut graph = Graph::new();
    let mut edge = |from: u64, to: u64| {
        if from != to {
            graph.entry(from).or_default().insert(to);
        }
    };
    for ((atom, version), writer) in &writers {
        if let Some(next) = writers.get(&(*atom, version + 1)) {
            edge(*writer, *next);
        }
    }
    for ((atom, version), readers) in &readers {
        for reader in readers {
            if let Some(writer) = writers.get(&(*atom, *version)) {
                edge(*writer, *reader);
            }
            if let Some(next) = writers.get(&(*atom, version + 1)) {
                edge(*reader, *next);
            }
        }
    }
    graph
}

/// Returns a cycle, if there is one.
pub(in crate::processes) fn cycle(graph: &Graph) -> Option<Vec<u64>> {
    let mut done = BTreeSet::new();
    for start in graph.keys() {
        let mut path: Vec<(u64, Vec<u64>)> = vec![(*start, next(graph, *start))];
        while let Some((node, rest)) = path.last_mut() {
            let node = *node;
            let Some(to) = rest.pop() else {
                done.insert(node);
                path.pop();
                continue;
            };
            if let Some(at) = path.iter().position(|(on, _)| *on == to) {
                return Some(path[at..].iter().map(|(on, _)| *on).collect());
            }
            if !done.contains(&to) {
                path.push((to, next(graph, to)));
            }
        }
    }
    None
}

fn next(graph: &Graph, node: u64) -> Vec<u64> {
    graph.get(&node).into_iter().flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::check::sample::Sample;

    #[test]
    fn one_after_the_other_is_serial() {
        let mut sample = Sample::default();
        sample
            .guard(1, "build", 10..20)
            .reads(1, "build", 0)
            .writes(1, "build", 1);
        sample
            .guard(2, "build", 30..40)
            .reads(2, "build", 1)
            .writes(2, "build", 2);
        assert_eq!(acyclic(&sample.story()), Vec::<String>::new());
    }

    #[test]
    fn a_crossing_is_not() {
        let mut sample = Sample::default();
        // Each reads one before the other writes it.
        sample
            .guard(1, "build", 10..40)
            .reads(1, "build", 0)
            .writes(1, "deploy", 1);
        sample
            .guard(2, "deploy", 11..39)
            .reads(2, "deploy", 0)
            .writes(2, "build", 1);
        assert_eq!(acyclic(&sample.story()).len(), 1);
    }
}
