//! The beacon: one UDP datagram that says "I am here" or "I am going" (RFC 36, "Node Discovery
//! and Presence").
//!
//! ```text
//! version 1, 22 octets:  'Z' 'R' 'E' %x01 | UUID (16) | port (2)
//! version 3, 54 octets:  'Z' 'R' 'E' %x03 | UUID (16) | port (2) | public key (32)
//! ```
//!
//! Version 3 is not in the RFC: it is what the C library sends when its links are encrypted with
//! CURVE. A port of zero is a goodbye.

use thiserror::Error;

use crate::{PeerId, PublicKey};

const SIGNATURE: &[u8; 3] = b"ZRE";
const PLAIN: u8 = 1;
const SECURE: u8 = 3;
const PLAIN_LEN: usize = 22;
const SECURE_LEN: usize = PLAIN_LEN + 32;

/// The datagram that a node broadcasts at regular intervals, once a second by default.
///
/// ```
/// # use zre_proto::{Beacon, PeerId};
/// let beacon = Beacon { peer: PeerId::new([7; 16]), port: 49152, public_key: None };
/// let datagram = beacon.encode();
/// assert_eq!(datagram.len(), 22);
/// assert_eq!(Beacon::decode(&datagram), Ok(beacon));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// The sender.
    pub peer: PeerId,
    /// The TCP port of the sender's mailbox, at the address the datagram came from.
    /// Zero: the sender is leaving the network.
    pub port: u16,
    /// The sender's public key, as it says. With a key this is a version 3 beacon, that of a secure
    /// node.
    pub public_key: Option<PublicKey>,
}

/// Why a datagram is not a beacon. Such datagrams are dropped (RFC 36: "silently").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BeaconError {
    /// It does not start with `ZRE`.
    #[error("not a ZRE beacon")]
    Signature,
    /// A version other than 1 and 3.
    #[error("beacon version {0} is not known")]
    Version(u8),
    /// The length is not the one that belongs to its version.
    #[error("a beacon of {0} bytes has the wrong length for its version")]
    Length(usize),
}

impl Beacon {
    /// One byte more than any beacon has: a receive buffer of this size shows over-long datagrams.
    pub const MAX_LEN: usize = SECURE_LEN + 1;

    /// Decodes a datagram.
    ///
    /// # Errors
    /// If it is not, exactly, a beacon of version 1 or 3.
    pub fn decode(datagram: &[u8]) -> Result<Self, BeaconError> {
        let rest = datagram.strip_prefix(SIGNATURE).ok_or(BeaconError::Signature)?;
        let length = BeaconError::Length(datagram.len());
        let (&version, rest) = rest.split_first().ok_or(length)?;
        let (id, rest) = rest.split_first_chunk::<16>().ok_or(length)?;
        let (port, key) = rest.split_first_chunk::<2>().ok_or(length)?;
        let public_key = match version {
            PLAIN if key.is_empty() => None,
            SECURE => Some(PublicKey::new(key.try_into().map_err(|_| length)?)),
            PLAIN => return Err(length),
            other => return Err(BeaconError::Version(other)),
        };
        Ok(Self { peer: PeerId::new(*id), port: u16::from_be_bytes(*port), public_key })
    }

    /// Returns the datagram.
    pub fn encode(&self) -> Vec<u8> {
        let mut datagram = Vec::with_capacity(SECURE_LEN);
        datagram.extend_from_slice(SIGNATURE);
        datagram.push(if self.public_key.is_some() { SECURE } else { PLAIN });
        datagram.extend_from_slice(self.peer.as_bytes());
        datagram.extend_from_slice(&self.port.to_be_bytes());
        datagram.extend(self.public_key.iter().flat_map(PublicKey::as_bytes));
        datagram
    }

    /// Returns whether the sender is leaving the network.
    pub const fn is_goodbye(&self) -> bool {
        self.port == 0
    }
}
