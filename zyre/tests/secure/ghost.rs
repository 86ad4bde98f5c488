//! A peer of a secure node, made by hand: it has said HELLO and was greeted on a connection for both
//! directions.

use std::net::SocketAddr;

use filemq::{Ticket, Way};
use testkit::wait::soon;
use testkit::wire::Hello;
use zmtp::net::{Established, SendQueueLimits, connect};
use zmtp::{Config, Curve, KeyPair, SocketType};
use zre_proto::message::{Command, Message, MessageLimits};
use zre_proto::{PeerId, two_way};
use zyre::Node;

use crate::stranger;

/// Smaller than all others: it speaks first.
const ID: PeerId = PeerId::new([0; 16]);

/// A peer, and what the node has told it.
pub(crate) struct Ghost {
    keys: KeyPair,
    node: zmtp::PublicKey,
    /// Where the node's file server is.
    pub(crate) server: SocketAddr,
    /// By which the node knows this peer.
    pub(crate) ticket: Ticket,
    _link: Established,
}

impl Ghost {
    /// Meets a node that trusts these keys.
    pub(crate) async fn meet(node: &Node, keys: &KeyPair) -> Self {
        let of_node = stranger::to(node.key().unwrap());
        let config = Config::new(SocketType::Dealer)
            .with_identity(ID.routing_id().to_vec())
            .with_property(two_way::PROPERTY, two_way::VALUE)
            .with_mechanism(Curve::client(keys.clone(), of_node));
        let address = node.endpoint().address();
        let dialled = soon(connect(address, &config, SendQueueLimits::default())).await;
        let mut link = dialled.unwrap();
        link.queue.push(&Hello::new("tcp://127.0.0.1:9").encode(), &[]).unwrap();
        link.queue.flush().unwrap();
        let told = soon(async {
            loop {
                if let Some(message) = link.reader.next().unwrap() {
                    return message;
                }
                assert!(link.reader.fill().await.unwrap(), "the node has closed the connection");
            }
        });
        let told = told.await;
        let hello = Message::decode(&told.frames()[0], &MessageLimits::default()).unwrap();
        let Command::Hello(hello) = hello.command else { panic!("{hello:?}") };
        let header = |wanted: &str| {
            let found = hello.headers.iter().find(|(name, _)| *name == wanted.as_bytes());
            std::str::from_utf8(found.unwrap().1).unwrap()
        };
        let server = header("X-FILEMQ").strip_prefix("tcp://").unwrap().parse().unwrap();
        let ticket = testkit::hex::decode(header("X-FILEMQ-TICKET"));
        let ticket = Ticket::new(ticket.try_into().unwrap());
        Self { keys: keys.clone(), node: of_node, server, ticket, _link: link }
    }

    /// The identity by which its client has to come to the file server.
    pub(crate) fn identity() -> Vec<u8> {
        ID.routing_id().to_vec()
    }

    /// The way to the file server with these keys and this ticket.
    pub(crate) fn way(&self, keys: &KeyPair, ticket: Option<Ticket>) -> Way {
        let mechanism = Curve::client(keys.clone(), self.node).into();
        Way { mechanism, ticket, ..self.server.into() }
    }

    /// The way on which it comes itself.
    pub(crate) fn own_way(&self) -> Way {
        self.way(&self.keys, Some(self.ticket))
    }
}
