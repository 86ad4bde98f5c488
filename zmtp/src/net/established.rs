//! A connection whose handshake is over.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::{Reader, SendQueue, SendQueueLimits};
use crate::{Connection, Encoder, PeerInfo};

/// A connection whose handshake is over, in either role.
#[derive(Debug)]
#[non_exhaustive]
pub struct Established {
    /// The receiving half. Of an accepted connection it owns the slot in
    /// [`ListenerLimits::connections`](super::ListenerLimits::connections).
    pub reader: Reader,
    /// The sending half. One that only receives may ignore it; PINGs are answered anyway.
    pub queue: SendQueue,
    /// What the remote said of itself in its handshake.
    pub peer: PeerInfo,
    /// The address of the remote.
    pub address: SocketAddr,
    /// Our address on this connection: one at which the remote's host reaches this one, unless
    /// something between them translates addresses.
    pub local: SocketAddr,
}

/// A connection whose handshake is over, as a whole.
#[derive(Debug)]
pub(super) struct Greeted {
    pub(super) stream: TcpStream,
    pub(super) connection: Connection,
    pub(super) peer: PeerInfo,
    pub(super) encoder: Encoder,
    pub(super) address: SocketAddr,
    pub(super) local: SocketAddr,
}

impl Greeted {
    /// Splits the connection into its halves.
    pub(super) fn establish(
        self,
        limits: SendQueueLimits,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Established {
        let Self { stream, connection, peer, encoder, address, local } = self;
        let (incoming, outgoing) = stream.into_split();
        let queue = SendQueue::new(limits, outgoing, encoder);
        let reader = Reader::new(incoming, connection, queue.clone(), slot);
        Established { reader, queue, peer, address, local }
    }
}
