//! Beacons of one node from one place, as they were heard.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use zyre::HeardBeacon;

/// Of this many beacons the times are remembered.
const MAX_TIMES: usize = 64;

/// A node sends its beacons at all its places in one go.
const AT_ONCE: Duration = Duration::from_millis(3);

/// With this number of beacons, most do not come at once with others by chance.
const ENOUGH: usize = 4;

/// A node with the same mask is heard by the broadcast to its subnet, at least once in this time.
const SOON: Duration = Duration::from_millis(2500);

/// The beacons of one node from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    /// Where its mailbox is.
    pub(super) at: SocketAddr,
    /// The port to which they were sent.
    pub(super) beacon_port: u16,
    pub(super) is_secure: bool,
    /// The index of the interface by which they come in.
    pub(super) interface: Option<u32>,
    /// One of them was sent to all of a subnet, to a multicast group, or to this machine alone.
    is_near: bool,
    /// One of them was sent to all hosts of the link.
    is_to_all: bool,
    times: Vec<Instant>,
}

impl Sighting {
    /// Begins with a beacon.
    pub(super) fn new(heard: &HeardBeacon, beacon_port: u16) -> Self {
        Self {
            at: place(heard),
            beacon_port,
            is_secure: heard.is_secure,
            interface: heard.interface,
            is_near: false,
            is_to_all: false,
            times: Vec::new(),
        }
    }

    /// Notes one more.
    pub(super) fn note(&mut self, heard: &HeardBeacon, now: Instant) {
        match heard.destination {
            Some(IpAddr::V4(Ipv4Addr::BROADCAST)) => self.is_to_all = true,
            _ => self.is_near = true,
        }
        if self.times.len() < MAX_TIMES {
            self.times.push(now);
        }
    }

    /// Returns whether it was heard only by what is for all hosts of the link, long enough that it would
    /// have been heard otherwise, if its subnet were one of this machine.
    pub(super) fn has_another_broadcast(&self, now: Instant) -> bool {
        let since = self.times.first().map(|first| now.saturating_duration_since(*first));
        self.is_to_all && !self.is_near && since.is_some_and(|since| since > SOON)
    }

    /// Returns whether these are the beacons of another node than those, though both tell one id.
    pub(super) fn is_of_another_than(&self, other: &Self) -> bool {
        let overlap = |one: &Self, other: &Self| one.times.first() <= other.times.last();
        if self.at == other.at
            || self.at.is_ipv4() != other.at.is_ipv4()
            || self.beacon_port != other.beacon_port
            || !overlap(self, other)
            || !overlap(other, self)
        {
            return false;
        }
        // From one address a node tells one port.
        if self.at.ip() == other.at.ip() {
            return true;
        }
        let together = |at: &&Instant| {
            let gaps = other.times.iter().map(|its| apart(**at, *its));
            gaps.min().is_some_and(|gap| gap <= AT_ONCE)
        };
        let count = self.times.iter().filter(together).count();
        self.times.len().min(other.times.len()) >= ENOUGH && count * 2 < self.times.len()
    }
}

/// Returns where the mailbox is that a beacon tells of.
pub(super) fn place(heard: &HeardBeacon) -> SocketAddr {
    let mut at = heard.source;
    at.set_port(heard.mailbox_port);
    at
}

/// Returns the time between two moments.
fn apart(one: Instant, other: Instant) -> Duration {
    one.saturating_duration_since(other).max(other.saturating_duration_since(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(at: &str, start: Instant, milliseconds: &[u64]) -> Sighting {
        Sighting {
            at: at.parse().unwrap(),
            beacon_port: 5670,
            is_secure: false,
            interface: None,
            is_near: false,
            is_to_all: true,
            times: milliseconds.iter().map(|ms| start + Duration::from_millis(*ms)).collect(),
        }
    }

    #[test]
    fn one_node_may_be_at_several_places_and_two_nodes_are_not_at_once() {
        let start = Instant::now();
        let one = sighting("10.0.0.1:7", start, &[0, 1000, 2000, 3000, 4000]);
        let same = sighting("10.0.0.2:7", start, &[2, 1003, 2005, 3001, 4000]);
        let other = sighting("10.0.0.2:7", start, &[500, 1500, 2500, 3500, 4500]);
        let other_port = sighting("10.0.0.1:8", start, &[2, 1003, 2020, 3001, 4000]);
        let later = sighting("10.0.0.1:8", start, &[5000, 6000, 7000, 8000]);
        let v6 = sighting("[fe80::1]:8", start, &[500, 1500, 2500, 3500, 4500]);
        let is_another = [&same, &other, &other_port, &later, &v6, &one]
            .map(|it| (one.is_of_another_than(it), it.is_of_another_than(&one)));
        let (yes, no) = ((true, true), (false, false));
        assert_eq!(is_another, [no, yes, yes, no, no, no]);
    }

    #[test]
    fn one_with_another_mask_is_heard_by_what_is_for_all() {
        let start = Instant::now();
        let mut one = sighting("10.0.0.1:7", start, &[0]);
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!one.has_another_broadcast(at(100)) && one.has_another_broadcast(at(3000)));
        one.is_near = true;
        assert!(!one.has_another_broadcast(at(3000)));
    }
}
