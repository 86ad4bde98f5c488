//! Several interfaces: where a peer is heard, by which it is dialled, what it is told, and what
//! becomes of it when one is left.

use zre_proto::message::{Command, Message};
use zre_proto::{Action, ActionError, Config, Endpoint, Input, InterfaceId, MessageLimits, Output};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};

/// Where node 2 is, on the second network.
fn far() -> Endpoint {
    "tcp://10.1.0.2:49152".parse().unwrap()
}

/// Where node 2 is by its link-local address, on the link of this interface.
fn link_local(interface: u32) -> Endpoint {
    format!("tcp://[fe80::2%{interface}]:49152").parse().unwrap()
}

/// The dials since this was last asked: where they go, and by which interface.
fn dials(solo: &mut Solo) -> Vec<(String, Option<u32>)> {
    let dial = |output| match output {
        Output::Connect { endpoint, interface, .. } => {
            Some((endpoint.to_string(), interface.map(|it| it.0)))
        }
        _ => None,
    };
    let dials = solo.outputs().into_iter().filter_map(dial).collect();
    solo.trace();
    dials
}

fn stranded(solo: &mut Solo, interface: u32) {
    let conn = solo.link(2);
    solo.handle(Input::Stranded { peer: id(2), conn, interface: InterfaceId(interface) });
}

#[test]
fn a_dial_leaves_by_the_interface_on_which_the_node_was_heard() {
    let mut solo = Solo::new();
    solo.beacon_on(3, 2, endpoint(2));
    assert_eq!(dials(&mut solo), [(endpoint(2).to_string(), Some(3))]);
    solo.beacon_on(4, 2, far());
    assert_eq!(dials(&mut solo), [(far().to_string(), Some(4))]);
    // What the application says has none.
    let mut solo = Solo::new();
    solo.act(Action::Require { peer: id(2), endpoint: endpoint(2) }).unwrap();
    assert_eq!(dials(&mut solo), [(endpoint(2).to_string(), None)]);
}

#[test]
fn the_interface_of_a_dial_is_the_one_by_which_the_endpoint_was_heard_last() {
    let mut solo = Solo::new();
    solo.beacon_on(3, 2, endpoint(2));
    assert_eq!(dials(&mut solo), [(endpoint(2).to_string(), Some(3))]);
    let conn = solo.link(2);
    solo.link_lost(2, conn);
    solo.wait(5_000);
    dials(&mut solo);
    solo.beacon_on(4, 2, endpoint(2));
    assert_eq!(dials(&mut solo), [(endpoint(2).to_string(), Some(4))]);
}

#[test]
fn a_link_local_address_is_another_one_on_each_link() {
    let mut solo = Solo::new();
    solo.beacon_on(3, 2, link_local(3));
    solo.beacon_on(4, 2, link_local(4));
    let expected = [3, 4].map(|it| (link_local(it).to_string(), Some(it)));
    assert_eq!(dials(&mut solo), expected);
}

#[test]
fn others_are_told_of_an_address_that_is_not_of_one_link() {
    let mut solo = Solo::new();
    solo.beacon_on(3, 2, link_local(3));
    let conn = solo.link_at(2, link_local(3));
    solo.link_up(2, conn);
    solo.hello_with(2, &hello(&link_local(3).to_string()));
    let told = |solo: &Solo| solo.engine.peer_endpoints().collect::<Vec<_>>();
    assert_eq!(told(&solo), [(id(2), link_local(3))], "there is no other");
    // What a third one says is better than nothing, and worse than what the node says itself.
    solo.handle(Input::Rumour { peer: id(2), endpoint: endpoint(7) });
    assert_eq!(told(&solo), [(id(2), endpoint(7))]);
    solo.beacon_on(3, 2, endpoint(2));
    assert_eq!(told(&solo), [(id(2), endpoint(2))]);
    solo.handle(Input::Rumour { peer: id(2), endpoint: endpoint(7) });
    assert_eq!(told(&solo), [(id(2), endpoint(2))]);
    assert_eq!(solo.engine.peer(id(2)).unwrap().endpoint, link_local(3));
}

#[test]
fn of_each_interface_and_family_the_last_claim_counts() {
    let mut solo = Solo::new();
    // Both dials are taken.
    solo.beacon_on(1, 2, endpoint(7));
    solo.beacon_on(2, 2, endpoint(8));
    assert_eq!(dials(&mut solo).len(), 2);
    let at = |port: u16| format!("tcp://10.0.0.2:{port}").parse::<Endpoint>().unwrap();
    for port in 100..110 {
        solo.beacon_on(3, 2, at(port));
    }
    solo.beacon_on(4, 2, far());
    solo.beacon_on(3, 2, link_local(3));
    // As many as may be dialled at a time, as those before them fail, without being claimed again.
    let mut tried = Vec::new();
    for conn in solo.dials(2) {
        solo.link_lost(2, conn);
    }
    loop {
        let new = dials(&mut solo);
        if new.is_empty() {
            break;
        }
        tried.extend(new.into_iter().map(|(endpoint, _)| endpoint));
        for conn in solo.dials(2) {
            solo.link_lost(2, conn);
        }
    }
    tried.sort();
    let mut expected = [at(109), far(), link_local(3)].map(|it| it.to_string());
    expected.sort();
    assert_eq!(tried, expected, "older ones of interface 3 are forgotten");
}

#[test]
fn claims_by_many_interfaces_are_bounded() {
    let mut solo = Solo::new();
    for interface in 0..200 {
        let endpoint = format!("tcp://10.0.1.{interface}:7").parse().unwrap();
        solo.beacon_on(interface, 2, endpoint);
    }
    let mut tried = 0;
    for _ in 0..400 {
        tried += dials(&mut solo).len();
        let under_way = solo.dials(2);
        assert!(under_way.len() <= 2);
        under_way.into_iter().for_each(|conn| solo.link_lost(2, conn));
    }
    // Two that were dialled at once, and eight that are remembered.
    assert!((8..=10).contains(&tried), "{tried}");
}

#[test]
fn a_stranded_peer_that_is_heard_elsewhere_is_met_there() {
    let mut solo = Solo::new();
    solo.beacon_on(1, 2, endpoint(2));
    let conn = solo.link(2);
    solo.two_way_up(2, conn);
    solo.raw(2, conn, &hello_of_2(), zre_proto::Content::none());
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo.beacon_on(1, 2, endpoint(2));
    solo.beacon_on(2, 2, far());
    dials(&mut solo);
    stranded(&mut solo, 1);
    let trace = ["EXIT 2 link lost", "close 2", "connect 2 at tcp://10.1.0.2:49152"];
    assert_eq!(solo.trace(), trace);
}

fn hello_of_2() -> zre_proto::Header {
    let place = endpoint(2).to_string();
    Message { sequence: 1, command: Command::Hello(hello(&place)) }.encode()
}

#[test]
fn a_stranded_peer_that_is_heard_nowhere_else_may_come_back() {
    let mut solo = Solo::met();
    stranded(&mut solo, 1);
    solo.wait_with_beacons(2, &[2]);
    stranded(&mut solo, 1);
    assert!(solo.trace().is_empty());
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 2 here"]);
}

#[test]
fn a_stranded_peer_that_was_heard_elsewhere_long_ago_may_come_back() {
    let mut solo = Solo::new();
    solo.beacon_on(2, 2, far());
    solo.beacon_on(1, 2, endpoint(2));
    let there = solo.link_at(2, endpoint(2));
    solo.link_up(2, there);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo.wait_with_beacons(5, &[2]);
    solo.trace();
    let conn = there;
    solo.handle(Input::Stranded { peer: id(2), conn, interface: InterfaceId(1) });
    assert!(solo.events().is_empty());
}

#[test]
fn a_connection_that_is_not_the_peers_strands_nobody() {
    let mut solo = Solo::met();
    solo.beacon_on(2, 2, endpoint(2));
    let conn = zre_proto::ConnId::Accepted(77);
    solo.handle(Input::Stranded { peer: id(2), conn, interface: InterfaceId(1) });
    solo.handle(Input::Stranded { peer: id(9), conn, interface: InterfaceId(1) });
    assert!(solo.trace().is_empty());
}

/// What the HELLO says that was sent last: the endpoint, and the value of a header.
fn said(solo: &mut Solo, name: &str) -> (String, Option<String>) {
    let headers = solo.outputs().into_iter().filter_map(|output| match output {
        Output::Send { header, .. } => Some(header),
        _ => None,
    });
    let header = headers.last().unwrap();
    let message = Message::decode(&header, &MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let all: Vec<_> = hello.headers.iter().filter(|(key, _)| *key == name.as_bytes()).collect();
    assert!(all.len() <= 1, "{all:?}");
    (text(hello.endpoint), all.first().map(|(_, value)| text(value)))
}

/// Node `n` is connected, and reaches us at this endpoint.
fn reached_at(solo: &mut Solo, n: u8, own_endpoint: &str) {
    solo.beacon(n);
    let (peer, conn) = (id(n), solo.link(n));
    let own_endpoint = own_endpoint.parse().unwrap();
    solo.handle(Input::Connected { peer, conn, two_way: false, own_endpoint });
}

#[test]
fn each_peer_is_told_the_address_by_which_it_reaches_us() {
    let mut solo = Solo::new();
    solo.act(Action::SetServiceHeader { name: "X-FILEMQ", port: 50_000 }).unwrap();
    for (n, at, told, service) in [
        (2, "tcp://10.0.0.1:49152", "tcp://10.0.0.1:49152", "tcp://10.0.0.1:50000"),
        (3, "tcp://10.1.0.1:49153", "tcp://10.1.0.1:49153", "tcp://10.1.0.1:50000"),
        (4, "tcp://[fd00::1]:49152", "tcp://[fd00::1]:49152", "tcp://[fd00::1]:50000"),
        // A scope is ours alone.
        (5, "tcp://[fe80::1%3]:49152", "tcp://fe80::1:49152", "tcp://fe80::1:50000"),
    ] {
        reached_at(&mut solo, n, at);
        assert_eq!(said(&mut solo, "X-FILEMQ"), (told.into(), Some(service.into())));
    }
}

#[test]
fn of_a_header_and_a_service_of_one_name_the_last_one_counts() {
    let mut solo = Solo::new();
    let service = Action::SetServiceHeader { name: "X", port: 7 };
    let header = Action::SetHeader { name: "X", value: "y" };
    let told = |solo: &mut Solo, n| {
        reached_at(solo, n, "tcp://10.0.0.1:49152");
        said(solo, "X").1.unwrap()
    };
    solo.act(service.clone()).unwrap();
    solo.act(header.clone()).unwrap();
    assert_eq!(told(&mut solo, 2), "y");
    solo.act(service).unwrap();
    assert_eq!(told(&mut solo, 3), "tcp://10.0.0.1:7");
    solo.act(header).unwrap();
    assert_eq!(told(&mut solo, 4), "y");
}

fn limited(entries: usize, bytes: usize) -> Solo {
    let message_limits = MessageLimits { entries, bytes };
    Solo::with(Config { message_limits, ..Config::new(id(1), endpoint(1)) })
}

#[test]
fn services_count_as_the_longest_address_that_may_be_told() {
    let service = |name| Action::SetServiceHeader { name, port: 65_535 };
    let fits = |bytes: usize| {
        let mut solo = limited(9, bytes);
        (solo.act(service("X-FILEMQ")).is_ok(), solo)
    };
    let least = (550..750).find(|bytes| fits(*bytes).0).unwrap();
    let (_, mut solo) = fits(least);
    let whole = "tcp://[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
    reached_at(&mut solo, 2, whole);
    assert_eq!(said(&mut solo, "X-FILEMQ").1.as_deref(), Some(whole));
    // It may be set again, though there is no room for another one, and a refused one changes
    // nothing.
    assert_eq!(solo.act(service("X-FILEMQ")), Ok(()));
    let too_large = Err(ActionError::HelloTooLarge { limit: least });
    assert_eq!(solo.act(service("X-ZRELOG")), too_large);
    let long = "v".repeat(200);
    assert_eq!(solo.act(Action::SetHeader { name: "X-FILEMQ", value: &long }), too_large);
    assert_eq!(solo.act(Action::Join("g")), too_large);
    reached_at(&mut solo, 3, whole);
    assert_eq!(said(&mut solo, "X-FILEMQ").1.as_deref(), Some(whole));
    assert_eq!(solo.act(Action::SetHeader { name: "X-FILEMQ", value: "v" }), Ok(()));
}

#[test]
fn services_are_entries() {
    let mut solo = limited(3, 2_000);
    for name in ["a", "b", "a"] {
        assert_eq!(solo.act(Action::SetServiceHeader { name, port: 1 }), Ok(()));
    }
    let refused = solo.act(Action::SetServiceHeader { name: "c", port: 1 });
    assert_eq!(refused, Err(ActionError::TooManyEntries { limit: 3 }));
}

#[test]
fn behind_a_port_forwarding_a_service_has_another_port() {
    let mut solo = Solo::new();
    let name = "X-FILEMQ";
    let endpoint = "tcp://203.0.113.5:6000".parse().unwrap();
    let forward = |port| Action::ForwardService { name, endpoint, port };
    // Of what is not there nothing is told.
    solo.act(forward(1)).unwrap();
    solo.act(Action::SetServiceHeader { name, port: 50_000 }).unwrap();
    reached_at(&mut solo, 2, "tcp://203.0.113.5:6000");
    assert_eq!(said(&mut solo, name).1.as_deref(), Some("tcp://203.0.113.5:50000"));
    for port in [6001, 6002] {
        solo.act(forward(port)).unwrap();
    }
    for (n, at, service) in [
        (3, "tcp://203.0.113.5:6000", "tcp://203.0.113.5:6002"),
        (4, "tcp://10.0.0.1:49152", "tcp://10.0.0.1:50000"),
        (5, "tcp://203.0.113.5:6003", "tcp://203.0.113.5:50000"),
    ] {
        reached_at(&mut solo, n, at);
        assert_eq!(said(&mut solo, name).1.as_deref(), Some(service));
    }
}
