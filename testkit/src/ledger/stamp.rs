//! What is written on every message of the tester, so that its receiver can tell where it belongs.

use std::sync::Arc;
use std::time::Duration;

use zre_proto::{Content, PeerId};

use super::receipt::{Receipt, ShoutId};

/// The first bytes of every message of the tester.
const MAGIC: &[u8] = b"zt2";

/// Bytes before the addressee: magic, kind, depth, number, sender.
const FIXED: usize = MAGIC.len() + 1 + 1 + 4 + 16;

/// The stamp of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The sender.
    pub(super) from: PeerId,
    /// The addressee.
    pub(super) to: To,
    /// Its number among all of the sender's messages to this addressee, from 0.
    pub(super) number: u32,
    /// How many answers may follow.
    pub(super) depth: u8,
}

/// The addressee of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// A whisper.
    Peer(ToPeer),
    /// A shout.
    Group(Arc<str>),
}

/// What only a whisper says, for one peer alone reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToPeer {
    /// The node or group that it goes to.
    pub(super) to: PeerId,
    /// The number of the first whisper since the sender saw its ENTER.
    pub(super) first: u32,
    /// When the sender last changed its header, if it has one.
    pub(super) headed: Option<Duration>,
    /// What the sender has heard of the receiver.
    pub(super) receipt: Receipt,
}

impl Stamp {
    pub(super) fn encode(&self) -> Content {
        let mut bytes = Vec::with_capacity(FIXED + 40);
        bytes.extend_from_slice(MAGIC);
        bytes.push(match self.to {
            To::Peer(_) => b'w',
            To::Group(_) => b's',
        });
        bytes.push(self.depth);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(self.from.as_bytes());
        match &self.to {
            To::Peer(ToPeer { to, first, headed, receipt }) => {
                bytes.extend_from_slice(&first.to_be_bytes());
                bytes.extend_from_slice(to.as_bytes());
                let headed = headed.map_or(u64::MAX, micros);
                bytes.extend_from_slice(&headed.to_be_bytes());
                bytes.extend_from_slice(&receipt.whispers.to_be_bytes());
                bytes.push(receipt.is_complete.into());
                for ShoutId { group, number } in &receipt.shouts {
                    bytes.extend_from_slice(&group.to_be_bytes());
                    bytes.extend_from_slice(&number.to_be_bytes());
                }
            }
            To::Group(group) => bytes.extend_from_slice(group.as_bytes()),
        }
        bytes.into()
    }

    /// `None` if this is no message of the tester.
    pub(super) fn decode(content: &Content) -> Option<Self> {
        let [frame] = content.frames() else { return None };
        let rest = frame.strip_prefix(MAGIC)?;
        let (&[kind, depth], rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (from, rest) = rest.split_first_chunk()?;
        let to = match kind {
            b'w' => To::Peer(decode_peer(rest)?),
            b's' => To::Group(std::str::from_utf8(rest).ok()?.into()),
            _ => return None,
        };
        Some(Self { from: PeerId::new(*from), to, number: u32::from_be_bytes(*number), depth })
    }
}

fn decode_peer(rest: &[u8]) -> Option<ToPeer> {
    let (first, rest) = rest.split_first_chunk()?;
    let (to, rest) = rest.split_first_chunk()?;
    let (headed, rest) = rest.split_first_chunk()?;
    let (whispers, rest) = rest.split_first_chunk()?;
    let (&is_complete, rest) = rest.split_first()?;
    let (shouts, rest) = rest.as_chunks::<8>();
    if !rest.is_empty() {
        return None;
    }
    let shout = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| ShoutId {
        group: u32::from_be_bytes([a, b, c, d]),
        number: u32::from_be_bytes([e, f, g, h]),
    };
    let receipt = Receipt {
        whispers: u32::from_be_bytes(*whispers),
        shouts: shouts.iter().map(shout).collect(),
        is_complete: is_complete != 0,
    };
    let headed = u64::from_be_bytes(*headed);
    let headed = (headed != u64::MAX).then_some(Duration::from_micros(headed));
    Some(ToPeer { to: PeerId::new(*to), first: u32::from_be_bytes(*first), headed, receipt })
}

/// A time as it stands in stamps.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
