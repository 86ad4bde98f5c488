//! C nodes beside ours, of both families: each tells of the other, or neither does.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;

use crate::c_node::{CNode, link_local};
use crate::node::{Node, until};

/// How soon two nodes meet that hear each other's beacons.
const SOON: Duration = Duration::from_secs(3);

/// Long enough for one to tell of another that should not.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// The hosts of a node of ours and of a C node, sure of their link-local addresses.
struct Hosts {
    ours: Host,
    theirs: Host,
    _network: Network,
}

/// Which node starts first.
#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    Ours,
    Theirs,
}

const BOTH: [First; 2] = [First::Ours, First::Theirs];

impl Hosts {
    fn new() -> Self {
        let network = Network::new().unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(|name| network.host(name).unwrap());
        for host in [&ours, &theirs] {
            link_local(host);
        }
        Self { ours, theirs, _network: network }
    }

    /// Both have a global address as well; returns that of the C node.
    fn with_global_addresses() -> (Self, IpAddr) {
        let hosts = Self::new();
        for (host, number) in [(&hosts.ours, 1), (&hosts.theirs, 2)] {
            host.ip(&format!("addr add fd00:77::{number}/64 dev eth0 nodad")).unwrap();
        }
        (hosts, "fd00:77::2".parse().unwrap())
    }

    fn start(&self, first: First, address: IpAddr, knows_interface: bool) -> (Node, CNode) {
        let ours = || Node::start(&self.ours, &Transcript::new(), json!({ "interface": "*" }));
        let theirs = || CNode::start(&self.theirs, 0xCC, address, knows_interface);
        match first {
            First::Ours => {
                let ours = ours();
                (ours, theirs())
            }
            First::Theirs => {
                let theirs = theirs();
                (ours(), theirs)
            }
        }
    }

    fn meet(&self, address: IpAddr, knows_interface: bool) {
        for first in BOTH {
            let (ours, theirs) = self.start(first, address, knows_interface);
            let end = Instant::now() + SOON;
            while ours.story(&theirs.id.to_string(), ours.born).is_empty() {
                assert!(Instant::now() < end, "{first:?} first: {:?}", theirs.entered());
                until(Instant::now() + Duration::from_millis(10));
            }
            while theirs.entered() != [ours.id.parse().unwrap()] {
                assert!(Instant::now() < end, "{first:?} first: {:?}", theirs.entered());
                until(Instant::now() + Duration::from_millis(10));
            }
            assert_eq!(ours.story(&theirs.id.to_string(), ours.born), ["ENTER"]);
        }
    }

    fn do_not_meet(&self, address: IpAddr, knows_interface: bool) {
        for first in BOTH {
            let (ours, theirs) = self.start(first, address, knows_interface);
            until(Instant::now() + LONG_ENOUGH);
            let told = ours.reports(ours.born, &json!({ "event": "ENTER" }));
            assert!(told.is_empty(), "{first:?} first: {}", told[0].report);
            assert_eq!(theirs.entered(), [], "{first:?} first");
        }
    }
}

pub(crate) fn global() {
    let (hosts, address) = Hosts::with_global_addresses();
    for knows_interface in [true, false] {
        hosts.meet(address, knows_interface);
    }
}

pub(crate) fn global_without_ipv4() {
    let (hosts, address) = Hosts::with_global_addresses();
    for host in [&hosts.ours, &hosts.theirs] {
        host.ip("-4 addr flush dev eth0").unwrap();
    }
    hosts.meet(address, true);
}

/// Ours has no address of its subnet, so neither can reach the other in both directions.
pub(crate) fn global_of_another_subnet() {
    let (hosts, address) = Hosts::with_global_addresses();
    hosts.ours.ip("addr del fd00:77::1/64 dev eth0").unwrap();
    hosts.do_not_meet(address, true);
}

pub(crate) fn link_local_with_interface() {
    let hosts = Hosts::new();
    hosts.meet(link_local(&hosts.theirs), true);
}

/// It cannot connect to what our HELLO says, only to where a beacon has come from.
pub(crate) fn link_local_without_interface() {
    let hosts = Hosts::new();
    for _ in 0..5 {
        hosts.meet(link_local(&hosts.theirs), false);
    }
    for host in [&hosts.ours, &hosts.theirs] {
        host.ip("-4 addr flush dev eth0").unwrap();
    }
    for _ in 0..5 {
        hosts.meet(link_local(&hosts.theirs), false);
    }
}

/// It lives at its link-local address, though its host has another one, as has ours.
pub(crate) fn link_local_beside_global() {
    let (hosts, _) = Hosts::with_global_addresses();
    for knows_interface in [true, false] {
        hosts.meet(link_local(&hosts.theirs), knows_interface);
    }
}

pub(crate) fn ipv4() {
    let (hosts, _) = Hosts::with_global_addresses();
    hosts.meet([10, 77, 0, 2].into(), true);
}

/// C Zyre by IPv6 hears the beacons of IPv4, and connects; nothing leads back.
pub(crate) fn ipv6_beside_ipv4() {
    let (hosts, address) = Hosts::with_global_addresses();
    hosts.ours.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
    hosts.do_not_meet(address, true);
    hosts.do_not_meet(link_local(&hosts.theirs), false);
}

pub(crate) fn ipv4_beside_ipv6() {
    let (hosts, _) = Hosts::with_global_addresses();
    hosts.ours.ip("-4 addr flush dev eth0").unwrap();
    hosts.do_not_meet([10, 77, 0, 2].into(), true);
}
