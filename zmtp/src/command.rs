//! Commands: READY, ERROR, PING, PONG, SUBSCRIBE, CANCEL (RFC 37, "Commands").
//!
//! The body of a command is the length of its name, the name, and data.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::FrameHeader;
use crate::{Error, Printable};

/// Bytes of the longest context of a PING (RFC 37, "Connection Heartbeating").
const MAX_CONTEXT: usize = 16;

/// A received command, borrowed from the receive buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// With the metadata.
    Ready(&'a [u8]),
    /// With the reason, made printable.
    Error(String),
    /// With the context to echo. The time-to-live before it is a hint that is ignored.
    Ping(&'a [u8]),
    /// With the prefix.
    Subscribe(&'a [u8]),
    /// With the prefix.
    Cancel(&'a [u8]),
    /// Anything else.
    Other,
}

impl<'a> Command<'a> {
    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let (name, data) = split(body)?;
        match name {
            b"READY" => Ok(Self::Ready(data)),
            b"ERROR" => {
                let (&len, reason) = data.split_first().ok_or(Error::Malformed("ERROR"))?;
                // A reason that is cut short is still the best explanation there is.
                Ok(Self::Error(
                    Printable::from_bytes(&reason[..reason.len().min(usize::from(len))])
                        .to_string(),
                ))
            }
            b"PING" => match data.get(2..) {
                Some(context) if context.len() <= MAX_CONTEXT => Ok(Self::Ping(context)),
                _ => Err(Error::Malformed("PING")),
            },
            b"SUBSCRIBE" => Ok(Self::Subscribe(data)),
            b"CANCEL" => Ok(Self::Cancel(data)),
            _ => Ok(Self::Other),
        }
    }
}

/// Splits the body of a command into its name and its data.
fn split(body: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let (&len, rest) = body.split_first().ok_or(Error::Malformed("command"))?;
    match rest.split_at_checked(usize::from(len)) {
        None | Some((b"", _)) => Err(Error::Malformed("command")),
        Some(parts) => Ok(parts),
    }
}

/// Returns the name in the body of a command.
#[cfg(feature = "_curve")]
pub(crate) fn name_of(body: &[u8]) -> Result<&[u8], Error> {
    split(body).map(|(name, _)| name)
}

/// Returns the frame that subscribes, or cancels: a command, or a message for a remote that does
/// not know the command (ZMTP 3.0).
pub(crate) fn subscription(subscribe: bool, prefix: &[u8], as_command: bool) -> Bytes {
    if as_command {
        return frame(if subscribe { b"SUBSCRIBE" } else { b"CANCEL" }, prefix);
    }
    let size = 1 + prefix.len();
    let mut out = BytesMut::with_capacity(FrameHeader::framed(size));
    out.put_slice(&FrameHeader::message(size, false));
    out.put_u8(subscribe.into());
    out.put_slice(prefix);
    out.freeze()
}

/// Returns the PONG that answers a PING with this context.
pub(crate) fn pong(context: &[u8]) -> Bytes {
    frame(b"PONG", context)
}

/// Returns the ERROR with this reason.
pub(crate) fn error(reason: &str) -> Bytes {
    let reason = &reason.as_bytes()[..reason.len().min(255)];
    let mut data = BytesMut::with_capacity(1 + reason.len());
    data.put_u8(reason.len() as u8);
    data.put_slice(reason);
    frame(b"ERROR", &data)
}

/// Returns a whole command frame. `name` is one of ours and short.
pub(crate) fn frame(name: &[u8], data: &[u8]) -> Bytes {
    let size = 1 + name.len() + data.len();
    let mut out = BytesMut::with_capacity(FrameHeader::framed(size));
    out.put_slice(&FrameHeader::command(size));
    out.put_u8(name.len() as u8);
    out.put_slice(name);
    out.put_slice(data);
    out.freeze()
}
