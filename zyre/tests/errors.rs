//! What is refused, and what is said then.

#![cfg(test)]

mod common;

use std::future::Future;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use common::{Member, free_port, on, pair, pair_of};
use zyre::{ActionError, Builder, Content, Endpoint, Limits, Node, PeerId, StartError};

async fn start_error(builder: Builder) -> StartError {
    builder.start().await.expect_err("it must not start")
}

fn too_long<T>(result: Result<T, ActionError>, what: &str) {
    match result {
        Err(ActionError::TooLong { what: field, bytes: 256 }) => assert_eq!(field, what),
        other => panic!("{:?} is not TooLong", other.err()),
    }
}

#[tokio::test]
async fn names_of_255_bytes_work_and_of_256_are_refused() {
    let (fits, long) = ("é".repeat(127) + "x", "é".repeat(128));
    assert_eq!((fits.len(), long.len()), (255, 256));
    let port = free_port();
    for (builder, what) in [
        (on(port).name(&*long), "name"),
        (on(port).join(&*long), "group name"),
        (on(port).header(&*long, ""), "header name"),
    ] {
        match start_error(builder).await {
            StartError::Action(refused) => too_long::<()>(Err(refused), what),
            other => panic!("{other}"),
        }
    }
    let b = on(port).name(&*fits).header(&*fits, &*long).join(&*fits);
    let (mut a, b) = pair_of(on(port), b).await;
    assert_eq!(a.join(b.id()).await, fits);
    let info = a.node.peer(b.id()).unwrap();
    assert_eq!((&*info.name, info.headers.get(&fits)), (&*fits, Some(&long)));
    a.node.shout(&fits, "x").unwrap();

    too_long(a.node.join(&long), "group name");
    too_long(a.node.leave(&long), "group name");
    too_long(a.node.contest(&long), "group name");
    too_long(a.node.shout(&long, "x"), "group name");
    too_long(a.node.set_header(&long, "x"), "header name");
    assert!(a.node.own_groups().is_empty());
}

#[tokio::test]
async fn a_group_without_a_name_is_refused() {
    let error = start_error(on(free_port()).join("")).await;
    assert_eq!(error.to_string(), "a group name cannot be empty");
    let node = Member::start(on(free_port())).await.node;
    for refused in [node.join(""), node.leave(""), node.shout("", "x")] {
        assert_eq!(refused, Err(ActionError::EmptyGroupName));
    }
    assert!(node.own_groups().is_empty());
}

#[tokio::test]
async fn groups_and_headers_beyond_a_hello_are_refused() {
    // One entry says which library this is.
    let limits = Limits { hello_bytes: 2000, hello_entries: 5, ..Limits::default() };
    let node = Member::start(on(free_port()).limits(limits)).await.node;
    let large = Err(ActionError::HelloTooLarge { limit: 2000 });
    assert_eq!(node.set_header("X-LARGE", &"x".repeat(2000)), large);
    for group in ["1", "2", "3", "4"] {
        node.join(group).unwrap();
    }
    assert_eq!(node.join("5"), Err(ActionError::TooManyEntries { limit: 5 }));
    node.join("4").unwrap();
    assert_eq!(node.own_groups().len(), 4);
}

#[tokio::test]
async fn an_unknown_interface_is_an_error_that_lists_those_there_are() {
    for unknown in ["no-such-if0", "192.0.2.77"] {
        let error = start_error(Node::builder().interface(unknown)).await;
        assert!(matches!(error, StartError::NoInterface { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(unknown) && text.contains("lo (127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn a_mistyped_address_is_an_error_that_says_so() {
    for mistyped in ["127.0.0.256", "127.0.0", "127.0..1"] {
        let error = start_error(Node::builder().interface(mistyped)).await;
        assert!(matches!(error, StartError::InvalidAddress { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(mistyped) && text.contains("lo (127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn a_mailbox_port_in_use_is_an_error_and_leaves_nothing_running() {
    let (port, mailbox) = (free_port(), free_port());
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, mailbox)).unwrap();
    let builder = on(port).mailbox_port(mailbox);
    let error = start_error(builder.clone()).await;
    assert!(matches!(error, StartError::PortInUse { port, .. } if port == mailbox), "{error:?}");
    assert_eq!(error.to_string(), format!("mailbox port {mailbox} is in use on lo"));
    // The beacon port is free again, also for a socket that does not share it.
    drop(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap());
    drop(taken);
    let node = Member::start(builder).await.node;
    assert_eq!(node.endpoint().address().port(), mailbox);
}

#[tokio::test]
async fn a_beacon_port_that_is_not_shared_is_an_error() {
    let beacon = free_port();
    let _taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, beacon)).unwrap();
    let error = start_error(on(beacon)).await;
    assert!(matches!(error, StartError::Beacon { port, .. } if port == beacon), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&beacon.to_string()) && text.contains("in use"), "{text}");
}

#[tokio::test]
async fn a_whisper_to_an_unknown_peer_is_refused() {
    let (a, b) = pair().await;
    let nobody = PeerId::new([7; 16]);
    assert_eq!(a.node.whisper(nobody, "x"), Err(ActionError::UnknownPeer(nobody)));
    assert_eq!(a.node.whisper(a.id(), "x"), Err(ActionError::UnknownPeer(a.id())), "itself");
    let gone = b.id();
    b.node.stop().await;
    let mut a = a;
    a.exit(gone).await;
    assert_eq!(a.node.whisper(gone, "x"), Err(ActionError::UnknownPeer(gone)));
}

#[tokio::test]
async fn content_without_a_frame_is_refused() {
    let (a, b) = pair().await;
    assert_eq!(a.node.whisper(b.id(), Content::none()), Err(ActionError::NoFrames));
    assert_eq!(a.node.whisper(b.id(), Vec::<String>::new()), Err(ActionError::NoFrames));
    assert_eq!(a.node.shout("g", Content::none()), Err(ActionError::NoFrames));
}

#[tokio::test]
async fn content_at_the_limit_arrives_and_beyond_it_is_refused() {
    let port = free_port();
    let limits = Limits { message_bytes: 100_000, message_frames: 10, ..Limits::default() };
    let limited = || on(port).limits(limits.clone());
    let (a, mut b) = pair_of(limited(), limited()).await;
    let most = vec![1_u8; 100_000 - 512];
    let refused = |content: Content| {
        let (frames, bytes) = (content.frames().len(), content.byte_len());
        let refused = Err(ActionError::ContentTooLarge { frames, bytes });
        assert_eq!(a.node.whisper(b.id(), content.clone()), refused);
        assert_eq!(a.node.shout("g", content), refused);
    };
    refused(vec![1_u8; 100_000 - 511].into());
    refused([most.clone(), vec![1]].into());
    refused(vec![""; 10].into());
    a.node.whisper(b.id(), most.clone()).unwrap();
    a.node.whisper(b.id(), vec!["x"; 9]).unwrap();
    assert_eq!(b.whisper(a.id()).await, most.into());
    assert_eq!(b.whisper(a.id()).await, vec!["x"; 9].into());
}

#[tokio::test]
async fn a_node_cannot_require_itself_nor_more_peers_than_the_limit() {
    let limits = Limits { peers: 1, ..Limits::default() };
    let node = Member::start(on(free_port()).limits(limits)).await.node;
    let nowhere = |port| Endpoint::new((Ipv4Addr::LOCALHOST, port).into());
    assert_eq!(node.require_peer(node.id(), nowhere(9)), Err(ActionError::OwnPeer));
    let other = PeerId::new([7; 16]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let there = nowhere(listener.local_addr().unwrap().port());
    node.require_peer(other, there).unwrap();
    let refused = Err(ActionError::TooManyPeers { limit: 1 });
    assert_eq!(node.require_peer(PeerId::new([8; 16]), nowhere(9)), refused);
}

/// Polled by hand: nothing but the builder is there.
fn start_by_hand(builder: Builder) -> Result<(), StartError> {
    let start = pin!(builder.start());
    match start.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(started) => started.map(drop),
        Poll::Pending => panic!("start waits"),
    }
}

#[test]
fn start_outside_a_runtime_is_an_error() {
    let error = start_by_hand(on(free_port())).unwrap_err();
    assert!(matches!(error, StartError::NoRuntime), "{error:?}");
    assert!(matches!(start_by_hand(Node::builder()), Err(StartError::NoRuntime)));
}

#[tokio::test]
async fn port_zero_is_an_error_for_the_beacon_and_for_the_advertised_endpoint() {
    let beacon = start_error(on(0)).await;
    assert_eq!(beacon.to_string(), "the port of the beacon cannot be 0");
    let endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let advertised = start_error(on(free_port()).advertise(endpoint)).await;
    assert_eq!(advertised.to_string(), "the port of the advertised endpoint cannot be 0");
}

#[tokio::test]
async fn times_that_are_zero_are_errors_that_name_them() {
    let zero = std::time::Duration::ZERO;
    let port = free_port();
    let limits = Limits::default;
    for (builder, what) in [
        (on(port).beacon_interval(zero), "beacon interval"),
        (on(port).evasive_timeout(zero), "evasive timeout"),
        (on(port).silent_timeout(zero), "silent timeout"),
        (on(port).expired_timeout(zero), "expired timeout"),
        (on(port).limits(Limits { connect_time: zero, ..limits() }), "connect time of the limits"),
        (
            on(port).limits(Limits { handshake_time: zero, ..limits() }),
            "handshake time of the limits",
        ),
    ] {
        let error = start_error(builder).await;
        let refused = ActionError::ZeroTime(what);
        assert!(matches!(&error, StartError::Action(it) if *it == refused), "{error:?}");
        assert_eq!(error.to_string(), format!("the {what} cannot be zero"));
    }
    let limits = Limits { stall_timeout: zero, ..limits() };
    Member::start(on(port).limits(limits)).await;
}

/// Times that never end are as good as others.
#[tokio::test]
async fn the_longest_times_do_no_harm() {
    let ever = std::time::Duration::MAX;
    let limits = Limits { connect_time: ever, handshake_time: ever, ..Default::default() };
    let endless = || {
        on(0).beacon_interval(ever).evasive_timeout(ever).silent_timeout(ever).expired_timeout(ever)
    };
    let port = free_port();
    let (one, mut events) =
        endless().beacon_port(port).limits(limits).start().await.expect("it starts");
    let (two, _others) = on(port).start().await.expect("it starts");
    let entered = tokio::time::timeout(std::time::Duration::from_secs(10), events.recv()).await;
    assert!(matches!(entered, Ok(Some(zyre::Event::Enter { peer, .. })) if peer == two.id()));
    one.stop().await;
}
