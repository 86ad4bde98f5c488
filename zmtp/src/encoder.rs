//! The sending half of a connection that is ready.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{frame::FrameHeader, mechanism::Mechanism};

/// Turns messages into octets for the wire.
///
/// Comes out of [`Event::Ready`](crate::Event::Ready), because what it does may depend on the
/// handshake: NULL puts a header before each frame and knows nothing; a mechanism with
/// confidentiality keeps its keys and counters here, which is why encoding takes `&mut self` and
/// an encoder cannot be cloned.
#[derive(Debug)]
pub struct Encoder {
    mechanism: Mechanism,
}

impl Encoder {
    pub(crate) const fn new(mechanism: Mechanism) -> Self {
        Self { mechanism }
    }

    /// Appends one message to `out`: a first frame `head`, then one frame for each of `content`.
    pub fn encode(&mut self, head: &[u8], content: &[Bytes], out: &mut BytesMut) {
        out.reserve(Self::encoded(head, content));
        let last = content.len();
        for (i, body) in std::iter::once(head).chain(content.iter().map(|c| &c[..])).enumerate() {
            out.put_slice(&self.header(body.len(), i < last));
            out.put_slice(body);
        }
    }

    /// The header that goes before a frame whose body goes out as it is. A writer that sends large
    /// bodies by reference asks for this instead of [`encode`](Self::encode).
    #[must_use]
    pub fn header(&mut self, size: usize, more: bool) -> FrameHeader {
        match self.mechanism {
            Mechanism::Null => FrameHeader::message(size, more),
        }
    }

    /// Octets of that message on the wire.
    #[must_use]
    pub fn encoded(head: &[u8], content: &[Bytes]) -> usize {
        content.iter().fold(FrameHeader::framed(head.len()), |sum, body| {
            sum.saturating_add(FrameHeader::framed(body.len()))
        })
    }
}
