//! Messages.

use std::fmt;

use bytes::Bytes;
use smallvec::SmallVec;

/// One message: its frames, in order. Cloning shares the bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    frames: SmallVec<[Bytes; 2]>,
}

impl Message {
    /// Returns the frames, in order. A received message has at least one.
    pub fn frames(&self) -> &[Bytes] {
        &self.frames
    }

    /// Returns the number of frames.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Returns whether there are no frames. A received message has at least one.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Returns the number of bytes of all frames together, without headers.
    pub fn byte_len(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }

    /// Returns the frames one after the other, without copying a byte.
    pub fn into_frames(self) -> IntoFrames {
        IntoFrames(self.frames.into_iter())
    }
}

/// The frames of a [`Message`], by value.
#[derive(Debug)]
pub struct IntoFrames(smallvec::IntoIter<[Bytes; 2]>);

impl Iterator for IntoFrames {
    type Item = Bytes;
    fn next(&mut self) -> Option<Bytes> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for IntoFrames {}

impl IntoIterator for Message {
    type Item = Bytes;
    type IntoIter = IntoFrames;
    fn into_iter(self) -> IntoFrames {
        self.into_frames()
    }
}

impl From<Bytes> for Message {
    fn from(frame: Bytes) -> Self {
        let mut frames = SmallVec::new();
        frames.push(frame);
        Self { frames }
    }
}

impl From<[Bytes; 2]> for Message {
    fn from(frames: [Bytes; 2]) -> Self {
        Self { frames: SmallVec::from_buf(frames) }
    }
}

impl From<Vec<Bytes>> for Message {
    fn from(frames: Vec<Bytes>) -> Self {
        Self { frames: frames.into() }
    }
}

impl FromIterator<Bytes> for Message {
    fn from_iter<I: IntoIterator<Item = Bytes>>(frames: I) -> Self {
        Self { frames: frames.into_iter().collect() }
    }
}

/// Sizes, not contents, so that a log line stays a line.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} frames, {} bytes)", self.len(), self.byte_len())
    }
}
