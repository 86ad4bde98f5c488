//! Gossip of secure nodes: hubs are known by their keys, and what is told of strangers leads nowhere.

use std::net::{SocketAddr, TcpListener};

use testkit::wait::{soon, until};
use zmtp::net::{Established, SendQueueLimits, connect};
use zmtp::{Config, Curve, KeyPair, SocketType};
use zre_proto::gossip::{Message, Tuple};
use zre_proto::{Endpoint, PeerId};
use zyre::{
    Builder, Event, ExitReason, GossipError, HostEndpoint, Identity, NetworkKey, Node, StartError,
    Trust,
};

use crate::common::Member;
use crate::identity;
use crate::stranger::{self, gets_nothing};

/// A node on loopback that sends and hears no beacons.
fn silent() -> Builder {
    Node::builder().interface("lo").beacon(false)
}

fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Where a hub is, and who.
fn hub_of(member: &Member) -> HostEndpoint {
    let key = member.node.key().unwrap();
    format!("{}|{key}", member.node.gossip().listening[0]).parse().unwrap()
}

#[tokio::test]
async fn members_of_a_network_find_each_other_by_a_hub_and_strangers_get_nothing_of_it() {
    let network = NetworkKey::generate().unwrap();
    let member = || silent().secure(identity(), Trust::network(network.clone()));
    let mut hub = Member::start(member().gossip_listen(any())).await;
    let mut a = Member::start(member().gossip_connect(hub_of(&hub))).await;
    let mut b = Member::start(member().gossip_connect(hub_of(&hub))).await;
    for (one, other) in [(&mut a, b.id()), (&mut b, hub.id())] {
        one.enter(other).await;
    }
    hub.enter(a.id()).await;
    assert_eq!(a.node.peer_key(b.id()), b.node.key());
    let port = hub.node.gossip().listening[0];
    gets_nothing(port, SocketType::Dealer, hub.node.key().unwrap()).await;
    assert_eq!(hub.node.gossip().clients, 2);
}

#[tokio::test]
async fn a_hub_is_connected_to_by_its_key_or_not_at_all() {
    let plain = Member::start(silent()).await;
    let secure =
        Member::start(silent().secure(identity(), Trust::anyone()).gossip_listen(any())).await;
    let with_key = hub_of(&secure);
    let without_key: HostEndpoint = secure.node.gossip().listening[0].into();
    let refused = secure.node.gossip_connect(without_key.clone()).unwrap_err();
    assert!(matches!(refused, GossipError::NoKey(_)));
    assert!(refused.to_string().contains(&format!("write {without_key}|KEY")), "{refused}");
    let refused = plain.node.gossip_connect(with_key.clone()).unwrap_err();
    assert!(matches!(refused, GossipError::UselessKey(_)), "{refused}");
    let weak: HostEndpoint = format!("{without_key}|{}", "0".repeat(40)).parse().unwrap();
    let refused = secure.node.gossip_connect(weak).unwrap_err();
    assert!(matches!(refused, GossipError::WeakKey(_)), "{refused}");
    let builder = silent().secure(identity(), Trust::anyone()).gossip_connect(without_key);
    let refused = builder.start().await;
    assert!(matches!(refused, Err(StartError::Gossip(GossipError::NoKey(_)))));
    // One that has another key than was told, or is not trusted, is not reached.
    let other = identity().public_key();
    let another = format!("{}|{other}", secure.node.gossip().listening[0]);
    let another = silent()
        .secure(identity(), Trust::anyone())
        .gossip_connect(another.parse::<HostEndpoint>().unwrap());
    let distrusting = silent().secure(identity(), Trust::only([])).gossip_connect(with_key);
    for (builder, reason) in
        [(another, "it may have another key"), (distrusting, "this node does not trust its key")]
    {
        let mut member = Member::start(builder).await;
        let unreachable = |event| match event {
            Event::HubUnreachable { why, .. } => Some(why),
            _ => None,
        };
        let why = member.pick("that it is not reached", unreachable).await;
        assert!(why.contains(reason), "{why}");
    }
    // Whom the hub lets in may find out by itself that it does not want to be there.
    until("nobody stays", || secure.node.gossip().clients == 0).await;
}

/// A gossip client made by hand, with this key.
async fn client(keys: &KeyPair, hub: &Member) -> Established {
    let key = stranger::to(hub.node.key().unwrap());
    let config = Config::new(SocketType::Dealer).with_mechanism(Curve::client(keys.clone(), key));
    let port = hub.node.gossip().listening[0];
    let client = soon(connect(port, &config, SendQueueLimits::default())).await.unwrap();
    client.queue.push(&Message::Hello.encode(), &[]).unwrap();
    client
}

fn tell(client: &Established, id: u8, endpoint: Endpoint) {
    let tuple = Tuple { peer: PeerId::new([id; 16]), endpoint };
    let (key, value) = (tuple.key(), tuple.value());
    let publish = Message::Publish { key: key.as_bytes(), value: value.as_bytes(), ttl: 0 };
    client.queue.push(&publish.encode(), &[]).unwrap();
    client.queue.flush().unwrap();
}

#[tokio::test]
async fn a_tuple_without_a_key_or_with_a_strange_one_leads_nowhere() {
    let keys = stranger::keys();
    let trust = Trust::only([stranger::public(&keys)]);
    let hub = Member::start(silent().secure(identity(), trust).gossip_listen(any())).await;
    let trap = TcpListener::bind(any()).unwrap();
    trap.set_nonblocking(true).unwrap();
    let there = Endpoint::new(trap.local_addr().unwrap());
    let client = client(&keys, &hub).await;
    tell(&client, 7, there);
    tell(&client, 8, there.with_key(Some(identity().public_key().into())));
    until("the one without a key", || hub.node.stats().protocol.other_security == 1).await;
    until("the strange one", || hub.node.stats().network.strangers == 1).await;
    assert_eq!(hub.node.stats().protocol.dials, 0);
    assert!(trap.accept().is_err(), "nobody has come");
    // With the key of somebody who is trusted it is looked there.
    tell(&client, 9, there.with_key(Some(stranger::public(&keys).into())));
    until("a dial", || hub.node.stats().protocol.dials == 1).await;
}

#[tokio::test]
async fn who_is_trusted_later_is_met_though_gossip_says_nothing_again() {
    let identities = [(); 3].map(|()| identity());
    let [hub_key, a_key, b_key] = identities.each_ref().map(Identity::public_key);
    let [of_hub, of_a, of_b] = identities;
    let hub = silent().secure(of_hub, Trust::only([a_key, b_key])).gossip_listen(any());
    let hub = Member::start(hub).await;
    let client = |identity, trust: Trust| {
        silent().secure(identity, trust.and(Trust::only([hub_key]))).gossip_connect(hub_of(&hub))
    };
    let mut a = Member::start(client(of_a, Trust::ask())).await;
    let mut b = Member::start(client(of_b, Trust::ask())).await;
    for (member, stranger) in [(&mut a, b_key), (&mut b, a_key)] {
        let asked = member.pick("a stranger", |event| match event {
            Event::Stranger { key, .. } => Some(key),
            _ => None,
        });
        assert_eq!(asked.await, stranger);
    }
    a.node.trust(b_key);
    b.node.trust_words(a_key.words());
    a.enter(b.id()).await;
    b.enter(a.id()).await;
}

#[tokio::test]
async fn the_application_is_asked_about_all_of_whom_gossip_has_told_at_one_time() {
    let keys = stranger::keys();
    let trust = Trust::only([stranger::public(&keys)]).and(Trust::ask());
    let mut hub = Member::start(silent().secure(identity(), trust).gossip_listen(any())).await;
    let client = client(&keys, &hub).await;
    let strangers: Vec<_> = (0..3).map(|_| identity().public_key()).collect();
    for (id, key) in (1..).zip(&strangers) {
        tell(&client, id, Endpoint::new(([127, 0, 0, 1], 9).into()).with_key(Some((*key).into())));
    }
    let mut asked = Vec::new();
    for _ in &strangers {
        let key = hub.pick("a stranger", |event| match event {
            Event::Stranger { key, .. } => Some(key),
            _ => None,
        });
        asked.push(key.await);
    }
    asked.sort_unstable();
    let mut expected = strangers.clone();
    expected.sort_unstable();
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn the_end_of_trust_ends_gossip() {
    let identities = [identity(), identity()];
    let keys = identities.each_ref().map(Identity::public_key);
    let [first, second] = identities;
    let hub = silent().secure(first, Trust::only([keys[1]])).gossip_listen(any());
    let mut hub = Member::start(hub).await;
    let builder = silent().secure(second, Trust::only([keys[0]])).gossip_connect(hub_of(&hub));
    let mut a = Member::start(builder).await;
    hub.enter(a.id()).await;
    assert_eq!(hub.node.gossip().clients, 1);
    // A stranger that was let in and is no peer is closed as well.
    let other = stranger::keys();
    hub.node.trust(stranger::public(&other));
    let mut client = client(&other, &hub).await;
    until("two clients", || hub.node.gossip().clients == 2).await;
    hub.node.distrust(stranger::public(&other));
    let closed = async { while client.reader.fill().await.unwrap_or(false) {} };
    soon(closed).await;
    hub.node.distrust(keys[1]);
    assert_eq!(hub.exit(a.id()).await, ExitReason::Distrusted);
    until("no clients", || hub.node.gossip().clients == 0).await;
    let unreachable = |event| matches!(event, Event::HubUnreachable { .. }).then_some(());
    a.pick("that the hub lets it in no more", unreachable).await;
    hub.node.trust(keys[1]);
    hub.enter(a.id()).await;
}
