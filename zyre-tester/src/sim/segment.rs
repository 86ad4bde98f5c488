//! What passes between nodes on a connection.

use zre_proto::{ConnId, Content, Header, PeerId, PublicKey, UnreachableReason};

/// One end of a connection: a host at an address, and a process on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeRef {
    /// The host.
    pub(super) slot: u32,
    /// How often its process was started.
    pub(super) life: u32,
    /// How often its address has changed.
    pub(super) generation: u8,
}

/// Returns whether this is the header of a HELLO.
pub(super) fn is_hello(header: &[u8]) -> bool {
    const HELLO: u8 = 1;
    header.get(2) == Some(&HELLO)
}

/// What one host sends to another on a connection.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) from: NodeRef,
    pub(super) to: NodeRef,
    pub(super) body: Body,
}

/// The bytes of a connection as far as they matter. Each end has a number of its own for it: `to`
/// is that of the receiver, `from` that of the sender.
#[derive(Debug)]
pub(super) enum Body {
    /// A connection is opened to this port. All that a handshake tells is told.
    Open { from: ConnId, port: u16, peer: PeerId, two_way: bool, keys: Keys },
    /// It is connected, all handshakes included. The mailbox tells its id, unless it is mute. It has
    /// proved the key that was wanted.
    Accept { to: ConnId, from: ConnId, id: Option<PeerId>, two_way: bool },
    /// Nobody listens there, or who does has nothing to do with the one that has connected.
    Refuse { to: ConnId, why: UnreachableReason },
    /// A part of a message that takes long.
    Part { to: ConnId },
    /// The rest of a ZRE message.
    Message { to: ConnId, from: ConnId, header: Header, content: Content },
    /// The other side has ended the connection, or does not know it.
    Ended { to: ConnId },
}

/// What the one that opens a connection can prove, and what has to be proved to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    pub(super) own: Option<PublicKey>,
    pub(super) wanted: Option<PublicKey>,
}
