//! The public key of a secure node.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::words::{self, KEY_WORDS, WordsError};

/// The public key of a node: its identity on every network and after every restart, as long as it
/// keeps its [`Identity`](crate::Identity).
///
/// Displayed and parsed as 40 characters (Z85, RFC 32), which people can paste. For people who talk to each
/// other there are [`words`](Self::words).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(zmtp::PublicKey);

/// Six words that stand for a [`PublicKey`]: two people can compare them, or one can read them aloud.
///
/// They are 66 bits of a hash of the one key. To find another key with the same words takes 2^66
/// attempts.
///
/// Parsed in upper and lower case; of each word the first four letters are enough.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyWords([u16; KEY_WORDS]);

/// A text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePublicKeyError {
    /// It has another form.
    #[error("a public key has 40 characters, as `zyre keys` shows them")]
    Form,
    /// It is a key that protects nothing: everybody knows what its owner shares with others.
    #[error("this key protects nothing; nobody can have it honestly")]
    Weak,
}

impl PublicKey {
    /// Takes the 32 bytes of a key.
    ///
    /// # Errors
    /// [`ParsePublicKeyError::Weak`].
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, ParsePublicKeyError> {
        zmtp::PublicKey::from_bytes(bytes).map(Self).map_err(|_| ParsePublicKeyError::Weak)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns the six words that stand for the key.
    pub fn words(&self) -> KeyWords {
        let mut hash = Sha256::new();
        hash.update(b"ZRE words");
        hash.update(self.as_bytes());
        KeyWords(words::from_bits(&hash.finalize()))
    }

    pub(crate) const fn of_curve(key: zmtp::PublicKey) -> Self {
        Self(key)
    }

    pub(crate) const fn to_curve(self) -> zmtp::PublicKey {
        self.0
    }
}

impl From<PublicKey> for zre_proto::PublicKey {
    fn from(key: PublicKey) -> Self {
        Self::new(*key.as_bytes())
    }
}

impl TryFrom<zre_proto::PublicKey> for PublicKey {
    type Error = ParsePublicKeyError;

    fn try_from(key: zre_proto::PublicKey) -> Result<Self, Self::Error> {
        Self::from_bytes(*key.as_bytes())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PublicKey {
    type Err = ParsePublicKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Self).map_err(|error| match error {
            zmtp::KeyError::LowOrder => ParsePublicKeyError::Weak,
            _ => ParsePublicKeyError::Form,
        })
    }
}

/// As it is displayed.
#[cfg(feature = "serde")]
impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for KeyWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&words::join(&self.0))
    }
}

impl fmt::Debug for KeyWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyWords({self})")
    }
}

impl FromStr for KeyWords {
    type Err = WordsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        words::read(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyWords, ParsePublicKeyError, PublicKey};

    const TEXT: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

    #[test]
    fn a_key_is_parsed_as_it_is_shown() {
        let key: PublicKey = format!(" {TEXT}\n").parse().unwrap();
        assert_eq!(key.to_string(), TEXT);
        assert_eq!(PublicKey::from_bytes(*key.as_bytes()), Ok(key));
        assert_eq!("rq:rM".parse::<PublicKey>(), Err(ParsePublicKeyError::Form));
        assert_eq!(PublicKey::from_bytes([0; 32]), Err(ParsePublicKeyError::Weak));
        assert_eq!("0".repeat(40).parse::<PublicKey>(), Err(ParsePublicKeyError::Weak));
    }

    #[test]
    fn words_stand_for_one_key() {
        let key: PublicKey = TEXT.parse().unwrap();
        let words = key.words();
        let text = words.to_string();
        assert_eq!(text.split(' ').count(), 6);
        assert_eq!(text.parse::<KeyWords>(), Ok(words));
        let short: Vec<&str> = text.split(' ').map(|word| &word[..word.len().min(4)]).collect();
        assert_eq!(short.join("  ").to_uppercase().parse::<KeyWords>(), Ok(words));
        let mut bytes = *key.as_bytes();
        bytes[31] ^= 1;
        assert_ne!(PublicKey::from_bytes(bytes).unwrap().words(), words);
    }
}
