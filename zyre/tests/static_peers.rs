//! Nodes without beacons, which know each other's endpoints, on real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::net::UdpSocket;
use std::time::Duration;

use common::{Member, free_port, until};
use zyre::{
    ActionError, Builder, Endpoint, Event, HostEndpoint, Limits, Node, PeerId, StartError,
    UnreachableReason,
};

const REFUSED: UnreachableReason = UnreachableReason::Refused;

/// Several times as long as the pause before somebody is tried again.
const LITTLE: Duration = Duration::from_millis(500);

/// A node on loopback that has no UDP socket.
fn silent() -> Builder {
    Node::builder().interface("lo").beacon(false).beacon_interval(Duration::from_millis(100))
}

/// The same, whose mailbox has this port.
fn at(port: u16) -> Builder {
    silent().mailbox_port(port)
}

/// An endpoint on this host, by its name.
fn localhost(port: u16) -> HostEndpoint {
    format!("localhost:{port}").parse().unwrap()
}

fn nowhere() -> Endpoint {
    Endpoint::new(([127, 0, 0, 1], free_port()).into())
}

async fn start(builder: Builder) -> Member {
    Member::start(builder).await
}

/// Each enters at the other, and hears it.
async fn meet(a: &mut Member, b: &mut Member) {
    let (a_id, b_id) = (a.id(), b.id());
    a.enter(b_id).await;
    b.enter(a_id).await;
    a.node.whisper(b_id, "there").unwrap();
    b.node.whisper(a_id, "and back").unwrap();
    assert_eq!(b.whisper(a_id).await.to_text(), "there");
    assert_eq!(a.whisper(b_id).await.to_text(), "and back");
}

/// The next time that somebody cannot be met at an endpoint: where, and why.
async fn unreachable(member: &mut Member) -> (HostEndpoint, UnreachableReason) {
    let told = |event| match event {
        Event::EndpointUnreachable { endpoint, why } => Some((endpoint, why)),
        _ => None,
    };
    member.pick("an endpoint that cannot be reached", told).await
}

#[tokio::test]
async fn two_nodes_without_beacons_meet_by_an_endpoint_alone() {
    let mut b = start(silent()).await;
    let mut a = start(silent().require_endpoint(b.node.endpoint())).await;
    meet(&mut a, &mut b).await;
    let required = a.node.required();
    let [one] = &required[..] else { panic!("{required:?}") };
    assert_eq!(one.endpoint, b.node.endpoint().into());
    assert_eq!((one.peer, one.is_present, one.problem), (Some(b.id()), true, None));
    b.node.stop().await;
    assert_eq!(a.exit(b.id()).await, zyre::ExitReason::Goodbye, "without a goodbye beacon");
}

#[tokio::test]
async fn nodes_with_two_connections_meet_by_an_endpoint_alone() {
    for two_way in [[true, false], [false, true], [false, false]] {
        let mut b = start(silent().two_way(two_way[1])).await;
        let mut a = start(silent().two_way(two_way[0]).require_endpoint(b.node.endpoint())).await;
        meet(&mut a, &mut b).await;
    }
}

#[tokio::test]
async fn both_may_require_each_other_and_a_list_may_contain_the_node_itself() {
    let ports = [free_port(), free_port(), free_port()];
    let with_list = |port| {
        ports.iter().fold(at(port), |builder, port| builder.require_endpoint(localhost(*port)))
    };
    let mut members = Vec::new();
    for port in ports {
        members.push(start(with_list(port)).await);
    }
    let ids: Vec<PeerId> = members.iter().map(Member::id).collect();
    for (member, port) in members.iter_mut().zip(ports) {
        let own = (localhost(port), UnreachableReason::OwnNode);
        // Those that were not started yet may be told of as well.
        let told = |event| match event {
            Event::EndpointUnreachable { endpoint, why } => ((endpoint, why) == own).then_some(()),
            _ => None,
        };
        member.pick("itself", told).await;
    }
    for member in &members {
        until("all have met", || member.node.peers().len() == 2).await;
        let others: Vec<_> = ids.iter().filter(|id| **id != member.id()).copied().collect();
        assert!(member.node.peers().iter().all(|peer| others.contains(peer)));
    }
}

#[tokio::test]
async fn a_host_name_will_do_and_the_node_may_come_later() {
    let port = free_port();
    let mut a = start(silent()).await;
    a.node.require_endpoint(localhost(port)).unwrap();
    assert_eq!(unreachable(&mut a).await, (localhost(port), REFUSED));
    let mut b = start(at(port)).await;
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_peer_is_required_by_a_host_name_and_an_id() {
    let port = free_port();
    let mut b = start(at(port)).await;
    let mut a = start(silent().require_peer(b.id(), localhost(port))).await;
    meet(&mut a, &mut b).await;
    let wrong = PeerId::new([7; 16]);
    a.node.require_peer(wrong, localhost(port)).unwrap();
    let told = |event| match event {
        Event::Unreachable { peer, why, .. } if peer == wrong => Some(why),
        _ => None,
    };
    // Of its addresses one may refuse.
    let why = a.pick("the wrong id", |event| told(event).filter(|why| *why != REFUSED)).await;
    assert_eq!(why, UnreachableReason::AnotherNode);
    assert!(a.node.peer(wrong).is_none());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_of_once() {
    let name: HostEndpoint = "no-such-host.invalid:49152".parse().unwrap();
    let mut a = start(silent().require_endpoint(name.clone())).await;
    assert_eq!(unreachable(&mut a).await, (name.clone(), UnreachableReason::NoName));
    let required = a.node.required();
    assert_eq!(required[0].problem, Some(UnreachableReason::NoName));
    a.node.forget_endpoint(name).unwrap();
    assert!(a.node.required().is_empty());
    assert!(a.rest().is_empty());
}

#[tokio::test]
async fn after_a_restart_with_a_new_id_it_is_met_as_another() {
    let port = free_port();
    let mut b = start(at(port)).await;
    let mut a = start(silent().require_endpoint(localhost(port))).await;
    meet(&mut a, &mut b).await;
    let old = b.id();
    b.node.abort();
    a.exit(old).await;
    drop(b);
    let mut b = start(at(port)).await;
    assert_ne!(b.id(), old);
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn who_is_forgotten_stays_until_it_goes_and_is_not_tried_again() {
    let port = free_port();
    let kept = PeerId::new([9; 16]);
    for by_id in [true, false] {
        let mut a = start(silent()).await;
        let mut b = start(at(port).id(kept)).await;
        let endpoint = b.node.endpoint();
        if by_id {
            a.node.require_peer(kept, endpoint).unwrap();
        } else {
            a.node.require_endpoint(endpoint).unwrap();
        }
        meet(&mut a, &mut b).await;
        if by_id {
            a.node.forget_peer(kept).unwrap();
        } else {
            a.node.forget_endpoint(endpoint).unwrap();
        }
        assert!(a.node.required().is_empty());
        a.node.whisper(kept, "still here").unwrap();
        assert_eq!(b.whisper(a.id()).await.to_text(), "still here");
        b.node.abort();
        a.exit(kept).await;
        let dials = a.node.stats().protocol.dials;
        drop(b);
        let b = start(at(port).id(kept)).await;
        tokio::time::sleep(LITTLE).await;
        assert_eq!(a.node.stats().protocol.dials, dials, "by id: {by_id}");
        assert!(b.node.peers().is_empty());
        b.node.stop().await;
    }
}

#[tokio::test]
async fn without_beacons_no_udp_port_is_needed_and_none_is_taken() {
    // Somebody has the port, and does not share it.
    let taken = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let busy = Node::builder().interface("lo").beacon_port(port).start().await;
    assert!(matches!(busy, Err(StartError::Beacon { .. })));
    for port in [port, 0] {
        let mut a = start(silent().beacon_port(port)).await;
        let interfaces = a.node.interfaces();
        let lo = interfaces.iter().find(|it| it.is_loopback()).unwrap();
        assert!(lo.is_used() && lo.broadcasts.is_empty(), "{lo:?}");
        assert_eq!(a.node.endpoints().len(), 1);
        let mut b = start(silent().require_endpoint(a.node.endpoint())).await;
        meet(&mut b, &mut a).await;
        assert_eq!(a.node.stats().network.beacons, 0);
        assert_eq!(a.node.stats().network.beacons_unsent, 0);
    }
}

#[tokio::test]
async fn one_with_beacons_is_met_as_well() {
    let port = free_port();
    let mut heard = start(common::on(port)).await;
    let mut silent = start(silent().require_endpoint(heard.node.endpoint())).await;
    meet(&mut silent, &mut heard).await;
    let mut third = start(common::on(port)).await;
    meet(&mut third, &mut heard).await;
    assert!(third.node.peer(silent.id()).is_none(), "nobody tells it");
}

#[tokio::test]
async fn what_may_be_required_is_limited_at_the_start_and_later() {
    let limits = Limits { required: 1, ..Limits::default() };
    let refused = ActionError::TooManyRequired { limit: 1 };
    let two =
        silent().limits(limits.clone()).require_endpoint(nowhere()).require_endpoint(nowhere());
    match two.start().await {
        Err(StartError::Action(error)) => assert_eq!(error, refused),
        other => panic!("{other:?}"),
    }
    let a = start(silent().limits(limits).require_endpoint(nowhere())).await;
    assert_eq!(a.node.require_endpoint(nowhere()), Err(refused.clone()));
    assert_eq!(a.node.require_peer(PeerId::new([7; 16]), nowhere()), Err(refused.clone()));
    assert!(refused.to_string().contains("1 peers and endpoints"), "{refused}");
    a.node.stop().await;
    assert_eq!(a.node.require_endpoint(nowhere()), Err(ActionError::Stopped));
    assert_eq!(a.node.forget_endpoint(nowhere()), Err(ActionError::Stopped));
    assert_eq!(a.node.forget_peer(a.id()), Err(ActionError::Stopped));
}

#[tokio::test]
async fn what_is_no_mailbox_is_told_of() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &[b'x'; 200]).await;
        }
    });
    let mut a = start(silent().require_endpoint(endpoint)).await;
    assert_eq!(unreachable(&mut a).await, (endpoint.into(), UnreachableReason::AnotherNode));
}
