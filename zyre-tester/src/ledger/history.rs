//! What was last between a node and one peer.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zyre::{Event, ExitReason};

use super::stamp::{Stamp, To};

/// The last entries of a pair. Costs nothing before the first.
#[derive(Debug)]
pub(super) struct History {
    entries: VecDeque<(Duration, Entry)>,
    kept: usize,
}

/// One thing that happened between a node and a peer, as the node's application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
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
    /// The entry for an event about a peer.
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::Enter { .. } => Self::Enter,
            Event::Exit { reason, .. } => Self::Exit(*reason),
            Event::Join { group, .. } => Self::Join(group.clone()),
            Event::Leave { group, .. } => Self::Leave(group.clone()),
            Event::Whisper { content, .. } => match Stamp::decode(content) {
                Some(Stamp { to: To::Peer { first, .. }, number, .. }) => {
                    Self::Whisper { first, number }
                }
                _ => Self::Other("WHISPER of something"),
            },
            Event::Shout { group, content, .. } => match Stamp::decode(content) {
                Some(Stamp { number, .. }) => Self::Shout { group: group.clone(), number },
                None => Self::Other("SHOUT of something"),
            },
            Event::Evasive { .. } => Self::Other("EVASIVE"),
            Event::Silent { .. } => Self::Other("SILENT"),
            _ => Self::Other("an event"),
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
            Self::Other(what) => f.write_str(what),
        }
    }
}
