//! What is written on every message of the tester, so that its receiver can tell where it belongs.

use std::sync::Arc;

use zyre::{Content, PeerId};

/// The first octets of every message of the tester.
const MAGIC: &[u8] = b"zt1";

/// Octets before the addressee: magic, kind, depth, number, sender.
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

/// Who a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// A whisper: to whom, and the number of the first one since the sender saw its ENTER.
    Peer { to: PeerId, first: u32 },
    /// A shout.
    Group(Arc<str>),
}

impl Stamp {
    pub(super) fn encode(&self) -> Content {
        let mut octets = Vec::with_capacity(FIXED + 20);
        octets.extend_from_slice(MAGIC);
        octets.push(match self.to {
            To::Peer { .. } => b'w',
            To::Group(_) => b's',
        });
        octets.push(self.depth);
        octets.extend_from_slice(&self.number.to_be_bytes());
        octets.extend_from_slice(self.from.as_bytes());
        match &self.to {
            To::Peer { to, first } => {
                octets.extend_from_slice(&first.to_be_bytes());
                octets.extend_from_slice(to.as_bytes());
            }
            To::Group(group) => octets.extend_from_slice(group.as_bytes()),
        }
        octets.into()
    }

    /// `None` if this is no message of the tester.
    pub(super) fn decode(content: &Content) -> Option<Self> {
        let [frame] = content.frames() else { return None };
        let rest = frame.strip_prefix(MAGIC)?;
        let (&[kind, depth], rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (from, rest) = rest.split_first_chunk()?;
        let to = match kind {
            b'w' => {
                let (first, to) = rest.split_first_chunk()?;
                let to = PeerId::new(to.try_into().ok()?);
                To::Peer { to, first: u32::from_be_bytes(*first) }
            }
            b's' => To::Group(std::str::from_utf8(rest).ok()?.into()),
            _ => return None,
        };
        Some(Self { from: PeerId::new(*from), to, number: u32::from_be_bytes(*number), depth })
    }
}
