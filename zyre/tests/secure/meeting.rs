//! Who may meet whom, and what others get to see.

use std::net::UdpSocket;
use std::time::Duration;

use zre_proto::Beacon;
use zyre::{Event, ExitReason, Identity, NetworkKey, Node, PublicKey, StartError, Trust};

use crate::common::{Member, free_port, route, until};
use crate::{hears_of_nobody, identity, meet, pair, quick};

#[tokio::test]
async fn two_that_trust_each_other_meet_and_know_the_keys() {
    let ([mut a, mut b], keys) = pair(free_port()).await;
    assert_eq!([a.node.key(), b.node.key()], keys.map(Some));
    let key = a.pick("ENTER", |event| match event {
        Event::Enter { key, .. } => Some(key),
        _ => None,
    });
    assert_eq!(key.await, Some(keys[1]));
    b.enter(a.id()).await;
    assert_eq!(b.node.peer_key(a.id()), Some(keys[0]));
    assert_eq!(b.node.peer(a.id()).unwrap().headers["X-PUBLICKEY"], keys[0].to_string());
    b.node.whisper(a.id(), "secret").unwrap();
    assert_eq!(a.whisper(b.id()).await, "secret".into());
    b.node.stop().await;
    assert_eq!(a.exit(b.id()).await, ExitReason::Goodbye);
}

#[tokio::test]
async fn members_of_a_network_meet_and_nobody_else() {
    let port = free_port();
    let network = NetworkKey::generate().unwrap();
    let of = |network: &NetworkKey| quick(port).secure(identity(), Trust::network(network.clone()));
    let mut a = Member::start(of(&network)).await;
    let mut b = Member::start(of(&network.words().parse().unwrap())).await;
    meet(&mut a, &mut b).await;
    // One of another network, and one whom anybody may come to.
    let mut stranger = Member::start(of(&NetworkKey::generate().unwrap())).await;
    let mut open = Member::start(quick(port).secure(identity(), Trust::anyone())).await;
    hears_of_nobody(&mut stranger).await;
    hears_of_nobody(&mut open).await;
    hears_of_nobody(&mut a).await;
    assert!(a.node.stats().network.strangers > 0);
    // And one that was met by its key before.
    let known = identity();
    let mut c =
        Member::start(quick(port).secure(known.clone(), Trust::only([a.node.key().unwrap()])))
            .await;
    a.node.trust(known.public_key());
    meet(&mut a, &mut c).await;
}

#[tokio::test]
async fn secure_nodes_and_plain_ones_do_not_hear_each_other() {
    let port = free_port();
    let ([mut a, mut b], _) = pair(port).await;
    let mut plain = Member::start(quick(port)).await;
    meet(&mut a, &mut b).await;
    hears_of_nobody(&mut plain).await;
    hears_of_nobody(&mut a).await;
    assert!(a.node.stats().protocol.other_security > 0);
    assert!(plain.node.stats().protocol.other_security > 0);
    // Who comes without a key is cut off before anything is said.
    assert!(route(&a.node).greet(&[1; 17]).await.is_err());
    until("it is counted", || a.node.stats().network.handshakes_failed > 0).await;
}

#[tokio::test]
async fn a_stranger_s_beacons_are_never_answered() {
    let port = free_port();
    let ([mut a, mut b], keys) = pair(port).await;
    meet(&mut a, &mut b).await;
    let eve = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    eve.set_nonblocking(true).unwrap();
    let mailbox = eve.local_addr().unwrap().port();
    let says = UdpSocket::bind("127.0.0.1:0").unwrap();
    says.set_broadcast(true).unwrap();
    let strange = identity().public_key();
    for _ in 0..20 {
        // In her own name, in b's with her own key, and goodbyes in b's name.
        for (peer, port_told, key) in [
            (zyre::PeerId::new([7; 16]), mailbox, strange),
            (b.id(), mailbox, strange),
            (b.id(), 0, strange),
            (b.id(), 0, keys[1]),
            (zyre::PeerId::new([8; 16]), mailbox, keys[1]),
        ] {
            let key = zre_proto::PublicKey::new(*key.as_bytes());
            let beacon = Beacon { peer, port: port_told, public_key: Some(key) };
            says.send_to(&beacon.encode(), ("127.255.255.255", port)).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The last one is a claim that b, whose key is trusted, is at eve's: she may be called, and is
    // told nothing, for she cannot answer.
    let mut called = 0;
    while let Ok((mut stream, _)) = eve.accept() {
        use std::io::Read as _;
        called += 1;
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read);
        assert!(read.len() <= 64 + 202, "greeting and the first command: {}", read.len());
    }
    assert!(called <= 4, "by each of two, now and then: {called}");
    assert!(a.node.stats().network.strangers >= 40);
    a.node.whisper(b.id(), "still here").unwrap();
    assert_eq!(b.whisper(a.id()).await, "still here".into());
    let exits = |member: &mut Member| {
        member.rest().into_iter().filter(|event| matches!(event, Event::Exit { .. })).count()
    };
    assert_eq!((exits(&mut a), exits(&mut b)), (0, 0));
}

/// An id shows its key: with another one, or with none, nobody has it.
#[tokio::test]
async fn nobody_else_is_said_to_have_the_id_of_a_secure_node() {
    let port = free_port();
    let ([mut a, _b], keys) = pair(port).await;
    let says = UdpSocket::bind("127.0.0.1:0").unwrap();
    says.set_broadcast(true).unwrap();
    let forge = |key: Option<PublicKey>| {
        let public_key = key.map(|key| zre_proto::PublicKey::new(*key.as_bytes()));
        let beacon = Beacon { peer: a.id(), port: 9, public_key };
        says.send_to(&beacon.encode(), ("127.255.255.255", port)).unwrap();
    };
    for _ in 0..5 {
        forge(None);
        forge(Some(identity().public_key()));
    }
    until("they are ignored", || a.node.stats().protocol.own >= 10).await;
    let in_use = |event: &Event| matches!(event, Event::IdInUse { .. });
    assert!(!a.rest().iter().any(in_use));
    let says_so = Beacon {
        peer: a.id(),
        port: 9,
        public_key: Some(zre_proto::PublicKey::new(*keys[0].as_bytes())),
    };
    says.send_to(&says_so.encode(), ("127.255.255.255", port)).unwrap();
    a.pick("a second one of this owner", |event| in_use(&event).then_some(())).await;
}

#[tokio::test]
async fn an_insider_cannot_take_the_id_of_another() {
    let port = free_port();
    let network = NetworkKey::generate().unwrap();
    let member = || quick(port).secure(identity(), Trust::network(network.clone()));
    let mut a = Member::start(member()).await;
    let mut b = Member::start(member()).await;
    meet(&mut a, &mut b).await;
    // Another member that has asked for the id of a: what it gets shows its own key.
    let mut mallory = Member::start(member().id(a.id())).await;
    assert_ne!(mallory.id(), a.id());
    meet(&mut mallory, &mut b).await;
    assert_ne!(b.node.peer_key(mallory.id()), b.node.peer_key(a.id()));
}

#[tokio::test]
async fn trust_holds_at_once_and_so_does_its_end() {
    let port = free_port();
    let identities = [identity(), identity()];
    let keys = identities.each_ref().map(Identity::public_key);
    let [first, second] = identities;
    let mut a = Member::start(quick(port).secure(first, Trust::only([]))).await;
    let mut b = Member::start(quick(port).secure(second, Trust::only([keys[0]]))).await;
    hears_of_nobody(&mut b).await;
    a.node.trust(keys[1]);
    meet(&mut a, &mut b).await;
    a.node.distrust(keys[1]);
    assert_eq!(a.exit(b.id()).await, ExitReason::Distrusted);
    b.exit(a.id()).await;
    hears_of_nobody(&mut a).await;
    a.node.trust(keys[1]);
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_node_that_asks_is_told_of_strangers_and_lets_in_whom_it_is_told() {
    let port = free_port();
    let mut a = Member::start(quick(port).secure(identity(), Trust::ask())).await;
    let bob = identity();
    let mut b = Member::start(quick(port).secure(bob.clone(), Trust::ask())).await;
    let asked = a.pick("a stranger", |event| match event {
        Event::Stranger { key, .. } => Some(key),
        _ => None,
    });
    assert_eq!(asked.await, bob.public_key());
    hears_of_nobody(&mut a).await;
    // The one nods to the key, the other reads the words aloud.
    a.node.trust(bob.public_key());
    b.node.trust_words(a.node.key().unwrap().words());
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_list_of_keys_is_followed() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("trusted");
    let write = |text: &str| std::fs::write(&list, text).unwrap();
    let (port, bob) = (free_port(), identity());
    let refused = quick(port).secure(identity(), Trust::file(&list)).start().await;
    assert!(matches!(refused, Err(StartError::Trust(_))), "there is none");
    write("# nobody\n");
    let mut a = Member::start(quick(port).secure(identity(), Trust::file(&list))).await;
    let own = a.node.key().unwrap();
    let mut b = Member::start(quick(port).secure(bob.clone(), Trust::only([own]))).await;
    hears_of_nobody(&mut b).await;
    write(&format!("# people\n{} bob, my neighbour\n", bob.public_key()));
    meet(&mut a, &mut b).await;
    // What is no list leaves the last one in force, and is told.
    write("nonsense\n");
    let told = a.pick("the error", |event| match event {
        Event::TrustFileUnusable { error } => Some(error),
        Event::Exit { peer, .. } => panic!("EXIT of {peer}"),
        _ => None,
    });
    assert!(told.await.contains("line 1"));
    assert!(a.node.peer(b.id()).is_some());
    write("# nobody any more\n");
    assert_eq!(a.exit(b.id()).await, ExitReason::Distrusted);
}

#[tokio::test]
async fn a_node_is_required_by_its_key_where_no_beacon_gets_through() {
    let ([first, second], keys) = {
        let identities = [identity(), identity()];
        let keys = identities.each_ref().map(Identity::public_key);
        (identities, keys)
    };
    let silent = || Node::builder().interface("lo").beacon(false);
    let mut a = Member::start(silent().secure(first, Trust::only([keys[1]]))).await;
    let mut b = Member::start(silent().secure(second, Trust::only([keys[0]]))).await;
    let there: zyre::HostEndpoint = format!("{}|{}", a.node.endpoint(), keys[0]).parse().unwrap();
    assert!(b.node.require_endpoint(a.node.endpoint()).is_err(), "without a key");
    b.node.require_endpoint(there).unwrap();
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn who_is_at_an_endpoint_has_to_have_its_key() {
    let (a_keys, other) = (identity(), identity());
    let silent = || Node::builder().interface("lo").beacon(false);
    let mut a = Member::start(silent().secure(a_keys.clone(), Trust::anyone())).await;
    let mut b = Member::start(silent().secure(identity(), Trust::anyone())).await;
    let wrong = format!("{}|{}", a.node.endpoint(), other.public_key());
    b.node.require_endpoint(wrong.parse::<zyre::HostEndpoint>().unwrap()).unwrap();
    b.pick("the reason", |event| matches!(event, Event::EndpointUnreachable { .. }).then_some(()))
        .await;
    hears_of_nobody(&mut a).await;
}

#[tokio::test]
async fn a_node_with_a_kept_identity_is_the_same_one_again() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("alice.key");
    let port = free_port();
    let alice = || Identity::load_or_create(&file).unwrap();
    let mut b =
        Member::start(quick(port).secure(identity(), Trust::only([alice().public_key()]))).await;
    let own = b.node.key().unwrap();
    for _ in 0..2 {
        let mut a = Member::start(quick(port).secure(alice(), Trust::only([own]))).await;
        meet(&mut a, &mut b).await;
        assert_eq!(b.node.peer_key(a.id()), Some(alice().public_key()));
        let id = a.id();
        a.node.stop().await;
        b.exit(id).await;
    }
}

#[tokio::test]
async fn nodes_with_one_key_are_one_owner_s() {
    let port = free_port();
    let own = identity();
    let on_each = || quick(port).secure(own.clone(), Trust::only([]));
    let (mut a, mut b) = (Member::start(on_each()).await, Member::start(on_each()).await);
    meet(&mut a, &mut b).await;
    assert_eq!(a.node.peer_key(b.id()), a.node.key());
    assert_ne!(a.id(), b.id());
}

#[tokio::test]
async fn another_key_of_a_name_is_told() {
    let port = free_port();
    let network = NetworkKey::generate().unwrap();
    let member = |name: &str, identity: &Identity| {
        quick(port).name(name).secure(identity.clone(), Trust::network(network.clone()))
    };
    let mut a = Member::start(member("alice", &identity())).await;
    let identities = [identity(), identity()];
    let keys = identities.each_ref().map(Identity::public_key);
    // The same one twice, and then another one.
    for (identity, before) in [(0, None), (0, None), (1, Some(0))] {
        let bob = Member::start(member("bob", &identities[identity])).await;
        a.enter(bob.id()).await;
        let told = a.node.whisper(bob.id(), "").is_ok();
        assert!(told);
        bob.node.stop().await;
        let mut changes = Vec::new();
        a.pick("the end", |event| match event {
            Event::KeyChanged { peer, name, before, key } => {
                assert_eq!((peer, &*name), (bob.id(), "bob"));
                changes.push((before, key));
                None
            }
            Event::Exit { peer, .. } => (peer == bob.id()).then_some(()),
            _ => None,
        })
        .await;
        let expected = before.map(|before: usize| (keys[before], keys[identity]));
        assert_eq!(changes, Vec::from_iter(expected));
    }
}
