//! The messages of ZGP.

use thiserror::Error;

/// The most bytes that a message may have. More than any that tells an endpoint.
pub const MAX_MESSAGE: usize = 1024;

/// The longest key and the longest value that are sent, in bytes: what an endpoint in HELLO may have.
pub const MAX_TEXT: usize = 255;

const SIGNATURE: [u8; 2] = [0xAA, 0xA0];
const VERSION: u8 = 1;

/// One message; text is borrowed from its frame, as the bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// From a client: tell me all that you know.
    Hello,
    /// From both: a node, and where it is. See [`Tuple`](super::Tuple).
    Publish {
        /// The node's id.
        key: &'a [u8],
        /// Its endpoint.
        value: &'a [u8],
        /// Of no meaning, and always 0 in what this implementation sends.
        ttl: u32,
    },
    /// From a client: I am still here.
    Ping,
    /// From a hub: so am I.
    Pong,
    /// From a hub: I do not know you; say HELLO.
    Invalid,
}

/// Why a frame is not a message of ZGP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not start with `AA A0`: something else speaks here.
    #[error("not a gossip message")]
    Signature,
    /// Another version than 1.
    #[error("gossip version {0} is not known")]
    Version(u8),
    /// A message that this version does not have.
    #[error("gossip message {0} is not known")]
    UnknownId(u8),
    /// It ends inside a field.
    #[error("the gossip message ends inside a field")]
    Truncated,
    /// Something follows its last field.
    #[error("something follows the gossip message")]
    Trailing,
    /// More than [`MAX_MESSAGE`] bytes.
    #[error("the gossip message has more than {MAX_MESSAGE} bytes")]
    TooLarge,
    /// Not exactly one frame.
    #[error("a gossip message has one frame, not {0}")]
    Frames(usize),
}

impl<'a> Message<'a> {
    /// Reads a message from its frames, of which there must be one.
    ///
    /// # Errors
    /// If it is not one complete message of ZGP version 1, and nothing else.
    pub fn from_frames<F: AsRef<[u8]>>(frames: &'a [F]) -> Result<Self, DecodeError> {
        match frames {
            [frame] => Self::decode(frame.as_ref()),
            _ => Err(DecodeError::Frames(frames.len())),
        }
    }

    /// Reads the one frame of a message. Nothing is allocated.
    ///
    /// # Errors
    /// If it is not one complete message of ZGP version 1, and nothing else.
    pub fn decode(frame: &'a [u8]) -> Result<Self, DecodeError> {
        if frame.len() > MAX_MESSAGE {
            return Err(DecodeError::TooLarge);
        }
        let mut rest = frame;
        if *take_array::<2>(&mut rest)? != SIGNATURE {
            return Err(DecodeError::Signature);
        }
        let [id, version] = *take_array(&mut rest)?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let message = match id {
            1 => Self::Hello,
            2 => {
                let [length] = *take_array(&mut rest)?;
                let key = take(&mut rest, length.into())?;
                let length = u32::from_be_bytes(*take_array(&mut rest)?);
                // What does not fit usize is not there either.
                let length = usize::try_from(length).map_err(|_| DecodeError::Truncated)?;
                let value = take(&mut rest, length)?;
                let ttl = u32::from_be_bytes(*take_array(&mut rest)?);
                Self::Publish { key, value, ttl }
            }
            3 => Self::Ping,
            4 => Self::Pong,
            5 => Self::Invalid,
            _ => return Err(DecodeError::UnknownId(id)),
        };
        if rest.is_empty() { Ok(message) } else { Err(DecodeError::Trailing) }
    }

    /// The frame of the message. Text beyond [`MAX_TEXT`] is cut: a [`Tuple`](super::Tuple) has
    /// none.
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = Vec::from(SIGNATURE);
        frame.extend([self.id(), VERSION]);
        if let Self::Publish { key, value, ttl } = self {
            let [key, value] = [key, value].map(|text| &text[..text.len().min(MAX_TEXT)]);
            // The casts keep their values: the lengths were cut to 255.
            frame.push(key.len() as u8);
            frame.extend_from_slice(key);
            frame.extend((value.len() as u32).to_be_bytes());
            frame.extend_from_slice(value);
            frame.extend(ttl.to_be_bytes());
        }
        frame
    }

    const fn id(&self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Publish { .. } => 2,
            Self::Ping => 3,
            Self::Pong => 4,
            Self::Invalid => 5,
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], DecodeError> {
    let (taken, left) = rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
    *rest = left;
    Ok(taken)
}

fn take_array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], DecodeError> {
    let (taken, left) = rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
    *rest = left;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISH: Message<'_> = Message::Publish { key: b"K", value: b"tcp://a:1", ttl: 7 };

    #[test]
    fn every_message_is_read_as_it_was_written_and_not_a_byte_more_or_less() {
        use Message::{Hello, Invalid, Ping, Pong};
        for message in [Hello, PUBLISH, Ping, Pong, Invalid] {
            let frame = message.encode();
            assert_eq!(Message::decode(&frame), Ok(message));
            assert_eq!(Message::from_frames(&[&frame]), Ok(message));
            for length in 0..frame.len() {
                assert_eq!(Message::decode(&frame[..length]), Err(DecodeError::Truncated));
            }
            let longer = [&frame[..], &[0]].concat();
            assert_eq!(Message::decode(&longer), Err(DecodeError::Trailing));
            let twice = [frame.clone(), frame];
            assert_eq!(Message::from_frames(&twice), Err(DecodeError::Frames(2)));
        }
        assert_eq!(Message::from_frames::<&[u8]>(&[]), Err(DecodeError::Frames(0)));
    }

    #[test]
    fn what_is_something_else_is_named() {
        let frame = PUBLISH.encode();
        let with = |at: usize, byte: u8| {
            let mut frame = frame.clone();
            frame[at] = byte;
            frame
        };
        for (at, byte, error) in [
            (0, 0xAB, DecodeError::Signature),
            (1, 0xA1, DecodeError::Signature),
            (2, 0, DecodeError::UnknownId(0)),
            (2, 6, DecodeError::UnknownId(6)),
            (3, 2, DecodeError::Version(2)),
            // The lengths of the key and of the value.
            (4, 2, DecodeError::Truncated),
            (6, 0xFF, DecodeError::Truncated),
            (9, 8, DecodeError::Trailing),
        ] {
            assert_eq!(Message::decode(&with(at, byte)), Err(error), "{at}");
        }
    }

    #[test]
    fn a_message_has_at_most_a_kibibyte() {
        let frame = |value: usize| {
            let mut frame = vec![0xAA, 0xA0, 2, 1, 0];
            frame.extend(u32::try_from(value).unwrap().to_be_bytes());
            frame.resize(frame.len() + value + 4, b'x');
            frame
        };
        let largest = frame(MAX_MESSAGE - 13);
        assert!(matches!(Message::decode(&largest), Ok(Message::Publish { .. })));
        assert_eq!(Message::decode(&frame(MAX_MESSAGE - 12)), Err(DecodeError::TooLarge));
        // What is longer than HELLO can tell is read, and never written.
        let Ok(message) = Message::decode(&largest) else { panic!("it is a message") };
        assert_eq!(message.encode().len(), 13 + MAX_TEXT);
    }
}
