//! Where a node lives, and how it moves. What changes interfaces happens in network namespaces
//! that the test makes for itself.

#![cfg(test)]

mod common;

use std::net::Ipv4Addr;
use std::process::Command;

use common::child;
use common::{Member, free_port, on, pair_of, soon, until};
use serde_json::json;
use zyre::{Event, ExitReason, InterfaceChoice, Node};

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn child() {
    if let Some((task, settings)) = child::task() {
        // Nothing is touched in the namespace that everybody lives in.
        assert_ne!(json!(namespace()), settings, "this is not a namespace of its own");
        match &*task {
            "appears" => an_interface_appears().await,
            "counts" => counts_go_on().await,
            "changes" => an_address_changes().await,
            other => panic!("no task {other}"),
        }
        child::say(&json!({ "event": "passed" }));
    }
}

fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/net").unwrap().to_string_lossy().into_owned()
}

/// Runs a task of `child` in a network namespace of its own; says why not, where that is not
/// possible.
async fn in_namespace(task: &str) {
    let possible = |flags: &str| {
        let tried = Command::new("unshare").args([flags, "ip", "link", "set", "lo", "up"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let Some(flags) = ["-n", "-rn"].into_iter().find(|flags| possible(flags)) else {
        println!("skipped: no `unshare -n` with `ip` here (it takes root, or user namespaces)");
        return;
    };
    let inner = child::command(task, &json!(namespace()));
    let inner = inner.as_std();
    let mut outer = tokio::process::Command::new("unshare");
    outer.arg(flags).arg(inner.get_program()).args(inner.get_args());
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = soon(outer.kill_on_drop(true).output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("passed"), "{said}\n{wrong}");
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

#[tokio::test]
async fn without_a_real_interface_nodes_meet_on_loopback_and_move_when_one_appears() {
    in_namespace("appears").await;
}

#[tokio::test]
async fn a_node_follows_the_address_of_its_interface() {
    in_namespace("changes").await;
}

#[tokio::test]
async fn a_node_that_moves_goes_on_counting() {
    in_namespace("counts").await;
}

fn auto() -> zyre::Builder {
    on(5670).interface("*").beacon_interval(std::time::Duration::from_millis(200))
}

fn here(node: &Node) -> (String, Ipv4Addr) {
    let interface = node.interface();
    (interface.name, interface.address)
}

async fn an_interface_appears() {
    ip("link set lo up");
    let (mut a, mut b) = pair_of(auto().join("g"), auto().join("g")).await;
    for node in [&a.node, &b.node] {
        assert!(node.interface().is_loopback());
        assert!(node.endpoint().address().ip().is_loopback());
    }
    let ports = [&a, &b].map(|member| member.node.endpoint().address().port());
    talk(&mut a, &mut b, "on loopback").await;

    ip("link add va type veth peer name vb");
    ip("addr add 10.77.9.1/24 brd + dev va");
    ip("link set va up");
    ip("link set vb up");
    let real = ("va".to_owned(), Ipv4Addr::new(10, 77, 9, 1));
    for (member, port) in [(&a, ports[0]), (&b, ports[1])] {
        until("the move", || here(&member.node) == real).await;
        assert_eq!(member.node.interface().broadcast, Ipv4Addr::new(10, 77, 9, 255));
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
    ip("link set lo up");
    ip("link add va type veth peer name vb");
    ip("addr add 10.77.9.1/24 brd + dev va");
    ip("link set va up");
    ip("link set vb up");
    let named = || auto().interface("va");
    let (mut a, b) = pair_of(named(), auto()).await;
    let before = a.node.stats().network;
    assert_eq!(before.connections, 1);
    ip("addr add 10.77.8.1/24 brd + dev va");
    ip("addr del 10.77.9.1/24 dev va");
    for member in [&a, &b] {
        until("the move", || here(&member.node).1 == Ipv4Addr::new(10, 77, 8, 1)).await;
    }
    // Their old links are of an address that is gone. They may have to meet anew.
    until("each other", || a.node.peers() == [b.id()] && b.node.peers() == [a.id()]).await;
    let c = Member::start(named()).await;
    until("the new one", || c.node.peers().len() == 2 && a.node.peers().len() == 2).await;
    a.enter(c.id()).await;
    let moved = a.node.peer(c.id()).unwrap().endpoint;
    assert_eq!(moved.address().ip(), Ipv4Addr::new(10, 77, 8, 1));
}

async fn counts_go_on() {
    ip("link set lo up");
    let (a, b) = pair_of(auto(), auto()).await;
    let c = Member::start(auto()).await;
    until("the third", || a.node.peers().len() == 2).await;
    assert_eq!(a.node.stats().network.connections, 2);
    ip("link add va type veth peer name vb");
    ip("addr add 10.77.9.1/24 brd + dev va");
    ip("link set va up");
    ip("link set vb up");
    for member in [&a, &b, &c] {
        until("the move", || !member.node.interface().is_loopback()).await;
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

#[tokio::test]
async fn an_interface_may_be_chosen_by_name_or_by_address() {
    let port = free_port();
    let by_address = || on(port).interface(Ipv4Addr::LOCALHOST);
    let (mut a, mut b) = pair_of(on(port).interface("127.0.0.1"), by_address()).await;
    let c = Member::start(on(port).interface(InterfaceChoice::Name("lo".to_owned()))).await;
    for node in [&a.node, &b.node, &c.node] {
        assert_eq!(here(node), ("lo".to_owned(), Ipv4Addr::LOCALHOST));
        until("the others", || node.peers().len() == 2).await;
    }
    talk(&mut a, &mut b, "by address").await;
}

#[tokio::test]
async fn a_name_or_address_that_is_not_there_is_an_error() {
    for unknown in ["", "lo0x", "10.255.255.254", "127.0.0.2"] {
        let error = on(free_port()).interface(unknown).start().await.unwrap_err();
        assert!(matches!(error, zyre::StartError::NoInterface { .. }), "{unknown}: {error}");
    }
}
