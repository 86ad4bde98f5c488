//! What goes into the engine and what comes out.

use std::net::IpAddr;

use crate::{Content, Endpoint, Event, Header, PeerId};

/// One outgoing connection of the node, from its `Connect` to its end. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// One incoming connection at the node's mailbox. The driver numbers them; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Something that the engine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Discovery (a beacon, or another source) says that a node is at an endpoint.
    Candidate {
        /// The node.
        peer: PeerId,
        /// Its endpoint.
        endpoint: Endpoint,
    },
    /// A goodbye beacon.
    Goodbye {
        /// The node that leaves, or is said to.
        peer: PeerId,
    },
    /// A message came to the mailbox.
    Message {
        /// The sender: the routing id of the connection.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
        /// The address at the other end of the connection.
        source: IpAddr,
        /// The first frame.
        header: &'a [u8],
        /// The other frames.
        content: Content,
    },
    /// A mailbox connection has ended, and all that it brought has been handed over.
    MailboxLost {
        /// Its routing id.
        peer: PeerId,
        /// The connection.
        conn: ConnId,
    },
    /// A link is connected: its messages flow.
    LinkUp {
        /// To whom.
        peer: PeerId,
        /// Which.
        link: LinkId,
    },
    /// A link could not be connected, or broke, or was ended because its queue overflowed.
    LinkLost {
        /// To whom.
        peer: PeerId,
        /// Which.
        link: LinkId,
        /// Whether the queue of the link was full.
        overflow: bool,
    },
    /// `true`: the mailbox is not being read, because the application is not taking its events;
    /// until `false` no peer is called quiet.
    Paused(bool),
    /// The node's own mailbox has a new endpoint. New peers will hear of it.
    Moved(Endpoint),
    /// The application wants something.
    Action(Action<'a>),
    /// Time has passed; due when [`Engine::next_deadline`](crate::Engine::next_deadline) says.
    Time,
}

/// What an application can want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Join a group: every peer is told. Nothing happens if the node is in it. Refused: `TooLong`,
    /// `HelloTooLarge`; this and every other action, when the node has stopped, `Stopped`.
    Join(&'a str),
    /// Leave a group: every peer is told. Nothing happens if the node is not in it. Refused:
    /// `TooLong`.
    Leave(&'a str),
    /// Send to one peer. Refused: `UnknownPeer` (also before its ENTER), `NoFrames`,
    /// `ContentTooLarge`.
    Whisper {
        /// To whom.
        peer: PeerId,
        /// What.
        content: Content,
    },
    /// Send to all peers that are in a group, if there are any. The node itself need not be in it.
    /// Refused: `TooLong`, `NoFrames`, `ContentTooLarge`.
    Shout {
        /// The group.
        group: &'a str,
        /// What.
        content: Content,
    },
    /// Set what the node says about itself. Peers that it meets from now on will see it.
    /// Refused: `TooLong`, `HelloTooLarge`.
    SetHeader {
        /// The header's name.
        name: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// Connect to a node that no discovery tells of, and again whenever it is not there, until the
    /// end. Refused: `OwnPeer`, `TooManyPeers`.
    Require {
        /// The node.
        peer: PeerId,
        /// Its endpoint.
        endpoint: Endpoint,
    },
    /// Stop: from now on nothing is heard and nothing sent.
    Stop,
}

/// Something that the engine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a link. What is sent meanwhile waits in its queue.
    Connect {
        /// To whom.
        peer: PeerId,
        /// The name of the new link.
        link: LinkId,
        /// Where.
        endpoint: Endpoint,
    },
    /// Send a message on a link: a frame with the header, then the frames of the content.
    Send {
        /// On which link.
        link: LinkId,
        /// The first frame.
        header: Header,
        /// The other frames; shared with the same SHOUT to others, not copied.
        content: Content,
    },
    /// Close a link and drop what waits in its queue.
    CloseLink {
        /// Which.
        link: LinkId,
    },
    /// Close a mailbox connection; take no further message from it.
    CloseMailbox {
        /// Which.
        conn: ConnId,
    },
    /// Tell the application.
    Event(Event),
}
