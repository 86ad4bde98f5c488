//! Frames on their way to becoming a message.

use bytes::{Buf, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::{Error, Limits, Message, frame::Announced};

/// A message of at most this many octets is copied out of the receive buffer, so that whoever
/// keeps it does not keep the buffer.
pub(crate) const SMALL: usize = 4096;

/// The finished frames of the message in progress.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    parts: SmallVec<[Part; 2]>,
    /// The bodies of the [`Part::Copied`], one after the other; at most [`SMALL`] octets.
    copied: Vec<u8>,
    /// Octets of all finished frames.
    octets: usize,
}

#[derive(Debug)]
enum Part {
    /// The next so many octets of `copied`.
    Copied(usize),
    /// Split off the receive buffer.
    Shared(Bytes),
}

impl Assembly {
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a frame may join the message, asked before its body is there; its size if so.
    pub(crate) fn admit(&self, frame: &Announced, limits: &Limits) -> Result<usize, Error> {
        let size = frame.within(limits.frame)?;
        if self.parts.len() >= limits.frames {
            return Err(Error::TooManyFrames { limit: limits.frames });
        }
        match self.octets.checked_add(size) {
            Some(octets) if octets <= limits.message => Ok(size),
            _ => Err(Error::MessageTooLarge {
                announced: frame.size.saturating_add(self.octets as u64),
                limit: limits.message,
            }),
        }
    }

    /// Takes the body of an admitted frame, the first `size` octets of `buffer`.
    pub(crate) fn push(&mut self, buffer: &mut BytesMut, size: usize) {
        self.octets += size;
        if self.copied.len() + size <= SMALL {
            self.copied.extend_from_slice(&buffer[..size]);
            buffer.advance(size);
            self.parts.push(Part::Copied(size));
        } else {
            self.parts.push(Part::Shared(buffer.split_to(size).freeze()));
        }
    }

    /// The last frame has come.
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

/// The straight road of nearly every message: one or two frames, all there, small, within limits.
/// `None` for everything else, which then goes the long way, errors included.
pub(crate) fn quick(buffer: &mut BytesMut, limits: &Limits) -> Option<Message> {
    let (first, more, end) = small_frame(buffer, limits)?;
    let (message, end) = if more {
        let (second, more, second_end) = small_frame(&buffer[end..], limits)?;
        let octets = first.len() + second.len();
        if more || octets > SMALL || octets > limits.message || limits.frames < 2 {
            return None;
        }
        // Two allocations, as one that is shared by two `Bytes` would need too.
        ([first, second].map(Bytes::copy_from_slice).into(), end + second_end)
    } else {
        if first.len() > limits.message || limits.frames < 1 {
            return None;
        }
        (Bytes::copy_from_slice(first).into(), end)
    };
    buffer.advance(end);
    Some(message)
}

/// The complete small message frame at the start of `octets`: body, MORE, where it ends.
fn small_frame<'a>(octets: &'a [u8], limits: &Limits) -> Option<(&'a [u8], bool, usize)> {
    let frame = Announced::parse(octets).ok()??;
    let size = frame.within(limits.frame.min(SMALL)).ok()?;
    let end = frame.header + size;
    if frame.command {
        return None;
    }
    Some((octets.get(frame.header..end)?, frame.more, end))
}
