//! The frame header: flags and size (RFC 37, "Framing").
//!
//! ```text
//! +-------+----------------------+--------- - -
//! | flags | size: 1 or 8 octets  | body
//! +-------+----------------------+--------- - -
//!   bit 0 MORE, bit 1 LONG (size has 8 octets, big-endian), bit 2 COMMAND
//! ```

use std::ops::Deref;

use bytes::Bytes;

use crate::Error;

pub(crate) const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// The flag of a command inside of what CURVE seals, where [`MORE`] is as in a frame.
#[cfg(feature = "_curve")]
pub(crate) const SEALED_COMMAND: u8 = 2;

/// The header of one frame, ready for the wire: 2 bytes, or 9 for a body of more than 255 bytes.
#[derive(Clone, Copy, Debug)]
pub struct FrameHeader {
    bytes: [u8; 9],
    len: u8,
}

impl FrameHeader {
    /// Creates the header of a message frame with a body of `size` bytes; `more` if others follow.
    pub const fn message(size: usize, more: bool) -> Self {
        Self::new(if more { MORE } else { 0 }, size)
    }

    /// Creates the header of a command with a body of `size` bytes.
    pub const fn command(size: usize) -> Self {
        Self::new(COMMAND, size)
    }

    /// Returns how many bytes a frame with a body of `size` bytes has on the wire.
    pub const fn framed(size: usize) -> usize {
        size.saturating_add(if size < 256 { 2 } else { 9 })
    }

    const fn new(flags: u8, size: usize) -> Self {
        let s = (size as u64).to_be_bytes();
        if size < 256 {
            Self { bytes: [flags, s[7], 0, 0, 0, 0, 0, 0, 0], len: 2 }
        } else {
            Self { bytes: [flags | LONG, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]], len: 9 }
        }
    }
}

impl Deref for FrameHeader {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Returns how many bytes a message has on the wire: the frame `head`, then one frame for each of
/// `content`, and in each of them `overhead` bytes besides.
pub(crate) fn message_len(overhead: usize, head: &[u8], content: &[Bytes]) -> usize {
    let framed = |size: usize| FrameHeader::framed(size.saturating_add(overhead));
    content.iter().fold(framed(head.len()), |sum, body| sum.saturating_add(framed(body.len())))
}

/// Returns how many bytes a whole frame has on the wire with `overhead` bytes besides.
#[cfg(feature = "net")]
pub(crate) fn framed_len(frame: &[u8], overhead: usize) -> usize {
    match IncomingHeader::parse(frame) {
        Ok(Some(IncomingHeader { header, .. })) => {
            FrameHeader::framed(frame.len().saturating_sub(header).saturating_add(overhead))
        }
        // It is one of ours, and whole.
        _ => frame.len(),
    }
}

/// Splits a whole frame into the flags that CURVE seals with it, and its body.
#[cfg(feature = "_curve")]
pub(crate) fn split(frame: &[u8]) -> Option<(u8, &[u8])> {
    let header = IncomingHeader::parse(frame).ok()??;
    Some((header.sealed_flags(), frame.get(header.header..)?))
}

/// A header that was received. The size of the body is only announced: check it before use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IncomingHeader {
    pub(crate) more: bool,
    pub(crate) command: bool,
    /// Size of the header itself, in bytes.
    pub(crate) header: usize,
    /// Size of the body as the remote announces it, in bytes.
    pub(crate) body: u64,
}

impl IncomingHeader {
    /// Reads the header at the start of `bytes`; `None` while it is incomplete. Wrong flags are
    /// reported as soon as the first byte is there.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, Error> {
        let Some((&flags, rest)) = bytes.split_first() else { return Ok(None) };
        let (more, command) = (flags & MORE != 0, flags & COMMAND != 0);
        if flags & !(MORE | LONG | COMMAND) != 0 || (more && command) {
            return Err(Error::Flags(flags));
        }
        let (header, body) = if flags & LONG == 0 {
            let Some(&size) = rest.first() else { return Ok(None) };
            (2, u64::from(size))
        } else {
            let Some(size) = rest.first_chunk::<8>() else { return Ok(None) };
            (9, u64::from_be_bytes(*size))
        };
        Ok(Some(Self { more, command, header, body }))
    }

    /// Returns the flags that CURVE seals with the body.
    #[cfg(feature = "_curve")]
    pub(crate) const fn sealed_flags(&self) -> u8 {
        match (self.command, self.more) {
            (true, _) => SEALED_COMMAND,
            (false, true) => MORE,
            (false, false) => 0,
        }
    }

    /// Returns the size of the body if it is within `limit`.
    pub(crate) fn within(&self, limit: usize) -> Result<usize, Error> {
        match usize::try_from(self.body) {
            Ok(size) if size <= limit => Ok(size),
            _ => Err(Error::FrameTooLarge { announced: self.body, limit }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameHeader, IncomingHeader};
    use crate::Error;

    #[test]
    fn headers_are_read_back() {
        for size in [0, 1, 255, 256, 65_536, 1 << 40] {
            for header in [
                FrameHeader::message(size, false),
                FrameHeader::message(size, true),
                FrameHeader::command(size),
            ] {
                let read = IncomingHeader::parse(&header).unwrap().unwrap();
                assert_eq!((read.body, read.header), (size as u64, header.len()));
                assert_eq!(FrameHeader::framed(size), size + header.len());
                for short in 0..header.len() {
                    assert_eq!(IncomingHeader::parse(&header[..short]).unwrap(), None);
                }
            }
        }
    }

    #[test]
    fn reserved_flags_and_more_on_a_command_are_refused_at_the_first_byte() {
        for flags in 0..=255u8 {
            let wrong = flags > 7 || flags & 5 == 5;
            assert_eq!(
                IncomingHeader::parse(&[flags]) == Err(Error::Flags(flags)),
                wrong,
                "{flags}"
            );
        }
    }

    #[test]
    fn no_size_overflows() {
        for size in [u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 46] {
            let mut header = vec![2];
            header.extend(size.to_be_bytes());
            let read = IncomingHeader::parse(&header).unwrap().unwrap();
            let limit = 1 << 30;
            assert_eq!(read.within(limit), Err(Error::FrameTooLarge { announced: size, limit }));
        }
    }
}
