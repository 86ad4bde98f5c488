//! Nodes without beacons that find each other by gossip, on real sockets.

#![cfg(test)]

mod common;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use common::{DEADLINE, Member, soon, until, until_some};
use serde_json::Value;
use testkit::wire::connection::Connection;
use testkit::wire::dealer::Route;
use testkit::wire::mailbox::Mailbox;
use testkit::{hex, vectors};
use zyre::{
    Builder, Event, ExitReason, GossipError, HostEndpoint, HubState, Node, PeerId, StartError,
    UnreachableReason,
};

/// A node on loopback that sends and hears no beacons.
fn quiet() -> Builder {
    Node::builder().interface("lo").beacon(false)
}

fn any() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Where nobody listens.
fn nowhere(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Where a hub is, for its clients.
fn hub_of(member: &Member) -> SocketAddr {
    member.node.gossip().listening[0]
}

async fn hub() -> Member {
    Member::start(quiet().name("hub").gossip_listen(any())).await
}

async fn client_of(hub: &Member) -> Member {
    Member::start(quiet().gossip_connect(hub_of(hub))).await
}

async fn all_meet(members: &mut [Member]) {
    let ids: Vec<PeerId> = members.iter().map(Member::id).collect();
    for member in members {
        let others: Vec<PeerId> = {
            let mut others: Vec<_> = ids.iter().copied().filter(|id| *id != member.id()).collect();
            others.sort_unstable();
            others
        };
        let what = format!("{} to meet {} others", member.node.name(), others.len());
        until(&what, || member.node.peers() == others).await;
    }
}

#[tokio::test]
async fn clients_of_one_hub_meet_each_other_and_it() {
    let hub = hub().await;
    let mut members = vec![client_of(&hub).await, client_of(&hub).await, client_of(&hub).await];
    members.push(hub);
    all_meet(&mut members).await;
    let status = members[3].node.gossip();
    assert_eq!((status.clients, status.tuples), (3, 3));
    let status = members[0].node.gossip();
    assert!(matches!(status.hubs[0].state, HubState::Connected(_)), "{:?}", status.hubs);
    // What was found by gossip is a peer like any other.
    let (from, to) = (members[0].node.clone(), members[1].id());
    from.whisper(to, "found").unwrap();
    assert_eq!(members[1].whisper(from.id()).await, "found".into());
    // Whoever stops is gone for all at once.
    let gone = members.remove(2);
    let start = Instant::now();
    soon(gone.node.stop()).await;
    for member in &mut members {
        assert_eq!(member.exit(gone.id()).await, ExitReason::Goodbye);
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn late_nodes_at_the_ends_of_a_chain_of_three_hubs_meet() {
    let first = hub().await;
    let with_hub = |above: &Member| quiet().gossip_listen(any()).gossip_connect(hub_of(above));
    let second = Member::start(with_hub(&first)).await;
    let third = Member::start(with_hub(&second)).await;
    let mut members = vec![first, second, third];
    all_meet(&mut members).await;
    // Longer than a C hub remembers a client that says nothing.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (p, q) = (client_of(&members[0]).await, client_of(&members[2]).await);
    members.extend([p, q]);
    all_meet(&mut members).await;
}

#[tokio::test]
async fn a_hub_that_comes_later_and_again_is_reached_and_told() {
    let address: SocketAddr = {
        let socket = std::net::TcpListener::bind(any()).unwrap();
        socket.local_addr().unwrap()
    };
    let endpoint: HostEndpoint = format!("localhost:{}", address.port()).parse().unwrap();
    let mut client = Member::start(quiet().gossip_connect(endpoint.clone())).await;
    let told = |event: Event| match event {
        Event::HubUnreachable { hub, why } => Some((hub, why)),
        _ => None,
    };
    let (hub, why) = client.pick("that there is no hub", told).await;
    assert_eq!(hub, endpoint);
    assert!(why.contains("refused"), "{why}");
    let listing = || quiet().gossip_listen(address);
    for again in [false, true] {
        let hub = Member::start(listing()).await;
        if !again {
            client
                .pick("the hub", |event| matches!(event, Event::HubReached { .. }).then_some(()))
                .await;
        }
        client.enter(hub.id()).await;
        let newcomer = client_of(&hub).await;
        client.enter(newcomer.id()).await;
        hub.node.abort();
        client.exit(hub.id()).await;
    }
    let lost = || matches!(client.node.gossip().hubs[0].state, HubState::Connecting(Some(_)));
    until("the hub to be missed", lost).await;
}

/// Something else listens where a hub should, and says something else to everybody that connects.
#[tokio::test]
async fn a_hub_that_is_none_is_told_of_once() {
    let other = Mailbox::open(Ipv4Addr::LOCALHOST, DEADLINE).unwrap();
    let endpoint = other.address;
    let talking = tokio::spawn(async move {
        loop {
            let mut connection = other.greet().await.unwrap();
            connection.send(&[b"not gossip"]).await;
            // The node ends it.
            while connection.read().await.is_ok() {}
        }
    });
    let mut client = Member::start(quiet().gossip_connect(endpoint)).await;
    let told = client.next().await;
    let Event::HubUnreachable { why, .. } = told else { panic!("{told:?}") };
    assert!(why.contains("not a gossip message"), "{why}");
    // Long enough to connect again, and more than once.
    let more = tokio::time::timeout(Duration::from_secs(3), client.next()).await;
    assert!(more.is_err(), "{more:?}");
    assert!(!talking.is_finished());
    talking.abort();
}

#[tokio::test]
async fn a_node_may_be_told_to_gossip_while_it_runs() {
    let [a, b] = [Member::start(quiet()).await, Member::start(quiet()).await];
    let address = a.node.gossip_listen(any()).unwrap();
    b.node.gossip_connect(address).unwrap();
    b.node.gossip_connect(address).unwrap();
    let mut members = vec![a, b];
    all_meet(&mut members).await;
    let [a, b] = [&members[0].node, &members[1].node];
    assert_eq!((a.gossip().clients, b.gossip().hubs.len()), (1, 1));
    soon(a.stop()).await;
    assert!(matches!(a.gossip_listen(any()), Err(GossipError::Stopped)));
    assert!(matches!(a.gossip_connect(nowhere(1)), Err(GossipError::Stopped)));
}

/// The beacon and gossip at the same time: what one finds the other passes on.
#[tokio::test]
async fn a_hub_passes_on_what_it_has_found_by_beacon() {
    let port = common::free_port();
    let on = || common::on(port).beacon_interval(Duration::from_millis(50));
    let heard = Member::start(on()).await;
    let hub = Member::start(on().gossip_listen(any())).await;
    let client = client_of(&hub).await;
    all_meet(&mut [heard, hub, client]).await;
}

#[tokio::test]
async fn what_cannot_be_listened_at_is_named_and_hubs_are_limited() {
    let taken = std::net::TcpListener::bind(any()).unwrap();
    let address = taken.local_addr().unwrap();
    let started = quiet().gossip_listen(address).start().await;
    let error = started.expect_err("the address is taken");
    assert!(matches!(&error, StartError::Gossip(GossipError::Listen { .. })), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let node = Member::start(quiet()).await.node;
    assert!(matches!(node.gossip_listen(address), Err(GossipError::Listen { .. })));
    for port in 1..=64 {
        node.gossip_connect(nowhere(port)).unwrap();
    }
    let one_more = node.gossip_connect(nowhere(65));
    assert!(matches!(one_more, Err(GossipError::TooMany { limit: 64 })));
}

/// One of two lets no connection in. Two-way connections reach it all the same.
#[tokio::test]
async fn a_node_that_nobody_can_connect_to_is_met_through_gossip() {
    let hub = hub().await;
    let hidden = quiet().advertise_everywhere(nowhere(9).into()).gossip_connect(hub_of(&hub));
    let hidden = Member::start(hidden).await;
    let open = client_of(&hub).await;
    all_meet(&mut [hub, hidden, open]).await;
}

/// A node whose endpoint leads nowhere, and that nobody has ever met, is told of once, and others
/// are not told after a while; here, that it is told.
#[tokio::test]
async fn a_node_that_is_heard_of_and_cannot_be_met_is_told_of() {
    let mut hub =
        Member::start(quiet().gossip_listen(any()).beacon_interval(Duration::from_millis(20)))
            .await;
    let mut liar = dealer(hub.node.gossip().listening[0]).await;
    assert!(liar.send(&[&[0xAA, 0xA0, 1, 1]]).await);
    let mut told = vec![0xAA, 0xA0, 2, 1, 32];
    told.extend(b"0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A");
    told.extend([0, 0, 0, 17]);
    told.extend(b"tcp://127.0.0.1:9");
    told.extend([0; 4]);
    assert!(liar.send(&[&told]).await);
    let (peer, why) = hub
        .pick("UNREACHABLE", |event| match event {
            Event::Unreachable { peer, why, .. } => Some((peer, why)),
            _ => None,
        })
        .await;
    assert_eq!((peer, why), (PeerId::new([10; 16]), UnreachableReason::Refused));
}

async fn dealer(hub: SocketAddr) -> Connection {
    let route = Route { to: hub, from: Ipv4Addr::LOCALHOST, patience: DEADLINE, secure: None };
    route.greet(b"").await.unwrap()
}

/// The bytes of a captured C client, on a real connection to a hub of ours.
#[tokio::test]
async fn a_c_client_as_captured_is_served() {
    let hub = hub().await;
    let key = hub.id().to_string().to_ascii_uppercase();
    for scenario in vectors::gossip() {
        let messages = scenario["messages"].as_array().unwrap();
        let of_client = |message: &&Value| message["to"].as_str().unwrap().ends_with(":5999");
        let first = messages.iter().find(of_client).unwrap()["from"].clone();
        let mut client = dealer(hub.node.gossip().listening[0]).await;
        for message in messages.iter().filter(|message| message["from"] == first) {
            let frame = hex::decode(message["hex"].as_str().unwrap());
            assert!(client.send(&[&frame]).await);
        }
        let name = &scenario["name"];
        loop {
            let frames = client.read().await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(frames.len(), 1, "{name}");
            if frames[0].windows(32).any(|it| it == key.as_bytes()) {
                break;
            }
        }
    }
    let stats = hub.node.gossip().stats;
    assert_eq!((stats.malformed, stats.unused), (0, 0));
    let tuples = async || (hub.node.gossip().tuples > 5).then_some(());
    until_some("the tuples of C nodes", tuples).await;
}
