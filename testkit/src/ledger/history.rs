//! What was last between a node and one peer.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zre_proto::{ExitReason, UnreachableReason};

use super::heard::Heard;
use super::stamp::{Stamp, To, ToPeer};

/// The last entries of a pair. Costs nothing before the first.
#[derive(Debug)]
pub(super) struct History {
    entries: VecDeque<(Duration, Entry)>,
    kept: usize,
}

/// One thing that happened between a node and a peer, as the node's application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The node has whispered to the peer; `first` is the first number since ENTER.
    Whispered { first: u32, number: u32 },
    /// The whisper before was refused.
    Refused,
    /// ENTER.
    Enter,
    /// EXIT.
    Exit(ExitReason),
    /// JOIN.
    Join(Arc<str>),
    /// LEAVE.
    Leave(Arc<str>),
    /// A WHISPER has come from the peer.
    Whisper { first: u32, number: u32 },
    /// A SHOUT has come from the peer.
    Shout { group: Arc<str>, number: u32 },
    /// UNREACHABLE.
    Unreachable(UnreachableReason),
    /// EVASIVE, SILENT, and what else there may be.
    Other(&'static str),
}

impl History {
    pub(super) const fn new(kept: usize) -> Self {
        Self { entries: VecDeque::new(), kept }
    }

    pub(super) fn push(&mut self, at: Duration, entry: Entry) {
        if self.kept == 0 {
            return;
        }
        if self.entries.len() >= self.kept {
            self.entries.pop_front();
        }
        self.entries.push_back((at, entry));
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let line =
            |(at, entry): &(Duration, Entry)| format!("{:10.3} s  {entry}", at.as_secs_f64());
        self.entries.iter().map(line).collect()
    }
}

impl Entry {
    /// Returns the entry for an event about a peer.
    pub(super) fn of(event: &Heard<'_>) -> Self {
        match *event {
            Heard::Enter { .. } => Self::Enter,
            Heard::Exit { reason, .. } => Self::Exit(reason),
            Heard::Join { group, .. } => Self::Join(group.into()),
            Heard::Leave { group, .. } => Self::Leave(group.into()),
            Heard::Whisper { content, .. } => match Stamp::decode(content) {
                Some(Stamp { to: To::Peer(ToPeer { first, .. }), number, .. }) => {
                    Self::Whisper { first, number }
                }
                _ => Self::Other("WHISPER of something"),
            },
            Heard::Shout { group, content, .. } => match Stamp::decode(content) {
                Some(Stamp { number, .. }) => Self::Shout { group: group.into(), number },
                None => Self::Other("SHOUT of something"),
            },
            Heard::Evasive { .. } => Self::Other("EVASIVE"),
            Heard::Silent { .. } => Self::Other("SILENT"),
            Heard::Returned { .. } => Self::Other("RETURNED"),
            Heard::Unreachable { why, .. } => Self::Unreachable(why),
            Heard::Leader { .. } | Heard::Stop | Heard::Other => Self::Other("an event"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whispered { first, number } => write!(f, "  -> WHISPER {number} (since {first})"),
            Self::Refused => write!(f, "  -> refused: unknown peer"),
            Self::Enter => write!(f, "ENTER"),
            Self::Exit(reason) => write!(f, "EXIT ({reason})"),
            Self::Join(group) => write!(f, "JOIN {group}"),
            Self::Leave(group) => write!(f, "LEAVE {group}"),
            Self::Whisper { first, number } => write!(f, "WHISPER {number} (since {first})"),
            Self::Shout { group, number } => write!(f, "SHOUT {group} {number}"),
            Self::Unreachable(why) => write!(f, "UNREACHABLE ({why})"),
            Self::Other(what) => f.write_str(what),
        }
    }
}
