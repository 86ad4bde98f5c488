//! Files of secure nodes: a file goes to the key of a peer, and comes from there.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::time::Duration;

use filemq::{Client, ClientEvent, ClientEvents, ClientOptions, FileEvent, VirtualPath, Way};
use tempfile::TempDir;
use testkit::wait::{free_port, soon, until};
use zmtp::SocketType;
use zyre::{Builder, Event, ExitReason, NetworkKey, PeerId, Trust};

use crate::common::Member;
use crate::ghost::Ghost;
use crate::stranger::{self, gets_nothing};
use crate::{identity, pair_of, quick};

/// Long enough for what must not come.
const QUIET: Duration = Duration::from_secs(1);

fn sharing(builder: Builder, home: &TempDir) -> Builder {
    builder.share(home.path().join("shared"), home.path().join("received"))
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Publishes a file with this content.
async fn publish(member: &Member, home: &TempDir, name: &str) {
    let path = home.path().join(name);
    fs::write(&path, name).unwrap();
    soon(member.node.publish(path)).await.unwrap();
}

/// The next file of this peer.
async fn deliver(member: &mut Member, from: PeerId) -> String {
    member
        .pick("DELIVER", |event| match event {
            Event::Deliver { peer, path, .. } if peer == from => {
                Some(fs::read_to_string(path).unwrap())
            }
            Event::FileServerUnreachable { why, .. } => panic!("{why}"),
            _ => None,
        })
        .await
}

/// Where the file server of a node is, as it tells this peer.
fn server_as_told(node: &Member, peer: &Member) -> SocketAddr {
    let headers = peer.node.peer(node.id()).unwrap().headers;
    headers["X-FILEMQ"].strip_prefix("tcp://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn files_go_both_ways_in_a_network_and_between_those_that_know_each_other() {
    let network = NetworkKey::generate().unwrap();
    for two_way in [true, false] {
        let (port, homes) = (free_port(), [home(), home()]);
        let builder = |at: usize| sharing(quick(port).two_way(two_way), &homes[at]);
        let member = |at| builder(at).secure(identity(), Trust::network(network.clone()));
        let of_network = [Member::start(member(0)).await, Member::start(member(1)).await];
        let (port, more) = (free_port(), [home(), home()]);
        let builder = |at: usize| sharing(quick(port).two_way(two_way), &more[at]);
        let (known, _) = pair_of([&|| builder(0), &|| builder(1)]).await;
        for ([mut a, mut b], homes) in [(of_network, &homes), (known, &more)] {
            publish(&a, &homes[0], "from-a").await;
            assert_eq!(deliver(&mut b, a.id()).await, "from-a");
            publish(&b, &homes[1], "from-b").await;
            assert_eq!(deliver(&mut a, b.id()).await, "from-b");
            let key = a.node.key().unwrap();
            gets_nothing(server_as_told(&a, &b), SocketType::Dealer, key).await;
            gets_nothing(a.node.endpoint().address(), SocketType::Dealer, key).await;
        }
    }
}

/// A bare client of FILEMQ, which comes as a peer.
struct BareClient {
    _client: Client,
    events: ClientEvents,
    _received: TempDir,
}

impl BareClient {
    async fn start(identity: Vec<u8>, way: Way) -> Self {
        let received = home();
        let options = ClientOptions { identity: identity.into(), ..ClientOptions::default() };
        let (client, events) = soon(Client::open(received.path(), options)).await.unwrap();
        client.subscribe(VirtualPath::root());
        client.connect("publisher", way);
        Self { _client: client, events, _received: received }
    }

    /// The next file that comes, or why the connection has ended.
    async fn next(&mut self) -> Result<String, String> {
        loop {
            match soon(self.events.recv()).await.unwrap() {
                ClientEvent::File { event: FileEvent::Delivered { name, .. }, .. } => {
                    return Ok(name.to_string());
                }
                ClientEvent::Disconnected { reason, .. } => return Err(reason),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_ticket_is_that_of_one_key() {
    let (port, home) = (free_port(), home());
    let [own, other] = [(); 2].map(|()| stranger::keys());
    let trust = Trust::only([&own, &other].map(stranger::public));
    let a = Member::start(sharing(quick(port).secure(identity(), trust), &home)).await;
    publish(&a, &home, "open").await;
    let ghost = Ghost::meet(&a.node, &own).await;
    let mut client = BareClient::start(Ghost::identity(), ghost.own_way()).await;
    assert_eq!(client.next().await.as_deref(), Ok("/open"));
    // Another key that is trusted, with the ticket, or without one and in whatever name.
    for ticket in [Some(ghost.ticket), None] {
        let mut thief = BareClient::start(Ghost::identity(), ghost.way(&other, ticket)).await;
        let refused = thief.next().await.unwrap_err();
        assert!(refused.contains("no peer has this id and this key"), "{refused}");
        let mut nobody = BareClient::start(Vec::new(), ghost.way(&other, ticket)).await;
        assert!(nobody.next().await.unwrap_err().contains("this ticket is not valid"));
    }
    // Shut out while it is served.
    a.node.distrust(stranger::public(&own));
    assert!(client.next().await.is_err());
    publish(&a, &home, "more").await;
    loop {
        match tokio::time::timeout(QUIET, client.events.recv()).await {
            Ok(Some(ClientEvent::Disconnected { .. })) => {}
            Ok(event) => panic!("{event:?}"),
            Err(_) => return,
        }
    }
}

#[tokio::test]
async fn the_end_of_trust_ends_a_file_that_is_on_its_way() {
    // By whom it is sent, and by whom it is received.
    for ends_at_sender in [true, false] {
        let (port, homes) = (free_port(), [home(), home()]);
        let builder = |at: usize| sharing(quick(port), &homes[at]);
        let ([mut a, mut b], keys) = pair_of([&|| builder(0), &|| builder(1)]).await;
        let large = homes[0].path().join("large");
        File::create(&large).unwrap().set_len(1 << 30).unwrap();
        // The node looks for it meanwhile.
        soon(a.node.publish(&large)).await.unwrap();
        let begun = |event| match event {
            Event::Receiving { bytes, .. } => (bytes > 0).then_some(()),
            Event::Deliver { .. } => panic!("it is too small"),
            _ => None,
        };
        b.pick("the begin of the file", begun).await;
        let ids = [a.id(), b.id()];
        let whom = usize::from(ends_at_sender);
        let one = if ends_at_sender { &mut a } else { &mut b };
        let node = one.node.clone();
        node.distrust(keys[whom]);
        assert_eq!(one.exit(ids[whom]).await, ExitReason::Distrusted);
        tokio::time::sleep(QUIET).await;
        let delivered = |event: &Event| matches!(event, Event::Deliver { .. });
        assert!(!b.rest().iter().any(delivered));
        // Nothing moves any more.
        let parts = || used(&homes[1]);
        let now = parts();
        tokio::time::sleep(QUIET).await;
        assert_eq!(parts(), now);
        // And goes on when it may.
        node.trust(keys[whom]);
        until("they are peers again", || node.peers() == [ids[whom]]).await;
    }
}

/// Bytes in the received folder, of partial files as well.
fn used(home: &TempDir) -> u64 {
    fn below(path: &std::path::Path) -> u64 {
        let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        let sizes = entries.map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        });
        sizes.sum()
    }
    below(&home.path().join("received"))
}
