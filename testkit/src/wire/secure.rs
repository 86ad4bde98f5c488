//! Connections of secure nodes, made by hand.

use std::io;

use zre_proto::PeerId;

use super::connection::Connection;
use super::dealer::Route;
use super::mailbox::Mailbox;
use crate::curve::{Client, Keys, Server, Traffic};
use crate::wire::{COMMAND, MORE};
use crate::{curve, wire};

/// One end of a connection past its handshake.
#[derive(Debug)]
pub struct Secured {
    /// What it goes over.
    pub connection: Connection,
    /// Seals and opens.
    pub traffic: Traffic,
    frames: Vec<Vec<u8>>,
}

/// Returns the metadata of a node's link, with further properties.
pub fn metadata(id: PeerId, properties: &[u8]) -> Vec<u8> {
    [&curve::metadata("DEALER", &id.routing_id())[..], properties].concat()
}

impl Secured {
    /// Connects and finishes the handshake; the metadata may need to know the keys of the connection.
    ///
    /// # Errors
    /// `PermissionDenied`: the node says that it has nothing to do with this one. Others: it does not
    /// finish in time.
    pub async fn dial(
        route: &Route,
        mut client: Client,
        metadata: impl FnOnce(&Client) -> Vec<u8> + Send,
    ) -> io::Result<Self> {
        let mut connection = route.connect().await?;
        connection.say_hello(&mut client).await?;
        connection.initiate(&client, metadata(&client)).await?;
        Ok(Self { connection, traffic: client.traffic(), frames: Vec::new() })
    }

    /// Takes a connection at a mailbox as the node with these keys, and finishes the handshake, saying
    /// this of itself.
    ///
    /// # Errors
    /// If nobody comes or finishes in time.
    pub async fn accept(mailbox: &Mailbox, keys: &Keys, metadata: &[u8]) -> io::Result<Self> {
        let mut connection = mailbox.take().await?;
        let mut server = Server::of(*keys);
        connection.serve(&mut server, metadata).await?;
        Ok(Self { connection, traffic: server.traffic(), frames: Vec::new() })
    }

    /// Sends a message. Returns `false` if nobody reads any more.
    pub async fn send(&mut self, frames: &[&[u8]]) -> bool {
        let bytes = self.seal(frames);
        self.connection.write(&bytes).await
    }

    /// Returns a message as it is sent.
    pub fn seal(&mut self, frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, frame) in frames.iter().enumerate() {
            let flags = if number + 1 < frames.len() { MORE } else { 0 };
            bytes.extend(wire::frame(0, &self.traffic.message(flags, frame)));
        }
        bytes
    }

    /// Reads the next message, all frames of it.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn read(&mut self) -> io::Result<Vec<Vec<u8>>> {
        loop {
            let (_, body) = self.connection.read_frame().await?;
            if !body.starts_with(b"\x07MESSAGE") {
                continue;
            }
            let (flags, data) = self.traffic.open(&body);
            if flags & COMMAND != 0 {
                continue;
            }
            self.frames.push(data);
            if flags & MORE == 0 {
                return Ok(std::mem::take(&mut self.frames));
            }
        }
    }
}
