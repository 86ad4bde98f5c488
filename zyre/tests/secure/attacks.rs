//! The attacks that have to fail in either role: on virtual time, and on real sockets, where the node
//! has dialled and where it was dialled.
//!
//! | attack | virtual time: `zre-proto/tests/scenarios/keys.rs` | real sockets |
//! |---|---|---|
//! | a forged beacon with another's id and one's own key, before the true one is met | `what_is_meant_for_a_peer_never_goes_to_the_key_of_a_forged_beacon`, `a_forged_claim_does_not_take_the_place_of_a_true_one` | `what_is_meant_for_a_peer_goes_to_its_key`; hostile `secure-beacons` |
//! | the same of a peer that is known | `a_claim_with_another_key_is_not_believed_of_a_peer_that_is_known` | `meeting::a_stranger_s_beacons_are_never_answered`; hostile `secure-beacons`, `secure-mailbox` |
//! | a trusted key comes in the name of another | `nobody_speaks_in_the_name_of_a_peer_with_another_key`, `an_id_stays_that_of_its_key_for_a_minute` | `c_node::a_certificate_does_not_make_a_c_node_another`; hostile `secure-insider`, `secure-squat` |
//! | a trusted key is dialled, and says that it is another | `the_two_directions_have_to_have_one_key`, `nobody_else_answers_a_scout` | `what_is_meant_for_a_peer_goes_to_its_key`; hostile `secure-mailbox` |
//! | HELLO tells another key, or what is none | `a_hello_that_tells_another_key_than_was_proved_is_refused` | `a_node_that_was_dialled_tells_the_key_that_it_has_proved`; hostile `secure-boast` |
//! | a key that nobody trusts comes, or wants to be dialled | `a_connection_without_a_proven_key_is_closed`, `a_secure_node_has_to_do_with_secure_nodes_only_and_a_plain_one_with_plain_ones` | `c_node::a_c_node_that_is_not_trusted_hears_nothing`; hostile `secure-strangers`, `secure-doors-strangers`, `secure-hub-downgrade` |
//! | a goodbye in the name of a peer | `a_goodbye_with_the_peer_s_own_key_is_a_claim`, `a_plain_goodbye_ends_no_secure_peer` | `c_node::a_c_node_stays_after_a_goodbye_as_long_as_it_answers`; hostile `secure-goodbyes` |
//! | a beacon with a key of low order, and such a key in a handshake | the engine knows of none: what it is worth is asked before | `a_key_of_low_order_leads_nowhere`; `zmtp/tests/curve` |
//! | a beacon, or a connection, in the node's own name | `a_beacon_in_the_node_s_own_name_leads_nowhere` | `nobody_is_the_node_itself`; hostile `secure-strangers`, `secure-mailbox` |
//! | another mechanism, in the clear, or a recording | there are no bytes | `c_node::what_was_recorded_of_a_c_node_is_of_no_use`, `c_node::nodes_without_a_certificate_are_counted_and_hear_a_greeting`; hostile `secure-downgrade`, `secure-downgrade-mailbox`, `secure-doors-clear` |
//! | frames are replayed, glued, bent or left out | there are no bytes | hostile `secure-frames`; `zmtp/tests/curve/sockets.rs` |
//!
//! Hostile is the list of `testkit/src/attacks`, run by `zyre/tests/hostile` and by
//! `zyre-tester hostile --secure`.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;

use testkit::curve::{self, Client, Keys, metadata};
use testkit::wire::mailbox::Mailbox;
use testkit::wire::secure::{self, Secured};
use testkit::wire::{self, HELLO, Hello, WHISPER};
use testkit::{hex, vectors};
use zre_proto::Beacon;
use zyre::{Event, PeerId, Trust};

use crate::c_node::{CNode, REST, broadcast, say, trusting};
use crate::common::{DEADLINE, Member, free_port, route, until};
use crate::{hears_of_nobody, identity, quick};

/// Announces a node that is where a mailbox is.
fn announce(port: u16, peer: PeerId, mailbox: &Mailbox, key: [u8; 32]) {
    let public_key = Some(zre_proto::PublicKey::new(key));
    let beacon = Beacon { peer, port: mailbox.address.port(), public_key };
    broadcast(port, &beacon.encode());
}

/// A mailbox of the attacker.
fn trap() -> Mailbox {
    Mailbox::open(Ipv4Addr::LOCALHOST, DEADLINE).unwrap()
}

/// Nobody has come to a mailbox.
async fn nobody_came(trap: &Mailbox) {
    tokio::time::sleep(REST).await;
    let came = tokio::time::timeout(Duration::ZERO, trap.accept()).await;
    assert!(came.is_err(), "it was dialled");
}

#[tokio::test]
async fn what_is_meant_for_a_peer_goes_to_its_key() {
    let (port, alice, bob) = (free_port(), CNode::alice(), CNode::bob());
    let mut node = trusting(port, &[alice.key(), bob.key()]).await;
    // A stranger is not even asked.
    let strange = trap();
    announce(port, alice.id, &strange, Keys::draw().public);
    nobody_came(&strange).await;
    // Bob is trusted, and says that he is alice. What he gets is what he would get in his own name.
    let evil = trap();
    announce(port, alice.id, &evil, bob.keys.public);
    let mut caught = Secured::accept(&evil, &bob.keys, &metadata("ROUTER", b"")).await.unwrap();
    assert_eq!(wire::number(&caught.read().await.unwrap()), Some(HELLO));
    // The true one greets.
    let mut link = alice.dial(&node).await.unwrap();
    say(&mut link, &alice.messages()[0]).await;
    let mut heard = alice.accept().await;
    node.enter(alice.id).await;
    assert_eq!(node.node.peer_key(alice.id), Some(alice.key()));
    node.node.whisper(alice.id, "for alice").unwrap();
    node.node.shout("crypt", "for all").unwrap();
    let mut said = Vec::new();
    while said.len() < 2 {
        let message = heard.read().await.unwrap();
        said.extend(message.get(1).cloned());
    }
    assert_eq!(said, [b"for alice".to_vec(), b"for all".to_vec()]);
    while let Ok(message) = caught.read().await {
        let number = wire::number(&message);
        assert!(number.is_some_and(|number| number != WHISPER), "{message:?}");
        assert!(!message.iter().any(|frame| frame.starts_with(b"for ")), "{message:?}");
    }
}

#[tokio::test]
async fn a_node_that_was_dialled_tells_the_key_that_it_has_proved() {
    let (port, bob) = (free_port(), CNode::bob());
    let mut node = trusting(port, &[bob.key()]).await;
    let right = bob.key().to_string();
    let junk = ["", "junk", &right[1..], &"?".repeat(40), &node.node.key().unwrap().to_string()];
    // One speaks first, of the other the node does.
    for first in [0, 0xFF] {
        for (nth, told) in (1..).zip(junk) {
            let (id, evil) =
                (PeerId::new([first, nth, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), trap());
            announce(port, id, &evil, bob.keys.public);
            let says = [metadata("ROUTER", &id.routing_id()), wire::two_way()].concat();
            let mut came = Secured::accept(&evil, &bob.keys, &says).await.unwrap();
            if first != 0 {
                assert_eq!(wire::number(&came.read().await.unwrap()), Some(HELLO));
            }
            let key = [wire::string(b"X-PUBLICKEY"), wire::longstr(told.as_bytes())];
            let headers = [wire::count(1), key.concat()].concat();
            let hello = Hello { headers, ..Hello::new(&format!("tcp://{}", evil.address)) };
            say(&mut came, &[hello.encode()]).await;
            assert!(came.connection.closed(DEADLINE).await, "{told:?}");
        }
    }
    let entered = |event: &Event| matches!(event, Event::Enter { .. });
    assert!(!node.rest().iter().any(entered));
}

/// An INITIATE by one whose key is of low order.
fn vouched_by(client: &Client, point: [u8; 32]) -> Vec<u8> {
    let vouched = [client.session.public, client.server].concat();
    let vouch = curve::seal(&vouched, &[&b"VOUCH---"[..], &[7; 16]].concat(), &point, &[1; 32]);
    let metadata = secure::metadata(PeerId::new([7; 16]), &[]);
    let plain = [&point[..], &[7; 16], &vouch, &metadata].concat();
    let nonce = [&b"CurveZMQINITIATE"[..], &2_u64.to_be_bytes()].concat();
    let sealed = curve::seal(&plain, &nonce, &client.welcome.0, &client.session.secret);
    [&b"\x08INITIATE"[..], &client.welcome.1, &2_u64.to_be_bytes(), &sealed].concat()
}

/// Even where anyone is trusted.
#[tokio::test]
async fn a_key_of_low_order_leads_nowhere() {
    let port = free_port();
    let mut node = Member::start(quick(port).secure(identity(), Trust::anyone())).await;
    let points = vectors::curve()["primitives"]["low_order_points_to_refuse"].as_array().unwrap();
    let trap = trap();
    for (nth, point) in (0..).zip(points) {
        let point: [u8; 32] = hex::decode(point.as_str().unwrap()).try_into().unwrap();
        announce(port, PeerId::new([nth + 1; 16]), &trap, point);
        // What such a key shares with any other is no secret: a box can be made without the other.
        let key = *node.node.key().unwrap().as_bytes();
        let session = Keys { public: point, ..Keys::draw() };
        let mut client = Client { session, server: point, ..Client::of(Keys::draw(), key) };
        let mut connection = route(&node.node).connect().await.unwrap();
        let welcome = connection.say_hello(&mut client).await;
        assert!(welcome.is_err(), "{point:?} is the key of a connection");
        let mut connection = route(&node.node).connect().await.unwrap();
        let mut client = Client::of(Keys::draw(), key);
        connection.say_hello(&mut client).await.unwrap();
        connection.write(&wire::frame(wire::COMMAND, &vouched_by(&client, point))).await;
        let said = connection.read_rest(DEADLINE).await;
        assert!(said.is_empty(), "{point:?} is the key of a node: {said:?}");
    }
    nobody_came(&trap).await;
    hears_of_nobody(&mut node).await;
    // Others are met meanwhile.
    let mut other = Member::start(quick(port).secure(identity(), Trust::anyone())).await;
    other.enter(node.id()).await;
    node.enter(other.id()).await;
}

#[tokio::test]
async fn nobody_is_the_node_itself() {
    let (port, bob) = (free_port(), CNode::bob());
    let mut node = trusting(port, &[bob.key()]).await;
    let (own, trap) = (node.id(), trap());
    for key in [bob.keys.public, Keys::draw().public, *node.node.key().unwrap().as_bytes()] {
        announce(port, own, &trap, key);
    }
    until("they are ignored", || node.node.stats().protocol.own >= 3).await;
    nobody_came(&trap).await;
    // One that is trusted comes in the node's name, and one that is dialled says that it is the node.
    let client = Client::of(bob.keys, *node.node.key().unwrap().as_bytes());
    let named = |_: &Client| secure::metadata(own, &[]);
    let refused = Secured::dial(&route(&node.node), client, named).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    announce(port, bob.id, &trap, bob.keys.public);
    let says = [metadata("ROUTER", &own.routing_id()), wire::two_way()].concat();
    let mut came = Secured::accept(&trap, &bob.keys, &says).await.unwrap();
    assert!(came.read().await.is_err(), "something is said to it");
    hears_of_nobody(&mut node).await;
}
