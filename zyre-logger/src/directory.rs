//! What a correlation id stands for.

use std::collections::BTreeMap;

use crate::NodeInterval;
use crate::moment::SECOND;

/// How far outside of a node's interval a line may be and still belong to it: lines of a node come
/// before it has entered here, and others speak of it after it has gone (EXIT of a node that
/// vanished: 30 s).
const SLACK: i64 = 60 * SECOND;

/// What a correlation id stands for at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// No node with this id was seen about then.
    Unknown,
    /// One node.
    Node(&'a NodeInterval),
    /// One of these: their endpoints have the same correlation id.
    Several(Vec<&'a NodeInterval>),
}

/// The intervals of all nodes, by correlation id.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// By correlation id.
    entries: BTreeMap<u16, Vec<NodeInterval>>,
    len: usize,
}

impl Directory {
    /// How many intervals are kept by a collector that watches for ever.
    pub const LIVE: usize = 16_384;

    /// Adds an interval, or extends the one of the same node at the same endpoint.
    pub fn add(&mut self, interval: NodeInterval) {
        let known = self.entries.entry(interval.correlation).or_default();
        let same = known
            .iter_mut()
            .find(|one| one.peer == interval.peer && one.endpoint == interval.endpoint);
        if let Some(same) = same {
            same.first = same.first.min(interval.first);
            same.last = same.last.max(interval.last);
            same.name = interval.name;
        } else {
            known.push(interval);
            self.len += 1;
        }
    }

    /// Forgets the oldest intervals if there are more than `most`.
    pub fn limit(&mut self, most: usize) {
        if self.len <= most {
            return;
        }
        let mut lasts: Vec<i64> = self.all().map(|interval| interval.last).collect();
        // A quarter at once, so that this is rare.
        let (_, bound, _) = lasts.select_nth_unstable((self.len - most / 4 * 3).min(self.len - 1));
        let bound = *bound;
        self.entries.retain(|_, known| {
            known.retain(|interval| interval.last > bound);
            !known.is_empty()
        });
        self.len = self.entries.values().map(Vec::len).sum();
    }

    /// Returns all intervals, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = &NodeInterval> {
        self.entries.values().flatten()
    }

    /// Returns what a correlation id stands for at a moment. `source` is the address that a line
    /// came from, if the id is that of the node that sent it: it tells nodes of several hosts
    /// apart, and a node on several networks, which is seen here at another endpoint than it gives
    /// itself, if no other node is at that address.
    pub fn resolve(&self, correlation: u16, at: i64, source: Option<&str>) -> Resolution<'_> {
        let known = self.entries.get(&correlation).map_or(&[][..], Vec::as_slice);
        let nearest = known.iter().map(|interval| interval.distance(at)).min();
        let Some(nearest) = nearest.filter(|distance| *distance <= SLACK) else {
            return self.only_node_at(at, source.filter(|_| correlation != 0));
        };
        let mut found: Vec<_> =
            known.iter().filter(|interval| interval.distance(at) == nearest).collect();
        if let Some(source) = source
            && found.iter().any(|interval| interval.host() == source)
        {
            found.retain(|interval| interval.host() == source);
        }
        let first = found[0];
        if found.iter().all(|interval| interval.endpoint == first.endpoint) {
            // An endpoint that another node has taken over: the newer one.
            return Resolution::Node(
                found.iter().max_by_key(|s| s.first).copied().unwrap_or(first),
            );
        }
        Resolution::Several(found)
    }

    fn only_node_at(&self, at: i64, source: Option<&str>) -> Resolution<'_> {
        let Some(source) = source else { return Resolution::Unknown };
        let there = |one: &&NodeInterval| one.distance(at) == 0 && one.host() == source;
        let mut found = self.all().filter(there);
        match (found.next(), found.next()) {
            (Some(only), None) => Resolution::Node(only),
            _ => Resolution::Unknown,
        }
    }

    /// Returns the name of a correlation id for people: a name, `#1a2b` if unknown, `alice|bob` if
    /// it may be one or the other; empty for 0. As it came from the network.
    pub fn name(&self, correlation: u16, at: i64, source: Option<&str>) -> String {
        match self.resolve(correlation, at, source) {
            Resolution::Unknown if correlation == 0 => String::new(),
            Resolution::Unknown => format!("#{correlation:04x}"),
            Resolution::Node(interval) => interval.name.clone(),
            Resolution::Several(found) => {
                let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
                names.join("|")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(name: &str, correlation: u16, host: &str, first: i64, last: i64) -> NodeInterval {
        NodeInterval {
            correlation,
            endpoint: format!("tcp://{host}:{}", 49152 + name.len()),
            peer: format!("{name:0>32}"),
            name: name.to_owned(),
            first: first * SECOND,
            last: last * SECOND,
        }
    }

    #[test]
    fn an_id_that_is_used_again_means_the_node_of_the_time() {
        let mut directory = Directory::default();
        directory.add(interval("alice", 7, "10.0.0.1", 100, 200));
        directory.add(interval("bob", 7, "10.0.0.2", 300, 400));
        let name = |at: i64| directory.name(7, at * SECOND, None);
        assert_eq!([name(150), name(350), name(210), name(290)], ["alice", "bob", "alice", "bob"]);
        assert_eq!([name(30), name(461)], ["#0007", "#0007"]);
        assert_eq!(directory.name(0, 0, None), "");
    }

    #[test]
    fn a_collision_says_so_unless_the_address_decides() {
        let mut directory = Directory::default();
        directory.add(interval("alice", 7, "10.0.0.1", 100, 200));
        directory.add(interval("bob", 7, "10.0.0.2", 100, 200));
        assert_eq!(directory.name(7, 150 * SECOND, None), "alice|bob");
        assert_eq!(directory.name(7, 150 * SECOND, Some("10.0.0.2")), "bob");
        assert_eq!(directory.name(7, 150 * SECOND, Some("10.0.0.9")), "alice|bob");
    }

    #[test]
    fn a_node_on_several_networks_is_known_by_its_address_here() {
        let mut directory = Directory::default();
        directory.add(interval("alice", 7, "10.1.0.1", 100, 200));
        directory.add(interval("bob", 8, "10.1.0.2", 100, 200));
        let name = |id, at, source| directory.name(id, at * SECOND, Some(source));
        assert_eq!(name(9, 150, "10.1.0.1"), "alice");
        assert_eq!(name(9, 300, "10.1.0.1"), "#0009", "it is not there then");
        assert_eq!(name(9, 150, "10.1.0.3"), "#0009");
        assert_eq!(name(0, 150, "10.1.0.1"), "");
        assert_eq!(directory.name(9, 150 * SECOND, None), "#0009");
        directory.add(interval("carol", 10, "10.1.0.1", 100, 200));
        let name = |id, at, source| directory.name(id, at * SECOND, Some(source));
        assert_eq!(name(9, 150, "10.1.0.1"), "#0009", "either may have said it");
    }

    #[test]
    fn an_endpoint_that_was_taken_over_means_the_newer_node() {
        let mut directory = Directory::default();
        directory.add(interval("alice", 7, "10.0.0.1", 100, 200));
        directory.add(interval("carol", 7, "10.0.0.1", 190, 300));
        assert_eq!(directory.name(7, 195 * SECOND, None), "carol");
    }

    #[test]
    fn one_that_watches_for_ever_forgets() {
        let mut directory = Directory::default();
        for i in 0..100_u16 {
            directory.add(interval("x", i, "10.0.0.1", i.into(), i.into()));
            directory.limit(40);
            assert!(directory.all().count() <= 40);
        }
        assert_eq!(directory.name(99, 99 * SECOND, None), "x");
        assert_eq!(directory.all().count(), directory.len);
    }
}
