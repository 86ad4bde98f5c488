//! An event as a ledger needs it, whichever crate's enum it comes from.

use zre_proto::{Content, ExitReason, Headers, PeerId, UnreachableReason};

/// An event about a peer, or the end.
///
/// Made by [`heard!`](crate::heard) of the event enum of the engine or of the library. What is not
/// checked is not carried; a field that a new rule needs is added here and in the macro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// ENTER.
    Enter {
        /// The peer.
        peer: PeerId,
        /// What it says about itself.
        headers: &'a Headers,
    },
    /// EXIT.
    Exit {
        /// The peer.
        peer: PeerId,
        /// Why it is gone.
        reason: ExitReason,
    },
    /// JOIN.
    Join {
        /// The peer.
        peer: PeerId,
        /// The group.
        group: &'a str,
    },
    /// LEAVE.
    Leave {
        /// The peer.
        peer: PeerId,
        /// The group.
        group: &'a str,
    },
    /// WHISPER.
    Whisper {
        /// The sender.
        peer: PeerId,
        /// The message.
        content: &'a Content,
    },
    /// SHOUT.
    Shout {
        /// The sender.
        peer: PeerId,
        /// The group.
        group: &'a str,
        /// The message.
        content: &'a Content,
    },
    /// EVASIVE.
    Evasive {
        /// The peer.
        peer: PeerId,
    },
    /// SILENT.
    Silent {
        /// The peer.
        peer: PeerId,
    },
    /// RETURNED.
    Returned {
        /// The peer.
        peer: PeerId,
    },
    /// UNREACHABLE.
    Unreachable {
        /// The node that cannot be met.
        peer: PeerId,
        /// Why.
        why: UnreachableReason,
    },
    /// LEADER.
    Leader {
        /// The group.
        group: &'a str,
        /// Who leads, if anybody does.
        leader: Option<PeerId>,
        /// Whether that is the node itself.
        mine: bool,
    },
    /// The node has stopped.
    Stop,
    /// An event that has no rule but that it does not come after the end.
    Other,
}

impl Heard<'_> {
    /// Returns the peer that the event is about.
    pub const fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Enter { peer, .. }
            | Self::Exit { peer, .. }
            | Self::Join { peer, .. }
            | Self::Leave { peer, .. }
            | Self::Whisper { peer, .. }
            | Self::Shout { peer, .. }
            | Self::Evasive { peer }
            | Self::Silent { peer }
            | Self::Returned { peer }
            | Self::Unreachable { peer, .. } => Some(*peer),
            Self::Leader { .. } | Self::Stop | Self::Other => None,
        }
    }
}

impl<'a> From<&'a zre_proto::Event> for Heard<'a> {
    fn from(event: &'a zre_proto::Event) -> Self {
        crate::heard!(zre_proto::Event, event)
    }
}

/// Makes a [`Heard`](crate::ledger::Heard) of a reference to an event, for event enums with the
/// variants of ZRE: `heard!(zyre::Event, event)`.
#[macro_export]
macro_rules! heard {
    ($($Event:ident)::+, $event:expr) => {
        match $event {
            $($Event)::+::Enter { peer, headers, .. } => {
                $crate::ledger::Heard::Enter { peer: *peer, headers }
            }
            $($Event)::+::Exit { peer, reason, .. } => {
                $crate::ledger::Heard::Exit { peer: *peer, reason: *reason }
            }
            $($Event)::+::Join { peer, group, .. } => {
                $crate::ledger::Heard::Join { peer: *peer, group }
            }
            $($Event)::+::Leave { peer, group, .. } => {
                $crate::ledger::Heard::Leave { peer: *peer, group }
            }
            $($Event)::+::Whisper { peer, content, .. } => {
                $crate::ledger::Heard::Whisper { peer: *peer, content }
            }
            $($Event)::+::Shout { peer, group, content, .. } => {
                $crate::ledger::Heard::Shout { peer: *peer, group, content }
            }
            $($Event)::+::Evasive { peer, .. } => $crate::ledger::Heard::Evasive { peer: *peer },
            $($Event)::+::Silent { peer, .. } => $crate::ledger::Heard::Silent { peer: *peer },
            $($Event)::+::Returned { peer, .. } => {
                $crate::ledger::Heard::Returned { peer: *peer }
            }
            $($Event)::+::Unreachable { peer, why, .. } => {
                $crate::ledger::Heard::Unreachable { peer: *peer, why: *why }
            }
            $($Event)::+::Leader { group, leader, mine, .. } => {
                $crate::ledger::Heard::Leader { group, leader: *leader, mine: *mine }
            }
            $($Event)::+::Stop => $crate::ledger::Heard::Stop,
            _ => $crate::ledger::Heard::Other,
        }
    };
}
