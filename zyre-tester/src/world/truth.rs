//! Who can meet whom: computed from the topology alone.

use std::fmt;
use std::net::Ipv4Addr;

use super::kind::Kind;
use super::topology::{Firewall, Host, Port, is_of_first_subnet};

/// Whether two nodes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meet {
    Yes,
    No,
    /// With a guest, which may have heard of an address first that leads nowhere, and ask no more;
    /// or two guests, about whom nothing is said here.
    Perhaps,
}

/// What is true of two hosts, by all their interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Truth {
    /// Where both are, and with which addresses.
    pub(super) paths: Vec<String>,
    /// Whether the nodes on them meet.
    pub(super) meet: Meet,
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
            (Meet::No, "one of them has no node")
        } else if !a.kind.is_ours() && !b.kind.is_ours() {
            (Meet::Perhaps, "none of them is ours")
        } else if paths.is_empty() {
            (Meet::No, "no network with a common family and subnet")
        } else {
            match (a.kind.is_two_way() && b.kind.is_two_way(), [finds(a, b), finds(b, a)]) {
                (_, [true, true]) if misleads(a, b) || misleads(b, a) => {
                    (Meet::Perhaps, "one may have heard of an address that leads nowhere")
                }
                (_, [true, true]) => (Meet::Yes, "each hears the other and can dial it"),
                (true, [false, false]) => (Meet::No, "none hears one that it can dial"),
                (true, _) => (Meet::Yes, "one hears the other and can dial it, which is enough"),
                (false, _) => (Meet::No, "not both can dial, and one connection is not enough"),
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

/// Whether a guest on `a` may dial an address of `b` that leads nowhere, and does not ask again.
fn misleads(a: &Host, b: &Host) -> bool {
    a.kind == Kind::Pyre && b.has_moved
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
    let ipv6 = a.kind.is_ours() && b.kind.is_ours();
    for ours in a.lived_on() {
        for theirs in b.lived_on().filter(|theirs| theirs.network == ours.network) {
            let subnet = |ip: &Ipv4Addr| ip.octets()[..3].to_vec();
            let pairs = ours.v4.iter().flat_map(|one| theirs.v4.iter().map(move |it| (one, it)));
            let near = pairs.filter(|(one, other)| subnet(one) == subnet(other));
            let network = ours.network;
            paths.extend(near.map(|(one, other)| format!("on net{network} {one} and {other}")));
            if ipv6 && ours.v6 && theirs.v6 {
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
        assert_ne!(one.meet, Meet::Perhaps);
        one.meet == Meet::Yes
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
    fn a_guest_knows_one_ipv4_address_and_makes_a_connection_each_way() {
        for kind in [Kind::Old, Kind::Pyre] {
            let guest = Host { kind, ..host(&[(&["10.80.0.1"], true), (&["10.81.0.1"], true)]) };
            assert!(meet(&guest, &host(&[(&["10.80.0.2"], true)])));
            assert!(!meet(&guest, &host(&[(&[], true)])), "it has no IPv6");
            assert!(!meet(&guest, &host(&[(&[], true), (&["10.81.0.2"], true)])), "one interface");
            let firewall = Firewall::NoConnections;
            assert!(!meet(&guest, &Host { firewall, ..host(&[(&["10.80.0.2"], true)]) }));
            assert_eq!(Truth::of(&guest, &guest).meet, Meet::Perhaps);
        }
    }

    #[test]
    fn a_firewall_may_be_at_one_of_two_that_share_a_connection() {
        let open = host(&[(&["10.80.0.1"], false)]);
        let firewall = |firewall| Host { firewall, ..open.clone() };
        let no_connections = firewall(Firewall::NoConnections);
        assert!(meet(&open, &no_connections));
        assert!(!meet(&no_connections, &no_connections));
        assert!(!meet(&open, &firewall(Firewall::Closed)), "it dials, if it heard anybody");
        let plain = Host { kind: Kind::Plain, ..open.clone() };
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
        assert!(!meet(&home, &Host { kind: Kind::Plain, ..outside.clone() }));
        assert!(!meet(&home, &host(&[(&["10.180.0.1"], true)])), "the router is not there");
        assert!(!meet(&Host { outer: Some(1), ..home }, &outside));
    }
}
