//! Frames on their way to becoming a message.

use bytes::{Buf, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::frame::IncomingHeader;
#[cfg(feature = "net")]
use crate::pair::{Head, Pair};
use crate::{Error, Limits, Message};

/// A message of at most this many bytes is copied out of the receive buffer, so that keeping it
/// does not keep the buffer.
pub(crate) const SMALL_MESSAGE: usize = 4096;

/// The finished frames of the message in progress.
#[derive(Debug, Default)]
pub(crate) struct MessageAssembler {
    parts: SmallVec<[Part; 2]>,
    /// The bodies of the [`Part::Copied`], one after the other; at most [`SMALL_MESSAGE`] bytes.
    copied: Vec<u8>,
    /// Bytes of all finished frames.
    bytes: usize,
}

#[derive(Debug)]
enum Part {
    /// The next bytes of `copied`, of this number.
    Copied(usize),
    /// Split off the receive buffer.
    Shared(Bytes),
}

impl MessageAssembler {
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the size of a frame that may join the message. Asked before its body has arrived.
    pub(crate) fn admit(&self, frame: &IncomingHeader, limits: &Limits) -> Result<usize, Error> {
        let size = frame.within(limits.frame)?;
        if self.parts.len() >= limits.frames {
            return Err(Error::TooManyFrames { limit: limits.frames });
        }
        match self.bytes.checked_add(size) {
            Some(bytes) if bytes <= limits.message => Ok(size),
            _ => Err(Error::MessageTooLarge {
                announced: frame.body.saturating_add(self.bytes as u64),
                limit: limits.message,
            }),
        }
    }

    /// Takes the body of an admitted frame, the first `size` bytes of `buffer`.
    pub(crate) fn push(&mut self, buffer: &mut BytesMut, size: usize) {
        self.bytes += size;
        if self.copied.len() + size <= SMALL_MESSAGE {
            self.copied.extend_from_slice(&buffer[..size]);
            buffer.advance(size);
            self.parts.push(Part::Copied(size));
        } else {
            self.parts.push(Part::Shared(buffer.split_to(size).freeze()));
        }
    }

    /// Returns the message, whose last frame has been pushed.
    pub(crate) fn finish(&mut self) -> Message {
        let Self { parts, copied, .. } = std::mem::take(self);
        let mut copied = Bytes::from(copied);
        let body = |part| match part {
            Part::Copied(size) => copied.split_to(size),
            Part::Shared(body) => body,
        };
        parts.into_iter().map(body).collect()
    }
}

/// The fast path of nearly every message: one or two frames, complete, small, and within limits.
/// Returns `None` for everything else, errors included, which then takes the long way.
pub(crate) fn parse_small(buffer: &mut BytesMut, limits: &Limits) -> Option<Message> {
    let SmallFrames { first, second, end } = small_frames(buffer, limits)?;
    let first = Bytes::copy_from_slice(first);
    // Two allocations, as one that is shared by two `Bytes` would need too.
    let message = match second {
        Some(second) => [first, Bytes::copy_from_slice(second)].into(),
        None => first.into(),
    };
    buffer.advance(end);
    Some(message)
}

/// The same for a message of a head and a body, which costs one allocation.
#[cfg(feature = "net")]
#[inline]
pub(crate) fn parse_pair(buffer: &mut BytesMut, limits: &Limits) -> Option<Pair> {
    let SmallFrames { first, second, end } = small_frames(buffer, limits)?;
    let pair = Pair { head: Head::copy(first)?, body: Bytes::copy_from_slice(second?) };
    buffer.advance(end);
    Some(pair)
}

/// The frames of a small message that is at the start of a buffer, and where it ends.
struct SmallFrames<'a> {
    first: &'a [u8],
    second: Option<&'a [u8]>,
    end: usize,
}

#[inline]
fn small_frames<'a>(buffer: &'a [u8], limits: &Limits) -> Option<SmallFrames<'a>> {
    let (first, more, end) = small_frame(buffer, limits)?;
    let (second, end) = if more {
        let (second, more, second_end) = small_frame(&buffer[end..], limits)?;
        ((!more).then_some(Some(second))?, end + second_end)
    } else {
        (None, end)
    };
    let bytes = first.len() + second.map_or(0, <[u8]>::len);
    let frames = 1 + usize::from(second.is_some());
    let fits = bytes <= SMALL_MESSAGE && bytes <= limits.message && frames <= limits.frames;
    fits.then_some(SmallFrames { first, second, end })
}

/// The complete small message frame at the start of `bytes`: its body, MORE, and where it ends.
#[inline]
fn small_frame<'a>(bytes: &'a [u8], limits: &Limits) -> Option<(&'a [u8], bool, usize)> {
    let frame = IncomingHeader::parse(bytes).ok()??;
    let size = frame.within(limits.frame.min(SMALL_MESSAGE)).ok()?;
    let end = frame.header + size;
    if frame.command {
        return None;
    }
    Some((bytes.get(frame.header..end)?, frame.more, end))
}
