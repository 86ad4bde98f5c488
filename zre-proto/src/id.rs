//! The identity of a node: one UUID, in the spellings that the protocol uses.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

/// The first byte of every ZRE routing id (RFC 36, "Interconnection Model").
const ROUTING_PREFIX: u8 = 1;

/// Bytes of a ZRE routing id: the prefix and the UUID.
pub const ROUTING_ID_LEN: usize = 17;

/// Identifies a node: a 16-byte UUID.
///
/// On the wire it stands as 16 raw bytes in a beacon and, after a byte of value 1, as the
/// routing id (17 bytes) of the node's links; in elections as 32 upper-case hexadecimal digits.
/// People see 32 lower-case ones.
///
/// ```
/// # use zre_proto::PeerId;
/// let id: PeerId = "a9c4aa78fc2649b7b00db24ba3d37a22".parse()?;
/// assert_eq!(PeerId::from_routing_id(&id.routing_id()), Some(id));
/// assert_eq!(id.to_string(), "a9c4aa78fc2649b7b00db24ba3d37a22");
/// assert_eq!(PeerId::from_upper_hex(&id.to_upper_hex()), Some(id));
/// # Ok::<(), zre_proto::ParseIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId([u8; 16]);

impl PeerId {
    /// The id with these 16 bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id's 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The routing id (ZMTP identity) that a node sets on each of its links: a byte of value 1
    /// and the 16 bytes of the id (RFC 36, "Interconnection Model").
    pub fn routing_id(&self) -> [u8; ROUTING_ID_LEN] {
        let mut routing_id = [ROUTING_PREFIX; ROUTING_ID_LEN];
        routing_id[1..].copy_from_slice(&self.0);
        routing_id
    }

    /// The node behind a routing id, or `None` if this is not the routing id of a ZRE node: any other
    /// length than 17 bytes. The first byte may be any: pyre before July 2016 writes the digit `1`
    /// there, and no other implementation looks at it.
    pub fn from_routing_id(routing_id: &[u8]) -> Option<Self> {
        let (_prefix, id) = routing_id.split_first()?;
        Some(Self(id.try_into().ok()?))
    }

    /// The id as elections write it: 32 upper-case hexadecimal digits.
    pub fn to_upper_hex(&self) -> [u8; 32] {
        let mut digits = [0; 32];
        Uuid::from_bytes(self.0).simple().encode_upper(&mut digits);
        digits
    }

    /// The node whose id elections write like this, or `None` if this is not 32 upper-case
    /// hexadecimal digits.
    pub fn from_upper_hex(digits: &[u8]) -> Option<Self> {
        if digits.len() != 32 || digits.iter().any(u8::is_ascii_lowercase) {
            return None;
        }
        Uuid::try_parse_ascii(digits).ok().map(Self::from)
    }

    /// The name of a node that was given none: the first six hexadecimal digits of its id in
    /// upper case, as the C library does.
    pub fn default_name(&self) -> String {
        let [a, b, c, ..] = self.0;
        format!("{a:02X}{b:02X}{c:02X}")
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Uuid::from_bytes(self.0).simple())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl From<Uuid> for PeerId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid.into_bytes())
    }
}

impl From<PeerId> for Uuid {
    fn from(id: PeerId) -> Self {
        Self::from_bytes(id.0)
    }
}

/// The text is not the id of a node: 32 hexadecimal digits, with or without dashes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a peer id is 32 hexadecimal digits, not {0:?}")]
pub struct ParseIdError(String);

impl FromStr for PeerId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.len() {
            32 | 36 => {
                Uuid::parse_str(text).map(Self::from).map_err(|_| ParseIdError(text.to_owned()))
            }
            _ => Err(ParseIdError(text.chars().take(64).collect())),
        }
    }
}
