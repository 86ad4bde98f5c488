//! Circles of a directed graph.

use std::collections::{BTreeMap, BTreeSet};

/// The nodes that each node leads to.
pub(super) type Graph<N> = BTreeMap<N, BTreeSet<N>>;

/// Returns the groups of two and more nodes in which each leads to each, directly or through
/// others.
pub(super) fn circles<N: Ord + Clone>(graph: &Graph<N>) -> Vec<BTreeSet<N>> {
    let reached: BTreeMap<&N, BTreeSet<&N>> =
        graph.keys().map(|node| (node, reachable(graph, node))).collect();
    let mut groups: Vec<BTreeSet<N>> = Vec::new();
    for (node, others) in &reached {
        if groups.iter().any(|group| group.contains(*node)) {
            continue;
        }
        let back = |other: &&&N| reached.get(**other).is_some_and(|others| others.contains(node));
        let mut group: BTreeSet<N> = others.iter().filter(back).copied().cloned().collect();
        group.insert((*node).clone());
        if group.len() > 1 {
            groups.push(group);
        }
    }
    groups
}

fn reachable<'a, N: Ord>(graph: &'a Graph<N>, from: &N) -> BTreeSet<&'a N> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&N> = graph.get(from).into_iter().flatten().collect();
    while let Some(node) = open.pop() {
        if reached.insert(node) {
            open.extend(graph.get(node).into_iter().flatten());
        }
    }
    reached
}
