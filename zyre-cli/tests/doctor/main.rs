//! `zyre doctor` on hosts in network namespaces, with something wrong between them.
//!
//! What it has to name, and what that takes. The programs on both machines run; *one side*: it is enough to
//! run the doctor on one of them; *with the address*: and to name the other's address; *both*: it takes a
//! doctor on each of the two.
//!
//! | what is wrong | the doctor says | takes |
//! |---|---|---|
//! | the firewall of this machine drops UDP | `udp-dropped` | one side |
//! | the network drops UDP | `udp-dropped` | both, or one side with the address |
//! | the firewall of the other machine drops TCP | `tcp-in-dropped` | one side |
//! | the firewall of this machine drops TCP | `tcp-in-dropped` | one side |
//! | the interface is down | `interface-down` | one side |
//! | a /24 beside a /16 | `other-mask` | one side |
//! | another beacon port | `other-port` | both |
//! | another beacon port, and the other has the usual one | `other-port` | one side |
//! | a plain node beside a secure one | `plain-beside-secure` | one side |
//! | a secure node beside a plain one | `plain-beside-secure` | one side |
//! | client isolation | `client-isolation` | one side with the address |
//! | twice the same id | `id-twice` | one side |
//! | no descriptors | `no-descriptors` | one side, in the shell that has few |
//! | only point to point | `point-to-point` | one side |

#![cfg(test)]
#![allow(clippy::unwrap_used)]

mod case;
mod doctor;

use std::process::ExitCode;
use std::time::Duration;

use testkit::harness::{self, Harness};
use testkit::namespace;
use testkit::network::{Host, Network};
use testkit::tests;

use crate::case::{Case, Takes};
use crate::doctor::{Side, causes, doctor, healthy, node};

fn main() -> ExitCode {
    let all = tests![
        nothing_is_wrong,
        udp_is_dropped_here,
        udp_is_dropped_on_the_way,
        tcp_is_dropped_there,
        tcp_is_dropped_here,
        the_interface_is_down,
        masks_differ,
        beacon_ports_differ,
        the_other_has_the_usual_port,
        the_other_is_secure,
        this_one_is_secure,
        clients_are_isolated,
        an_id_is_used_twice,
        there_are_no_descriptors,
        there_is_only_point_to_point,
        nobody_is_there,
    ];
    let impossible = namespace::possible().err().map(String::from);
    // Most of the time they wait.
    Harness::default().at_once(4).skip(impossible).then(all).exit_code()
}

/// Two hosts on a network.
fn two() -> (Network, [Host; 2]) {
    let network = Network::new().unwrap();
    let hosts = ["a", "b"].map(|name| network.host(name).unwrap());
    (network, hosts)
}

fn nothing_is_wrong() {
    let (_network, [a, b]) = two();
    let bob = node(&Side::new(&b), &["--name", "bob"]);
    let (found, code) = doctor(&Side::new(&a), &["--wait", "5"]);
    assert!(healthy(&found) && code == Some(0), "{found:#?}");
    let bobs = |it: &&serde_json::Value| it["what"].as_str().unwrap().starts_with("bob (");
    assert_eq!(found.iter().filter(bobs).count(), 1, "{found:#?}");
    drop(bob);
    let [one, other] = doctor::both([&Side::new(&a), &Side::new(&b)], &["--wait", "5"]);
    assert!(healthy(&one) && healthy(&other), "{one:#?} {other:#?}");
    // By its name and by its address, and in words.
    let bob = node(&Side::new(&b), &["--name", "bob"]);
    for target in ["bob", "10.77.0.2"] {
        let (found, code) = doctor(&Side::new(&a), &[target, "--wait", "3"]);
        assert!(healthy(&found) && code == Some(0), "{found:#?}");
    }
    drop(bob);
}

fn nobody_is_there() {
    let (_network, [a, _b]) = two();
    let (found, code) = doctor(&Side::new(&a), &["--wait", "3"]);
    assert_eq!((causes(&found), code), (vec!["nobody"], Some(1)), "{found:#?}");
    let (found, code) = doctor(&Side::new(&a), &["bob", "--wait", "3"]);
    assert_eq!((causes(&found), code), (vec!["nobody"], Some(1)), "{found:#?}");
    let (found, _) = doctor(&Side::new(&a), &["10.77.0.2", "--wait", "3"]);
    assert_eq!(causes(&found), ["no-node"], "{found:#?}");
    let [one, other] = doctor::both([&Side::new(&a), &Side::new(&a)], &["--wait", "3"]);
    let taken = [&one, &other].map(|found| causes(found).contains(&"port-taken"));
    assert!(taken[0] != taken[1], "of two on one machine one is told: {one:#?} {other:#?}");
    let (found, _) = doctor(&Side::new(&a), &["10.88.0.2", "--wait", "3"]);
    assert_eq!(causes(&found), ["no-route"], "{found:#?}");
}

/// A firewall that drops beacons in both families.
const NO_UDP: &str = "table inet firewall {
    chain input {
        type filter hook input priority filter
        udp dport 5670 drop
    }
}";

fn udp_is_dropped_here() {
    let (_network, [a, b]) = two();
    a.nft(NO_UDP).unwrap();
    Case::new("udp-dropped", Takes::OneSide).check([Side::new(&a), Side::new(&b)]);
}

fn udp_is_dropped_on_the_way() {
    let (network, [a, b]) = two();
    network.drop_udp(5670).unwrap();
    let case = Case::new("udp-dropped", Takes::Both);
    case.check([Side::new(&a), Side::new(&b)]);
    case.check_with_address([Side::new(&a), Side::new(&b)], "10.77.0.2");
}

fn tcp_is_dropped_there() {
    let (_network, [a, b]) = two();
    b.drop_connections().unwrap();
    Case::new("tcp-in-dropped", Takes::OneSide)
        .says("that machine")
        .check([Side::new(&a), Side::new(&b)]);
}

fn tcp_is_dropped_here() {
    let (_network, [a, b]) = two();
    a.drop_connections().unwrap();
    Case::new("tcp-in-dropped", Takes::OneSide)
        .says("this machine")
        .check([Side::new(&a), Side::new(&b)]);
}

fn the_interface_is_down() {
    let (_network, [a, b]) = two();
    a.ip("link set eth0 down").unwrap();
    Case::new("interface-down", Takes::OneSide).check([Side::new(&a), Side::new(&b)]);
}

fn masks_differ() {
    let network = Network::new().unwrap();
    let [a, b] = ["a", "b"].map(|name| Host::new(name).unwrap());
    for (host, address) in [(&a, "10.77.0.1/16"), (&b, "10.77.0.2/24")] {
        network.connect(host, "eth0").unwrap();
        // Without IPv6, by which they would meet all the same.
        host.sysctl("net.ipv6.conf.eth0.disable_ipv6", "1").unwrap();
        host.ip(&format!("addr add {address} brd + dev eth0")).unwrap();
        host.ip("link set eth0 up").unwrap();
        host.await_carrier("eth0").unwrap();
    }
    Case::new("other-mask", Takes::OneSide).waits("14").check([Side::new(&a), Side::new(&b)]);
}

fn beacon_ports_differ() {
    let (_network, [a, b]) = two();
    Case::new("other-port", Takes::Both)
        .check([Side::new(&a), Side::new(&b).with(&["--port", "5700"])]);
}

fn the_other_has_the_usual_port() {
    let (_network, [a, b]) = two();
    Case::new("other-port", Takes::OneSide)
        .check([Side::new(&a).with(&["--port", "5700"]), Side::new(&b)]);
}

fn the_other_is_secure() {
    let (_network, [a, b]) = two();
    Case::new("plain-beside-secure", Takes::OneSide)
        .check([Side::new(&a), Side::new(&b).with_a_network()]);
}

fn this_one_is_secure() {
    let (_network, [a, b]) = two();
    Case::new("plain-beside-secure", Takes::OneSide)
        .check([Side::new(&a).with_a_network(), Side::new(&b)]);
}

fn clients_are_isolated() {
    let (network, [a, b]) = two();
    let router = network.host("router").unwrap();
    for host in [&a, &b] {
        network.isolate(host, "eth0").unwrap();
        host.ip("route add default via 10.77.0.3").unwrap();
    }
    let case = Case::new("client-isolation", Takes::Address);
    case.check_with_address([Side::new(&a), Side::new(&b)], "10.77.0.2");
    drop(router);
}

fn an_id_is_used_twice() {
    const ID: &[&str] = &["--id", "5eed0000000040008000000000000007"];
    let (network, [a, b]) = two();
    let c = network.host("c").unwrap();
    let _one = node(&Side::new(&b), ID);
    // Two that send all their beacons at the same moment are taken for one.
    std::thread::sleep(Duration::from_millis(100));
    let _other = node(&Side::new(&c), ID);
    let (found, code) = doctor(&Side::new(&a), &["--wait", "8"]);
    assert!(causes(&found).contains(&"id-twice"), "{found:#?}");
    assert_eq!(code, Some(1));
    // One node with two interfaces on one network is not two.
    drop((_one, _other));
    network.plug(&b, "eth1").unwrap();
    let _one = node(&Side::new(&b), ID);
    let (found, _) = doctor(&Side::new(&a), &["--wait", "8"]);
    assert!(!causes(&found).contains(&"id-twice"), "{found:#?}");
}

fn there_are_no_descriptors() {
    let (_network, [a, b]) = two();
    let _bob = node(&Side::new(&b), &[]);
    for few in ["-n 16", "-n 24", "-n 64"] {
        let (found, code) = doctor(&Side::new(&a).within(few), &["--wait", "3"]);
        assert!(causes(&found).contains(&"no-descriptors"), "{few}: {found:#?}");
        assert_eq!(code, Some(1));
    }
}

fn there_is_only_point_to_point() {
    let [a, b] = ["a", "b"].map(|name| Host::new(name).unwrap());
    for host in [&a, &b] {
        let tunnel = host.ip("tuntap add dev tun0 mode tun");
        if let (Err(why), false) = (&tunnel, harness::is_ci()) {
            eprintln!("skipped: no tunnel can be made: {why}");
            return;
        }
        tunnel.unwrap();
        host.ip("addr add 10.9.0.1/24 dev tun0").unwrap();
        host.ip("link set tun0 up").unwrap();
    }
    Case::new("point-to-point", Takes::OneSide).check([Side::new(&a), Side::new(&b)]);
}
