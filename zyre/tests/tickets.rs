//! Who gets the files of a group: whoever shows the ticket of a member; and at which ports that is.

#![cfg(test)]
#![cfg(feature = "files")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};

use common::{Member, free_port, on, route, soon, until};
use filemq::{
    Client, ClientEvent, ClientEvents, ClientOptions, FileEvent, Ticket, VirtualPath, Way,
};
use tempfile::TempDir;
use testkit::wire::ghost::Ghost;
use zyre::{Builder, Event, PeerId, StartError};

/// A node that publishes `/secret` for the club, and `/open` for all.
struct Publisher {
    member: Member,
    _home: TempDir,
}

fn sharing(builder: Builder, home: &TempDir) -> Builder {
    builder.share(home.path().join("shared"), home.path().join("received"))
}

impl Publisher {
    async fn start(builder: Builder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let member = Member::start(sharing(builder, &home)).await;
        let file = |name: &str| {
            let path = home.path().join(name);
            fs::write(&path, name).unwrap();
            path
        };
        soon(member.node.publish(file("secret")).to("club").named("/secret")).await.unwrap();
        soon(member.node.publish(file("open")).named("/open")).await.unwrap();
        Self { member, _home: home }
    }

    /// Where its file server is, as it tells this peer.
    fn server_as_told(&self, peer: &Member) -> SocketAddr {
        let headers = peer.node.peer(self.member.id()).unwrap().headers;
        headers["X-FILEMQ"].strip_prefix("tcp://").unwrap().parse().unwrap()
    }
}

/// A bare client of FILEMQ, which says of itself whatever it likes.
struct BareClient {
    _client: Client,
    events: ClientEvents,
    _received: TempDir,
}

impl BareClient {
    async fn start(identity: PeerId, ticket: Option<Ticket>, server: SocketAddr) -> Self {
        let received = tempfile::tempdir().unwrap();
        let identity = identity.routing_id().to_vec().into();
        let options = ClientOptions { identity, ..ClientOptions::default() };
        let (client, events) = soon(Client::open(received.path(), options)).await.unwrap();
        client.subscribe(VirtualPath::root());
        client.connect("publisher", Way { ticket, ..server.into() });
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

async fn deliver(member: &mut Member, from: PeerId) -> String {
    member
        .pick("DELIVER", |event| match event {
            Event::Deliver { peer, name, .. } if peer == from => Some(name.to_string()),
            _ => None,
        })
        .await
}

/// A member that shares files as well, with one connection for both directions or two.
async fn member_of_the_club(port: u16, two_way: bool, home: &TempDir) -> Member {
    Member::start(sharing(on(port).two_way(two_way).join("club"), home)).await
}

#[tokio::test]
async fn who_has_no_ticket_gets_nothing_of_a_group_in_the_name_and_from_the_host_of_a_member() {
    for two_way in [true, false] {
        let (port, home) = (free_port(), tempfile::tempdir().unwrap());
        let publisher = Publisher::start(on(port)).await;
        let from = publisher.member.id();
        let mut member = member_of_the_club(port, two_way, &home).await;
        let both = [deliver(&mut member, from).await, deliver(&mut member, from).await];
        assert_eq!(BTreeSet::from(both), BTreeSet::from(["/open".into(), "/secret".into()]));
        let server = publisher.server_as_told(&member);
        let mut impostor = BareClient::start(member.id(), None, server).await;
        assert_eq!(impostor.next().await.as_deref(), Ok("/open"));
        // A file that is published now goes to all at the same time, and to the club before.
        let (club, all) = (home.path().join("club"), home.path().join("all"));
        for file in [&club, &all] {
            fs::write(file, "x").unwrap();
        }
        soon(publisher.member.node.publish(&club).to("club").named("/a-club")).await.unwrap();
        assert_eq!(deliver(&mut member, from).await, "/a-club");
        soon(publisher.member.node.publish(&all).named("/b-all")).await.unwrap();
        assert_eq!(impostor.next().await.as_deref(), Ok("/b-all"));
        // With a ticket that was not given it is refused.
        let guessed = Some(Ticket::new([0; 16]));
        let mut guesser = BareClient::start(member.id(), guessed, server).await;
        let refused = guesser.next().await.unwrap_err();
        assert!(refused.contains("this ticket is not valid"), "{refused}");
        let mut stranger = BareClient::start(PeerId::new([9; 16]), guessed, server).await;
        assert!(stranger.next().await.unwrap_err().contains("this ticket is not valid"));
    }
}

/// As C FileMQ beside C Zyre, or this library before it had tickets.
#[tokio::test]
async fn a_peer_that_gives_no_ticket_is_known_by_its_address() {
    let publisher = Publisher::start(on(free_port())).await;
    let id = PeerId::new([7; 16]);
    let ghost = Ghost::meet_with(route(&publisher.member.node), id, |hello| {
        hello.join(b"club");
    });
    let ghost = soon(ghost).await.unwrap();
    let node = &publisher.member.node;
    until("it is in the club", || node.peers_in("club").contains(&id)).await;
    let ports = publisher.member.node.endpoint().address();
    let other =
        Member::start(on(free_port()).beacon(false).require_endpoint(zyre::Endpoint::new(ports)))
            .await;
    until("the other one is met", || other.node.peer(publisher.member.id()).is_some()).await;
    let server = publisher.server_as_told(&other);
    let mut client = BareClient::start(id, None, server).await;
    let both = [client.next().await.unwrap(), client.next().await.unwrap()];
    assert_eq!(BTreeSet::from(both), BTreeSet::from(["/open".into(), "/secret".into()]));
    // Nobody else is.
    let mut stranger = BareClient::start(PeerId::new([8; 16]), None, server).await;
    assert_eq!(stranger.next().await.as_deref(), Ok("/open"));
    drop(ghost);
}

#[tokio::test]
async fn no_application_sees_a_ticket() {
    let (port, home) = (free_port(), tempfile::tempdir().unwrap());
    let publisher = Publisher::start(on(port)).await;
    let mut member = member_of_the_club(port, true, &home).await;
    let from = publisher.member.id();
    let told = member.pick("ENTER", |event| match event {
        Event::Enter { peer, headers, .. } if peer == from => Some(headers),
        _ => None,
    });
    let told = told.await;
    for headers in [told, member.node.peer(from).unwrap().headers] {
        assert!(headers.contains_key("X-FILEMQ"));
        assert!(!headers.contains_key("X-FILEMQ-TICKET"), "{headers:?}");
    }
}

#[tokio::test]
async fn the_port_of_the_file_server_can_be_set() {
    let (port, home) = (free_port(), tempfile::tempdir().unwrap());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let publisher = Publisher::start(on(port).file_port(free)).await;
    let mut member = member_of_the_club(port, true, &home).await;
    member.enter(publisher.member.id()).await;
    assert_eq!(publisher.server_as_told(&member).port(), free);
    // One that is taken is named.
    let second = tempfile::tempdir().unwrap();
    let started = soon(sharing(on(port).file_port(free), &second).start()).await;
    let error = started.map(drop).unwrap_err();
    assert!(matches!(error, StartError::FilePortInUse { port, .. } if port == free), "{error}");
    assert!(error.to_string().contains(&format!("port {free} is in use on 127.0.0.1")), "{error}");
    // By itself a node takes one of the range of mailboxes.
    let second = Publisher::start(on(port)).await;
    member.enter(second.member.id()).await;
    let told = second.server_as_told(&member).port();
    assert!(
        told >= 0xC000 && told != free && told != second.member.node.endpoint().address().port()
    );
}

#[tokio::test]
async fn behind_a_port_forwarding_another_port_is_told() {
    let (port, home) = (free_port(), tempfile::tempdir().unwrap());
    let outside = "tcp://127.0.0.1:6000".parse().unwrap();
    let builder = on(port).advertise_everywhere(outside).advertise_file_port(6001);
    let mut member = member_of_the_club(port, true, &home).await;
    let requires = member.node.endpoint();
    let publisher = Publisher::start(builder.require_endpoint(requires)).await;
    member.enter(publisher.member.id()).await;
    assert_eq!(publisher.server_as_told(&member), SocketAddr::from(([127, 0, 0, 1], 6001)));
    // It is called, for nothing is there.
    let from = publisher.member.id();
    let both = [deliver(&mut member, from).await, deliver(&mut member, from).await];
    assert_eq!(BTreeSet::from(both), BTreeSet::from(["/open".into(), "/secret".into()]));
    let zero = sharing(on(port).advertise_file_port(0), &home).start();
    assert!(matches!(soon(zero).await.map(drop), Err(StartError::PortZero(_))));
}
