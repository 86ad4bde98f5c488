//! One connection of a network of nodes.

use std::net::SocketAddr;

use zre_proto::{ConnId, Content, PeerId};

/// The ends of a wire.
pub(crate) const DIALLER: usize = 0;
pub(crate) const ACCEPTOR: usize = 1;

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Who has dialled it, and who has accepted it.
    pub(crate) ends: [Option<End>; 2],
    /// The address that it comes from.
    pub(crate) source: SocketAddr,
    /// Whether it is not waited for as long as others.
    pub(crate) brief: bool,
    pub(crate) two_way: bool,
    /// What was sent before it was connected.
    pub(crate) waiting: Vec<(Vec<u8>, Content)>,
    /// When the last thing arrives at each end: nothing overtakes.
    pub(crate) last: [u64; 2],
}

/// One end of a wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) node: u8,
    pub(crate) life: u64,
    pub(crate) conn: ConnId,
    /// Who is at the other end: the one that was dialled, or the one that says so; `None` while that
    /// is not known.
    pub(crate) peer: Option<PeerId>,
    pub(crate) up: bool,
    /// Something has arrived.
    pub(crate) heard: bool,
    /// Closed or broken, as this end knows.
    pub(crate) ended: bool,
}

impl End {
    /// The end of a node that dials.
    pub(crate) const fn dialler(node: u8, life: u64, conn: ConnId, peer: Option<PeerId>) -> Self {
        Self { node, life, conn, peer, up: false, heard: false, ended: false }
    }
}

impl Wire {
    /// The nodes at its ends: who has dialled, and who has accepted.
    pub(crate) fn nodes(&self) -> [Option<u8>; 2] {
        self.ends.map(|end| end.map(|end| end.node))
    }
}

/// The end of a connection that calls it this.
pub(crate) const fn end_of(conn: ConnId) -> usize {
    match conn {
        ConnId::Dialled(_) => DIALLER,
        ConnId::Accepted(_) => ACCEPTOR,
    }
}
