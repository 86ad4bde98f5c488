//! One thing that has happened.

use std::fmt;
use std::time::Duration;

use zyre::{Event, PeerId};

use super::dial::{Dial, End};
use super::role::Role;

/// What the first command of ZRE is called.
pub(super) const HELLO: &str = "HELLO";

/// What has happened, and when.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Since the beginning of the run.
    pub(super) at: Duration,
    pub(super) fact: Fact,
}

#[derive(Clone, Debug)]
pub(super) enum Fact {
    /// A relay has done or seen this.
    Dial(Dial, Step),
    /// A node has started.
    Started(Role),
    /// The application of a node was told this.
    Told(Role, Told),
}

/// What a relay does with a connection, or sees of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The dialler is connected to the relay.
    Accepted,
    /// It was cut off at once.
    Refused,
    /// The mailbox has it.
    Forwarded,
    /// The mailbox does not take it, for this reason.
    Unreachable(String),
    /// Bytes were passed on, this long after they had come.
    Passed { from: End, bytes: usize, held: Duration, commands: Vec<&'static str> },
    /// An end has said that nothing more comes from it.
    Ended(End),
    /// An end has cut it off.
    Reset(End),
    /// Nothing is left of it.
    Over,
}

/// What an application was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Enter(PeerId),
    /// With the reason.
    Exit(PeerId, String),
    /// With the text.
    Whisper(PeerId, String),
    Other(String),
}

impl Entry {
    /// Returns the node whose HELLO was passed on here, if one was.
    pub(super) fn hello(&self) -> Option<Role> {
        let Fact::Dial(dial, Step::Passed { from, commands, .. }) = &self.fact else { return None };
        let by = match from {
            End::Dialler => dial.by,
            End::Mailbox => dial.by.other(),
        };
        commands.contains(&HELLO).then_some(by)
    }
}

/// Returns when the application of a node was told first that the other one is there.
pub(super) fn entered(entries: &[Entry], role: Role) -> Option<Duration> {
    let is_enter = |fact: &Fact| matches!(fact, Fact::Told(of, Told::Enter(_)) if *of == role);
    entries.iter().find(|entry| is_enter(&entry.fact)).map(|entry| entry.at)
}

impl Step {
    /// Whether a connection has come, or gone on towards its end.
    pub(super) const fn is_change(&self) -> bool {
        !matches!(self, Self::Passed { .. })
    }
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        match event {
            Event::Enter { peer, .. } => Self::Enter(peer),
            Event::Exit { peer, reason, .. } => Self::Exit(peer, reason.to_string()),
            Event::Whisper { peer, content, .. } => Self::Whisper(peer, content.to_text()),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:7.1} ms  ", self.at.as_secs_f64() * 1e3)?;
        match &self.fact {
            Fact::Dial(dial, step) => write!(f, "{dial}: {step}"),
            Fact::Started(role) => write!(f, "{role} has started"),
            Fact::Told(role, told) => write!(f, "{role} is told {told}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted by the relay"),
            Self::Refused => f.write_str("refused by the relay"),
            Self::Forwarded => f.write_str("connected to the mailbox"),
            Self::Unreachable(error) => write!(f, "the mailbox does not take it: {error}"),
            Self::Passed { from, bytes, held, commands } => {
                let held = held.as_secs_f64() * 1e3;
                write!(f, "{bytes} bytes from {from}, held for {held:.1} ms")?;
                match commands.is_empty() {
                    true => Ok(()),
                    false => write!(f, ": {}", commands.join(", ")),
                }
            }
            Self::Ended(end) => write!(f, "ended by {end}"),
            Self::Reset(end) => write!(f, "cut off by {end}"),
            Self::Over => f.write_str("over"),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enter(peer) => write!(f, "ENTER of {peer}"),
            Self::Exit(peer, reason) => write!(f, "EXIT of {peer}: {reason}"),
            Self::Whisper(peer, text) => write!(f, "WHISPER of {peer}: {text}"),
            Self::Other(event) => f.write_str(event),
        }
    }
}
