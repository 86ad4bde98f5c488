//! The messages of FILEMQ, version 2, as C FileMQ has spoken it since 2015.
//!
//! A client connects (DEALER) to a server (ROUTER). It says which paths it wants and how much it can
//! take; the server sends files in pieces, and goes on to do so whenever one changes:
//!
//! ```text
//!   client                                           server
//!     | OHAI "FILEMQ" 2 --------------------------------> |
//!     | <------------------------------------------ OHAI-OK |
//!     | ICANHAZ "/photos" --------------------------------> |  what lies at or below
//!     | <--------------------------------------- ICANHAZ-OK |
//!     | NOM 5000000 --------------------------------------> |  so many octets of content
//!     | <-- CHEEZBURGER 0 create "/photos/a" 0        1 MB   |
//!     | <-- CHEEZBURGER 1 create "/photos/a" 1000000  0.5 MB |
//!     | <-- CHEEZBURGER 2 create "/photos/a" 1500000  eof    |  the end: no content
//!     | NOM 1000000 --------------------------------------> |
//!     | <-- CHEEZBURGER 3 delete "/photos/b"                 |
//!     | HUGZ ---------------------------------------------> |  still there?
//!     | <------------------------------------------ HUGZ-OK |
//!     | KTHXBAI ------------------------------------------> |
//! ```
//!
//! A server that will not serve says SRSLY; one that does not understand says RTFM, and has
//! forgotten the client. A message is one ZMTP frame; integers are big-endian:
//!
//! ```text
//! message     = %xAA %xA3 id fields
//!
//! OHAI        = %d1   string version      ; "FILEMQ", two octets: 2
//! OHAI-OK     = %d4
//! ICANHAZ     = %d5   longstr dictionary dictionary    ; path, options, cache
//! ICANHAZ-OK  = %d6 [dictionary]          ; only between two of ours
//! NOM         = %d7   number number       ; credit, sequence (which nobody reads)
//! CHEEZBURGER = %d8   number operation longstr number eof dictionary chunk
//!                                         ; sequence, what, filename, offset, end?, headers
//! HUGZ        = %d9
//! HUGZ-OK     = %d10
//! KTHXBAI     = %d11
//! SRSLY       = %d128 string              ; reason
//! RTFM        = %d129 string              ; reason
//!
//! string      = OCTET *OCTET              ; one octet of length, then text
//! longstr     = 4OCTET *OCTET             ; four octets of length
//! chunk       = 4OCTET *OCTET
//! dictionary  = 4OCTET *(string longstr)  ; a count, then names and values
//! number      = 8OCTET
//! operation   = %d1 / %d2                 ; create or replace, delete
//! eof         = %d0 / %d1
//! ```
//!
//! That is not what the specification (RFC 35) says: there, path and filename are strings. It is
//! what is deployed. Older versions (RFC 19, and C FileMQ of 2013 and 2014) say OHAI with version 1;
//! they are recognised, and not spoken ([`DecodeError::Version`]).
//!
//! Text is kept as the octets that came. Octets after the last field are ignored, as C does.

mod cheezburger;
mod dictionary;
mod fields;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::cheezburger::{Cheezburger, Head, Operation};
pub use self::dictionary::Dictionary;
use self::fields::Fields;

const SIGNATURE: [u8; 2] = [0xAA, 0xA3];
const PROTOCOL: &[u8] = b"FILEMQ";
const VERSION: u16 = 2;

/// The most octets of a whole message: 16 MiB. Deployed servers send a million octets of content.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// The most octets of a path or filename.
pub const MAX_PATH: usize = 4096;

/// The most entries of a dictionary.
pub const MAX_ENTRIES: usize = 65_536;

/// The most octets of a name in a dictionary, and of a reason: what one octet can count.
pub const MAX_STRING: usize = 255;

/// The most octets of a value in a dictionary.
pub const MAX_VALUE: usize = 8192;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The client begins, and speaks version 2.
    Ohai,
    /// The server does so too.
    OhaiOk,
    /// The client subscribes to a path.
    Icanhaz(Icanhaz),
    /// The server has understood, and says what more the client can rely on: nothing, with other
    /// implementations.
    IcanhazOk(Dictionary),
    /// The client can take more.
    Nom {
        /// So many octets of content more.
        credit: u64,
        /// Of the last CHEEZBURGER; no server reads it.
        sequence: u64,
    },
    /// A piece of a file, or its end, or that it is gone.
    Cheezburger(Cheezburger),
    /// Still there?
    Hugz,
    /// Yes.
    HugzOk,
    /// Goodbye.
    Kthxbai,
    /// The server will not serve this client.
    Srsly {
        /// Why, for people.
        reason: Bytes,
    },
    /// The server does not understand, and has forgotten the client.
    Rtfm {
        /// Why, for people.
        reason: Bytes,
    },
}

/// A subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Icanhaz {
    /// What lies at or below this.
    pub path: Bytes,
    /// How; what a server does not know it ignores. `RESYNC` `1`: also what was there before.
    pub options: Dictionary,
    /// What the client has already: names, and digests of their content.
    pub cache: Dictionary,
}

/// Why a frame is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not start with `AA A3`: something else speaks on this port.
    #[error("not a FILEMQ message")]
    Signature,
    /// An OHAI of another version than 2.
    #[error("FILEMQ version {0} is not spoken here, only version 2")]
    Version(u16),
    /// An OHAI that does not say `FILEMQ`.
    #[error("OHAI names another protocol")]
    Protocol,
    /// A message that this version does not know.
    #[error("FILEMQ message {0} is not known")]
    UnknownId(u8),
    /// It ends inside a field.
    #[error("the message ends inside a field")]
    Truncated,
    /// Something in it is longer, or there is more of it, than the limits of this module allow.
    #[error("the message exceeds the limits")]
    TooLarge,
    /// It has more than one frame, or none.
    #[error("a FILEMQ message has one frame")]
    Frames,
}

impl Message {
    /// Reads a message that came in these frames.
    ///
    /// # Errors
    /// It is not one frame, or not a message within the limits of this module.
    pub fn from_frames(frames: &[Bytes]) -> Result<Self, DecodeError> {
        match frames {
            [frame] => Self::decode(frame),
            _ => Err(DecodeError::Frames),
        }
    }

    /// Reads a frame. Text and content are slices of it; nothing is reserved by an announced length
    /// or count.
    ///
    /// # Errors
    /// It is not a message within the limits of this module.
    pub fn decode(frame: &Bytes) -> Result<Self, DecodeError> {
        if frame.len() > MAX_MESSAGE {
            return Err(DecodeError::TooLarge);
        }
        let mut fields = Fields::new(frame);
        if fields.octets()? != SIGNATURE {
            return Err(DecodeError::Signature);
        }
        Ok(match fields.octet()? {
            1 => fields.ohai()?,
            4 => Self::OhaiOk,
            5 => Self::Icanhaz(Icanhaz {
                path: fields.path()?,
                options: fields.dictionary()?,
                cache: fields.dictionary()?,
            }),
            6 => Self::IcanhazOk(fields.dictionary().unwrap_or_default()),
            7 => Self::Nom { credit: fields.number()?, sequence: fields.number()? },
            8 => Self::Cheezburger(fields.cheezburger()?),
            9 => Self::Hugz,
            10 => Self::HugzOk,
            11 => Self::Kthxbai,
            128 => Self::Srsly { reason: fields.string()? },
            129 => Self::Rtfm { reason: fields.string()? },
            id => return Err(DecodeError::UnknownId(id)),
        })
    }

    /// The frame. Entries of dictionaries whose name or value exceeds the limits are left out, so
    /// is what is more than [`MAX_ENTRIES`]; a reason is cut at 255 octets.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Cheezburger(cheezburger) => return cheezburger.encode(),
            Self::Ohai => {
                start(&mut out, 1);
                put_string(&mut out, PROTOCOL);
                out.put_u16(VERSION);
            }
            Self::Icanhaz(Icanhaz { path, options, cache }) => {
                out.reserve(15 + path.len() + options.encoded_len() + cache.encoded_len());
                start(&mut out, 5);
                put_longstr(&mut out, path);
                options.encode(&mut out);
                cache.encode(&mut out);
            }
            Self::Nom { credit, sequence } => {
                start(&mut out, 7);
                out.put_u64(*credit);
                out.put_u64(*sequence);
            }
            Self::Srsly { reason } => {
                start(&mut out, 128);
                put_string(&mut out, reason);
            }
            Self::Rtfm { reason } => {
                start(&mut out, 129);
                put_string(&mut out, reason);
            }
            Self::IcanhazOk(terms) => {
                start(&mut out, 6);
                if !terms.is_empty() {
                    terms.encode(&mut out);
                }
            }
            Self::OhaiOk => return Bytes::from_static(&[0xAA, 0xA3, 4]),
            Self::Hugz => return Bytes::from_static(&[0xAA, 0xA3, 9]),
            Self::HugzOk => return Bytes::from_static(&[0xAA, 0xA3, 10]),
            Self::Kthxbai => return Bytes::from_static(&[0xAA, 0xA3, 11]),
        }
        out.freeze()
    }

    /// What the specification calls it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ohai => "OHAI",
            Self::OhaiOk => "OHAI-OK",
            Self::Icanhaz(_) => "ICANHAZ",
            Self::IcanhazOk(_) => "ICANHAZ-OK",
            Self::Nom { .. } => "NOM",
            Self::Cheezburger(_) => "CHEEZBURGER",
            Self::Hugz => "HUGZ",
            Self::HugzOk => "HUGZ-OK",
            Self::Kthxbai => "KTHXBAI",
            Self::Srsly { .. } => "SRSLY",
            Self::Rtfm { .. } => "RTFM",
        }
    }
}

fn start(out: &mut BytesMut, id: u8) {
    out.put_slice(&SIGNATURE);
    out.put_u8(id);
}

/// Text that is too long is cut.
fn put_string(out: &mut BytesMut, text: &[u8]) {
    let text = &text[..text.len().min(MAX_STRING)];
    // The cast keeps the value: the length was cut to 255.
    out.put_u8(text.len() as u8);
    out.put_slice(text);
}

fn put_longstr(out: &mut BytesMut, text: &[u8]) {
    put_length(out, text.len());
    out.put_slice(text);
}

fn put_length(out: &mut BytesMut, length: usize) {
    // Nothing that long can be in memory as one message; a peer would refuse it.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
}
