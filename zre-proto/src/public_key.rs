//! The public key of a secure node.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Characters of a key in Z85.
const TEXT_LEN: usize = 40;

const DIGITS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The name of the header in which nodes of the C library tell their key, in Z85.
pub const PUBLIC_KEY_HEADER: &str = "X-PUBLICKEY";

/// The public key that a node has, or is said to have: 32 bytes.
///
/// Here keys are only compared. That the other end of a connection has the secret key is proved in
/// the handshake, and told by [`Input::Proved`](crate::Input::Proved).
///
/// Displayed and parsed in Z85 (RFC 32), as gossip and the header
/// [`X-PUBLICKEY`](PUBLIC_KEY_HEADER) have it.
///
/// ```
/// # use zre_proto::PublicKey;
/// let key: PublicKey = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7".parse()?;
/// assert_eq!(key.as_bytes()[..4], [0x54, 0xfc, 0xba, 0x24]);
/// # Ok::<(), zre_proto::ParseKeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// The text is not a key: 40 characters of Z85.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a public key is 32 bytes in Z85, 40 characters")]
pub struct ParseKeyError;

impl PublicKey {
    /// The key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the text in Z85.
    pub(crate) fn to_z85(self) -> [u8; TEXT_LEN] {
        let mut text = [0; TEXT_LEN];
        for (group, chunk) in text.chunks_exact_mut(5).zip(self.0.as_chunks::<4>().0) {
            let mut value = u32::from_be_bytes(*chunk);
            for character in group.iter_mut().rev() {
                *character = DIGITS[(value % 85) as usize];
                value /= 85;
            }
        }
        text
    }

    /// Reads a text in Z85; `None` if it has another length, another character, or five characters
    /// in a row that stand for more than four bytes hold.
    pub(crate) fn from_z85(text: &[u8]) -> Option<Self> {
        let text: &[u8; TEXT_LEN] = text.try_into().ok()?;
        let mut bytes = [0; 32];
        for (chunk, group) in bytes.chunks_exact_mut(4).zip(text.as_chunks::<5>().0) {
            let mut value = 0_u64;
            for character in group {
                let digit = DIGITS.iter().position(|known| known == character)?;
                value = value * 85 + digit as u64;
            }
            chunk.copy_from_slice(&u32::try_from(value).ok()?.to_be_bytes());
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.to_z85()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_z85(text.as_bytes()).ok_or(ParseKeyError)
    }
}

#[cfg(test)]
mod tests {
    use testkit::{hex, vectors};

    use super::PublicKey;

    #[test]
    fn keys_of_the_vectors_are_written_and_read() {
        for key in vectors::curve()["keys"].as_object().unwrap().values() {
            let text = |field: &str| key[field].as_str().unwrap();
            let key: PublicKey = text("public_z85").parse().unwrap();
            assert_eq!(key.as_bytes()[..], hex::decode(text("public")));
            assert_eq!(key.to_string(), text("public_z85"));
            assert_eq!(format!("{key:?}"), format!("PublicKey({key})"));
        }
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
        for text in ["", &key[1..], &format!("{key}0"), &key.replace('?', "|"), &"#".repeat(40)] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
    }
}
