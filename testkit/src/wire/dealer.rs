//! Connections to a node's mailbox, made by hand.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpSocket;
use zre_proto::PeerId;

use super::connection::{Connection, soon};
use crate::curve::{self, Client, Keys};
use crate::wire;

/// Where a node's mailbox is, and how it is reached.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The mailbox.
    pub to: SocketAddr,
    /// The address that connections come from.
    pub from: Ipv4Addr,
    /// How long the node may take for anything that has to be waited for.
    pub patience: Duration,
    /// The keys of a secured connection.
    pub secure: Option<Credentials>,
}

/// The keys of a secured connection to a node.
#[derive(Clone, Copy, Debug)]
pub struct Credentials {
    /// The pair of who connects.
    pub keys: Keys,
    /// The key that the node has.
    pub node: [u8; 32],
}

impl Route {
    /// Connects and says nothing.
    ///
    /// # Errors
    /// If no connection comes about in time.
    pub async fn connect(&self) -> io::Result<Connection> {
        let socket = TcpSocket::new_v4()?;
        if self.from != Ipv4Addr::LOCALHOST {
            socket.bind((self.from, 0).into())?;
        }
        let stream = soon(self.patience, socket.connect(self.to)).await?;
        Ok(Connection::new(stream, self.patience))
    }

    /// Connects and finishes the handshake, as a node that makes one connection each way.
    ///
    /// # Errors
    /// If the node does not finish it in time.
    pub async fn greet(&self, routing_id: &[u8]) -> io::Result<Connection> {
        self.greet_with(routing_id, b"").await
    }

    /// Connects and finishes the handshake, as a node that takes both directions on one connection.
    ///
    /// # Errors
    /// If the node does not finish it in time.
    pub async fn greet_two_way(&self, id: PeerId) -> io::Result<Connection> {
        self.greet_with(&id.routing_id(), &wire::two_way()).await
    }

    /// Connects and finishes the handshake, with these further properties in READY.
    ///
    /// # Errors
    /// If the node does not finish it in time.
    pub async fn greet_with(&self, routing_id: &[u8], properties: &[u8]) -> io::Result<Connection> {
        let mut connection = self.connect().await?;
        if let Some(Credentials { keys, node }) = self.secure {
            let metadata = [curve::metadata("DEALER", routing_id), properties.to_vec()].concat();
            connection.shake_as_client(Client::of(keys, node), metadata).await?;
            return Ok(connection);
        }
        let ready = wire::ready_with("DEALER", routing_id, properties);
        connection.shake(&[wire::greeting(routing_id.len()), ready].concat()).await?;
        Ok(connection)
    }
}
