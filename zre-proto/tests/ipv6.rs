//! What C Zyre says by IPv6, captured: where it says that it is, and where others reach it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::{SocketAddr, SocketAddrV6};

use serde_json::Value;
use testkit::{hex, vectors};
use zre_proto::message::{Command, Message};
use zre_proto::{Beacon, Endpoint, MessageLimits};

/// Our index of the interface that C Zyre names `veth0`.
const LINK: u32 = 7;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list<'a>(entry: &'a Value, field: &str) -> &'a [Value] {
    entry[field].as_array().unwrap()
}

/// A captured address, as we see it: the capture does not say which scope it has.
fn seen(address: &Value) -> SocketAddr {
    match text(address).parse().unwrap() {
        SocketAddr::V6(seen) => SocketAddrV6::new(*seen.ip(), seen.port(), 0, LINK).into(),
        seen @ SocketAddr::V4(_) => seen,
    }
}

/// An address that a C node connects to, as we would write it: without the name of its interface.
fn reached(address: &Value) -> Option<Endpoint> {
    text(address).replace("%veth0", &format!("%{LINK}")).parse().ok()
}

/// Where a beacon says that its node is.
fn beacon_at(beacon: &Value) -> Endpoint {
    let mut source = seen(&beacon["from"]);
    source.set_port(beacon["decoded"]["port"].as_u64().unwrap().try_into().unwrap());
    Endpoint::new(source)
}

/// Where a HELLO says that its node is, to us who hear it on the link.
fn hello_at(hello: &Value) -> Endpoint {
    let announced = text(&hello["endpoint"]).as_bytes();
    Endpoint::announced(announced, seen(&hello["from"])).unwrap()
}

#[test]
fn every_beacon_decodes_and_encodes_back() {
    let entries = vectors::ipv6();
    let beacons: Vec<_> = entries.iter().flat_map(|entry| list(entry, "beacons")).collect();
    assert_eq!(beacons.len(), 104);
    for entry in beacons {
        let (datagram, decoded) = (vectors::bytes(entry), &entry["decoded"]);
        let beacon = Beacon::decode(&datagram).unwrap();
        assert_eq!(beacon.peer.to_string().to_lowercase(), text(&decoded["uuid"]));
        assert_eq!(u64::from(beacon.port), decoded["port"].as_u64().unwrap());
        let key = decoded.get("public_key").map(|key| hex::decode(text(key)));
        assert_eq!(beacon.public_key.map(|key| key.as_bytes().to_vec()), key);
        assert_eq!(beacon.encode(), datagram);
    }
}

#[test]
fn every_hello_says_where_its_node_is_reached() {
    let mut hellos = 0;
    for entry in vectors::ipv6() {
        let known: Vec<_> =
            list(&entry, "nodes").iter().flat_map(|node| list(node, "connects_to")).collect();
        for hello in list(&entry, "hellos") {
            hellos += 1;
            let header = vectors::bytes(hello);
            let message = Message::decode(&header, &MessageLimits::default()).unwrap();
            let Command::Hello(said) = &message.command else { unreachable!("{message:?}") };
            assert_eq!(said.endpoint, text(&hello["endpoint"]).as_bytes());
            assert_eq!(message.encode().as_slice(), header);
            let at = hello_at(hello);
            if said.endpoint.starts_with(b"tcp://vm:") {
                // A name that nobody can look up: it is where it has come from.
                assert_eq!(at.address().ip(), seen(&hello["from"]).ip());
                continue;
            }
            // Where the sender has no interface to look at, C Zyre connects to a link-local address
            // without a scope, which fails.
            let scoped = |it: &&&Value| reached(it).is_some_and(|it| it.on_link() == at);
            let name = text(&entry["name"]);
            assert_eq!(known.iter().filter(scoped).count(), 1, "{name}: {at}");
        }
    }
    assert_eq!(hellos, 46);
}

#[test]
fn whatever_a_node_connects_to_we_connect_to() {
    for entry in vectors::ipv6() {
        let beacons = list(&entry, "beacons").iter().map(beacon_at);
        let told: Vec<_> = beacons.chain(list(&entry, "hellos").iter().map(hello_at)).collect();
        for node in list(&entry, "nodes") {
            let known = list(node, "connects_to").iter().filter_map(reached);
            for endpoint in known.map(OnLink::on_link) {
                assert!(told.contains(&endpoint), "{}: {endpoint}", text(&entry["name"]));
            }
        }
    }
}

/// Completes a link-local endpoint.
trait OnLink {
    fn on_link(self) -> Self;
}

impl OnLink for Endpoint {
    fn on_link(self) -> Self {
        self.on_the_link_of(seen(&"[fe80::1]:1".into()))
    }
}

/// What C Zyre can connect to, and what it cannot, as was tried with real nodes that have an
/// interface.
const TRIED: [(&str, bool); 6] = [
    ("tcp://fd00:88::2:49152", true),
    ("tcp://[fd00:88::2]:49152", true),
    ("tcp://fe80::2:49152", true),
    ("tcp://[fe80::2]:49152", false),
    ("tcp://[fe80::2%veth0]:49152", true),
    ("tcp://fe80::2%veth0:49152", true),
];

#[test]
fn every_form_that_was_tried_is_understood() {
    let source = SocketAddr::V6(SocketAddrV6::new("fe80::9".parse().unwrap(), 50_000, 0, LINK));
    for (form, _) in TRIED {
        let heard = Endpoint::announced(form.as_bytes(), source).unwrap();
        let expected = if form.contains("fe80") {
            format!("tcp://[fe80::2%{LINK}]:49152")
        } else {
            "tcp://[fd00:88::2]:49152".to_owned()
        };
        assert_eq!(heard.to_string(), expected, "{form}");
    }
}

#[test]
fn what_we_announce_c_zyre_can_connect_to() {
    for text in ["tcp://[fd00:88::2]:49152", "tcp://[fe80::2%3]:49152", "tcp://[fe80::2]:49152"] {
        let told = text.parse::<Endpoint>().unwrap().wire_form();
        assert!(TRIED.contains(&(&told, true)), "{told}");
        // Its regular expression looks for that.
        assert!(!told.starts_with("tcp://[fe80"), "{told}");
    }
    let mapped: Endpoint = "tcp://[::ffff:10.88.0.2]:49152".parse().unwrap();
    assert_eq!(mapped.wire_form(), "tcp://10.88.0.2:49152");
}
