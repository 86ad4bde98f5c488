//! The messages of ZRE (RFC 36, "TCP Protocol Grammar"), exact to the octet.
//!
//! A message is a ZMTP multipart message. Its first frame, the *header*, is described here; the
//! content of a WHISPER or SHOUT follows as further frames, untouched.
//!
//! ```text
//! header   = %xAA %xA1 id version sequence fields     ; integers are big-endian
//! version  = %x02
//! sequence = 2OCTET         ; 1 for HELLO, then one more for each message on the link
//!
//! HELLO    = %d1  endpoint groups status name headers
//! WHISPER  = %d2                                      ; and the content, as further frames
//! SHOUT    = %d3  group                               ; and the content, as further frames
//! JOIN     = %d4  group status
//! LEAVE    = %d5  group status
//! PING     = %d6
//! PING-OK  = %d7
//! ELECT    = %d8  group challenger                    ; 8, 9, 10: C library, not in the RFC
//! LEADER   = %d9  group leader
//! GOODBYE  = %d10
//!
//! endpoint, group, name = string                      ; one octet of length, then text
//! groups   = count *longstr                           ; counts and long lengths: four octets
//! headers  = count *(string longstr)
//! status   = OCTET          ; counts the sender's joins and leaves
//! ```
//!
//! Text is kept as the octets that came: deployed nodes send text that is cut inside a UTF-8
//! sequence. Octets after the last field are ignored, as all deployed nodes do.

use smallvec::SmallVec;
use thiserror::Error;

const SIGNATURE: [u8; 2] = [0xAA, 0xA1];
const VERSION: u8 = 2;

/// The longest text, in bytes, that fits a field with one octet of length: names, groups, header
/// names.
pub const MAX_STRING: usize = 255;

/// The encoded header frame of one message. Short ones, which are all but HELLO, need no
/// allocation.
pub type Header = SmallVec<[u8; 32]>;

/// One message as it stands in its header frame; text is borrowed from the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Place in the sequence of the link: 1 for HELLO, then one more for each message,
    /// modulo 65,536 (pyre and zyre.js skip 65,535).
    pub sequence: u16,
    /// What it says.
    pub command: Command<'a>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// The first command on every link: the sender, and where to connect back (RFC 36, "The
    /// HELLO Command").
    Hello(Hello<'a>),
    /// Content for one peer; the frames follow the header (RFC 36, "The WHISPER Command").
    Whisper,
    /// Content for the members of a group; the frames follow the header (RFC 36, "The SHOUT
    /// Command").
    Shout {
        /// The group.
        group: &'a [u8],
    },
    /// The sender has joined a group (RFC 36, "The JOIN Command").
    Join {
        /// The group.
        group: &'a [u8],
        /// The sender's count of joins and leaves, this one included, modulo 256.
        status: u8,
    },
    /// The sender has left a group (RFC 36, "The LEAVE Command").
    Leave {
        /// The group.
        group: &'a [u8],
        /// The sender's count of joins and leaves, this one included, modulo 256.
        status: u8,
    },
    /// Are you alive? Sent to a peer that was not heard for a while (RFC 36, "The PING Command").
    Ping,
    /// The answer to PING (RFC 36, "The PING-OK Command").
    PingOk,
    /// Election in a group: a candidate (C library, not in the RFC; see [`leader`](crate::leader)).
    Elect {
        /// The group.
        group: &'a [u8],
        /// The candidate's id as 32 upper-case hexadecimal digits.
        challenger: &'a [u8],
    },
    /// Election in a group: the winner (C library, not in the RFC).
    Leader {
        /// The group.
        group: &'a [u8],
        /// The winner's id as 32 upper-case hexadecimal digits.
        leader: &'a [u8],
    },
    /// The sender is leaving (C library with gossip discovery, not in the RFC).
    Goodbye,
}

/// The fields of HELLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Where the sender's mailbox can be reached, such as `tcp://10.0.0.7:49152`.
    pub endpoint: &'a [u8],
    /// The groups the sender is in.
    pub groups: Vec<&'a [u8]>,
    /// The sender's count of joins and leaves, modulo 256.
    pub status: u8,
    /// The sender's name for people.
    pub name: &'a [u8],
    /// What the sender says about itself: names and values.
    pub headers: Vec<(&'a [u8], &'a [u8])>,
}

/// How much a header frame may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Groups and headers together, in one HELLO. Default 4,096.
    pub entries: usize,
    /// Bytes of one header frame. Default 1 MiB.
    pub bytes: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self { entries: 4096, bytes: 1024 * 1024 }
    }
}

/// Why a header frame is not a ZRE message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not start with `AA A1`: something else speaks on this port.
    #[error("not a ZRE message")]
    Signature,
    /// Another version than 2.
    #[error("ZRE version {0} is not known")]
    Version(u8),
    /// A message that this version does not know. It still takes its place in the sequence.
    #[error("ZRE message {id} is not known")]
    UnknownId {
        /// Its number.
        id: u8,
        /// Its place in the sequence.
        sequence: u16,
    },
    /// It ends inside a field.
    #[error("the message ends inside a field")]
    Truncated,
    /// More bytes or entries than [`MessageLimits`] allows.
    #[error("the message exceeds the limits")]
    TooLarge,
}

/// Returns whether a message with this header frame may be told to an application, and so has to
/// wait while that takes nothing: all but PING, PING-OK and GOODBYE.
pub fn is_for_application(header: &[u8]) -> bool {
    !matches!(header.get(SIGNATURE.len()), Some(6 | 7 | 10))
}

impl<'a> Message<'a> {
    /// Reads a header frame. Nothing is allocated by an announced length or count.
    ///
    /// # Errors
    /// If it is not a complete message of ZRE version 2 within `limits`.
    pub fn decode(header: &'a [u8], limits: &MessageLimits) -> Result<Self, DecodeError> {
        if header.len() > limits.bytes {
            return Err(DecodeError::TooLarge);
        }
        let mut fields = Fields { rest: header, entries: limits.entries };
        if fields.bytes::<2>()? != SIGNATURE {
            return Err(DecodeError::Signature);
        }
        let [id, version] = fields.bytes()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let sequence = u16::from_be_bytes(fields.bytes()?);
        let command = match id {
            1 => Command::Hello(fields.hello()?),
            2 => Command::Whisper,
            3 => Command::Shout { group: fields.string()? },
            4 => Command::Join { group: fields.string()?, status: fields.byte()? },
            5 => Command::Leave { group: fields.string()?, status: fields.byte()? },
            6 => Command::Ping,
            7 => Command::PingOk,
            8 => Command::Elect { group: fields.string()?, challenger: fields.string()? },
            9 => Command::Leader { group: fields.string()?, leader: fields.string()? },
            10 => Command::Goodbye,
            _ => return Err(DecodeError::UnknownId { id, sequence }),
        };
        Ok(Self { sequence, command })
    }

    /// The header frame. Text that is too long for its field is cut at [`MAX_STRING`] bytes; the
    /// engine refuses such text before it comes here.
    pub fn encode(&self) -> Header {
        let mut out = Header::from_slice(&SIGNATURE);
        out.extend_from_slice(&[self.command.id(), VERSION]);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        match &self.command {
            Command::Hello(hello) => hello.encode(&mut out),
            Command::Shout { group } => put_string(&mut out, group),
            Command::Join { group, status } | Command::Leave { group, status } => {
                put_string(&mut out, group);
                out.push(*status);
            }
            Command::Elect { group, challenger: id } | Command::Leader { group, leader: id } => {
                put_string(&mut out, group);
                put_string(&mut out, id);
            }
            Command::Whisper | Command::Ping | Command::PingOk | Command::Goodbye => {}
        }
        out
    }
}

impl Command<'_> {
    const fn id(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Whisper => 2,
            Self::Shout { .. } => 3,
            Self::Join { .. } => 4,
            Self::Leave { .. } => 5,
            Self::Ping => 6,
            Self::PingOk => 7,
            Self::Elect { .. } => 8,
            Self::Leader { .. } => 9,
            Self::Goodbye => 10,
        }
    }
}

impl Hello<'_> {
    fn encode(&self, out: &mut Header) {
        put_string(out, self.endpoint);
        put_count(out, self.groups.len());
        for group in &self.groups {
            put_longstr(out, group);
        }
        out.push(self.status);
        put_string(out, self.name);
        put_count(out, self.headers.len());
        for (name, value) in &self.headers {
            put_string(out, name);
            put_longstr(out, value);
        }
    }
}

fn put_string(out: &mut Header, text: &[u8]) {
    let text = &text[..text.len().min(MAX_STRING)];
    // The cast keeps the value: the length was cut to 255.
    out.push(text.len() as u8);
    out.extend_from_slice(text);
}

fn put_longstr(out: &mut Header, text: &[u8]) {
    put_count(out, text.len());
    out.extend_from_slice(text);
}

fn put_count(out: &mut Header, count: usize) {
    // The cast keeps the value: the engine refuses a HELLO beyond its limits long before 2^32.
    out.extend_from_slice(&(count as u32).to_be_bytes());
}

/// What is left to read of a header frame.
struct Fields<'a> {
    rest: &'a [u8],
    /// How many more groups and headers are allowed.
    entries: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.bytes()?;
        Ok(byte)
    }

    fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.byte()?;
        self.take(length.into())
    }

    fn number(&mut self) -> Result<usize, DecodeError> {
        // A count that does not fit usize cannot be satisfied by any frame.
        usize::try_from(u32::from_be_bytes(self.bytes()?)).map_err(|_| DecodeError::Truncated)
    }

    fn longstr(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.number()?;
        self.take(length)
    }

    /// A counted list. Grows entry by entry, so that a false count costs nothing.
    fn list<T>(
        &mut self,
        mut entry: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.number()?;
        self.entries = self.entries.checked_sub(count).ok_or(DecodeError::TooLarge)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(entry(self)?);
        }
        Ok(list)
    }

    fn hello(&mut self) -> Result<Hello<'a>, DecodeError> {
        Ok(Hello {
            endpoint: self.string()?,
            groups: self.list(Self::longstr)?,
            status: self.byte()?,
            name: self.string()?,
            headers: self.list(|fields| Ok((fields.string()?, fields.longstr()?)))?,
        })
    }
}
