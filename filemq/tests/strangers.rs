//! Clients that nobody knows take no places of those that are known, on real sockets.

#![cfg(test)]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use filemq::message::Message;
use filemq::{
    Audience, Client, ClientEvent, ClientInfo, ClientOptions, FileEvent, Guest, Server,
    ServerOptions, Ticket, VirtualPath, Way,
};
use testkit::wait::soon;
use zmtp::net::{Established, SendQueueLimits, connect};
use zmtp::{Config, SocketType};

const FOR_BOB: Ticket = Ticket::new([0xb0; 16]);

fn guest(client: &ClientInfo) -> Result<Guest, Arc<str>> {
    let name = client.ticket.filter(|ticket| *ticket == FOR_BOB).map(|_| "bob".into());
    Ok(Guest { name, tags: BTreeSet::new() })
}

/// A server with places for two strangers, and for four clients in all.
async fn server() -> (Server, SocketAddr, tempfile::TempDir) {
    let options = ServerOptions { clients: 4, strangers: Some(2), ..ServerOptions::default() };
    let (server, _) = Server::new(options);
    server.set_guests(guest);
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("a"), "a").unwrap();
    let published =
        server.publish(files.path().join("a"), VirtualPath::new("/a").unwrap(), Audience::Everyone);
    soon(published).await.unwrap();
    let address = server.listen("127.0.0.1:0".parse().unwrap()).unwrap();
    (server, address, files)
}

async fn dial(address: SocketAddr) -> Established {
    let config = Config::new(SocketType::Dealer);
    let established = soon(connect(address, &config, SendQueueLimits::default())).await.unwrap();
    established.queue.push_frame(&[], Message::Ohai.encode()).unwrap();
    established.queue.flush().unwrap();
    established
}

/// Reads until the server has answered OHAI; `false` if it closes the connection.
async fn is_answered(established: &mut Established) -> bool {
    loop {
        if established.reader.next().unwrap().is_some() {
            return true;
        }
        if !soon(established.reader.fill()).await.unwrap_or(false) {
            return false;
        }
    }
}

#[tokio::test]
async fn one_that_is_known_is_served_beside_strangers_that_stay() {
    let (_server, address, _files) = server().await;
    let mut strangers = Vec::new();
    for _ in 0..10 {
        let mut stranger = dial(address).await;
        assert!(is_answered(&mut stranger).await, "a newcomer gets a place");
        strangers.push(stranger);
    }
    let received = tempfile::tempdir().unwrap();
    let opened = Client::open(received.path(), ClientOptions::default());
    let (client, mut events) = soon(opened).await.unwrap();
    client.subscribe(VirtualPath::root());
    client.connect("alice", Way { ticket: Some(FOR_BOB), ..address.into() });
    let delivered = async {
        while let Some(event) = events.recv().await {
            match event {
                ClientEvent::File { event: FileEvent::Delivered { .. }, .. } => return,
                ClientEvent::Disconnected { reason, .. } => panic!("{reason}"),
                _ => {}
            }
        }
    };
    soon(delivered).await;
    // More strangers come, and it keeps its place.
    for _ in 0..10 {
        strangers.push(dial(address).await);
    }
    for stranger in &mut strangers[..18] {
        while is_answered(stranger).await {}
    }
    let more = tokio::time::timeout(std::time::Duration::ZERO, events.recv()).await;
    assert!(!matches!(more, Ok(Some(ClientEvent::Disconnected { .. }))));
    client.stop().await;
}

#[tokio::test]
async fn a_stranger_may_send_less_than_one_that_is_known() {
    let (_server, address, _files) = server().await;
    for (bytes, is_let) in [(5 << 20, true), (7 << 20, false)] {
        let mut stranger = dial(address).await;
        assert!(is_answered(&mut stranger).await);
        stranger.queue.push_frame(&[], Bytes::from(vec![0; bytes])).unwrap();
        let queue = stranger.queue.clone();
        let sending = tokio::spawn(async move { queue.run().await });
        // What is understood by nobody is answered; what is too much is not.
        assert_eq!(is_answered(&mut stranger).await, is_let, "{bytes}");
        sending.abort();
    }
}
