//! Where a node lives, and how it moves. What changes interfaces happens in network namespaces
//! that the test makes for itself.

#![cfg(test)]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitCode};
use std::time::Duration;

use common::{Member, free_port, on, pair_of, soon, until};
use serde_json::json;
use testkit::child::Child;
use testkit::harness::Harness;
use testkit::namespace::unshared;
use testkit::{async_tests, harness, role, tests};
use zyre::{Event, ExitReason, Interface, InterfaceChoice, Node};

fn main() -> ExitCode {
    role::play(|role, settings| {
        // Nothing is touched in the namespace that everybody lives in.
        assert_ne!(json!(namespace()), *settings, "this is not a namespace of its own");
        match role {
            "appears" => harness::block_on_one_thread(an_interface_appears()),
            "counts" => harness::block_on_one_thread(counts_go_on()),
            "changes" => harness::block_on_one_thread(an_address_changes()),
            other => panic!("no role {other}"),
        }
        role::report(&json!({ "event": "passed" }));
    });
    let in_namespaces = tests![
        without_a_real_interface_nodes_meet_on_loopback_and_move_when_one_appears,
        a_node_follows_the_address_of_its_interface,
        a_node_that_moves_goes_on_counting,
    ];
    let here = async_tests![
        an_interface_may_be_chosen_by_name_or_by_address,
        a_name_or_address_that_is_not_there_is_an_error,
    ];
    let impossible = unshared(&Command::new("true")).err().map(String::from);
    Harness::default().then(here).skip(impossible).then(in_namespaces).exit_code()
}

fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/net").unwrap().to_string_lossy().into_owned()
}

/// Plays a role in a network namespace of its own.
fn in_namespace(role: &str) {
    let inner = role::again(role, &json!(namespace())).unwrap();
    let child = Child::start(role, &mut unshared(&inner).unwrap()).unwrap();
    let passed = json!({ "event": "passed" });
    child.blocking_expect(child.transcript().start(), &passed).unwrap();
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

/// Adds an interface that leads nowhere, with an address. It has its carrier a moment after it is
/// up.
fn plug(address: &str) {
    ip("link add va type veth peer name vb");
    ip(&format!("addr add {address}/24 brd + dev va"));
    ip("link set va up");
    ip("link set vb up");
    let show = || Command::new("ip").args(["-o", "link", "show", "va"]).output().unwrap().stdout;
    while !String::from_utf8_lossy(&show()).contains("state UP") {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn without_a_real_interface_nodes_meet_on_loopback_and_move_when_one_appears() {
    in_namespace("appears");
}

fn a_node_follows_the_address_of_its_interface() {
    in_namespace("changes");
}

fn a_node_that_moves_goes_on_counting() {
    in_namespace("counts");
}

const INTERVAL: Duration = Duration::from_millis(200);

fn auto() -> zyre::Builder {
    Node::builder().interface("*").beacon_interval(INTERVAL)
}

/// The interface on which the node has its endpoint, and its address.
fn here(node: &Node) -> (String, IpAddr) {
    let address = node.endpoint().address().ip();
    let has = |interface: &Interface| interface.used.contains(&address);
    (node.interfaces().into_iter().find(has).unwrap().name, address)
}

fn is_alone(node: &Node) -> bool {
    node.endpoint().address().ip().is_loopback()
}

async fn an_interface_appears() {
    let (mut a, mut b) = pair_of(auto().join("g"), auto().join("g")).await;
    for node in [&a.node, &b.node] {
        assert!(is_alone(node));
    }
    let ports = [&a, &b].map(|member| member.node.endpoint().address().port());
    talk(&mut a, &mut b, "on loopback").await;

    plug("10.77.9.1");
    let real = ("va".to_owned(), [10, 77, 9, 1].into());
    for (member, port) in [(&a, ports[0]), (&b, ports[1])] {
        until("the move", || here(&member.node) == real).await;
        let endpoint = member.node.endpoint();
        assert_eq!(endpoint.to_string(), format!("tcp://10.77.9.1:{port}"), "the port is kept");
    }
    for member in [&mut a, &mut b] {
        let endpoint = member.node.endpoint();
        let moved = |event| matches!(event, Event::Moved { endpoint: to } if to == endpoint);
        member.pick("MOVED", |event| moved(event).then_some(())).await;
    }
    // Those who have met stay together; those who come now find them there.
    talk(&mut a, &mut b, "after the move").await;
    let mut c = Member::start(auto()).await;
    assert_eq!(here(&c.node), real);
    until("the new one", || c.node.peers().len() == 2).await;
    for member in [&mut a, &mut b] {
        talk(&mut c, member, "with the new one").await;
    }
    for member in [&mut a, &mut b, &mut c] {
        let exits = member.rest().into_iter().find(|event| matches!(event, Event::Exit { .. }));
        assert_eq!(exits, None);
        assert_eq!(member.node.peers().len(), 2);
    }
    let gone = a.id();
    soon(a.node.stop()).await;
    assert_eq!(b.exit(gone).await, ExitReason::Goodbye);
}

async fn an_address_changes() {
    plug("10.77.9.1");
    let named = || Node::builder().interface("va").beacon_interval(INTERVAL);
    let (mut a, b) = pair_of(named(), auto()).await;
    ip("addr add 10.77.8.1/24 brd + dev va");
    ip("addr del 10.77.9.1/24 dev va");
    for member in [&a, &b] {
        until("the move", || here(&member.node).1 == IpAddr::from([10, 77, 8, 1])).await;
    }
    // Their old links are of an address that is gone. They may have to meet anew.
    until("each other", || a.node.peers() == [b.id()] && b.node.peers() == [a.id()]).await;
    let c = Member::start(named()).await;
    until("the new one", || c.node.peers().len() == 2 && a.node.peers().len() == 2).await;
    a.enter(c.id()).await;
    let moved = a.node.peer(c.id()).unwrap().endpoint;
    assert_eq!(moved.address().ip(), IpAddr::from([10, 77, 8, 1]));
}

async fn counts_go_on() {
    // Each of the others then has a connection to its mailbox.
    let (a, b) = pair_of(auto().two_way(false), auto()).await;
    let c = Member::start(auto()).await;
    until("the third", || a.node.peers().len() == 2).await;
    assert_eq!(a.node.stats().network.connections, 2);
    plug("10.77.9.1");
    for member in [&a, &b, &c] {
        until("the move", || !is_alone(&member.node)).await;
    }
    let _d = Member::start(auto()).await;
    until("the fourth", || a.node.peers().len() == 3).await;
    assert_eq!(a.node.stats().network.connections, 3);
}

/// Both ways.
async fn talk(one: &mut Member, other: &mut Member, text: &str) {
    one.node.whisper(other.id(), text).unwrap();
    assert_eq!(other.whisper(one.id()).await.to_text(), text);
    other.node.whisper(one.id(), text).unwrap();
    assert_eq!(one.whisper(other.id()).await.to_text(), text);
}

async fn an_interface_may_be_chosen_by_name_or_by_address() {
    let port = free_port();
    let by_address = || Node::builder().beacon_port(port).interface(Ipv4Addr::LOCALHOST);
    let by_text = Node::builder().beacon_port(port).interface("127.0.0.1");
    let (mut a, mut b) = pair_of(by_text, by_address()).await;
    let c = Member::start(on(port).interface(InterfaceChoice::Name("lo".to_owned()))).await;
    for node in [&a.node, &b.node, &c.node] {
        assert_eq!(here(node), ("lo".to_owned(), Ipv4Addr::LOCALHOST.into()));
        until("the others", || node.peers().len() == 2).await;
    }
    talk(&mut a, &mut b, "by address").await;
}

async fn a_name_or_address_that_is_not_there_is_an_error() {
    for unknown in ["", "lo0x", "10.255.255.254", "127.0.0.2"] {
        let error = Node::builder().interface(unknown).start().await.unwrap_err();
        assert!(matches!(error, zyre::StartError::NoInterface { .. }), "{unknown}: {error}");
    }
}
