//! File digests.

use std::fmt;
use std::str::FromStr;

use crate::hex;

/// A digest of the whole content of a file.
///
/// SHA-1 is what the protocol names and other implementations speak. BLAKE3 is what two sides of
/// this implementation use: it is secure, and faster.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// SHA-1, for peers that know nothing else. It tells versions of a file apart, but does not
    /// protect against deliberate collisions.
    Sha1([u8; 20]),
    /// BLAKE3.
    Blake3([u8; 32]),
}

/// The algorithm of a [`Digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1.
    Sha1,
    /// BLAKE3.
    Blake3,
}

/// The text on the wire: for SHA-1 40 upper-case hexadecimal digits, as C FileMQ compares them
/// since 2014; for BLAKE3 `BLAKE3-` and 64 lower-case ones.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(bytes) => f.write_str(&hex::to_upper_digits(bytes)),
            Self::Blake3(bytes) => {
                f.write_str(BLAKE3)?;
                f.write_str(&hex::to_digits(bytes))
            }
        }
    }
}

const BLAKE3: &str = "BLAKE3-";

impl Digest {
    /// Returns the algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Blake3(_) => Algorithm::Blake3,
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a digest: expected 40 hexadecimal digits, or {BLAKE3} and 64")]
pub struct ParseDigestError;

/// Accepts digits in either case.
impl FromStr for Digest {
    type Err = ParseDigestError;
    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let digest = match text.strip_prefix(BLAKE3) {
            Some(digits) => hex::from_digits(digits).map(Self::Blake3),
            None => hex::from_digits(text).map(Self::Sha1),
        };
        digest.ok_or(ParseDigestError)
    }
}

/// Computes a [`Digest`] of content that comes in pieces.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-1.
    Sha1(Box<sha1::Sha1>),
    /// BLAKE3.
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Creates a hasher of empty content.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(Box::default()),
            Algorithm::Blake3 => Self::Blake3(Box::default()),
        }
    }

    /// Adds content.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sha1) => sha1::Digest::update(sha1.as_mut(), bytes),
            Self::Blake3(blake3) => {
                blake3.update(bytes);
            }
        }
    }

    /// Adds content with the help of all processors, if the algorithm allows it. Worthwhile from a
    /// megabyte on.
    pub fn update_parallel(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(_) => self.update(bytes),
            Self::Blake3(blake3) => {
                blake3.update_rayon(bytes);
            }
        }
    }

    /// Returns the digest of all content so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Sha1(sha1) => Digest::Sha1(sha1::Digest::finalize(sha1.as_ref().clone()).into()),
            Self::Blake3(blake3) => Digest::Blake3(blake3.finalize().into()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1(_) => "Hasher::Sha1",
            Self::Blake3(_) => "Hasher::Blake3",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Digest, Hasher};

    #[test]
    fn known_digests() {
        for (algorithm, of_abc) in [
            (Algorithm::Sha1, "A9993E364706816ABA3E25717850C26C9CD0D89D"),
            (
                Algorithm::Blake3,
                "BLAKE3-6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
            ),
        ] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update_parallel(b"bc");
            assert_eq!(hasher.digest().to_string(), of_abc);
            assert_eq!(of_abc.parse(), Ok(hasher.digest()));
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "A9",
            "BLAKE3-",
            "Ä9993E364706816ABA3E25717850C26C9CD0D89",
            "BLAKE3-A9993E364706816ABA3E25717850C26C9CD0D89D",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
