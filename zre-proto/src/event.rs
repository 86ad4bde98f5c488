//! What the application hears.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{Content, Endpoint, Headers, PeerId};

/// What happened on the network.
///
/// For every peer: `Enter`, then any number of `Join`, `Leave`, `Whisper`, `Shout`, `Evasive` and
/// `Silent`, then `Exit`. None of them comes outside `Enter` … `Exit`, and between the two every
/// message that the peer sent comes once and in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A peer is here: it has said HELLO, and our link to it is up.
    Enter {
        /// Who.
        peer: PeerId,
        /// Its name for people.
        name: Arc<str>,
        /// What it says about itself.
        headers: Arc<Headers>,
        /// Where its mailbox is.
        endpoint: Endpoint,
    },
    /// A peer is gone. If it comes back there is a new `Enter`.
    Exit {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// Why.
        reason: ExitReason,
    },
    /// A peer is in a group. Follows `Enter` for each group it was already in. The group's
    /// name is what the peer sent, with octets that are not UTF-8 replaced: it may be longer than
    /// 255 octets, and then cannot be shouted to.
    Join {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// A peer has left a group. (`Exit` leaves all groups without a word.)
    Leave {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// A peer sends to this node alone.
    Whisper {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// What.
        content: Content,
    },
    /// A peer sends to a group that this node is in.
    Shout {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
        /// What.
        content: Content,
    },
    /// A peer has been quiet and is being asked ([`Times::evasive`](crate::Times::evasive)).
    Evasive {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A peer does not answer ([`Times::silent`](crate::Times::silent)).
    Silent {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A file that a peer has published is here, complete. Of file sharing, as are the following
    /// four: they are about transfers on connections of their own, so they may come a little after
    /// the peer's `Exit`.
    Deliver {
        /// Who has published it.
        peer: PeerId,
        /// Its name on the network, as `/photos/a.jpg`.
        name: Arc<str>,
        /// Where it is.
        path: PathBuf,
        /// Its octets.
        size: u64,
    },
    /// A peer has taken back a file, and it is gone here.
    Retract {
        /// Who.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Where it was.
        path: PathBuf,
    },
    /// A file is coming in; about ten times a second.
    Receiving {
        /// From whom.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Octets so far.
        octets: u64,
        /// Octets in all, if the peer tells.
        total: Option<u64>,
        /// Octets per second since the transfer began.
        rate: u64,
    },
    /// A file is going out; about ten times a second, and not while the application leaves its events.
    Sending {
        /// To whom.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Octets so far: what was handed to the network.
        octets: u64,
        /// Octets in all.
        total: Option<u64>,
        /// Octets per second since the transfer began.
        rate: u64,
    },
    /// A file was sent to its end. Not told while the application leaves its events.
    Sent {
        /// To whom.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Its octets.
        size: u64,
    },
    /// This node has moved to another interface. Its peers may exit and enter again.
    Moved {
        /// Where its mailbox is now.
        endpoint: Endpoint,
    },
    /// This node has stopped. The last event of all; peers that were present get no `Exit`.
    Stop,
}

impl Event {
    /// What was sent, if it is a `Whisper` or a `Shout`.
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Whisper { content, .. } | Self::Shout { content, .. } => Some(content),
            _ => None,
        }
    }

    /// The peer it is about; `None` for `Moved` and `Stop`.
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
            | Self::Deliver { peer, .. }
            | Self::Retract { peer, .. }
            | Self::Receiving { peer, .. }
            | Self::Sending { peer, .. }
            | Self::Sent { peer, .. } => Some(*peer),
            Self::Moved { .. } | Self::Stop => None,
        }
    }
}

/// Why a peer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExitReason {
    /// It said goodbye; or a goodbye beacon came in its name, and its link was down or it did not
    /// answer PING within [`Times::proof`](crate::Times::proof).
    Goodbye,
    /// Its link closed, was reset or refused: it crashed, or the network cut it off. If it lives,
    /// its next beacon brings it back.
    LinkLost,
    /// It was quiet for [`Times::expired`](crate::Times::expired).
    Expired,
    /// It greeted anew: it had lost us, or restarted with the same id. `Enter` follows at once.
    Restarted,
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
    /// One or two lower-case words for people and logs, such as `link lost`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::LinkLost => "link lost",
            Self::Expired => "expired",
            Self::Restarted => "restarted",
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
