//! What goes into the engine and what comes out.

use std::net::SocketAddr;

use crate::{
    Beacon, Content, Endpoint, Event, Header, HostEndpoint, PeerId, PublicKey, Ticket, Times,
    UnreachableReason,
};

/// One connection of the node, from its `Connect` or its acceptance to its end. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnId {
    /// One that the engine wanted, DEALER to a peer's ROUTER. The engine numbers them.
    Dialled(u64),
    /// One that came to the node's mailbox. The driver numbers them.
    Accepted(u64),
}

/// A network interface of the node's host. The driver numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u32);

/// Why a connection is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It was closed or broke, after it had been up.
    Ended,
    /// The local address of the connection is gone. The peer is where it was, and may not know where
    /// this node is now.
    Left,
    /// The queue to it was full.
    Overflow,
    /// It never was up.
    Failed(UnreachableReason),
}

/// Something that has happened on the network.
///
/// What the application wants is an [`Action`]; that time has passed is told by
/// [`Engine::handle_timeout`](crate::Engine::handle_timeout).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A beacon was heard.
    Beacon {
        /// The beacon, a goodbye included.
        beacon: Beacon,
        /// The address that it came from; of a link-local one the scope says on which link.
        source: SocketAddr,
        /// The interface that it came in by.
        interface: InterfaceId,
    },
    /// Another kind of discovery says that a node is at an endpoint.
    Candidate {
        /// The node.
        peer: PeerId,
        /// Its endpoint.
        endpoint: Endpoint,
    },
    /// Others have told that a node is at an endpoint, and may not say so again ([`gossip`](crate::gossip)).
    /// It is dialled there for [`Times::rumour_timeout`](crate::Times::rumour_timeout), ever more
    /// rarely; and if it was met there, and is lost without a goodbye, once in
    /// [`Times::retry_interval`](crate::Times::retry_interval) for ten minutes, then ever more
    /// rarely for a day. Of a node that is met it is no sign of life.
    Rumour {
        /// The node.
        peer: PeerId,
        /// Its endpoint.
        endpoint: Endpoint,
    },
    /// A connection is up: its handshake is over. Of an accepted connection that is not two-way
    /// this need not be told.
    Connected {
        /// The peer: the routing id at the other end; of a connection that was dialled to a node,
        /// that node.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
        /// Whether it carries both directions: both ends have said in the handshake that they can,
        /// and the other one has told `peer` as its routing id.
        two_way: bool,
        /// Where that peer can reach this node's mailbox. Told in HELLO.
        own_endpoint: Endpoint,
    },
    /// The other end of a connection that came to the mailbox has proved that it has the secret of
    /// this key. To be told by a secure node of each, before anything else about it. What this node
    /// dials is up only when the key of the endpoint was proved, and that need not be told.
    Proved {
        /// The peer: the routing id at the other end.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
        /// The key.
        key: PublicKey,
    },
    /// A ticket for the remote of a connection, told in HELLO there. To be told
    /// before the connection is `Connected` or `ScoutUp`, if the node
    /// [gives tickets](Action::GiveTickets).
    Ticket {
        /// The connection.
        conn: ConnId,
        /// Random, and new for each connection.
        ticket: Ticket,
    },
    /// A [scout](Output::Scout) is up, and the mailbox at its end does not tell whose it is. If it
    /// does, the connection is `Connected`.
    ScoutUp {
        /// The connection.
        conn: ConnId,
        /// Where this node's mailbox can be reached from there. Told in HELLO.
        own_endpoint: Endpoint,
    },
    /// A scout that was neither `Connected` nor [`Identified`](Output::Identified) is no more.
    ScoutLost {
        /// The connection.
        conn: ConnId,
        /// Why.
        why: Loss,
    },
    /// A host name was [resolved](Output::Resolve), or was not.
    Resolved {
        /// What was to be resolved.
        endpoint: &'a HostEndpoint,
        /// Its addresses, the best first; none if it does not resolve.
        addresses: &'a [Endpoint],
    },
    /// A message came to the mailbox, or on a two-way connection.
    Message {
        /// The sender: the routing id of the connection.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
        /// The address at the other end of the connection.
        source: SocketAddr,
        /// The first frame.
        header: &'a [u8],
        /// The other frames.
        content: Content,
    },
    /// Since this was last told, bytes have moved on a connection, though perhaps no whole message.
    /// To be told, where it is so, of the connections that [`Engine::due`](crate::Engine::due)
    /// names.
    Progress {
        /// The peer.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
        /// Bytes have arrived.
        received: bool,
        /// The kernel has taken bytes that it had no room for before: so the other end has taken
        /// some.
        sent: bool,
    },
    /// Nothing can be sent any more on a two-way connection; what it has brought is still being
    /// read, and then it is `Lost`.
    Broken {
        /// The peer.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
    },
    /// The interface of a connection is down: nothing passes now. It may come back, so the peer is
    /// only given up if it was just heard elsewhere, and is met there.
    Stranded {
        /// The peer.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
        /// The interface.
        interface: InterfaceId,
    },
    /// A connection is no more, and all that it brought has been handed over.
    Lost {
        /// The peer.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
        /// Why.
        why: Loss,
    },
    /// `true`: peers are not being read, because the application is not taking its events; until
    /// `false` no peer becomes evasive, silent or expired, and peers are told that this node lives.
    Paused(bool),
    /// The node's own mailbox has a new endpoint. New peers will hear of it.
    Moved(Endpoint),
}

/// Something that the application wants.
///
/// Every action is refused with [`Stopped`](crate::ActionError::Stopped) once the node has stopped;
/// what else each of them is refused for is said with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<'a> {
    /// Joins a group: every peer is told. Nothing happens if the node is in it. Refused with
    /// `EmptyGroupName`, `TooLong`, `TooManyEntries`, `HelloTooLarge`.
    Join(&'a str),
    /// Leaves a group, and does not contest in it any more: every peer is told. Nothing happens if
    /// the node is not in it. Refused with
    /// `EmptyGroupName`, `TooLong`.
    Leave(&'a str),
    /// Contests in a group, until the node leaves it: of all members that do, the one with the lowest
    /// id leads. Joins the group if the node is not in it. Refused as `Join` is.
    Contest(&'a str),
    /// Sends to one peer. Refused with `UnknownPeer` (also before its ENTER), `NoFrames`,
    /// `ContentTooLarge`.
    Whisper {
        /// The receiver.
        peer: PeerId,
        /// The message.
        content: Content,
    },
    /// Sends to all peers that are in a group, if there are any. The node itself need not be in it.
    /// Refused with `EmptyGroupName`, `TooLong`, `NoFrames`, `ContentTooLarge`.
    Shout {
        /// The group.
        group: &'a str,
        /// The message.
        content: Content,
    },
    /// Sets what the node says about itself. Peers that it meets from now on will see it. Refused
    /// with `TooLong`, `TooManyEntries`, `HelloTooLarge`.
    SetHeader {
        /// The header's name.
        name: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// Says in HELLO where a service of this node is: a header whose value is `tcp://`, the address
    /// by which that peer reaches this node, and this port. Peers that it meets from now on will
    /// see it. Refused as `SetHeader` is.
    SetServiceHeader {
        /// The header's name.
        name: &'a str,
        /// The port of the service.
        port: u16,
    },
    /// Says where a [service](Self::SetServiceHeader) of this node is to peers that are told one
    /// endpoint as the node's: behind a port forwarding, where the ports outside are other ones. One
    /// more for the same header replaces the one before. Nothing happens without the header.
    ForwardService {
        /// The header's name.
        name: &'a str,
        /// The endpoint that peers are told.
        endpoint: Endpoint,
        /// The port of the service there.
        port: u16,
    },
    /// Gives peers that the node meets from now on a [ticket](crate::ticket) each, in HELLO; which ones is said with
    /// [`Input::Ticket`]. Refused as `SetHeader` is.
    GiveTickets,
    /// Sets when peers are asked, and when they are given up, from now on. How long a peer was quiet
    /// before does not count any more: it has the new times to be heard.
    SetTimes(Times),
    /// Connects to a node that no discovery tells of, and again whenever it is not there, until it is
    /// forgotten. Nothing happens if it is required there. Refused with `OwnPeer`, `TooManyPeers`,
    /// `TooManyRequired`.
    Require {
        /// The node.
        peer: PeerId,
        /// Its endpoint.
        endpoint: Endpoint,
    },
    /// Connects to any node at an endpoint, or to one node by a host name, and again whenever no node
    /// is met there, until the endpoint is forgotten. Nothing happens if that is required. Refused
    /// as `Require` is.
    RequireEndpoint {
        /// The endpoint.
        endpoint: HostEndpoint,
        /// The node that has to be there; `None`: any node.
        peer: Option<PeerId>,
    },
    /// Takes back all that was required of a node. If it is present it stays until it goes. Nothing
    /// happens if it is not required; where an endpoint is required at which it is, it is met again.
    ForgetPeer(PeerId),
    /// Takes back all that was required at an endpoint, of any node. Peers that are present stay.
    ForgetEndpoint(&'a HostEndpoint),
    /// Ends all peers that have this key, and everything that leads to it. The driver knows which
    /// keys are trusted: it tells of no other node, and lets no other in. Nothing happens on a node
    /// that is not secure.
    Distrust(PublicKey),
    /// Stops the node: every peer is sent GOODBYE, and then nothing is heard and nothing sent.
    Stop,
}

/// Something that the engine wants done.
///
/// Exhaustive on purpose: a driver has to do all of it, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a connection. Nothing is sent on it before it is `Connected`.
    Connect {
        /// The peer.
        peer: PeerId,
        /// The new connection.
        conn: ConnId,
        /// The endpoint to connect to.
        endpoint: Endpoint,
        /// The interface to leave by: there the peer was heard. `None`: whatever leads there.
        interface: Option<InterfaceId>,
        /// Whether only failures are known of it, or it is tried by the clock and soon again: it is
        /// not worth being waited for as long as one that is tried for the first time.
        failed_before: bool,
    },
    /// Open a connection to find out who is at an endpoint. If the mailbox there tells its routing
    /// id, the connection is `Connected`, else `ScoutUp`.
    Scout {
        /// The new connection.
        conn: ConnId,
        /// The endpoint to connect to.
        endpoint: Endpoint,
        /// As in `Connect`.
        failed_before: bool,
    },
    /// It is known now who is at the other end of a scout that is up: inputs about the connection
    /// name this peer from now on.
    Identified {
        /// The connection.
        conn: ConnId,
        /// The peer.
        peer: PeerId,
    },
    /// Look up the addresses of a host name, and say which they are:
    /// [`Resolved`](Input::Resolved). It is not asked for again before.
    Resolve {
        /// The endpoint with the name.
        endpoint: HostEndpoint,
    },
    /// Send a message: a frame with the header, then the frames of the content.
    Send {
        /// The connection.
        conn: ConnId,
        /// The first frame.
        header: Header,
        /// The other frames; shared with the same SHOUT to others, not copied.
        content: Content,
    },
    /// Close a connection, and take no further message from it. What was sent on it before is sent,
    /// if the kernel takes it at once.
    Close {
        /// The connection.
        conn: ConnId,
    },
    /// Tell the application.
    Event(Event),
}
