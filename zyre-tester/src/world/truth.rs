//! Who can meet whom: computed from the topology alone.

use std::fmt;
use std::net::Ipv4Addr;

use super::topology::{Firewall, Host, Port, is_of_first_subnet};

/// What is true of two hosts, by all their interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Truth {
    /// Where both are, and with which addresses.
    pub(super) paths: Vec<String>,
    /// Whether the nodes on them meet.
    pub(super) meet: bool,
    /// Why.
    why: &'static str,
}

impl Truth {
    /// Two nodes meet if one can dial the other of which it hears the beacons; without a connection
    /// that carries both directions, both have to.
    pub(super) fn of(a: &Host, b: &Host) -> Self {
        let mut paths = paths(a, b);
        paths.extend(out_of_home(a, b).or_else(|| out_of_home(b, a)));
        let (meet, why) = if !a.runs || !b.runs {
            (false, "one of them has no node")
        } else if paths.is_empty() {
            (false, "no network with a common family and subnet")
        } else {
            match (a.two_way && b.two_way, [finds(a, b), finds(b, a)]) {
                (_, [true, true]) => (true, "each hears the other and can dial it"),
                (true, [false, false]) => (false, "none hears one that it can dial"),
                (true, _) => (true, "one hears the other and can dial it, which is enough"),
                (false, _) => (false, "not both can dial, and one connection is not enough"),
            }
        };
        Self { paths, meet, why }
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)?;
        for path in &self.paths {
            write!(f, "; {path}")?;
        }
        Ok(())
    }
}

/// Whether `a` hears the beacons of `b`, or is told of it, and can dial it.
fn finds(a: &Host, b: &Host) -> bool {
    let hears = a.firewall != Firewall::Closed && !paths(a, b).is_empty();
    b.firewall == Firewall::Open && (hears || out_of_home(a, b).is_some())
}

/// How `a` gets out of its home, if it is in one, to `b`. There is no way back, and no
/// beacon passes: who is outside is told to the node at home.
fn out_of_home(a: &Host, b: &Host) -> Option<String> {
    let (outer, address) = (a.outer?, told(a, b)?);
    let out = |port: &Port| port.v4.iter().any(|own| is_of_first_subnet(*own));
    a.working().any(out).then(|| format!("through a router to net{outer} {address}"))
}

/// The address of `b` that is told to a node on `a`, which is in a home, if it has any that works.
pub(super) fn told(a: &Host, b: &Host) -> Option<Ipv4Addr> {
    let outer = a.outer?;
    let ports = b.working().filter(|port| port.network == outer);
    ports.flat_map(|port| port.v4.iter().copied()).find(|address| is_of_first_subnet(*address))
}

/// By IPv6 all on a link reach each other; by IPv4 those of one subnet. Beacons also
/// get into the other subnets of the network, but nobody there can answer.
fn paths(a: &Host, b: &Host) -> Vec<String> {
    let mut paths = Vec::new();
    for ours in a.working() {
        for theirs in b.working().filter(|theirs| theirs.network == ours.network) {
            let subnet = |ip: &Ipv4Addr| ip.octets()[..3].to_vec();
            let pairs = ours.v4.iter().flat_map(|one| theirs.v4.iter().map(move |it| (one, it)));
            let near = pairs.filter(|(one, other)| subnet(one) == subnet(other));
            let network = ours.network;
            paths.extend(near.map(|(one, other)| format!("on net{network} {one} and {other}")));
            if ours.v6 && theirs.v6 {
                let names = format!("{} and {}", ours.name, theirs.name);
                paths.push(format!("on net{network} IPv6 of {names}"));
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::super::topology::tests::host;
    use super::*;

    fn meet(a: &Host, b: &Host) -> bool {
        let [one, other] = [Truth::of(a, b), Truth::of(b, a)];
        assert_eq!((one.meet, one.why), (other.meet, other.why));
        one.meet
    }

    #[test]
    fn it_takes_a_network_a_family_and_a_subnet() {
        let v4 = host(&[(&["10.80.0.1"], false)]);
        assert!(meet(&v4, &host(&[(&["10.80.0.2"], true)])));
        assert!(!meet(&v4, &host(&[(&["10.180.0.2"], true)])), "another subnet");
        assert!(!meet(&v4, &host(&[(&[], true)])), "another family");
        assert!(!meet(&v4, &host(&[(&[], true), (&["10.81.0.1"], true)])), "another network");
        let v6 = host(&[(&["10.180.0.2"], true)]);
        assert!(meet(&v6, &host(&[(&["10.80.0.3"], true)])));
        let mut other = host(&[(&["10.180.0.3"], true)]);
        other.ports[0].up = false;
        assert!(!meet(&v6, &other));
        other.ports[0].up = true;
        other.ports[0].plugged = false;
        assert!(!meet(&v6, &other));
        other.ports[0].plugged = true;
        assert!(meet(&v6, &other));
        other.runs = false;
        assert!(!meet(&v6, &other));
    }

    #[test]
    fn a_firewall_may_be_at_one_of_two_that_share_a_connection() {
        let open = host(&[(&["10.80.0.1"], false)]);
        let firewall = |firewall| Host { firewall, ..open.clone() };
        let no_connections = firewall(Firewall::NoConnections);
        assert!(meet(&open, &no_connections));
        assert!(!meet(&no_connections, &no_connections));
        assert!(!meet(&open, &firewall(Firewall::Closed)), "it dials, if it heard anybody");
        let plain = Host { two_way: false, ..open.clone() };
        assert!(meet(&open, &plain));
        assert!(!meet(&no_connections, &plain));
    }

    #[test]
    fn who_is_at_home_meets_who_is_there_as_well_and_whom_it_is_told_of() {
        let mut home = Host { outer: Some(0), ..host(&[(&["10.77.0.1"], false)]) };
        home.ports[0].network = 3;
        assert!(meet(&home, &home));
        let outside = host(&[(&["10.80.0.1"], true)]);
        assert!(meet(&home, &outside));
        let firewall = Host { firewall: Firewall::Closed, ..home.clone() };
        assert!(meet(&firewall, &outside), "it need not hear anybody");
        assert!(!meet(&home, &Host { firewall: Firewall::NoConnections, ..outside.clone() }));
        assert!(!meet(&home, &Host { two_way: false, ..outside.clone() }));
        assert!(!meet(&home, &host(&[(&["10.180.0.1"], true)])), "the router is not there");
        assert!(!meet(&Host { outer: Some(1), ..home }, &outside));
    }
}
