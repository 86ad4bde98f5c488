//! The sending half of a connection that is ready.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::{self, FrameHeader};
#[cfg(feature = "_curve")]
use crate::mechanism::curve::{OVERHEAD, Sealer};

/// Turns messages into bytes for the wire.
///
/// It comes with [`Event::Ready`](crate::Event::Ready), because what it does depends on the
/// handshake: NULL only puts a header before each frame, CURVE seals it, with a key and a counter
/// that are kept here. So encoding takes `&mut self`, an encoder cannot be cloned, and what it makes
/// has to be sent in the order in which it was made.
#[derive(Debug)]
pub struct Encoder(Inner);

#[derive(Debug)]
enum Inner {
    Null,
    #[cfg(feature = "_curve")]
    Curve(Box<Sealer>),
}

impl Encoder {
    /// Creates the encoder of the mechanism NULL.
    pub(crate) const fn null() -> Self {
        Self(Inner::Null)
    }

    /// Creates the encoder of the mechanism CURVE.
    #[cfg(feature = "_curve")]
    pub(crate) fn curve(sealer: Sealer) -> Self {
        Self(Inner::Curve(Box::new(sealer)))
    }

    /// Appends one message to `out`: the frame `head`, then one frame for each of `content`.
    pub fn encode(&mut self, head: &[u8], content: &[Bytes], out: &mut BytesMut) {
        out.reserve(self.byte_len(head, content));
        let last = content.len();
        for (i, body) in std::iter::once(head).chain(content.iter().map(|c| &c[..])).enumerate() {
            match &mut self.0 {
                Inner::Null => {
                    out.put_slice(&FrameHeader::message(body.len(), i < last));
                    out.put_slice(body);
                }
                #[cfg(feature = "_curve")]
                Inner::Curve(sealer) => {
                    let flags = if i < last { frame::MORE } else { 0 };
                    sealer.seal(flags, body.len(), out, |out| out.put_slice(body));
                }
            }
        }
    }

    /// Appends what the connection itself has to say: `frame` is that of an
    /// [`Output::Frame`](crate::Output::Frame).
    pub fn encode_frame(&mut self, frame: &[u8], out: &mut BytesMut) {
        match &mut self.0 {
            Inner::Null => out.put_slice(frame),
            #[cfg(feature = "_curve")]
            Inner::Curve(sealer) => {
                // It is one of ours and whole.
                if let Some((flags, body)) = frame::split(frame) {
                    sealer.seal(flags, body.len(), out, |out| out.put_slice(body));
                }
            }
        }
    }

    /// Returns how many bytes such a message has on the wire.
    pub fn byte_len(&self, head: &[u8], content: &[Bytes]) -> usize {
        frame::message_len(self.overhead(), head, content)
    }

    /// Returns how many bytes the body of each frame has on the wire besides its own.
    pub(crate) const fn overhead(&self) -> usize {
        match self.0 {
            Inner::Null => 0,
            #[cfg(feature = "_curve")]
            Inner::Curve(_) => OVERHEAD,
        }
    }

    /// Returns what seals the frames, if they are sealed.
    #[cfg(all(feature = "net", feature = "_curve"))]
    pub(crate) fn into_sealer(self) -> Option<Box<Sealer>> {
        match self.0 {
            Inner::Null => None,
            Inner::Curve(sealer) => Some(sealer),
        }
    }
}
