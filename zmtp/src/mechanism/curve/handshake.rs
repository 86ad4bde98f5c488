//! The handshake of either side.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::admission::Ready;
use super::client::Client;
use super::config::{Curve, Role};
use super::primitives::Random;
use super::server::Server;
use super::step::Step;
use crate::Error;

/// One end of a handshake.
pub(crate) enum Handshake {
    Client(Box<Client>),
    Server(Box<Server>),
}

impl Handshake {
    /// Begins a handshake of a node that says `metadata` of itself. Returns also the frame that goes
    /// out with the greeting.
    pub(crate) fn new(
        curve: &Curve,
        metadata: Bytes,
        random: Random<'_>,
    ) -> Result<(Self, Option<Bytes>), Error> {
        let keys = curve.keys.clone();
        match &curve.role {
            Role::Client { server, guard } => {
                let (client, hello) = Client::new(keys, *server, guard.clone(), metadata, random)?;
                Ok((Self::Client(Box::new(client)), Some(hello)))
            }
            Role::Server { guard } => {
                let ready = Ready { guard: Arc::clone(guard), metadata };
                Ok((Self::Server(Box::new(Server::new(keys, ready, random)?)), None))
            }
        }
    }

    /// Returns how many bytes the next command may have.
    pub(crate) const fn most(&self) -> usize {
        match self {
            Self::Client(client) => client.most(),
            Self::Server(server) => server.most(),
        }
    }

    /// Takes the next command of the remote, whose body is opened in place.
    pub(crate) fn handle(&mut self, body: &mut [u8]) -> Result<Step, Error> {
        match self {
            Self::Client(client) => client.handle(body),
            Self::Server(server) => server.handle(body),
        }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client(_) => "Handshake(client)",
            Self::Server(_) => "Handshake(server)",
        })
    }
}
