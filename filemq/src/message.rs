//! The messages of FILEMQ, version 2, as C FileMQ has spoken it since 2015.
//!
//! A client connects (DEALER) to a server (ROUTER). It says which paths it wants and how much it
//! can take; the server sends files in pieces, and sends a file again whenever it changes:
//!
//! ```text
//!   client                                           server
//!     | OHAI "FILEMQ" 2 --------------------------------> |
//!     | <------------------------------------------ OHAI-OK |
//!     | ICANHAZ "/photos" --------------------------------> |  what lies at or below
//!     | <--------------------------------------- ICANHAZ-OK |
//!     | NOM 5000000 --------------------------------------> |  credit in octets
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
//! A server that does not want to serve a client says SRSLY. A server that does not understand a
//! message says RTFM, and has forgotten the client. A message is one ZMTP frame; integers are
//! big-endian:
//!
//! ```text
//! message     = %xAA %xA3 id fields
//!
//! OHAI        = %d1   string version      ; "FILEMQ", two octets: 2
//! OHAI-OK     = %d4
//! ICANHAZ     = %d5   longstr dictionary dictionary    ; path, options, cache
//! ICANHAZ-OK  = %d6 [dictionary]          ; dictionary: this implementation only
//! NOM         = %d7   number number       ; credit, sequence (not used)
//! CHEEZBURGER = %d8   number operation longstr number eof dictionary chunk
//!                                         ; sequence, operation, filename, offset, end?, headers
//! HUGZ        = %d9
//! HUGZ-OK     = %d10
//! KTHXBAI     = %d11
//! RECEIPTS    = %d64 4OCTET *(number outcome string)  ; this implementation only, if it was
//!                                         ; agreed on: sequence of the first piece, reason
//! OFFERS      = %d65 4OCTET *offer        ; this implementation only, if it was agreed on
//! ANSWERS     = %d66 4OCTET *(number verdict string)  ; likewise: number of an offer, and what the
//!                                         ; client has of the file, or why it does not want it
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
//! outcome     = %d1 / %d2 / %d3           ; delivered, has to wait, refused
//! offer       = number %d1 longstr number number 4OCTET 2OCTET
//!                                         ; filename, size, seconds since 1970 (signed),
//!                                         ; nanoseconds, permissions
//! offer       =/ number %d2               ; it holds no more
//! verdict     = %d1 / %d2 / %d3           ; fetch, later, decline
//! ```
//!
//! This differs from the specification (RFC 35), where path and filename are strings, and is what
//! is deployed. Older versions (RFC 19, and C FileMQ of 2013 and 2014) say OHAI with version 1;
//! they are recognised, but not spoken ([`DecodeError::Version`]).
//!
//! Text is kept as the bytes that came. Bytes after the last field are ignored, as in C FileMQ.

mod cheezburger;
mod dictionary;
mod error;
mod fields;
mod limits;
mod offer;
mod receipt;
mod wire;

use bytes::{BufMut as _, Bytes, BytesMut};

pub use self::cheezburger::{Cheezburger, Head, Operation};
pub use self::dictionary::Dictionary;
pub use self::error::DecodeError;
use self::fields::Fields;
pub use self::limits::{CHUNK, MAX_ENTRIES, MAX_MESSAGE, MAX_PATH, MAX_STRING, MAX_VALUE};
pub use self::offer::{Answer, Offer, Verdict};
pub use self::receipt::{Outcome, Receipt};
use self::wire::{PROTOCOL, SIGNATURE, VERSION, put_length, put_longstr, put_string, start};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The client begins; it speaks version 2.
    Ohai,
    /// The server speaks it too.
    OhaiOk,
    /// The client subscribes to a path.
    Icanhaz(Icanhaz),
    /// The server accepts a subscription. Other implementations leave the dictionary out.
    IcanhazOk(Dictionary),
    /// The client can take more.
    Nom {
        /// How many more bytes of content.
        credit: u64,
        /// The sequence of the last CHEEZBURGER; no server reads it.
        sequence: u64,
    },
    /// A piece of a file, its end, or the news that it is gone.
    Cheezburger(Cheezburger),
    /// "Are you still there?"
    Hugz,
    /// "Yes."
    HugzOk,
    /// Goodbye.
    Kthxbai,
    /// What became of files at the client. Other implementations do not know it.
    Receipts(Vec<Receipt>),
    /// What the server has for the client. Other implementations do not know it.
    Offers(Vec<Offer>),
    /// What the client wants of it. Other implementations do not know it.
    Answers(Vec<Answer>),
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
    /// The path: everything at or below it.
    pub path: Bytes,
    /// Options; a server ignores those it does not know. `RESYNC` `1` asks for files that were
    /// there before.
    pub options: Dictionary,
    /// What the client has already: names, and digests of the content.
    pub cache: Dictionary,
}

impl Message {
    /// Decodes a message that came in these frames.
    ///
    /// # Errors
    /// There is not exactly one frame, or it is not a message within the limits of this module.
    pub fn from_frames(frames: &[Bytes]) -> Result<Self, DecodeError> {
        match frames {
            [frame] => Self::decode(frame),
            _ => Err(DecodeError::Frames),
        }
    }

    /// Decodes a frame. Text and content are slices of it; no memory is reserved because of an
    /// announced length or count.
    ///
    /// # Errors
    /// It is not a message within the limits of this module.
    pub fn decode(frame: &Bytes) -> Result<Self, DecodeError> {
        if frame.len() > MAX_MESSAGE {
            return Err(DecodeError::TooLarge);
        }
        let mut fields = Fields::new(frame);
        if fields.bytes()? != SIGNATURE {
            return Err(DecodeError::Signature);
        }
        Ok(match fields.byte()? {
            1 => {
                fields.ohai()?;
                Self::Ohai
            }
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
            64 => Self::Receipts(fields.receipts()?),
            65 => Self::Offers(fields.offers()?),
            66 => Self::Answers(fields.answers()?),
            128 => Self::Srsly { reason: fields.string()? },
            129 => Self::Rtfm { reason: fields.string()? },
            id => return Err(DecodeError::UnknownId(id)),
        })
    }

    /// Encodes the message as a frame. Entries of dictionaries are left out if their name or value
    /// exceeds the limits, or if there are more than [`MAX_ENTRIES`]; a reason is cut after 255
    /// bytes.
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
            Self::Receipts(receipts) => {
                start(&mut out, 64);
                put_length(&mut out, receipts.len());
                receipts.iter().for_each(|receipt| receipt.encode(&mut out));
            }
            Self::Offers(offers) => {
                out.reserve(7 + offers.iter().map(Offer::encoded_len).sum::<usize>());
                start(&mut out, 65);
                put_length(&mut out, offers.len());
                offers.iter().for_each(|offer| offer.encode(&mut out));
            }
            Self::Answers(answers) => {
                start(&mut out, 66);
                put_length(&mut out, answers.len());
                answers.iter().for_each(|answer| answer.encode(&mut out));
            }
            Self::Srsly { reason } => {
                start(&mut out, 128);
                put_string(&mut out, reason);
            }
            Self::Rtfm { reason } => {
                start(&mut out, 129);
                put_string(&mut out, reason);
            }
            Self::IcanhazOk(options) => {
                start(&mut out, 6);
                if !options.is_empty() {
                    options.encode(&mut out);
                }
            }
            Self::OhaiOk => return Bytes::from_static(&[0xAA, 0xA3, 4]),
            Self::Hugz => return Bytes::from_static(&[0xAA, 0xA3, 9]),
            Self::HugzOk => return Bytes::from_static(&[0xAA, 0xA3, 10]),
            Self::Kthxbai => return Bytes::from_static(&[0xAA, 0xA3, 11]),
        }
        out.freeze()
    }

    /// Returns its name in the specification.
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
            Self::Receipts(_) => "RECEIPTS",
            Self::Offers(_) => "OFFERS",
            Self::Answers(_) => "ANSWERS",
            Self::Srsly { .. } => "SRSLY",
            Self::Rtfm { .. } => "RTFM",
        }
    }
}
