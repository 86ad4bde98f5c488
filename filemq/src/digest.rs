//! What the content of a file comes to.

use std::fmt;
use std::str::FromStr;

/// A digest of the whole content of a file, by one of two algorithms: SHA-1 is what the protocol
/// names and its other implementations speak, BLAKE3 is what this one uses with its like, for it is
/// safe and faster.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// SHA-1, for peers that know nothing else. Tells versions of a file apart, and is no proof
    /// against somebody who makes two on purpose.
    Sha1([u8; 20]),
    /// BLAKE3.
    Blake3([u8; 32]),
}

/// Which digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1.
    Sha1,
    /// BLAKE3.
    Blake3,
}

/// On the wire: SHA-1 as 40 capital hexadecimal digits, as C FileMQ from 2014 compares it; BLAKE3 as
/// `BLAKE3-` and 64 small ones.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02X}")),
            Self::Blake3(octets) => {
                f.write_str(BLAKE3)?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

const BLAKE3: &str = "BLAKE3-";

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 40 hexadecimal digits, or {BLAKE3} and 64")]
pub struct ParseDigestError;

/// Reads either case of digits.
impl FromStr for Digest {
    type Err = ParseDigestError;
    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        match text.strip_prefix(BLAKE3) {
            Some(digits) => octets(digits).map(Self::Blake3),
            None => octets(text).map(Self::Sha1),
        }
    }
}

fn octets<const N: usize>(digits: &str) -> Result<[u8; N], ParseDigestError> {
    let mut octets = [0; N];
    if digits.len() != 2 * N {
        return Err(ParseDigestError);
    }
    for (octet, pair) in octets.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).ok_or(ParseDigestError);
        let value = digit(pair[0])? * 16 + digit(pair[1])?;
        *octet = u8::try_from(value).map_err(|_| ParseDigestError)?;
    }
    Ok(octets)
}

/// Takes content in pieces.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-1.
    Sha1(Box<sha1::Sha1>),
    /// BLAKE3.
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Of nothing yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(Box::default()),
            Algorithm::Blake3 => Self::Blake3(Box::default()),
        }
    }

    /// More content.
    pub fn update(&mut self, octets: &[u8]) {
        match self {
            Self::Sha1(sha1) => sha1::Digest::update(sha1.as_mut(), octets),
            Self::Blake3(blake3) => {
                blake3.update(octets);
            }
        }
    }

    /// The same with the help of all processors, if the algorithm allows it. Worth it from a megabyte on.
    pub fn update_parallel(&mut self, octets: &[u8]) {
        match self {
            Self::Sha1(_) => self.update(octets),
            Self::Blake3(blake3) => {
                blake3.update_rayon(octets);
            }
        }
    }

    /// The digest of all so far.
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
