//! ZRELOG, the logging protocol, raw version 1: what a node tells a collector about what happens
//! to it.
//!
//! A collector binds a SUB socket and announces where in its own header `X-ZRELOG`, as
//! `tcp://address:port`. A node that meets it connects a PUB socket there and publishes. One
//! message is one frame; integers are big-endian:
//!
//! ```text
//! log   = %xAA %xA2 %d1 level event node peer time data
//! level = %d1 / %d2 / %d3   ; error, warning, info
//! event = OCTET             ; none, JOIN, LEAVE, ENTER, EXIT, SEND, RECV: 0 to 6
//! node  = 2OCTET            ; correlation id of the node that records
//! peer  = 2OCTET            ; correlation id of the peer, 0 if there is none
//! time  = 8OCTET            ; seconds since 1970
//! data  = OCTET *OCTET      ; one octet of length, then text
//! ```
//!
//! The level stands at the start, so a collector subscribes to one by its
//! [`prefix`](Level::prefix). Anything else that comes to the collector's port has another
//! signature and has to be ignored: ports are used again.
//!
//! Octets after the last field are ignored, as the C library does.

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

const SIGNATURE: [u8; 2] = [0xAA, 0xA2];
const LOG: u8 = 1;

/// Octets of a message without its data.
const FIXED: usize = 18;

/// The longest [`Log::data`] on the wire, in octets.
pub const MAX_DATA: usize = 255;

/// The header by which a node says that it collects, and where: `tcp://address:port`.
pub const HEADER: &str = "X-ZRELOG";

/// One line of a log.
///
/// ```
/// use zre_proto::log::{Level, Log, LogEvent, correlation_id};
///
/// let log = Log {
///     level: Level::Info,
///     event: LogEvent::Enter,
///     node: correlation_id("tcp://10.0.0.1:49152"),
///     peer: correlation_id("tcp://10.0.0.2:49152"),
///     time: 1_393_064_400,
///     data: "alice".to_owned(),
/// };
/// let frame = log.encode();
/// assert!(frame.starts_with(&Level::Info.prefix()));
/// assert_eq!(Log::decode(&frame), Ok(log));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Log {
    /// How much it matters.
    pub level: Level,
    /// What has happened.
    pub event: LogEvent,
    /// The node that recorded it: the [`correlation_id`] of its endpoint.
    pub node: u16,
    /// Which peer it is about: the [`correlation_id`] of its endpoint; 0 if none.
    pub peer: u16,
    /// When, by the clock of the node: seconds since 1970.
    pub time: u64,
    /// What a human wants to know besides. The wire takes [`MAX_DATA`] octets: longer text is cut,
    /// between two characters, when it is encoded. Text that comes as something else than UTF-8 has
    /// U+FFFD in the places that are wrong.
    pub data: String,
}

/// How much a line of a log matters: the most urgent is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something does not work.
    Error = 1,
    /// Something may not work.
    Warning = 2,
    /// Something has happened.
    Info = 3,
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogEvent {
    /// Nothing of the below: the data says it.
    #[default]
    None,
    /// A peer, or the node itself (peer 0), has joined a group.
    Join,
    /// A peer, or the node itself (peer 0), has left a group.
    Leave,
    /// A peer has come.
    Enter,
    /// A peer is gone.
    Exit,
    /// The node has sent a message.
    Send,
    /// The node has received a message.
    Recv,
    /// An event with a number that this crate has no name for. A number below 7 is written as it
    /// is, and read as what it stands for.
    Other(u8),
}

/// Why a frame is not a line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not start with `AA A2`: something else speaks on this port.
    #[error("not a ZRELOG message")]
    Signature,
    /// A message other than LOG.
    #[error("ZRELOG message {0} is not known")]
    UnknownId(u8),
    /// A level other than 1 to 3.
    #[error("ZRELOG level {0} is not known")]
    Level(u8),
    /// It ends inside a field.
    #[error("the message ends inside a field")]
    Truncated,
}

impl Log {
    /// Reads a frame.
    ///
    /// # Errors
    /// If it is not a complete LOG message.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes;
        if field::<2>(&mut rest)? != SIGNATURE {
            return Err(DecodeError::Signature);
        }
        let [id] = field(&mut rest)?;
        if id != LOG {
            return Err(DecodeError::UnknownId(id));
        }
        let [level] = field(&mut rest)?;
        let level = Level::from_number(level).ok_or(DecodeError::Level(level))?;
        let [event] = field(&mut rest)?;
        let node = u16::from_be_bytes(field(&mut rest)?);
        let peer = u16::from_be_bytes(field(&mut rest)?);
        let time = u64::from_be_bytes(field(&mut rest)?);
        let [length] = field(&mut rest)?;
        let data = rest.get(..length.into()).ok_or(DecodeError::Truncated)?;
        let data = String::from_utf8_lossy(data).into_owned();
        Ok(Self { level, event: event.into(), node, peer, time, data })
    }

    /// The frame.
    pub fn encode(&self) -> Bytes {
        let data = cut(&self.data).as_bytes();
        let mut out = BytesMut::with_capacity(FIXED + data.len());
        out.put_slice(&self.level.prefix());
        out.put_u8(self.event.into());
        out.put_u16(self.node);
        out.put_u16(self.peer);
        out.put_u64(self.time);
        // The cast keeps the value: the text was cut to 255.
        out.put_u8(data.len() as u8);
        out.put_slice(data);
        out.freeze()
    }
}

/// As much of the text as fits, in whole characters.
fn cut(text: &str) -> &str {
    let end = (0..=MAX_DATA.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// Splits off the next octets.
fn field<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], DecodeError> {
    let (taken, after) = rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
    *rest = after;
    Ok(*taken)
}

/// Sixteen bits that stand for an endpoint in a log: a modified Bernstein hash of its text, such as
/// `tcp://10.0.0.1:49152`. Two nodes of a thousand may well have the same.
///
/// ```
/// # use zre_proto::log::correlation_id;
/// assert_eq!(correlation_id("ab"), 33 * 97 ^ 98);
/// ```
pub fn correlation_id(endpoint: &str) -> u16 {
    endpoint.bytes().fold(0, |hash: u16, byte| hash.wrapping_mul(33) ^ u16::from(byte))
}

impl Level {
    const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    /// What every message of this level starts with: subscribe to it and receive no other.
    pub const fn prefix(self) -> [u8; 4] {
        let [a, b] = SIGNATURE;
        [a, b, LOG, self as u8]
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| *level as u8 == number)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// `error`, `warning` or `info`.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = ParseLogError;

    /// The name, in capitals or not.
    fn from_str(text: &str) -> Result<Self, ParseLogError> {
        let named = |level: &Self| level.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or_else(|| ParseLogError::level(text))
    }
}

impl LogEvent {
    /// In the order of their numbers.
    const ALL: [Self; 7] =
        [Self::None, Self::Join, Self::Leave, Self::Enter, Self::Exit, Self::Send, Self::Recv];

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::None => Some("NONE"),
            Self::Join => Some("JOIN"),
            Self::Leave => Some("LEAVE"),
            Self::Enter => Some("ENTER"),
            Self::Exit => Some("EXIT"),
            Self::Send => Some("SEND"),
            Self::Recv => Some("RECV"),
            Self::Other(_) => None,
        }
    }
}

/// The event with that number on the wire.
impl From<u8> for LogEvent {
    fn from(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Other(number))
    }
}

/// The number on the wire.
impl From<LogEvent> for u8 {
    fn from(event: LogEvent) -> Self {
        match event {
            LogEvent::None => 0,
            LogEvent::Join => 1,
            LogEvent::Leave => 2,
            LogEvent::Enter => 3,
            LogEvent::Exit => 4,
            LogEvent::Send => 5,
            LogEvent::Recv => 6,
            LogEvent::Other(number) => number,
        }
    }
}

/// The name in capitals, or the number of an event without one.
impl fmt::Display for LogEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => fmt::Display::fmt(&u8::from(*self), f),
        }
    }
}

impl FromStr for LogEvent {
    type Err = ParseLogError;

    /// The name, in capitals or not, or the number.
    fn from_str(text: &str) -> Result<Self, ParseLogError> {
        let named = |event: &Self| event.name().is_some_and(|name| name.eq_ignore_ascii_case(text));
        if let Some(event) = Self::ALL.into_iter().find(named) {
            return Ok(event);
        }
        text.parse::<u8>().map(Self::from).map_err(|_| ParseLogError::event(text))
    }
}

/// The text is no [`Level`], or no [`LogEvent`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is none of {expected}")]
pub struct ParseLogError {
    text: String,
    expected: &'static str,
}

impl ParseLogError {
    fn level(text: &str) -> Self {
        Self::new(text, "error, warning, info")
    }

    fn event(text: &str) -> Self {
        Self::new(text, "NONE, JOIN, LEAVE, ENTER, EXIT, SEND, RECV, or a number up to 255")
    }

    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(40).collect(), expected }
    }
}

#[cfg(test)]
mod tests;
