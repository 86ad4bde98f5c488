//! What an application sends: the content of a WHISPER or a SHOUT.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The content of a WHISPER or SHOUT: a list of frames, mostly one (RFC 36, `content = msg`).
///
/// Cloning is cheap: the bytes are shared. Text, bytes and lists of either convert into it:
///
/// ```
/// # use zre_proto::Content;
/// let one: Content = "Hello".into();
/// assert_eq!(one.to_text(), "Hello");
/// let two: Content = ["key", "value"].into();
/// assert_eq!(two.frames().len(), 2);
/// let three: Content = vec![vec![1, 2], vec![], vec![3]].into();
/// assert_eq!(three.byte_len(), 3);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Frames);

/// One frame is the usual case and needs no list of its own.
#[derive(Clone)]
enum Frames {
    None,
    One(Bytes),
    Many(Arc<[Bytes]>),
}

impl PartialEq for Frames {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Frames {}

impl Frames {
    fn as_slice(&self) -> &[Bytes] {
        match self {
            Self::None => &[],
            Self::One(frame) => std::slice::from_ref(frame),
            Self::Many(frames) => frames,
        }
    }
}

impl Content {
    /// Content without a frame. It can be received, from nodes that are not quite right, but not
    /// sent: C Zyre, pyre and zyre.js all break on it.
    pub const fn none() -> Self {
        Self(Frames::None)
    }

    /// The frames.
    pub fn frames(&self) -> &[Bytes] {
        self.0.as_slice()
    }

    /// The first frame; empty if there is none.
    pub fn first(&self) -> &[u8] {
        self.frames().first().map_or(&[], |frame| frame)
    }

    /// How many bytes all frames have together.
    pub fn byte_len(&self) -> usize {
        self.frames().iter().fold(0, |bytes, frame| bytes.saturating_add(frame.len()))
    }

    /// All frames as text, separated by spaces; what is not UTF-8 is replaced.
    pub fn to_text(&self) -> String {
        let frames: Vec<_> = self.frames().iter().map(|f| String::from_utf8_lossy(f)).collect();
        frames.join(" ")
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.frames() {
            [] => write!(f, "Content(no frame)"),
            [one] if one.len() <= 64 => write!(f, "Content({one:?})"),
            many => write!(f, "Content({} frames, {} bytes)", many.len(), self.byte_len()),
        }
    }
}

impl<T: Into<Bytes>> FromIterator<T> for Content {
    fn from_iter<I: IntoIterator<Item = T>>(frames: I) -> Self {
        let mut frames = frames.into_iter().map(Into::into);
        let Some(first) = frames.next() else { return Self::none() };
        match frames.next() {
            None => Self(Frames::One(first)),
            Some(second) => Self(Frames::Many([first, second].into_iter().chain(frames).collect())),
        }
    }
}

impl From<Bytes> for Content {
    fn from(frame: Bytes) -> Self {
        Self(Frames::One(frame))
    }
}

/// One frame from what owns its bytes, or from a copy of borrowed ones.
macro_rules! one_frame {
    ($($from:ty => $convert:expr),* $(,)?) => {
        $(impl From<$from> for Content {
            fn from(frame: $from) -> Self {
                Self(Frames::One($convert(frame)))
            }
        })*
    };
}

one_frame! {
    Vec<u8> => Bytes::from,
    String => Bytes::from,
    Box<[u8]> => Bytes::from,
    &str => |text: &str| Bytes::copy_from_slice(text.as_bytes()),
    &String => |text: &String| Bytes::copy_from_slice(text.as_bytes()),
    &[u8] => Bytes::copy_from_slice,
    &Bytes => Bytes::clone,
}

impl<const N: usize> From<&[u8; N]> for Content {
    fn from(frame: &[u8; N]) -> Self {
        Self::from(frame.as_slice())
    }
}

/// A list of frames. (Not generic: it would collide with `Vec<u8>`, which is one frame.)
macro_rules! many_frames {
    ($($frame:ty),* $(,)?) => {
        $(impl From<Vec<$frame>> for Content {
            fn from(frames: Vec<$frame>) -> Self {
                frames.into_iter().map(Self::from).collect()
            }
        })*
    };
}

many_frames!(Bytes, Vec<u8>, String, &str, &[u8]);

impl<T: Into<Self>, const N: usize> From<[T; N]> for Content {
    fn from(frames: [T; N]) -> Self {
        frames.into_iter().map(Into::into).collect()
    }
}

/// The frames of several contents, one after the other.
impl FromIterator<Self> for Content {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        parts.into_iter().flat_map(|part| part.frames().to_vec()).collect()
    }
}

/// Feature `zeromq`: for applications that already hold messages of the `zeromq` crate.
#[cfg(feature = "zeromq")]
impl From<zeromq::ZmqMessage> for Content {
    fn from(message: zeromq::ZmqMessage) -> Self {
        message.into_vec().into_iter().collect()
    }
}

/// Feature `zeromq`: for applications that already hold messages of the `zeromq` crate.
///
/// # Errors
/// Content without a frame: a `ZmqMessage` has at least one.
#[cfg(feature = "zeromq")]
impl TryFrom<Content> for zeromq::ZmqMessage {
    type Error = zeromq::ZmqEmptyMessageError;

    fn try_from(content: Content) -> Result<Self, Self::Error> {
        Self::try_from(content.frames().to_vec())
    }
}
