//! The sending half of a connection that is ready.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::FrameHeader;
use crate::mechanism::Mechanism;

/// Turns messages into bytes for the wire.
///
/// It comes with [`Event::Ready`](crate::Event::Ready), because what it does may depend on the
/// handshake: NULL only puts a header before each frame; a mechanism with confidentiality keeps its
/// keys and counters here, so encoding takes `&mut self`, and an encoder cannot be cloned.
#[derive(Debug)]
pub struct Encoder {
    mechanism: Mechanism,
}

impl Encoder {
    pub(crate) const fn new(mechanism: Mechanism) -> Self {
        Self { mechanism }
    }

    /// Appends one message to `out`: the frame `head`, then one frame for each of `content`.
    pub fn encode(&mut self, head: &[u8], content: &[Bytes], out: &mut BytesMut) {
        out.reserve(Self::encoded(head, content));
        let last = content.len();
        for (i, body) in std::iter::once(head).chain(content.iter().map(|c| &c[..])).enumerate() {
            out.put_slice(&self.header(body.len(), i < last));
            out.put_slice(body);
        }
    }

    /// Returns the header of a frame with a body of `size` bytes; `more` if others follow. For a
    /// writer that sends large bodies by reference instead of with [`encode`](Self::encode).
    pub fn header(&mut self, size: usize, more: bool) -> FrameHeader {
        match self.mechanism {
            Mechanism::Null => FrameHeader::message(size, more),
        }
    }

    /// Returns how many bytes such a message has on the wire.
    pub fn encoded(head: &[u8], content: &[Bytes]) -> usize {
        content.iter().fold(FrameHeader::framed(head.len()), |sum, body| {
            sum.saturating_add(FrameHeader::framed(body.len()))
        })
    }
}
