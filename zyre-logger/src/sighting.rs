//! Which node was where, and when: what a correlation id may mean.

use crate::moment::SECOND;

/// How far outside of the time in which a node was seen a line may be and still be its: lines of a
/// node come before it has entered here, and others speak of it after it has gone (EXIT of a node
/// that vanished: 30 s).
const SLACK: i64 = 60 * SECOND;

/// A node at an endpoint, as the collector's own node saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The correlation id of the endpoint.
    pub correlation: u16,
    /// Such as `tcp://192.168.1.7:49152`.
    pub endpoint: String,
    /// The id, 32 hexadecimal digits. New for every start of a node.
    pub peer: String,
    /// The name for people.
    pub name: String,
    /// When it entered, in microseconds since 1970.
    pub first: i64,
    /// When it was last known to be there.
    pub last: i64,
}

impl Sighting {
    /// How far a moment is from the time in which the node was there; 0 within it.
    pub(crate) const fn distance(&self, at: i64) -> i64 {
        if at < self.first {
            self.first.saturating_sub(at)
        } else if at > self.last {
            at.saturating_sub(self.last)
        } else {
            0
        }
    }

    /// The address without the port.
    fn host(&self) -> &str {
        let address = self.endpoint.strip_prefix("tcp://").unwrap_or(&self.endpoint);
        address.rsplit_once(':').map_or(address, |(host, _)| host)
    }
}

/// What a correlation id stands for at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// No node of this id was seen about then.
    Unknown,
    /// This one.
    Node(&'a Sighting),
    /// One of these: their endpoints have the same correlation id.
    Several(Vec<&'a Sighting>),
}

/// All sightings.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// By correlation id.
    entries: std::collections::BTreeMap<u16, Vec<Sighting>>,
    len: usize,
}

impl Directory {
    /// So many sightings are kept by one that watches for ever.
    pub const LIVE: usize = 16_384;

    /// Adds a sighting, or extends the one of the same node at the same endpoint.
    pub fn add(&mut self, sighting: Sighting) {
        let known = self.entries.entry(sighting.correlation).or_default();
        let same = known
            .iter_mut()
            .find(|one| one.peer == sighting.peer && one.endpoint == sighting.endpoint);
        if let Some(same) = same {
            same.first = same.first.min(sighting.first);
            same.last = same.last.max(sighting.last);
            same.name = sighting.name;
        } else {
            known.push(sighting);
            self.len += 1;
        }
    }

    /// Forgets the sightings that are longest ago if there are more than `most`.
    pub fn limit(&mut self, most: usize) {
        if self.len <= most {
            return;
        }
        let mut lasts: Vec<i64> = self.all().map(|sighting| sighting.last).collect();
        // A quarter at once, so that this is rare.
        let (_, bound, _) = lasts.select_nth_unstable((self.len - most / 4 * 3).min(self.len - 1));
        let bound = *bound;
        self.entries.retain(|_, known| {
            known.retain(|sighting| sighting.last > bound);
            !known.is_empty()
        });
        self.len = self.entries.values().map(Vec::len).sum();
    }

    /// All sightings, in no order that means anything.
    pub fn all(&self) -> impl Iterator<Item = &Sighting> {
        self.entries.values().flatten()
    }

    /// What a correlation id means at a moment. `source` is the address that a line came from, if
    /// the id is that of the node that sent it: it tells nodes of several hosts apart.
    pub fn resolve(&self, correlation: u16, at: i64, source: Option<&str>) -> Meaning<'_> {
        let Some(known) = self.entries.get(&correlation) else { return Meaning::Unknown };
        let nearest = known.iter().map(|sighting| sighting.distance(at)).min();
        let Some(nearest) = nearest.filter(|distance| *distance <= SLACK) else {
            return Meaning::Unknown;
        };
        let mut found: Vec<_> =
            known.iter().filter(|sighting| sighting.distance(at) == nearest).collect();
        if let Some(source) = source
            && found.iter().any(|sighting| sighting.host() == source)
        {
            found.retain(|sighting| sighting.host() == source);
        }
        let first = found[0];
        if found.iter().all(|sighting| sighting.endpoint == first.endpoint) {
            // An endpoint that another node has taken over: the newer one.
            return Meaning::Node(found.iter().max_by_key(|s| s.first).copied().unwrap_or(first));
        }
        Meaning::Several(found)
    }

    /// The name of a correlation id for people: a name, `#1a2b` if unknown, `alice|bob` if it may
    /// be one or the other; empty for 0. As it came from the network.
    pub fn name(&self, correlation: u16, at: i64, source: Option<&str>) -> String {
        match self.resolve(correlation, at, source) {
            Meaning::Unknown if correlation == 0 => String::new(),
            Meaning::Unknown => format!("#{correlation:04x}"),
            Meaning::Node(sighting) => sighting.name.clone(),
            Meaning::Several(found) => {
                let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
                names.join("|")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(name: &str, correlation: u16, host: &str, first: i64, last: i64) -> Sighting {
        Sighting {
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
        directory.add(sighting("alice", 7, "10.0.0.1", 100, 200));
        directory.add(sighting("bob", 7, "10.0.0.2", 300, 400));
        let name = |at: i64| directory.name(7, at * SECOND, None);
        assert_eq!([name(150), name(350), name(210), name(290)], ["alice", "bob", "alice", "bob"]);
        assert_eq!([name(30), name(461)], ["#0007", "#0007"]);
        assert_eq!(directory.name(0, 0, None), "");
    }

    #[test]
    fn a_collision_says_so_unless_the_address_decides() {
        let mut directory = Directory::default();
        directory.add(sighting("alice", 7, "10.0.0.1", 100, 200));
        directory.add(sighting("bob", 7, "10.0.0.2", 100, 200));
        assert_eq!(directory.name(7, 150 * SECOND, None), "alice|bob");
        assert_eq!(directory.name(7, 150 * SECOND, Some("10.0.0.2")), "bob");
        assert_eq!(directory.name(7, 150 * SECOND, Some("10.0.0.9")), "alice|bob");
    }

    #[test]
    fn an_endpoint_that_was_taken_over_means_the_newer_node() {
        let mut directory = Directory::default();
        directory.add(sighting("alice", 7, "10.0.0.1", 100, 200));
        directory.add(sighting("carol", 7, "10.0.0.1", 190, 300));
        assert_eq!(directory.name(7, 195 * SECOND, None), "carol");
    }

    #[test]
    fn one_that_watches_for_ever_forgets() {
        let mut directory = Directory::default();
        for i in 0..100_u16 {
            directory.add(sighting("x", i, "10.0.0.1", i.into(), i.into()));
            directory.limit(40);
            assert!(directory.all().count() <= 40);
        }
        assert_eq!(directory.name(99, 99 * SECOND, None), "x");
        assert_eq!(directory.all().count(), directory.len);
    }
}
