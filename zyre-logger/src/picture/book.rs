//! Which node a correlation id stands for.

use std::collections::{BTreeMap, BTreeSet};

use super::key::Key;
use super::node::Node;
use crate::moment::SECOND;

/// How long after a node has gone lines are still about it: one that vanished is missed by others for
/// 30 s.
const SLACK: i64 = 60 * SECOND;

/// Where nodes are, or were.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    correlations: BTreeMap<u16, Vec<Key>>,
    hosts: BTreeMap<String, Vec<Key>>,
}

impl Book {
    /// Notes where a node is.
    pub(super) fn add(&mut self, key: &Key, correlation: u16, host: &str) {
        self.remove(&BTreeSet::from([key.clone()]));
        self.correlations.entry(correlation).or_default().push(key.clone());
        self.hosts.entry(host.to_owned()).or_default().push(key.clone());
    }

    /// Forgets nodes.
    pub(super) fn remove(&mut self, gone: &BTreeSet<Key>) {
        fn without<K: Ord>(map: &mut BTreeMap<K, Vec<Key>>, gone: &BTreeSet<Key>) {
            map.retain(|_, keys| {
                keys.retain(|one| !gone.contains(one));
                !keys.is_empty()
            });
        }
        without(&mut self.correlations, gone);
        without(&mut self.hosts, gone);
    }

    /// Returns the node that an id stands for at a moment. `source` is the address that a line came
    /// from, if the id is that of its writer: it tells nodes of several hosts apart, and one that is
    /// seen here at another endpoint than it gives itself.
    pub(super) fn resolve<'a>(
        &self,
        correlation: u16,
        source: Option<&str>,
        at: i64,
        node: impl Fn(&Key) -> Option<&'a Node>,
    ) -> Option<Key> {
        let known = || {
            let keys = self.correlations.get(&correlation).into_iter().flatten();
            keys.filter_map(|key| Some((key, node(key)?)))
        };
        let there: Vec<_> = known().filter(|(_, node)| node.is_there()).collect();
        match there.as_slice() {
            [(key, _)] => return Some((*key).clone()),
            [] => {}
            _ => {
                let mut here = there.iter().filter(|(_, node)| Some(node.host()) == source);
                return match (here.next(), here.next()) {
                    (Some((key, _)), None) => Some((*key).clone()),
                    _ => None,
                };
            }
        }
        let gone = known().filter_map(|(key, node)| Some((node.gone_at()?, key)));
        let last = gone.max_by_key(|(gone, _)| *gone);
        if let Some((_, key)) = last.filter(|(gone, _)| gone.saturating_add(SLACK) >= at) {
            return Some(key.clone());
        }
        let here = self.hosts.get(source.filter(|_| correlation != 0)?)?;
        let mut here = here.iter().filter(|key| node(key).is_some_and(Node::is_there));
        match (here.next(), here.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }
}
