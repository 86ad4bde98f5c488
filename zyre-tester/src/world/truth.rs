//! Who can meet whom: computed from the topology alone.

use std::fmt;
use std::net::Ipv4Addr;

use super::kind::Kind;
use super::topology::{Firewall, Host, Port, are_of_one_subnet, is_of_first_subnet};

/// Whether two nodes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meet {
    Yes,
    No,
    /// With a guest, which may have heard of an address first that leads nowhere, and ask no more;
    /// of two guests, about whom nothing is said here; and where routes are what they should not be.
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
        let mut paths: Vec<String> = ways(a, b).map(|way| way.to_string()).collect();
        paths.extend(out_of_home(a, b).or_else(|| out_of_home(b, a)));
        let (meet, why) = if !a.runs || !b.runs {
            (Meet::No, "one of them has no node")
        } else if !a.kind.is_ours() && !b.kind.is_ours() {
            (Meet::Perhaps, "none of them is ours")
        } else if paths.is_empty() {
            (Meet::No, "no network with a common family and subnet")
        } else {
            match (a.kind.is_two_way() && b.kind.is_two_way(), [finds(a, b), finds(b, a)]) {
                (false, [true, _] | [_, true]) | (true, [true, false] | [false, true])
                    if is_torn(a) || is_torn(b) =>
                {
                    (Meet::Perhaps, "a route of one leads out by an interface that is dead")
                }
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
    let hears = a.firewall != Firewall::Closed && ways(a, b).any(|way| way.is_answered(b));
    b.firewall == Firewall::Open && (hears || out_of_home(a, b).is_some())
}

/// Whether a guest on `a` may dial an address of `b` that leads nowhere, and does not ask again.
fn misleads(a: &Host, b: &Host) -> bool {
    a.kind == Kind::Pyre && b.has_moved
}

/// Whether the routes of a host lead to a network by an interface that is dead, and two others of
/// it are there: what it begins at one of them may be answered to the other one.
fn is_torn(host: &Host) -> bool {
    let alive = |network| host.working().filter(|port| port.network == network).count();
    let mut dead = host.ports.iter().filter(|port| port.up && !port.plugged);
    dead.any(|port| alive(port.network) > 1)
}

/// How `a` gets out of its home, if it is in one, to `b`. There is no way back, and no
/// beacon passes: who is outside is told to the node at home.
fn out_of_home(a: &Host, b: &Host) -> Option<String> {
    let (outer, address) = (a.outer?, told(a, b)?);
    if !b.answers(outer, address) {
        return None;
    }
    let out = |port: &Port| port.v4.iter().any(|own| is_of_first_subnet(*own));
    a.working().any(out).then(|| format!("through a router to net{outer} {address}"))
}

/// The address of `b` that is told to a node on `a`, which is in a home, if it has any that works.
pub(super) fn told(a: &Host, b: &Host) -> Option<Ipv4Addr> {
    let outer = a.outer?;
    let ports = b.working().filter(|port| port.network == outer);
    ports.flat_map(|port| port.v4.iter().copied()).find(|address| is_of_first_subnet(*address))
}

/// Two interfaces by which two hosts can send to each other.
enum Way<'a> {
    /// Between these addresses.
    Ipv4 { network: usize, from: Ipv4Addr, to: Ipv4Addr },
    /// Each by the address that it has given itself.
    Ipv6 { network: usize, from: &'a Port, to: &'a Port },
}

impl Way<'_> {
    /// Whether what is sent to `host` is answered. By IPv6 each interface answers for itself.
    fn is_answered(&self, host: &Host) -> bool {
        match self {
            Self::Ipv4 { network, from, .. } => host.answers(*network, *from),
            Self::Ipv6 { .. } => true,
        }
    }
}

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4 { network, from, to } => write!(f, "on net{network} {from} and {to}"),
            Self::Ipv6 { network, from, to } => {
                write!(f, "on net{network} IPv6 of {} and {}", from.name, to.name)
            }
        }
    }
}

/// By IPv6 all on a link reach each other; by IPv4 those of one subnet. Beacons also
/// get into the other subnets of the network, but nobody there can answer.
fn ways<'a>(a: &'a Host, b: &'a Host) -> impl Iterator<Item = Way<'a>> {
    let ipv6 = a.kind.is_ours() && b.kind.is_ours();
    let pairs = a.lived_on().flat_map(|ours| b.lived_on().map(move |theirs| (ours, theirs)));
    pairs.filter(|(ours, theirs)| ours.network == theirs.network).flat_map(move |(from, to)| {
        let network = from.network;
        let pairs = from.v4.iter().flat_map(|one| to.v4.iter().map(move |other| (*one, *other)));
        let near = pairs.filter(|(one, other)| are_of_one_subnet(*one, *other));
        let v4 = near.map(move |(from, to)| Way::Ipv4 { network, from, to });
        let v6 = (ipv6 && from.v6 && to.v6).then_some(Way::Ipv6 { network, from, to });
        v4.chain(v6)
    })
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
    fn of_two_interfaces_on_one_network_the_older_route_answers() {
        let one = host(&[(&["10.80.0.1"], false)]);
        let mut two = host(&[(&["10.80.0.2"], false), (&["10.80.0.3"], false)]);
        two.ports[1].network = 0;
        two.ports[1].routed = 1;
        let plain = Host { kind: Kind::Plain, ..two.clone() };
        assert!(meet(&one, &two) && meet(&one, &plain));
        let pull = |host: &Host, place: usize| {
            let mut host = host.clone();
            host.ports[place].plugged = false;
            host
        };
        assert!(meet(&one, &pull(&plain, 1)));
        assert!(meet(&one, &pull(&two, 0)), "it can dial by the other one");
        assert!(!meet(&one, &pull(&plain, 0)), "and answers by the one that is dead");
        let no_connections = Host { firewall: Firewall::NoConnections, ..one.clone() };
        assert!(meet(&no_connections, &two));
        assert!(!meet(&no_connections, &pull(&two, 0)));
        let mut down = plain;
        down.ports[0].up = false;
        assert!(meet(&one, &down), "its route is gone");
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
