//! Nodes whose id the application has chosen, and nodes that write theirs in another way.

#![cfg(test)]

mod common;

use std::time::{Duration, Instant};

use common::{Member, free_port, on, route, until};
use testkit::wire::mailbox::Mailbox;
use testkit::wire::{self, Hello, WHISPER};
use zyre::{Event, ExitReason, Node, PeerId, State, StateError, UnreachableReason};

const KEPT: PeerId = PeerId::new(*b"an id for always");

/// Several beacons of everybody: what has not happened by then does not happen.
const BEACONS: u32 = 20;

fn quick(port: u16) -> zyre::Builder {
    on(port).beacon_interval(Duration::from_millis(50))
}

#[tokio::test]
async fn a_node_has_the_id_that_it_was_given() {
    let port = free_port();
    let mut a = Member::start(quick(port)).await;
    for id in [KEPT, PeerId::new([0; 16]), PeerId::new([0xFF; 16])] {
        let mut b = Member::start(quick(port).id(id)).await;
        assert_eq!((b.node.id(), b.node.name()), (id, &*id.default_name()));
        a.enter(id).await;
        b.enter(a.id()).await;
        b.node.whisper(a.id(), "here").unwrap();
        assert_eq!(a.whisper(id).await, "here".into());
        a.node.whisper(id, "there").unwrap();
        assert_eq!(b.whisper(a.id()).await, "there".into());
        b.node.stop().await;
        a.exit(id).await;
    }
}

/// It belongs to one node until that has ended, however it ends.
#[tokio::test]
async fn a_state_is_that_of_one_node_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let open = || State::open(home.path().join("state"));
    let state = open().unwrap();
    state.set_name("alice").unwrap();
    let (id, port) = (state.id(), free_port());
    let a = Member::start(quick(port).state(&state)).await;
    assert_eq!((a.id(), a.node.name()), (id, "alice"));
    drop(state);
    assert!(matches!(open(), Err(StateError::InUse { .. })), "the node has it");
    a.node.stop().await;
    let state = open().unwrap();
    let b = Member::start(quick(port).state(&state).name("bob").id(KEPT)).await;
    assert_eq!((b.id(), b.node.name()), (KEPT, "bob"), "what is said counts more");
    drop((b, state));
    until("it is free", || open().is_ok()).await;
    assert_eq!(open().unwrap().id(), id);
}

#[tokio::test]
async fn without_one_every_start_has_another() {
    let (a, b) = (Member::start(on(free_port())).await, Member::start(on(free_port())).await);
    assert_ne!(a.id(), b.id());
}

/// It ends without a word, and is back: its peers hear EXIT and ENTER of one and the same.
#[tokio::test]
async fn a_peer_is_known_again_after_a_restart() {
    let port = free_port();
    let mut a = Member::start(quick(port)).await;
    let mut b = Member::start(quick(port).id(KEPT).name("b")).await;
    a.enter(KEPT).await;
    for _ in 0..3 {
        b.enter(a.id()).await;
        b.node.abort();
        let again = Member::start(quick(port).id(KEPT).name("b again")).await;
        assert!(a.exit(KEPT).await != ExitReason::Goodbye, "it said nothing");
        a.enter(KEPT).await;
        b = again;
    }
    assert_eq!(a.node.peers(), [KEPT]);
    assert!(!b.rest().iter().any(|event| matches!(event, Event::IdInUse { .. })), "it is alone");
}

/// Who is required by id and endpoint is found without any beacon, before it starts and whenever it
/// has started again.
#[tokio::test]
async fn a_required_peer_keeps_its_id_over_restarts() {
    let port = free_port();
    let mut a = Member::start(quick(free_port())).await;
    let endpoint = zyre::Endpoint::new(([127, 0, 0, 1], port).into());
    a.node.require_peer(KEPT, endpoint).unwrap();
    for _ in 0..2 {
        let builder = quick(free_port()).id(KEPT).mailbox_port(port);
        let mut b = Member::start(builder).await;
        a.enter(KEPT).await;
        b.enter(a.id()).await;
        b.node.abort();
        a.exit(KEPT).await;
    }
}

/// What is heard while a node stops is not told any more.
#[tokio::test]
async fn stop_is_the_last_event_whatever_is_heard() {
    let port = free_port();
    for _ in 0..5 {
        let mut a = Member::start(quick(port)).await;
        // A peer, to which it has something to say as it stops.
        let mut b = Member::start(quick(port)).await;
        b.enter(a.id()).await;
        let twin = wire::beacon(1, a.id(), 9);
        let node = a.node.clone();
        let heard = || node.stats().network.beacons;
        let forge = async {
            // The stop has begun: it was polled before.
            let says = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            says.set_broadcast(true).unwrap();
            for _ in 0..20 {
                says.send_to(&twin, ("127.255.255.255", port)).unwrap();
            }
            std::future::pending::<()>().await;
        };
        let before = heard();
        tokio::select! {
            biased;
            () = node.stop() => {}
            () = forge => {}
        }
        assert!(heard() > before, "the node has heard them as it stopped");
        assert_eq!(a.rest().last(), Some(&Event::Stop));
        b.node.stop().await;
    }
}

/// Two with one id: both are told of it. The first stays what it was for who knows it, the second is
/// not heard; when the first ends, the second comes.
#[tokio::test]
async fn the_first_of_two_with_one_id_stays() {
    let port = free_port();
    let mut first = Member::start(quick(port).id(KEPT).name("first")).await;
    let mut other = Member::start(quick(port).name("other")).await;
    other.enter(KEPT).await;
    first.enter(other.id()).await;

    let mut second = Member::start(quick(port).id(KEPT).name("second")).await;
    let heard = |node: &Node| node.stats().network.beacons;
    let goal = heard(&other.node) + u64::from(3 * BEACONS);
    until("beacons", || heard(&other.node) >= goal).await;
    let protocol = other.node.stats().protocol;
    // Which of them speaks first is decided by their ids.
    let claims = protocol.intruding + protocol.spares_refused;
    assert!(claims > 0, "the second has tried");
    assert_eq!(other.rest(), [], "and nobody has heard of it");
    let twice = |node: &Member| Event::IdInUse { endpoint: node.node.endpoint() };
    assert_eq!(first.rest(), [twice(&second)], "the two do not meet, and are told");
    let told = |event: &Event| {
        matches!(event, Event::Unreachable { peer, why: UnreachableReason::NoHello, .. }
            if *peer == other.id())
    };
    let mut rest = second.rest();
    rest.retain(|event| *event != twice(&first));
    assert!(rest.len() <= 1 && rest.iter().all(told), "it is not greeted, and told so: {rest:?}");
    assert_eq!((first.node.peers(), second.node.peers()), (vec![other.id()], vec![]));
    other.node.whisper(KEPT, "for the first").unwrap();
    assert_eq!(first.whisper(other.id()).await, "for the first".into());

    let end = Instant::now();
    first.node.stop().await;
    let reason = other.exit(KEPT).await;
    // The second may just have been waiting for an answer of the first.
    let usual = [ExitReason::Goodbye, ExitReason::LinkLost, ExitReason::Restarted];
    assert!(usual.contains(&reason), "{reason}");
    let name = other
        .pick("the second", |event| match event {
            Event::Enter { peer: KEPT, name, .. } => Some(name),
            _ => None,
        })
        .await;
    assert_eq!(&*name, "second");
    second.enter(other.id()).await;
    println!("the second takes the place after {:?}", end.elapsed());
}

/// pyre before July 2016 begins its routing id with the digit `1`. No other implementation looks at
/// that byte.
#[tokio::test]
async fn a_node_whose_routing_id_begins_in_another_way_is_a_peer() {
    let mut node = Member::start(on(free_port())).await;
    let route = route(&node.node);
    for (first, id) in [(b'1', PeerId::new([0; 16])), (0, KEPT), (255, PeerId::new([255; 16]))] {
        let mailbox = Mailbox::open(route.from, route.patience).unwrap();
        let routing_id = [&[first][..], id.as_bytes()].concat();
        let mut dealer = route.greet(&routing_id).await.unwrap();
        dealer.send(&[&Hello::new(&format!("tcp://{}", mailbox.address)).encode()]).await;
        let _link = mailbox.greet().await.unwrap();
        node.enter(id).await;
        dealer.send(&[&wire::header(WHISPER, 2, &[]), b"old"]).await;
        assert_eq!(node.whisper(id).await, "old".into());
        assert_eq!(node.node.peer(id).unwrap().link, zyre::LinkKind::OneEachWay);
    }
    assert_eq!(node.node.stats().network.connections_foreign, 0);
}
