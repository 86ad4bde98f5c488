//! C nodes, played: they say to a secure node what was captured of C Zyre, sealed anew for this connection
//! (`c_zyre` in `vectors/curve.json`), or in the clear (`vectors/zre.json`).
//!
//! | who | what the node does |
//! |---|---|
//! | a C node with a certificate, whose key is trusted | they meet: all that was captured arrives, and HELLO has `X-PUBLICKEY` |
//! | its goodbye | it is asked, and stays as long as it answers |
//! | a C node with a certificate that nobody trusts | is not dialled, and refused by ERROR 400, before anything is said |
//! | what was recorded of a C node, played again octet for octet | a greeting, and nothing else |
//! | the certificate of one with the id of another, which is there | its connection is closed, and it is not dialled |
//! | a C node without a certificate, pyre, zyre.js | their beacons are counted; a greeting, and nothing else |

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use serde_json::Value;
use testkit::curve::{Client, Keys};
use testkit::wire::mailbox::Mailbox;
use testkit::wire::secure::Secured;
use testkit::wire::{self, HELLO, PING, PING_OK};
use testkit::{hex, vectors};
use zyre::{Event, ExitReason, PeerId, PublicKey, Trust};

use crate::common::{DEADLINE, Member, free_port, route, until};
use crate::{hears_of_nobody, identity, quick};

/// How long nothing more comes.
pub(crate) const REST: Duration = Duration::from_millis(500);

const GREETING: usize = 64;

/// A C node, of which its link to another was captured.
pub(crate) struct CNode {
    pub(crate) id: PeerId,
    pub(crate) keys: Keys,
    link: &'static Value,
    beacons: Vec<Vec<u8>>,
    pub(crate) mailbox: Mailbox,
}

impl CNode {
    fn new(name: &str, link: usize) -> Self {
        let captured = &vectors::curve()["c_zyre"];
        let keys = Keys::named(name);
        let own = |beacon: &&Value| octets(beacon, "public_key") == keys.public;
        let beacons: Vec<&Value> = captured["beacons"].as_array().unwrap().iter().collect();
        let beacons: Vec<&Value> = beacons.into_iter().filter(own).collect();
        let id = PeerId::new(octets(beacons[0], "uuid").try_into().unwrap());
        let beacons = beacons.into_iter().map(|beacon| octets(beacon, "octets")).collect();
        let mailbox = Mailbox::open(Ipv4Addr::LOCALHOST, DEADLINE).unwrap();
        Self { id, keys, link: &captured["links"][link], beacons, mailbox }
    }

    pub(crate) fn alice() -> Self {
        Self::new("alice", 0)
    }

    pub(crate) fn bob() -> Self {
        Self::new("bob", 1)
    }

    pub(crate) fn key(&self) -> PublicKey {
        zre_proto::PublicKey::new(self.keys.public).to_string().parse().unwrap()
    }

    /// What it says: the steps of this name, as they were sealed.
    fn said(&self, what: &str, field: &str) -> Vec<Vec<u8>> {
        let steps = self.link["steps"].as_array().unwrap().iter();
        steps.filter(|step| step["what"] == what).map(|step| octets(step, field)).collect()
    }

    /// Sends the beacon that it sends while it lives, or when it goes. Only its port is another one here.
    pub(crate) fn beacon(&self, port: u16, is_alive: bool) {
        let mut beacon = self.beacons[usize::from(!is_alive)].clone();
        if is_alive {
            beacon[20..22].copy_from_slice(&self.mailbox.address.port().to_be_bytes());
        }
        assert_eq!(beacon[20..22] == [0, 0], !is_alive);
        broadcast(port, &beacon);
    }

    /// The metadata of its link. In the plain text of INITIATE they come after key and vouch.
    fn metadata(&self) -> Vec<u8> {
        self.said("INITIATE", "plain").remove(0).split_off(32 + 16 + 80)
    }

    /// Makes its link to a node.
    pub(crate) async fn dial(&self, node: &Member) -> std::io::Result<Secured> {
        let key = *node.node.key().unwrap().as_bytes();
        let client = Client::of(self.keys, key);
        Secured::dial(&route(&node.node), client, |_| self.metadata()).await
    }

    /// Takes the link of a node, as its ROUTER does.
    pub(crate) async fn accept(&self) -> Secured {
        // Of libzmq: an identity, which is empty.
        let ready = self.said("READY", "plain").remove(0);
        Secured::accept(&self.mailbox, &self.keys, &ready).await.unwrap()
    }

    /// All messages of its link: HELLO, and what comes after it. Only its endpoint is another one here.
    pub(crate) fn messages(&self) -> Vec<Vec<Vec<u8>>> {
        let mut messages = vec![Vec::new()];
        for plain in self.said("MESSAGE", "plain") {
            messages.last_mut().unwrap().push(plain[1..].to_vec());
            if plain[0] & 1 == 0 {
                messages.push(Vec::new());
            }
        }
        messages.pop();
        let hello = &mut messages[0][0];
        let length = usize::from(hello[6]);
        let endpoint = format!("tcp://{}", self.mailbox.address);
        hello.splice(6..7 + length, [&[endpoint.len() as u8], endpoint.as_bytes()].concat());
        messages
    }
}

fn octets(value: &Value, field: &str) -> Vec<u8> {
    hex::decode(value[field].as_str().unwrap())
}

pub(crate) fn broadcast(port: u16, datagram: &[u8]) {
    let says = UdpSocket::bind("127.0.0.1:0").unwrap();
    says.set_broadcast(true).unwrap();
    says.send_to(datagram, ("127.255.255.255", port)).unwrap();
}

pub(crate) async fn say(link: &mut Secured, message: &[Vec<u8>]) {
    let frames: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
    assert!(link.send(&frames).await);
}

/// A node that trusts these.
pub(crate) async fn trusting(port: u16, keys: &[PublicKey]) -> Member {
    let trust = Trust::only(keys.iter().copied());
    Member::start(quick(port).join("crypt").secure(identity(), trust)).await
}

/// The two have met: the node's link, and that of the C node.
pub(crate) async fn meet(node: &mut Member, c: &CNode, port: u16) -> [Secured; 2] {
    c.beacon(port, true);
    let mut heard = c.accept().await;
    let hello = heard.read().await.unwrap();
    assert_eq!(wire::number(&hello), Some(HELLO));
    // C Zyre does not answer to one who does not say its key.
    let key = node.node.key().unwrap().to_string();
    let told = [&b"\x0bX-PUBLICKEY\0\0\0\x28"[..], key.as_bytes()].concat();
    assert!(hello[0].windows(told.len()).any(|part| part == told), "{hello:?}");
    let mut link = c.dial(node).await.unwrap();
    say(&mut link, &c.messages()[0]).await;
    node.enter(c.id).await;
    assert_eq!(node.node.peer_key(c.id), Some(c.key()));
    [heard, link]
}

#[tokio::test]
async fn a_c_node_that_is_trusted_is_met_and_understood() {
    let (port, alice) = (free_port(), CNode::alice());
    let mut node = trusting(port, &[alice.key()]).await;
    let [mut heard, mut link] = meet(&mut node, &alice, port).await;
    assert_eq!(node.node.peer(alice.id).unwrap().name.to_string(), "alice");
    assert_eq!(node.join(alice.id).await, "crypt");
    for message in &alice.messages()[1..] {
        say(&mut link, message).await;
    }
    assert_eq!(node.shout(alice.id).await, ("crypt".to_owned(), "secret shout".into()));
    let whisper = node.whisper(alice.id).await;
    assert_eq!(whisper.frames(), ["one", "two"]);
    node.node.whisper(alice.id, "for alice").unwrap();
    loop {
        let message = heard.read().await.unwrap();
        if wire::number(&message) == Some(wire::WHISPER) {
            assert_eq!(message[1], b"for alice");
            break;
        }
    }
    drop([heard, link]);
    assert_eq!(node.exit(alice.id).await, ExitReason::LinkLost);
}

#[tokio::test]
async fn a_c_node_stays_after_a_goodbye_as_long_as_it_answers() {
    let (port, bob) = (free_port(), CNode::bob());
    let mut node = trusting(port, &[bob.key()]).await;
    let [mut heard, mut link] = meet(&mut node, &bob, port).await;
    for message in &bob.messages()[1..] {
        say(&mut link, message).await;
    }
    let mut sequence = bob.messages().len() as u16;
    bob.beacon(port, false);
    // It is asked whether that is so.
    loop {
        let message = heard.read().await.unwrap();
        if wire::number(&message) == Some(PING) {
            sequence += 1;
            say(&mut link, &[wire::header(PING_OK, sequence, &[])]).await;
            break;
        }
    }
    tokio::time::sleep(REST).await;
    let exits = |event: &Event| matches!(event, Event::Exit { .. });
    assert!(!node.rest().iter().any(exits));
    assert_eq!(node.node.peers(), [bob.id]);
}

#[tokio::test]
async fn a_c_node_that_is_not_trusted_hears_nothing() {
    let (port, alice, bob) = (free_port(), CNode::alice(), CNode::bob());
    let mut node = trusting(port, &[alice.key()]).await;
    bob.beacon(port, true);
    until("its key is counted", || node.node.stats().network.strangers > 0).await;
    let refused = bob.dial(&node).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    hears_of_nobody(&mut node).await;
    // Nobody has come to its mailbox meanwhile.
    let came = tokio::time::timeout(Duration::ZERO, bob.mailbox.accept()).await;
    assert!(came.is_err(), "it was dialled");
}

#[tokio::test]
async fn what_was_recorded_of_a_c_node_is_of_no_use() {
    let (port, alice) = (free_port(), CNode::alice());
    let mut node = trusting(port, &[alice.key()]).await;
    let link = octets(alice.link, "c2s");
    let mut connection = route(&node.node).connect().await.unwrap();
    connection.write(&link).await;
    let said = connection.read_rest(REST).await;
    assert!(said.len() <= GREETING, "{said:?}");
    hears_of_nobody(&mut node).await;
}

#[tokio::test]
async fn a_certificate_does_not_make_a_c_node_another() {
    let (port, alice, bob) = (free_port(), CNode::alice(), CNode::bob());
    let mut node = trusting(port, &[alice.key(), bob.key()]).await;
    let _links = meet(&mut node, &alice, port).await;
    let eve = CNode { keys: bob.keys, ..CNode::alice() };
    assert_eq!(eve.id, alice.id);
    let mut link = eve.dial(&node).await.unwrap();
    for message in &eve.messages() {
        let frames: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
        // It may be closed before all is said.
        link.send(&frames).await;
    }
    assert!(link.connection.closed(DEADLINE).await);
    // Nor is it called where it announces another mailbox, with its own key.
    let mut beacon = eve.beacons[0].clone();
    beacon[20..22].copy_from_slice(&eve.mailbox.address.port().to_be_bytes());
    beacon[22..].copy_from_slice(&bob.keys.public);
    broadcast(port, &beacon);
    tokio::time::sleep(REST).await;
    let came = tokio::time::timeout(Duration::ZERO, eve.mailbox.accept()).await;
    assert!(came.is_err(), "it was dialled");
    let said = |event: &Event| !matches!(event, Event::Join { .. });
    assert!(!node.rest().iter().any(said), "only that alice has joined");
    assert_eq!(node.node.peer_key(alice.id), Some(alice.key()));
    assert_eq!(node.node.peers(), [alice.id]);
}

#[tokio::test]
async fn nodes_without_a_certificate_are_counted_and_hear_a_greeting() {
    let port = free_port();
    let mut node = trusting(port, &[CNode::alice().key()]).await;
    let plain = Mailbox::open(Ipv4Addr::LOCALHOST, REST).unwrap();
    for captured in vectors::zre("beacon", "beacon-v1-alive") {
        let mut beacon = vectors::bytes(&captured);
        beacon[20..22].copy_from_slice(&plain.address.port().to_be_bytes());
        broadcast(port, &beacon);
    }
    until("they are counted", || node.node.stats().protocol.other_security >= 3).await;
    assert!(plain.accept().await.is_err(), "one was dialled");
    for captured in vectors::zre("zmtp", "zmtp-stream-dealer") {
        let mut connection = route(&node.node).connect().await.unwrap();
        connection.write(&vectors::bytes(&captured)).await;
        let said = connection.read_rest(REST).await;
        assert!(said.len() <= GREETING, "{}: {said:?}", captured["name"]);
        if let Some(mechanism) = said.get(12..32) {
            assert!(mechanism.starts_with(b"CURVE\0"), "{mechanism:?}");
        }
    }
    hears_of_nobody(&mut node).await;
}
