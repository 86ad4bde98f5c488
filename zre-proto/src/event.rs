//! What the application is told.

use std::sync::Arc;

use crate::{Content, Endpoint, Headers, HostEndpoint, PeerId};

/// What the engine tells the application.
///
/// For every peer: `Enter`, then any number of `Join`, `Leave`, `Whisper`, `Shout`, `Evasive`,
/// `Silent` and `Returned`, then `Exit`. None of them comes outside `Enter` … `Exit`, and between
/// the two every message that the peer sent comes once and in order. Only `Unreachable` and
/// `EndpointUnreachable` are about nodes that are not present.
///
/// Exhaustive on purpose, like [`Output`](crate::Output): a driver has to pass on every event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "event", rename_all = "snake_case")
)]
pub enum Event {
    /// A peer is present: it has said HELLO, and our link to it is up.
    Enter {
        /// The peer.
        peer: PeerId,
        /// Its name for people.
        name: Arc<str>,
        /// What it says about itself.
        headers: Arc<Headers>,
        /// The endpoint of its mailbox.
        endpoint: Endpoint,
    },
    /// A peer is gone. If it comes back there is a new `Enter`.
    Exit {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// Why it is gone.
        reason: ExitReason,
    },
    /// A peer is in a group. Follows `Enter` for each group it was already in. The group's
    /// name is what the peer sent, with bytes that are not UTF-8 replaced: it may be longer than
    /// 255 bytes, and then cannot be shouted to.
    Join {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// A peer has left a group. `Exit` leaves all groups without a `Leave` for each.
    Leave {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// A peer has sent a message to this node alone.
    Whisper {
        /// The sender.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The message.
        content: Content,
    },
    /// A peer has sent a message to a group that this node is in.
    Shout {
        /// The sender.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
        /// The message.
        content: Content,
    },
    /// Nothing was heard from a peer for
    /// [`Times::evasive_timeout`](crate::Times::evasive_timeout); it is asked by PING.
    Evasive {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A peer has not answered the PING within
    /// [`Times::silent_timeout`](crate::Times::silent_timeout).
    Silent {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A peer that was evasive or silent is back. Comes once, before the message that told of it.
    Returned {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A node is heard of, and cannot be met. Comes once for each node and reason, outside of
    /// `Enter` … `Exit`; if the node can be met after all, there is an `Enter`.
    Unreachable {
        /// The node.
        peer: PeerId,
        /// Where it was looked for: an endpoint that it or others have told.
        endpoint: Endpoint,
        /// Why it cannot be met, and what can be done.
        why: UnreachableReason,
    },
    /// Nobody can be met at an endpoint that the application has required without an id; or the host
    /// name of one does not resolve. It is tried again and again. Comes once for each endpoint and
    /// reason, until a node is met there.
    EndpointUnreachable {
        /// The endpoint.
        endpoint: HostEndpoint,
        /// Why nobody can be met there, and what can be done.
        why: UnreachableReason,
    },
    /// Another member leads a group that this node is in, or nobody does any more. The leader is the
    /// member with the lowest id of those that contest; see [`Action::Contest`](crate::Action::Contest).
    /// Told when it has been the same for 100 ms, and at once when the leader is lost. `leader` is
    /// this node, or a peer between its `Join` and its `Leave` or `Exit`.
    Leader {
        /// The group.
        group: Arc<str>,
        /// The leader; `None` while there is none.
        leader: Option<PeerId>,
        /// Whether that is this node.
        mine: bool,
    },
    /// This node has moved to another interface. Its peers may exit and enter again.
    Moved {
        /// The new endpoint of its mailbox.
        endpoint: Endpoint,
    },
    /// This node has stopped. The last event of all; peers that were present get no `Exit`.
    Stop,
}

impl Event {
    /// Returns the message of a `Whisper` or a `Shout`.
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Whisper { content, .. } | Self::Shout { content, .. } => Some(content),
            _ => None,
        }
    }

    /// Returns the peer that the event is about, for `Unreachable` the node that is no peer; `None`
    /// for `EndpointUnreachable`, `Leader`, `Moved` and `Stop`.
    pub const fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Enter { peer, .. }
            | Self::Exit { peer, .. }
            | Self::Join { peer, .. }
            | Self::Leave { peer, .. }
            | Self::Whisper { peer, .. }
            | Self::Shout { peer, .. }
            | Self::Evasive { peer, .. }
            | Self::Silent { peer, .. }
            | Self::Returned { peer, .. }
            | Self::Unreachable { peer, .. } => Some(*peer),
            Self::EndpointUnreachable { .. }
            | Self::Leader { .. }
            | Self::Moved { .. }
            | Self::Stop => None,
        }
    }
}

/// Why a peer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ExitReason {
    /// It said goodbye; or a goodbye beacon came in its name, and its link was down or it did not
    /// answer PING within [`Times::probe_timeout`](crate::Times::probe_timeout).
    Goodbye,
    /// Its link closed, was reset or refused: it crashed, or the network cut it off. If it lives,
    /// its next beacon brings it back.
    LinkLost,
    /// Nothing was heard from it for [`Times::expired_timeout`](crate::Times::expired_timeout).
    Expired,
    /// It greeted anew: it had lost us, or restarted with the same id. `Enter` follows at once.
    Restarted,
    /// The application does not trust its key any more.
    Distrusted,
    /// Another node has its endpoint.
    Replaced,
    /// Messages from it were lost on the way (RFC 36: "treat the peer as invalid").
    SequenceGap,
    /// Its count of joins and leaves is not ours: messages from it were lost on the way.
    StatusMismatch,
    /// It did not take what was sent to it; the queue to it was full.
    Overflow,
    /// What it sent broke the protocol or a limit.
    Rejected,
}

impl ExitReason {
    /// Returns one or two lower-case words for people and logs, such as `link lost`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::LinkLost => "link lost",
            Self::Expired => "expired",
            Self::Restarted => "restarted",
            Self::Distrusted => "distrusted",
            Self::Replaced => "replaced",
            Self::SequenceGap => "sequence gap",
            Self::StatusMismatch => "status mismatch",
            Self::Overflow => "overflow",
            Self::Rejected => "rejected",
        }
    }
}

impl std::fmt::Display for ExitReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a node that is heard of cannot be met, and with it what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum UnreachableReason {
    /// The connection was refused. Nothing listens there any more, or a firewall rejects: let the
    /// TCP port of the node's mailbox through the firewall of its host.
    Refused,
    /// Nothing came back in time. A firewall drops what is sent there: let the TCP port of the
    /// node's mailbox through the firewall of its host. Or the host is gone.
    NoAnswer,
    /// This host has no way there: look at its addresses and routes, and at those of the other.
    NoRoute,
    /// Another node is at that endpoint, or something that does not speak ZMTP. Nodes in containers
    /// or behind NAT tell such endpoints: let them advertise one at which they are reached.
    AnotherNode,
    /// It can be connected to, and does not greet. Mostly its own connections to this node are
    /// blocked: let the TCP port of this node's mailbox through the firewall of this host.
    NoHello,
    /// This process has no file descriptor left for the connection: raise its limit.
    NoDescriptors,
    /// The host name does not resolve: look for a typing error, and at the name service.
    NoName,
    /// It is this node itself, which an application that gives all nodes the same list need not mind.
    OwnNode,
    /// The operating system refused for another reason.
    Failed,
}

impl UnreachableReason {
    /// Returns a few lower-case words for people and logs, such as `no route`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NoAnswer => "no answer",
            Self::NoRoute => "no route",
            Self::AnotherNode => "another node answers",
            Self::NoHello => "it does not greet back",
            Self::NoDescriptors => "no descriptors left",
            Self::NoName => "the name does not resolve",
            Self::OwnNode => "it is this node itself",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for UnreachableReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
