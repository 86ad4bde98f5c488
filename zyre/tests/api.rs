//! What the handle of a node does.

#![cfg(test)]

mod common;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use common::{Member, free_port, on, pair, pair_of, route, soon, until};
use testkit::wire::ghost::Ghost;
use tokio::net::{TcpListener, TcpStream};
use zyre::{
    ActionError, Endpoint, Event, ExitReason, Limits, Liveness, Node, PeerId, UnreachableReason,
    VERSION,
};

fn names(groups: &[std::sync::Arc<str>]) -> Vec<&str> {
    groups.iter().map(AsRef::as_ref).collect()
}

#[tokio::test]
async fn peers_hear_of_join_and_leave_once_and_lists_follow() {
    let (mut a, mut b) = pair().await;
    for _ in 0..2 {
        b.node.join("zebra").unwrap();
        b.node.join("ant").unwrap();
    }
    assert_eq!(names(&b.node.own_groups()), ["ant", "zebra"]);
    assert_eq!(a.join(b.id()).await, "zebra");
    assert_eq!(a.join(b.id()).await, "ant");
    assert_eq!(names(&a.node.peer_groups()), ["ant", "zebra"]);
    assert_eq!(a.node.peers_in("zebra"), [b.id()]);
    assert_eq!(names(&a.node.peer(b.id()).unwrap().groups), ["ant", "zebra"]);
    assert_eq!(a.node.peers_info(), [a.node.peer(b.id()).unwrap()]);
    assert!(a.node.own_groups().is_empty() && b.node.peer_groups().is_empty());

    for _ in 0..2 {
        b.node.leave("zebra").unwrap();
    }
    b.node.leave("never joined").unwrap();
    b.node.whisper(a.id(), "end").unwrap();
    assert_eq!(a.next().await, leave_of(&b, "zebra"));
    assert!(matches!(a.next().await, Event::Whisper { .. }), "LEAVE came once");
    assert_eq!(names(&a.node.peer_groups()), ["ant"]);
    assert!(a.node.peers_in("zebra").is_empty());
    assert_eq!(b.rest(), []);
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(VERSION, env!("CARGO_PKG_VERSION"));
}

fn leave_of(member: &Member, group: &str) -> Event {
    let name = member.node.name().into();
    Event::Leave { peer: member.id(), name, group: group.into() }
}

#[tokio::test]
async fn shout_reaches_members_only_and_never_its_sender() {
    let port = free_port();
    let mut members = Vec::new();
    for i in 0..4 {
        let builder = on(port).name(format!("{i}"));
        members.push(Member::start(if i < 3 { builder.join("in") } else { builder }).await);
    }
    let ids: Vec<PeerId> = members.iter().map(Member::id).collect();
    for member in &members {
        until("the mesh", || member.node.peers().len() == 3).await;
        let others = ids[..3].iter().filter(|id| **id != member.id()).count();
        until("the group", || member.node.peers_in("in").len() == others).await;
    }
    // From a member, and from one that is not.
    members[0].node.shout("in", "from 0").unwrap();
    members[3].node.shout("in", "from 3").unwrap();
    members[0].node.shout("nobody is in", "lost").unwrap();
    for from in &members {
        for to in ids.iter().filter(|id| **id != from.id()) {
            from.node.whisper(*to, "end").unwrap();
        }
    }
    let heard = [vec!["from 3"], vec!["from 0", "from 3"], vec!["from 0", "from 3"], vec![]];
    for (member, expected) in members.iter_mut().zip(heard) {
        let (mut shouts, mut ends) = (Vec::new(), 0);
        while ends < 3 {
            match member.next().await {
                Event::Shout { peer, group, content, .. } => {
                    let from = ids.iter().position(|id| *id == peer).unwrap();
                    assert_eq!((&*group, content.to_text()), ("in", format!("from {from}")));
                    shouts.push(content.to_text());
                }
                Event::Whisper { .. } => ends += 1,
                _ => {}
            }
        }
        shouts.sort_unstable();
        assert_eq!(shouts, expected);
    }
}

#[tokio::test]
async fn peer_info_tells_name_headers_endpoint_groups_and_liveness() {
    let port = free_port();
    let b = on(port).name("Bé").header("X-KIND", "test").header("X-EMPTY", "").join("g");
    let (a, b) = pair_of(on(port), b).await;
    until("JOIN", || a.node.peers_in("g") == [b.id()]).await;
    let info = a.node.peer(b.id()).unwrap();
    assert_eq!((info.id, &*info.name, info.endpoint), (b.id(), "Bé", b.node.endpoint()));
    let headers: Vec<_> = info.headers.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(headers, [("X-EMPTY", ""), ("X-KIND", "test"), ("X-ZYRE", VERSION)]);
    assert_eq!((names(&info.groups), info.liveness), (vec!["g"], Liveness::Present));
    assert!(a.node.peer(a.id()).is_none(), "a node is not its own peer");
    assert!(a.node.peer(PeerId::new([7; 16])).is_none());
    // The default name: six digits of the id, in upper case.
    let default = a.id().to_string()[..6].to_uppercase();
    assert_eq!((a.node.name(), &*b.node.peer(a.id()).unwrap().name), (&*default, &*default));
    assert!(format!("{:?}", a.node).contains(&a.id().to_string()));
}

#[tokio::test]
async fn a_header_set_later_is_seen_by_new_peers_only() {
    let port = free_port();
    let (mut a, b) = pair_of(on(port), on(port).header("X-A", "1")).await;
    b.node.set_header("X-A", "2").unwrap();
    b.node.set_header("X-B", "3").unwrap();
    b.node.whisper(a.id(), "set").unwrap();
    a.whisper(b.id()).await;
    let mut c = Member::start(on(port)).await;
    c.enter(b.id()).await;
    let headers = |member: &Member| {
        let headers = member.node.peer(b.id()).unwrap().headers;
        let set = headers.iter().filter(|(name, _)| *name != "X-ZYRE");
        set.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(headers(&a), ["X-A=1"]);
    assert_eq!(headers(&c), ["X-A=2", "X-B=3"]);
}

#[tokio::test]
async fn require_peer_meets_a_node_that_no_beacon_tells_of() {
    let mut a = Member::start(on(free_port())).await;
    let mut b = Member::start(on(free_port())).await;
    a.node.require_peer(b.id(), b.node.endpoint()).unwrap();
    a.enter(b.id()).await;
    b.enter(a.id()).await;
    a.node.whisper(b.id(), "there").unwrap();
    b.node.whisper(a.id(), "and back").unwrap();
    assert_eq!(b.whisper(a.id()).await.to_text(), "there");
    assert_eq!(a.whisper(b.id()).await.to_text(), "and back");
}

#[tokio::test]
async fn require_peer_keeps_trying_until_the_peer_is_there_and_after_it_was_lost() {
    // B says it is at a port where nobody listens until a forwarding is set up.
    let forwarding = Endpoint::new((Ipv4Addr::LOCALHOST, free_port()).into());
    let quick = Duration::from_millis(50);
    let mut a = Member::start(on(free_port()).beacon_interval(quick)).await;
    let mailbox = free_port();
    let builder = on(free_port()).mailbox_port(mailbox).advertise_everywhere(forwarding);
    let mut b = Member::start(builder).await;
    assert_eq!(b.node.endpoint(), forwarding);
    a.node.require_peer(b.id(), forwarding).unwrap();
    until("three tries", || a.node.stats().protocol.dials_failed >= 3).await;
    let rest = a.rest();
    let told = matches!(rest[..], [Event::Unreachable { why: UnreachableReason::Refused, .. }]);
    assert!(told, "a peer that was never there does not EXIT: {rest:?}");

    let listener = TcpListener::bind(forwarding.address()).await.unwrap();
    let relay = tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect((Ipv4Addr::LOCALHOST, mailbox)).await.unwrap();
            let relay = async move { tokio::io::copy_bidirectional(&mut near, &mut far).await };
            // Both halves of one connection; ends with the test.
            let _ = relay.await;
        }
    });
    a.enter(b.id()).await;
    b.enter(a.id()).await;
    assert_eq!(a.node.peer(b.id()).unwrap().endpoint, forwarding);
    a.node.whisper(b.id(), "through").unwrap();
    assert_eq!(b.whisper(a.id()).await.to_text(), "through");

    relay.abort();
    assert_eq!(a.exit(b.id()).await, ExitReason::LinkLost);
    let tried = a.node.stats().protocol.dials;
    until("another try", || a.node.stats().protocol.dials > tried + 1).await;
}

#[tokio::test]
async fn times_are_changed_while_the_node_runs() {
    let mut a = Member::start(on(free_port())).await;
    let ghost = Ghost::meet(route(&a.node), PeerId::new([7; 16])).await.unwrap();
    a.enter(ghost.id).await;
    a.join(ghost.id).await;
    let short = Duration::from_millis(100);
    a.node.set_evasive_timeout(short).unwrap();
    a.node.set_silent_timeout(short).unwrap();
    a.node.set_expired_timeout(10 * short).unwrap();
    let since = Instant::now();
    let first = a.next().await;
    assert!(matches!(first, Event::Evasive { .. }), "{first:?}");
    let second = a.next().await;
    assert!(matches!(second, Event::Silent { .. }), "{second:?}");
    assert_eq!(a.exit(ghost.id).await, ExitReason::Expired);
    assert!(since.elapsed() < Duration::from_secs(5), "sooner than by the defaults");

    let zero = Duration::ZERO;
    let refused = |what| Err(ActionError::ZeroTime(what));
    assert_eq!(a.node.set_evasive_timeout(zero), refused("evasive timeout"));
    assert_eq!(a.node.set_silent_timeout(zero), refused("silent timeout"));
    assert_eq!(a.node.set_expired_timeout(zero), refused("expired timeout"));
    assert_eq!(a.node.set_beacon_interval(zero), refused("beacon interval"));
    a.node.stop().await;
    assert_eq!(a.node.set_evasive_timeout(short), Err(ActionError::Stopped));
    assert_eq!(a.node.set_beacon_interval(short), Err(ActionError::Stopped));
}

#[tokio::test]
async fn the_time_from_beacon_to_beacon_is_changed_while_the_node_runs() {
    let a = Member::start(on(free_port()).beacon_interval(Duration::from_secs(3600))).await;
    // It hears its own ones.
    let heard = || a.node.stats().network.beacons;
    for faster in [true, false] {
        let interval = Duration::from_millis(if faster { 20 } else { 3_600_000 });
        a.node.set_beacon_interval(interval).unwrap();
        let goal = heard() + if faster { 20 } else { 1 };
        until("beacons", || heard() >= goal).await;
        if !faster {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(heard() <= goal + 2, "{} beacons more", heard() - goal);
        }
    }
}

#[tokio::test]
async fn stats_count_what_was_sent_and_received() {
    let (a, mut b) = pair().await;
    let before = a.node.stats();
    assert_eq!((before.protocol.hellos_sent, before.protocol.hellos_received), (1, 1));
    for _ in 0..10 {
        a.node.whisper(b.id(), "x").unwrap();
    }
    for _ in 0..10 {
        b.whisper(a.id()).await;
    }
    let (sent, received) = (a.node.stats().protocol.sent, b.node.stats().protocol.received);
    assert_eq!((sent - before.protocol.sent, received), (10, 11), "HELLO counts too");
    let (one, other) = (a.node.stats(), b.node.stats());
    assert!(other.network.beacons >= 1);
    // One connection for both directions, which either of them has accepted.
    assert_eq!((one.protocol.two_way, other.protocol.two_way), (1, 1));
    assert!(one.network.connections + other.network.connections >= 1);
    for network in [one.network, other.network] {
        assert_eq!((network.connections_foreign, network.connections_broken), (0, 0));
        assert!(network.handshakes_failed <= 1, "a dial that was given up");
    }
}

#[tokio::test]
async fn endpoint_and_interface_tell_where_the_node_is() {
    let port = free_port();
    let mailbox = free_port();
    let node = Member::start(on(port).mailbox_port(mailbox)).await.node;
    assert_eq!(node.endpoint(), format!("tcp://127.0.0.1:{mailbox}").parse().unwrap());
    assert_eq!(node.endpoints(), [node.endpoint()]);
    let (used, others): (Vec<_>, Vec<_>) =
        node.interfaces().into_iter().partition(zyre::Interface::is_used);
    let [interface] = &used[..] else { panic!("{used:?}") };
    assert_eq!((&*interface.name, &*interface.used), ("lo", &[Ipv4Addr::LOCALHOST.into()][..]));
    assert_eq!(interface.broadcasts, [Ipv4Addr::new(127, 255, 255, 255)]);
    assert!(interface.is_loopback());
    assert!(others.iter().all(|it| it.unused == Some(zyre::UnusedReason::NotChosen)));
    let default = Member::start(on(port)).await.node;
    assert!(default.endpoint().address().port() >= 49152, "RFC 36: %C000x - %FFFFx");
}

#[tokio::test]
async fn plain_threads_send_as_well_as_tasks() {
    const EACH: usize = 100;
    let port = free_port();
    let roomy = Limits { link_messages: 10_000, ..Limits::default() };
    let (a, mut b) = pair_of(on(port).limits(roomy), on(port).join("g")).await;
    until("the group", || a.node.peers_in("g").len() == 1).await;
    let (id, node) = (b.id(), a.node.clone());
    let send = move |node: &Node, who: &str| {
        for n in 0..EACH {
            node.whisper(id, [who, &n.to_string()]).unwrap();
        }
        node.shout("g", who).unwrap();
    };
    let threads: Vec<_> = ["t1", "t2", "t3"]
        .map(|who| {
            let node = node.clone();
            std::thread::spawn(move || send(&node, who))
        })
        .into();
    let task = tokio::spawn(async move { send(&node, "task") });
    let mut next = std::collections::BTreeMap::new();
    let mut shouts = 0;
    while shouts < 4 {
        match b.next().await {
            Event::Whisper { content, .. } => {
                let [who, n] = content.frames() else { panic!("{content:?}") };
                let next: &mut usize = next.entry(who.clone()).or_default();
                assert_eq!(n, next.to_string().as_bytes(), "in the order of their sender");
                *next += 1;
            }
            Event::Shout { content, .. } => {
                assert_eq!(next[content.first()], EACH);
                shouts += 1;
            }
            _ => {}
        }
    }
    soon(task).await.unwrap();
    assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
}

/// Ports are used again: the node that answers may not be the one that was meant.
#[tokio::test]
async fn a_link_that_reaches_another_node_than_was_meant_is_lost() {
    let (one, mut events) = on(free_port()).start().await.unwrap();
    let (other, mut heard) = on(free_port()).start().await.unwrap();
    one.require_peer(PeerId::new([7; 16]), other.endpoint()).unwrap();
    one.join("secret").unwrap();
    let tried = || one.stats().protocol.dials_failed >= 3;
    until("three tries", tried).await;
    assert_eq!(one.stats().protocol.hellos_sent, 0);
    assert_eq!(other.stats().protocol.received, 0, "nothing was meant for it");
    let told = events.recv().await.unwrap();
    let Event::Unreachable { peer, endpoint, why } = told else { panic!("{told:?}") };
    assert_eq!((peer, endpoint), (PeerId::new([7; 16]), other.endpoint()));
    assert_eq!(why, UnreachableReason::AnotherNode);
    assert!(events.try_recv().is_err() && heard.try_recv().is_err(), "nobody has met anybody");
}
